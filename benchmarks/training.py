"""What each idea in training a reader is worth: makes `benchmarks/training.md`.

    python benchmarks/training.py --base CHECKPOINT --train FILE[=N]… --dev FILE… --work DIR --steps 200

Readers are trained from one checkpoint with one seed on the same files, each with one choice of `spanwise train-reader`
changed, and read the same development questions. What is done is kept in `--work`: a run that was stopped goes on.
Short runs show what an idea does early on, not where a long run ends.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from textwrap import fill
from typing import Any

import numpy as np
import torch
from quality import commit
from quality_table import signed, table, verdict

from qa.cli_train import weighted
from qa.training.base import load
from qa.training.dev import Figures, Found, Sample, choose, figures
from qa.training.recipe import Recipe
from qa.training.run import train_reader

HERE = Path(__file__).resolve().parent
CAREFUL = HERE.parent / "qa" / "models" / "careful"
DRAWS = 400
Measure = Callable[[Figures], float | None]
MEASURES: dict[str, Measure] = {
    "F1 where it must answer": lambda found: found.f1,
    "AUROC of “is it there”": lambda found: None if found.auroc is None else 100 * found.auroc,
    "exact list F1": lambda found: found.lists,
    "mean of the three": lambda found: found.overall,
}
READING = (
    "The first line is the reader trained as `spanwise train-reader` does where nothing is said, with its figures; "
    "each other line differs from it in one thing, and its figures are the differences in points with their paired "
    "95 % interval. All read the texts that questions come with, best span or tagged items, in single precision, "
    "without the rest of the assistant. Runs as short as these tell what an idea does early on, and most of it within "
    "the noise"
)
"""How to read the table."""


@dataclass(frozen=True, slots=True)
class Idea:
    """One change of the recipe; `removes` as for `verdict`: whether it takes an idea away, None where it is neither."""

    name: str
    change: dict[str, Any]
    removes: bool | None


IDEAS = (
    Idea("without short texts first", {"short_until": 0.0}, removes=True),
    Idea("texts neither cropped nor joined later", {"crops": 0.0, "joined": 0.0}, removes=True),
    Idea("no mined negatives", {"negatives": 0.0}, removes=True),
    Idea("no noise in questions", {"noise": 0.0}, removes=True),
    Idea("the first gold answer only", {"first_gold": True}, removes=True),
    Idea("no tagging loss", {"tag_weight": 0.0}, removes=True),
    Idea("start and end as one choice", {"joint": True}, removes=False),
    Idea("passages of a question compete", {"shared_normalisation": True}, removes=False),
    Idea("the mean of the last three looks", {"average": 3, "evaluations": 12, "dev_sample": 60}, removes=False),
    Idea("lists drawn five times as often", {"lists": 5.0}, removes=None),
    Idea("taught by the careful reader", {"teacher": CAREFUL}, removes=None),
    Idea("twice as long", {"steps": 2}, removes=None),
)


def trained(recipe: Recipe, out: Path, options: argparse.Namespace) -> list[list[Found]]:
    """Train, or take what was trained; what its weights find in single precision, set by set."""
    train_reader(recipe, out, say=lambda said: print(f"{out.name}: {said}", file=sys.stderr, flush=True))
    model, tokenizer = load(out / "training"), out / "training" / "tokenizer.json"
    found = []
    for path in options.dev:
        chosen = choose([path], options.documents, options.sample, 0, lambda _: None)
        sample = Sample(chosen, tokenizer, longest=recipe.longest, doc_stride=recipe.doc_stride)
        found += [read for read in [sample.read(model, torch.device("cpu"))] if read is not None]
    return found


def line(idea: Idea, before: Sequence[Sequence[Found]], after: Sequence[Sequence[Found]]) -> list[str]:
    """A row: for each measure the difference with its paired interval, questions drawn again; and what follows."""
    random = np.random.default_rng(0)
    draws = [[random.integers(len(sample), size=len(sample)) for sample in before] for _ in range(DRAWS)]
    one, two = together(before), together(after)
    drawn = [(together(before, draw), together(after, draw)) for draw in draws]
    cells, found, interval = [], None, None  # the last two are those of the last measure, which sums up the others
    for measure in MEASURES.values():
        found = difference(measure, one, two)
        each = [value for pair in drawn if (value := difference(measure, *pair)) is not None]
        interval = np.percentile(each, [2.5, 97.5]).tolist() if each else None
        cells.append(signed(found, interval) or "–")
    return [idea.name, *cells, verdict(found, interval, removes=idea.removes)]


def together(samples: Sequence[Sequence[Found]], draw: Sequence[Any] | None = None) -> Figures:
    """The figures of all samples, or of what was drawn of each."""
    chosen = samples if draw is None else [[s[n] for n in places] for s, places in zip(samples, draw, strict=True)]
    return figures([found for sample in chosen for found in sample])


def difference(measure: Measure, before: Figures, after: Figures) -> float | None:
    old, new = measure(before), measure(after)
    return None if old is None or new is None else new - old


def parts(options: argparse.Namespace) -> Iterator[list[str]]:
    """The rows of the table, each when its reader is trained."""
    recipe = Recipe(
        train=tuple(map(weighted, options.train)),
        base=options.base,
        documents=options.documents,
        steps=options.steps,
        batch_tokens=options.batch_tokens,
        precision="fp32",
        evaluations=0,
        save_every=600.0,
    )
    before = trained(recipe, options.work / "reference", options)
    found = together(before)
    yield [
        "as by default",
        *("–" if (v := measure(found)) is None else f"{v:.1f}" for measure in MEASURES.values()),
        "",
    ]
    for idea in IDEAS:
        change = dict(idea.change)
        if "steps" in change:
            change["steps"] *= options.steps
        if "evaluations" in change:
            change["dev"] = tuple(options.dev)
        after = trained(replace(recipe, **change), options.work / idea.name.replace(" ", "-"), options)
        yield line(idea, before, after)


def head(options: argparse.Namespace, *, made_from: str) -> str:
    """How the table was made, so that it can be made again."""
    made = (
        f"Made by `python benchmarks/training.py` on {datetime.now(UTC).date().isoformat()} from commit {made_from}: "
        f"{options.steps} steps of {options.batch_tokens:,} tokens from {options.base.name}, seed 0, on "
        f"{', '.join(Path(given).name for given in options.train)}; at most {options.sample} "
        f"questions each of {', '.join(path.name for path in options.dev)}. {os.cpu_count()} processor cores, Python "
        f"{platform.python_version()}."
    )
    return "\n\n".join(["# What each idea in training is worth", fill(made, 120), fill(READING + ".", 120)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", type=Path, required=True, help="checkpoint to begin with")
    parser.add_argument("--train", nargs="+", required=True, metavar="FILE[=N]", help="as for spanwise train-reader")
    parser.add_argument("--dev", type=Path, nargs="+", required=True, help="question sets to compare on")
    parser.add_argument("--documents", type=Path, help="where the documents lie that questions name")
    parser.add_argument("--work", type=Path, required=True, help="folder to keep the readers in")
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--batch-tokens", type=int, default=2000)
    parser.add_argument("--sample", type=int, default=500, help="at most so many questions of each set")
    parser.add_argument("--out", type=Path, default=HERE / "training.md")
    options = parser.parse_args()
    heads = ["", *MEASURES, ""]
    rows: list[list[str]] = []
    text = head(options, made_from=commit())  # before hours in which another may be checked out
    for row in parts(options):
        rows.append(row)
        options.out.write_text(f"{text}\n\n{table(heads, rows)}\n", encoding="utf-8")


if __name__ == "__main__":
    main()

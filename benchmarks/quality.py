"""What each idea does to answers, with intervals: makes `benchmarks/quality.md`.

    python benchmarks/quality.py --questions seeds QUESTIONS DATA --documents seeds DOCUMENTS --cache DIR

Development questions are asked of the assistant as shipped and of others that differ from it in one thing. What the
models said is kept in DIR, so a run that was stopped goes on where it was, and one after a change to choosing,
calibration or decisions reads nothing again. `--questions` are folders that hold news_dev.jsonl, uganda_dev.jsonl,
written_dev.jsonl, hard_dev.jsonl, multispan_dev.jsonl and dev.json, each of which may be missing.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from textwrap import fill
from typing import Any

import numpy as np
from quality_cache import KeptEmbedder, KeptReader, Meter, Store
from quality_confidence import confidence_text, row
from quality_retrieval import search_text, skim_text
from quality_sections import SECTIONS, SHIPPED, Section
from quality_sets import POOLS, SETS, Asked, Indexes, Pool, Sets
from quality_table import Line, list_difference, section
from quality_variants import Models, Variant

from index.embed import open_embedder
from qa.assistant import open_readers
from qa.config import Settings
from qa.evaluation import metrics
from qa.evaluation.compare import compare
from qa.evaluation.folder import RunFolder
from qa.evaluation.rows import ask
from qa.evaluation.sources import Source
from qa.reading import builtin
from qa.training.calibrate import Row

HERE = Path(__file__).resolve().parent
EVERY = 8
"""Of the articles' questions, how many are skimmed: every eighth."""
READING = (
    "The first line of a table is the assistant as shipped; each other line differs from it in one thing. “Right” "
    "is lenient (what a person would accept) and counts abstentions: to abstain is right exactly where there is no "
    "answer. Differences are points with their paired 95 % interval (documents drawn again, or questions where "
    "there are few documents); “surely” means that the interval leaves out nought. Rules and thresholds were chosen "
    "on these sets, so levels flatter; differences are what the tables are for. Seconds are of reading alone, "
    "counted from the windows read and what a window of that length takes on this machine"
)
"""How to read the tables."""
_PAUSE = 10.0  # seconds between two lines of progress
_LENGTHS = (32, 128, 256, 384)
_TIMES = 3


class Bench:
    """Asks pools of variants and keeps their rows; see the module."""

    def __init__(self, models: Models, sets: Sets, folder: Path, *, meter: Meter, prices: Prices) -> None:
        self.models, self.sets = models, sets
        self._folder, self._meter, self._prices = folder, meter, prices
        self._indexes = Indexes(models.embedder)
        self._shipped: dict[str, tuple[Path, Line]] = {}

    def lines(self, section: Section) -> Iterator[Line]:
        """The shipped assistant's line and every variant's, each against it."""
        asked = self.sets.pool(POOLS[section.pool])
        if section.pool not in self._shipped:
            self._shipped[section.pool] = self._run(SHIPPED, asked, section.pool)
        base, line = self._shipped[section.pool]
        yield line
        for variant in section.variants:
            folder, found = self._run(variant, asked, section.pool)
            lenient = compare(base, folder).measures["lenient"]
            lists = list_difference(RunFolder(base).rows(), RunFolder(folder).rows())
            yield Line(
                change=found.change,
                metrics=found.metrics,
                seconds=found.seconds,
                difference=lenient.difference,
                interval=lenient.interval,
                lists=lists,
                removes=variant.removes,
            )

    def _run(self, variant: Variant, asked: Sequence[Asked], pool: str) -> tuple[Path, Line]:
        path = self._folder / pool / str(len(list(self._folder.glob(f"{pool}/*"))))
        path.mkdir(parents=True)
        run, seconds = RunFolder(path), []
        with variant.around():
            for done, one in enumerate(asked):
                tell(f"{pool}: {variant.change}", done, len(asked))
                run.append(self.asked(variant, one))
                seconds.append(self._prices.of(self._meter.emptied()))
        found = metrics.compute(run.rows())
        held = [row["retrieved"] for row in run.rows() if row["retrieved"] is not None]
        found["retrieved"] = 100 * sum(held) / len(held) if held else None
        middle, high = np.percentile(seconds, [50, 95])
        return path, Line(change=variant.change, metrics=found, seconds=(float(middle), float(high)))

    def asked(self, variant: Variant, one: Asked) -> dict[str, Any]:
        """One question asked and scored."""
        index = self._indexes.of(one.documents, **variant.passages)
        source = Source(variant.make(self.models, index), one.subject)
        return ask(replace(one.question, turns=variant.turns(one)), source)

    def calibration_rows(self, pool: Pool) -> list[Row]:
        """What calibration sees of the shipped assistant's answers."""
        rows, asked = [], self.sets.pool(pool)
        for done, one in enumerate(asked):
            tell("confidence", done, len(asked))
            found = row(one, SHIPPED.make(self.models, self._indexes.of(one.documents)))
            rows += [found] if found is not None else []
        return rows


class Prices:
    """What reading a window of so many tokens costs, the least of a few trials, readers in turn.

    Windows were read at different times on a machine that may have been busy; this makes their times comparable.
    """

    def __init__(self, readers: Sequence[KeptReader]) -> None:
        taken = {
            (reader.name, tokens): min(reader.seconds(tokens) for _ in range(_TIMES))
            for tokens in _LENGTHS
            for reader in readers
        }
        self._by_name = {reader.name: [taken[reader.name, tokens] for tokens in _LENGTHS] for reader in readers}

    def of(self, windows: Sequence[tuple[str, int]]) -> float:
        """Seconds for these windows, one after the other."""
        return float(sum(np.interp(tokens, _LENGTHS, self._by_name[name]) for name, tokens in windows))


def parts(options: argparse.Namespace, store: Store, scratch: Path) -> Iterator[str]:
    """The text, part by part: sections in their order, or only the one named. Rows lie in `scratch` meanwhile."""
    settings = Settings.from_environment()
    meter = Meter()
    small, careful = (KeptReader(builtin.MODELS / kind, store, meter=meter) for kind in ("small", "careful"))
    embedder = KeptEmbedder(open_embedder(cache_dir=settings.cache_dir), store)
    models = Models(
        small=small,
        careful=careful,
        embedder=embedder,
        calibrations={"quick": open_readers(Settings(depth="quick"))[1], "careful": open_readers(Settings())[1]},
    )
    sets = Sets(questions=options.questions, documents=options.documents, sample=options.sample)
    bench = Bench(models, sets, scratch, meter=meter, prices=Prices([small, careful]))
    yield head(options, sets, models)
    for name, section_ in SECTIONS.items():
        if options.only in (None, name) and sets.pool(POOLS[section_.pool]):
            lines = list(bench.lines(section_))
            yield section(section_.title, POOLS[section_.pool].title, section_.tells, lines)
    if options.only in (None, "confidence"):
        yield confidence_text(bench.calibration_rows(POOLS["all"]), models.calibrations["careful"])
    if options.only in (None, "search") and sets.all("articles"):
        asked = sets.all("articles")
        yield from (search_text(asked, embedder, together=together, told=tell) for together in (False, True))
    if options.only in (None, "skim") and sets.all("articles"):
        yield skim_text(sets.all("articles")[::EVERY], embedder, small, told=tell)


def head(options: argparse.Namespace, sets: Sets, models: Models) -> str:
    """How the table was made, so that it can be made again."""
    asked = {name: (len(sets.pool(Pool(title="", sets=(name,)))), len(sets.all(name))) for name in SETS}
    counts = ", ".join(f"{name} {some:,} of {every:,}" for name, (some, every) in asked.items() if every)
    made, cores, load = datetime.now(UTC).date().isoformat(), os.cpu_count() or 1, os.getloadavg()[0]
    busy = f"; it was busy (load {load:.0f}), compare them with each other only" if load > cores else ""
    made_by = (
        f"Made by `python benchmarks/quality.py` on {made} from commit {commit()}, with {models.small.name} and "
        f"{models.careful.name}, {cores} processor cores, Python {platform.python_version()}. Development sets, every "
        f"nth question, at most {options.sample} of a set for each table: {counts}. “articles” are the articles of "
        "dev.json whole, “together” is the written set asked of all its documents at once."
    )
    return "\n\n".join(["# What each idea does to answers", fill(made_by, 120), fill(READING + busy, 120)]) + ".\n"


def commit() -> str:
    """The commit that is checked out, and whether code differs from it."""

    def git(*arguments: str) -> str:
        done = subprocess.run(["git", *arguments], capture_output=True, text=True, cwd=HERE, check=False)
        return done.stdout.strip()

    changed = git("status", "--porcelain", "--", "../qa", "../index")
    return (git("rev-parse", "--short", "HEAD") or "unknown") + (" with changes" if changed else "")


class _Teller:
    """Tells on standard error what is being done, how far it is and how long that will take."""

    def __init__(self) -> None:
        self._what, self._began, self._told = "", 0.0, 0.0

    def __call__(self, what: str, done: int, total: int) -> None:
        now = time.monotonic()
        if what != self._what:
            self._what, self._began, self._told = what, now, 0.0
        if now - self._told < _PAUSE:
            return
        self._told = now
        left = (now - self._began) / done * (total - done) if done else None
        ready = "" if left is None else f", {left:.0f} s left"
        print(f"{what}: {done} of {total}{ready}", file=sys.stderr, flush=True)


tell = _Teller()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--questions", type=Path, nargs="+", required=True, help="folders that hold question sets")
    parser.add_argument("--documents", type=Path, nargs="+", required=True, help="folders of the documents they name")
    parser.add_argument("--cache", type=Path, required=True, help="folder to keep what the models said")
    parser.add_argument("--sample", type=int, default=100, help="ask at most so many questions of each set")
    parser.add_argument(
        "--only", choices=[*SECTIONS, "confidence", "search", "skim"], help="one table, on standard output"
    )
    parser.add_argument("--out", type=Path, default=HERE / "quality.md")
    options = parser.parse_args()
    store = Store(options.cache)
    unfinished = options.out.with_suffix(".new")
    try:
        with tempfile.TemporaryDirectory() as scratch:
            text = ""
            for part in parts(options, store, Path(scratch)):
                text += ("\n" if text else "") + part
                unfinished.write_text(text, encoding="utf-8")  # what there is, for whoever waits
    finally:
        store.close()
    if options.only is None:
        unfinished.replace(options.out)
    else:
        unfinished.unlink()
        print(text)


if __name__ == "__main__":
    main()

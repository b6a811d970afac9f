"""`spanwise train-reader`: options in, a reader's folder out, with a line or a bar on the way."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.console import Console

from qa.cli_options import say, warn
from qa.cli_text import safe

if TYPE_CHECKING:
    from qa.evaluation.types import Problem
    from qa.training.dev import Figures
    from qa.training.telling import Tell, Told

app = typer.Typer()

_TELL_SECONDS = 15.0  # often enough to see that it goes on, seldom enough for a night's log
_SHOWN_PROBLEMS = 10


def _share(told: str) -> Any:
    return typer.Option(metavar="SHARE", min=0.0, max=1.0, help=told)


@app.command("train-reader")
def train_reader(
    train: Annotated[
        list[str],
        typer.Option(
            "--train",
            metavar="FILE[=N]",
            help="A question file, SQuAD .json or .jsonl, drawn N times as often as one without; may be repeated.",
        ),
    ],
    base: Annotated[
        Path,
        typer.Option(
            metavar="DIR",
            help="What to begin with: an encoder or checkpoint of transformers, an earlier --out, or a shipped reader "
            "such as qa/models/careful.",
        ),
    ],
    out: Annotated[Path, typer.Option(metavar="DIR", help="The folder for the reader.")],
    dev: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="A question file to look at on the way; may be repeated.")
    ] = None,
    steps: Annotated[int | None, typer.Option(metavar="N", min=1, help="Train this many steps.")] = None,
    minutes: Annotated[float | None, typer.Option(metavar="M", help="Or train this long, on the clock.")] = None,
    teacher: Annotated[
        Path | None, typer.Option(metavar="DIR", help="A larger reader to learn from, of any kind that --base takes.")
    ] = None,
    documents: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where the documents lie that questions name.")
    ] = None,
    tokenizer: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where tokenizer.json lies, if not in --base.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="The reader's name; as a rule that of --out.")] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Start anew where --out holds a run.")] = False,
    seed: Annotated[int, typer.Option(help="The same seed gives the same weights.")] = 0,
    threads: Annotated[int | None, typer.Option(metavar="N", min=1, help="Processor cores to use.")] = None,
    workers: Annotated[int, typer.Option(metavar="N", min=0, help="Processes that make batches; 0 for none.")] = 0,
    device: Annotated[Literal["auto", "cpu", "cuda"], typer.Option(help="Where to train.")] = "auto",
    precision: Annotated[
        Literal["auto", "fp32", "bf16"], typer.Option(help="auto takes what a short trial finds faster.")
    ] = "auto",
    lr: Annotated[float, typer.Option(help="The highest learning rate; it falls to nought.")] = 5e-5,
    batch_tokens: Annotated[int, typer.Option(metavar="N", help="Tokens a step.")] = 4000,
    save_every: Annotated[float, typer.Option(metavar="MINUTES", help="How often to save.")] = 10,
    evaluations: Annotated[int, typer.Option(metavar="N", min=0, help="How often to look at --dev.")] = 8,
    dev_sample: Annotated[int, typer.Option(metavar="N", min=1, help="Questions of --dev to look at.")] = 200,
    longest: Annotated[int, typer.Option(metavar="TOKENS", help="The longest window, question included.")] = 384,
    doc_stride: Annotated[int, typer.Option(metavar="TOKENS", help="What neighbouring windows share.")] = 128,
    short_until: Annotated[float, _share("Crop every text until then, as a share of the run.")] = 0.4,
    round_from: Annotated[float, _share("Compute in 8 bits from then on, as the result does.")] = 0.78,
    crop: Annotated[tuple[int, int], typer.Option(metavar="MIN MAX", help="Tokens of a cropped text.")] = (50, 200),
    crops: Annotated[float, _share("Texts cropped after the first stage.")] = 0.35,
    joined: Annotated[float, _share("Texts with the passage before or after.")] = 0.2,
    negatives: Annotated[
        float, _share("Questions put to another passage of their article that shares their words.")
    ] = 0.13,
    noise: Annotated[float, _share("Questions also asked misspelt, as keywords or behind another.")] = 0.25,
    lists: Annotated[float, typer.Option(metavar="N", help="How many times as often lists are drawn.")] = 1,
    tag_weight: Annotated[float, typer.Option(metavar="W", help="The tags' loss beside that of spans.")] = 0.12,
    taught: Annotated[float, _share("How much of the loss is the teacher's.")] = 0.7,
    any_gold: Annotated[
        bool,
        typer.Option(
            "--any-gold/--first-gold", help="Whether every gold answer is right, or only the first in the text."
        ),
    ] = True,
    joint: Annotated[bool, typer.Option("--joint", help="Take start and end of a span as one choice.")] = False,
    shared_normalisation: Annotated[
        bool,
        typer.Option("--shared-normalisation", help="Put --negatives beside the right passage, and let them compete."),
    ] = False,
    title: Annotated[
        bool, typer.Option("--title", help="Put an article's title before its text; reading does not, yet.")
    ] = False,
    average: Annotated[
        int, typer.Option(metavar="N", min=0, help="Average the N best evaluations of the last stage.")
    ] = 0,
) -> None:
    """Train a reader from question files to the 8-bit folder that answers questions.

    The same command goes on where it was stopped, by Ctrl+C or by anything else; what is needed for that, the log and
    its curves are in the folder `training` of --out. Needs some gigabytes of disk.
    """
    from qa.training.recipe import Recipe
    from qa.training.run import train_reader as run

    try:
        recipe = Recipe(
            train=tuple(map(weighted, train)), dev=tuple(dev or ()), base=base, teacher=teacher, documents=documents,
            tokenizer=tokenizer, steps=steps, minutes=minutes, lr=lr, batch_tokens=batch_tokens, seed=seed,
            threads=threads, workers=workers, device=device, precision=precision, longest=longest,
            doc_stride=doc_stride, short_until=short_until, round_from=round_from, crop=crop, crops=crops,
            joined=joined, negatives=negatives, noise=noise, lists=lists, tag_weight=tag_weight, taught=taught,
            first_gold=not any_gold, joint=joint, shared_normalisation=shared_normalisation, title=title,
            average=average, evaluations=evaluations, dev_sample=dev_sample, save_every=save_every,
            name=name or out.resolve().name,
        )  # fmt: skip
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    left_out = 0

    def on_problem(problem: Problem) -> None:
        nonlocal left_out
        left_out += 1
        if left_out <= _SHOWN_PROBLEMS:
            _err(f"left out: {problem}")

    with _told() as tell:
        done = run(recipe, out, fresh=fresh, tell=tell, say=_err, on_problem=on_problem)
    if left_out > _SHOWN_PROBLEMS:
        _err(f"{left_out} questions were left out in all")
    if done.stopped is not None:
        _err(f"stopped and saved at step {done.steps}: the same command goes on")
        raise typer.Exit(128 + done.stopped)
    say(f"{safe(str(out))}: {done.examples} examples in {done.steps} steps, in {done.precision}")


def weighted(given: str) -> tuple[Path, float]:
    """`FILE=N` as a file and a number; a file may have an equals sign in its name."""
    path, equals, weight = given.rpartition("=")
    try:
        return (Path(path), float(weight)) if equals and not Path(given).exists() else (Path(given), 1.0)
    except ValueError:
        return Path(given), 1.0


def _err(line: str) -> None:
    warn(safe(line))


@contextmanager
def _told() -> Iterator[Tell]:
    """A bar for people, a line now and then for anything else, both on standard error."""
    if not sys.stderr.isatty():
        last = time.monotonic() - _TELL_SECONDS

        def line(told: Told) -> None:
            nonlocal last
            if told.figures is not None:
                _err(f"step {told.step}, {_looked(told.figures)}")
            elif time.monotonic() - last >= _TELL_SECONDS:
                last = time.monotonic()
                _err(f"{_doing(told)}, {100 * told.passed:.1f} %, {_left(told.left)}")

        yield line
        return
    from rich.progress import BarColumn, Progress, TextColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:.1f} %"),
        TextColumn("{task.fields[left]}"),
    )
    with Progress(*columns, console=Console(stderr=True, highlight=False), transient=True) as bar:
        task = bar.add_task("", total=1.0, left="", visible=False)

        def step(told: Told) -> None:
            if told.figures is not None:
                bar.console.print(f"step {told.step}, {_looked(told.figures)}", markup=False)
            bar.update(task, description=_doing(told), completed=told.passed, left=_left(told.left), visible=True)

        yield step


def _doing(told: Told) -> str:
    from qa.training.recipe import STAGES

    loss = "" if told.loss is None else f", loss {told.loss:.3f}"
    return f"step {told.step} ({STAGES.get(told.stage, told.stage)}){loss}, {told.rate:.1f} examples/s"


def _looked(figures: Figures) -> str:
    named = (
        ("F1", figures.f1, 1), ("exact", figures.exact, 1), ("AUROC", figures.auroc, 3), ("lists", figures.lists, 1),
    )  # fmt: skip
    found = ", ".join(f"{label} {value:.{digits}f}" for label, value, digits in named if value is not None)
    return f"{figures.questions} development questions: {found or 'nothing to measure'}"


def _left(seconds: float) -> str:
    if not isfinite(seconds):
        return ""
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60:02d} min left" if minutes >= 60 else f"{minutes} min left"

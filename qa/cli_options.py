"""What several commands share: options, the settings they make, and what is told on the way."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from qa.config import Depth, Settings

DepthOption = Annotated[Depth | None, typer.Option(help="How much reading a question gets.")]
ThresholdOption = Annotated[
    float | None, typer.Option(metavar="P", help="The least confidence to answer with, 0 to 1.")
]
RiskOption = Annotated[
    float | None,
    typer.Option(metavar="P", help="The greatest share of wrong answers, such as 0.05; sets the threshold."),
]
CalibrationOption = Annotated[
    Path | None, typer.Option(metavar="FILE", help="What scores mean, as written by `spanwise calibrate`.")
]
DocumentsOption = Annotated[
    Path | None, typer.Option(metavar="DIR", help="Where the documents lie that questions name.")
]
AskedIndexOption = Annotated[Path | None, typer.Option(metavar="DIR", help="A folder made by `spanwise index`.")]


def settings_from(**given: Any) -> Settings:
    """The environment's settings with the options given on the command line; a bad value is a usage error."""
    try:
        return replace(
            Settings.from_environment(), **{name: value for name, value in given.items() if value is not None}
        )
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def check_asked(documents: Path | None, index: Path | None) -> None:
    """Refuse a folder of documents beside an index, or one that is not there."""
    if documents is not None and index is not None:
        raise typer.BadParameter("name a folder of documents or an index, not both")
    if documents is not None and not documents.is_dir():
        raise typer.BadParameter(f"--documents is {str(documents)!r}, which is no folder")


def say(text: str) -> None:
    Console(highlight=False).print(text, markup=False, soft_wrap=True)


def warn(line: str) -> None:
    Console(stderr=True, highlight=False).print(line, markup=False, soft_wrap=True)


@contextmanager
def progress_bar(doing: str) -> Iterator[Callable[[int, int], None] | None]:
    """A bar with rate and time left on standard error, for people only."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    rate = TextColumn("{task.fields[rate]}")
    columns = (TextColumn(doing), BarColumn(), MofNCompleteColumn(), rate, TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None, rate="")

        def step(done: int, total: int) -> None:
            speed = bar.tasks[0].finished_speed or bar.tasks[0].speed
            bar.update(task, completed=done, total=total, rate=f"{speed:.1f} a second" if speed else "")

        yield step

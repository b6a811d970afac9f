"""`spanwise evaluate` and `spanwise compare`: options in, short tables out."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from qa.cli_options import (
    AskedIndexOption,
    CalibrationOption,
    DepthOption,
    DocumentsOption,
    RiskOption,
    ThresholdOption,
    check_asked,
    progress_bar,
    say,
    settings_from,
    warn,
)
from qa.cli_text import safe

if TYPE_CHECKING:
    from qa.evaluation.run import Report

app = typer.Typer()

_SHOWN_PROBLEMS = 10


@app.command()
def evaluate(
    questions: Annotated[
        list[Path], typer.Argument(metavar="QUESTIONS", help="Question files: .jsonl, SQuAD .json, .csv, .tsv.")
    ],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="The folder for predictions, figures and report.")],
    documents: DocumentsOption = None,
    index: AskedIndexOption = None,
    scope: Annotated[
        Literal["paragraph", "article"], typer.Option(help="What counts as the document of a SQuAD question.")
    ] = "paragraph",
    depth: DepthOption = None,
    threshold: ThresholdOption = None,
    risk: RiskOption = None,
    calibration: CalibrationOption = None,
    together: Annotated[
        bool, typer.Option("--together", help="Ask all documents at once, not the one that a question names.")
    ] = False,
    given_passage: Annotated[
        bool, typer.Option("--given-passage", help="Also ask the reader with nothing but the right passage.")
    ] = False,
    limit: Annotated[int | None, typer.Option(metavar="N", min=1, help="Ask the first N questions only.")] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Start anew where the folder holds a run.")] = False,
    fail_under: Annotated[
        list[str] | None,
        typer.Option("--fail-under", metavar="NAME=N", help="Exit with 1 when a figure is lower; may be repeated."),
    ] = None,
) -> None:
    """Ask sets of questions, and measure how right, how complete and how honest the answers are.

    Documents that questions name are looked for in --documents, by default beside the question file. A run that was
    interrupted goes on where it stopped.
    """
    check_asked(documents, index)
    if together and documents is None and index is None:
        raise typer.BadParameter("--together needs --documents or --index: which are all documents?")
    floors = _floors(fail_under or [])
    settings = settings_from(depth=depth, threshold=threshold, risk=risk, calibration=calibration)
    from qa.assistant import Assistant
    from qa.evaluation.run import Library
    from qa.evaluation.run import evaluate as run

    assistant = None if index is None else Assistant.from_index(index, settings=settings)
    with progress_bar("Asking") as progress:
        report = run(
            Library(assistant, folder=documents, settings=settings, together=together), questions, out,
            scope=scope, limit=limit, given=given_passage, fresh=fresh, command=_command(), progress=progress,
        )  # fmt: skip
    _show(report)
    failed = _below(report.metrics, floors)
    if failed or report.lost:
        raise typer.Exit(1)


def _command() -> str:
    import shlex

    return "spanwise " + shlex.join(sys.argv[1:])


def _floors(given: Sequence[str]) -> dict[str, float]:
    floors = {}
    for one in given:
        name, equals, number = one.partition("=")
        try:
            floors[name.strip()] = float(number)
        except ValueError:
            equals = ""
        if not equals or not name.strip():
            raise typer.BadParameter(f"--fail-under is {one!r}: say a figure and a number, such as f1=80")
    return floors


def _below(metrics: Mapping[str, Any], floors: Mapping[str, float]) -> bool:
    failed = False
    for name, floor in floors.items():
        value: Any = metrics
        for part in name.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise typer.BadParameter(f"--fail-under names {name!r}, which is no figure of this run's metrics.json")
        if value < floor:
            failed = True
            warn(f"{safe(name)} is {value:.2f}, below {floor:g}")
    return failed


def _show(report: Report) -> None:
    from qa.evaluation.tell import run_text

    say(run_text(report.metrics, report.seconds))
    say(f"Written to {safe(str(report.folder))}")
    for problem in report.problems[:_SHOWN_PROBLEMS]:
        warn(f"left out: {safe(str(problem))}" if problem.lost else f"used without its place: {safe(str(problem))}")
    if len(report.problems) > _SHOWN_PROBLEMS:
        warn(f"and {len(report.problems) - _SHOWN_PROBLEMS} more, in run.json")
    for warning in report.metrics["warnings"]:
        warn(f"warning: {safe(warning)}")


@app.command()
def compare(
    run_a: Annotated[Path, typer.Argument(metavar="RUN_A", help="The folder of the earlier run.")],
    run_b: Annotated[Path, typer.Argument(metavar="RUN_B", help="The folder of the later run.")],
    show: Annotated[int, typer.Option(metavar="N", min=0, help="Questions won and lost to show of each.")] = 10,
    json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
    fail_on_regression: Annotated[
        bool, typer.Option("--fail-on-regression", help="Exit with 1 when lenient or f1 is surely worse.")
    ] = False,
) -> None:
    """Compare two runs, question by question: what RUN_B won and lost, and how sure the difference is.

    A difference is sure when its 95 % interval lies on one side of nought.
    """
    from qa.evaluation.compare import compare as between
    from qa.evaluation.tell import comparison_json, comparison_text

    found = between(run_a, run_b)
    if json:
        say(comparison_json(found))
    else:
        say(comparison_text(found, show=show, safe=safe))
    if fail_on_regression and found.regressed:
        warn(f"worse in {' and '.join(found.regressed)}")
        raise typer.Exit(1)

"""`spanwise calibrate`: questions with known answers in, what a reader's scores mean out."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from qa.cli_options import (
    AskedIndexOption,
    DepthOption,
    DocumentsOption,
    check_asked,
    progress_bar,
    say,
    settings_from,
    warn,
)
from qa.cli_text import safe

if TYPE_CHECKING:
    from qa.training.calibrate import Fitted

app = typer.Typer()

_RISKS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3)
_SHOWN_PROBLEMS = 10


@app.command()
def calibrate(
    questions: Annotated[
        list[Path], typer.Argument(metavar="QUESTIONS", help="Question files with answers, unanswerable ones too.")
    ],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The calibration to write.")],
    documents: DocumentsOption = None,
    index: AskedIndexOption = None,
    depth: DepthOption = None,
    risk: Annotated[
        float | None, typer.Option(metavar="P", help="The greatest share of wrong answers; exits with 1 if not kept.")
    ] = None,
    how: Annotated[
        Literal["auto", "refit", "rescale"],
        typer.Option(help="A new fit needs some 300 questions; fewer move and stretch what the reader brings."),
    ] = "auto",
    every: Annotated[int, typer.Option(metavar="N", min=1, help="Read every Nth question only.")] = 1,
    fresh: Annotated[bool, typer.Option("--fresh", help="Read all questions anew.")] = False,
) -> None:
    """Learn from questions of your own what confidence means, and which threshold keeps wrong answers rare.

    Use the file with --calibration, and with --risk for a stated risk. What was read is kept beside it, so that a run
    that was stopped goes on and another risk costs nothing.
    """
    check_asked(documents, index)
    if risk is not None and not 0 < risk < 1:
        raise typer.BadParameter(f"--risk is {risk!r}: a share between 0 and 1 is needed, such as 0.05")
    settings = replace(settings_from(depth=depth), threshold=None, risk=None)
    from qa.assistant import Assistant
    from qa.calibrate import FEATURES
    from qa.evaluation.run import Library
    from qa.training.calibrate import Rows, calibrated, to_json
    from qa.training.reading import Kept, read_all

    if index is None:
        models = Assistant.from_documents([], settings=settings)
        library = Library(folder=documents, models=models)
    else:
        models = Assistant.from_index(index, settings=settings)
        library = Library(models)
    key = {
        "reader": models.names["reader"],
        "features": list(FEATURES),
        "index": None if index is None else str(index.resolve()),
        "documents": None if documents is None else str(documents.resolve()),
    }
    kept = Kept(out.with_name(out.name + ".read.jsonl"), key=key, fresh=fresh)
    with progress_bar("Reading") as progress:
        rows, problems = read_all(library, questions, kept, every=every, progress=progress)
    for problem in problems[:_SHOWN_PROBLEMS]:
        warn(f"left out: {safe(str(problem))}")
    if len(problems) > _SHOWN_PROBLEMS:
        warn(f"and {len(problems) - _SHOWN_PROBLEMS} more left out")
    fitted = calibrated(Rows.of(rows), models.calibration, how=None if how == "auto" else how)
    out.write_text(json.dumps(to_json(fitted, sets=[q.name for q in questions]), indent=2) + "\n", encoding="utf-8")
    _show(fitted, out)
    if risk is not None:
        fitted.calibration.threshold_for(risk)  # raises where no threshold keeps it


def _show(fitted: Fitted, out: Path) -> None:
    figures: dict[str, Any] = fitted.figures
    way = "fitted anew" if fitted.how == "refit" else "moved and stretched from what the reader brings"
    say(f"{figures['questions']} questions on {figures['documents']} documents; {way}; measured on held-out ones:")
    for name, value in figures.items():
        if name not in ("questions", "documents"):
            say(f"  {name:34}{'–' if value is None else format(value, '.3f')}")
    say("Wrong answers at most, in nine of ten calibrations like this, and the threshold that keeps them there:")
    from qa.errors import CalibrationError

    by_threshold = {row.threshold: asdict(row) for row in fitted.calibration.risks}
    for risk in _RISKS:
        try:
            threshold = fitted.calibration.threshold_for(risk)
        except CalibrationError:
            say(f"  {100 * risk:4.0f} %   not to be had")
            continue
        row = by_threshold[threshold]
        share = row["answered"] / max(1, figures["questions"])
        say(
            f"  {100 * risk:4.0f} %   threshold {threshold:.2f}: {100 * share:.0f} % answered, "
            f"{row['wrong']} of {row['answered']} wrong"
        )
    say(f"Written to {safe(str(out))}")

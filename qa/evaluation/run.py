"""`evaluate`: question sets through an assistant to a folder of predictions and figures."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from qa.assistant import Assistant
from qa.errors import QuestionError
from qa.evaluation import exports, metrics
from qa.evaluation.errors import QuestionSetError
from qa.evaluation.fields import FieldError
from qa.evaluation.folder import RunFolder, checksum, to_json
from qa.evaluation.given import given_passage
from qa.evaluation.questions import read_questions
from qa.evaluation.report import write_report
from qa.evaluation.retrieval import ranking
from qa.evaluation.rows import ask
from qa.evaluation.sources import Asker, Library, Source
from qa.evaluation.types import Alternative, Place, Problem, Question, Scope

Progress = Callable[[int, int], None]
_TOLD_DOCUMENTS = 200
_TOLD = 1_000  # problems kept in memory; all are counted
_LIBRARIES = ("faiss-cpu", "numpy", "onnxruntime", "tokenizers")


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a run found. `metrics` is what `metrics.json` holds; `seconds` what `run.json` says of time."""

    folder: Path
    metrics: Mapping[str, Any]
    seconds: Mapping[str, Any]
    problems: tuple[Problem, ...]
    lost: int


def evaluate(
    assistant: Asker | Library,
    questions: str | Path | Sequence[str | Path],
    out: str | Path,
    *,
    scope: Scope = "paragraph",
    limit: int | None = None,
    given: bool = False,
    fresh: bool = False,
    command: str | None = None,
    progress: Progress | None = None,
) -> Report:
    """Ask every question of the files, score the answers and leave everything in the folder `out`.

    A run that was interrupted goes on where it stopped when called again in the same way; `fresh` starts anew. `given`
    asks every answerable question once more of the passage that holds its answer, to tell the reader from the rest.
    `progress(done, total)` is called after every question. Questions are asked one at a time, in their order, and an
    answer depends on its own question only.

    Raises: `QuestionSetError`, `RunError`, or what the assistant raises when it cannot work at all. A question that it
    refuses, or whose document cannot be had, is a problem of the row and told in the report.
    """
    library = assistant if isinstance(assistant, Library) else Library(assistant)
    paths = [Path(path) for path in ([questions] if isinstance(questions, str | Path) else questions)]
    problems = _Problems()
    total = _count(paths, scope, limit, problems)
    folder = RunFolder(Path(out))
    identity = {
        "questions": [{"file": path.name, "sha256": checksum(path)} for path in paths],
        "scope": scope,
        "limit": limit,
        "together": library.together,
        "given": given,
        "settings": _settings(library),
    }
    done = folder.begin(identity, fresh=fresh)
    began, fresh_rows = time.perf_counter(), 0
    for number, question in enumerate(islice(read_questions(paths, scope=scope), limit), start=1):
        if question.id not in done:
            try:
                source = library.source(question)
                if not fresh_rows:
                    folder.models_are({**getattr(library.models, "names", {}), "threshold": _threshold(library)})
                placed, misplaced = _checked(question, source)
                passage = given_passage(placed, source) if given else None
                folder.append({**ask(placed, source), "misplaced": misplaced, "given": passage})
                fresh_rows += 1
            except FieldError as error:
                problems.add(_problem(question, error.field, str(error)))
            except QuestionError as error:
                problems.add(_problem(question, "question", f"was not accepted: {error}"))
        if progress is not None:
            progress(number, total)
    for row in folder.rows():
        for field in row["misplaced"]:
            name = f"{row['id']}: {field}"
            message = "is not where the document has that text"
            problems.add(Problem(file=row["file"], line=row["line"], field=name, message=message, lost=False))
    found = metrics.compute(folder.rows())
    found["retrieval"] = ranking(folder.rows())
    found["given_passage"] = metrics.given_passage(folder.rows())
    found["warnings"] = [*found["warnings"], *problems.summary()]
    seconds = _seconds(folder.rows(), wall=time.perf_counter() - began, asked=fresh_rows)
    folder.write("metrics.json", to_json(found))
    exports.write_squad(folder)
    exports.write_csv(folder)
    folder.finish(
        command=command,
        versions=_versions(),
        made=datetime.now(UTC).date().isoformat(),
        documents=_documents(folder.rows()),
        seconds=seconds,
        problems=[str(problem) for problem in problems.told],
        lost=problems.lost,
    )
    write_report(folder)
    return Report(folder=folder.path, metrics=found, seconds=seconds, problems=tuple(problems.told), lost=problems.lost)


class _Problems:
    """What could not be used; the first thousand are kept, all are counted."""

    def __init__(self) -> None:
        self.told: list[Problem] = []
        self.lost = 0
        self.kept = 0

    def add(self, problem: Problem) -> None:
        if len(self.told) < _TOLD:
            self.told.append(problem)
        if problem.lost:
            self.lost += 1
        else:
            self.kept += 1

    def summary(self) -> Iterator[str]:
        if self.lost:
            yield f"{self.lost} row{'s' * (self.lost > 1)} could not be used; run.json says which and why"
        if self.kept:
            yield f"{self.kept} place{'s' * (self.kept > 1)} could not be used, so words alone count; see run.json"


def _count(paths: Sequence[Path], scope: Scope, limit: int | None, problems: _Problems) -> int:
    """How many questions there are; reading them once first also finds every bad row before the long work."""
    if limit is not None and limit < 1:
        raise ValueError(f"limit is {limit}: at least 1 question is needed")
    total = sum(1 for _ in islice(read_questions(paths, scope=scope, on_problem=problems.add), limit))
    if not total:
        why = f" ({problems.told[0]})" if problems.told else ""
        raise QuestionSetError(f"there is no question that can be asked in {', '.join(map(str, paths))}{why}")
    return total


def _checked(question: Question, source: Source) -> tuple[Question, list[str]]:
    """The question without the places whose text is not what stands there, and the fields of these."""
    document = source.subject.document
    if document is None:
        return question, []
    bad: list[str] = []

    def check(place: Place, field: str) -> Place:
        if place.start is None or document.text[place.start : place.end] == place.text:
            return place
        bad.append(field)
        return Place(text=place.text)

    answers = tuple(
        Alternative(
            spans=tuple(check(span, f"answers[{i}].spans[{j}].start") for j, span in enumerate(one.spans)),
            aliases=one.aliases,
        )
        for i, one in enumerate(question.answers)
    )
    evidence = tuple(check(place, f"evidence[{i}].start") for i, place in enumerate(question.evidence))
    return (replace(question, answers=answers, evidence=evidence) if bad else question), bad


def _problem(question: Question, field: str, message: str) -> Problem:
    if question.line is None:
        field = f"{question.id}: {field}"
    return Problem(file=question.file, line=question.line, field=field, message=message)


def _settings(library: Library) -> dict[str, Any]:
    settings = library.settings
    names = ("depth", "threshold", "risk", "top_k", "embedder", "reader")
    own = settings.calibration
    return {**{name: getattr(settings, name) for name in names}, "calibration": None if own is None else checksum(own)}


def _threshold(library: Library) -> float | None:
    return getattr(library.models, "threshold", None)


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version(), "machine": platform.machine()}
    for name in ("spanwise", *_LIBRARIES):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _documents(rows: Iterator[Mapping[str, Any]]) -> dict[str, str]:
    """The checksums of the documents asked, at most two hundred; a set's own texts are in its file."""
    found: dict[str, str] = {}
    for row in rows:
        if row["document"] and row["sha256"] and row["line"] is not None and len(found) < _TOLD_DOCUMENTS:
            found[row["document"]] = row["sha256"]
    return found


def _seconds(rows: Iterator[Mapping[str, Any]], *, wall: float, asked: int) -> dict[str, Any]:
    """Median and 95th percentile of a question, whole and by stage; how many were asked in how long just now."""
    by_stage: dict[str, list[float]] = {}
    for row in rows:
        for stage, seconds in (*row["seconds"].items(), ("question", sum(row["seconds"].values()))):
            by_stage.setdefault(stage, []).append(seconds)
    whole = by_stage.pop("question", [])
    return {
        "question": _percentiles(whole),
        "by_stage": {stage: _percentiles(values) for stage, values in by_stage.items()},
        "wall": wall,
        "asked": asked,
    }


def _percentiles(values: Sequence[float]) -> dict[str, float] | None:
    if not values:
        return None
    middle, high = np.percentile(values, [50, 95])
    return {"p50": float(middle), "p95": float(high)}


__all__ = ["Assistant", "Library", "Report", "evaluate"]

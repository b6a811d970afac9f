"""Question sets → rows to calibrate on, each kept on disk as soon as it was read, so that a stopped run goes on."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from qa.errors import CalibrationError, QuestionError
from qa.evaluation.fields import FieldError
from qa.evaluation.folder import checksum
from qa.evaluation.questions import read_questions
from qa.evaluation.sources import Library
from qa.evaluation.types import Problem
from qa.training.calibrate import Row, read_question


class Kept:
    """Rows read so far, in a file of JSON Lines whose first says what they were read with.

    Another `key` starts anew, as `fresh` does; a line cut by a crash is read again. A question that nothing was found
    for is kept as null.
    """

    def __init__(self, file: Path, *, key: Mapping[str, Any], fresh: bool = False) -> None:
        self._file, self._key = file, json.dumps(key, sort_keys=True)
        self.rows: dict[str, Row | None] = {}
        if not fresh and file.exists():
            self._load()

    def _load(self) -> None:
        try:
            first, *lines = self._file.read_text(encoding="utf-8").splitlines()
        except (OSError, ValueError) as error:
            raise CalibrationError(
                f"{str(self._file)!r} cannot be read: delete it, or say --fresh to read all questions again"
            ) from error
        if first != self._key:
            return
        for line in lines:
            try:
                identity, row = json.loads(line)
                self.rows[identity] = None if row is None else Row(**row | {"features": tuple(row["features"])})
            except (ValueError, TypeError, KeyError):
                continue

    def add(self, identity: str, row: Row | None) -> None:
        if not self.rows:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            self._file.write_text(self._key + "\n", encoding="utf-8")
        self.rows[identity] = row
        with self._file.open("a", encoding="utf-8") as file:
            file.write(json.dumps([identity, None if row is None else asdict(row)]) + "\n")


def read_all(
    library: Library,
    paths: Sequence[Path],
    kept: Kept,
    *,
    every: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[list[Row], list[Problem]]:
    """Read every `every`th question of the files; what could not be used is told, and costs nothing but itself.

    Raises: `QuestionSetError` for a file that holds no questions, `AssistantError` when nothing can be read at all.
    """
    problems: list[Problem] = []
    total = sum(1 for _ in read_questions(paths))
    sums = {str(path): checksum(path) for path in paths}
    rows: list[Row] = []
    for number, question in enumerate(read_questions(paths, on_problem=problems.append)):
        if number % every == 0:
            identity = f"{sums[question.file][:16]}:{question.id}"
            try:
                if identity not in kept.rows:
                    kept.add(identity, read_question(library, question))
            except FieldError as error:
                problems.append(_problem(question.file, question.line, error.field, str(error)))
            except QuestionError as error:
                problems.append(_problem(question.file, question.line, "question", f"was not accepted: {error}"))
            row = kept.rows.get(identity)
            if row is not None:
                rows.append(row)
        if progress is not None:
            progress(number + 1, total)
    return rows, problems


def _problem(file: str, line: int | None, field: str, message: str) -> Problem:
    return Problem(file=file, line=line, field=field, message=message)

"""Question files to questions, row by row: JSON Lines, SQuAD JSON, CSV and TSV.

A row that cannot be used is reported with file, line and field, and costs nothing but itself. Files are streamed: what
is held is one row (of SQuAD JSON: one article) and the ids seen.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from qa.evaluation import fields
from qa.evaluation.errors import QuestionSetError
from qa.evaluation.fields import FieldError
from qa.evaluation.sheets import read_sheet
from qa.evaluation.squad import read_squad
from qa.evaluation.types import Problem, Question, Scope

KINDS = {".jsonl": "lines", ".ndjson": "lines", ".json": "squad", ".csv": "sheet", ".tsv": "sheet", ".tab": "sheet"}
_LONGEST_LINE = 64_000_000  # bytes
OnProblem = Callable[[Problem], None]


def read_questions(
    paths: Sequence[Path], *, scope: Scope = "paragraph", on_problem: OnProblem | None = None
) -> Iterator[Question]:
    """Yield every usable question of the files, in order; `on_problem` hears of all others.

    A `.json` file is SQuAD; `.jsonl` has one object a line, with a `document` or its own `context`; `.csv` and `.tsv`
    have a header with `question` and `answer` and, if wanted, `document`, `id`, `kind`, `context`. An id that was used
    before makes a row unusable, since predictions are kept by id.

    Raises: `QuestionSetError` for a file that is missing, unreadable or of another kind; before the first question.
    """
    files = [(path, _kind(path)) for path in paths]
    return _read(files, scope, on_problem or (lambda _: None))


def _read(files: Sequence[tuple[Path, str]], scope: Scope, on_problem: OnProblem) -> Iterator[Question]:
    seen: set[str] = set()
    for path, kind in files:
        try:
            if kind == "squad":
                rows = read_squad(path, scope=scope, on_problem=on_problem)
            else:
                rows = (_lines if kind == "lines" else read_sheet)(path, on_problem)
            for question in rows:
                if question.id in seen:
                    on_problem(
                        Problem(
                            file=str(path), line=question.line, field="id",
                            message=f"is {question.id!r}, which an earlier question has: ids must differ",
                        )
                    )  # fmt: skip
                    continue
                seen.add(question.id)
                yield question
        except OSError as error:
            raise QuestionSetError(f"{str(path)!r} cannot be read ({error.strerror}): check the file") from error


def _kind(path: Path) -> str:
    kind = KINDS.get(path.suffix.lower())
    name = str(path)
    if not path.is_file():
        seen = "is a folder" if path.is_dir() else "does not exist" if not path.exists() else "is not a regular file"
        raise QuestionSetError(f"{name!r} {seen}: name a file of questions")
    if kind is None:
        raise QuestionSetError(
            f"{name!r} is of the type {path.suffix!r}: questions come as {', '.join(KINDS)}; "
            ".json means SQuAD, .jsonl one object a line"
        )
    try:
        with path.open("rb") as file:
            file.read(1)
    except OSError as error:
        raise QuestionSetError(f"{name!r} cannot be read ({error.strerror}): check the file's rights") from error
    return kind


def _lines(path: Path, on_problem: OnProblem) -> Iterator[Question]:
    with path.open("rb") as file:
        for number, line in enumerate(_bounded(file), start=1):
            if number == 1:
                line = line.removeprefix(b"\xef\xbb\xbf")
            if not line.strip():
                continue
            try:
                yield _row(_parsed(line), path, number)
            except FieldError as error:
                on_problem(Problem(file=str(path), line=number, field=error.field, message=str(error)))


def _bounded(file: IO[bytes]) -> Iterator[bytes]:
    """Lines, only ever split at line feeds; of one that is too long, only its beginning."""
    while line := file.readline(_LONGEST_LINE):
        yield line
        while not line.endswith(b"\n") and len(line) == _LONGEST_LINE:
            line = file.readline(_LONGEST_LINE)


def _parsed(line: bytes) -> Mapping[str, Any]:
    if len(line) >= _LONGEST_LINE:
        raise FieldError("the line", f"is longer than {_LONGEST_LINE} bytes")
    try:
        row = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise FieldError("the line", f"is not UTF-8 at byte {error.start}") from None
    except json.JSONDecodeError as error:
        raise FieldError("the line", f"is not JSON at character {error.pos} ({error.msg})") from None
    except (RecursionError, ValueError):  # nested too deep, or a number of thousands of digits
        raise FieldError("the line", "is no JSON that can be read") from None
    return fields.mapping(row, "the line")


def _row(row: Mapping[str, Any], path: Path, number: int) -> Question:
    answers = fields.alternatives(row)
    answerable = fields.flag(row, "answerable", default=bool(answers))
    if answerable != bool(answers):
        raise FieldError(
            "answers", f"{'are there' if answers else 'is empty'}, but answerable is {str(answerable).lower()}"
        )
    document, context, title, passage = (
        fields.text(row, name, optional=True) for name in ("document", "context", "title", "passage")
    )
    return Question(
        id=fields.identity(row, default=f"{path.stem}-{number}"),
        text=fields.text(row, "question"),
        answers=answers,
        answerable=answerable,
        kind=fields.text(row, "kind", optional=True),
        turns=fields.texts(row, "turns"),
        evidence=fields.places(row, "evidence"),
        document=document or None,
        context=context or None,
        title=title or None,
        group=document or passage or title or f"{path.stem}-{number}",
        file=str(path),
        line=number,
    )

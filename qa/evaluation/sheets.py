"""CSV and TSV with a header to questions, as people write them in a spreadsheet.

    question,answer,document
    Who maintains it?,Bram Moolenaar|Bram,uganda.txt

Answers that are as good as each other are separated by "|", the items of a list by "&&"; an empty answer says that the
document does not tell.
"""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import IO

from qa.evaluation import fields
from qa.evaluation.fields import FieldError
from qa.evaluation.types import Alternative, Place, Problem, Question

ALTERNATIVE_MARK, ITEM_MARK = "|", "&&"
_MOST_LINES = 100  # of one row: beyond this a quotation mark was never closed


def read_sheet(path: Path, on_problem: Callable[[Problem], None]) -> Iterator[Question]:
    """Yield the questions of a file; columns are `question`, `answer` and, if wanted, `document`, `context`, `id`,
    `kind`. A quotation mark that is never closed costs its own row only."""
    file = str(path)
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as source:
        rows = _Rows(source, _delimiter(path))
        header: list[str] | None = None
        while True:
            try:
                cells = rows.next()
                if cells is None:
                    return
                if not any(cell.strip() for cell in cells):
                    continue
                if header is not None:
                    yield _question(header, cells, path, rows.line)
                    continue
                header = [cell.strip().lower() for cell in cells]
                for name in ("question", "answer"):
                    if name not in header:
                        columns = ", ".join(header)[:100]
                        on_problem(
                            Problem(
                                file=file, line=rows.line, field=name, message=f"is no column; there is {columns!r}"
                            )
                        )
                        return
            except FieldError as error:
                on_problem(Problem(file=file, line=rows.line, field=error.field, message=str(error)))
                rows.take_back()


class _Rows:
    """Rows of cells, with the line each begins at, and a way to go on at the next line after a row gone wrong."""

    def __init__(self, source: IO[str], delimiter: str) -> None:
        self._source = source
        self._delimiter = delimiter
        self._waiting: deque[str] = deque()
        self._used: list[str] = []
        self._next_line = 1
        self.line = 1

    def next(self) -> list[str] | None:
        """The next row, None at the end. Raises: `FieldError`."""
        self.line, self._used = self._next_line, []
        try:
            cells = next(csv.reader(self._feed(), delimiter=self._delimiter), None)
            if len(self._used) > 1:  # does the quotation end at all?
                deque(csv.reader(self._used, delimiter=self._delimiter, strict=True), maxlen=0)
        except csv.Error as error:  # a NUL, a cell of more than 128 KiB, an open quotation
            raise FieldError("the row", f"cannot be read ({error})") from None
        finally:
            self._next_line = self.line + len(self._used)
        return cells

    def take_back(self) -> None:
        """Read all lines of the last row again but the first."""
        self._waiting.extendleft(reversed(self._used[1:]))
        self._next_line = self.line + 1

    def _feed(self) -> Iterator[str]:
        while line := self._waiting.popleft() if self._waiting else self._source.readline():
            self._used.append(line)
            if len(self._used) > _MOST_LINES:
                raise FieldError("the row", "opens a quotation that is not closed")
            yield line


def _delimiter(path: Path) -> str:
    """A tab, a comma, or the semicolon that spreadsheets write where a comma marks decimals: by the header."""
    if path.suffix.lower() != ".csv":
        return "\t"
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as source:
        header = next((line for line in islice(source, 100) if line.strip()), "")
    return max(",;\t", key=header.count)


def _question(header: Sequence[str], cells: Sequence[str], path: Path, line: int) -> Question:
    if len(cells) > len(header):
        raise FieldError("the row", f"has {len(cells)} cells and the header {len(header)}: quote cells with separators")
    row = {name: cell.strip() for name, cell in zip(header, cells, strict=False)}
    document, context, kind, answer = (
        fields.text(row, name, optional=True) for name in ("document", "context", "kind", "answer")
    )
    answers = tuple(
        Alternative(spans=tuple(Place(text=item) for item in items))
        for one in answer.split(ALTERNATIVE_MARK)
        if (items := [item.strip() for item in one.split(ITEM_MARK) if item.strip()])
    )
    return Question(
        id=fields.text(row, "id", optional=True) or f"{path.stem}-{line}",
        text=fields.text(row, "question"),
        answers=answers,
        answerable=bool(answers),
        kind=kind,
        document=document or None,
        context=context or None,
        group=document or f"{path.stem}-{line}",
        file=str(path),
        line=line,
    )

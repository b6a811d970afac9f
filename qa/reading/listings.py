"""Lists and tables in a text: entries with a mark on each line, and the columns of tables. Form only."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from qa.reading.walls import TABLE_ROW, TABLE_RULE

_ENTRY = re.compile(
    r"(?P<indent>[ \t]*)(?P<mark>[-*+•‣◦▪●○·–]|\(?\d{1,3}[.)]|\(?[A-Za-z][.)]|\(?[ivx]{2,5}[.)])[ \t]+(?=\S)"
)
_LINE = re.compile(r"[^\r\n]+")
_LEAD_MARK = re.compile(r"[#\s]*(?:\d+(?:\.\d+)*[.)]?\s+)?")
_BREAK = r"(?:\r\n?|\n)"
_TABLE = re.compile(
    rf"^{TABLE_ROW}{_BREAK}[ \t]*\|{TABLE_RULE}+[ \t]*(?:{_BREAK}{TABLE_ROW}){{2,}}(?=[\r\n]|\Z)", re.MULTILINE
)
_LONGEST_HEADING = 90


class Listing(NamedTuple):
    """The words that lead to a list, maybe none, and its entries without their marks, in a passage's coordinates.

    Of a table's column, `lead` is its head and `within` all rows behind it, with the words that lead to the table in
    `about`; of a list, which has no `about`, `within` goes from its first entry to its last.
    """

    lead: str
    entries: tuple[tuple[int, int], ...]
    within: tuple[int, int]
    about: str | None = None


@dataclass(slots=True)
class _Open:
    """A list being read; `form` is the indent and kind of mark that all its entries share."""

    lead: str
    form: tuple[int, str]
    entries: list[tuple[int, int]]


def listings(text: str) -> list[Listing]:
    """The lists of two or more entries in a text; a line without a mark carries on the entry before it."""
    found: list[Listing] = []
    current: _Open | None = None
    last_line = ""
    previous_end = 0
    for line in _LINE.finditer(text):
        if not line.group().strip():
            continue
        gap = text.count("\n", previous_end, line.start())
        previous_end = line.end()
        entry = _ENTRY.match(text, line.start(), line.end())
        if entry is None:
            if current is not None and gap < 2 and line.group()[0].isspace():
                current.entries[-1] = (current.entries[-1][0], line.end())
            else:
                _close(current, found)
                current = None
            last_line = line.group().strip()
            continue
        form = (len(entry["indent"].expandtabs(4)), _kind(entry["mark"]))
        if current is None or current.form != form or gap > 2:
            _close(current, found)
            current = _Open(_lead(last_line), form, [])
        current.entries.append((entry.end(), line.end()))
        last_line = ""
    _close(current, found)
    return found


def _close(current: _Open | None, found: list[Listing]) -> None:
    if current is not None and len(current.entries) > 1:
        within = (current.entries[0][0], current.entries[-1][1])
        found.append(Listing(current.lead, tuple(current.entries), within))


def _kind(mark: str) -> str:
    bare = mark.strip("().")
    return "digit" if bare.isdigit() else "letter" if bare.isalpha() else mark


def _lead(line: str) -> str:
    bare = line[_LEAD_MARK.match(line).end() :]  # type: ignore[union-attr]
    is_heading = len(bare) <= _LONGEST_HEADING and not bare.endswith((".", ";", ",", "!", "|"))
    return bare if bare.endswith(":") or is_heading else ""


def columns(text: str) -> list[Listing]:
    """The columns of the tables in a text that have a head and two or more cells."""
    found: list[Listing] = []
    for table in _TABLE.finditer(text):
        head, _, *rows = (_cells(text, row.start(), row.end()) for row in _LINE.finditer(text, *table.span()))
        above = text[: table.start()].rstrip().rpartition("\n")[2]
        for at, (start, end) in enumerate(head):
            cells = tuple(row[at] for row in rows if at < len(row) and row[at][0] < row[at][1])
            if start < end and len(cells) > 1:
                found.append(Listing(text[start:end], cells, (rows[0][0][0], table.end()), _lead(above.strip())))
    return found


def _cells(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """The cells of a row, without the white space around them."""
    bars = [place.start() for place in re.finditer(r"\|", text[start:end])]
    cells = []
    for one, two in pairwise(bars):
        cell = text[start + one + 1 : start + two]
        first = start + one + 1 + len(cell) - len(cell.lstrip())
        cells.append((first, first + len(cell.strip())))
    return cells

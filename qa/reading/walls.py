"""What no answer reaches across: the end of a paragraph, and the cells of a table. Form only."""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_BREAK = r"(?:\r\n|\r(?!\n)|\n)"
_WALL = re.compile(rf"{_BREAK}[^\S\r\n]*{_BREAK}|\u2029|\f")
TABLE_ROW = r"[ \t]*\|.*\|[ \t]*"
TABLE_RULE = r"(?:[ \t]*:?-+:?[ \t]*\|)"
"""What stands in one cell of the line under a table's head."""
_ROW = re.compile(rf"^{TABLE_ROW}(?=[\r\n]|\Z)", re.MULTILINE)
_CELL_EDGE = re.compile(rf"\|{TABLE_RULE}*")


class Walls(NamedTuple):
    """Where the walls of a text stand: `starts` and `ends`, half-open, in order and apart."""

    starts: NDArray[np.int64]
    ends: NDArray[np.int64]

    def rooms(self, offsets: NDArray[np.int64]) -> NDArray[np.int64]:
        """For each token, by its offsets of shape `(tokens, 2)`, the number of its room; -1 for a token in a wall."""
        first = np.searchsorted(self.ends, offsets[:, 0], side="right")
        last = np.searchsorted(self.starts, offsets[:, 1], side="left")
        return np.where(first == last, first, -1)


def walls(text: str) -> Walls:
    """The walls of a text."""
    found = [match.span() for match in _WALL.finditer(text)]
    for row in _ROW.finditer(text):
        found += [edge.span() for edge in _CELL_EDGE.finditer(text, row.start(), row.end())]
    found.sort()
    places = np.array(found, dtype=np.int64).reshape(-1, 2)
    return Walls(places[:, 0], places[:, 1])

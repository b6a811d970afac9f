"""What no answer reaches across."""

from __future__ import annotations

import re

import numpy as np
import pytest

from qa.reading.walls import walls


def rooms(text: str) -> list[list[str]]:
    """The words of each room, in order; those in a wall are in none."""
    words = [match.span() for match in re.finditer(r"\w+|[^\w\s]", text)]
    numbers = walls(text).rooms(np.array(words, dtype=np.int64).reshape(-1, 2)).tolist()
    by_room: dict[int, list[str]] = {}
    for (start, end), number in zip(words, numbers, strict=True):
        if number >= 0:
            by_room.setdefault(number, []).append(text[start:end])
    assert list(by_room) == sorted(by_room)
    return list(by_room.values())


@pytest.mark.parametrize("between", ["\n\n", "\r\n\r\n", "\n \t\n", "\n\n\n", "\r\r", "\u2029", "\f"])
def test_a_paragraph_ends(between: str) -> None:
    assert rooms(f"one two{between}three") == [["one", "two"], ["three"]]


@pytest.mark.parametrize("between", [" ", "\n", "\r\n", "\n  ", "\u2028"])
def test_a_line_that_only_wraps_does_not(between: str) -> None:
    assert rooms(f"one two{between}three") == [["one", "two", "three"]]


def test_each_cell_of_a_table_is_a_room_and_its_lines_are_no_words() -> None:
    table = "| Due | Who |\n|---|:--:|\n| May | Ada Brown |\n| June | |"
    expected = [["Due"], ["Who"], ["May"], ["Ada", "Brown"], ["June"]]
    assert rooms(table) == rooms(table.replace("\n", "\r\n")) == expected


@pytest.mark.parametrize("text", ["cat a | grep b", "either|or", "|x", "x |", ""])
def test_a_line_with_a_bar_in_it_is_no_table(text: str) -> None:
    assert len(rooms(text)) <= 1


def test_a_token_that_reaches_into_a_wall_is_in_no_room() -> None:
    text = "one\n\ntwo"
    offsets = np.array([[0, 3], [2, 4], [4, 6], [5, 8], [0, 8]])
    assert walls(text).rooms(offsets).tolist() == [0, -1, -1, 1, -1]


def test_much_of_it_takes_no_time() -> None:
    for hostile in ("|" * 20_000, "| -" * 20_000, "\n \t" * 20_000, "|---" * 20_000 + "|"):
        walls(hostile)

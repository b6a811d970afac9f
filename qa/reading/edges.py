"""Where a span of text may begin and end: grapheme clusters, white space, stray punctuation.

Nothing here changes text; every function moves offsets only. Offsets are `str` indices, half-open.
"""

from __future__ import annotations

import regex  # type: ignore[import-untyped]

PAIRS = {"(": ")", "[": "]", "{": "}", "“": "”", "‘": "’", "«": "»", "‹": "›", "「": "」", "『": "』", "„": "“"}
"""Opening and closing marks that are different characters."""

_CLUSTER = regex.compile(r"\X")
_BLANK = "\u00ad\u061c\u200b\u200e\u200f\u2028\u2029\u2060\ufeff"
_LOOSE = frozenset(",;:•·‣▪◦、，；：")
_DASHES = frozenset("-‐‑–—*")


def is_blank(character: str) -> bool:
    """Whether a character leaves no mark on paper: white space, control, zero-width or soft hyphen."""
    return character.isspace() or character in _BLANK or character < " " or "\x7f" <= character < "\xa0"


def cluster_floor(text: str, at: int) -> int:
    """Return the last grapheme cluster boundary (Unicode annex 29) that is not after `at`."""
    return _around(text, at)[0]


def cluster_ceil(text: str, at: int) -> int:
    """Return the first grapheme cluster boundary that is not before `at`."""
    return _around(text, at)[1]


def tidy(text: str, start: int, end: int) -> tuple[int, int] | None:
    """Return the span as a person would mark it, or None where nothing worth marking is left.

    Widened to whole grapheme clusters; white space, bullets, commas, colons and loose dashes at either edge left out; a
    quotation mark or bracket whose partner is missing is completed where the partner stands just outside, and otherwise
    left out where it stands at the edge. A full stop stays: it may belong to an abbreviation or to a whole sentence.
    """
    start, end = cluster_floor(text, max(0, start)), cluster_ceil(text, min(len(text), end))
    while start < end:
        before = (start, end)
        start, end = _strip(text, start, end)
        if start < end:
            start, end = _balance(text, start, end)
        if (start, end) == before:
            return start, end
    return None


def _around(text: str, at: int) -> tuple[int, int]:
    if at <= 0 or at >= len(text) or _certain(text, at):
        return at, at
    begin = at - 1
    while begin > 0 and not _certain(text, begin):
        begin -= 1
    for cluster in _CLUSTER.finditer(text, begin):
        if cluster.end() >= at:
            return (at, at) if cluster.end() == at else (cluster.start(), cluster.end())
    return at, at


def _certain(text: str, at: int) -> bool:
    """Whether a boundary at `at` is certain from its two neighbours alone."""
    left, right = text[at - 1], text[at]
    if left < "\x7f" and right < "\x7f":
        return not (left == "\r" and right == "\n")
    return left == "\n" or ("\u4e00" <= left <= "\u9fff" and "\u4e00" <= right <= "\u9fff")


def _strip(text: str, start: int, end: int) -> tuple[int, int]:
    """Take blanks and loose punctuation off both edges, whole clusters at a time."""
    moving = True
    while moving and start < end:
        moving = False
        after = cluster_ceil(text, start + 1)
        dash = text[start] in _DASHES and (after >= end or is_blank(text[after]))
        if is_blank(text[start]) or (text[start] in _LOOSE and after == start + 1) or dash:
            start, moving = min(after, end), True
            continue
        before = cluster_floor(text, end - 1)
        dash = text[before] in _DASHES and (before <= start or is_blank(text[before - 1]) or text[before] in "–—")
        if is_blank(text[before]) or (text[before] in _LOOSE and before == end - 1) or dash:
            end, moving = max(before, start), True
    return start, end


def _balance(text: str, start: int, end: int) -> tuple[int, int]:
    """Complete or drop one unbalanced mark; the caller repeats until nothing moves."""
    opened, closed = unpaired(text, start, end)
    following, preceding = text[end : end + 1], text[start - 1 : start] if start else ""
    if opened and following and following == _partner(text[opened[-1]]):
        return start, end + 1
    if closed and preceding and text[closed[0]] == _partner(preceding):
        return start - 1, end
    if start in opened or (start in closed and text[start] != "’"):
        return start + 1, end
    if end - 1 in opened or (end - 1 in closed and not _possessive(text, end - 1)):
        return start, end - 1
    return start, end


def unpaired(text: str, start: int, end: int) -> tuple[list[int], list[int]]:
    """Return the positions of opening and of closing marks in the span that have no partner in it.

    An apostrophe is not a mark. A straight double quotation mark opens after white space or another opening mark.
    """
    opened: list[int] = []
    closed: list[int] = []
    for at in range(start, end):
        mark = text[at]
        if mark == '"':
            match = next((n for n in reversed(opened) if text[n] == '"'), None)
            if match is not None:
                opened.remove(match)
            elif _opens(text, at):
                opened.append(at)
            else:
                closed.append(at)
        elif mark == "’" and _apostrophe(text, at):
            continue
        elif opened and mark == _partner(text[opened[-1]]):
            opened.pop()
        elif mark in PAIRS and not (mark == "“" and any(text[n] == "„" for n in opened)):
            opened.append(at)
        elif mark in _CLOSING:
            match = next((n for n in reversed(opened) if _partner(text[n]) == mark), None)
            if match is not None:
                opened.remove(match)
            else:
                closed.append(at)
    return opened, closed


_CLOSING = frozenset(PAIRS.values()) - frozenset(PAIRS)


def _partner(mark: str) -> str | None:
    return '"' if mark == '"' else PAIRS.get(mark)


def _opens(text: str, at: int) -> bool:
    preceded = at > 0 and not is_blank(text[at - 1]) and text[at - 1] not in PAIRS
    return not preceded


def _apostrophe(text: str, at: int) -> bool:
    return 0 < at < len(text) - 1 and text[at - 1].isalnum() and text[at + 1].isalnum()


def _possessive(text: str, at: int) -> bool:
    """Whether a single closing mark may be the apostrophe of a plural ("the agencies’")."""
    return text[at] == "’" and text[at - 1 : at] in ("s", "S", "z", "Z")

"""Where a span of text may begin and end: grapheme clusters, words, white space, stray punctuation.

Nothing here changes text; every function moves offsets only. Offsets are `str` indices, half-open.
"""

from __future__ import annotations

import unicodedata
from typing import NamedTuple

import regex

PARTNERS = {
    "(": ")",
    "[": "]",
    "{": "}",
    "“": "”",
    "‘": "’",
    "«": "»",
    "‹": "›",
    "「": "」",
    "『": "』",
    "„": "“",
    '"': '"',
}
"""Opening marks and what closes them."""

_CLOSING = frozenset(PARTNERS.values())
_CLUSTER = regex.compile(r"\X")
_BLANK = frozenset("\u00ad\u061c\u200b\u200e\u200f\u2028\u2029\u2060\ufeff")
_LOOSE = frozenset(",;:•·‣▪◦、，；：")
_DASHES = frozenset("-‐‑–—*")
_SARA_AM = frozenset("\u0e33\u0eb3")  # letters that nevertheless join what is before them
_SPACED_SCRIPTS_END = "\u0e00"  # from Thai on, scripts are written without spaces, or their words hold several


class Pairs(NamedTuple):
    """Brackets and quotation marks of a span: `inside` pairs that match, outermost only, and the marks left over."""

    inside: list[tuple[int, int]]
    opened: list[int]
    closed: list[int]


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

    Widened to whole grapheme clusters and, in scripts that put spaces between words, to whole words. White space,
    bullets, commas, colons and loose dashes at either edge are left out. A quotation mark or bracket whose partner is
    missing is completed where the partner stands just outside, otherwise left out where it stands at the edge. A full
    stop stays: it may belong to an abbreviation or to a whole sentence. Punctuation alone is nothing.
    """
    start, end = cluster_floor(text, max(0, start)), cluster_ceil(text, min(len(text), end))
    if start < end:
        start, end = _whole_words(text, start, end)
    seen: set[tuple[int, int]] = set()
    while start < end:
        before = (start, end)
        start, end = _strip(text, start, end)
        if start < end and before not in seen:  # a mark that completes and is left out in turn stays as it is
            seen.add(before)
            start, end = _balance(text, start, end)
        if (start, end) == before:
            return (start, end) if _says_something(text, start, end) else None
    return None


def find_pairs(text: str, start: int, end: int) -> Pairs:
    """Match the brackets and quotation marks of a span.

    An apostrophe is not a mark. A straight quotation mark closes one that is open, and otherwise opens where a word may
    begin.
    """
    found: list[tuple[int, int]] = []
    opened: list[int] = []
    closed: list[int] = []
    for at in range(start, end):
        mark = text[at]
        if mark not in PARTNERS and mark not in _CLOSING:
            continue
        if mark == "’" and _is_apostrophe(text, at):
            continue
        match = next((n for n in range(len(opened) - 1, -1, -1) if PARTNERS[text[opened[n]]] == mark), None)
        if match is not None:
            found.append((opened[match], at + 1))
            del opened[match]
        elif mark in PARTNERS and (mark != '"' or _may_open(text, at)):
            opened.append(at)
        else:
            closed.append(at)
    outermost: list[tuple[int, int]] = []
    for first, after in sorted(found):
        if not outermost or first >= outermost[-1][1]:
            outermost.append((first, after))
    return Pairs(outermost, opened, closed)


def _says_something(text: str, start: int, end: int) -> bool:
    return any(unicodedata.category(text[at])[0] not in "PZC" for at in range(start, end))


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
    """Whether there is a boundary at `at` for certain, judged by its neighbours and, in a run of flags, their number.

    The library's own search takes quadratic time in runs of flags, so it should never meet a long one.
    """
    left, right = text[at - 1], text[at]
    if left == "\r" and right == "\n":
        return False
    if left < "\x7f" and (right < "\x7f" or (right.isalpha() and right not in _SARA_AM)):
        return True
    if is_blank(left) and is_blank(right):
        return True
    if "\u4e00" <= left <= "\u9fff" and "\u4e00" <= right <= "\u9fff":
        return True
    if unicodedata.category(left) != "So":
        return False
    if _is_half_flag(left) and _is_half_flag(right):
        run = at
        while run > 0 and _is_half_flag(text[run - 1]):
            run -= 1
        return (at - run) % 2 == 0
    return right < "\x7f" or unicodedata.category(right) == "So"


def _is_half_flag(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"


def _whole_words(text: str, start: int, end: int) -> tuple[int, int]:
    while start > 0 and _joined(text, start):
        start -= 1
    while end < len(text) and _joined(text, end):
        end += 1
    return cluster_floor(text, start), cluster_ceil(text, end)


def _joined(text: str, at: int) -> bool:
    left, right = text[at - 1], text[at]
    return left < _SPACED_SCRIPTS_END > right and left.isalnum() and right.isalnum()


def _strip(text: str, start: int, end: int) -> tuple[int, int]:
    """Take blanks and loose punctuation off both edges, whole clusters at a time."""
    while start < end:
        after = cluster_ceil(text, start + 1)
        lone = after == start + 1 and (
            text[start] in _LOOSE or (text[start] in _DASHES and (after >= end or is_blank(text[after])))
        )
        if not lone and not is_blank(text[start]):
            break
        start = after
    while start < end:
        before = cluster_floor(text, end - 1)
        lone = before == end - 1 and (
            text[before] in _LOOSE
            or (text[before] in _DASHES and (before == start or text[before] in "–—" or is_blank(text[before - 1])))
        )
        if not lone and not is_blank(text[before]):
            break
        end = before
    return start, end


def _balance(text: str, start: int, end: int) -> tuple[int, int]:
    """Complete or drop one unbalanced mark; the caller repeats until nothing moves."""
    _, opened, closed = find_pairs(text, start, end)
    if opened and end < len(text) and text[end] == PARTNERS[text[opened[-1]]] and not _is_apostrophe(text, end):
        return start, end + 1
    if closed and start > 0 and PARTNERS.get(text[start - 1]) == text[closed[0]]:
        return start - 1, end
    if start in opened or start in closed:
        return start + 1, end
    if end - 1 in opened or (end - 1 in closed and not _may_be_plural(text, end - 1)):
        return start, end - 1
    return start, end


def _may_open(text: str, at: int) -> bool:
    return at == 0 or is_blank(text[at - 1]) or text[at - 1] in PARTNERS or text[at - 1] in _DASHES


def _is_apostrophe(text: str, at: int) -> bool:
    return 0 < at < len(text) - 1 and text[at - 1].isalnum() and text[at + 1].isalnum()


def _may_be_plural(text: str, at: int) -> bool:
    """Whether a single closing mark may be the apostrophe of a plural ("the agencies’")."""
    return text[at] == "’" and text[at - 1 : at] in ("s", "S", "z", "Z")

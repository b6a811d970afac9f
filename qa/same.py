"""When two quotes name the same thing: "five explosive drones" and "five kamikaze drones"."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

_WORD = re.compile(r"[^\W_]+(?:[-.,’'][^\W_]+)*")
_EMPTY = frozenset("a an the of and or in on at to for with by from its his her their our some any".split())
_NUMBERS = frozenset(
    "one two three four five six seven eight nine ten eleven twelve twenty thirty forty fifty hundred thousand".split()
)

SAME = 0.7
"""Cosine from which two quotes with the same head and the same number are one thing."""


def distinct(quotes: Sequence[str], similarity: Callable[[str, str], float]) -> list[int]:
    """Places of the quotes to keep, in order: of those that name the same thing, the first.

    Two quotes do when they have the same content words, when one's are all among the other's and both end or begin
    alike, or when they share the last word and every number and are similar in meaning. Different numbers are never
    the same thing.
    """
    kept: list[int] = []
    for place, quote in enumerate(quotes):
        if not any(_same(quotes[other], quote, similarity) for other in kept):
            kept.append(place)
    return kept


def _same(one: str, two: str, similarity: Callable[[str, str], float]) -> bool:
    first, second = _content(one), _content(two)
    if not first or not second:
        return one.casefold() == two.casefold()
    if first == second:
        return True
    if {w for w in first if _is_number(w)} != {w for w in second if _is_number(w)}:
        return False
    short, long = sorted((first, second), key=len)
    if set(short) <= set(long) and _run(short, long):
        return True
    return _stem(first[-1]) == _stem(second[-1]) and len(first) > 1 and len(second) > 1 and similarity(one, two) >= SAME


def _run(short: Sequence[str], long: Sequence[str]) -> bool:
    """Whether `short` stands in `long` in one piece."""
    n = len(short)
    return any(tuple(long[i : i + n]) == tuple(short) for i in range(len(long) - n + 1))


def _content(quote: str) -> list[str]:
    return [w for w in _WORD.findall(quote.casefold()) if w not in _EMPTY]


def _is_number(word: str) -> bool:
    return word[0].isdigit() or word in _NUMBERS


def _stem(word: str) -> str:
    return word[:-1] if word.endswith("s") and len(word) > 3 else word

"""When two quotes name the same thing: "five explosive drones" and "five kamikaze drones"."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Sequence

_WORD = re.compile(r"[^\W_]+(?:[-.,’'][^\W_]+)*")
_LISTS = re.compile(r"[,;]\s")
_JOINS = frozenset("and or nor plus".split())
_LINKS = frozenset("of in on at to for with by from about that which who whose where when".split())
_EMPTY = _JOINS | _LINKS | frozenset("a an the its his her their our some any".split())
_NUMBERS = {
    word: str(number)
    for number, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
        "seventeen eighteen nineteen twenty".split()
    )
} | {"thirty": "30", "forty": "40", "fifty": "50", "hundred": "100", "thousand": "1000"}

SAME = 0.7
"""Cosine from which two quotes that count the same number of the same noun are one thing."""


def distinct(
    quotes: Sequence[str],
    similarity: Callable[[str, str], float],
    *,
    sentences: Sequence[Hashable] = (),
    before: Sequence[str] = (),
) -> list[int]:
    """Places of the quotes to keep, in order: of those that name the same thing, the first.

    Two quotes do when they have the same content words; when one is the other with words before its noun, with what
    describes it after, or with the rest of the name; or when they count the same number of the same noun and are
    similar in meaning. Meaning alone decides nothing: red wine is as like white wine as it can be. Nor does it within
    one sentence, which does not say a thing twice: `sentences` tells where each quote stands, where that is known.
    `before` is the text before each quote, which may hold its number.
    """
    kept: list[int] = []
    for place, quote in enumerate(quotes):
        for other in kept:
            may_differ = bool(sentences) and sentences[place] == sentences[other]
            if _same(quotes[other], quote, None if may_differ else similarity):
                break
            if before and not may_differ:
                one, two = (_counted(quotes[n], before[n]) for n in (other, place))
                if (one, two) != (quotes[other], quote) and _same(one, two, similarity):
                    break
        else:
            kept.append(place)
    return kept


def _same(one: str, two: str, similarity: Callable[[str, str], float] | None) -> bool:
    first, second = _content(one), _content(two)
    if not first or not second:
        return one.casefold() == two.casefold()
    if first == second:
        return True
    numbers = {word for word in first if word[0].isdigit()}
    if numbers != {word for word in second if word[0].isdigit()}:
        return False
    if _within(*sorted((one, two), key=lambda quote: len(_content(quote)))):
        return True
    return (
        similarity is not None
        and bool(numbers)
        and _stem(first[-1]) == _stem(second[-1])
        and similarity(one, two) >= SAME
    )


def _counted(quote: str, before: str) -> str:
    """The quote with the number right before it, if there is one: "drones" of "five drones"."""
    words = before.split(" ")
    number = words[-2] if len(words) > 1 and not words[-1] else ""
    return f"{number} {quote}" if number.casefold() in _NUMBERS or number.isdecimal() else quote


def _within(short: str, long: str) -> bool:
    """Whether `short` stands in `long` and names the same: "vest" in "warm vest from Perm", not "tea" in "tea cup"."""
    inner, outer = _words(short), _words(long)
    while inner[0] in _EMPTY:
        del inner[0]
    while inner[-1] in _EMPTY:
        del inner[-1]
    is_name = all(word[0].isupper() or word in _EMPTY for word in _WORD.findall(long))
    for at in range(len(outer) - len(inner) + 1):
        before, after = outer[:at], outer[at + len(inner) :]
        if outer[at : at + len(inner)] == inner and not _JOINS & {*before, *after} and not _LISTS.search(long):
            return not after or after[0] in _LINKS or is_name
    return False


def _words(quote: str) -> list[str]:
    return [_NUMBERS.get(word, word) for word in _WORD.findall(quote.casefold())]


def _content(quote: str) -> list[str]:
    return [word for word in _words(quote) if word not in _EMPTY]


def _stem(word: str) -> str:
    return word[:-1] if word.endswith("s") and len(word) > 3 else word

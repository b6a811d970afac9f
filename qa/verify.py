"""Whether a citation's words stand where it says, or what changed: `verify`.

White space and markup are the only tolerance: a changed digit, a dropped "not" or another name is another wording.
Words are whole: nothing is found inside a longer word or number. Position comes first, then the quote with what stands
before and after it (the W3C text-position and text-quote selectors); where that leaves a choice, nothing is chosen.
"""

from __future__ import annotations

import difflib
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from rapidfuzz import fuzz

from qa.receipts import Receipt
from qa.visible import Visible, visible
from qa.words import inside_word, is_word, joined

Status = Literal["found", "moved", "reworded", "gone", "ambiguous"]
Surroundings = Literal["same", "changed", "unknown"]

_MOST_PLACES = 10  # that a verdict names where the words stand several times
_MOST_OCCURRENCES = 5_000
_LEAST_ALIKE = 72.0  # of 100, `rapidfuzz.fuzz.partial_ratio`: near words below it are other words
_SHORTEST_ALIKE = 10  # characters: shorter words are like too many others
_SHORTEST_ANCHOR = 8
_TELLING = 24  # characters from which words are told apart from others without what stands around them
_MOST_AROUND = 200  # characters before and after that are compared
_MOST_ALIKE = 400  # characters of the quote that near words are looked for by
_WINDOW = 4_000  # characters on both sides of the place that near words are looked for in first

_SENTENCES: dict[Status, str] = {
    "found": "The words stand where the citation says.",
    "moved": "The words stand in the document, at another place than the citation says.",
    "reworded": "The words near that place are others now.",
    "gone": "The words do not stand in the document.",
    "ambiguous": "The words stand elsewhere in the document, and nothing tells which place is meant.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Words of the citation and what stands there now; either is empty where words were added or dropped."""

    cited: str
    stands: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What became of a citation.

    `start` and `end` bound `words` in the document that was checked; None where there is no one place. `places` are
    where ambiguous words stand, the first ten. `changes` say what was reworded. `same_document` compares the checksums,
    None where one is missing.
    """

    status: Status
    message: str
    start: int | None = None
    end: int | None = None
    words: str | None = None
    surroundings: Surroundings = "unknown"
    same_document: bool | None = None
    changes: tuple[Change, ...] = ()
    places: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class _Place:
    """Where whole words of the quote stand, and whether what stands before and after is what the receipt says."""

    start: int
    end: int
    before: bool | None
    after: bool | None

    @property
    def surroundings(self) -> Surroundings:
        told = [side for side in (self.before, self.after) if side is not None]
        return "unknown" if not told else "same" if all(told) else "changed"


def verify(receipt: Receipt, text: str, *, media_type: str = "text/plain", sha256: str | None = None) -> Verdict:
    """Check `receipt` against a document's text; `sha256` is of the document's file."""
    quotes = _variants(receipt.quote)
    views = [visible(text, media_type)]
    if media_type == "text/markdown":
        views.append(visible(text))
    comparable = media_type != "text/html"  # the offsets of a page's text are not those of its markup
    places = _places(receipt, quotes, views)
    verdict = _decide(receipt, places, comparable)
    if quotes and not any(place.surroundings == "same" for place in places) and verdict.status != "found":
        near = _reworded(receipt, quotes[0], views[0], only_between=bool(places))
        verdict = verdict if near is None else near
    same = None if receipt.sha256 is None or sha256 is None else receipt.sha256.lower() == sha256.lower()
    words = None if verdict.start is None else text[verdict.start : verdict.end]
    return Verdict(
        status=verdict.status,
        message=verdict.message,
        start=verdict.start,
        end=verdict.end,
        words=words,
        surroundings=verdict.surroundings,
        same_document=same,
        changes=verdict.changes,
        places=verdict.places,
    )


@lru_cache(maxsize=64)
def _variants(text: str) -> tuple[str, ...]:
    """The words as written and, where that is something else, without Markdown's marks; nothing for blank text."""
    seen = (visible(text, kind).text.strip() for kind in ("text/plain", "text/markdown"))
    return tuple(each for each in dict.fromkeys(seen) if each)


def _places(receipt: Receipt, quotes: Sequence[str], views: Sequence[Visible]) -> list[_Place]:
    """Where the whole words stand, in reading order; places that overlap are one."""
    found: dict[int, _Place] = {}
    for view in views:
        for quote in quotes:
            for at in {*_occurrences(quote, view.text), *_stated(receipt, view, quote)}:
                place = _place(receipt, view, at, at + len(quote))
                if place is not None:
                    known = found.get(place.start)
                    if known is None or known.surroundings != "same":
                        found[place.start] = place
    return [found[start] for start in sorted(found)]


def _stated(receipt: Receipt, view: Visible, quote: str) -> list[int]:
    """Where the receipt says that the words stand, where they do: however often they stand before."""
    if receipt.start is None:
        return []
    lead = len(receipt.quote) - len(receipt.quote.lstrip())
    at = bisect_left(view.starts, receipt.start + lead)
    return [at] if view.text.startswith(quote, at) else []


def _occurrences(words: str, text: str) -> Iterator[int]:
    at = text.find(words)
    for _ in range(_MOST_OCCURRENCES):
        if at < 0:
            return
        yield at
        at = text.find(words, at + 1)


def _place(receipt: Receipt, view: Visible, start: int, end: int) -> _Place | None:
    """The place of `view.text[start:end]`, None where it is a part of a longer word."""
    text = view.text
    if inside_word(text, start) or inside_word(text, end):
        return None
    prefix = None if receipt.prefix is None else receipt.prefix[-_MOST_AROUND:]
    suffix = None if receipt.suffix is None else receipt.suffix[:_MOST_AROUND]
    before = _agrees(prefix, text, start, forwards=False, at_edge=receipt.start == 0)
    after = _agrees(suffix, text, end, forwards=True, at_edge=suffix == "")
    if (joined(text, start) and not before) or (joined(text, end) and not after):
        return None  # joined to a neighbour that the citation does not know of
    return _Place(*view.place(start, end), before, after)


def _agrees(told: str | None, text: str, at: int, *, forwards: bool, at_edge: bool) -> bool | None:
    """Whether what stands before or after `at` is what the receipt tells; None where it tells nothing."""
    if told is None or (told == "" and not at_edge):
        return None
    stands = text[at : at + 2 * len(told) + 80] if forwards else text[max(0, at - 2 * len(told) - 80) : at]
    variants = _variants(told)
    if not variants:
        return not stands.strip() if told == "" else True
    if forwards:
        return any(stands.lstrip().startswith(each) for each in variants)
    return any(stands.rstrip().endswith(each) for each in variants)


def _decide(receipt: Receipt, places: Sequence[_Place], comparable: bool) -> Verdict:
    if not places:
        return _verdict("gone")
    certain = [place for place in places if place.surroundings == "same"]
    if comparable and receipt.start is not None:
        start = receipt.start + len(receipt.quote) - len(receipt.quote.lstrip())
        there = next((place for place in places if place.start == start), None)
        if there is not None and (there in certain or len(places) == 1 or there.before or there.after):
            return _verdict("found", there)
        if there is not None and not certain:
            if there.surroundings == "unknown":  # nothing but the position tells, and it does
                return _verdict("found", there)
            return _verdict("ambiguous", places=places)
    chosen = certain if certain else places
    if len(chosen) > 1:
        return _verdict("ambiguous", places=chosen)
    (place,) = chosen
    if (not comparable or receipt.start is None) and place.surroundings != "changed":
        return _verdict("found", place)
    if not (certain or place.before or place.after) and len(receipt.quote) < _TELLING:
        return _verdict("ambiguous", places=chosen)
    return _verdict("moved", place)


def _verdict(status: Status, place: _Place | None = None, *, places: Sequence[_Place] = ()) -> Verdict:
    return Verdict(
        status=status,
        message=_SENTENCES[status],
        start=None if place is None else place.start,
        end=None if place is None else place.end,
        surroundings="unknown" if place is None else place.surroundings,
        places=tuple((each.start, each.end) for each in places[:_MOST_PLACES]),
    )


def _reworded(receipt: Receipt, quote: str, view: Visible, *, only_between: bool) -> Verdict | None:
    """The near words, where there are some: between the same surroundings, or alike."""
    near = _between(receipt, quote, view)
    if near is None and not only_between:
        near = _alike(receipt, quote, view)
    if near is None:
        return None
    start, end = _whole_words(view.text, *near)
    changes = _changes(quote, view.text[start:end])
    if not changes:  # the same words with something joined to them: -5 for 5, non-profit for profit
        while start > 0 and not view.text[start - 1].isspace():
            start -= 1
        while end < len(view.text) and not view.text[end].isspace():
            end += 1
        changes = _changes(quote, view.text[start:end])
    first, last = view.place(start, end)
    return Verdict(status="reworded", message=_SENTENCES["reworded"], start=first, end=last, changes=changes)


def _between(receipt: Receipt, quote: str, view: Visible) -> tuple[int, int] | None:
    """What stands between the receipt's prefix and suffix now, where there is one such place."""
    befores, afters = _variants(receipt.prefix or ""), _variants(receipt.suffix or "")
    if not befores or not afters or min(len(befores[0]), len(afters[0])) < _SHORTEST_ANCHOR:
        return None
    found = set()
    for at in _occurrences(befores[0], view.text):
        start = at + len(befores[0])
        end = view.text.find(afters[0], start, start + 3 * len(quote) + 80)
        if end >= 0 and view.text[start:end].strip():
            found.add((start, end))
    return found.pop() if len(found) == 1 else None


def _alike(receipt: Receipt, quote: str, view: Visible) -> tuple[int, int] | None:
    """The stretch most like the quote, first near its place."""
    if len(quote) < _SHORTEST_ALIKE:
        return None
    windows = [(0, len(view.text))]
    if receipt.start is not None:
        low, high = max(0, receipt.start - _WINDOW), receipt.start + len(quote) + _WINDOW
        windows.insert(0, (low, min(high, len(view.text))))
    for low, high in windows:
        window = view.text[low:high]
        if len(window) < len(quote) / 2:
            continue
        head = quote[:_MOST_ALIKE]
        best = fuzz.partial_ratio_alignment(head, window, score_cutoff=_LEAST_ALIKE)
        if best is not None and best.dest_end > best.dest_start:
            rest = len(quote) - len(head)
            return low + best.dest_start, min(len(view.text), low + best.dest_end + rest)
    return None


def _whole_words(text: str, start: int, end: int) -> tuple[int, int]:
    """The span without white space at its ends and with the rest of the words it cuts."""
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    while start > 0 and is_word(text[start - 1]) and is_word(text[start]):
        start -= 1
    while end < len(text) and is_word(text[end - 1]) and is_word(text[end]):
        end += 1
    return start, end


def _changes(cited: str, stands: str) -> tuple[Change, ...]:
    """The words that differ, in order."""
    one, two = cited.split(), stands.split()
    matcher = difflib.SequenceMatcher(a=one, b=two, autojunk=False)
    return tuple(
        Change(cited=" ".join(one[a:b]), stands=" ".join(two[c:d]))
        for kind, a, b, c, d in matcher.get_opcodes()
        if kind != "equal"
    )

"""Lists with an entry on each line, and columns of tables: when one entry answers for all of them, so do the others.

"What went well?" under the heading "What went well" is answered by every entry, whichever of them a reader likes best.
Form decides, and which words the question shares with the line that leads to the list; no model.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from index.function_words import FUNCTION_WORDS
from index.text import word_set
from index.types import Passage
from qa.lexicon import stems
from qa.lists import Found
from qa.reading.edges import tidy
from qa.reading.listings import Listing, columns, listings
from qa.types import Span

_MOST = 20
"""Entries; more are a register, of which nobody wants all."""

_MOSTLY = 0.7
_QUOTES = " \"“‘'*_`"

_CUT = re.compile(r"\s*(?::|\s[-–—]\s|\()")
_WORD = re.compile(r"[^\W\d_]+")
_SAYS_NOTHING = FUNCTION_WORDS | word_set(
    "not any all some there following follows list name give tell please people things thing ones one called named "
    "listed mentioned"
)
_IRREGULAR = {
    form: verb
    for verb, forms in {
        "take": "took taken", "go": "went gone goes", "give": "gave given", "make": "made",
        "get": "got gotten", "say": "said", "pay": "paid", "buy": "bought", "bring": "brought",
        "find": "found", "hold": "held", "keep": "kept", "know": "knew known", "leave": "left", "lose": "lost",
        "see": "saw seen", "send": "sent", "spend": "spent", "build": "built", "choose": "chose chosen",
        "come": "came", "fall": "fell fallen", "learn": "learnt", "mean": "meant", "write": "wrote written",
        "begin": "began begun", "break": "broke broken", "become": "became", "feel": "felt", "win": "won", "tell":
        "told",
    }.items()
    for form in forms.split()
}  # fmt: skip


def siblings(question: str, best: Found, passages: Sequence[Passage], *, several: bool) -> list[Found]:
    """The entries that answer like the one that `best` is of, `best` among them; none where it is of none.

    They do where the question is about what leads to the list (of a question for one thing, where it has more than half
    of the lead's words) and has no word by which an entry stands out; those of a column where the question is about
    nothing else. Entries are given whole, but where the best span ends before a colon, dash or bracket, up to theirs.
    Of `passages`, the one that shows most of the list is cited.
    """
    shown = [_shown(passage, best) for passage in (best[0], *passages)]
    passage, span, listing = max(
        (place for place in shown if place is not None), key=lambda place: len(place[2].entries), default=(*best, None)
    )
    if listing is None or len(listing.entries) > _MOST or not _is_about(question, listing, passage.text, several):
        return []
    text = passage.text
    start, end = listing.entries[_at(listing, span)]
    if text[start : span.start].strip(_QUOTES):
        return []
    cut = _CUT.match(text, span.end, end)
    if cut is None and 2 * (span.end - span.start) < _sentence_end(passage, start, end) - start:
        return []
    found = []
    for first, after in listing.entries:
        stop = _sentence_end(passage, first, after)
        if cut is not None and (mark := text.find(cut.group(), first, stop)) > first:
            stop = mark
        place = (span.start, span.end) if first == start else tidy(text, first, stop)
        if place is not None:
            found.append((passage, Span(start=place[0], end=place[1], score=span.score)))
    return found


def by_entry(found: Sequence[Found]) -> list[Found]:
    """The items of a list answer, those of one entry as one where they are the entries' beginnings.

    "digitisation and storage" is one entry among others and so one item, unless commas part it; and an item ends with
    its entry. Where more than `_MOSTLY` of the entries begin with an item, the rest are items as well.
    """
    given = list(found)
    for passage in {id(passage): passage for passage, _ in found}.values():
        for listing in listings(passage.text):
            inside = [(item, place) for item in given if (place := _place_in(passage, listing, item)) is not None]
            led = {
                at for _, (at, span) in inside if not passage.text[listing.entries[at][0] : span.start].strip(_QUOTES)
            }
            if len(led) < 2 or len(listing.entries) > _MOST:
                continue
            given = [item for item in given if all(item is not other for other, _ in inside)]
            for n, (start, end) in enumerate(listing.entries):
                own = sorted((span for _, (at, span) in inside if at == n), key=lambda span: span.start)
                if own:
                    given += [(passage, span) for span in _joined(passage.text, own, end)]
                elif len(led) > _MOSTLY * len(listing.entries):
                    whole = tidy(passage.text, start, _sentence_end(passage, start, end))
                    score = inside[0][1][1].score
                    given += [(passage, Span(start=whole[0], end=whole[1], score=score))] if whole else []
    return given


def _place_in(passage: Passage, listing: Listing, item: Found) -> tuple[int, Span] | None:
    """The entry that an item begins in, and the item in `passage`'s coordinates; None where it begins in none."""
    moved = item[0].start - passage.start
    start, end = item[1].start + moved, item[1].end + moved
    if item[0].document_id != passage.document_id or not 0 <= start < end <= len(passage.text):
        return None
    at = next((n for n, (first, after) in enumerate(listing.entries) if first <= start < after), -1)
    return None if at < 0 else (at, Span(start=start, end=end, score=item[1].score))


def _joined(text: str, spans: Sequence[Span], end: int) -> list[Span]:
    """The spans as one where no comma or semicolon parts any of them; none beyond `end`."""
    places = [tidy(text, s.start, end) if s.end > end else (s.start, s.end) for s in spans]
    kept = [(place, span.score) for place, span in zip(places, spans, strict=True) if place is not None]
    if kept and not any(re.search(r"[,;]", text[one[1] : two[0]]) for (one, _), (two, _) in pairwise(kept)):
        kept = [((kept[0][0][0], max(place[1] for place, _ in kept)), max(score for _, score in kept))]
    return [Span(start=start, end=stop, score=score) for (start, stop), score in kept]


def _shown(passage: Passage, best: Found) -> tuple[Passage, Span, Listing] | None:
    """The list of which `best` is an entry, as far as `passage` shows it."""
    moved = best[0].start - passage.start
    start, end = best[1].start + moved, best[1].end + moved
    if passage.document_id != best[0].document_id or not 0 <= start < end <= len(passage.text):
        return None
    span = Span(start=start, end=end, score=best[1].score)
    every = (found for kind in (listings, columns) for found in kind(passage.text))
    listing = next((found for found in every if _at(found, span) >= 0), None)
    return None if listing is None else (passage, span, listing)


def _at(listing: Listing, span: Span) -> int:
    """The entry that the span lies in, else -1."""
    places = (n for n, (start, end) in enumerate(listing.entries) if start <= span.start and span.end <= end)
    return next(places, -1)


def _sentence_end(passage: Passage, start: int, end: int) -> int:
    """The end of the first sentence of an entry."""
    for first, after in passage.sentences:
        if first - passage.start <= start < after - passage.start:
            return min(end, after - passage.start)
    return end


def _is_about(question: str, listing: Listing, text: str, several: bool) -> bool:
    asked, led = _content(question), _content(listing.lead)
    shared = asked & led
    if listing.about is not None:
        return bool(shared) and asked <= led | _content(listing.about)
    enough = len(asked) if several else len(led)
    if not shared or 2 * len(shared) < min(enough, len(led)) or (not several and 2 * len(shared) == len(led)):
        return False
    return not (asked - led) & _content(text[slice(*listing.within)])


def _content(words: str) -> frozenset[str]:
    """Stems of the words that say something."""
    plain = [word.lower() for word in _WORD.findall(words)]
    return frozenset(stems(_IRREGULAR.get(word, word) for word in plain if word not in _SAYS_NOTHING))

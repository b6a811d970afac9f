"""What was chosen → what is given: no item without content, no number without its unit, as many as were asked for."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from index.types import Passage
from qa.choose import Choice
from qa.entries import by_entry, siblings
from qa.lists import Found, asks_for_several
from qa.reading.edges import find_pairs, tidy
from qa.reading.items import split_items
from qa.reading.whole import says_something, whole
from qa.types import Reading, Span

_NUMBERS = {word: n for n, word in enumerate("two three four five six seven eight nine ten".split(), start=2)}
_NUMBER = rf"(?:{'|'.join(_NUMBERS)}|both)"
_OWNERS = r"(?:(?:the|his|her|its|their|these|those|all)\s+)?(?:(?:other|main|first|last)\s+)?"
_STATED = re.compile(
    rf"\b(?:which|what|whose)\s+(?:other\s+)?{_NUMBER}\b(?!\s+(?:of|and|or)\b)"
    rf"|^(?:who|what|which|where)\s+(?:are|were)\s+{_OWNERS}{_NUMBER}\b"
    rf"|^(?:please\s+)?(?:list|name|give|tell)\s+(?:me\s+)?{_OWNERS}{_NUMBER}\b",
    re.IGNORECASE,
)
_PAIR = re.compile(
    r"\bbetween\s+(?:which|what)\s+(?:two\s+)?\w+s\b|\bfrom\s+(?:where|what|which\s+\w+)\s+to\s+(?:where|what|which)\b"
    r"|^how\s+(?:old|tall|long|big|large|heavy|far|high|deep|wide)\s+(?:are|were)\s+[^,?]+\s+and\s+"
    r"|^(?:(?:in|at|by|of|for|on)\s+)?(?:which|what)\s+(?:[\w-]+\s+){1,3}and\s+(?:which|what)\s+"
    r"|^what\s+(?:is|was|are|were)\s+[^,?]+\s+and\s+[^,?]+\s+(?:called|named|known\s+as)\b"
    r"|^(?:how|when|where|in\s+(?:which|what))\b[^,?]*\b(in|for|of|at|on|by|from)\s+[^,?]+\s+and\s+\1\s+",
    re.IGNORECASE,
)
_LEADS_ON = re.compile(
    r"(?:\s+(?:of|from|for|with|by|to|at|as|than|into|the|an?|and|or|nor|its|his|her|their|whose|which))+$",
    re.IGNORECASE,
)
"""What an item cannot end with where the sentence goes on: "EUR 15,000 for" of "EUR 15,000 for twelve months"."""
_WHO = re.compile(r"\bwho(?:m|se)?\b", re.IGNORECASE)
_ARTICLE = re.compile(r"(?:the|a|an|his|her|its|their)\s", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars:
    """How far below the best span, and how far below "not here", in logits, a further item may lie."""

    lead: float
    margin: float


# Chosen on the development sets, where both are flat around these figures.
STATED = Bars(lead=12.0, margin=-6.0)
PLURAL = Bars(lead=10.0, margin=-4.0)
_CLEARLY = 1.0


def stated_count(question: str) -> int | None:
    """How many things the question says that it wants: "which two", "name the four"; None where it does not say."""
    match = _STATED.search(question)
    if match is None:
        return None
    words = re.findall(r"\w+", match.group().lower())
    return next((_NUMBERS[word] for word in reversed(words) if word in _NUMBERS), 2)


def least_count(question: str) -> int:
    """How many things there should be at least: of "between which temperatures" and "how old are he and she" two."""
    return stated_count(question) or (2 if _PAIR.search(question) else 1)


def complete(question: str, choice: Choice, readings: Sequence[Reading]) -> Choice:
    """The choice with its items as they are given, in no order.

    Where the best is an entry of a list that the question is about, the other entries come with it. Where fewer were
    found than the question says, or only one although it asks for several, the next best of the readings are added
    above a lower bar; where more, those that are clearly weaker than the rest are left out.
    """
    several = asks_for_several(question)
    listed = siblings(question, choice.best, [reading.passage for reading in readings], several=several)
    if listed:
        found = listed if len(listed) >= len(choice.found) else list(choice.found)
        return replace(choice, found=tuple(_finished(question, found)))
    found = _finished(question, by_entry(choice.found) if several or len(choice.found) > 1 else choice.found)
    if not several and len(found) == 1:
        found = _named(question, found[0])
    stated = stated_count(question)
    least = least_count(question)
    if len(found) < least:
        found = _filled(question, found, readings, choice, bars=STATED, least=least)
    elif several and len(found) == 1:
        found = _filled(question, found, readings, choice, bars=PLURAL, least=2)
    elif stated is not None and len(found) > stated:
        found = _strongest(found, readings, stated)
    return replace(choice, found=tuple(found))


def _finished(question: str, found: Sequence[Found], *, one_of_several: bool = False) -> list[Found]:
    """Each with what it needs; of several, those that say something, without what they need not."""
    several = one_of_several or len(found) > 1
    finished: list[Found] = []
    for passage, span in found:
        start, end = whole(passage.text, span.start, span.end, question=question)
        if several:
            start, end = _alone(passage.text, start, end)
        if len(found) == 1 or says_something(passage.text, start, end):
            finished.append((passage, Span(start=start, end=end, score=span.score)))
    return finished or list(found[:1])


def _alone(text: str, start: int, end: int) -> tuple[int, int]:
    """An item without a bracket that never closes, and without words that only lead on to what it leaves out."""
    opened = find_pairs(text, start, end).opened
    if opened and (cut := tidy(text, start, max(start + 1, opened[0]))):
        start, end = cut
    leads_on = _LEADS_ON.search(text, start, end) if text[end : end + 1] == " " else None
    return (leads_on and tidy(text, start, leads_on.start())) or (start, end)


def _filled(
    question: str, found: list[Found], readings: Sequence[Reading], choice: Choice, *, bars: Bars, least: int
) -> list[Found]:
    best = choice.evidence.own_margin
    candidates = [
        (margin, passage, span)
        for reading in readings
        for margin, passage, span in _candidates(reading)
        if margin >= max(bars.margin, best - bars.lead)
    ]
    filled = list(found)
    for _, passage, span in sorted(candidates, key=lambda c: -c[0]):
        if len(filled) >= least:
            break
        item = _finished(question, [(passage, span)], one_of_several=True)[0]
        if says_something(passage.text, item[1].start, item[1].end) and all(
            _differ(item, other) and _alike(item, other) for other in filled
        ):
            filled += _parts(item, several=True)
    return filled


def _named(question: str, item: Found) -> list[Found]:
    """The names that answer together although the question asks for one: "who wrote it?" by both authors.

    Two names may be one, "Lake Hotel and Old Resort": they are two where people are asked for or the second has an
    article of its own. Anything else is the item.
    """
    parts = _parts(item, several=False)
    names = all(_form(part) == "name" for part in parts)
    last, span = parts[-1]
    apart = len(parts) > 2 or _WHO.search(question) or _ARTICLE.match(last.text, span.start, span.end)
    return parts if names and apart else [item]


def _parts(item: Found, *, several: bool) -> list[Found]:
    passage, span = item
    parts = split_items(passage.text, span.start, span.end, several=several)
    return [(passage, Span(start=start, end=end, score=span.score)) for start, end in parts]


def _candidates(reading: Reading) -> list[tuple[float, Passage, Span]]:
    """Spans with their margins, as wide as the tagged words they are part of; and tagged words, by what tags them."""
    candidates = []
    for span in reading.spans:
        wider = next((t for t in reading.items if t.start <= span.start and span.end <= t.end), span)
        candidates.append((span.score - reading.null_score, reading.passage, wider))
    candidates += [(tag.score, reading.passage, tag) for tag in reading.items]
    return candidates


def _differ(one: Found, two: Found) -> bool:
    """Whether two items stand in different places and neither says what the other does."""
    (first, a), (second, b) = one, two
    if (
        first.document_id == second.document_id
        and first.start + a.start < second.start + b.end
        and second.start + b.start < first.start + a.end
    ):
        return False
    said, other = (p.text[s.start : s.end].casefold() for p, s in (one, two))
    return said not in other and other not in said


def _alike(one: Found, two: Found) -> bool:
    """Whether both are names, or numbers, or neither."""
    return _form(one) == _form(two)


def _form(item: Found) -> str:
    passage, span = item
    said = re.sub(
        r"^(?:the|a|an|in|on|at|from|of|by|about|around)\s+", "", passage.text[span.start : span.end], flags=re.I
    )
    said = said.lstrip("\"“‘'($€£")
    return "number" if said[:1].isdigit() else "name" if said[:1].isupper() else "words"


def _strongest(found: list[Found], readings: Sequence[Reading], count: int) -> list[Found]:
    """Without those beyond `count` that are clearly weaker than the weakest of the rest."""
    ranked = sorted(found, key=lambda item: -_strength(item, readings))
    bar = _strength(ranked[count - 1], readings) - _CLEARLY
    return [item for item in found if item in ranked[:count] or _strength(item, readings) >= bar]


def _strength(item: Found, readings: Sequence[Reading]) -> float:
    """How surely the words are tagged; a third of the margin, which is about as much, where only a span has them."""
    passage, span = item
    start, end = passage.start + span.start, passage.start + span.end
    best = -math.inf
    for reading in readings:
        if reading.passage.document_id != passage.document_id:
            continue
        base = reading.passage.start
        for tag in reading.items:
            if base + tag.start < end and base + tag.end > start:
                best = max(best, tag.score)
        for other in reading.spans:
            if base + other.start < end and base + other.end > start:
                best = max(best, (other.score - reading.null_score) / 3)
    return best

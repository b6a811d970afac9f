"""Readings of one question → the spans that answer it, and what speaks for them.

Span scores are compared raw across passages (shared normalisation, Clark & Gardner 2018), never as per-passage
softmaxes, and what speaks for the best one is measured where it stands: passages without the answer change nothing,
however many they are.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from index.types import Passage
from qa.lists import Found, ListRules, Reread, gather, items_of
from qa.types import Reading, Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What speaks for the best span, in logits; what confidence is computed from.

    `margin` is over the smallest no-answer score of all passages, `own_margin` over that of its own passage, `alone`
    that of the best span over the no-answer score when nothing but its sentence is read: what looked like an answer
    among other sentences often does not by itself. `lead` is over the best span elsewhere with other words (at most
    12).
    """

    margin: float
    own_margin: float
    alone: float
    lead: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The spans chosen, each in its passage; the passage and span that answer best; and the evidence for that one."""

    found: tuple[Found, ...]
    best: Found
    evidence: Evidence


FARTHEST_LEAD = 12.0
LONGEST_HEADING = 150
_ASKS_FOR_HEADING = re.compile(r"\b(?:titles?|titled|headlines?|headings?|head)\b", re.IGNORECASE)
_CLOSED = re.compile(r"[.!?…。！？:;][\s\"'”’»)\]]*$")

DOUBT = 0.17
"""How much a passage's own "not here" counts against its best span when passages are compared; chosen on the dev sets,
where of 767 questions 8 then got the right place and 1 lost it. Four of the latter at twice as much, all on the
shortest document."""


def worth_reading(question: str, passages: Sequence[Passage]) -> list[Passage]:
    """Without those that are but a heading, as a title above a picture is, where more of their document is to be read.

    A few words with nothing around them look like an answer to almost anything. Whoever asks for them gets them.
    """
    if _ASKS_FOR_HEADING.search(question):
        return list(passages)
    bodies = {passage.document_id for passage in passages if not _is_heading(passage)}
    return [p for p in passages if p.document_id not in bodies or not _is_heading(p)]


def _is_heading(passage: Passage) -> bool:
    return len(passage.sentences) == 1 and len(passage.text) <= LONGEST_HEADING and not _CLOSED.search(passage.text)


def choose(readings: Sequence[Reading], *, several: bool, reread: Reread, rules: ListRules) -> Choice | None:
    """Choose among the readings of one question; None where nothing was found at all."""
    read = [r for r in readings if r.spans]
    if not read:
        return None
    reading = max(read, key=lambda r: r.spans[0].score - DOUBT * r.null_score)
    span = reading.spans[0]
    evidence = Evidence(
        margin=span.score - min(r.null_score for r in readings),
        own_margin=span.score - reading.null_score,
        alone=_alone(reading, span, reread),
        lead=min(FARTHEST_LEAD, span.score - _elsewhere(read, reading.passage, span)),
    )
    if several:
        found = gather(readings, (reading, span), reread, rules)
    else:
        found = [(reading.passage, part) for part in _tagged_parts(reading, span, rules)]
    return Choice(found=tuple(found), best=(reading.passage, span), evidence=evidence)


def _alone(reading: Reading, span: Span, reread: Reread) -> float:
    """The margin when only the sentences that the span touches are read; the passage's where it has no others."""
    passage = reading.passage
    start, end = passage.start + span.start, passage.start + span.end
    touched = [place for place in passage.sentences if place[0] < end and place[1] > start]
    again: Sequence[Reading] = ()
    if touched and len(touched) < len(passage.sentences):
        first, last = touched[0][0], touched[-1][1]
        text = passage.text[first - passage.start : last - passage.start]
        sentence = replace(
            passage, id=f"{passage.id}:{first}", text=text, start=first, end=last, sentences=tuple(touched)
        )
        again = reread([sentence])
    judged = again[0] if again else reading
    return judged.spans[0].score - judged.null_score if judged.spans else -math.inf


def _tagged_parts(reading: Reading, span: Span, rules: ListRules) -> list[Span]:
    """The span, or the items that the tagging head sees in and around it where it is sure of two or more."""
    if sum(tag.score >= rules.several_tag for tag in reading.items) < 2:
        return [span]
    items = items_of(reading, rules, several=False)
    meets = any(item.start < span.end and item.end > span.start for item in items)
    return items if meets and len(items) > 1 else [span]


def _elsewhere(readings: Sequence[Reading], passage: Passage, span: Span) -> float:
    """The best score of a span that says something else and stands somewhere else."""
    words = passage.text[span.start : span.end].casefold()
    start, end = passage.start + span.start, passage.start + span.end
    best = -math.inf
    for reading in readings:
        base = reading.passage.start
        for other in reading.spans:
            same_place = (
                reading.passage.document_id == passage.document_id
                and base + other.start < end
                and base + other.end > start
            )
            said = reading.passage.text[other.start : other.end].casefold()
            if not same_place and said not in words and words not in said:
                best = max(best, other.score)
    return best

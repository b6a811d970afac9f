"""Readings of one question → the spans that answer it, and what speaks for them.

Span scores are compared raw across passages against one pooled no-answer score, the smallest of all passages: passages
that do not hold the answer have a large one, so more of them change nothing (shared normalisation, Clark & Gardner
2018). Never per-passage softmaxes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from index.types import Passage
from qa.lists import Found, ListRules, Reread, gather, items_of
from qa.types import Reading, Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What speaks for the best span, in logits; what confidence is computed from.

    `margin` is over the pooled no-answer score, `own_margin` over that of its own passage, `lead` over the best span
    elsewhere with other words (at most 12).
    """

    margin: float
    own_margin: float
    lead: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The spans chosen, each in its passage; the passage and span that answer best; and the evidence for that one."""

    found: tuple[Found, ...]
    best: Found
    evidence: Evidence


FARTHEST_LEAD = 12.0


def choose(readings: Sequence[Reading], *, several: bool, reread: Reread, rules: ListRules) -> Choice | None:
    """Choose among the readings of one question; None where nothing was found at all."""
    read = [r for r in readings if r.spans]
    if not read:
        return None
    reading = max(read, key=lambda r: r.spans[0].score)
    span = reading.spans[0]
    evidence = Evidence(
        margin=span.score - min(r.null_score for r in readings),
        own_margin=span.score - reading.null_score,
        lead=min(FARTHEST_LEAD, span.score - _elsewhere(read, reading.passage, span)),
    )
    if several:
        found = gather(readings, (reading, span), reread, rules)
    else:
        found = [(reading.passage, part) for part in _tagged_parts(reading, span, rules)]
    return Choice(found=tuple(found), best=(reading.passage, span), evidence=evidence)


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

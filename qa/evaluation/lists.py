"""List questions as MultiSpanQA scores them (Li et al. 2022, section 5): span by span, exactly and in part."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

from qa.evaluation.types import Alternative
from qa.evaluation.words import normalise_official


@dataclass(frozen=True, slots=True)
class ListCounts:
    """One question's share of the counts that precision and recall are summed from.

    `hits` items equal a gold span after the official normalisation; `precision` is the sum over items of the greatest
    share of an item that a gold span has in one piece, `recall` the same over gold spans.
    """

    golds: int
    items: int
    hits: int
    precision: float
    recall: float

    @property
    def exact_f1(self) -> float:
        """F1 of this question alone, 0 to 1."""
        return 2 * self.hits / (self.golds + self.items)

    @property
    def partial_f1(self) -> float:
        """F1 of this question alone on parts, 0 to 1."""
        return ratio_f1(self.precision / self.items, self.recall / self.golds)


def count_list(answers: Sequence[Alternative], items: Sequence[str]) -> ListCounts:
    """Count one question against the alternative that fits best, by exact F1, then partial F1.

    As in the official script, items and golds are sets of normalised strings, and nothing given or nothing wanted
    counts as one, so that an empty answer is a miss and not a division by nought.
    """
    said = {normalise_official(item) for item in items}
    options = [{normalise_official(span.text) for span in one.spans} for one in answers if one.spans] or [set()]
    return max((_count(gold, said) for gold in options), key=lambda counts: (counts.exact_f1, counts.partial_f1))


def ratio_f1(precision: float, recall: float) -> float:
    """Their harmonic mean; 0 where both are 0."""
    return 2 * precision * recall / (precision + recall) if precision + recall > 0 else 0.0


def _count(gold: set[str], said: set[str]) -> ListCounts:
    wanted, given = max(len(gold), 1), max(len(said), 1)
    if not gold or not said or said == {""}:
        both = int(not gold and (not said or said == {""}))
        return ListCounts(wanted, given, both, float(both), float(both))
    shared = {(g, s): _longest_piece(g, s) for g in gold for s in said}
    return ListCounts(
        golds=wanted,
        items=given,
        hits=len(gold & said),
        precision=sum(max(shared[g, s] / len(s) if s else 0.0 for g in gold) for s in sorted(said)),
        recall=sum(max(shared[g, s] / len(g) if g else 0.0 for s in said) for g in sorted(gold)),
    )


def _longest_piece(one: str, other: str) -> int:
    return difflib.SequenceMatcher(None, one, other).find_longest_match(0, len(one), 0, len(other)).size

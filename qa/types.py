"""What the answering side hands on: spans, readings, citations and answers.

No third-party import. All frozen. Character offsets are `str` indices, half-open.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from index.types import Hit, Passage

Stage = Literal["retrieval", "reader", "threshold", "answered"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A stretch of one passage, in passage coordinates, with the reader's raw score (a logit: compare, do not add)."""

    start: int
    end: int
    score: float

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end:
            raise ValueError(f"bad span [{self.start}, {self.end})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a reader found in one passage.

    `spans` are the best single answers, best first. `items` are the parts of a list answer in reading order, empty
    where the reader has no tagging head or tagged nothing. `null_score` is the raw score of "the answer is not here",
    on the scale of `Span.score`.
    """

    passage: Passage
    spans: tuple[Span, ...]
    null_score: float
    items: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Citation:
    """A receipt: the words, where they stand, and enough around them for anyone to check.

    `document.text[start:end] == quote`. `prefix` and `suffix` are the up to 32 characters before and after (the W3C
    text-quote selector); `sentence_start` and `sentence_end` bound the whole sentences around the quote.
    """

    number: int
    document_id: str
    title: str
    source: str
    sha256: str
    start: int
    end: int
    quote: str
    prefix: str
    suffix: str
    sentence_start: int
    sentence_end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One part of an answer: the words as found and the number of the citation that proves them."""

    text: str
    citation: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The reply to one question.

    `items` are the answer's parts in reading order and `citations` their receipts; both are empty when `abstained`.
    `answerable` is the calibrated probability that the documents answer the question at all, `confidence` that they do
    and the words chosen are right; both are set when abstaining too. `reason` is one sentence, set only when
    abstaining; `stage` names what decided: nothing retrieved has to do with the question, the reader found nothing, the
    confidence was below the threshold, or the question was answered.
    `understood_as` is the question as it was read where it was misspelt or a follow-up had to be completed, else None.
    `nearest` is the place to look at when abstaining: a receipt with number 0, or None where nothing was retrieved.
    """

    question: str
    items: tuple[Item, ...] = ()
    citations: tuple[Citation, ...] = ()
    confidence: float = 0.0
    answerable: float = 0.0
    abstained: bool = True
    reason: str | None = None
    stage: Stage = "retrieval"
    understood_as: str | None = None
    nearest: Citation | None = None
    hits: tuple[Hit, ...] = ()
    seconds_by_stage: Mapping[str, float] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The items in one line, for people: `"; "` between them, empty when abstained."""
        return "; ".join(item.text for item in self.items)

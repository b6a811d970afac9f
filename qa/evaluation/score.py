"""One answer against its gold: right or not, strictly and leniently, what was found, what was cited, what failed.

Nothing is looked up by its words: golds and citations both carry places, and where a set gives none (a table of
questions and answers) words alone are compared.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from index.sentences import split_blocks
from index.types import Document
from qa.evaluation.lists import ListCounts, count_list
from qa.evaluation.types import Alternative, Place, Question
from qa.evaluation.words import contains_words, content_words, exact_match, normalise, token_f1
from qa.types import Answer

Lost = Literal["", "retrieval", "reader", "threshold"]
Outcome = Literal["right", "partly", "wrong", "missed", "silent"]
Range = tuple[int, int]

_SEPARATOR = re.compile(r"[\s,;/&•–-]*(?:(?:and|or|as well as|und|et|y)\b)?[\s,;/&•–-]*(?:(?:and|or)\b)?\s*")


@dataclass(frozen=True, slots=True)
class Said:
    """One item of an answer; `place` is None where it stands in another document than the gold."""

    text: str
    place: Range | None


@dataclass(frozen=True, slots=True)
class Subject:
    """The document that a question is about, with its sentences; `document` None where the set names none."""

    document: Document | None
    sentences: tuple[Range, ...] = ()

    @classmethod
    def of(cls, document: Document | None) -> Subject:
        if document is None:
            return cls(None)
        blocks = split_blocks(document.text, document.quiet)
        return cls(document, tuple(place for block in blocks for place in block.sentences))

    def touching(self, places: Iterable[Range]) -> list[Range]:
        """The sentences that any of the places touches, in order."""
        found: set[Range] = set()
        for start, end in places:
            first = bisect_right(self.sentences, start, key=lambda sentence: sentence[1])
            last = bisect_left(self.sentences, end, key=lambda sentence: sentence[0])
            found.update(self.sentences[first:last])
        return sorted(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """How one answer did.

    `strict` and `lenient` are defined in `judge`; `exact` and `f1` are SQuAD's, 0 to 1. `found` of `wanted` gold spans
    are there, of the alternative that fits best. `cited`, `cited_right`, `gold` and `gold_cited` count characters, see
    `_citing`. `retrieved` tells whether the passages read held the gold answer, None where the set gives no places;
    `holding` are the ranks of those that held a whole gold span.
    `squad_text` is the answer as SQuAD's script reads it, `lost` the stage to blame, "" where all is well.
    """

    strict: bool
    lenient: bool
    exact: float
    f1: float
    outcome: Outcome
    lost: Lost
    found: int = 0
    wanted: int = 0
    items: ListCounts | None = None
    cited: int = 0
    cited_right: int = 0
    gold: int = 0
    gold_cited: int = 0
    retrieved: bool | None = None
    document_found: bool | None = None
    holding: tuple[int, ...] = ()
    squad_text: str = ""
    squad_golds: tuple[str, ...] = field(default=())


def score(question: Question, answer: Answer, subject: Subject) -> Score:
    """Score one answer; see `Score`."""
    said = said_items(answer, subject)
    text = joined(said, subject)
    golds = squad_golds(question, subject)
    strict, lenient = judge(question, said, subject, abstained=answer.abstained)
    f1 = token_f1(golds, text)
    found, wanted = _found(question, said)
    outcome: Outcome
    if answer.abstained:
        outcome = "missed" if question.answerable else "silent"
    elif lenient:
        outcome = "right"
    else:
        outcome = "partly" if question.answerable and (f1 > 0 or found) else "wrong"
    retrieved, document_found, holding = _retrieved(question, answer, subject)
    cited, cited_right, gold, gold_cited = _citing(question, said, subject)
    return Score(
        strict=strict,
        lenient=lenient,
        exact=exact_match(golds, text),
        f1=f1,
        outcome=outcome,
        lost="" if lenient else _lost(question, answer, retrieved),
        found=found,
        wanted=wanted,
        items=count_list(question.answers, [one.text for one in said]) if is_list(question) else None,
        cited=cited,
        cited_right=cited_right,
        gold=gold,
        gold_cited=gold_cited,
        retrieved=retrieved,
        document_found=document_found,
        holding=holding,
        squad_text=text,
        squad_golds=golds,
    )


def is_list(question: Question) -> bool:
    """Whether a question asks for several things: its set says so, or every alternative has several spans."""
    several = bool(question.answers) and all(len(one.spans) > 1 for one in question.answers if one.spans)
    return question.answerable and (question.kind == "list" or (several and not question.kind))


def said_items(answer: Answer, subject: Subject) -> list[Said]:
    """The answer's items, with places in the question's document."""
    citations = {citation.number: citation for citation in answer.citations}
    said = []
    for item in answer.items:
        citation = citations.get(item.citation)
        here = citation is not None and subject.document is not None and citation.document_id == subject.document.id
        said.append(Said(item.text, (citation.start, citation.end) if citation is not None and here else None))
    return said


# ── Right or not ─────────────────────────────────────────────────────────────


def judge(question: Question, said: Sequence[Said], subject: Subject, *, abstained: bool) -> tuple[bool, bool]:
    """Whether the answer is strictly and leniently right.

    Abstaining is right, both ways, exactly where the question cannot be answered from the document.

    **Strict**: there is an alternative of which every span is given by an item and every item gives a span, or a single
    item (or all items together) is one of its aliases. An item gives a span when their normalised words are equal
    (`words.normalise`) and the places overlap; where the set states no place, equal words are enough. So one item too
    many is wrong, one too few is wrong, and the right words quoted from another place are wrong.

    **Lenient**: all that is strictly right, and what a person would accept as a longer quotation. There is an
    alternative of which every word that carries meaning lies in an item; every item touches one of its spans; and no
    word of an item lies outside the sentences that settle the question: the set's evidence, and the sentences in which
    the alternative's spans stand. Where the set states no places: every span's words stand in an item one after the
    other, and every item holds a span or a part of one.
    """
    if abstained or not said:
        right = not question.answerable
        return right, right
    if not question.answerable:
        return False, False
    if any(_strict(one, said) for one in question.answers):
        return True, True
    return False, any(_lenient(one, said, question.evidence, subject) for one in question.answers)


def _strict(alternative: Alternative, said: Sequence[Said]) -> bool:
    whole = {normalise(one.text) for one in said} if len(said) == 1 else {normalise(" ".join(s.text for s in said))}
    if whole & {normalise(alias) for alias in alternative.aliases}:
        return True
    spans = alternative.spans
    return (
        bool(spans)
        and all(any(_gives(item, span) for item in said) for span in spans)
        and all(any(_gives(item, span) for span in spans) for item in said)
    )


def _gives(item: Said, span: Place) -> bool:
    if normalise(item.text) != normalise(span.text):
        return False
    if span.start is None or span.end is None:
        return True
    return item.place is not None and item.place[0] < span.end and item.place[1] > span.start


def _lenient(alternative: Alternative, said: Sequence[Said], evidence: Sequence[Place], subject: Subject) -> bool:
    spans = alternative.spans
    if not spans:
        return any(contains_words(item.text, alias) for alias in alternative.aliases for item in said)
    golds = [range_ for span in spans if (range_ := _range(span)) is not None]
    if subject.document is None or len(golds) < len(spans):
        return all(any(contains_words(item.text, span.text) for item in said) for span in spans) and all(
            any(contains_words(item.text, span.text) or contains_words(span.text, item.text) for span in spans)
            for item in said
        )
    places = [item.place for item in said if item.place is not None]
    if len(places) < len(said) or not all(_covered(span, places) for span in spans):
        return False
    if not all(any(start < end_ and end > start_ for start_, end_ in golds) for start, end in places):
        return False
    allowed = [range_ for place in evidence if (range_ := _range(place)) is not None]
    allowed += [*subject.touching(golds), *golds]
    text = subject.document.text
    return all(
        any(a <= start + first and start + last <= b for a, b in allowed)
        for start, end in places
        for first, last in content_words(text[start:end])
    )


def _covered(span: Place, places: Sequence[Range]) -> bool:
    """Whether every word of a gold span that carries meaning lies in some item."""
    if span.start is None:
        return False
    return all(
        any(start <= span.start + first and span.start + last <= end for start, end in places)
        for first, last in content_words(span.text, joined=len(places) > 1)
    )


def _found(question: Question, said: Sequence[Said]) -> tuple[int, int]:
    """How many spans of the alternative that fits best are there, in whatever company, and how many it has."""
    places = [item.place for item in said if item.place is not None]

    def there(span: Place) -> bool:
        if span.start is None:
            return any(contains_words(item.text, span.text) for item in said)
        return _covered(span, places)

    counts = [(sum(map(there, one.spans)), len(one.spans)) for one in question.answers if one.spans]
    return max(counts, key=lambda count: (count[0] / count[1], count[1]), default=(0, 0))


def _range(place: Place) -> Range | None:
    return None if place.start is None or place.end is None else (place.start, place.end)


# ── SQuAD ────────────────────────────────────────────────────────────────────


def joined(said: Sequence[Said], subject: Subject) -> str:
    """The items as one text for SQuAD's metrics, which know one span only; "" for no item.

    Neighbours with nothing but commas and conjunctions between them are quoted as they stand, separators included;
    others are joined by semicolons.
    """
    return _join([(one.text, one.place) for one in said], subject)


def squad_golds(question: Question, subject: Subject) -> tuple[str, ...]:
    """Every alternative as one text, joined as answers are, and the aliases; empty for an unanswerable question."""
    found: dict[str, None] = {}
    for one in question.answers:
        if one.spans:
            found[_join([(span.text, _range(span)) for span in one.spans], subject)] = None
        found |= dict.fromkeys(one.aliases)
    return tuple(found)


def _join(parts: Sequence[tuple[str, Range | None]], subject: Subject) -> str:
    whole = ""
    before: int | None = None
    for text, place in parts:
        between = ""
        if whole:
            between = "; "
            if subject.document is not None and place is not None and before is not None and place[0] >= before:
                gap = subject.document.text[before : place[0]]
                if len(gap) <= 40 and _SEPARATOR.fullmatch(gap):
                    between = gap
        whole += between + text
        before = None if place is None else place[1]
    return whole


# ── Citations, retrieval, blame ──────────────────────────────────────────────


def _citing(question: Question, said: Sequence[Said], subject: Subject) -> tuple[int, int, int, int]:
    """Characters cited; of these in a gold span or the evidence; of gold spans; of these cited.

    The golds are those of the alternative of which most is cited, then of the shorter.
    """
    cited = {at for item in said if item.place is not None for at in range(*item.place)}
    elsewhere = sum(len(item.text) for item in said if item.place is None)
    options = [
        {at for span in one.spans if (place := _range(span)) is not None for at in range(*place)}
        for one in question.answers
    ]
    options = [option for option in options if option]
    if subject.document is None or (question.answerable and not options):
        return 0, 0, 0, 0
    best = max(options, key=lambda gold: (len(gold & cited) / len(gold), -len(gold)), default=set())
    right = best | {at for place in question.evidence if (r := _range(place)) is not None for at in range(*r)}
    if not question.answerable:
        right = set()
    return len(cited) + elsewhere, len(cited & right), len(best), len(best & cited)


def _retrieved(
    question: Question, answer: Answer, subject: Subject
) -> tuple[bool | None, bool | None, tuple[int, ...]]:
    """Whether every span of an alternative lies in a passage found; whether any passage is of its document; which
    passages hold a span."""
    document = subject.document
    if document is None or not question.answerable:
        return None, None, ()
    found = [(rank, hit.passage) for rank, hit in enumerate(answer.hits)]
    ranges = [(p.start, p.end, rank) for rank, p in found if p.document_id == document.id]
    golds = [[_range(span) for span in one.spans] for one in question.answers if one.spans]
    if not any(all(places) for places in golds):
        return None, bool(ranges), ()
    held = any(
        all(place is not None and any(a <= place[0] and place[1] <= b for a, b, _ in ranges) for place in places)
        for places in golds
    )
    places = [place for alternative in golds for place in alternative if place is not None]
    holding = sorted({rank for a, b, rank in ranges if any(a <= start and end <= b for start, end in places)})
    return held, bool(ranges), tuple(holding)


def _lost(question: Question, answer: Answer, retrieved: bool | None) -> Lost:
    """The first stage at which things went wrong for an answer that is not right."""
    if not question.answerable:
        return "threshold"
    if retrieved is False or answer.stage == "retrieval":
        return "retrieval"
    return "threshold" if answer.stage == "threshold" else "reader"

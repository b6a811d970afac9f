"""What was read of a question → the answer that is given, or a refusal with its reason and the nearest sentence.

No reader is called here: one question can be decided again with another threshold at no cost.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from index.embed import Embedder
from index.types import Document, Hit
from qa.calibrate import Calibration
from qa.choose import Choice, Evidence
from qa.cite import cite_all, receipt
from qa.reasons import why
from qa.same import distinct
from qa.types import Answer, Citation, Item, Stage

NEAREST_FROM = 2
"""How many passages the nearest sentence is looked for in."""

REMEMBERED = 4096
"""Sentences whose vectors are kept, six megabytes of them: people ask about the same passages again and again."""

Place = tuple[str, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """One question, read but not yet decided: what calibration and evaluation look at.

    `related` says whether any passage has to do with the question; where none has, both probabilities are 0.
    """

    question: str
    understood_as: str | None
    hits: tuple[Hit, ...]
    choices: tuple[Choice | None, ...]
    answerable: float
    confidence: float
    related: bool
    seconds_by_stage: Mapping[str, float]

    @property
    def evidence(self) -> Evidence | None:
        """What speaks for the weakest of its parts; None where a part has no answer at all."""
        weighed = [choice.evidence for choice in self.choices if choice is not None]
        return min(weighed, key=lambda e: e.own_margin) if weighed and len(weighed) == len(self.choices) else None


class Decider:
    """Decides over some documents, by one calibration."""

    def __init__(self, documents: Mapping[str, Document], embedder: Embedder, calibration: Calibration) -> None:
        self._documents = documents
        self._embedder = embedder
        self._calibration = calibration
        self._vectors: dict[Place, NDArray[np.float32]] = {}

    def decide(self, examined: Examined, *, threshold: float) -> Answer:
        """Cite and answer, or abstain; a `threshold` of 0 answers whatever was found."""
        base = Answer(
            question=examined.question,
            confidence=examined.confidence,
            answerable=examined.answerable,
            hits=examined.hits,
        )
        if not examined.hits:
            return replace(base, stage="retrieval", reason=why("retrieval", examined.question, found=None, nearest=""))
        stage = self._refused_at(examined, threshold)
        if stage is not None:
            return self._refusal(base, examined, stage)
        citations = cite_all(
            self._documents, [found for choice in examined.choices if choice for found in choice.found]
        )
        keep = distinct(
            [c.quote for c in citations],
            self._similarity,
            sentences=[(c.document_id, c.sentence_start) for c in citations],
            before=[c.prefix for c in citations],
        )
        kept = tuple(replace(citations[place], number=n) for n, place in enumerate(keep, start=1))
        if not kept:  # everything found lies in boilerplate
            return self._refusal(base, examined, "reader")
        items = tuple(Item(text=c.quote, citation=c.number) for c in kept)
        return replace(base, items=items, citations=kept, abstained=False, stage="answered")

    def _refused_at(self, examined: Examined, threshold: float) -> Stage | None:
        """The stage that finds no answer, None where there is one."""
        if any(choice is None for choice in examined.choices):
            return "reader"
        if threshold == 0:
            return None
        if not examined.related:
            return "retrieval"
        if examined.answerable < self._calibration.gate:
            return "reader"
        return "threshold" if examined.confidence < threshold else None

    def _refusal(self, base: Answer, examined: Examined, stage: Stage) -> Answer:
        nearest = self._nearest(examined.question, examined.hits)
        sentence = self._documents[nearest.document_id].text[nearest.sentence_start : nearest.sentence_end]
        best = next((choice.best for choice in examined.choices if choice is not None), None)
        found = None if best is None else best[0].text[best[1].start : best[1].end]
        reason = why(stage, examined.understood_as or examined.question, found=found, nearest=sentence)
        return replace(base, stage=stage, reason=reason, nearest=nearest)

    def _nearest(self, question: str, hits: Sequence[Hit]) -> Citation:
        """The sentence most like the question, of the passages ranked first."""
        asked = self._embedder.embed_query(question)
        places = {
            (hit.passage.document_id, start, end): hit.passage
            for hit in hits[:NEAREST_FROM]
            for start, end in hit.passage.sentences or ((hit.passage.start, hit.passage.end),)
        }
        likeness = self._vectors_of(list(places)) @ asked
        (identity, start, end), passage = list(places.items())[int(likeness.argmax())]
        return receipt(self._documents[identity], start, end, number=0, sentences=passage.sentences)

    def _vectors_of(self, places: Sequence[Place]) -> NDArray[np.float32]:
        """One row a place. Safe from many threads: what two of them embed at once comes out the same."""
        known = self._vectors
        fresh = [place for place in places if place not in known]
        if fresh:
            texts = [self._documents[document].text[start:end] for document, start, end in fresh]
            found = dict(zip(fresh, self._embedder.embed_passages(texts), strict=True))
            known = known | found
            self._vectors = known if len(known) <= REMEMBERED else found
        return np.stack([known[place] for place in places])

    def _similarity(self, one: str, two: str) -> float:
        return float(self._embedder.embed_query(one) @ self._embedder.embed_query(two))

"""The reader given the passage that holds the answer: what is lost before reading shows in the difference.

The passage is the gold answer's sentences with one more on either side, as a document of its own.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from index.errors import DocumentError
from index.load import load_text
from qa.assistant import Assistant
from qa.evaluation.score import Range, Subject, score
from qa.evaluation.sources import Source
from qa.evaluation.types import Alternative, Place, Question

LONGEST = 4_000
"""Characters of a passage: an answer spread wider than that has none."""


def given_passage(question: Question, source: Source) -> dict[str, Any] | None:
    """Scores of the answer from the gold passage alone, whatever its confidence.

    None for a question without an answer or without places, and where the assistant cannot be put before other text.
    """
    document = source.subject.document
    if document is None or not isinstance(source.asker, Assistant):
        return None
    region = _region(question, source.subject)
    if region is None:
        return None
    start, end = region
    try:
        part = load_text(document.text[start:end], title=document.title, source=document.source)
    except DocumentError:
        return None
    asker = source.asker.over([part])
    examined = asker.examine(question.text, question.turns)
    found = score(_within(question, start, end), asker.decide(examined, threshold=0.0), Subject.of(part))
    return {"strict": found.strict, "lenient": found.lenient, "exact": found.exact, "f1": found.f1}


def _region(question: Question, subject: Subject) -> Range | None:
    """From the sentence before the first gold sentence to the one behind the last, of the first alternative."""
    for one in question.answers:
        places = [(s.start, s.end) for s in one.spans if s.start is not None and s.end is not None]
        if not places or len(places) < len(one.spans):
            continue
        touched = subject.touching(places)
        if not touched:
            return None
        first, last = (subject.sentences.index(sentence) for sentence in (touched[0], touched[-1]))
        start = min(subject.sentences[max(0, first - 1)][0], *(a for a, _ in places))
        end = max(subject.sentences[min(len(subject.sentences) - 1, last + 1)][1], *(b for _, b in places))
        return (start, end) if end - start <= LONGEST else None
    return None


def _within(question: Question, start: int, end: int) -> Question:
    """The question about the passage: places moved, and what lies outside left away."""

    def moved(places: tuple[Place, ...]) -> tuple[Place, ...]:
        return tuple(
            Place(text=p.text, start=p.start - start, end=p.end - start)
            for p in places
            if p.start is not None and p.end is not None and start <= p.start and p.end <= end
        )

    answers = [replace(one, spans=moved(one.spans)) for one in question.answers]
    whole = [
        Alternative(spans=new.spans, aliases=new.aliases)
        for new, old in zip(answers, question.answers, strict=True)
        if len(new.spans) == len(old.spans)
    ]
    return replace(question, answers=tuple(whole), evidence=moved(question.evidence))

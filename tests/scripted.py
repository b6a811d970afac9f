"""A reader without a model, for tests of what is done with its readings: it finds the phrases it was told to find."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence

from index.types import Passage
from qa.types import Reading, Span

NULL = 0.0


def places(passage: Passage, phrase: str, score: float) -> list[Span]:
    """Every place of a phrase in a passage."""
    found, at = [], passage.text.find(phrase)
    while at >= 0:
        found.append(Span(start=at, end=at + len(phrase), score=score))
        at = passage.text.find(phrase, at + len(phrase))
    return found


def reading(
    passage: Passage, phrases: Mapping[str, float], *, tags: Mapping[str, float] | None = None, null: float = NULL
) -> Reading:
    """The places of `phrases`, best first, as spans and those of `tags`, in reading order, as items."""
    spans = [span for phrase, score in phrases.items() for span in places(passage, phrase, score)]
    items = [span for phrase, score in (tags or {}).items() for span in places(passage, phrase, score)]
    return Reading(
        passage=passage,
        spans=tuple(sorted(spans, key=lambda span: (-span.score, span.start))),
        null_score=null,
        items=tuple(sorted(items, key=lambda span: span.start)),
    )


class ScriptedReader:
    """Reads by a rule. `asked` holds the question of every call, `seen` its passages and `given` its readings."""

    name = "scripted"

    def __init__(self, rule: Callable[[str, Passage], Reading]) -> None:
        self._rule = rule
        self._lock = threading.Lock()
        self.asked: list[str] = []
        self.seen: list[tuple[Passage, ...]] = []
        self.given: list[list[Reading]] = []

    def read(self, question: str, passages: Sequence[Passage], *, n_best: int = 5) -> list[Reading]:
        readings = [self._rule(question, passage) for passage in passages]
        with self._lock:
            self.asked.append(question)
            self.seen.append(tuple(passages))
            self.given.append(readings)
        return readings


def finds(
    phrases: Mapping[str, float], *, tags: Mapping[str, float] | None = None, null: float = NULL
) -> ScriptedReader:
    """A reader that finds the same phrases whatever it is asked."""
    return ScriptedReader(lambda _, passage: reading(passage, phrases, tags=tags, null=null))


def passage(
    text: str,
    *,
    at: int = 0,
    identity: str = "p",
    document: str = "d",
    sentences: Sequence[tuple[int, int]] | None = None,
) -> Passage:
    """A passage at `at` of its document; its sentences end with ". " where they are not given."""
    if sentences is None:
        found, begin = [], 0
        for part in text.split(". "):
            end = min(len(text), begin + len(part) + 1)
            if end > begin:
                found.append((at + begin, at + end))
            begin = end + 1
        sentences = found
    return Passage(
        id=identity, document_id=document, text=text, start=at, end=at + len(text), sentences=tuple(sentences)
    )

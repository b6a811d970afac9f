"""How the assistants that are compared are made: the shipped one, and others that differ from it in one thing each.

Made by composition (readers around readers, rules, settings) and, where a decision is taken otherwise, by an assistant
that overrides that decision.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace

from quality_sets import Asked

from index.embed import Embedder
from index.retrieve import Retriever
from index.store import Index
from index.types import Passage
from qa.assistant import Assistant
from qa.calibrate import Calibration
from qa.config import Depth, Settings
from qa.decide import Examined
from qa.lists import ListRules
from qa.reading.cascade import Cascade
from qa.reading.reader import Reader
from qa.types import Answer, Reading, Span

NEVER = math.inf
_SURELY_NOT = 2.0  # a threshold that no probability reaches


@dataclass(frozen=True, slots=True, kw_only=True)
class Models:
    """What every variant is made of."""

    small: Reader
    careful: Reader
    embedder: Embedder
    calibrations: dict[Depth, Calibration]


Make = Callable[[Models, Index], Assistant]


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One line of the table.

    `removes` says that an idea which is shipped is left out, else one that is not is tried; None for neither.
    `turns` gives the conversation before a question, by default the set's own. `passages` are the size and overlap of
    the passages, by default the shipped. `around` is entered while questions are asked.
    """

    change: str
    make: Make
    removes: bool | None = True
    turns: Callable[[Asked], tuple[str, ...]] = lambda asked: asked.question.turns
    passages: dict[str, int] = field(default_factory=dict)
    around: Callable[[], AbstractContextManager[object]] = nullcontext


# ── Assistants that decide otherwise ─────────────────────────────────────────


class OneSpan(Assistant):
    """Answers with the best span alone, as it stands."""

    def examine(self, question: str, history: Sequence[str] = (), **options: object) -> Examined:
        examined = super().examine(question, history, **options)  # type: ignore[arg-type]
        return replace(examined, choices=tuple(c and replace(c, found=(c.best,)) for c in examined.choices))


class WithoutHistory(Assistant):
    """Reads every question as it stands."""

    def examine(self, question: str, history: Sequence[str] = (), **options: object) -> Examined:  # noqa: ARG002
        return super().examine(question, (), **options)  # type: ignore[arg-type]


class AlwaysLeaning(Assistant):
    """Reads every question behind the one before it."""

    def examine(self, question: str, history: Sequence[str] = (), **options: object) -> Examined:
        return super().examine(" ".join([*history[-1:], question]), (), **options)  # type: ignore[arg-type]


class _Ruled(Assistant):
    """Answers where `answers` says so."""

    def answers(self, examined: Examined) -> bool:
        raise NotImplementedError

    def decide(self, examined: Examined, *, threshold: float | None = None) -> Answer:
        if threshold is None:
            threshold = 0.0 if self.answers(examined) else _SURELY_NOT
        return super().decide(examined, threshold=threshold)


class OverItsOwnNull(_Ruled):
    """Answers where the best span outweighs "not here" in its own passage."""

    def answers(self, examined: Examined) -> bool:
        return examined.evidence is not None and examined.evidence.own_margin > 0


class OverThePooledNull(_Ruled):
    """Answers where the best span outweighs the smallest "not here" of all passages."""

    def answers(self, examined: Examined) -> bool:
        return examined.evidence is not None and examined.evidence.margin > 0


class Uncalibrated(_Ruled):
    """Takes the reader's own two-way softmax, span against "not here", for the probability that it is right."""

    def examine(self, question: str, history: Sequence[str] = (), **options: object) -> Examined:
        examined = super().examine(question, history, **options)  # type: ignore[arg-type]
        margin = -NEVER if examined.evidence is None else examined.evidence.own_margin
        says = 1 / (1 + math.exp(-max(-30.0, min(30.0, margin))))
        return replace(examined, confidence=says, answerable=says)

    def answers(self, examined: Examined) -> bool:
        return examined.confidence >= 0.5


# ── Readers around readers ───────────────────────────────────────────────────


class _Around:
    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    @property
    def name(self) -> str:
        return self._reader.name

    def read(self, question: str, passages: Sequence[Passage], *, n_best: int = 5) -> list[Reading]:
        return [self.changed(r) for r in self._reader.read(question, passages, n_best=n_best)]

    def changed(self, reading: Reading) -> Reading:
        raise NotImplementedError


class Untagged(_Around):
    """Leaves out what the tagging head says."""

    def changed(self, reading: Reading) -> Reading:
        return replace(reading, items=())


class Shifted(_Around):
    """Takes a number of a reading off all its scores."""

    def less(self, reading: Reading) -> float:
        raise NotImplementedError

    def changed(self, reading: Reading) -> Reading:
        if not reading.spans:
            return reading
        by = self.less(reading)
        spans = tuple(Span(start=s.start, end=s.end, score=s.score - by) for s in reading.spans)
        return replace(reading, spans=spans, null_score=reading.null_score - by)


class Softmaxed(Shifted):
    """Scores are log-probabilities within their passage, so that passages cannot be compared: the classic mistake."""

    def less(self, reading: Reading) -> float:
        scores = [s.score for s in reading.spans] + [reading.null_score]
        most = max(scores)
        return most + math.log(sum(math.exp(score - most) for score in scores))


class OverOwnNull(Shifted):
    """Passages are compared by how far a span outweighs their own "not here"."""

    def less(self, reading: Reading) -> float:
        return reading.null_score


# ── Compositions ─────────────────────────────────────────────────────────────


def assistant(
    *,
    kind: type[Assistant] = Assistant,
    reader: Callable[[Models], Reader] | None = None,
    around: Callable[[Reader], Reader] = lambda reader: reader,
    rules: ListRules | None = None,
    depth: Depth = "careful",
    dense_weight: float | None = None,
    calibration: Calibration | None = None,
    **settings: object,
) -> Make:
    """A way to make an assistant that is the shipped one but for what is named."""

    def make(models: Models, index: Index) -> Assistant:
        read: Reader
        if reader is not None:
            read = reader(models)
        else:
            read = models.small if depth == "quick" else Cascade(models.small, models.careful)
        made = kind(
            index,
            embedder=models.embedder,
            reader=around(read),
            calibration=calibration or models.calibrations[depth],
            settings=Settings(depth=depth, **settings),  # type: ignore[arg-type]
            rules=rules,
        )
        if dense_weight is not None:
            made._retriever = Retriever(index, models.embedder, dense_weight=dense_weight)
        return made

    return make


def keeping(keep: int) -> Callable[[Models], Reader]:
    """A cascade that reads so many passages with care."""
    return lambda models: Cascade(models.small, models.careful, keep=keep)

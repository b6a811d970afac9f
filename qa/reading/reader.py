"""The `Reader` contract, and how a passage is read whatever the model: windows, logits, spans, one `Reading`.

Windows are never run in one batch, so that a reading depends on its own passage only (quantised models scale
activations per tensor, and a neighbour in a batch would move them); a reader may run several at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from index.types import Passage
from qa.errors import ReaderError
from qa.reading.decode import KEEP_TAG, MAX_ANSWER_TOKENS, TokenSpan, best_spans, decode_tags, null_score
from qa.reading.edges import tidy
from qa.reading.walls import Walls, walls
from qa.reading.windows import PairEncoder, Window
from qa.types import Reading, Span


class Reader(Protocol):
    """Finds the answer's words in passages. One instance serves many threads."""

    @property
    def name(self) -> str:
        """Identity for reports and calibration: kind and version, or the model's name or path."""

    def read(self, question: str, passages: Sequence[Passage], *, n_best: int = 5) -> list[Reading]:
        """Return one `Reading` per passage, in their order; none for no passages.

        Each holds up to `n_best` spans that do not overlap, best first. A reading depends on the question and its own
        passage only, so scores of different calls can be compared. Any question is read, even an empty one.

        Raises: `ReaderError` when the model fails while reading.
        """


@dataclass(frozen=True, slots=True, eq=False)
class Logits:
    """What a model says about one window: `start` and `end` of shape `(tokens,)`, `tags` `(tokens, 3)` or None."""

    start: NDArray[np.floating]
    end: NDArray[np.floating]
    tags: NDArray[np.floating] | None = None


Forward = Callable[[Window], Logits]


def one_by_one(forward: Forward, windows: Sequence[Window]) -> Iterable[Logits]:
    """Run windows in their order, each when it is asked for."""
    return map(forward, windows)


def read_passages(
    forward: Forward,
    encoder: PairEncoder,
    question: str,
    passages: Sequence[Passage],
    *,
    n_best: int = 5,
    max_answer_tokens: int = MAX_ANSWER_TOKENS,
    name: str = "",
    run: Callable[[Forward, Sequence[Window]], Iterable[Logits]] = one_by_one,
) -> list[Reading]:
    """Read every passage with one model; see `Reader.read`.

    `name` is for error messages. `run` gives what `forward` says of each window, in their order.
    """
    if n_best < 1:
        raise ValueError(f"n_best must be at least 1, not {n_best}")
    if not passages:
        return []
    asked = encoder.cut(question)
    windows = [encoder.windows(asked, passage.text) for passage in passages]
    every = [window for own in windows for window in own]
    logits = (_checked(scores, window, name) for scores, window in zip(run(forward, every), every, strict=True))
    return [
        _merge(passage, own, list(islice(logits, len(own))), n_best=n_best, max_answer_tokens=max_answer_tokens)
        for passage, own in zip(passages, windows, strict=True)
    ]


def _checked(logits: Logits, window: Window, name: str) -> Logits:
    tokens = len(window.ids)
    tags = logits.tags
    shaped = logits.start.shape == logits.end.shape == (tokens,) and (tags is None or tags.shape == (tokens, 3))
    if not shaped or not all(np.isfinite(part).all() for part in (logits.start, logits.end, tags) if part is not None):
        raise ReaderError(
            f"the reader {name!r} gave no finite score for every one of {tokens} tokens: its model is damaged or not a "
            "question-answering model; install it again or choose another reader"
        )
    return logits


def _merge(
    passage: Passage, windows: list[Window], logits: list[Logits], *, n_best: int, max_answer_tokens: int
) -> Reading:
    candidates: list[Span] = []
    inside = walls(passage.text)
    for window, scores in zip(windows, logits, strict=True):
        rooms = np.where(window.context, inside.rooms(window.offsets), -1)
        # A few more than asked for, since different token spans may come down to the same words.
        found = best_spans(scores.start, scores.end, rooms, n_best=n_best + 3, max_tokens=max_answer_tokens)
        candidates += _characters(passage.text, window.offsets, found)
    return Reading(
        passage=passage,
        spans=tuple(_apart(candidates)[:n_best]),
        # A window without the answer must not veto the one that has it, so the smallest counts.
        null_score=min(null_score(s.start, s.end, null=w.null) for w, s in zip(windows, logits, strict=True)),
        items=tuple(sorted(_apart(_tagged(passage.text, inside, windows, logits)), key=lambda span: span.start)),
    )


def _characters(text: str, offsets: NDArray[np.int64], found: list[TokenSpan]) -> list[Span]:
    spans: list[Span] = []
    for first, end, score in found:
        place = tidy(text, int(offsets[first, 0]), int(offsets[end - 1, 1]))
        if place is not None:
            spans.append(Span(start=place[0], end=place[1], score=score))
    return spans


def _apart(spans: list[Span]) -> list[Span]:
    """The best of every group that overlaps, best first; the earlier, then the shorter of equals."""
    kept: list[Span] = []
    for span in sorted(spans, key=lambda s: (-s.score, s.start, s.end)):
        if all(span.end <= other.start or span.start >= other.end for other in kept):
            kept.append(span)
    return kept


def _tagged(text: str, inside: Walls, windows: list[Window], logits: list[Logits]) -> list[Span]:
    """Lay the windows' tags over each other, each token judged where it has most around it, and decode them once."""
    if any(scores.tags is None for scores in logits):
        return []
    places = [np.flatnonzero(window.offsets[:, 1] > window.offsets[:, 0]) for window in windows]
    places = [place[window.context[place]] for place, window in zip(places, windows, strict=True)]
    total = max((w.first + len(p) for w, p in zip(windows, places, strict=True)), default=0)
    if total == 0:
        return []
    tags = np.zeros((total, 3))
    offsets = np.zeros((total, 2), dtype=np.int64)
    margin = np.full(total, -1)
    for window, place, scores in zip(windows, places, logits, strict=True):
        assert scores.tags is not None
        room = np.minimum(np.arange(len(place)), np.arange(len(place))[::-1])
        part = slice(window.first, window.first + len(place))
        better = room > margin[part]
        tags[part][better] = scores.tags[place][better]
        offsets[part][better] = window.offsets[place][better]
        margin[part][better] = room[better]
    rooms = np.where(margin >= 0, inside.rooms(offsets), -1)
    return _characters(text, offsets, decode_tags(tags, rooms, keep=KEEP_TAG))

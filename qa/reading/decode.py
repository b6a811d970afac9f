"""From a window's logits to spans of its tokens; pure numpy, no text.

Scores are raw logits throughout: they are compared across windows and passages, so nothing is normalised per window
(shared normalisation, Clark & Gardner 2018, section 3). Token spans are half-open.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

OUTSIDE, BEGIN, INSIDE = range(3)
"""The columns of a tagging head's logits."""

MAX_ANSWER_TOKENS = 64
"""Long enough for a whole sentence, which is how "why", "how" and yes/no questions are answered."""


KEEP_TAG = -1.5
"""Log-odds down to which a token still belongs to a tagged span beside it; chosen on the development sets."""


class TokenSpan(NamedTuple):
    """Tokens `start` up to but not including `end`, with the logit that speaks for them."""

    start: int
    end: int
    score: float


def best_spans(
    start_logits: ArrayLike,
    end_logits: ArrayLike,
    rooms: ArrayLike,
    *,
    n_best: int = 5,
    max_tokens: int = MAX_ANSWER_TOKENS,
) -> list[TokenSpan]:
    """Return up to `n_best` spans that do not overlap, best first, by joint score `start[i] + end[j]`, `i <= j`.

    All three arrays have shape `(tokens,)`. `rooms` numbers the stretches that an answer lies in one of, in their
    order; below 0 no answer may stand. A span has at most `max_tokens` tokens. Logits that are not finite never take
    part. Among equal scores the earlier, then the shorter span wins. No rooms, no spans.
    """
    if n_best < 1 or max_tokens < 1:
        raise ValueError(f"n_best and max_tokens must be at least 1, not {n_best} and {max_tokens}")
    starts, ends, room = _rows(start_logits), _rows(end_logits), np.asarray(rooms, dtype=np.int64)
    if not starts.shape == ends.shape == room.shape or starts.ndim != 1:
        raise ValueError(f"shapes differ: {starts.shape}, {ends.shape}, {room.shape}")
    allowed = room >= 0
    if not allowed.any():
        return []
    length = min(max_tokens, int(allowed.sum()))
    # band[i, k] is the score of the span from token i to token i + k, inclusive.
    padded = np.concatenate([np.where(allowed, ends, -np.inf), np.full(length - 1, -np.inf)])
    band = np.where(allowed, starts, -np.inf)[:, None] + np.lib.stride_tricks.sliding_window_view(padded, length)
    first = np.arange(len(starts))[:, None]
    last = first + np.arange(length)
    steps = np.cumsum(np.diff(room, prepend=room[0]) != 0)  # from room to room
    steps = np.concatenate([steps, np.full(length - 1, np.iinfo(np.int64).max)])
    band[steps[last] != steps[first]] = -np.inf
    found: list[TokenSpan] = []
    while len(found) < n_best:
        row, column = divmod(int(band.argmax()), length)
        score = float(band[row, column])
        if score == -np.inf:
            break
        found.append(TokenSpan(row, row + column + 1, score))
        band[(first < row + column + 1) & (last >= row)] = -np.inf
    return found


def null_score(start_logits: ArrayLike, end_logits: ArrayLike, *, null: int = 0) -> float:
    """Return the score of "not in this window": both logits of token `null`, where training puts what has no answer."""
    return float(_rows(start_logits)[null] + _rows(end_logits)[null])


def decode_tags(
    tag_logits: ArrayLike, rooms: ArrayLike, *, threshold: float = 0.0, keep: float | None = None
) -> list[TokenSpan]:
    """Return the spans that a tagging head marks, in token order.

    `tag_logits` has shape `(tokens, 3)`, columns O, B, I; for `rooms` see `best_spans`. A run of tokens in one room
    belongs together where the log-odds of not-O (B and I together) exceed `keep` (None for `threshold`) in all and
    `threshold` in one of them (hysteresis: the words that complete a phrase are less sure than its head). A new span
    begins where B beats I on a token above `threshold`. A span's score is the mean log-odds of its tokens above
    `threshold`.
    """
    tags, room = np.asarray(tag_logits, dtype=np.float64), np.asarray(rooms, dtype=np.int64)
    if tags.shape != (len(room), 3) or room.ndim != 1:
        raise ValueError(f"tags of shape {tags.shape} for rooms of shape {room.shape}: expected (tokens, 3)")
    allowed = room >= 0
    with np.errstate(invalid="ignore"):
        odds = np.logaddexp(tags[:, BEGIN], tags[:, INSIDE]) - tags[:, OUTSIDE]
    sure = allowed & (odds > threshold)
    inside = allowed & (odds > (threshold if keep is None else min(keep, threshold)))
    begin = sure & (tags[:, BEGIN] > tags[:, INSIDE])
    runs: list[list[int]] = []
    for at in np.flatnonzero(inside).tolist():
        carries_on = bool(runs) and runs[-1][-1] == at - 1 and room[at - 1] == room[at]
        if carries_on and begin[at] and any(sure[token] for token in runs[-1]):
            while not sure[runs[-1][-1]]:  # what stands between two items is neither's
                runs[-1].pop()
            carries_on = False
        if carries_on:
            runs[-1].append(at)
        else:
            runs.append([at])
    found: list[TokenSpan] = []
    for run in runs:
        certain = [token for token in run if sure[token]]
        if certain:
            found.append(TokenSpan(run[0], run[-1] + 1, float(odds[certain].mean())))
    return found


def _rows(logits: ArrayLike) -> NDArray[np.float64]:
    """Logits as float64, with whatever is not finite taken out of the running."""
    values = np.asarray(logits, dtype=np.float64)
    return np.where(np.isfinite(values), values, -np.inf)

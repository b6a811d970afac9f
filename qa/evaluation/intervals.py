"""95 % intervals by bootstrap: documents are drawn again and again, and figures computed from what was drawn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 2_000
SEED = 20_240_229
_BATCH = 4_000_000  # numbers held at a time
Columns = Sequence[NDArray[Any]]
Statistic = Callable[..., NDArray[np.float64]]


class Bootstrap:
    """The percentile bootstrap (Efron & Tibshirani 1993, chapter 13) of any number of figures over the same draws.

    `groups` is the cluster of each question: whole clusters are drawn, because questions on one document share its
    difficulty (Field & Welsh 2007). A figure is a function of sums over questions, so a draw is a row of counts, and
    all figures of all draws are one matrix product. The same questions always give the same intervals.
    """

    def __init__(self, groups: NDArray[np.int64]) -> None:
        self._groups = groups
        self._size = int(groups.max()) + 1 if groups.size else 0
        self._sums: list[NDArray[np.float64]] = []
        self._figures: dict[str, tuple[int, int, Statistic]] = {}

    def add(self, name: str, columns: Columns, statistic: Statistic) -> None:
        """Ask for the interval of `statistic`, which takes one array of sums a column, element by element."""
        first = len(self._sums)
        for column in columns:
            weights = np.asarray(column, dtype=np.float64)
            sums: NDArray[np.float64] = np.bincount(self._groups, weights, self._size).astype(np.float64)
            self._sums.append(sums)
        self._figures[name] = (first, len(self._sums), statistic)

    def intervals(self) -> dict[str, list[float] | None]:
        """The interval of every figure; None where fewer than two clusters have anything to say about it."""
        if self._size < 2:
            return dict.fromkeys(self._figures)
        sums = np.stack(self._sums, axis=1)  # (clusters, columns)
        drawn = self._drawn(sums)  # (resamples, columns)
        found: dict[str, list[float] | None] = {}
        for name, (first, last, statistic) in self._figures.items():
            found[name] = None
            if np.count_nonzero(sums[:, first:last].any(axis=1)) < 2:
                continue
            with np.errstate(divide="ignore", invalid="ignore"):
                values = np.asarray(statistic(*drawn[:, first:last].T), dtype=np.float64)
            values = values[np.isfinite(values)]  # a draw without a single such question says nothing
            if values.size >= RESAMPLES // 2:
                low, high = np.percentile(values, [2.5, 97.5])
                found[name] = [float(low), float(high)]
        return found

    def _drawn(self, sums: NDArray[np.float64]) -> NDArray[np.float64]:
        random = np.random.default_rng(SEED)
        drawn = np.empty((RESAMPLES, sums.shape[1]))
        step = max(1, _BATCH // self._size)
        for start in range(0, RESAMPLES, step):
            many = min(step, RESAMPLES - start)
            picked = random.integers(0, self._size, (many, self._size))
            picked += np.arange(many)[:, None] * self._size
            counts = np.bincount(picked.ravel(), minlength=many * self._size).reshape(many, self._size)
            drawn[start : start + many] = counts.astype(np.float64) @ sums
        return drawn


def interval_of(columns: Columns, groups: NDArray[np.int64], statistic: Statistic) -> list[float] | None:
    """The interval of one figure alone; see `Bootstrap`."""
    bootstrap = Bootstrap(groups)
    bootstrap.add("", columns, statistic)
    return bootstrap.intervals()[""]

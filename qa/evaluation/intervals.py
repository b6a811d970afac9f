"""95 % intervals by bootstrap: documents are drawn again and again, and figures computed from what was drawn."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 2_000
SEED = 20_240_229
_Z = 1.959964
_BATCH = 1_000_000  # numbers held at a time
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
        self._shares: set[str] = set()

    def add_share(self, name: str, top: NDArray[Any], bottom: NDArray[Any]) -> None:
        """Ask for the interval of the share that `top` is of `bottom`, both yes or no for every question, in percent.

        Where every draw gives the same share, all or nothing, Wilson's interval stands in: a handful of questions all
        right is no certainty.
        """
        self.add(name, [top, bottom], percent)
        self._shares.add(name)

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
        if not self._sums or not self._size:
            return dict.fromkeys(self._figures)
        sums = np.stack(self._sums, axis=1)  # (clusters, columns)
        drawn = self._drawn(sums)  # (resamples, columns)
        return {name: self._interval(name, sums, drawn) for name in self._figures}

    def _interval(self, name: str, sums: NDArray[np.float64], drawn: NDArray[np.float64]) -> list[float] | None:
        first, last, statistic = self._figures[name]
        found = None
        if np.count_nonzero(sums[:, first:last].any(axis=1)) >= 2:
            with np.errstate(divide="ignore", invalid="ignore"):
                values = np.asarray(statistic(*drawn[:, first:last].T), dtype=np.float64)
            values = values[np.isfinite(values)]  # a draw without a single such question says nothing
            if values.size >= RESAMPLES // 2:
                low, high = np.percentile(values, [2.5, 97.5])
                found = [float(low), float(high)]
        if name in self._shares and (found is None or found[0] == found[1]):
            top, bottom = sums[:, first:last].sum(axis=0)
            found = [100 * edge for edge in wilson(top / bottom, bottom)] if bottom else None
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


def percent(top: NDArray[np.float64], bottom: NDArray[np.float64]) -> NDArray[np.float64]:
    """Their ratio, 0 to 100."""
    return 100 * top / bottom


def interval_of(columns: Columns, groups: NDArray[np.int64], statistic: Statistic) -> list[float] | None:
    """The interval of one figure alone; see `Bootstrap`."""
    bootstrap = Bootstrap(groups)
    bootstrap.add("", columns, statistic)
    return bootstrap.intervals()[""]


def wilson(share: float, count: float) -> tuple[float, float]:
    """The 95 % interval of a share of `count` trials (Wilson 1927), 0 to 1; all of it for no trial."""
    if count <= 0:
        return 0.0, 1.0
    middle = (share + _Z * _Z / (2 * count)) / (1 + _Z * _Z / count)
    half = _Z / (1 + _Z * _Z / count) * math.sqrt(share * (1 - share) / count + _Z * _Z / (4 * count * count))
    return max(0.0, min(share, middle - half)), min(1.0, max(share, middle + half))

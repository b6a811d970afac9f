"""95 % intervals by bootstrap; the only module of the package that imports scipy to draw samples."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 2_000
SEED = 20_240_229
_BATCH = 4_000_000  # numbers held at a time
Ratio = tuple[NDArray[Any], NDArray[Any]]


def interval_of(
    columns: Sequence[NDArray[Any]], groups: NDArray[np.int64], statistic: Callable[..., NDArray[np.float64]]
) -> list[float] | None:
    """The percentile bootstrap interval (Efron & Tibshirani 1993, chapter 13) of a statistic of the columns' sums.

    `columns` hold one number a question and `groups` the cluster of each: whole clusters are drawn, because questions
    on one document share its difficulty (Field & Welsh 2007). `statistic` takes one array of sums a column, element by
    element. The same rows always give the same interval. None where fewer than two clusters have anything to say.
    """
    import scipy.stats

    size = int(groups.max()) + 1 if groups.size else 0
    sums = [np.bincount(groups, weights=np.asarray(column, dtype=np.float64), minlength=size) for column in columns]
    sums = [one[np.any(sums, axis=0)] for one in sums] if sums else []  # clusters that add nothing change nothing
    if not sums or len(sums[0]) < 2:
        return None

    def of_samples(*samples: NDArray[np.float64], axis: int = -1) -> NDArray[np.float64]:
        with np.errstate(divide="ignore", invalid="ignore"):
            return statistic(*(sample.sum(axis=axis) for sample in samples))

    with np.errstate(divide="ignore", invalid="ignore"):
        drawn = scipy.stats.bootstrap(
            sums, of_samples, paired=True, vectorized=True, method="percentile", n_resamples=RESAMPLES,
            batch=max(1, _BATCH // len(sums[0])), rng=np.random.default_rng(SEED),
        ).bootstrap_distribution  # fmt: skip
    drawn = drawn[np.isfinite(drawn)]
    if drawn.size < RESAMPLES // 2:
        return None
    low, high = np.percentile(drawn, [2.5, 97.5])
    return [float(low), float(high)]

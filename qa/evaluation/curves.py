"""Confidence against truth: its order, how true the stated probability is, and what coverage costs in wrong answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from qa.evaluation.table import Table

BINS = 10
CURVE_POINTS = 200
Truth = NDArray[np.bool_]
Numbers = NDArray[np.float64]


def auroc(scores: Numbers, positive: Truth) -> float | None:
    """The chance that a positive scores higher than a negative, ties half (Mann & Whitney 1947); None without both."""
    positives, negatives = int(positive.sum()), int((~positive).sum())
    if not positives or not negatives:
        return None
    _, place, count = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(count) - (count - 1) / 2)[place]
    return float((ranks[positive].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def calibration(confidence: Numbers, right: Truth, answered: Truth) -> dict[str, Any]:
    """How true the stated confidence is, for answers given without a threshold and leniently judged.

    `ece` is the expected calibration error over ten bins of equal width, 0 to 100 (Guo et al. 2017); `brier` the mean
    squared difference, 0 to 1, a proper score (Brier 1950). A question for which nothing at all was found is left out.
    `bins` hold `[from, mean confidence, share right, questions]`, empty ones left out.
    """
    stated, truth = confidence[answered], right[answered].astype(np.float64)
    if not stated.size:
        return {"ece": None, "brier": None, "bins": []}
    bins = _bins(stated)
    rows = []
    for number in range(BINS):
        inside = bins == number
        if inside.any():
            rows.append([number / BINS, float(stated[inside].mean()), float(truth[inside].mean()), int(inside.sum())])
    error = sum(abs(mean - share) * count for _, mean, share, count in rows) / len(stated)
    return {"ece": 100 * error, "brier": float(((stated - truth) ** 2).mean()), "bins": rows}


def ece_columns(confidence: Numbers, right: Truth, answered: Truth) -> tuple[list[Numbers], Callable[..., Numbers]]:
    """The expected calibration error as columns to sum and a function of the sums, for `intervals.interval_of`."""
    bins = _bins(confidence)
    gaps = (confidence - right) * answered
    columns = [np.where(bins == number, gaps, 0.0) for number in range(BINS)]

    def ece(*sums: Numbers) -> Numbers:
        *by_bin, total = sums
        return np.asarray(100 * sum(abs(one) for one in by_bin) / total)

    return [*columns, answered.astype(np.float64)], ece


def risk_coverage(confidence: Numbers, right: Truth, answered: Truth) -> dict[str, Any]:
    """The share wrong among the answered as the threshold falls (El-Yaniv & Wiener 2010; Geifman & El-Yaniv 2017).

    All questions count in the coverage; an answer to one that has none is wrong. `aurc` is the area under the curve, 0
    to 100, lower is better; `coverage_at` the greatest share answered with at least 80, 90 or 95 % right. `curve` holds
    `[coverage, risk]` from 0 to 1, ties in confidence entering together.
    """
    total = len(confidence)
    order = np.argsort(-confidence[answered], kind="stable")
    stated, truth = confidence[answered][order], right[answered][order]
    if not stated.size:
        return {"aurc": None, "coverage_at": {}, "curve": []}
    last = np.flatnonzero(np.append(stated[1:] != stated[:-1], True))
    given = last + 1
    risk = 1 - np.cumsum(truth)[last] / given
    coverage = given / total
    area = float(np.sum(risk * np.diff(coverage, prepend=0.0)) / coverage[-1])
    reached = {
        str(accuracy): 100 * float(coverage[risk <= 1 - accuracy / 100 + 1e-12].max(initial=0.0))
        for accuracy in (80, 90, 95)
    }
    picked = np.unique(np.linspace(0, len(last) - 1, CURVE_POINTS).round().astype(int))
    curve = [[float(coverage[i]), float(risk[i])] for i in picked]
    return {"aurc": 100 * area, "coverage_at": reached, "curve": curve}


def best_thresholds(table: Table) -> dict[str, Any]:
    """SQuAD 2.0's `best_exact` and `best_f1`: the best figure any threshold would give, 0 to 100.

    Tuned on the very questions it is measured on, so an oracle, never a result. Of answers given without a threshold;
    the threshold is on the chance of no answer, as in `na_prob.json`.
    """
    found: dict[str, Any] = {}
    if not len(table):
        return found
    na_prob = np.where(table.forced, 1 - table.p_answerable, 1.0)
    for name, scores in (("exact", table.forced_exact), ("f1", table.forced_f1)):
        gains = np.where(table.answerable, scores, np.where(table.forced, -1.0, 0.0))
        order = np.argsort(na_prob, kind="stable")
        running = np.cumsum(gains[order])
        last = np.flatnonzero(np.append(np.diff(na_prob[order]) != 0, True))
        silent = float((~table.answerable).sum())
        best, at = silent, 0.0
        for i in last:
            if silent + running[i] > best:
                best, at = silent + float(running[i]), float(na_prob[order][i])
        found[f"best_{name}"], found[f"best_{name}_thresh"] = 100 * best / len(table), at
    return found


def _bins(confidence: Numbers) -> NDArray[np.int64]:
    return np.minimum((confidence * BINS).astype(np.int64), BINS - 1)

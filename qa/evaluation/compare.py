"""Two runs on the same questions: what changed, how surely, and which questions were won and lost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qa.evaluation.errors import RunError
from qa.evaluation.folder import RunFolder
from qa.evaluation.intervals import SEED, interval_of
from qa.evaluation.table import FEWEST_CLUSTERS

MEASURES = ("lenient", "strict", "exact", "f1")
GATES = ("lenient", "f1")
"""The measures in which a run must not be worse; the others move with them."""

_FLIPS, _BATCH = 9_999, 4_000_000
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One measure over the common questions, 0 to 100: run A, run B, B minus A with its 95 % interval, and `p`.

    `p` is two-sided, of no difference: McNemar's exact test where a question is right or wrong, else random sign flips.
    """

    a: float
    b: float
    difference: float
    interval: tuple[float, float] | None
    p: float
    test: str

    @property
    def worse(self) -> bool:
        """Whether the whole interval lies below 0."""
        return self.interval is not None and self.interval[1] < 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """A question that one run has leniently right and the other has not."""

    id: str
    document: str
    kind: str
    question: str
    golds: tuple[str, ...]
    a: tuple[str, ...]
    b: tuple[str, ...]
    confidence_a: float
    confidence_b: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Run B against run A. `won` are questions that only B has right, `lost` those that only A has."""

    total: int
    only_a: int
    only_b: int
    differing: int
    measures: Mapping[str, Difference]
    slices: Mapping[str, tuple[int, int, int]]
    won: tuple[Changed, ...]
    lost: tuple[Changed, ...]

    @property
    def regressed(self) -> tuple[str, ...]:
        """The gate's measures in which B is surely worse."""
        return tuple(name for name in GATES if self.measures[name].worse)


def compare(run_a: str | Path, run_b: str | Path) -> Comparison:
    """Compare two run folders over the questions that both have, which is to say the same id, words and right answers.

    `slices` tells of each kind how many questions there are, how many B won and how many it lost.

    Raises: `RunError` where a folder holds no run, or the two have no question in common.
    """
    known = {row["id"]: row for row in map(_small, RunFolder(Path(run_a)).rows())}
    total_a = len(known)
    pairs: list[tuple[Row, Row]] = []
    only_b = differing = 0
    for row in map(_small, RunFolder(Path(run_b)).rows()):
        old = known.pop(row["id"], None)
        if old is None:
            only_b += 1
        elif any(old[name] != row[name] for name in ("question", "squad_golds")):
            differing += 1
        else:
            pairs.append((old, row))
    if not pairs:
        raise RunError(f"{str(run_a)!r} and {str(run_b)!r} have no question in common: compare runs of the same set")
    pairs.sort(key=lambda pair: pair[0]["id"])
    won = [pair for pair in pairs if pair[1]["lenient"] and not pair[0]["lenient"]]
    lost = [pair for pair in pairs if pair[0]["lenient"] and not pair[1]["lenient"]]
    kinds = sorted({old["kind"] for old, _ in pairs})
    return Comparison(
        total=len(pairs),
        only_a=total_a - len(pairs) - differing,
        only_b=only_b,
        differing=differing,
        measures={name: _difference(name, pairs) for name in MEASURES},
        slices={
            kind or "-": (sum(old["kind"] == kind for old, _ in pairs), *(_of_kind(part, kind) for part in (won, lost)))
            for kind in kinds
        },
        won=tuple(_changed(won)),
        lost=tuple(_changed(lost)),
    )


def _small(row: Row) -> dict[str, Any]:
    names = ("id", "document", "group", "kind", "question", "squad_golds", "items", "confidence", *MEASURES)
    return {name: row[name] for name in names}


def _of_kind(pairs: list[tuple[Row, Row]], kind: str) -> int:
    return sum(old["kind"] == kind for old, _ in pairs)


def _difference(name: str, pairs: list[tuple[Row, Row]]) -> Difference:
    a, b = (np.array([float(pair[side][name]) for pair in pairs]) for side in (0, 1))
    _, groups = np.unique([old["group"] for old, _ in pairs], return_inverse=True)
    if groups.max() + 1 < FEWEST_CLUSTERS:
        groups = np.arange(len(pairs))
    # A constant keeps clusters without any difference from being left out: they say that nothing changed.
    interval = interval_of([b - a, np.ones(len(pairs))], groups, lambda top, bottom: 100 * top / bottom)
    binary = bool(np.isin(a, (0, 1)).all() and np.isin(b, (0, 1)).all())
    p = _mcnemar(a, b) if binary else _sign_flips(b - a)
    return Difference(
        a=100 * float(a.mean()),
        b=100 * float(b.mean()),
        difference=100 * float((b - a).mean()),
        interval=None if interval is None else (interval[0], interval[1]),
        p=p,
        test="McNemar, exact" if binary else "sign flips",
    )


def _mcnemar(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """McNemar's exact test (1947): of the questions that changed, each side was as likely to win."""
    import scipy.stats

    won, lost = int((b > a).sum()), int((a > b).sum())
    return 1.0 if won + lost == 0 else float(scipy.stats.binomtest(won, won + lost, 0.5).pvalue)


def _sign_flips(differences: NDArray[np.float64]) -> float:
    """Fisher's randomisation test of paired differences: as extreme a mean when every sign is drawn by lot."""
    differences = differences[differences != 0]
    if not differences.size:
        return 1.0
    random = np.random.default_rng(SEED)
    seen = abs(differences.sum()) - 1e-9
    extreme, left = 0, _FLIPS
    while left:
        many = min(left, max(1, _BATCH // differences.size))
        signs = random.integers(0, 2, (many, differences.size), dtype=np.int8) * 2 - 1
        extreme += int((abs(signs @ differences) >= seen).sum())
        left -= many
    return (extreme + 1) / (_FLIPS + 1)


def _changed(pairs: list[tuple[Row, Row]]) -> Iterator[Changed]:
    for old, new in pairs:
        yield Changed(
            id=old["id"],
            document=old["document"] or "",
            kind=old["kind"],
            question=old["question"],
            golds=tuple(old["squad_golds"]),
            a=tuple(old["items"]),
            b=tuple(new["items"]),
            confidence_a=old["confidence"],
            confidence_b=new["confidence"],
        )

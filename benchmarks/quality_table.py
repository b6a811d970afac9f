"""Rows of predictions to lines of Markdown: figures, differences with intervals, and what follows from them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qa.evaluation.intervals import interval_of
from qa.evaluation.table import FEWEST_CLUSTERS, Table

HEADS = {
    "f1": "F1",
    "seconds": "seconds of reading, median / 95th percentile",
    "list": "list F1, exact / in part",
    "list difference": "difference in exact list F1",
    "answered": "answered",
    "wrong": "of these wrong",
    "auroc": "AUROC",
    "ece": "calibration error",
    "forced": "right where it must answer",
    "retrieved": "right passage found",
}
"""What a section may tell beside right answers, by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One assistant's figures; `difference` and `interval` are to the shipped one, None for itself.

    `lists` is the difference in exact list F1 with its interval, None where there are no lists.
    """

    change: str
    metrics: Mapping[str, Any]
    seconds: tuple[float, float] | None = None
    difference: float | None = None
    interval: Sequence[float] | None = None
    lists: tuple[float, list[float] | None] | None = None
    removes: bool | None = True


def section(title: str, pool: str, tells: Sequence[str], lines: Sequence[Line]) -> str:
    """A heading and its table; the first line is the shipped assistant's."""
    total = lines[0].metrics["total"]
    heads = ["", "right", "difference", *(HEADS[name] for name in tells), ""]
    rows = [
        [
            line.change,
            percent(line.metrics["lenient"]),
            signed(line.difference, line.interval),
            *(_told(name, line) for name in tells),
            verdict(*(_lists(line) if "list" in tells else (line.difference, line.interval)), removes=line.removes),
        ]
        for line in lines
    ]
    return f"## {title}\n\nOf {total:,} questions ({pool}).\n\n{table(heads, rows)}\n"


def list_difference(
    before: Iterable[Mapping[str, Any]], after: Iterable[Mapping[str, Any]]
) -> tuple[float, list[float] | None] | None:
    """The difference in exact list F1 of two runs on the same questions; None where there are no lists.

    F1 is of sums over questions, so it is the sums of what was drawn that give the interval.
    """
    one, two = (Table.of(rows) for rows in (before, after))
    if not one.is_list.any():
        return None
    columns = [part for table in (one, two) for part in (table.list_hits, table.list_golds + table.list_items)]

    def gained(*sums: NDArray[np.float64]) -> NDArray[np.float64]:
        hits, size, new_hits, new_size = sums
        return 200 * (new_hits / new_size - hits / size)

    whole = float(gained(*(np.asarray(column.sum()) for column in columns)))
    return whole, interval_of(columns, one.groups, gained)


def difference(
    before: NDArray[np.float64], after: NDArray[np.float64], groups: Sequence[str]
) -> tuple[float, list[float] | None]:
    """After less before in percent, with its paired interval; documents are drawn, or questions of few documents."""
    names, places = np.unique(np.asarray(groups, dtype=object).astype(str), return_inverse=True)
    if len(names) < FEWEST_CLUSTERS:
        places = np.arange(len(before))
    interval = interval_of([after - before, np.ones(len(before))], places, lambda top, bottom: 100 * top / bottom)
    return 100 * float((after - before).mean()), interval


def _lists(line: Line) -> tuple[float | None, list[float] | None]:
    return (None, None) if line.difference is None or line.lists is None else line.lists


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table. Cells are our own words, but a bar would still break the row."""
    cells = [[cell.replace("|", "\\|") for cell in row] for row in (heads, ["---"] * len(heads), *rows)]
    return "\n".join("| " + " | ".join(row) + " |" for row in cells)


def percent(value: float | None) -> str:
    """A share of a hundred, with one decimal; "–" where there is none."""
    return "–" if value is None else f"{value:.1f} %"


def signed(value: float | None, interval: Sequence[float] | None) -> str:
    """A difference in points with its 95 % interval."""
    if value is None:
        return ""
    return f"{_sign(value)}" + (f" ({_sign(interval[0])} to {_sign(interval[1])})" if interval is not None else "")


def _sign(value: float) -> str:
    return f"{'−' if round(value, 1) < 0 else '+' if round(value, 1) > 0 else '±'}{abs(value):.1f}"


def verdict(difference: float | None, interval: Sequence[float] | None, *, removes: bool | None) -> str:
    """What the difference says: surely so only where the whole interval lies on one side of nought."""
    if difference is None:
        return ""
    surely = 0 if interval is None or interval[0] <= 0 <= interval[1] else 1 if interval[0] > 0 else -1
    if removes is None:
        return {-1: "surely loses", 0: "no sure loss", 1: "surely gains"}[surely]
    if removes:
        return {-1: "idea kept: surely helps", 0: "idea kept: not proved here", 1: "better without"}[surely]
    return {-1: "dropped: surely worse", 0: "dropped: no sure gain", 1: "better than shipped"}[surely]


def _told(name: str, line: Line) -> str:
    metrics = line.metrics
    if name == "f1":
        return f"{metrics['f1']:.1f}"
    if name == "seconds":
        return "–" if line.seconds is None else f"{line.seconds[0]:.2f} / {line.seconds[1]:.2f}"
    if name == "list":
        found = metrics["list"]
        return f"{found['exact_f1']:.1f} / {found['partial_f1']:.1f}" if found["total"] else "–"
    if name == "list difference":
        return signed(*_lists(line))
    if name == "auroc":
        value = metrics["abstention"]["auroc"]
        return "–" if value is None else f"{value:.3f}"
    if name == "ece":
        value = metrics["calibration"]["ece"]
        return "–" if value is None else f"{value:.1f}"
    keys = {"answered": "answered", "wrong": "wrong_when_answered", "forced": "forced_lenient_answerable"}
    return percent(metrics["retrieved"] if name == "retrieved" else metrics[keys[name]])

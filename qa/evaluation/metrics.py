"""Rows of predictions to figures, each defined where it is computed; from 0 to 100 unless said otherwise."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qa.evaluation import curves
from qa.evaluation.intervals import Bootstrap, percent
from qa.evaluation.lists import ratio_f1
from qa.evaluation.slices import PREFIX, Slices
from qa.evaluation.table import Table

NAME = "spanwise-qa 1"
"""Changes with any definition, so that figures of different definitions are never compared unknowingly."""


def compute(rows: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """All metrics of a run's rows. Depends on the rows only, not on their order where ids differ, nor on time."""
    table = Table.of(rows)
    found: dict[str, Any] = {"metrics": NAME, **squad(table), **rightness(table)}
    found["abstention"] = abstention(table)
    found["list"] = lists(table)
    found["citations"] = citations(table)
    found["calibration"] = curves.calibration(table.confidence, table.forced_lenient, table.forced)
    found["risk_coverage"] = curves.risk_coverage(table.confidence, table.forced_lenient, table.forced)
    found["oracle"] = curves.best_thresholds(table)
    found["outcomes"] = table.counts("outcome")
    found["lost"] = table.counts("lost")
    found["intervals"], found["slices"] = intervals(table)
    found["warnings"] = table.warnings
    return found


def given_passage(rows: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The reader given the passage that holds the answer, beside the whole pipeline on the same questions.

    Both without a threshold, so that what lies between is retrieval alone.
    """
    pairs = [(row["given"], row["forced"]) for row in rows if row["given"] is not None]
    found: dict[str, Any] = {"total": len(pairs)}
    for name in ("strict", "lenient", "exact", "f1") if pairs else ():
        given, whole = (100 * sum(float(pair[side][name]) for pair in pairs) / len(pairs) for side in (0, 1))
        found[name], found[f"pipeline_{name}"] = given, whole
    return found


def squad(table: Table) -> dict[str, Any]:
    """SQuAD 2.0's official figures under its own names; `HasAns_` and `NoAns_` only where there are such questions."""
    return {
        **_squad_part(table, np.ones(len(table), bool), ""),
        **_squad_part(table, table.answerable, "HasAns_"),
        **_squad_part(table, ~table.answerable, "NoAns_"),
    }


def _squad_part(table: Table, part: NDArray[np.bool_], prefix: str) -> dict[str, Any]:
    total = int(part.sum())
    if total == 0 and prefix:
        return {}
    return {
        f"{prefix}exact": _share(table.exact, part),
        f"{prefix}f1": _share(table.f1, part),
        f"{prefix}total": total,
    }


def rightness(table: Table) -> dict[str, Any]:
    """Strict and lenient as in `score.judge`; how much is answered, and how much of that is wrong (leniently)."""
    answered = ~table.abstained
    return {
        "strict": _share(table.strict),
        "lenient": _share(table.lenient),
        "strict_answerable": _share(table.strict, table.answerable),
        "lenient_answerable": _share(table.lenient, table.answerable),
        "forced_lenient_answerable": _share(table.forced_lenient, table.answerable),
        "answered": _share(answered),
        "wrong_when_answered": _share(~table.lenient, answered),
    }


def abstention(table: Table) -> dict[str, Any]:
    """Declining as a decision: precision, recall and F1 of abstaining where there is no answer.

    `auroc` is the chance that a question with an answer is held to have one with more probability than a question
    without, `auroc_right` that an answer leniently right, given whatever its confidence, gets more confidence than a
    wrong one; 0 to 1, ties count half.
    """
    none = ~table.answerable
    precision, recall = _share(none, table.abstained), _share(table.abstained, none)
    both = None if precision is None or recall is None else ratio_f1(precision, recall)
    return {
        "total": int(none.sum()),
        "right": int((none & table.abstained).sum()),
        "wrong": int((table.answerable & table.abstained).sum()),
        "precision": precision,
        "recall": recall,
        "f1": both,
        "auroc": curves.auroc(table.p_answerable, table.answerable),
        "auroc_right": curves.auroc(table.confidence[table.forced], table.forced_lenient[table.forced]),
    }


def lists(table: Table) -> dict[str, Any]:
    """List questions: MultiSpanQA's exact and partial figures (see `lists`), and how many have every item.

    `complete` counts lists of which no item is missing, whatever else was said; `strict` those without one too many.
    """
    part = table.is_list
    golds, items = table.list_golds[part].sum(), table.list_items[part].sum()
    found: dict[str, Any] = {
        "total": int(part.sum()),
        "complete": int((table.complete & part).sum()),
        "strict": int((table.strict & part).sum()),
        "lenient": int((table.lenient & part).sum()),
    }
    if not part.any():
        return found
    for name, right, recalled in (
        ("exact", table.list_hits, table.list_hits),
        ("partial", table.list_precision, table.list_recall),
    ):
        precision, recall = right[part].sum() / items, recalled[part].sum() / golds
        found[f"{name}_precision"], found[f"{name}_recall"] = 100 * float(precision), 100 * float(recall)
        found[f"{name}_f1"] = 100 * float(ratio_f1(precision, recall))
    return found


def citations(table: Table) -> dict[str, Any]:
    """By characters, summed over answered questions: what part of the cited is in a gold span or the evidence
    (precision), and what part of the gold spans is cited (recall)."""
    answered = ~table.abstained
    return {
        "precision": _ratio(table.cited_right[answered].sum(), table.cited[answered].sum()),
        "recall": _ratio(table.gold_cited[answered].sum(), table.gold[answered].sum()),
    }


def intervals(table: Table) -> tuple[dict[str, Any], dict[str, Any]]:
    """95 % intervals of the figures that are sums divided by sums, and the slices with theirs; see `Bootstrap`."""
    bootstrap = Bootstrap(table.groups)
    ones, none, answered = np.ones(len(table)), ~table.answerable, ~table.abstained
    for name, top, bottom in (
        ("exact", table.exact, ones),
        ("strict", table.strict, ones),
        ("lenient", table.lenient, ones),
        ("answered", answered, ones),
        ("wrong_when_answered", ~table.lenient & answered, answered),
        ("abstention.precision", none & table.abstained, table.abstained),
        ("abstention.recall", none & table.abstained, none),
    ):
        bootstrap.add_share(name, top, bottom)
    for name, top, bottom in (
        ("f1", table.f1, ones),
        ("HasAns_f1", table.f1 * table.answerable, table.answerable),
        ("NoAns_f1", table.f1 * none, none),
        ("list.exact_f1", 2 * table.list_hits, table.list_golds + table.list_items),
    ):
        bootstrap.add(name, [top, bottom], percent)
    partial = [table.list_precision, table.list_items, table.list_recall, table.list_golds]
    bootstrap.add("list.partial_f1", partial, _partial_f1)
    bootstrap.add("calibration.ece", *curves.ece_columns(table.confidence, table.forced_lenient, table.forced))
    slices = Slices(table, bootstrap)
    found = bootstrap.intervals()
    figures = slices.figures(found)
    named = {name: interval for name, interval in found.items() if not name.startswith(PREFIX)}
    return {**named, "resampled": "documents" if table.clustered else "questions"}, figures


def _partial_f1(*sums: NDArray[np.float64]) -> NDArray[np.float64]:
    right, items, recalled, golds = sums
    precision, recall = right / items, recalled / golds
    return 200 * precision * recall / (precision + recall)


def _share(top: NDArray[Any], part: NDArray[np.bool_] | None = None) -> float | None:
    chosen = top if part is None else top[part]
    return 100 * float(chosen.mean()) if chosen.size else None


def _ratio(top: float, bottom: float) -> float | None:
    return 100 * float(top / bottom) if bottom else None

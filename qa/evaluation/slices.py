"""The same figures by kind, question word, document and length of the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from qa.evaluation.intervals import interval_of

if TYPE_CHECKING:
    from qa.evaluation.table import Table

SLICES = {"kind": "kind", "asks": "question word", "group": "document", "length": "length of the answer"}
_MOST = 40
"""Values of one slice that are told; a set of many thousand paragraphs has as many documents."""


def slices_of(table: Table) -> dict[str, Any]:
    """For each slice its values, the most frequent first (at most forty), with figures; one value alone is none."""
    return {name: found for name in SLICES if len(found := _slice(table, name)) > 1}


def _slice(table: Table, name: str) -> dict[str, Any]:
    values, place, counts = np.unique(
        np.asarray([value or "-" for value in table.labels[name]], dtype=str), return_inverse=True, return_counts=True
    )
    order = sorted(range(len(values)), key=lambda i: (-counts[i], values[i]))[:_MOST]
    return {str(values[i]): _figures(table, place == i) for i in order}


def _figures(table: Table, part: np.ndarray[Any, np.dtype[np.bool_]]) -> dict[str, Any]:
    answered = part & ~table.abstained
    return {
        "total": int(part.sum()),
        "strict": 100 * float(table.strict[part].mean()),
        "lenient": 100 * float(table.lenient[part].mean()),
        "exact": 100 * float(table.exact[part].mean()),
        "f1": 100 * float(table.f1[part].mean()),
        "answered": 100 * float(answered.sum() / part.sum()),
        "wrong_when_answered": 100 * float((~table.lenient)[answered].mean()) if answered.any() else None,
        "lenient_interval": interval_of(
            [table.lenient[part], np.ones(int(part.sum()))], _compact(table.groups[part]), lambda a, b: 100 * a / b
        ),
    }


def _compact(groups: Any) -> Any:
    return np.unique(groups, return_inverse=True)[1]

"""The same figures by kind, question word, document and length of the answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from qa.evaluation.table import LENGTHS

if TYPE_CHECKING:
    from qa.evaluation.intervals import Bootstrap
    from qa.evaluation.table import Table

SLICES = {"kind": "kind", "asks": "question word", "group": "document", "length": "length of the answer"}
PREFIX = "slice "
_MOST = 40
"""Values of one slice that are told; a set of many thousand paragraphs has as many documents."""


class Slices:
    """For each slice its values, the most frequent first (at most forty); a slice with one value alone is left out."""

    def __init__(self, table: Table, bootstrap: Bootstrap) -> None:
        """Ask `bootstrap` for the intervals that `figures` needs."""
        self._table = table
        self._parts = list(_parts(table))
        for key, _, _, part in self._parts:
            bootstrap.add_share(key, table.lenient & part, part)

    def figures(self, intervals: Mapping[str, list[float] | None]) -> dict[str, Any]:
        """Slice → value → figures."""
        found: dict[str, Any] = {}
        for key, name, value, part in self._parts:
            found.setdefault(name, {})[value] = {**_figures(self._table, part), "lenient_interval": intervals[key]}
        return found


def _parts(table: Table) -> Iterator[tuple[str, str, str, NDArray[np.bool_]]]:
    for name in SLICES:
        labels = np.asarray([value or "-" for value in table.labels[name]], dtype=str)
        values, place, counts = np.unique(labels, return_inverse=True, return_counts=True)
        if len(values) > 1:
            most = sorted(range(len(values)), key=lambda i: (-counts[i], values[i]))[:_MOST]
            if name == "length":
                most.sort(key=lambda i: LENGTHS.index(values[i]))
            for i in most:
                yield f"{PREFIX}{name} {values[i]}", name, str(values[i]), place == i


def _figures(table: Table, part: NDArray[np.bool_]) -> dict[str, Any]:
    answered = part & ~table.abstained
    return {
        "total": int(part.sum()),
        "strict": 100 * float(table.strict[part].mean()),
        "lenient": 100 * float(table.lenient[part].mean()),
        "exact": 100 * float(table.exact[part].mean()),
        "f1": 100 * float(table.f1[part].mean()),
        "answered": 100 * float(answered.sum() / part.sum()),
        "wrong_when_answered": 100 * float((~table.lenient)[answered].mean()) if answered.any() else None,
    }

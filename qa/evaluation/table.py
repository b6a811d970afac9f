"""Rows of predictions as columns of numbers: about a hundred bytes a question, whatever its texts."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qa.evaluation.words import empties

FEWEST_CLUSTERS = 5
"""Documents below which questions are resampled instead: from two or three no interval can be told."""

_LABELS = ("kind", "group", "outcome", "lost", "asks", "length")
_QUESTION_WORDS = ("who", "whom", "whose", "when", "where", "why", "how many", "how much", "how", "which", "what")
LENGTHS = ("no answer", "1 to 2 words", "3 to 5 words", "6 to 10 words", "over 10 words")
_AT_MOST = (0, 2, 5, 10)  # words, in the order of LENGTHS
_NO_LIST: dict[str, Any] = {"golds": 0, "items": 0, "hits": 0, "precision": 0.0, "recall": 0.0}
_ACCESSORS: dict[str, Any] = {
    "exact": lambda row: row["exact"],
    "f1": lambda row: row["f1"],
    "strict": lambda row: row["strict"],
    "lenient": lambda row: row["lenient"],
    "answerable": lambda row: row["answerable"],
    "abstained": lambda row: row["abstained"],
    "confidence": lambda row: row["confidence"],
    "p_answerable": lambda row: row["p_answerable"],
    "forced": lambda row: not row["forced"]["abstained"],
    "forced_lenient": lambda row: row["forced"]["lenient"] and not row["forced"]["abstained"],
    "forced_exact": lambda row: row["forced"]["exact"],
    "forced_f1": lambda row: row["forced"]["f1"],
    "complete": lambda row: row["wanted"] > 0 and row["found"] == row["wanted"],
    "is_list": lambda row: row["list"] is not None,
    "list_golds": lambda row: (row["list"] or _NO_LIST)["golds"],
    "list_items": lambda row: (row["list"] or _NO_LIST)["items"],
    "list_hits": lambda row: (row["list"] or _NO_LIST)["hits"],
    "list_precision": lambda row: (row["list"] or _NO_LIST)["precision"],
    "list_recall": lambda row: (row["list"] or _NO_LIST)["recall"],
    "cited": lambda row: row["cited"][0],
    "cited_right": lambda row: row["cited"][1],
    "gold": lambda row: row["cited"][2],
    "gold_cited": lambda row: row["cited"][3],
    "retrieved": lambda row: -1 if row["retrieved"] is None else row["retrieved"],
}
_TRUTHS = frozenset("strict lenient answerable abstained forced forced_lenient complete is_list".split())


class Table:
    """Columns, one value a question, in the order of their ids, so that nothing depends on the order of rows."""

    def __init__(
        self, columns: Mapping[str, NDArray[Any]], labels: Mapping[str, list[str]], warnings: list[str]
    ) -> None:
        self._columns = columns
        self.labels = labels
        self.warnings = warnings
        names, groups = np.unique(np.asarray(labels["group"], dtype=object).astype(str), return_inverse=True)
        self.clustered = len(names) >= FEWEST_CLUSTERS
        self.groups: NDArray[np.int64] = groups if self.clustered else np.arange(len(self))

    @classmethod
    def of(cls, rows: Iterable[Mapping[str, Any]]) -> Table:
        """Read rows once, in any order."""
        numbers = {name: array("d") for name in _ACCESSORS}
        known: dict[str, str] = {}
        labels: dict[str, list[str]] = {name: [] for name in _LABELS}
        ids: list[str] = []
        emptied = 0
        for row in rows:
            ids.append(row["id"])
            for name, access in _ACCESSORS.items():
                numbers[name].append(float(access(row)))
            values = (row["kind"], row["group"], row["outcome"], row["lost"], _asks(row["question"]), _length(row))
            for name, value in zip(_LABELS, values, strict=True):
                labels[name].append(known.setdefault(value, value))  # one copy of every label
            emptied += any(map(empties, row["squad_golds"]))
        order = np.asarray(sorted(range(len(ids)), key=ids.__getitem__), dtype=np.int64)
        columns = {}
        for name, values_ in numbers.items():
            column = np.frombuffer(values_, dtype=np.float64)[order] if ids else np.zeros(0)
            columns[name] = column.astype(bool) if name in _TRUTHS else column
        warnings = []
        if emptied:
            warnings.append(
                f"SQuAD's normalisation leaves nothing of a right answer of {emptied} question{'s' * (emptied > 1)} "
                '(such as "A" or "-"): exact and f1 cannot count it; strict and lenient do'
            )
        return cls(columns, {name: [labels[name][i] for i in order] for name in _LABELS}, warnings)

    def __len__(self) -> int:
        return len(self._columns["exact"])

    def __getattr__(self, name: str) -> NDArray[Any]:
        try:
            return self._columns[name]
        except KeyError:
            raise AttributeError(name) from None

    def counts(self, label: str) -> dict[str, int]:
        """How often each value of a label occurs, the empty one left out."""
        return dict(sorted(Counter(value for value in self.labels[label] if value).items()))


def _asks(question: str) -> str:
    """The first question word, wherever it stands; "other" without one."""
    words = question.casefold().replace("?", " ").replace(",", " ").split()
    for at, word in enumerate(words):
        pair = " ".join(words[at : at + 2])
        if pair in _QUESTION_WORDS:
            return pair
        if word in _QUESTION_WORDS:
            return word
    return "other"


def _length(row: Mapping[str, Any]) -> str:
    """The words of the shortest right answer, in steps."""
    lengths = [len(gold.split()) for gold in row["squad_golds"]]
    return LENGTHS[bisect_left(_AT_MOST, min(lengths))] if lengths else LENGTHS[0]

"""Did the passages that were read hold the answer, and how high did they stand? The only module with ir_measures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

CUTS = (1, 3, 5, 10)
_AT_ONCE = 5_000  # questions


def ranking(rows: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Figures on the order of the passages found, over answerable questions whose gold has a place, 0 to 100.

    A passage counts when it holds a whole gold span of the right document. `recall_at_k` is the share of questions with
    such a passage among the first k, as is usual for question answering (Karpukhin et al. 2020); `mrr_at_10` the mean
    of 1/rank of the first (Voorhees 1999); `ndcg_at_10` weighs all that were found by rank (Järvelin & Kekäläinen
    2002). Passages that hold the answer and were not found are not known, but where none was found, one is missing.
    `right_document_wrong_passage` counts questions whose document was found and whose answer was not.
    """
    import ir_measures
    from ir_measures import RR, Success, nDCG

    measures = {"mrr_at_10": RR @ 10, "ndcg_at_10": nDCG @ 10, **{f"recall_at_{k}": Success @ k for k in CUTS}}
    names = {measure: name for name, measure in measures.items()}
    sums = dict.fromkeys(measures, 0.0)
    total = beside = 0
    placed = (row for row in rows if row["retrieved"] is not None)
    while part := list(islice(placed, _AT_ONCE)):
        total += len(part)
        beside += sum(bool(row["document_found"]) and not row["retrieved"] for row in part)
        judged = {row["id"]: {str(rank): 1 for rank in row["holding"]} or {"none": 1} for row in part}
        ranked = {row["id"]: {str(rank): -float(rank) for rank in range(row["passages"])} for row in part}
        for result in _calculated(ir_measures, list(names), judged, ranked):
            sums[names[result.measure]] += result.value
    found: dict[str, Any] = {"total": total, "right_document_wrong_passage": beside}
    return found | {name: 100 * value / total if total else None for name, value in sums.items()}


def _calculated(library: Any, measures: list[Any], judged: Any, ranked: Any) -> Iterator[Any]:
    ranked = {identity: places for identity, places in ranked.items() if places}
    if ranked:
        yield from library.iter_calc(measures, {identity: judged[identity] for identity in ranked}, ranked)

"""A query to ranked passages: dense and lexical search, fused."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from index.embed import Embedder
from index.errors import IndexMismatchError
from index.models import same_model
from index.store import Index
from index.types import Hit

# The share of the dense score in the fused one.
DENSE_WEIGHT = 0.8
# How deep each search looks, at least; a passage found by only one of them still gets a fused score.
_DEPTH = 100


class Retriever:
    """Searches one index. Safe to use from many threads.

    The fused score is a convex combination of normalised scores, after Bruch, Gai and Ingber, "An Analysis of Fusion
    Functions for Hybrid Retrieval" (arXiv 2210.11934, section 4, "TM2C2"): each score is scaled from its least possible
    value (-1 for a cosine, 0 for BM25) to the greatest found for this query.

    Raises:
        IndexMismatchError: the index was built with another embedder.
    """

    def __init__(self, index: Index, embedder: Embedder, *, dense_weight: float = DENSE_WEIGHT) -> None:
        if not same_model(embedder.name, index.embedder_name):
            raise IndexMismatchError(what="the embedder", built_with=index.embedder_name, opened_with=embedder.name)
        if not 0 <= dense_weight <= 1:
            raise ValueError(f"bad dense weight {dense_weight}: want 0 to 1")
        self.index = index
        self._embedder = embedder
        self._dense_weight = dense_weight

    def search(self, query: str, *, top_k: int, document_ids: Collection[str] | None = None) -> list[Hit]:
        """The `top_k` best passages, best first; fewer where there are fewer, none for a blank query.

        `document_ids` restricts the search to those documents; unknown ids name nothing. Any string is a query.
        """
        query = query.encode("utf-8", "replace").decode("utf-8").replace("\0", " ").strip()
        if not query or top_k < 1:
            return []
        passages = self.index.passages
        rows = None
        if document_ids is not None:
            chosen = frozenset(document_ids)
            rows = [row for row, passage in enumerate(passages) if passage.document_id in chosen]
        depth = max(top_k, _DEPTH)
        dense = dict(self.index.vectors.search(self._embedder.embed_query(query), top_k=depth, rows=rows))
        lexical = dict(self.index.lexical.search(query, top_k=depth, rows=rows))
        fused = self._fused(dense, lexical)
        ranked = sorted(fused, key=lambda row: (-fused[row], row))[:top_k]
        return [
            Hit(
                passage=passages[row],
                score=fused[row],
                rank=rank,
                dense_score=dense.get(row),
                lexical_score=lexical.get(row),
            )
            for rank, row in enumerate(ranked)
        ]

    def _fused(self, dense: Mapping[int, float], lexical: Mapping[int, float]) -> dict[int, float]:
        """Fused scores in [0, 1] by row; a search that did not return a row gives it the least score."""
        top_dense = max(dense.values(), default=0.0) + 1
        top_lexical = max(lexical.values(), default=0.0)
        weight = self._dense_weight
        return {
            row: weight * (dense.get(row, -1.0) + 1) / (top_dense or 1.0)
            + (1 - weight) * lexical.get(row, 0.0) / (top_lexical or 1.0)
            for row in dense.keys() | lexical.keys()
        }

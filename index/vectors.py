"""Nearest vectors by inner product: the only module that imports `faiss`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray


class VectorIndex(Protocol):
    """Rows of unit vectors, numbered in the order they were added."""

    @property
    def dim(self) -> int: ...

    def __len__(self) -> int: ...

    def add(self, vectors: NDArray[np.float32]) -> None:
        """Append rows, shape `(rows, dim)`. Not safe while another thread searches."""

    def search(
        self, vector: NDArray[np.float32], *, top_k: int, rows: Sequence[int] | None = None
    ) -> list[tuple[int, float]]:
        """The nearest rows with their inner products, best first; fewer than `top_k` where there are fewer.

        `rows` restricts the search to those rows.
        """

    def vectors(self) -> NDArray[np.float32]:
        """All rows, shape `(len, dim)`."""

    def to_bytes(self) -> bytes: ...


class FlatVectorIndex:
    """Exact search in faiss's IndexFlatIP. Searching is safe from many threads."""

    def __init__(self, dim: int) -> None:
        import faiss

        if dim < 1:
            raise ValueError(f"bad dimension {dim}: want at least 1")
        self._index: Any = faiss.IndexFlatIP(dim)

    @classmethod
    def from_bytes(cls, content: bytes) -> Self:
        """The index that `to_bytes` wrote. Raises: ValueError for anything else."""
        import faiss

        try:
            index = faiss.deserialize_index(np.frombuffer(content, dtype=np.uint8))
        except RuntimeError as error:
            raise ValueError("not a vector index") from error
        if not isinstance(index, faiss.IndexFlat) or index.metric_type != faiss.METRIC_INNER_PRODUCT:
            raise ValueError(f"a vector index of the type {type(index).__name__}: want IndexFlatIP")
        made = cls(index.d)
        made._index = index
        return made

    @property
    def dim(self) -> int:
        return int(self._index.d)

    def __len__(self) -> int:
        return int(self._index.ntotal)

    def add(self, vectors: NDArray[np.float32]) -> None:
        if vectors.ndim != 2 or vectors.shape[1] != self.dim:
            raise ValueError(f"vectors of shape {vectors.shape}: want (rows, {self.dim})")
        if not np.isfinite(vectors).all():
            raise ValueError("vectors with numbers that are not finite")
        self._index.add(np.ascontiguousarray(vectors, dtype=np.float32))

    def search(
        self, vector: NDArray[np.float32], *, top_k: int, rows: Sequence[int] | None = None
    ) -> list[tuple[int, float]]:
        import faiss

        if vector.shape != (self.dim,):
            raise ValueError(f"a query vector of shape {vector.shape}: want ({self.dim},)")
        top_k = min(top_k, len(self) if rows is None else len(rows))
        if top_k < 1:
            return []
        parameters = None
        if rows is not None:
            selector = faiss.IDSelectorBatch(np.asarray(rows, dtype=np.int64))
            parameters = faiss.SearchParameters(sel=selector)  # type: ignore[call-arg]  # its constructor is patched
        query = np.ascontiguousarray(vector[np.newaxis], dtype=np.float32)
        scores, found = self._index.search(query, top_k, params=parameters)  # (1, top_k) each
        # faiss fills up with row -1 where it found fewer, which Python would take for the last row.
        return [(int(row), float(score)) for row, score in zip(found[0], scores[0], strict=True) if row >= 0]

    def vectors(self) -> NDArray[np.float32]:
        rows: NDArray[np.float32] = self._index.reconstruct_n(0, len(self))
        return rows.reshape(len(self), self.dim)

    def to_bytes(self) -> bytes:
        """Bytes rather than a file of faiss's own, which cannot have every name on every system."""
        import faiss

        content: bytes = faiss.serialize_index(self._index).tobytes()
        return content

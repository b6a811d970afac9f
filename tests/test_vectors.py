"""The contract of a vector index, which every implementation passes."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from numpy.typing import NDArray

from index.vectors import FlatVectorIndex, VectorIndex

IMPLEMENTATIONS = [FlatVectorIndex]


def unit_rows(count: int, dim: int = 8) -> NDArray[np.float32]:
    rows = np.random.default_rng(count).normal(size=(count, dim)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.fixture(params=IMPLEMENTATIONS)
def index(request: pytest.FixtureRequest) -> VectorIndex:
    made: VectorIndex = request.param(8)
    return made


def test_search_ranks_by_inner_product(index: VectorIndex) -> None:
    rows = unit_rows(50)
    index.add(rows[:20])
    index.add(rows[20:])
    expected = np.argsort(-(rows @ rows[7]))
    found = index.search(rows[7], top_k=10)
    assert [row for row, _ in found] == expected[:10].tolist()
    assert found[0] == (7, pytest.approx(1.0, abs=1e-5))


def test_more_asked_for_than_there_is_gives_what_there_is(index: VectorIndex) -> None:
    index.add(unit_rows(3))
    assert sorted(row for row, _ in index.search(unit_rows(1)[0], top_k=100)) == [0, 1, 2]


@pytest.mark.parametrize("top_k", [-1, 0, 5])
def test_an_empty_index_finds_nothing(index: VectorIndex, top_k: int) -> None:
    assert index.search(unit_rows(1)[0], top_k=top_k) == []
    index.add(np.zeros((0, 8), dtype=np.float32))
    assert len(index) == 0
    assert index.vectors().shape == (0, 8)


def test_rows_restrict_the_search(index: VectorIndex) -> None:
    rows = unit_rows(30)
    index.add(rows)
    found = index.search(rows[3], top_k=10, rows=[4, 9, 21])
    assert {row for row, _ in found} == {4, 9, 21}
    assert index.search(rows[3], top_k=10, rows=[]) == []


def test_bytes_make_the_same_index(index: VectorIndex) -> None:
    rows = unit_rows(12)
    index.add(rows)
    again = type(index).from_bytes(index.to_bytes())  # type: ignore[attr-defined]
    assert (len(again), again.dim) == (12, 8)
    np.testing.assert_array_equal(again.vectors(), rows)
    assert again.search(rows[2], top_k=4) == index.search(rows[2], top_k=4)
    assert again.to_bytes() == index.to_bytes()


def test_wrong_shapes_and_numbers_are_refused(index: VectorIndex) -> None:
    with pytest.raises(ValueError, match="shape"):
        index.add(unit_rows(2, dim=4))
    with pytest.raises(ValueError, match="not finite"):
        index.add(np.full((1, 8), np.nan, dtype=np.float32))
    with pytest.raises(ValueError, match="shape"):
        index.search(unit_rows(1, dim=4)[0], top_k=1)


@pytest.mark.parametrize("content", [b"", b"not an index", b"IxFI" + b"\0" * 8])
def test_other_bytes_are_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match="vector index"):
        FlatVectorIndex.from_bytes(content)


def test_many_threads_search_at_once(index: VectorIndex) -> None:
    rows = unit_rows(200)
    index.add(rows)
    expected = [index.search(row, top_k=5) for row in rows]
    wrong: list[int] = []

    def search() -> None:
        wrong.extend(at for at, row in enumerate(rows) if index.search(row, top_k=5) != expected[at])

    threads = [threading.Thread(target=search) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []

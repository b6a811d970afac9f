"""Fused search: its order, its filter, its scores, and queries of every kind."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from word_embedder import WordEmbedder

from index.build import build_index
from index.errors import IndexMismatchError
from index.retrieve import Retriever
from index.store import Index

TEXTS = {
    "gifts": "Kim received five drones and a bulletproof vest.",
    "train": "The train left the station for the border.",
    "bread": "Bread needs flour, water and salt.",
    "symbols": "??? !!!",
}


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Index:
    folder = tmp_path_factory.mktemp("documents")
    for name, text in TEXTS.items():
        (folder / f"{name}.txt").write_text(text)
    return build_index(sorted(folder.glob("*.txt")), folder / "index", embedder=WordEmbedder())


@pytest.fixture(scope="module")
def retriever(index: Index) -> Retriever:
    return Retriever(index, WordEmbedder())


def test_hits_are_ranked_by_their_fused_score(retriever: Retriever) -> None:
    hits = retriever.search("which drones did Kim receive?", top_k=10)
    assert hits[0].passage.text == TEXTS["gifts"]
    assert [hit.rank for hit in hits] == list(range(len(hits)))
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert all(0 <= hit.score <= 1 + 1e-6 for hit in hits)
    assert all(hit.dense_score is not None and -1.001 <= hit.dense_score <= 1.001 for hit in hits)
    assert hits[0].lexical_score is not None
    assert hits[0].lexical_score > 0
    assert hits[-1].lexical_score is None


def test_the_weight_decides_between_meaning_and_words(index: Index) -> None:
    words = Retriever(index, WordEmbedder(), dense_weight=0.0).search("salty bread", top_k=4)
    assert words[0].passage.text == TEXTS["bread"]
    assert words[0].score == pytest.approx(1.0)
    assert [hit.score for hit in words[1:]] == [0.0] * 3
    meaning = Retriever(index, WordEmbedder(), dense_weight=1.0).search("salty bread", top_k=4)
    assert [hit.dense_score for hit in meaning] == sorted((hit.dense_score or 0 for hit in meaning), reverse=True)
    with pytest.raises(ValueError, match="dense weight"):
        Retriever(index, WordEmbedder(), dense_weight=1.5)


@pytest.mark.parametrize("top_k", [1, 2, 4, 1_000])
def test_top_k_bounds_the_hits(retriever: Retriever, top_k: int) -> None:
    assert len(retriever.search("Kim", top_k=top_k)) == min(top_k, 4)


@pytest.mark.parametrize("query", ["", " \t\r\n", "\0"])
def test_a_blank_query_finds_nothing(retriever: Retriever, query: str) -> None:
    assert retriever.search(query, top_k=5) == []
    assert retriever.search("Kim", top_k=0) == []


@pytest.mark.parametrize(
    "query", ["?", "the of", "🎉", "\ud800", "a\0b", "{query}", "'; --", "词", "x" * 100_000, "\u200b", "%s %d"]
)
def test_any_string_is_a_query(retriever: Retriever, query: str) -> None:
    assert len(retriever.search(query, top_k=2)) <= 2


@given(st.text(alphabet=st.characters(), max_size=50))
def test_no_query_raises(retriever: Retriever, query: str) -> None:
    assert len(retriever.search(query, top_k=3)) <= 3


def test_documents_can_be_chosen(retriever: Retriever, index: Index) -> None:
    bread = next(document.id for document in index.documents if document.source == "bread.txt")
    train = next(document.id for document in index.documents if document.source == "train.txt")
    hits = retriever.search("Kim received drones", top_k=5, document_ids={bread, train, "unknown"})
    assert {hit.passage.document_id for hit in hits} == {bread, train}
    assert retriever.search("Kim", top_k=5, document_ids=[]) == []
    assert retriever.search("Kim", top_k=5, document_ids=["unknown"]) == []


def test_another_embedder_is_refused(index: Index) -> None:
    with pytest.raises(IndexMismatchError, match=r"words@0+.*words@1+"):
        Retriever(index, WordEmbedder("words@1111111111111111"))
    Retriever(index, WordEmbedder("renamed@0000000000000000"))  # the same files in a folder of another name


def test_many_threads_get_the_same_hits(retriever: Retriever) -> None:
    queries = ["drones", "the train", "salt and water", "border station vest"]
    expected = {query: retriever.search(query, top_k=4) for query in queries}
    wrong: list[str] = []

    def work() -> None:
        for _ in range(20):
            wrong.extend(query for query in queries if retriever.search(query, top_k=4) != expected[query])

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_an_index_without_words_is_searched_by_meaning(tmp_path: Path) -> None:
    (tmp_path / "symbols.txt").write_text("!!! ???")
    index = build_index([tmp_path / "symbols.txt"], tmp_path / "index", embedder=WordEmbedder())
    hits = Retriever(index, WordEmbedder()).search("what?", top_k=3)
    assert [hit.lexical_score for hit in hits] == [None]

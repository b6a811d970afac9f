"""BM25 over words as people write them, and over texts and queries without any."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.lexical import LexicalIndex, fold

TEXTS = [
    "Kim received gifts from a regional governor.",
    "The CAFÉ in Kōwhai Bay serves naïve art.",
    "Drones, drones and a bulletproof vest.",
    "the of and to",
    "!!! ??? 🎉",
    "",
]


@pytest.fixture(scope="module")
def index() -> LexicalIndex:
    return LexicalIndex(TEXTS)


def rows(index: LexicalIndex, query: str) -> list[int]:
    return [row for row, _ in index.search(query, top_k=10)]


@pytest.mark.parametrize(
    ("query", "row"),
    [
        ("gift", 0),
        ("RECEIVES?", 0),
        ("cafe kowhai", 1),
        ("naive", 1),
        ("bullet\u00adproof", 2),
        ("drone", 2),
    ],
)
def test_case_accents_endings_and_invisible_characters_do_not_matter(index: LexicalIndex, query: str, row: int) -> None:
    assert rows(index, query) == [row]


@pytest.mark.parametrize("query", ["", " ", "the and of", "what is it?", "???", "🎉", "\0", "zebra", "'\"(*[+-~:"])
def test_queries_without_a_known_word_find_nothing(index: LexicalIndex, query: str) -> None:
    assert index.search(query, top_k=10) == []


@pytest.mark.parametrize("texts", [[], [""], ["", "  "], ["the", "of and"], ["?!", "🎉"]])
def test_texts_without_a_word_are_ordinary(texts: list[str]) -> None:
    index = LexicalIndex(texts)
    again = LexicalIndex.from_bytes(index.to_bytes())
    for made in (index, again):
        assert len(made) == len(texts)
        assert made.search("gifts", top_k=5) == []


def test_scores_fall_and_rows_restrict(index: LexicalIndex) -> None:
    found = index.search("gifts drones vest", top_k=10)
    assert [row for row, _ in found] == [2, 0]
    assert found[0][1] > found[1][1] > 0
    assert [row for row, _ in index.search("gifts drones", top_k=10, rows=[0, 3])] == [0]
    assert index.search("gifts", top_k=10, rows=[]) == []
    assert index.search("gifts", top_k=0) == []


def test_bytes_make_the_same_index(index: LexicalIndex) -> None:
    again = LexicalIndex.from_bytes(index.to_bytes())
    assert again.search("gifts drones", top_k=5) == index.search("gifts drones", top_k=5)
    assert again.to_bytes() == index.to_bytes() == LexicalIndex(TEXTS).to_bytes()


def test_other_bytes_are_refused() -> None:
    with pytest.raises(ValueError, match="lexical index"):
        LexicalIndex.from_bytes(b"no archive")


@given(st.lists(st.text(max_size=40), max_size=6), st.text(max_size=40))
def test_any_texts_and_query_are_ordinary(texts: list[str], query: str) -> None:
    found = LexicalIndex(texts).search(query, top_k=3)
    assert all(0 <= row < len(texts) and score > 0 for row, score in found)


def test_fold_drops_what_a_reader_does_not_see() -> None:
    assert (
        fold("Na\u00efve CAFE\u0301 bul\u00adlet zero\u200bwidth ﬁne Straße")
        == "naive cafe bullet zerowidth fine strasse"
    )


def test_many_threads_search_at_once(index: LexicalIndex) -> None:
    expected = index.search("Kim received drones and gifts", top_k=5)
    found: list[object] = []
    threads = [
        threading.Thread(
            target=lambda: found.extend(index.search("Kim received drones and gifts", top_k=5) for _ in range(50))
        )
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 200

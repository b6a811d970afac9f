"""Building: what is reused, what is made again, and what a failure leaves behind."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import numpy as np
import pytest
from word_embedder import WordEmbedder

from index import build
from index.build import build_index, load_documents, open_or_build
from index.errors import AssistantError, DocumentError
from index.store import open_index

TEXTS = {
    "gifts.txt": "Kim received five drones.\n\nHe received a vest, too.",
    "bread.md": "# Bread\n\n- flour\n- water\n- salt",
}


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    for name, text in TEXTS.items():
        (tmp_path / name).write_text(text)
    return [tmp_path / name for name in TEXTS]


def test_passages_are_in_the_order_of_the_documents_and_of_the_vectors(paths: list[Path], tmp_path: Path) -> None:
    embedder = WordEmbedder()
    index = build_index([str(path) for path in paths], tmp_path / "index", embedder=embedder)
    assert [document.source for document in index.documents] == ["gifts.txt", "bread.md"]
    assert [passage.text for passage in index.passages] == list(TEXTS.values())
    np.testing.assert_array_equal(
        index.vectors.vectors(), embedder.embed_passages([passage.text for passage in index.passages])
    )
    for passage in index.passages:
        assert index.document(passage.document_id).text[passage.start : passage.end] == passage.text


def test_the_same_documents_are_not_built_twice(paths: list[Path], tmp_path: Path) -> None:
    first = open_or_build(paths, tmp_path / "index", embedder=WordEmbedder())
    for path in paths:
        os.utime(path, (1, 1))  # dates say nothing
    embedder = WordEmbedder()
    manifest = (tmp_path / "index" / "manifest.json").stat().st_mtime_ns
    second = open_or_build(paths, tmp_path / "index", embedder=embedder)
    assert embedder.embedded == []
    assert second.passages == first.passages
    assert (tmp_path / "index" / "manifest.json").stat().st_mtime_ns == manifest


def test_changed_documents_are_built_and_the_rest_is_taken_over(paths: list[Path], tmp_path: Path) -> None:
    open_or_build(paths, tmp_path / "index", embedder=WordEmbedder())
    paths[1].write_text("# Bread\n\n- rye")
    embedder = WordEmbedder()
    index = open_or_build(paths, tmp_path / "index", embedder=embedder)
    assert embedder.embedded == ["# Bread\n\n- rye"]
    np.testing.assert_array_equal(
        index.vectors.vectors(), WordEmbedder().embed_passages([passage.text for passage in index.passages])
    )
    assert open_index(tmp_path / "index").documents == index.documents


@pytest.mark.parametrize("change", ["order", "fewer", "name"])
def test_other_documents_or_labels_are_written_without_embedding(
    paths: list[Path], tmp_path: Path, change: str
) -> None:
    open_or_build(paths, tmp_path / "index", embedder=WordEmbedder())
    changed = {
        "order": paths[::-1],
        "fewer": paths[:1],
        "name": [paths[0].rename(tmp_path / "presents.txt") if change == "name" else paths[0], paths[1]],
    }[change]
    embedder = WordEmbedder()
    index = open_or_build(changed, tmp_path / "index", embedder=embedder)
    assert embedder.embedded == []
    assert [document.source for document in index.documents] == [path.name for path in changed]
    assert open_index(tmp_path / "index").documents == index.documents


def test_another_embedder_or_size_builds_again(paths: list[Path], tmp_path: Path) -> None:
    open_or_build(paths, tmp_path / "index", embedder=WordEmbedder())
    other = WordEmbedder("words@1111111111111111", dim=16)
    index = open_or_build(paths, tmp_path / "index", embedder=other)
    assert len(other.embedded) == 2
    assert index.recipe.dim == index.vectors.dim == 16
    again = WordEmbedder(other.name, dim=16)
    smaller = open_or_build(paths, tmp_path / "index", embedder=again, max_tokens=6, overlap_tokens=0)
    assert len(smaller.passages) > len(index.passages)
    assert again.embedded


def test_a_passage_fits_the_embedder(paths: list[Path], tmp_path: Path) -> None:
    embedder = WordEmbedder(max_tokens=6)
    index = build_index(paths, tmp_path / "index", embedder=embedder)
    assert all(embedder.count_tokens(passage.text) <= 4 for passage in index.passages)


def test_a_damaged_index_is_built_again_from_its_documents(paths: list[Path], tmp_path: Path) -> None:
    good = open_or_build(paths, tmp_path / "index", embedder=WordEmbedder())
    for name in ("vectors*", "manifest.json"):
        damaged = next((tmp_path / "index").glob(name))
        damaged.write_bytes(damaged.read_bytes()[:-3])
        assert open_or_build(paths, tmp_path / "index", embedder=WordEmbedder()).passages == good.passages
        assert open_index(tmp_path / "index").passages == good.passages


def test_a_document_given_twice_is_one_document(paths: list[Path], tmp_path: Path) -> None:
    copy = tmp_path / "copy.txt"
    copy.write_bytes(paths[0].read_bytes())
    index = build_index([paths[0], paths[0], copy], tmp_path / "index", embedder=WordEmbedder())
    assert [document.source for document in index.documents] == ["gifts.txt"]
    assert len({passage.id for passage in index.passages}) == len(index.passages)


def test_a_bad_document_leaves_the_index_as_it_was(paths: list[Path], tmp_path: Path) -> None:
    good = build_index(paths, tmp_path / "index", embedder=WordEmbedder())
    (tmp_path / "bad.txt").write_bytes(b"\0\1\2")
    for bad in ("bad.txt", "missing.txt"):
        with pytest.raises(DocumentError):
            open_or_build([*paths, tmp_path / bad], tmp_path / "index", embedder=WordEmbedder())
    with pytest.raises(ValueError, match="no documents"):
        build_index([], tmp_path / "index", embedder=WordEmbedder())
    assert open_index(tmp_path / "index").passages == good.passages


def test_an_embedder_that_fails_leaves_the_index_as_it_was(paths: list[Path], tmp_path: Path) -> None:
    class Failing(WordEmbedder):
        def embed_passages(self, texts: object) -> object:  # type: ignore[override]
            raise MemoryError

    good = build_index(paths[:1], tmp_path / "index", embedder=WordEmbedder())
    with pytest.raises(MemoryError):
        build_index(paths, tmp_path / "index", embedder=Failing())  # type: ignore[arg-type]
    assert open_index(tmp_path / "index").passages == good.passages


def test_a_one_word_document_is_an_index(tmp_path: Path) -> None:
    (tmp_path / "word.txt").write_text("Hello")
    index = build_index([tmp_path / "word.txt"], tmp_path / "index", embedder=WordEmbedder())
    assert [passage.text for passage in open_index(tmp_path / "index").passages] == ["Hello"]
    assert len(index.vectors) == 1


def test_progress_names_stages_in_order_and_ends_complete(paths: list[Path], tmp_path: Path) -> None:
    seen: list[tuple[str, int, int]] = []
    build_index(paths, tmp_path / "index", embedder=WordEmbedder(), progress=lambda *step: seen.append(step))
    assert list(dict.fromkeys(stage for stage, _, _ in seen)) == ["load", "chunk", "embed", "store"]
    assert all(0 <= done <= total for _, done, total in seen)
    assert {stage: (done, total) for stage, done, total in seen}["embed"] == (2, 2)


def test_two_that_start_at_once_build_once(paths: list[Path], tmp_path: Path) -> None:
    embedder = WordEmbedder()
    threads = [
        threading.Thread(target=open_or_build, args=(paths, tmp_path / "index"), kwargs={"embedder": embedder})
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(embedder.embedded) == 2


def test_the_export_is_kept_where_it_is_told(
    paths: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    caches: list[Path] = []

    def opened(name: object, *, cache_dir: Path, on_export: object) -> WordEmbedder:
        caches.append(cache_dir)
        return WordEmbedder()

    monkeypatch.setattr(build, "open_for_building", opened)
    build_index(paths, tmp_path / "index")
    build_index(paths, tmp_path / "index", cache_dir=tmp_path / "cache")
    assert caches == [tmp_path / "index", tmp_path / "cache"]


def test_the_manifest_says_what_made_the_index(paths: list[Path], tmp_path: Path) -> None:
    build_index(paths, tmp_path / "index", embedder=WordEmbedder())
    manifest = json.loads((tmp_path / "index" / "manifest.json").read_text())
    assert manifest["recipe"] == {
        "embedder": "words@0000000000000000",
        "dim": 32,
        "max_tokens": 200,
        "overlap_tokens": 50,
        "normalised": True,
    }
    assert [entry["sha256"] for entry in manifest["documents"]] == [d.sha256 for d in load_documents(paths)]
    assert set(manifest["files"]) == {"documents", "passages", "vectors", "lexical"}


def test_a_folder_that_cannot_be_made_is_one_sentence(paths: list[Path]) -> None:
    with pytest.raises(AssistantError, match="cannot be written"):
        build_index(paths, paths[0] / "inside a file", embedder=WordEmbedder())

"""Files to an index folder: load, chunk, embed, store; what has not changed is not done again."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from index.chunk import SentenceChunker
from index.embed import Embedder, open_for_building
from index.errors import IndexDamagedError, IndexMismatchError
from index.lexical import LexicalIndex
from index.load import load_document
from index.models import resolve_name, same_model
from index.store import Index, Recipe, open_index, write_index, writing
from index.types import Document, Passage
from index.vectors import FlatVectorIndex

logger = logging.getLogger(__name__)

Paths = Sequence[str | os.PathLike[str]]
# Called with the stage ("load", "export", "chunk", "embed", "store"), how much of it is done, and of how much.
Progress = Callable[[str, int, int], None]

MAX_TOKENS = 200
OVERLAP_TOKENS = 50
# Embedded and reported at a time.
_BATCH = 32


def build_index(
    paths: Paths,
    out: str | os.PathLike[str],
    *,
    embedder: Embedder | str | None = None,
    cache_dir: Path | None = None,
    max_tokens: int = MAX_TOKENS,
    overlap_tokens: int = OVERLAP_TOKENS,
    progress: Progress | None = None,
) -> Index:
    """Build the index of some files in the folder `out`, in place of the one there.

    Files with the same content are one document. `embedder` is a model's name or folder, None for the built-in one;
    its export is kept in `cache_dir`, by default inside `out`. Vectors of passages that an index in `out` already has
    are taken from there.

    Raises:
        DocumentError: a file cannot be read; nothing is written.
        ModelError: the embedder is missing or damaged.
        AssistantError: the folder cannot be written; what was there stays.
        ValueError: no paths, or a bad passage size.
    """
    documents = load_documents(paths, progress=progress)
    folder = Path(out)
    with writing(folder):
        opened = _opened(embedder, cache_dir or folder, progress)
        return _build(documents, folder, opened, max_tokens, overlap_tokens, progress)


def open_or_build(
    paths: Paths,
    folder: str | os.PathLike[str],
    *,
    embedder: Embedder | str | None = None,
    cache_dir: Path | None = None,
    max_tokens: int = MAX_TOKENS,
    overlap_tokens: int = OVERLAP_TOKENS,
    progress: Progress | None = None,
) -> Index:
    """Open the index in `folder` if it is of these documents, made in this way; else build it.

    Content decides, not dates. Since the documents are at hand, an index that is damaged or of another model is built
    again rather than refused. Arguments and errors are those of `build_index`.
    """
    documents = load_documents(paths, progress=progress)
    folder = Path(folder)
    name = _identity(embedder)
    with writing(folder):  # two processes that start on the same documents build once
        old = _last_good(folder)
        if old is not None and _is_of(old, documents, name, max_tokens, overlap_tokens):
            return old
        opened = _opened(embedder, cache_dir or folder, progress)
        return _build(documents, folder, opened, max_tokens, overlap_tokens, progress)


def index_in_memory(
    documents: Sequence[Document],
    embedder: Embedder,
    *,
    max_tokens: int = MAX_TOKENS,
    overlap_tokens: int = OVERLAP_TOKENS,
) -> Index:
    """The index of some documents, nothing written: its folder is None."""
    return _made(documents, embedder, max_tokens, overlap_tokens, {}, None)


def load_documents(paths: Paths, *, progress: Progress | None = None) -> list[Document]:
    """Read files in order; of files with the same content the first. Raises: DocumentError, ValueError for no paths."""
    if not paths:
        raise ValueError("no documents: give at least one path")
    documents: dict[str, Document] = {}
    for done, path in enumerate(paths):
        _report(progress, "load", done, len(paths))
        document = load_document(path)
        documents.setdefault(document.id, document)
    _report(progress, "load", len(paths), len(paths))
    return list(documents.values())


def _build(
    documents: Sequence[Document],
    folder: Path,
    embedder: Embedder,
    max_tokens: int,
    overlap_tokens: int,
    progress: Progress | None,
) -> Index:
    known = _known_vectors(folder, _recipe(embedder, max_tokens, overlap_tokens))
    made = _made(documents, embedder, max_tokens, overlap_tokens, known, progress)
    _report(progress, "store", 0, 1)
    index = write_index(
        folder,
        documents=made.documents,
        passages=made.passages,
        vectors=made.vectors,
        lexical=made.lexical,
        recipe=made.recipe,
    )
    _report(progress, "store", 1, 1)
    return index


def _recipe(embedder: Embedder, max_tokens: int, overlap_tokens: int) -> Recipe:
    return Recipe(embedder=embedder.name, dim=embedder.dim, max_tokens=max_tokens, overlap_tokens=overlap_tokens)


def _made(
    documents: Sequence[Document],
    embedder: Embedder,
    max_tokens: int,
    overlap_tokens: int,
    known: dict[str, NDArray[np.float32]],
    progress: Progress | None,
) -> Index:
    # Two tokens go to the marks that a model puts around a text.
    size = max(1, min(max_tokens, embedder.max_tokens - 2))
    chunker = SentenceChunker(embedder.count_tokens, max_tokens=size, overlap_tokens=min(overlap_tokens, size - 1))
    passages: list[Passage] = []
    for done, document in enumerate(documents):
        _report(progress, "chunk", done, len(documents))
        passages.extend(chunker.chunk(document))
    _report(progress, "chunk", len(documents), len(documents))
    vectors = FlatVectorIndex(embedder.dim)
    vectors.add(_embed(passages, embedder, known, progress))
    return Index(
        documents=tuple(documents),
        passages=tuple(passages),
        vectors=vectors,
        lexical=LexicalIndex([passage.text for passage in passages]),
        recipe=_recipe(embedder, max_tokens, overlap_tokens),
        folder=None,
    )


def _embed(
    passages: Sequence[Passage],
    embedder: Embedder,
    known: dict[str, NDArray[np.float32]],
    progress: Progress | None,
) -> NDArray[np.float32]:
    vectors = np.zeros((len(passages), embedder.dim), dtype=np.float32)
    missing = []
    for row, passage in enumerate(passages):
        if passage.id in known:
            vectors[row] = known[passage.id]
        else:
            missing.append(row)
    for done in range(0, len(missing), _BATCH):
        _report(progress, "embed", done, len(missing))
        rows = missing[done : done + _BATCH]
        vectors[rows] = embedder.embed_passages([passages[row].text for row in rows])
    _report(progress, "embed", len(missing), len(missing))
    return vectors


def _known_vectors(folder: Path, recipe: Recipe) -> dict[str, NDArray[np.float32]]:
    """The vectors of the index in `folder` by passage id, which names content and place; empty if made otherwise."""
    old = _last_good(folder)
    if old is None or old.recipe != recipe:
        return {}
    return {passage.id: row for passage, row in zip(old.passages, old.vectors.vectors(), strict=True)}


def _last_good(folder: Path) -> Index | None:
    try:
        return open_index(folder)
    except (IndexDamagedError, IndexMismatchError) as error:
        if (folder / "manifest.json").exists():
            logger.warning("building again: %s", error)
        return None


def _is_of(index: Index, documents: Sequence[Document], name: str, max_tokens: int, overlap_tokens: int) -> bool:
    recipe = index.recipe
    return (
        same_model(recipe.embedder, name)
        and (recipe.max_tokens, recipe.overlap_tokens) == (max_tokens, overlap_tokens)
        and index.documents == tuple(documents)
    )


def _identity(embedder: Embedder | str | None) -> str:
    """The embedder's name without loading it."""
    return resolve_name(embedder) if embedder is None or isinstance(embedder, str) else embedder.name


def _opened(embedder: Embedder | str | None, cache_dir: Path, progress: Progress | None) -> Embedder:
    if embedder is not None and not isinstance(embedder, str):
        return embedder
    return open_for_building(embedder, cache_dir=cache_dir, on_export=lambda: _report(progress, "export", 0, 1))


def _report(progress: Progress | None, stage: str, done: int, total: int) -> None:
    if progress is not None:
        progress(stage, done, total)

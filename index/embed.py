"""Text to unit vectors: the `Embedder` contract, the built-in model, and the choice between the two runtimes.

Indexes are built with sentence-transformers; its export (`index.export`) answers without torch and gives the same
vectors. This is the only module that imports `sentence_transformers`, and only when a model is first used.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from index.errors import IndexMismatchError, ModelError
from index.models import has_checksum, resolve_model, resolve_name, same_model

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

logger = logging.getLogger(__name__)


class Embedder(Protocol):
    """Rows are float32 and L2-normalised, so inner product is cosine similarity. Safe to use from many threads."""

    @property
    def name(self) -> str:
        """Identity written to the index manifest: model id, `@`, and the start of its files' checksum."""

    @property
    def dim(self) -> int: ...

    @property
    def max_tokens(self) -> int:
        """How many tokens of a text count, special tokens included; the rest is cut off."""

    def count_tokens(self, text: str) -> int:
        """The tokens of `text` without special tokens, however many."""

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return shape `(len(texts), dim)`; `(0, dim)` for no texts."""

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """Return shape `(dim,)`."""


class SentenceTransformerEmbedder:
    """Any sentence-transformers model by name or folder; None is the built-in one.

    Raises:
        ModelError: the model is missing, damaged or of the wrong kind.
    """

    def __init__(self, name_or_path: str | os.PathLike[str] | None = None) -> None:
        folder, self.name = resolve_model(name_or_path)
        self.model = _load(folder, self.name)
        dim = self.model.get_embedding_dimension()
        if dim is None:
            raise ModelError(f"the model {self.name!r} does not give vectors of a fixed size: choose another")
        self.dim = int(dim)
        self.max_tokens = int(self.model.max_seq_length or 512)
        prompts: dict[str, str] = {key: text for key, text in (self.model.prompts or {}).items() if text}
        self.query_prompt = prompts.get("query", "")
        self.passage_prompt = next((prompts[key] for key in ("document", "passage", "corpus") if key in prompts), "")

    def count_tokens(self, text: str) -> int:
        ids = self.model.tokenizer(text, add_special_tokens=False, truncation=False, verbose=False)["input_ids"]
        return len(ids)

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self._encode(texts, self.passage_prompt)

    def embed_query(self, text: str) -> NDArray[np.float32]:
        row: NDArray[np.float32] = self._encode([text], self.query_prompt)[0]
        return row

    def _encode(self, texts: Sequence[str], prompt: str) -> NDArray[np.float32]:
        if not texts:
            return np.zeros((0, self.dim), dtype=np.float32)
        vectors = self.model.encode(
            list(texts),
            prompt=prompt or None,
            convert_to_numpy=True,
            normalize_embeddings=True,
            show_progress_bar=False,
        )
        return np.asarray(vectors, dtype=np.float32)


def open_embedder(name: str | None = None, *, cache_dir: Path, threads: int | None = None) -> Embedder:
    """What a query is embedded with: a model's export in `cache_dir`, made now where it is not there yet.

    `name` is None for the built-in model, a name or a folder, or an index's `embedder_name`. Where the export is there,
    onnxruntime is all that is loaded. A model that cannot be exported is answered by sentence-transformers.

    Raises:
        ModelError: the model is missing or damaged.
        IndexMismatchError: `name` has a checksum and the model of this name has another.
    """
    from index.export import OnnxEmbedder, export_embedder

    exported = exported_embedder(name, cache_dir=cache_dir, threads=threads)
    if exported is not None:
        return exported
    embedder = _embedder_of(name)
    folder = export_embedder(embedder, cache_dir)
    return embedder if folder is None else OnnxEmbedder(folder, threads=threads)


def open_for_building(
    name: str | None = None, *, cache_dir: Path, on_export: Callable[[], None] | None = None
) -> Embedder:
    """What passages are embedded with: sentence-transformers, exporting the model on the way, or an export of before.

    Both give the same vectors, so later builds need not load torch. `on_export` is called before seconds are spent.
    Errors are those of `open_embedder`.
    """
    from index.export import export_embedder

    exported = exported_embedder(name, cache_dir=cache_dir)
    if exported is not None:
        return exported
    if on_export is not None:
        on_export()
    embedder = _embedder_of(name)
    export_embedder(embedder, cache_dir)
    return embedder


def exported_embedder(name: str | None, *, cache_dir: Path, threads: int | None = None) -> Embedder | None:
    """The export of a model in `cache_dir`; None where there is none, or a damaged one, which is made again."""
    from index.export import OnnxEmbedder, export_folder, is_export

    identity = name if name is not None and has_checksum(name) else resolve_name(name)
    folder = export_folder(cache_dir, identity)
    if not is_export(folder):
        return None
    try:
        return OnnxEmbedder(folder, threads=threads)
    except ModelError as error:
        logger.warning("exporting again: %s", error)
        return None


def _embedder_of(name: str | None) -> SentenceTransformerEmbedder:
    if name is None or not has_checksum(name):
        return SentenceTransformerEmbedder(name)
    embedder = SentenceTransformerEmbedder(name.rpartition("@")[0])
    if not same_model(embedder.name, name):
        raise IndexMismatchError(what="the embedder", built_with=name, opened_with=embedder.name)
    return embedder


def _load(folder: Path, name: str) -> SentenceTransformer:
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        # The export traces plain attention; the same kernel on both sides keeps the vectors equal.
        return SentenceTransformer(
            str(folder), device="cpu", local_files_only=True, model_kwargs={"attn_implementation": "eager"}
        )
    except Exception as error:
        raise ModelError(
            f"the model {name!r} cannot be loaded ({type(error).__name__}): give a sentence-transformers model"
        ) from error

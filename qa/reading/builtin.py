"""The shipped readers, small and careful, on onnxruntime and tokenizers; no torch.

The only place that imports `onnxruntime` for reading. A reader's folder holds `model.onnx` (with its external data, if
any, beside it), `tokenizer.json` and `reader.json`, an object with `name`, `max_tokens` (the whole window, question
included), `doc_stride` (the tokens that neighbouring windows share) and `checksums` (SHA-256 by file name).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from index.errors import ModelError
from index.side_by_side import SideBySide
from index.types import Passage
from qa.errors import ReaderError
from qa.reading.reader import Forward, Logits, read_passages
from qa.reading.windows import PairEncoder, Window
from qa.types import Reading

if TYPE_CHECKING:
    import onnxruntime

MODELS = Path(__file__).resolve().parent.parent / "models"
_NEEDED = ("model.onnx", "tokenizer.json")
_INPUTS = frozenset({"input_ids", "attention_mask", "token_type_ids"})


def open_reader(
    kind: Literal["small", "careful"], folder: Path | None = None, *, threads: int | None = None
) -> OnnxReader:
    """Open a shipped reader, or the one in `folder` in its place, after checking its files.

    `threads` is how many processor cores reading may use, about; None takes all of them.

    Raises: `ModelError` when a file is missing, cut, changed or not a reader's.
    """
    return OnnxReader(MODELS / kind if folder is None else folder, threads=threads)


class OnnxReader:
    """A reader made of an exported model. Thread-safe; holds no more memory after a long passage than before it."""

    def __init__(self, folder: Path, *, threads: int | None = None) -> None:
        from tokenizers import Tokenizer

        settings = _settings(folder)
        _verify(folder, settings["checksums"])
        try:
            tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
            self._encoder = PairEncoder(tokenizer, max_tokens=settings["max_tokens"], doc_stride=settings["doc_stride"])
        except Exception as error:
            raise _damaged(folder, "tokenizer.json cannot be used", error) from error
        self._session = _session(folder, threads)
        self._several = SideBySide(threads)
        self._inputs = frozenset(node.name for node in self._session.get_inputs())
        outputs = [node.name for node in self._session.get_outputs()]
        if not {"input_ids"} <= self._inputs <= _INPUTS or not {"start_logits", "end_logits"} <= set(outputs):
            raise ModelError(
                f"model.onnx in {str(folder)!r} takes {sorted(self._inputs)} and gives {outputs}: a reader takes token "
                "ids and gives start_logits and end_logits; install the reader again"
            )
        self._outputs = ["start_logits", "end_logits", *(["tag_logits"] if "tag_logits" in outputs else [])]
        self._name: str = settings["name"]

    @property
    def name(self) -> str:
        """The name in `reader.json`."""
        return self._name

    def read(self, question: str, passages: Sequence[Passage], *, n_best: int = 5) -> list[Reading]:
        """See `Reader.read`."""
        return read_passages(
            self._forward, self._encoder, question, passages, n_best=n_best, name=self._name, run=self._run
        )

    def _run(self, forward: Forward, windows: Sequence[Window]) -> Sequence[Logits]:
        return self._several.map(forward, windows, size=lambda window: len(window.ids))

    def _forward(self, window: Window) -> Logits:
        feed = {
            "input_ids": window.ids[None],
            "attention_mask": np.ones((1, len(window.ids)), dtype=np.int64),
            "token_type_ids": window.type_ids[None],
        }
        try:
            found = self._session.run(self._outputs, {k: v for k, v in feed.items() if k in self._inputs})
        except Exception as error:
            raise ReaderError(
                f"the reader {self._name!r} failed on a window of {len(window.ids)} tokens: "
                "free some memory, or install the reader again"
            ) from error
        parts = [np.asarray(part)[0] for part in found]
        return Logits(parts[0], parts[1], parts[2] if len(parts) == 3 else None)


def _settings(folder: Path) -> dict[str, Any]:
    """Return `reader.json`, with every field that is used checked."""
    try:
        settings = json.loads((folder / "reader.json").read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ModelError(
            f"no reader in {str(folder)!r}: reader.json is missing; install the package again or name another reader"
        ) from error
    except (OSError, ValueError, RecursionError) as error:
        raise _damaged(folder, "reader.json cannot be read", error) from error
    wanted = {"name": str, "max_tokens": int, "doc_stride": int, "checksums": dict}
    if not isinstance(settings, dict):
        raise _damaged(folder, "reader.json is not an object")
    for key, kind in wanted.items():
        if not isinstance(settings.get(key), kind) or isinstance(settings[key], bool):
            raise _damaged(folder, f"reader.json lacks {key!r}, expected as {kind.__name__}")
    return settings


def _verify(folder: Path, checksums: dict[str, Any]) -> None:
    """Check every listed file; the model and the tokenizer must be among them."""
    for name in sorted({*checksums, *_NEEDED}):
        expected = checksums.get(name)
        if Path(name).name != name or not isinstance(expected, str):
            raise _damaged(folder, f"reader.json lists no checksum for a file called {name!r}")
        try:
            with (folder / name).open("rb") as file:
                actual = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise _damaged(folder, f"{name} is missing or cannot be read", error) from error
        if actual != expected.lower():
            raise _damaged(folder, f"{name} is not the file that reader.json describes (SHA-256 {actual[:12]}…)")


def _session(folder: Path, threads: int | None) -> onnxruntime.InferenceSession:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    # Windows differ in length: an arena would keep the largest of every shape it has ever seen (onnxruntime#9313).
    options.enable_cpu_mem_arena = False
    options.enable_mem_pattern = False
    # Threads that wait by spinning take the cores from whoever else is being answered.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if threads is not None:
        options.intra_op_num_threads = threads
    try:
        return onnxruntime.InferenceSession(
            str(folder / "model.onnx"), sess_options=options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:
        raise _damaged(folder, "model.onnx cannot be opened", error) from error


def _damaged(folder: Path, what: str, cause: Exception | None = None) -> ModelError:
    detail = f" ({type(cause).__name__})" if cause is not None else ""
    return ModelError(f"the reader in {str(folder)!r} is damaged: {what}{detail}; install it again")

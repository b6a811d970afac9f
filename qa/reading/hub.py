"""Any transformers question-answering model, by name or path, as a reader.

The only place that imports `torch` and `transformers` for reading, when a model is opened. Nothing is ever fetched: a
name must already be in the local cache of transformers.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from index.errors import ModelError
from index.types import Passage
from qa.errors import ReaderError
from qa.reading.reader import Logits, read_passages
from qa.reading.windows import PairEncoder, Window
from qa.types import Reading


class HubReader:
    """A reader made of a transformers model with a question-answering head, computed in float32. Thread-safe.

    `max_tokens` is the whole window, lowered to what the model can take.

    Raises: `ModelError` when the model is not here, is not a question-answering model, or is damaged.
    """

    def __init__(self, name_or_path: str | Path, *, max_tokens: int = 384, doc_stride: int = 128) -> None:
        self._name = str(name_or_path)
        self._model, tokenizer = _load(self._name)
        limits = [max_tokens, tokenizer.model_max_length]
        positions = getattr(self._model.config, "max_position_embeddings", None)
        if isinstance(positions, int) and positions > 2:
            limits.append(positions - 2)  # models of the RoBERTa kind keep two positions for padding
        try:
            self._encoder = PairEncoder(
                _own_tokenizer(tokenizer),
                max_tokens=int(min(limits)),
                doc_stride=doc_stride,
                null_id=tokenizer.cls_token_id,
            )
        except Exception as error:
            raise ModelError(
                f"the tokenizer of {self._name!r} cannot be used ({type(error).__name__}): "
                "a reader needs a model with a tokenizer.json and a window of a few dozen tokens; choose another model"
            ) from error
        self._types = "token_type_ids" in tokenizer.model_input_names

    @property
    def name(self) -> str:
        """The name or path it was opened with."""
        return self._name

    def read(self, question: str, passages: Sequence[Passage], *, n_best: int = 5) -> list[Reading]:
        """See `Reader.read`."""
        return read_passages(self._forward, self._encoder, question, passages, n_best=n_best, name=self._name)

    def _forward(self, window: Window) -> Logits:
        import torch

        ids = torch.from_numpy(window.ids)[None]
        feed = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
        if self._types:
            feed["token_type_ids"] = torch.from_numpy(window.type_ids)[None]
        try:
            with torch.inference_mode():
                found = self._model(**feed)
        except Exception as error:
            raise ReaderError(
                f"the reader {self._name!r} failed on a window of {len(window.ids)} tokens ({type(error).__name__}): "
                "free some memory or choose another model"
            ) from error
        return Logits(np.asarray(found.start_logits[0]), np.asarray(found.end_logits[0]))


def _load(name: str) -> tuple[Any, Any]:
    import torch
    from transformers import AutoModelForQuestionAnswering, AutoTokenizer
    from transformers.utils import logging

    quiet = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        folder = _folder(name)
        model, report = AutoModelForQuestionAnswering.from_pretrained(
            folder, dtype=torch.float32, local_files_only=True, output_loading_info=True
        )
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    except Exception as error:
        raise ModelError(
            f"no question-answering model can be opened at {name!r} ({type(error).__name__}): give a folder with a "
            "complete transformers model that has a question-answering head, or one already in the local cache"
        ) from error
    finally:
        if quiet:
            logging.enable_progress_bar()  # type: ignore[no-untyped-call]
    missing = sorted(report["missing_keys"])
    if missing:
        raise ModelError(
            f"the model at {name!r} has no trained weights for {missing[0]!r}: it is not a question-answering model or "
            "a part of it is missing; choose a model trained for question answering"
        )
    return model.eval(), tokenizer


def _folder(name: str) -> str:
    """Where the model lies on this machine.

    Found without transformers, which asks the hub about a name even when told to look at local files only.
    """
    from huggingface_hub import try_to_load_from_cache

    if Path(name).is_dir():
        return name
    config = try_to_load_from_cache(name, "config.json")
    if not isinstance(config, str):
        raise FileNotFoundError(f"{name!r} is neither a folder nor in the local cache")
    return str(Path(config).parent)


def _own_tokenizer(tokenizer: Any) -> Any:
    """A copy of the model's fast tokenizer, whose truncation nobody else sets."""
    from tokenizers import Tokenizer

    return Tokenizer.from_str(tokenizer.backend_tokenizer.to_str())

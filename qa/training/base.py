"""What training begins with or learns from: an encoder, a checkpoint, an earlier run, or a reader as it is shipped."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from transformers.utils import logging as hub_logging

from qa.training.errors import TrainingError
from qa.training.model import ReaderModel
from qa.training.pieces import Pieces
from qa.training.restore import is_shipped, restore
from qa.training.state import FOLDER

KINDS = (
    "name a transformers folder (config.json, model.safetensors, tokenizer.json), the --out of an earlier run, or a "
    "shipped reader such as qa/models/careful"
)


def open_network(path: Path) -> ReaderModel:
    """The network in a folder, whatever its kind. Raises: `TrainingError`."""
    if not path.is_dir():
        raise TrainingError(f"{str(path)!r} is no folder: {KINDS}")
    for folder in (path / FOLDER, path):
        if (folder / "weights.pt").exists():
            return load(folder)
    if is_shipped(path):
        return restore(path)
    if not (path / "config.json").exists():
        raise TrainingError(f"{str(path)!r} holds no encoder: {KINDS}")
    try:
        with _quiet():
            return ReaderModel.from_folder(path)
    except Exception as error:
        reason = str(error).splitlines()[0][:160] if str(error) else ""
        raise TrainingError(
            f"the encoder in {str(path)!r} cannot be used ({type(error).__name__}: {reason}): {KINDS}"
        ) from error


def open_pieces(path: Path, model: ReaderModel, tokenizer: Path | None = None) -> tuple[Pieces, Path]:
    """How the network in a folder takes text, and the tokenizer's file.

    Raises: `TrainingError` where there is no tokenizer, or it is another encoder's.
    """
    places = [tokenizer] if tokenizer is not None else [path, path / FOLDER]
    file = next((f for place in places if (f := place / "tokenizer.json").exists()), None)
    if file is None:
        raise TrainingError(
            f"there is no tokenizer.json in {str(places[0])!r}: name the folder that holds one with --tokenizer"
        )
    pieces = Pieces.open(file)
    known, rows = pieces.tokenizer.get_vocab_size(), int(model.config.vocab_size)
    expected = getattr(model.config, "pad_token_id", None)
    if known > rows or (pieces.padded and expected is not None and expected != pieces.padding):
        raise TrainingError(
            f"{str(file)!r} is another encoder's tokenizer: it has {known} tokens and pads with {pieces.padding}, the "
            f"encoder in {str(path)!r} has {rows} and pads with {expected}; name its own with --tokenizer"
        )
    return pieces, file


def load(folder: Path) -> ReaderModel:
    """A network from its `weights.pt` and `config.json`."""
    try:
        with _quiet():
            model = ReaderModel.from_config(folder)
        model.load_state_dict(torch.load(folder / "weights.pt", map_location="cpu", weights_only=True))
    except Exception as error:
        raise TrainingError(
            f"the weights in {str(folder)!r} cannot be used ({type(error).__name__}): train them again, or {KINDS}"
        ) from error
    return model


@contextmanager
def _quiet() -> Iterator[None]:
    """The library tells at length what a checkpoint lacks that a reader does not need."""
    logger = logging.getLogger("transformers")
    before, bars = logger.level, hub_logging.is_progress_bar_enabled()
    logger.setLevel(logging.ERROR)
    hub_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        logger.setLevel(before)
        if bars:
            hub_logging.enable_progress_bar()  # type: ignore[no-untyped-call]

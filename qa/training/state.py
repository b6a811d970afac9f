"""The folder of a run, and everything it takes to go on as if it had never stopped; written whole or not at all."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import torch
from filelock import FileLock, Timeout
from torch import Tensor

from qa.training.errors import TrainingError

Weights = dict[str, Tensor]
FOLDER = "training"
"""Beside the reader in --out: what only training needs, and nobody has to ship."""


@dataclass(slots=True)
class Progress:
    """Where a run is. `stage`, `block` and `index` are the place of the next batch in the stream; `snapshots` the steps
    whose weights are kept for the average, each with its figure."""

    step: int = 0
    examples: int = 0
    seconds: float = 0.0
    stage: str = ""
    block: int = 0
    index: int = 0
    looked: int = 0
    rounding: bool = False
    loss: float | None = None
    snapshots: list[tuple[int, float]] = field(default_factory=list)


class Run:
    """The files of one run. Two processes cannot have the same one."""

    def __init__(self, out: Path) -> None:
        self.out, self.folder = out, out / FOLDER
        self.arguments_file = self.folder / "arguments.json"
        self.examples_file = self.folder / "examples.npz"
        self.state_file = self.folder / "state.pt"
        self.weights_file = self.folder / "weights.pt"
        self.log_file = self.folder / "log.jsonl"
        self.curves_file = self.folder / "curves.svg"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise TrainingError(f"{str(out)!r} cannot be written ({error.strerror}): name another --out") from error
        self._lock = FileLock(self.folder / ".lock")

    def __enter__(self) -> Run:
        try:
            self._lock.acquire(timeout=0)
        except Timeout as error:
            raise TrainingError(
                f"another process is training into {str(self.out)!r}: wait for it, stop it, or name another --out"
            ) from error
        return self

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    def clear(self) -> None:
        """Forget what was trained here."""
        for path in self.folder.iterdir():
            if path.name != ".lock":
                path.unlink()

    def tidy(self) -> None:
        """Delete what was only for going on."""
        for file in (self.state_file, *self.folder.glob("snapshot-*.pt"), *self.folder.glob("*.part")):
            file.unlink(missing_ok=True)

    def arguments(self) -> dict[str, Any] | None:
        """Those that the run began with, None where there is no run."""
        try:
            found: dict[str, Any] = json.loads(self.arguments_file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise self.damaged(self.arguments_file, error) from error
        return found

    def snapshot_file(self, step: int) -> Path:
        """The weights after a step."""
        return self.folder / f"snapshot-{step}.pt"

    def save(self, progress: Progress, model: Weights, optimiser: Mapping[str, Any], random: Mapping[str, Any]) -> None:
        """Replace the stored state. Raises: `TrainingError` where it cannot be written; the one before it stays."""
        stored = {
            "progress": {name: getattr(progress, name) for name in Progress.__slots__},
            "model": model,
            "optimiser": dict(optimiser),
            "random": dict(random),
        }
        self.write(self.state_file, stored, step=progress.step)
        for file in self.folder.glob("snapshot-*.pt"):
            if file not in {self.snapshot_file(step) for step, _ in progress.snapshots}:
                file.unlink()

    def write(self, file: Path, stored: Any, *, step: int) -> None:
        """Write tensors, whole or not at all."""
        size = sum(t.numel() * t.element_size() for t in _tensors(stored))
        self.replace(file, lambda opened: torch.save(stored, opened), size=size, step=step)

    def replace(self, file: Path, write: Callable[[IO[bytes]], object], *, size: int = 0, step: int = 0) -> None:
        """Have a file written beside, and put in place once it is whole and on the disk.

        Raises: `TrainingError` where that fails; what was there before stays.
        """
        part = file.with_name(file.name + ".part")
        try:
            free = shutil.disk_usage(file.parent).free
            if free < size:
                raise OSError(28, f"{free / 1e6:.0f} MB are free")
            with part.open("wb") as opened:
                write(opened)
                opened.flush()
                os.fsync(opened.fileno())
            part.replace(file)
        except (OSError, RuntimeError) as error:  # torch tells of a full disk by a RuntimeError of its own
            part.unlink(missing_ok=True)
            reason = (
                error.strerror if isinstance(error, OSError) else None
            ) or "the disk is full or a limit is reached"
            kept = (
                f"the state of an earlier step is intact in {str(self.folder)!r}"
                if self.state_file.exists()
                else ("nothing was saved before")
            )
            raise TrainingError(
                f"step {step} could not be saved, {file.name} takes {size / 1e6:.0f} MB ({reason}): free some space "
                f"and run the same command again; {kept}"
            ) from error

    def load(self) -> tuple[Progress, Mapping[str, Any]] | None:
        """The stored progress and, under `model`, `optimiser` and `random`, the rest; None where there is none."""
        if not self.state_file.exists():
            return None
        try:
            stored = torch.load(self.state_file, map_location="cpu", weights_only=True)
            progress = Progress(**stored["progress"])
            progress.snapshots = [(int(step), float(figure)) for step, figure in progress.snapshots]
        except Exception as error:
            raise self.damaged(self.state_file, error) from error
        return progress, stored

    def damaged(self, file: Path, error: Exception) -> TrainingError:
        return TrainingError(
            f"{str(file)!r} is damaged ({type(error).__name__}), so this run cannot go on: start anew with --fresh, or "
            "name another --out"
        )


def _tensors(stored: Any) -> list[Tensor]:
    if isinstance(stored, Tensor):
        return [stored]
    values = stored.values() if isinstance(stored, Mapping) else stored if isinstance(stored, list | tuple) else ()
    return [tensor for value in values for tensor in _tensors(value)]


def random_state() -> dict[str, Any]:
    """The state of torch's generators, which dropout draws from."""
    found: dict[str, Any] = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        found["cuda"] = torch.cuda.get_rng_state()
    return found


def set_random_state(stored: Mapping[str, Any]) -> None:
    """Undo everything drawn since `random_state`."""
    torch.set_rng_state(stored["cpu"])
    if "cuda" in stored and torch.cuda.is_available():
        torch.cuda.set_rng_state(stored["cuda"])

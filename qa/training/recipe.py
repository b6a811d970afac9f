"""Every choice of a training run in one frozen object, and what follows from it: stages, rates, moments to look."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from qa.training.errors import TrainingError
from qa.training.losses import Objective
from qa.training.stream import Mixture

Precision = Literal["auto", "fp32", "bf16"]
Device = Literal["auto", "cpu", "cuda"]
STAGES = {"short": "short texts", "whole": "whole passages", "rounded": "in 8 bits"}
WARM = 0.04
"""The share of a run over which the rate rises; Adam's averages are young until then."""
FREE = frozenset({"threads", "workers", "save_every", "documents", "tokenizer"})
"""What may differ when a run goes on: it changes how fast training is, or was used up when it began."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What to train on what, and how. Shares are from 0 to 1; a bad value is a `ValueError` that names it.

    `train` are question files, each with how often its questions are drawn relative to the others. A run lasts `steps`,
    or `minutes` on the clock. Up to `short_until` of it texts are cropped to `crop` tokens, then to `longest` except
    for a share of `crops`; from `round_from` on the layers round as the exported model does. The other options are
    told by `spanwise train-reader --help`.
    """

    train: tuple[tuple[Path, float], ...]
    base: Path
    dev: tuple[Path, ...] = ()
    teacher: Path | None = None
    tokenizer: Path | None = None
    documents: Path | None = None
    steps: int | None = None
    minutes: float | None = None
    lr: float = 5e-5
    batch_tokens: int = 4000  # a step of the careful reader takes some ten seconds on two cores
    seed: int = 0
    threads: int | None = None
    workers: int = 0
    device: Device = "auto"
    precision: Precision = "auto"
    longest: int = 384
    doc_stride: int = 128
    short_until: float = 0.4
    round_from: float = 0.78
    crop: tuple[int, int] = (50, 200)
    crops: float = 0.35
    joined: float = 0.2
    negatives: float = 0.13
    noise: float = 0.25
    lists: float = 1.0
    tag_weight: float = 0.12
    taught: float = 0.7
    first_gold: bool = False
    joint: bool = False
    shared_normalisation: bool = False
    title: bool = False
    average: int = 0
    evaluations: int = 8
    dev_sample: int = 200
    save_every: float = 10.0
    name: str = "reader"

    def __post_init__(self) -> None:
        if (self.steps is None) == (self.minutes is None):
            raise ValueError("say how long to train: either steps or minutes")
        if not self.train:
            raise ValueError("train is empty: name at least one question file")
        for name, least in (
            ("steps", 1), ("minutes", 0.001), ("lr", 1e-9), ("batch_tokens", 64), ("threads", 1), ("workers", 0),
            ("longest", 32), ("doc_stride", 0), ("lists", 0), ("tag_weight", 0), ("average", 0), ("evaluations", 0),
            ("dev_sample", 1), ("save_every", 0.0),
        ):  # fmt: skip
            value = getattr(self, name)
            if value is not None and not least <= value < float("inf"):
                raise ValueError(f"{name} is {value!r}: at least {least:g} is needed")
        for name in ("short_until", "round_from", "crops", "joined", "negatives", "noise", "taught"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ValueError(f"{name} is {getattr(self, name)!r}: a share from 0 to 1 is needed")
        if self.short_until > self.round_from:
            raise ValueError(
                f"short_until is {self.short_until} and round_from {self.round_from}: short texts come before rounding"
            )
        if not 8 <= self.crop[0] <= self.crop[1]:
            raise ValueError(f"crop is {self.crop}: two numbers of tokens are needed, from 8 on, the smaller one first")
        for path, weight in self.train:
            if not 0 < weight < float("inf"):
                raise ValueError(f"the weight of {str(path)!r} is {weight!r}: a number above 0 is needed")
        for name, values in (("precision", get_args(Precision)), ("device", get_args(Device))):
            if getattr(self, name) not in values:
                raise ValueError(f"{name} is {getattr(self, name)!r}: say {', '.join(values)}")
        last = sum(moment > self.round_from for moment in self.moments)
        if self.average > last:
            raise ValueError(
                f"average is {self.average}, but {last} of {self.evaluations} evaluations are in the last stage: ask "
                "for more evaluations, or round from earlier on"
            )

    @property
    def moments(self) -> tuple[float, ...]:
        """The shares of the run after which to look; the last is its end."""
        return tuple((n + 1) / self.evaluations for n in range(self.evaluations))

    @property
    def objective(self) -> Objective:
        return Objective(
            joint=self.joint, shared=self.shared_normalisation, tag_weight=self.tag_weight, taught=self.taught
        )

    def stage(self, passed: float) -> str:
        """The stage after a share of the run."""
        return "rounded" if passed >= self.round_from else "whole" if passed >= self.short_until else "short"

    def rate(self, passed: float) -> float:
        """The learning rate: up over the first steps, then down to nought."""
        return self.lr * min(1.0, (passed + 1e-3) / WARM) * max(0.01, 1 - passed)

    def mixture(self, stage: str) -> Mixture:
        return Mixture(
            seed=self.seed, longest=self.longest, batch_tokens=self.batch_tokens, crop=self.crop,
            crops=1.0 if stage == "short" else self.crops, joined=self.joined, negatives=self.negatives,
            together=self.shared_normalisation, first_gold=self.first_gold, title=self.title,
        )  # fmt: skip

    def arguments(self) -> dict[str, Any]:
        """Everything that decides the weights, as JSON has it; files by name and content."""
        found: dict[str, Any] = {name: value for name, value in asdict(self).items() if name not in FREE}
        found["train"] = [[path.name, checksum(path), weight] for path, weight in self.train]
        found["dev"] = [[path.name, checksum(path)] for path in self.dev]
        found["crop"] = list(self.crop)
        found["base"] = str(self.base.resolve())
        found["teacher"] = None if self.teacher is None else str(self.teacher.resolve())
        return found


def checksum(path: Path) -> str:
    """The beginning of a file's SHA-256. Raises: `TrainingError` where it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()[:16]
    except OSError as error:
        raise TrainingError(f"{str(path)!r} cannot be read ({error.strerror}): name a question file") from error


def differences(stored: Mapping[str, Any], given: Mapping[str, Any]) -> list[str]:
    """The arguments that differ, each with what was and what is."""
    names = sorted(name for name in {*stored, *given} if stored.get(name) != given.get(name))
    return [f"{name} was {_told(stored.get(name))}, is {_told(given.get(name))}" for name in names]


def _told(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)[:120]

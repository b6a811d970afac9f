"""What a run says of itself after every step, and writes into its log now and then."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from qa.training.dev import Figures
from qa.training.log import Log
from qa.training.losses import Loss
from qa.training.state import Progress

LOG_SECONDS = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """`passed` is the share of the run that is done, `rate` examples a second, evaluations and savings left out, and
    `left` the seconds to go, not a number before it is known; `figures` are set after an evaluation."""

    step: int
    passed: float
    stage: str
    loss: float | None
    rate: float
    left: float
    figures: Figures | None = None


Tell = Callable[[Told], None]


class Teller:
    """Sums up the steps of one process. Nothing here decides anything."""

    def __init__(self, log: Log, tell: Tell) -> None:
        self._log, self._tell = log, tell
        self._window: list[tuple[float, float, float]] = []
        self._busy = self._seen = self._from = 0.0

    def begin(self, passed: float) -> None:
        """A process takes the run up at a share of it."""
        self._from, self._first = passed, time.monotonic()
        self._logged = self._first

    def add(self, loss: Loss, *, examples: int, seconds: float) -> None:
        """One step was done."""
        self._window.append((float(loss.total.detach()), float(loss.span), float(loss.tag)))
        self._seen, self._busy = self._seen + examples, self._busy + seconds

    @property
    def speed(self) -> float:
        return self._seen / self._busy if self._busy else 0.0

    @property
    def late(self) -> bool:
        """Whether the log is due."""
        return time.monotonic() - self._logged > LOG_SECONDS

    def write(self, progress: Progress, passed: float, rate: float, seconds: float) -> None:
        """Write the mean of the steps since the last time, if there are any."""
        if not self._window:
            return
        total, span, tag = (sum(column) / len(self._window) for column in zip(*self._window, strict=True))
        self._log.add(
            {
                "step": progress.step, "stage": progress.stage, "passed": round(passed, 5), "loss": round(total, 5),
                "span_loss": round(span, 5), "tag_loss": round(tag, 5), "lr": rate, "examples": progress.examples,
                "examples_per_second": round(self.speed, 2), "seconds": round(seconds, 1),
            }
        )  # fmt: skip
        self._window, self._logged = [], time.monotonic()

    def say(self, progress: Progress, passed: float, figures: Figures | None = None) -> None:
        """Tell whoever listens."""
        done = passed - self._from
        left = (1 - passed) * (time.monotonic() - self._first) / done if done > 0 else math.nan
        self._tell(
            Told(
                step=progress.step, passed=passed, stage=progress.stage, loss=progress.loss, rate=self.speed,
                left=left, figures=figures,
            )
        )  # fmt: skip

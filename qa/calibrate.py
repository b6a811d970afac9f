"""Evidence → two probabilities: that the document answers the question, and that the answer chosen is right.

Logistic models over the reader's margins (a calibrator over scores and features beats the greatest probability: Kamath,
Jia and Liang 2020), fitted on development questions by `qa.training.calibrate` and shipped beside the reader's weights.
Two, because they decide different things: whether to speak at all, and how sure to sound.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from index.errors import ModelError
from qa.choose import Evidence

FEATURES = ("margin", "own_margin", "lead")


@dataclass(frozen=True, slots=True, kw_only=True)
class Logistic:
    """`weights` in the order of `FEATURES`."""

    weights: tuple[float, ...]
    bias: float

    def probability(self, evidence: Evidence) -> float:
        odds = self.bias + sum(w * x for w, x in zip(self.weights, features(evidence), strict=True))
        return 1 / (1 + math.exp(-max(-30.0, min(30.0, odds))))


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """What a reader's scores mean.

    An answer is given where `answerable` reaches `gate` and `right` reaches `threshold`: the values at which most
    development questions are decided rightly.
    """

    answerable: Logistic
    right: Logistic
    gate: float
    threshold: float


def features(evidence: Evidence) -> tuple[float, ...]:
    """Evidence as numbers, bounded so that no single one decides alone."""
    return (
        max(-20.0, min(20.0, evidence.margin)),
        max(-20.0, min(20.0, evidence.own_margin)),
        max(-4.0, min(12.0, evidence.lead)),
    )


UNFITTED = Calibration(
    answerable=Logistic(weights=(0.5, 0.0, 0.0), bias=0.0),
    right=Logistic(weights=(0.4, 0.0, 0.1), bias=-1.0),
    gate=0.5,
    threshold=0.2,
)
"""For a reader that brings no calibration: it answers where a span outweighs "not here", and is never very sure."""


def load(folder: Path) -> Calibration:
    """Read `calibration.json` in a reader's folder; `UNFITTED` where there is none. Raises: `ModelError` if damaged."""
    file = folder / "calibration.json"
    try:
        stored = json.loads(file.read_text(encoding="utf-8"))
        made = Calibration(
            answerable=_logistic(stored["answerable"]),
            right=_logistic(stored["right"]),
            gate=float(stored["gate"]),
            threshold=float(stored["threshold"]),
        )
    except FileNotFoundError:
        return UNFITTED
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise ModelError(f"{str(file)!r} cannot be read as a calibration: install the reader again") from error
    numbers = (*made.answerable.weights, made.answerable.bias, *made.right.weights, made.right.bias)
    if not (0 <= made.gate <= 1 and 0 <= made.threshold <= 1 and all(map(math.isfinite, numbers))):
        raise ModelError(f"{str(file)!r} holds a number out of range: install the reader again")
    return made


def _logistic(stored: Mapping[str, Any]) -> Logistic:
    return Logistic(weights=tuple(float(stored[name]) for name in FEATURES), bias=float(stored["bias"]))

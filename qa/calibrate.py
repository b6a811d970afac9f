"""Evidence → the probability that the answer is right, and the threshold below which to abstain.

A logistic model over the reader's margins (a calibrator over scores and features beats the greatest probability: Kamath,
Jia and Liang 2020), fitted on development questions by `qa.training.calibrate` and shipped beside the reader's weights.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path

from index.errors import ModelError
from qa.choose import Evidence

FEATURES = ("margin", "own_margin", "lead", "cosine")


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """`weights` in the order of `FEATURES`; `threshold` is where most development questions are decided rightly."""

    weights: tuple[float, ...]
    bias: float
    threshold: float

    def probability(self, evidence: Evidence) -> float:
        """How likely the document answers the question and the span chosen is right."""
        odds = self.bias + sum(w * x for w, x in zip(self.weights, features(evidence), strict=True))
        return 1 / (1 + math.exp(-max(-30.0, min(30.0, odds))))


def features(evidence: Evidence) -> tuple[float, ...]:
    """Evidence as numbers, bounded so that no single one decides alone."""
    return (
        max(-20.0, min(20.0, evidence.margin)),
        max(-20.0, min(20.0, evidence.own_margin)),
        max(-4.0, min(12.0, evidence.lead)),
        evidence.cosine,
    )


UNFITTED = Calibration(weights=(0.5, 0.0, 0.1, 0.0), bias=-1.0, threshold=0.5)
"""For a reader that brings no calibration: a margin of two logits, or a little less with a clear lead, is even odds."""


def load(folder: Path) -> Calibration:
    """Read `calibration.json` in a reader's folder; `UNFITTED` where there is none. Raises: `ModelError` if damaged."""
    file = folder / "calibration.json"
    try:
        stored = json.loads(file.read_text(encoding="utf-8"))
        made = Calibration(
            weights=tuple(float(stored["weights"][name]) for name in FEATURES),
            bias=float(stored["bias"]),
            threshold=float(stored["threshold"]),
        )
    except FileNotFoundError:
        return UNFITTED
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{str(file)!r} cannot be read as a calibration: install the reader again") from error
    if not (0 <= made.threshold <= 1 and all(map(math.isfinite, (*made.weights, made.bias)))):
        raise ModelError(f"{str(file)!r} holds a number out of range: install the reader again")
    return made

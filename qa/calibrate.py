"""Evidence → two probabilities: that the document answers the question, and that the answer chosen is right.

Logistic models over the reader's margins (a calibrator over scores and features beats the greatest probability: Kamath,
Jia and Liang 2020), fitted on development questions by `qa.training.calibrate` and shipped beside the reader's weights,
or fitted to an operator's own by `spanwise calibrate`. Two, because they decide different things: whether to speak at
all, and how sure to sound.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any

from index.errors import ModelError
from qa.choose import Evidence
from qa.errors import CalibrationError

FEATURES = ("own_margin", "alone", "lead")
FILE = "calibration.json"

SURE = 0.9
"""How surely a stated risk is kept: in nine of ten calibrations like this one."""

STARTS = (0.5, 0.25, 0.125)
"""Shares of all answers; from the thresholds that give so many, looser ones are tried one after the other."""

SURE_OF_ONE = 1 - (1 - SURE) / len(STARTS)
"""How sure a single bound has to be, each start having its part of the doubt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Logistic:
    """`weights` in the order of `FEATURES`."""

    weights: tuple[float, ...]
    bias: float

    def probability(self, evidence: Evidence) -> float:
        odds = self.bias + sum(w * x for w, x in zip(self.weights, features(evidence), strict=True))
        return 1 / (1 + math.exp(-max(-30.0, min(30.0, odds))))


@dataclass(frozen=True, slots=True, kw_only=True)
class Risk:
    """What a threshold does to questions that the models were not fitted on.

    Of `answered` questions `wrong` were answered wrongly; the share of wrong ones is at most `at_most`, as sure as
    `SURE_OF_ONE`.
    """

    threshold: float
    answered: int
    wrong: int
    at_most: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """What a reader's scores mean.

    An answer is given where `answerable` reaches `gate` and `right` reaches `threshold`: the values at which most
    development questions are decided rightly. `risks`, by rising threshold, say what other thresholds do.
    """

    answerable: Logistic
    right: Logistic
    gate: float
    threshold: float
    risks: tuple[Risk, ...] = ()

    def threshold_for(self, risk: float) -> float:
        """The lowest threshold at which at most the share `risk` of the answers given is wrong, held with `SURE`.

        From each of `STARTS` thresholds are lowered until one fails: fixed-sequence testing with several starts, which
        needs no other correction for trying many (Angelopoulos et al. 2021, "Learn then Test").

        Raises: `CalibrationError` where none reaches the risk, with the best that can be had.
        """
        most = max((row.answered for row in self.risks), default=0)
        passed: list[float] = []
        strictest: list[Risk] = []
        for share in STARTS:
            sequence = [row for row in reversed(self.risks) if row.answered >= share * most]
            strictest += sequence[:1]
            passed += [row.threshold for row in takewhile(lambda row: row.at_most <= risk, sequence)]
        if not passed:
            raise CalibrationError(_unreachable(risk, strictest))
        return min(passed)


def _unreachable(risk: float, risks: Sequence[Risk]) -> str:
    asked = f"no threshold is known to keep wrong answers at {100 * risk:g} % or below"
    if not risks:
        return f"{asked}: this reader was never calibrated; run spanwise calibrate on questions of your own"
    best = min(risks, key=lambda r: r.at_most)
    return (
        f"{asked}: the least that {best.answered} answers prove is {100 * best.at_most:.1f} %; state a greater risk, "
        "or run spanwise calibrate on more questions of your own"
    )


def features(evidence: Evidence) -> tuple[float, ...]:
    """Evidence as numbers, bounded so that no single one decides alone."""
    return (
        max(-20.0, min(20.0, evidence.own_margin)),
        max(-20.0, min(20.0, evidence.alone)),
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
    file = folder / FILE
    return _read(file, remedy="install the reader again") if file.exists() else UNFITTED


def read(file: Path) -> Calibration:
    """Read what `spanwise calibrate` wrote. Raises: `ModelError` where there is no such file, or another one."""
    return _read(file, remedy="name a file that spanwise calibrate wrote")


def _read(file: Path, *, remedy: str) -> Calibration:
    try:
        stored = json.loads(file.read_text(encoding="utf-8"))
        made = Calibration(
            answerable=_logistic(stored["answerable"]),
            right=_logistic(stored["right"]),
            gate=float(stored["gate"]),
            threshold=float(stored["threshold"]),
            risks=tuple(_risk(row) for row in stored.get("risks", [])),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise ModelError(f"{str(file)!r} cannot be read as a calibration: {remedy}") from error
    numbers = (*made.answerable.weights, made.answerable.bias, *made.right.weights, made.right.bias)
    shares = (made.gate, made.threshold, *(x for r in made.risks for x in (r.threshold, r.at_most)))
    if not (all(0 <= x <= 1 for x in shares) and all(map(math.isfinite, numbers))):
        raise ModelError(f"{str(file)!r} holds a number out of range: {remedy}")
    return made


def to_json(calibration: Calibration, **more: Any) -> dict[str, Any]:
    """What `read` reads, with whatever else is worth keeping beside it."""
    return {
        "answerable": _stored(calibration.answerable),
        "right": _stored(calibration.right),
        "gate": round(calibration.gate, 4),
        "threshold": round(calibration.threshold, 4),
        **more,
        "risks": [[r.threshold, r.answered, r.wrong, round(r.at_most, 4)] for r in calibration.risks],
    }


def _logistic(stored: Mapping[str, Any]) -> Logistic:
    return Logistic(weights=tuple(float(stored[name]) for name in FEATURES), bias=float(stored["bias"]))


def _stored(model: Logistic) -> dict[str, float]:
    return {name: round(x, 4) for name, x in zip((*FEATURES, "bias"), (*model.weights, model.bias), strict=True)}


def _risk(row: Sequence[Any]) -> Risk:
    threshold, answered, wrong, at_most = row
    return Risk(threshold=float(threshold), answered=int(answered), wrong=int(wrong), at_most=float(at_most))

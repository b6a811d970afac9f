"""Questions with known answers → what a reader's scores mean, and from where on to answer.

Every question is read once (`Calibrator.read`); two logistic models are fitted, whether the document answers and
whether the answer chosen is right (lenient, see `qa.evaluation.score.judge`). What is told of them, and the gate, come
from documents that the models were not fitted on, in folds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.stats import beta

from qa import calibrate
from qa.assistant import Assistant
from qa.calibrate import FEATURES, SURE_OF_ONE, Calibration, Logistic, Risk, features
from qa.errors import CalibrationError
from qa.evaluation.curves import auroc, calibration
from qa.evaluation.score import score
from qa.evaluation.sources import Library
from qa.evaluation.types import Question

Floats = NDArray[np.float64]
Truth = NDArray[np.bool_]
How = Literal["refit", "rescale"]

FOLDS = 8
THRESHOLD = 0.2
"""Answers less sure than this are not worth showing: four of five would be wrong."""
GATES = np.arange(0.3, 0.86, 0.05)
THRESHOLDS = np.round(np.arange(0.1, 0.985, 0.02), 2)
FEWEST = 20
"""Questions below which nothing can be told."""
REFIT_FROM = 300
"""Questions from which a new fit beats moving and stretching the old one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One question as calibration sees it; `group` names what questions share, their document."""

    features: tuple[float, ...]
    answerable: bool
    right: bool
    group: str


@dataclass(frozen=True, slots=True)
class Rows:
    """Questions in columns."""

    x: Floats  # (questions, features)
    answerable: Truth
    right: Truth
    groups: tuple[str, ...]

    @classmethod
    def of(cls, rows: Iterable[Row]) -> Rows:
        listed = list(rows)
        return cls(
            np.array([r.features for r in listed], dtype=np.float64).reshape(-1, len(FEATURES)),
            np.array([r.answerable for r in listed], dtype=bool),
            np.array([r.right for r in listed], dtype=bool),
            tuple(r.group for r in listed),
        )

    def folds(self) -> NDArray[np.int64]:
        """The fold of every question; documents stay whole, unless there are too few of them."""
        groups = self.groups if len(set(self.groups)) >= FOLDS else tuple(map(str, range(len(self.groups))))
        names = sorted(set(groups))
        return np.array([names.index(g) % FOLDS for g in groups])


def read_question(library: Library, question: Question) -> Row | None:
    """Ask one question and judge the answer; None where nothing has to do with it, which no score decides.

    Raises: `FieldError` where the question's document cannot be had.
    """
    source = library.source(question)
    assert isinstance(source.asker, Assistant)
    examined = source.asker.examine(question.text, question.turns, document_ids=source.document_ids)
    if examined.evidence is None or not examined.related:
        return None
    forced = source.asker.decide(examined, threshold=0.0)
    right = question.answerable and score(question, forced, source.subject).lenient
    return Row(
        features=features(examined.evidence),
        answerable=question.answerable,
        right=right,
        group=question.group or question.document or "",
    )


def fit(x: Floats, y: Truth) -> Floats:
    """Weights and, last, the bias of a logistic model with a little weight decay on standardised features."""
    middle, spread = x.mean(0), x.std(0) + 1e-9
    weights = _fit((x - middle) / spread, y, towards=np.zeros(x.shape[1] + 1), pull=np.r_[np.ones(x.shape[1]), 0.0])
    scaled = weights[:-1] / spread
    return np.append(scaled, weights[-1] - scaled @ middle)


def rescale(x: Floats, y: Truth, known: Floats) -> Floats:
    """`known` weights, stretched and moved to fit (Platt 1999), both held back to what they were."""
    odds = x @ known[:-1] + known[-1]
    stretch, move = _fit(odds[:, None], y, towards=np.array([1.0, 0.0]), pull=np.array([10.0, 2.0]))
    stretch = max(stretch, 0.05)  # what was surer stays surer
    return np.append(known[:-1] * stretch, known[-1] * stretch + move)


def _fit(z: Floats, y: Truth, *, towards: Floats, pull: Floats) -> Floats:
    wide = np.hstack([z, np.ones((len(z), 1))])
    sign = np.where(y, 1.0, -1.0)

    def loss(w: Floats) -> tuple[float, Floats]:
        odds = sign * (wide @ w)
        away = w - towards
        gradient = -(sign / (1 + np.exp(np.clip(odds, -500, 500)))) @ wide
        return float(np.logaddexp(0, -odds).sum() + 0.5 * (pull * away) @ away), gradient + pull * away

    return np.asarray(minimize(loss, towards, jac=True, method="L-BFGS-B").x)


def probability(x: Floats, w: Floats) -> Floats:
    odds: Floats = np.clip(x @ w[:-1] + w[-1], -30, 30)
    return np.asarray(1 / (1 + np.exp(-odds)))


def _weights(model: Logistic) -> Floats:
    return np.array([*model.weights, model.bias])


def _fitted(x: Floats, y: Truth, known: Logistic, how: How) -> Floats:
    return fit(x, y) if how == "refit" else rescale(x, y, _weights(known))


def held_out(rows: Rows, y: Truth, known: Logistic, how: How) -> Floats:
    """Probabilities of every row from a model that saw none of its document."""
    fold = rows.folds()
    found = np.zeros(len(y))
    for n in range(FOLDS):
        out = fold == n
        if out.any():
            found[out] = probability(rows.x[out], _fitted(rows.x[~out], y[~out], known, how))
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """A calibration, and what was measured of it on held-out documents; errors and shares from 0 to 1."""

    calibration: Calibration
    how: How
    figures: dict[str, Any]


def calibrated(rows: Rows, known: Calibration, *, how: How | None = None) -> Fitted:
    """Fit a calibration to `rows`, starting from `known`. `how` None takes what the number of questions allows.

    Raises: `CalibrationError` for too few questions, or where all of them came out the same.
    """
    total = len(rows.right)
    if total < FEWEST:
        raise CalibrationError(f"{total} questions could be used: at least {FEWEST} are needed to calibrate on")
    for count, what in ((int(rows.right.sum()), "answered rightly"), (int((~rows.right).sum()), "answered wrongly")):
        if count < 3:
            raise CalibrationError(
                f"{count} of {total} questions were {what}: at least 3 are needed to tell the two apart; "
                "add questions, those that the documents do not answer too"
            )
    if how is None:
        how = "refit" if total >= REFIT_FROM and len(set(rows.groups)) >= FOLDS else "rescale"
    both = bool(rows.answerable.any() and (~rows.answerable).any())
    told = rows.answerable if both else None
    speak = probability(rows.x, _weights(known.answerable)) if told is None else held_out(
        rows, told, known.answerable, how
    )  # fmt: skip
    sure = held_out(rows, rows.right, known.right, how)
    decided = [float(np.where((speak >= g) & (sure >= THRESHOLD), rows.right, ~rows.answerable).mean()) for g in GATES]
    gate = known.gate if told is None else round(float(GATES[int(np.argmax(decided))]), 2)
    made = Calibration(
        answerable=known.answerable if told is None else _logistic(_fitted(rows.x, told, known.answerable, how)),
        right=_logistic(_fitted(rows.x, rows.right, known.right, how)),
        gate=gate,
        threshold=THRESHOLD,
        risks=tuple(risks(speak >= gate, sure, rows.right)),
    )
    return Fitted(calibration=made, how=how, figures=_figures(rows, known, speak, sure, gate))


def _logistic(w: Floats) -> Logistic:
    return Logistic(weights=tuple(float(x) for x in w[:-1]), bias=float(w[-1]))


def risks(speaks: Truth, sure: Floats, right: Truth) -> list[Risk]:
    """How many answers each threshold gives and how many of them are wrong; see `Calibration.threshold_for`."""
    rows = []
    for threshold in THRESHOLDS:
        given = speaks & (sure >= threshold)
        answered, wrong = int(given.sum()), int((given & ~right).sum())
        if answered:
            bound = 1.0 if wrong == answered else float(beta.ppf(SURE_OF_ONE, wrong + 1, answered - wrong))
            rows.append(Risk(threshold=float(threshold), answered=answered, wrong=wrong, at_most=bound))
    return rows


def _figures(rows: Rows, known: Calibration, speak: Floats, sure: Floats, gate: float) -> dict[str, Any]:
    answered = (speak >= gate) & (sure >= THRESHOLD)
    before = probability(rows.x, _weights(known.right))
    return {
        "questions": len(sure),
        "documents": len(set(rows.groups)),
        "decided rightly": _rounded(np.where(answered, rows.right, ~rows.answerable).mean()),
        "answered": _rounded(answered.mean()),
        "right when answered": _rounded(rows.right[answered].mean()) if answered.any() else None,
        "AUROC of answerable": _rounded(auroc(speak, rows.answerable)),
        "calibration error of right": calibration_error(sure, rows.right),
        "calibration error when answered": calibration_error(sure[answered], rows.right[answered]),
        "calibration error before": calibration_error(before, rows.right),
    }


def calibration_error(p: Floats, y: Truth) -> float | None:
    """As `spanwise evaluate` measures it, 0 to 1; None for no questions."""
    error = calibration(p, y, np.ones(len(p), dtype=bool))["ece"]
    return None if error is None else round(error / 100, 4)


def _rounded(value: Any) -> float | None:
    return None if value is None else round(float(value), 4)


def to_json(fitted: Fitted, *, sets: Sequence[str]) -> dict[str, Any]:
    """What is written: `qa.calibrate.read` takes it."""
    made = calibrate.to_json(fitted.calibration, sets=list(sets), how=fitted.how)
    return {**made, "held out": fitted.figures}

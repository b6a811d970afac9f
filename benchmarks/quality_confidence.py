"""What confidence is made of: the calibration fitted without one of its features, judged on other documents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from quality_sets import Asked
from quality_table import HEADS, difference, percent, signed, table, verdict

from qa.assistant import Assistant
from qa.calibrate import FEATURES, Calibration, features
from qa.evaluation.curves import auroc, calibration
from qa.evaluation.score import score
from qa.training.calibrate import GATES, THRESHOLD, Row, Rows, held_out

NAMES = {
    "own_margin": 'the margin over "not here" in its own passage',
    "alone": "the margin when its sentence is read alone",
    "lead": "the lead over the best other answer",
}
"""How people call features; another one is called by its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Confidence:
    """A choice of features: which questions are decided rightly (0 or 1 each), and how true the probabilities are."""

    change: str
    removes: bool | None
    decided: NDArray[np.float64]
    auroc: float | None
    ece: float | None


def row(asked: Asked, assistant: Assistant) -> Row | None:
    """What calibration sees of a question; None where nothing has to do with it, which no score decides."""
    question = asked.question
    examined = assistant.examine(question.text, question.turns)
    if examined.evidence is None or not examined.related:
        return None
    right = score(question, assistant.decide(examined, threshold=0.0), asked.subject).lenient
    return Row(
        features=features(examined.evidence),
        answerable=question.answerable,
        right=question.answerable and right,
        group=question.group or question.document or "",
    )


def choices(rows: Sequence[Row], known: Calibration) -> list[Confidence]:
    """All features, then all but each, then each alone."""
    every = range(len(FEATURES))
    found = [_fitted("all features", rows, every, known, removes=None)]
    for n in every:
        others = [other for other in every if other != n]
        found.append(_fitted(f"without {NAMES.get(FEATURES[n], FEATURES[n])}", rows, others, known, removes=True))
    return found + [
        _fitted(f"only {NAMES.get(FEATURES[n], FEATURES[n])}", rows, [n], known, removes=None) for n in every
    ]


def _fitted(
    change: str, rows: Sequence[Row], kept: Sequence[int], known: Calibration, *, removes: bool | None
) -> Confidence:
    whole = Rows.of(rows)
    columns = np.isin(np.arange(whole.x.shape[1]), list(kept))
    part = replace(whole, x=np.where(columns, whole.x, 0.0))  # a column of noughts gets no weight
    speak = held_out(part, whole.answerable, known.answerable, "refit")
    sure = held_out(part, whole.right, known.right, "refit")
    ways = [np.where((speak >= g) & (sure >= THRESHOLD), whole.right, ~whole.answerable) for g in GATES]
    return Confidence(
        change=change,
        removes=removes,
        decided=max(ways, key=lambda way: way.sum()).astype(np.float64),
        auroc=auroc(speak, whole.answerable),
        ece=calibration(sure, whole.right, np.ones(len(rows), dtype=bool))["ece"],
    )


def confidence_text(rows: Sequence[Row], known: Calibration) -> str:
    """The table of what confidence is made of."""
    base, *others = choices(rows, known)
    groups = [one.group for one in rows]
    cells = []
    for one in (base, *others):
        change = (None, None) if one is base else difference(base.decided, one.decided, groups)
        right, area = percent(100 * float(one.decided.mean())), "–" if one.auroc is None else f"{one.auroc:.3f}"
        error = "–" if one.ece is None else f"{one.ece:.1f}"
        cells.append([one.change, right, signed(*change), area, error, verdict(*change, removes=one.removes)])
    heads = ["confidence from", "decided rightly", "difference", HEADS["auroc"], HEADS["ece"], ""]
    told = f"Of {len(rows):,} questions (all sets), each judged by a calibration that saw nothing of its document."
    return f"## What confidence is made of\n\n{told}\n\n{table(heads, cells)}\n"

"""Development questions → `calibration.json`: what a reader's scores mean, and from where on to answer.

    python -m qa.training.calibrate --depth careful --documents FOLDER --out qa/models/careful/calibration.json SETS …

Every question is read once. Two logistic models are fitted, whether the document answers and whether the answer chosen
is right (lenient, see `qa.evaluation.score.judge`); their quality and the gate are measured on held-out documents, in
folds, so that what is printed is not what was fitted.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from qa.assistant import Assistant
from qa.calibrate import FEATURES, features
from qa.config import Settings
from qa.evaluation.curves import calibration
from qa.evaluation.questions import read_questions
from qa.evaluation.score import score
from qa.evaluation.sources import Library

Floats = NDArray[np.float64]
FOLDS = 8
THRESHOLD = 0.2
"""Answers less sure than this are not worth showing: four of five would be wrong."""


def collect(options: argparse.Namespace) -> tuple[Floats, NDArray[np.bool_], NDArray[np.bool_], list[str]]:
    """Features, answerable, right and document of every question that anything was found for."""
    library = Library(folder=options.documents, settings=Settings(depth=options.depth))
    rows, answerable, right, groups = [], [], [], []
    for number, question in enumerate(read_questions(options.sets)):
        if number % options.every:
            continue
        source = library.source(question)
        assert isinstance(source.asker, Assistant)
        examined = source.asker.examine(question.text, question.turns, document_ids=source.document_ids)
        if examined.evidence is None:
            continue
        forced = source.asker.decide(examined, threshold=0.0)
        rows.append(features(examined.evidence))
        answerable.append(question.answerable)
        right.append(question.answerable and score(question, forced, source.subject).lenient)
        groups.append(question.group)
        if len(rows) % 50 == 0:
            print(f"{len(rows)} questions read", flush=True)
    return np.array(rows), np.array(answerable), np.array(right), groups


def fit(x: Floats, y: NDArray[np.bool_]) -> Floats:
    """Weights and, last, the bias of a logistic model with a little weight decay on standardised features."""
    middle, spread = x.mean(0), x.std(0) + 1e-9
    z = np.hstack([(x - middle) / spread, np.ones((len(x), 1))])
    sign = np.where(y, 1.0, -1.0)

    def loss(w: Floats) -> tuple[float, Floats]:
        odds = sign * (z @ w)
        gradient = -(sign / (1 + np.exp(odds))) @ z
        decay = np.append(w[:-1], 0.0)
        return float(np.logaddexp(0, -odds).sum() + 0.5 * decay @ decay), gradient + decay

    found = minimize(loss, np.zeros(z.shape[1]), jac=True, method="L-BFGS-B").x
    weights = found[:-1] / spread
    return np.append(weights, found[-1] - weights @ middle)


def probability(x: Floats, w: Floats) -> Floats:
    odds: Floats = np.clip(x @ w[:-1] + w[-1], -30, 30)
    return np.asarray(1 / (1 + np.exp(-odds)))


def held_out(x: Floats, y: NDArray[np.bool_], groups: list[str]) -> Floats:
    """Probabilities of every row from a model that saw none of its document."""
    names = sorted(set(groups))
    fold = np.array([names.index(g) % FOLDS for g in groups])
    found = np.zeros(len(x))
    for n in range(FOLDS):
        if (fold == n).any():
            found[fold == n] = probability(x[fold == n], fit(x[fold != n], y[fold != n]))
    return found


def calibration_error(p: Floats, y: NDArray[np.bool_]) -> float | None:
    """As `spanwise evaluate` measures it, 0 to 1; None for no questions."""
    error = calibration(p, y, np.ones(len(p), dtype=bool))["ece"]
    return None if error is None else round(error / 100, 4)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--depth", choices=("quick", "careful"), required=True)
    parser.add_argument("--documents", type=Path, help="folder of the documents that the sets name")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--every", type=int, default=1, metavar="N", help="read every Nth question only")
    parser.add_argument("sets", nargs="+", type=Path)
    options = parser.parse_args()
    x, answerable, right, groups = collect(options)
    speak, sure = held_out(x, answerable, groups), held_out(x, right, groups)
    gates = np.arange(0.3, 0.86, 0.05)
    decided = {float(g): float(np.where((speak >= g) & (sure >= THRESHOLD), right, ~answerable).mean()) for g in gates}
    best = max(decided, key=lambda g: decided[g])
    answered = (speak >= best) & (sure >= THRESHOLD)
    figures: dict[str, Any] = {
        "questions": len(x),
        "documents": len(set(groups)),
        "decided rightly": round(decided[best], 4),
        "answered": round(float(answered.mean()), 4),
        "right when answered": round(float(right[answered].mean()), 4),
        "calibration error of right": calibration_error(sure, right),
        "calibration error when answered": calibration_error(sure[answered], right[answered]),
    }
    models = {"answerable": fit(x, answerable), "right": fit(x, right)}
    stored = {
        **{
            name: {**{f: round(float(v), 4) for f, v in zip(FEATURES, w, strict=False)}, "bias": round(float(w[-1]), 4)}
            for name, w in models.items()
        },
        "gate": round(best, 2),
        "threshold": THRESHOLD,
        "sets": [path.name for path in options.sets],
        "held out": figures,
    }
    options.out.write_text(json.dumps(stored, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(stored, indent=2))


if __name__ == "__main__":
    main()

"""Calibration from questions: fits on synthetic scores, what a stated risk promises, resuming, and the command."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from qa import calibrate
from qa.calibrate import FEATURES, UNFITTED, Calibration, Logistic
from qa.cli import app
from qa.errors import CalibrationError
from qa.evaluation.types import Question
from qa.training import reading
from qa.training.calibrate import (
    FEWEST,
    Row,
    Rows,
    calibrated,
    calibration_error,
    fit,
    held_out,
    probability,
    rescale,
    risks,
)
from qa.training.reading import Kept, read_all

SEEDS = Path(__file__).parent.parent / "seeds"
WIDTH = len(FEATURES)
TRUE = np.array([0.4, 0.2, 0.1, -1.0])


def drawn(count: int, *, seed: int = 0, true: np.ndarray = TRUE) -> tuple[np.ndarray, np.ndarray]:
    """Features, and outcomes that a logistic model with the weights `true` brings about."""
    rng = np.random.default_rng(seed)
    x = rng.normal(2, 4, size=(count, WIDTH))
    return x, rng.random(count) < probability(x, true)


def rows_of(x: np.ndarray, right: np.ndarray, answerable: np.ndarray, *, documents: int = 20) -> Rows:
    return Rows.of(
        Row(features=tuple(map(float, f)), right=bool(r), answerable=bool(a), group=str(n % documents))
        for n, (f, r, a) in enumerate(zip(x, right, answerable, strict=True))
    )


def test_a_fit_finds_the_model_that_made_the_outcomes():
    x, y = drawn(6000)
    fresh, _ = drawn(2000, seed=1)
    assert np.abs(probability(fresh, fit(x, y)) - probability(fresh, TRUE)).mean() < 0.02


def test_few_questions_move_and_stretch_a_model_that_is_too_sure():
    too_sure = TRUE * 2 + np.array([0, 0, 0, 3.0])
    x, y = drawn(250)
    fresh, truth = drawn(4000, seed=1)
    before, after = (calibration_error(probability(fresh, w), truth) for w in (too_sure, rescale(x, y, too_sure)))
    assert after < 0.05 < before


def test_a_rescaled_model_keeps_the_order():
    x, _ = drawn(200)
    upside_down = rescale(x, x @ TRUE[:-1] < 2, TRUE)  # the opposite of what the model says
    assert (np.diff(probability(x, upside_down)[np.argsort(x @ TRUE[:-1])]) >= 0).all()


def test_what_is_told_was_not_fitted_on():
    """Noise alone: a model judged on its own questions would seem to know something."""
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(200, WIDTH)), rng.random(200) < 0.5
    told = held_out(rows_of(x, y, y), y, UNFITTED.right, "refit")
    assert np.corrcoef(told, y)[0, 1] < 0.1


def test_a_document_is_never_on_both_sides():
    x, y = drawn(200)
    rows = rows_of(x, y, y, documents=25)
    fold_of = dict(zip(rows.groups, rows.folds(), strict=True))
    assert all(fold_of[g] == f for g, f in zip(rows.groups, rows.folds(), strict=True))
    assert len(set(fold_of.values())) > 1


def test_a_stated_risk_is_kept_in_nine_of_ten_calibrations():
    """Counted against the truth, which only a simulation knows."""
    everything, outcome = drawn(40_000, seed=9)
    sure_of_all = probability(everything, TRUE)
    broken = found = 0
    for seed in range(120):
        x, right = drawn(800, seed=100 + seed)
        made = calibrate.Calibration(
            answerable=UNFITTED.answerable, right=UNFITTED.right, gate=0.0, threshold=0.2,
            risks=tuple(risks(np.ones(800, dtype=bool), probability(x, TRUE), right)),
        )  # fmt: skip
        try:
            threshold = made.threshold_for(0.15)
        except CalibrationError:
            continue
        found += 1
        broken += float((~outcome[sure_of_all >= threshold]).mean()) > 0.15
    assert found > 60  # it does not keep its word by never giving any
    assert broken / 120 <= 0.1


def test_more_questions_make_a_risk_easier_to_prove():
    thresholds = []
    for count in (300, 3000):
        x, right = drawn(count, seed=5)
        rows = tuple(risks(np.ones(count, dtype=bool), probability(x, TRUE), right))
        made = Calibration(
            answerable=UNFITTED.answerable, right=UNFITTED.right, gate=0.0, threshold=0.2, risks=rows
        )  # fmt: skip
        thresholds.append(made.threshold_for(0.2))
    assert thresholds[1] < thresholds[0]


def test_a_calibration_is_fitted_anew_from_many_and_rescaled_from_few():
    x, right = drawn(400)
    answerable = right | (np.arange(400) % 3 == 0)
    many = calibrated(rows_of(x, right, answerable), UNFITTED)
    assert many.how == "refit"
    assert np.allclose([*many.calibration.right.weights, many.calibration.right.bias], TRUE, atol=0.25)
    assert many.figures["calibration error of right"] < 0.08
    few = calibrated(rows_of(x[:40], right[:40], answerable[:40]), UNFITTED)
    assert few.how == "rescale"
    assert few.calibration.right.weights[1] == 0.0  # what the reader's own does not use stays unused


def test_without_unanswerable_questions_speaking_is_left_as_it_was():
    x, right = drawn(60)
    made = calibrated(rows_of(x, right, np.ones(60, dtype=bool)), UNFITTED).calibration
    assert made.answerable == UNFITTED.answerable
    assert made.gate == UNFITTED.gate


@pytest.mark.parametrize(
    ("count", "right", "told"),
    [
        (FEWEST - 1, 10, f"at least {FEWEST} are needed"),
        (30, 2, "2 of 30 questions were answered rightly"),
        (30, 29, "1 of 30 questions were answered wrongly"),
    ],
)
def test_questions_that_tell_nothing_are_refused(count, right, told):
    x, _ = drawn(count)
    y = np.arange(count) < right
    with pytest.raises(CalibrationError, match=told):
        calibrated(rows_of(x, y, y), UNFITTED)


ROW = Row(features=(1.0, 2.0, 3.0), answerable=True, right=False, group="d")


def test_what_was_read_is_kept_and_a_cut_line_read_again(tmp_path):
    file = tmp_path / "own.json.read.jsonl"
    kept = Kept(file, key={"depth": "quick"})
    kept.add("a", ROW)
    kept.add("b", None)
    with file.open("a", encoding="utf-8") as cut:
        cut.write('["c", {"features": [1.')
    assert Kept(file, key={"depth": "quick"}).rows == {"a": ROW, "b": None}
    assert Kept(file, key={"depth": "careful"}).rows == {}
    assert Kept(file, key={"depth": "quick"}, fresh=True).rows == {}


def test_what_was_read_otherwise_is_written_over(tmp_path):
    file = tmp_path / "own.json.read.jsonl"
    Kept(file, key={"depth": "quick"}).add("a", ROW)
    other = Kept(file, key={"depth": "careful"})
    other.add("b", ROW)
    assert Kept(file, key={"depth": "careful"}).rows == {"b": ROW}


def test_a_stopped_run_reads_only_the_rest(tmp_path, monkeypatch):
    questions = tmp_path / "questions.jsonl"
    asked = [{"id": str(n), "question": f"What is {n}?", "context": "Some text.", "answers": []} for n in range(6)]
    questions.write_text("".join(json.dumps(q) + "\n" for q in asked), encoding="utf-8")
    read: list[str] = []

    def one(library: object, question: Question) -> Row:
        if len(read) == 4:
            raise KeyboardInterrupt
        read.append(question.id)
        return ROW

    monkeypatch.setattr(reading, "read_question", one)
    file = tmp_path / "kept.jsonl"
    with pytest.raises(KeyboardInterrupt):
        read_all(None, [questions], Kept(file, key={}))
    assert read == ["0", "1", "2", "3"]
    read.clear()
    rows, problems = read_all(None, [questions], Kept(file, key={}))
    assert read == ["4", "5"]
    assert len(rows) == 6
    assert problems == []


@pytest.mark.slow
def test_the_command_calibrates_on_real_questions_and_its_file_is_used(tmp_path):
    """The news set, read by the quick reader; another risk is then free."""
    out = tmp_path / "own.json"
    arguments = ["calibrate", str(SEEDS / "news_dev.jsonl"), "--out", str(out), "--depth", "quick"]
    first = CliRunner().invoke(app, arguments)
    assert first.exit_code == 0, first.output
    assert "moved and stretched" in first.output
    made = calibrate.read(out)
    assert made != calibrate.load(calibrate_folder())
    assert 0 < made.gate < 1
    assert made.risks
    before = (tmp_path / "own.json.read.jsonl").read_text()
    again = CliRunner().invoke(app, [*arguments, "--risk", "0.0001"])
    assert isinstance(again.exception, CalibrationError)
    assert "state a greater risk" in str(again.exception)
    assert (tmp_path / "own.json.read.jsonl").read_text() == before
    ask = ["ask", "What gifts did Kim receive?", "--depth", "quick", "--calibration", str(out), "--json"]
    answer = json.loads(CliRunner().invoke(app, ask).output)
    plain = json.loads(CliRunner().invoke(app, [*ask[:4], "--json"]).output)
    assert answer["confidence"] != plain["confidence"]


def calibrate_folder() -> Path:
    from qa.reading.builtin import MODELS

    return MODELS / "small"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--risk", "2"], "--risk is 2.0"),
        (["--documents", "nowhere"], "which is no folder"),
        (["--documents", ".", "--index", "x"], "not both"),
    ],
)
def test_bad_options_are_named(tmp_path, arguments, told):
    done = CliRunner().invoke(app, ["calibrate", "q.jsonl", "--out", str(tmp_path / "o.json"), *arguments])
    assert done.exit_code == 2
    assert told in " ".join(done.output.replace("│", " ").split())


def test_a_logistic_written_and_read_has_its_weights_in_order():
    made = calibrate.to_json(
        Calibration(
            answerable=Logistic(weights=(0.1, 0.2, 0.3), bias=0.4),
            right=Logistic(weights=(1.0, 2.0, 3.0), bias=4.0),
            gate=0.5,
            threshold=0.2,
        )
    )
    assert made["answerable"] == {"own_margin": 0.1, "alone": 0.2, "lead": 0.3, "bias": 0.4}

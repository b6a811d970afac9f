"""Evidence to probabilities: bounded, rising with the evidence, and read from a file that may be damaged."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.errors import ModelError
from qa import calibrate
from qa.calibrate import FEATURES, UNFITTED, Calibration, Logistic, Risk
from qa.choose import FARTHEST_LEAD, Evidence
from qa.errors import CalibrationError
from qa.reading.builtin import MODELS

LOGITS = st.floats(-100, 100)
EVIDENCE = st.builds(Evidence, margin=LOGITS, own_margin=LOGITS, alone=LOGITS, lead=st.floats(0, FARTHEST_LEAD))
NUMBERS = {"own_margin": 0.1, "alone": 0.4, "lead": 0.2, "bias": -1.0}
STORED = {"answerable": NUMBERS, "right": NUMBERS | {"bias": -2.0}, "gate": 0.6, "threshold": 0.25}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write(tmp_path, STORED)


def write(folder: Path, stored: Any) -> Path:
    (folder / "calibration.json").write_text(json.dumps(stored), encoding="utf-8")
    return folder


def shipped(kind: str) -> Calibration:
    return calibrate.load(MODELS / kind)


def surer(evidence: Evidence, by: float) -> Evidence:
    """What the same readings give when the span's score alone is higher."""
    return Evidence(
        margin=evidence.margin + by,
        own_margin=evidence.own_margin + by,
        alone=evidence.alone + by,
        lead=min(FARTHEST_LEAD, evidence.lead + by),
    )


def test_a_calibration_is_what_its_file_says(folder):
    made = calibrate.load(folder)
    assert made.answerable == Logistic(weights=(0.1, 0.4, 0.2), bias=-1.0)
    assert made.right.bias == -2.0
    assert (made.gate, made.threshold) == (0.6, 0.25)


def test_the_probability_is_the_logistic_of_the_weighted_evidence():
    model = Logistic(weights=(0.5, 0.25, 0.1), bias=-1.0)
    odds = 0.5 * 3 + 0.25 * 2 + 0.1 * 5 - 1
    assert model.probability(Evidence(margin=9, own_margin=3, alone=2, lead=5)) == pytest.approx(
        1 / (1 + math.exp(-odds))
    )


def test_a_reader_that_brings_none_gets_the_unfitted_one(tmp_path):
    assert calibrate.load(tmp_path) is UNFITTED


@pytest.mark.parametrize("kind", ["small", "careful"])
def test_each_shipped_reader_brings_its_own(kind):
    assert shipped(kind) is not UNFITTED
    assert 0 < shipped(kind).threshold < 1


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"text"',
        b"\xff\xfe\x00",
        b"[" * 100_000,
        json.dumps(STORED).encode()[:-20],
        json.dumps({k: v for k, v in STORED.items() if k != "gate"}).encode(),
        json.dumps(STORED | {"right": {}}).encode(),
        json.dumps(STORED | {"right": [1, 2, 3]}).encode(),
        json.dumps(STORED | {"right": NUMBERS | {"lead": "high"}}).encode(),
        json.dumps(STORED | {"right": NUMBERS | {"lead": None}}).encode(),
        json.dumps(STORED | {"gate": 10**400}).encode(),
    ],
)
def test_a_damaged_file_is_refused_in_one_sentence(tmp_path, content):
    (tmp_path / "calibration.json").write_bytes(content)
    with pytest.raises(ModelError, match=r"cannot be read as a calibration: install the reader again") as raised:
        calibrate.load(tmp_path)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "changes",
    [
        {"gate": 1.01},
        {"gate": -0.01},
        {"threshold": 2},
        {"threshold": math.nan},
        {"answerable": NUMBERS | {"bias": math.inf}},
        {"right": NUMBERS | {"alone": math.nan}},
    ],
)
def test_a_number_out_of_range_is_refused(tmp_path, changes):
    with pytest.raises(ModelError, match="out of range"):
        calibrate.load(write(tmp_path, STORED | changes))


def test_a_folder_in_the_place_of_the_file_is_refused(tmp_path):
    (tmp_path / "calibration.json").mkdir()
    with pytest.raises(ModelError, match="cannot be read"):
        calibrate.load(tmp_path)


@pytest.mark.parametrize("kind", ["small", "careful", "unfitted"])
@given(evidence=EVIDENCE)
def test_a_probability_is_never_certain(kind, evidence):
    calibration = UNFITTED if kind == "unfitted" else shipped(kind)
    for model in (calibration.answerable, calibration.right):
        assert 0 < model.probability(evidence) < 1


@pytest.mark.parametrize("kind", ["small", "careful", "unfitted"])
@pytest.mark.parametrize("model", ["answerable", "right"])
def test_a_higher_score_never_makes_less_sure(kind, model):
    """Single weights may be negative, margins being near copies of each other: what counts is their sum."""
    logistic: Logistic = getattr(UNFITTED if kind == "unfitted" else shipped(kind), model)
    own_margins = [x / 2 for x in range(-30, 31)]
    for alone in (0.0, 3.0, -8.0):
        for lead in (0.0, 4.0):
            steps = [Evidence(margin=m, own_margin=m, alone=m + alone, lead=lead) for m in own_margins]
            found = [logistic.probability(step) for step in steps]
            assert found == sorted(found)


@given(evidence=EVIDENCE, by=st.floats(0, 50))
def test_weights_of_one_sign_never_make_less_sure(evidence, by):
    model = Logistic(weights=(0.5, 0.4, 0.3), bias=0.0)
    assert model.probability(surer(evidence, by)) >= model.probability(evidence)


@given(evidence=EVIDENCE)
def test_evidence_beyond_the_bounds_counts_as_the_bound(evidence):
    found = calibrate.features(evidence)
    assert len(found) == len(FEATURES)
    assert all(math.isfinite(x) for x in found)
    far = dataclasses.replace(evidence, own_margin=math.copysign(1e9, evidence.own_margin), alone=-math.inf)
    assert calibrate.features(far)[:2] == (math.copysign(20, evidence.own_margin), -20)


def risky(*rows: tuple[float, int, int, float]) -> Calibration:
    made = [Risk(threshold=t, answered=n, wrong=k, at_most=bound) for t, n, k, bound in rows]
    return dataclasses.replace(UNFITTED, risks=tuple(made))


def test_the_lowest_threshold_that_keeps_the_risk_is_taken():
    calibration = risky((0.2, 400, 80, 0.23), (0.5, 300, 24, 0.11), (0.7, 200, 8, 0.064), (0.9, 100, 1, 0.04))
    assert calibration.threshold_for(0.25) == 0.2
    assert calibration.threshold_for(0.12) == 0.5
    assert calibration.threshold_for(0.05) == 0.9


def test_a_threshold_below_one_that_fails_is_not_tried():
    """Looking on until some threshold passes by chance would break the promise."""
    calibration = risky((0.2, 400, 8, 0.035), (0.5, 300, 24, 0.11), (0.9, 100, 1, 0.04))
    assert calibration.threshold_for(0.05) == 0.9


def test_a_threshold_with_too_few_answers_to_tell_is_passed_over():
    """Three answers without a mistake prove nothing about one in twenty; a hundred do."""
    calibration = risky((0.5, 100, 1, 0.04), (0.9, 3, 0, 0.7))
    assert calibration.threshold_for(0.05) == 0.5


def test_a_stricter_start_may_fail_where_a_looser_one_holds():
    calibration = risky((0.2, 400, 60, 0.19), (0.5, 220, 20, 0.14), (0.7, 120, 12, 0.17), (0.9, 60, 9, 0.27))
    assert calibration.threshold_for(0.2) == 0.2
    assert calibration.threshold_for(0.15) == 0.5


@pytest.mark.parametrize(
    ("calibration", "told"),
    [
        (UNFITTED, "this reader was never calibrated; run spanwise calibrate"),
        (risky((0.2, 400, 80, 0.23), (0.9, 100, 5, 0.091)), "the least that 100 answers prove is 9.1 %"),
    ],
)
def test_a_risk_that_cannot_be_kept_says_what_can(calibration, told):
    with pytest.raises(CalibrationError, match=told):
        calibration.threshold_for(0.05)


def test_what_is_written_is_read_back(tmp_path):
    made = dataclasses.replace(risky((0.2, 400, 80, 0.23)), gate=0.65)
    file = tmp_path / "own.json"
    file.write_text(json.dumps(calibrate.to_json(made, sets=["a.jsonl"])), encoding="utf-8")
    assert calibrate.read(file) == made


def test_a_file_of_ones_own_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ModelError, match=r"name a file that spanwise calibrate wrote"):
        calibrate.read(tmp_path / "none.json")

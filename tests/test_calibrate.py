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
from qa.calibrate import FEATURES, UNFITTED, Calibration, Logistic
from qa.choose import FARTHEST_LEAD, Evidence
from qa.reading.builtin import MODELS

LOGITS = st.floats(-100, 100)
EVIDENCE = st.builds(Evidence, margin=LOGITS, own_margin=LOGITS, lead=st.floats(0, FARTHEST_LEAD))
NUMBERS = {"margin": 0.1, "own_margin": 0.4, "lead": 0.2, "bias": -1.0}
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
    assert model.probability(Evidence(margin=3, own_margin=2, lead=5)) == pytest.approx(1 / (1 + math.exp(-odds)))


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
        {"right": NUMBERS | {"margin": math.nan}},
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
    for pooled in (0.0, 3.0, 8.0):
        for lead in (0.0, 4.0):
            steps = [
                Evidence(margin=min(15, m + pooled), own_margin=m, lead=lead) for m in own_margins if m + pooled <= 15
            ]
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
    far = dataclasses.replace(evidence, margin=math.copysign(1e9, evidence.margin), own_margin=-math.inf)
    assert calibrate.features(far)[:2] == (math.copysign(20, evidence.margin), -20)

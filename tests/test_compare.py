"""Comparing runs: what changed, how surely, and that a lucky difference is not called sure."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import test_run as runs
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted_answers import Scripted
from test_metrics import judged

from qa.evaluation import evaluate
from qa.evaluation.compare import _mcnemar, _sign_flips, compare
from qa.evaluation.errors import RunError
from qa.evaluation.tell import comparison_json, comparison_text


def run(folder: Path, rows: list[dict[str, Any]]) -> Path:
    folder.mkdir(exist_ok=True)
    filled = [{"document": "d.txt", "items": ["Ann"] if not r["abstained"] else [], **r} for r in rows]
    (folder / "predictions.jsonl").write_text("".join(json.dumps(row) + "\n" for row in filled))
    return folder


def truths(*right: bool, group: str | None = None) -> list[dict[str, Any]]:
    rows = [judged(i, right=one, confidence=0.8) for i, one in enumerate(right)]
    return [{**row, "group": group or row["id"]} for row in rows]


def test_wins_losses_and_differences_worked_by_hand(tmp_path):
    a = run(tmp_path / "a", truths(*[True] * 6, *[False] * 4))
    b = run(tmp_path / "b", truths(*[True] * 5, False, *[True] * 3, False))
    found = compare(a, b)
    assert (found.total, found.only_a, found.only_b, found.differing) == (10, 0, 0, 0)
    assert [one.id for one in found.won] == ["q006", "q007", "q008"]
    assert [one.id for one in found.lost] == ["q005"]
    lenient = found.measures["lenient"]
    assert (lenient.a, lenient.b, lenient.difference) == pytest.approx((60, 80, 20))
    assert lenient.p == pytest.approx(2 * (1 + 4) / 16)  # of four changes three or more one way, twice
    assert lenient.interval[0] < 0 < lenient.interval[1]
    assert found.slices == {"who": (10, 3, 1)}
    assert not found.regressed


def test_a_clear_loss_is_a_regression_and_its_mirror_is_not(tmp_path):
    a, b = run(tmp_path / "a", truths(*[True] * 40)), run(tmp_path / "b", truths(*[True] * 20, *[False] * 20))
    assert compare(a, b).regressed == ("lenient", "f1")
    assert not compare(b, a).regressed
    assert compare(a, b).measures["lenient"].p < 1e-5


def test_a_run_against_itself_has_no_difference(tmp_path):
    a = run(tmp_path / "a", truths(True, False, True))
    found = compare(a, a)
    assert not found.won
    assert not found.lost
    assert all((one.difference, one.p) == (0, 1) for one in found.measures.values())
    assert not found.regressed


def test_only_the_same_questions_are_compared(tmp_path):
    one, two = truths(True, True, True, True), truths(False, False, False, False)
    two[1]["question"] = "Another?"
    two[2]["squad_golds"] = ["Ben"]
    two[3]["id"] = "new"
    found = compare(run(tmp_path / "a", one), run(tmp_path / "b", two))
    assert (found.total, found.only_a, found.only_b, found.differing) == (1, 1, 1, 2)
    with pytest.raises(RunError, match="no question in common"):
        compare(run(tmp_path / "a", one[:1]), run(tmp_path / "b", two[3:]))
    with pytest.raises(RunError, match="holds no run"):
        compare(tmp_path, tmp_path / "b")


def test_documents_that_fail_together_make_a_difference_less_sure(tmp_path):
    before, after = [True] * 40, [True] * 35 + [False] * 5
    alone = compare(run(tmp_path / "a", truths(*before)), run(tmp_path / "b", truths(*after)))
    for rows in (one := truths(*before)), (two := truths(*after)):
        for number, row in enumerate(rows):
            row["group"] = f"d{number // 5}"
    together = compare(run(tmp_path / "c", one), run(tmp_path / "d", two))
    assert alone.measures["lenient"].worse
    assert not together.measures["lenient"].worse


@given(changes=st.lists(st.sampled_from([-1.0, 0.0, 1.0]), max_size=30))
@settings(deadline=None, max_examples=30)
def test_p_values_are_probabilities_and_the_same_both_ways(changes):
    differences = np.array(changes)
    zero, one = np.zeros(len(changes)), differences
    for p, mirrored in ((_mcnemar(zero, one), _mcnemar(one, zero)), (_sign_flips(one), _sign_flips(-one))):
        assert 0 < p <= 1
        assert p == pytest.approx(mirrored)


def test_sign_flips_agree_with_every_flip_counted():
    differences = np.array([0.5, 0.25, 1.0, -0.25, 0.75, 0.0, 0.5])
    signs = np.array(np.meshgrid(*[[-1, 1]] * 6)).reshape(6, -1)
    sums = differences[differences != 0] @ signs
    exact = float((abs(sums) >= abs(differences.sum()) - 1e-9).mean())
    assert _sign_flips(differences) == pytest.approx(exact, abs=0.02)


def test_a_comparison_is_told_with_both_answers(tmp_path):
    path = runs.saved(tmp_path)
    evaluate(Scripted(runs.TEXT, runs.SAID), path, tmp_path / "a")
    evaluate(Scripted(runs.TEXT, {"What colour?": ["green"], "Who sang?": ["Ann"]}), path, tmp_path / "b")
    found = compare(tmp_path / "a", tmp_path / "b")
    text = comparison_text(found, show=1, safe=lambda line: line.replace("\x1b", "?"))
    assert "6 questions in both runs" in text
    assert "Won: 1" in text
    assert "What colour?" in text
    assert "(declined)" in text
    assert "Lost: 2" in text
    assert "and 1 more" in text
    plain = json.loads(comparison_json(found))
    assert [one["id"] for one in plain["won"]] == ["6"]
    assert plain["measures"]["f1"]["test"] == "sign flips"

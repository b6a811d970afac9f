"""Figures over many questions: worked by hand, against a plain second computation, and by their properties."""

from __future__ import annotations

import copy
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qa.evaluation import curves
from qa.evaluation.intervals import interval_of
from qa.evaluation.metrics import compute
from qa.evaluation.table import Table
from qa.evaluation.words import exact_match, token_f1


def row(number: int, **given: Any) -> dict[str, Any]:
    """A row as `predictions.jsonl` has it, of an answered, right factoid unless said otherwise."""
    base = {
        "id": f"q{number:03}", "question": "Who came?", "kind": "who", "group": f"d{number % 7}", "answerable": True,
        "abstained": False, "confidence": 0.9, "p_answerable": 0.9, "strict": True, "lenient": True, "exact": 1.0,
        "f1": 1.0, "outcome": "right", "lost": "", "squad_golds": ["Ann"], "squad_text": "Ann", "found": 1, "wanted": 1,
        "list": None, "cited": [3, 3, 3, 3], "retrieved": True,
        "forced": {"abstained": False, "strict": True, "lenient": True, "exact": 1.0, "f1": 1.0},
    }  # fmt: skip
    return {**base, **given}


def judged(
    number: int, *, right: bool, confidence: float, answerable: bool = True, says: bool = True
) -> dict[str, Any]:
    """A row from three truths: whether the words are right, whether there are any, whether it speaks."""
    good = right and answerable
    truth = {"strict": good, "lenient": good, "exact": float(good), "f1": float(good)}
    shown = (
        truth if says else dict.fromkeys(truth, not answerable) | {k: float(not answerable) for k in ("exact", "f1")}
    )
    outcome = ("right" if good else "wrong") if says else ("missed" if answerable else "silent")
    return row(
        number, answerable=answerable, abstained=not says, confidence=confidence, p_answerable=confidence,
        outcome=outcome, lost="" if shown["lenient"] else "reader", squad_golds=["Ann"] if answerable else [],
        forced={"abstained": False, **truth}, **shown,
    )  # fmt: skip


HAND = [
    judged(0, right=True, confidence=0.95),
    judged(1, right=True, confidence=0.85),
    judged(2, right=False, confidence=0.75),
    judged(3, right=True, confidence=0.35, says=False),
    judged(4, right=False, confidence=0.65, answerable=False),
    judged(5, right=False, confidence=0.15, answerable=False, says=False),
]


def test_figures_worked_by_hand():
    found = compute(HAND)
    assert found["total"] == 6
    assert found["exact"] == found["f1"] == found["strict"] == found["lenient"] == pytest.approx(50)
    assert found["HasAns_exact"] == pytest.approx(50)
    assert (found["HasAns_total"], found["NoAns_total"]) == (4, 2)
    assert found["NoAns_f1"] == pytest.approx(50)
    assert found["answered"] == pytest.approx(100 * 4 / 6)
    assert found["wrong_when_answered"] == pytest.approx(50)
    assert found["forced_lenient_answerable"] == pytest.approx(75)
    silent = found["abstention"]
    assert (silent["precision"], silent["recall"], silent["f1"]) == pytest.approx((50, 50, 50))
    assert (silent["total"], silent["right"], silent["wrong"]) == (2, 1, 1)
    assert silent["auroc"] == pytest.approx(7 / 8)  # of 4 × 2 pairs only .35 against .65 is the wrong way round
    assert silent["auroc_right"] == pytest.approx(7 / 9)
    assert found["outcomes"] == {"missed": 1, "right": 2, "silent": 1, "wrong": 2}
    assert found["lost"] == {"reader": 3}


def test_calibration_worked_by_hand():
    found = compute(HAND)["calibration"]
    gaps = [0.05, 0.15, 0.75, 0.65, 0.65, 0.15]  # every question alone in its bin
    assert found["ece"] == pytest.approx(100 * sum(gaps) / 6)
    assert found["brier"] == pytest.approx(sum(gap**2 for gap in gaps) / 6)
    assert [bin_[3] for bin_ in found["bins"]] == [1] * 6


def test_risk_and_coverage_worked_by_hand():
    found = compute(HAND)["risk_coverage"]
    risks = [0, 0, 1 / 3, 2 / 4, 2 / 5, 3 / 6]  # by confidence: right, right, wrong, wrong, right, wrong
    assert [point[1] for point in found["curve"]] == pytest.approx(risks)
    assert [point[0] for point in found["curve"]] == pytest.approx([i / 6 for i in range(1, 7)])
    assert found["aurc"] == pytest.approx(100 * sum(risks) / 6)
    assert found["coverage_at"] == pytest.approx({"80": 100 * 2 / 6, "90": 100 * 2 / 6, "95": 100 * 2 / 6})


def test_the_best_threshold_is_labelled_an_oracle():
    found = compute(HAND)
    assert "best_f1" not in found
    # Answering down to 0.85 and declining the rest: two right answers and two rightly silent.
    assert found["oracle"]["best_f1"] == pytest.approx(100 * 4 / 6)
    assert found["oracle"]["best_f1_thresh"] == pytest.approx(1 - 0.85)


def test_list_figures_worked_by_hand():
    def counts(golds: int, items: int, hits: int, precision: float, recall: float) -> dict[str, float]:
        return {"golds": golds, "items": items, "hits": hits, "precision": precision, "recall": recall}

    rows = [
        row(0, list=counts(3, 2, 2, 2.0, 2.0), found=2, wanted=3, strict=False, lenient=False),
        row(1, list=counts(2, 3, 1, 1.5, 1.5), found=2, wanted=2, strict=False),
        row(2),
    ]
    found = compute(rows)["list"]
    assert (found["total"], found["complete"], found["strict"], found["lenient"]) == (2, 1, 0, 1)
    assert (found["exact_precision"], found["exact_recall"]) == pytest.approx((60, 60))
    assert found["exact_f1"] == pytest.approx(60)
    assert (found["partial_precision"], found["partial_recall"]) == pytest.approx((70, 70))


def test_citation_figures_worked_by_hand():
    rows = [
        row(0, cited=[10, 5, 4, 4]),
        row(1, cited=[10, 10, 8, 2]),
        row(2, cited=[0, 0, 0, 0]),
    ]
    found = compute(rows)
    assert found["citations"] == pytest.approx({"precision": 75, "recall": 50})


def test_a_gold_answer_that_normalises_to_nothing_is_warned_of():
    (warning,) = compute([row(0, squad_golds=["A", "Vitamin A"]), row(1)])["warnings"]
    assert "1 question" in warning
    assert compute([row(0)])["warnings"] == []


def test_without_unanswerable_or_answerable_questions_their_keys_are_absent():
    assert not [key for key in compute([row(0)]) if key.startswith("NoAns")]
    assert not [
        key for key in compute([judged(0, right=False, confidence=0.5, answerable=False)]) if key.startswith("HasAns")
    ]


def test_perfect_and_empty_predictions():
    perfect = compute([judged(i, right=True, confidence=1.0) for i in range(4)])
    assert perfect["strict"] == perfect["f1"] == 100
    assert perfect["calibration"]["ece"] == perfect["risk_coverage"]["aurc"] == perfect["wrong_when_answered"] == 0
    assert perfect["risk_coverage"]["coverage_at"]["95"] == 100
    missed = {"strict": False, "lenient": False, "exact": 0.0, "f1": 0.0}
    nothing = compute(
        [row(0, abstained=True, confidence=0.0, outcome="missed", forced={"abstained": True, **missed}, **missed)]
    )
    assert nothing["answered"] == 0
    assert nothing["wrong_when_answered"] is None
    assert nothing["calibration"]["ece"] is None
    assert nothing["risk_coverage"]["curve"] == []


def test_slices_count_every_question_once():
    rows = [
        row(i, kind="list" if i % 3 else "", question=("When did", "how many of", "Name the")[i % 3]) for i in range(9)
    ]
    found = compute(rows)["slices"]
    assert {name: sum(part["total"] for part in slices.values()) for name, slices in found.items()} == dict.fromkeys(
        found, 9
    )
    assert list(found["kind"]) == ["list", "-"]
    assert set(found["asks"]) == {"when", "how many", "other"}
    assert "length" not in found  # all alike


# ── Against a second, plain computation ──────────────────────────────────────

TRUTHS = st.builds(
    lambda right, confidence, answerable, says: (right, confidence, answerable, says),
    st.booleans(), st.integers(0, 20).map(lambda n: n / 20), st.booleans(), st.booleans(),
)  # fmt: skip
RUNS = st.lists(TRUTHS, min_size=1, max_size=25).map(
    lambda many: [judged(i, right=r, confidence=c, answerable=a, says=s) for i, (r, c, a, s) in enumerate(many)]
)


@given(rows=RUNS)
@settings(deadline=None, max_examples=25)
def test_figures_are_what_their_definitions_say(rows):
    found = compute(rows)
    right = [r for r in rows if r["lenient"]]
    assert found["lenient"] == pytest.approx(100 * len(right) / len(rows))
    pairs = [
        (a["p_answerable"], b["p_answerable"]) for a in rows for b in rows if a["answerable"] and not b["answerable"]
    ]
    if pairs:
        wins = sum((a > b) + 0.5 * (a == b) for a, b in pairs)
        assert found["abstention"]["auroc"] == pytest.approx(wins / len(pairs))
    else:
        assert found["abstention"]["auroc"] is None
    best = max(
        sum(
            (r["forced"]["f1"] if r["answerable"] else 0.0) if r["p_answerable"] >= cut else float(not r["answerable"])
            for r in rows
        )
        for cut in {r["p_answerable"] for r in rows} | {2.0}
    )
    assert found["oracle"]["best_f1"] == pytest.approx(100 * best / len(rows))
    for accuracy, coverage in found["risk_coverage"]["coverage_at"].items():
        shares = [
            len(top) / len(rows)
            for cut in {r["confidence"] for r in rows}
            if (top := [r for r in rows if r["confidence"] >= cut])
            and sum(r["forced"]["lenient"] for r in top) / len(top) >= int(accuracy) / 100
        ]
        assert coverage == pytest.approx(100 * max(shares, default=0.0))


@given(rows=RUNS, order=st.randoms())
@settings(deadline=None, max_examples=20)
def test_rows_have_no_order(rows, order):
    assert compute(order.sample(rows, len(rows))) == compute(rows)


@given(rows=RUNS)
@settings(deadline=None, max_examples=25)
def test_figures_are_bounded_and_plain(rows):
    before = copy.deepcopy(rows)
    found = compute(rows)
    assert rows == before

    def check(name: str, value: Any) -> None:
        if isinstance(value, dict):
            for key, inner in value.items():
                check(key, inner)
        elif isinstance(value, list):
            for inner in value:
                check(name, inner)
        elif isinstance(value, float):
            assert math.isfinite(value)
            assert -1e-9 <= value <= 100 + 1e-9, name
        else:
            assert value is None or isinstance(value, int | str)

    check("", found)


GOLDS = st.lists(st.text("ab the.-", max_size=8), max_size=3)


@given(many=st.lists(st.tuples(GOLDS, st.text("ab the.-", max_size=8), st.booleans()), min_size=1, max_size=12))
@settings(deadline=None, max_examples=25)
def test_official_figures_agree_with_means_of_official_scores(many):
    """The script's own procedure, written out: score by id, then means over all, answerable and unanswerable."""
    rows, exact, f1 = [], {}, {}
    for number, (golds, text, _) in enumerate(many):
        scores = exact_match(golds, text), token_f1(golds, text)
        made = row(number, exact=scores[0], f1=scores[1], answerable=bool(golds), squad_golds=golds)
        rows.append(made)
        exact[made["id"]], f1[made["id"]] = scores
    found = compute(rows)
    for prefix, part in (
        ("", list(exact)),
        ("HasAns_", [r["id"] for r in rows if r["answerable"]]),
        ("NoAns_", [r["id"] for r in rows if not r["answerable"]]),
    ):
        if part:
            assert found[f"{prefix}total"] == len(part)
            assert found[f"{prefix}exact"] == pytest.approx(100.0 * sum(exact[i] for i in part) / len(part))
            assert found[f"{prefix}f1"] == pytest.approx(100.0 * sum(f1[i] for i in part) / len(part))


# ── Intervals ────────────────────────────────────────────────────────────────


def share(top: Any, bottom: Any) -> Any:
    return 100 * top / bottom


def test_an_interval_lies_round_the_figure_and_narrows_with_more_questions():
    widths = []
    for size in (20, 200, 2000):
        values = np.arange(size) % 4 > 0
        low, high = interval_of([values, np.ones(size)], np.arange(size), share)
        assert low < 75 < high
        widths.append(high - low)
    assert widths[0] > widths[1] > widths[2]
    assert widths[2] == pytest.approx(2 * 1.96 * 100 * math.sqrt(0.75 * 0.25 / 2000), rel=0.1)  # the normal formula


def test_questions_that_share_a_document_count_less():
    values = np.repeat([1.0, 0.0, 1.0, 1.0, 0.0, 1.0, 0.0, 1.0, 1.0, 1.0], 20)  # all right or all wrong in a document
    alone = interval_of([values, np.ones(200)], np.arange(200), share)
    together = interval_of([values, np.ones(200)], np.repeat(np.arange(10), 20), share)
    assert together[1] - together[0] > 3 * (alone[1] - alone[0])


def test_the_same_rows_give_the_same_interval():
    values = np.arange(50) % 3 > 0
    assert interval_of([values, np.ones(50)], np.arange(50), share) == interval_of(
        [values, np.ones(50)], np.arange(50), share
    )


@pytest.mark.parametrize(("values", "weights"), [([], []), ([1.0], [1.0]), ([0.0, 0.0], [0.0, 0.0])])
def test_too_little_gives_no_interval(values, weights):
    assert interval_of([np.array(values), np.array(weights)], np.arange(len(values)), share) is None


def test_documents_are_resampled_where_there_are_several():
    assert compute([row(i, group=f"d{i % 5}") for i in range(10)])["intervals"]["resampled"] == "documents"
    assert compute([row(i, group=f"d{i % 4}") for i in range(10)])["intervals"]["resampled"] == "questions"


# ── Curves ───────────────────────────────────────────────────────────────────


@given(st.lists(st.tuples(st.integers(0, 9), st.booleans()), max_size=40))
def test_auroc_turns_round_with_the_scores(pairs):
    scores = np.array([float(score) for score, _ in pairs])
    truth = np.array([t for _, t in pairs], dtype=bool)
    found = curves.auroc(scores, truth)
    if found is None:
        assert len(set(truth.tolist())) < 2
    else:
        assert curves.auroc(-scores, truth) == pytest.approx(1 - found)
        assert curves.auroc(np.exp(scores), truth) == pytest.approx(found)


def test_equal_confidence_enters_the_curve_together():
    same = np.full(4, 0.5)
    found = curves.risk_coverage(same, np.array([True, True, False, False]), np.ones(4, bool))
    assert found["curve"] == [[1.0, 0.5]]


def test_a_long_curve_is_thinned_but_keeps_its_ends():
    confidence = np.linspace(0, 1, 5_000)
    curve = curves.risk_coverage(confidence, confidence > 0.3, np.ones(5_000, bool))["curve"]
    assert len(curve) == curves.CURVE_POINTS
    assert curve[0][0] == pytest.approx(1 / 5_000)
    assert curve[-1] == pytest.approx([1.0, 0.3], abs=1e-3)


def test_a_table_is_about_a_hundred_numbers_a_question():
    table = Table.of(row(i) for i in range(100))
    assert len(table) == 100
    with pytest.raises(AttributeError):
        _ = table.no_such_column

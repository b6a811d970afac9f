"""Losses against sums over everything that could be said, one by one."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from torch import Tensor

from qa.training.layout import IGNORED, Batch
from qa.training.losses import Objective, losses
from qa.training.prepare import MAX_SPAN

TOKENS = 9


def batch(*rows: tuple[int, int, list[tuple[int, int]]], group: list[int] | None = None, tokens: int = TOKENS) -> Batch:
    """Rows of first and last text token and golds."""
    context = torch.zeros((len(rows), tokens), dtype=torch.bool)
    golds = torch.full((len(rows), max(1, *(len(g) for *_, g in rows)), 2), -1)
    for r, (first, last, found) in enumerate(rows):
        context[r, first : last + 1] = True
        for n, gold in enumerate(found):
            golds[r, n] = torch.tensor(gold)
    tags = torch.full((len(rows), tokens), IGNORED)
    return {
        "context": context,
        "golds": golds,
        "tags": tags,
        "group": torch.tensor(list(range(len(rows))) if group is None else group),
    }


def logits(rows: int, *, tokens: int = TOKENS, seed: int = 0) -> Tensor:
    return torch.randn((rows, tokens, 5), generator=torch.Generator().manual_seed(seed)) * 2


def objective(**given: object) -> Objective:
    usual: dict[str, object] = {"joint": False, "shared": False, "tag_weight": 0.0, "taught": 0.0}
    return Objective(**{**usual, **given})  # type: ignore[arg-type]


def log_sum(scores: list[float]) -> float:
    return math.log(sum(math.exp(score) for score in scores))


def one_side(scores: Tensor, made: Batch, side: int, group: list[int]) -> float:
    found = []
    for number in sorted(set(group)):
        every, gold = [0.0], []
        for r in [r for r, g in enumerate(group) if g == number]:
            places = torch.where(made["context"][r])[0].tolist()
            every += [float(scores[r, p] - scores[r, 0]) for p in places]
            right = {int(pair[side]) for pair in made["golds"][r] if pair[0] >= 0}
            gold += [float(scores[r, p] - scores[r, 0]) for p in right]
        found.append(log_sum(every) - (log_sum(gold) if gold else 0.0))
    return sum(found) / len(found)


def both_sides(scores: Tensor, made: Batch, group: list[int]) -> float:
    found = []
    for number in sorted(set(group)):
        every, gold = [0.0], []
        for r in [r for r, g in enumerate(group) if g == number]:
            start, end = scores[r, :, 0] - scores[r, 0, 0], scores[r, :, 1] - scores[r, 0, 1]
            places = torch.where(made["context"][r])[0].tolist()
            pairs = [(a, b) for a, b in itertools.product(places, places) if 0 <= b - a < MAX_SPAN]
            every += [float(start[a] + end[b]) for a, b in pairs]
            gold += [float(start[a] + end[b]) for a, b in made["golds"][r].tolist() if a >= 0]
        found.append(log_sum(every) - (log_sum(gold) if gold else 0.0))
    return sum(found) / len(found)


ROWS = [(3, 7, [(3, 4), (3, 5)]), (4, 6, []), (2, 7, [(7, 7)]), (5, 5, []), (2, 6, [])]
GROUPS = [0, 0, 1, 1, 2]


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("joint", [False, True])
def test_a_loss_is_the_unlikeliness_of_the_golds_among_all_that_may_be_said(joint, shared):
    made, scores = batch(*ROWS, group=GROUPS), logits(len(ROWS))
    group = GROUPS if shared else list(range(len(ROWS)))
    expected = (
        both_sides(scores, made, group) / 2
        if joint
        else (one_side(scores[..., 0], made, 0, group) + one_side(scores[..., 1], made, 1, group)) / 2
    )
    found = losses(scores, made, None, objective(joint=joint, shared=shared))
    assert float(found.total) == pytest.approx(expected, rel=1e-4)
    assert float(found.span) == pytest.approx(expected, rel=1e-4)


def test_without_others_beside_it_a_text_is_normalised_as_ever():
    """Counting from "no answer" is a softmax over the text's tokens and that one."""
    made, scores = batch((3, 7, [(4, 5)])), logits(1)
    allowed = [0, *range(3, 8)]
    start, end = (scores[0, allowed, n].log_softmax(0) for n in (0, 1))
    expected = -(start[allowed.index(4)] + end[allowed.index(5)]) / 2
    for shared in (False, True):
        assert float(losses(scores, made, None, objective(shared=shared)).total) == pytest.approx(float(expected))


def test_a_longer_span_than_an_answer_can_be_does_not_compete():
    tokens = MAX_SPAN + 20
    made, scores = batch((3, tokens - 1, [(10, 12)]), tokens=tokens), logits(1, tokens=tokens)
    expected = both_sides(scores, made, [0]) / 2
    assert float(losses(scores, made, None, objective(joint=True)).total) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("joint", [False, True])
def test_what_is_right_is_pushed_up_and_nothing_outside_the_texts_is_moved(joint, shared):
    made = batch(*ROWS, group=GROUPS)
    scores = logits(len(ROWS)).requires_grad_()
    losses(scores, made, None, objective(joint=joint, shared=shared)).total.backward()  # type: ignore[no-untyped-call]
    slope = scores.grad
    assert slope is not None
    assert torch.isfinite(slope).all()
    assert max(slope[0, 3, 0], slope[2, 7, 1]) < 0  # golds
    assert slope[4, 0, 0] < 0  # no answer, and none beside it
    assert slope[1, 0, 0] < 0, "a passage that does not answer is to say so"
    outside = ~made["context"]
    outside[:, 0] = False
    assert (slope[..., :2][outside] == 0).all()


def test_tags_are_learnt_where_they_are_known():
    made, scores = batch(*ROWS), logits(len(ROWS))
    made["tags"][0, 3:8] = torch.tensor([0, 1, 2, 0, 0])
    expected = -scores[0, range(3, 8), :][:, 2:].log_softmax(1)[range(5), [0, 1, 2, 0, 0]].sum() / len(ROWS)
    found = losses(scores, made, None, objective(tag_weight=0.5))
    assert float(found.tag) == pytest.approx(float(expected), rel=1e-5)
    assert float(found.total) == pytest.approx(float(found.span + 0.5 * expected), rel=1e-5)


def test_right_answers_cost_nothing_and_wrong_ones_much():
    made = batch(*ROWS)
    right = torch.full((len(ROWS), TOKENS, 5), -20.0)
    for r, (*_, golds) in enumerate(ROWS):
        for start, end in golds or [(0, 0)]:
            right[r, start, 0] = right[r, end, 1] = 20.0
    right[..., 2] = 20.0
    made["tags"][made["context"]] = 0
    for joint in (False, True):
        usual = objective(joint=joint, tag_weight=0.1)
        assert losses(right, made, None, usual).total < 1e-3
        assert losses(-right, made, None, usual).total > 1


def test_a_teacher_is_learnt_by_its_share():
    made, scores, teacher = batch(*ROWS), logits(len(ROWS)), logits(len(ROWS), seed=1)
    made["tags"][made["context"]] = 0

    def total(taught: float, by: Tensor) -> float:
        return float(losses(scores, made, by, objective(taught=taught, tag_weight=0.1)).total)

    alone = float(losses(scores, made, None, objective(tag_weight=0.1)).total)
    assert total(0.0, teacher) == pytest.approx(alone, rel=1e-5)
    assert total(1.0, scores) == pytest.approx(0.0, abs=1e-5)
    assert total(1.0, teacher) > 0.1
    assert total(0.4, teacher) == pytest.approx(0.6 * alone + 0.4 * total(1.0, teacher), rel=1e-4)
    moved = teacher + torch.tensor([5.0, -3.0, 2.0, 2.0, 2.0])  # a softmax does not see what is added to all
    assert total(0.4, moved) == pytest.approx(total(0.4, teacher), rel=1e-4)

"""What training makes small: how unlikely the gold answers are, and the gold tags, and how far a teacher is.

Every score is counted from the row's own "no answer" (its first token), as reading counts it. A question's spans then
compete with each other and with one "no answer" of score 0, within its text or over all the texts it is asked of.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from qa.training.layout import IGNORED, Batch
from qa.training.prepare import MAX_SPAN

NEVER = -1e4
"""The score of what cannot be; finite, so that a row without any of it has no gradient that is not a number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """`joint` takes start and end of a span as one choice instead of two (their loss is half of each). `shared` lets
    the texts of one question compete (Clark & Gardner 2018, section 3). `tag_weight` is the tags' share beside the
    spans, `taught` the share of a teacher's distributions in both."""

    joint: bool
    shared: bool
    tag_weight: float
    taught: float


@dataclass(frozen=True, slots=True)
class Loss:
    """The sum that is made small, and its two parts before weighting; scalars."""

    total: Tensor
    span: Tensor
    tag: Tensor


def losses(logits: Tensor, batch: Batch, teacher: Tensor | None, objective: Objective) -> Loss:
    """`logits` and `teacher` are of shape `(rows, tokens, 5)`, in the order of `qa.training.model.HEADS`.

    Any gold answer is as good as another (marginal likelihood), so nothing is said about which one.
    """
    rows = len(logits)
    start, end = (logits[..., n].float() for n in (0, 1))
    group = batch["group"] if objective.shared else torch.arange(rows, device=logits.device)
    tag = functional.cross_entropy(
        logits[..., 2:].float().flatten(0, 1), batch["tags"].flatten(), ignore_index=IGNORED, reduction="sum"
    )
    tag = tag / rows
    if objective.joint:
        span = joint_loss(start, end, batch, group) / 2
    else:
        span = (side_loss(start, 0, batch, group) + side_loss(end, 1, batch, group)) / 2
    if teacher is not None:
        inside = batch["context"]
        allowed = inside.clone()
        allowed[:, 0] = True
        taught = [distance(mine, teacher[..., n], allowed) for n, mine in enumerate((start, end))]
        span = (1 - objective.taught) * span + objective.taught * (taught[0] + taught[1]) / 2
        tags = functional.kl_div(
            logits[..., 2:].float()[inside].log_softmax(1),
            teacher[..., 2:].float()[inside].log_softmax(1),
            log_target=True,
            reduction="sum",
        )
        tag = (1 - objective.taught) * tag + objective.taught * tags / rows
    return Loss(span + objective.tag_weight * tag, span.detach(), tag.detach())


def side_loss(scores: Tensor, side: int, batch: Batch, group: Tensor) -> Tensor:
    """Of the starts (`side` 0) or ends (1) alone."""
    scores = scores - scores[:, :1]
    golds = batch["golds"][..., side]  # (rows, alternatives)
    gold = torch.zeros_like(batch["context"]).int().scatter_add(1, golds.clamp(min=0), (golds >= 0).int()) > 0
    every = scores.masked_fill(~batch["context"], NEVER).logsumexp(1)
    right = scores.masked_fill(~gold, NEVER).logsumexp(1)
    return against(every, right, batch["golds"][:, 0, 0] >= 0, group)


def joint_loss(start: Tensor, end: Tensor, batch: Batch, group: Tensor) -> Tensor:
    """Of whole spans of at most `MAX_SPAN` tokens."""
    start, end = start - start[:, :1], end - end[:, :1]
    inside = batch["context"]
    place = torch.arange(start.shape[1], device=start.device)
    length = place[None, :] - place[:, None]
    possible = (length >= 0) & (length < MAX_SPAN) & inside[:, :, None] & inside[:, None, :]
    scores = start[:, :, None] + end[:, None, :]  # (rows, first, last)
    every = scores.masked_fill(~possible, NEVER).flatten(1).logsumexp(1)
    golds = batch["golds"]
    pairs = start.gather(1, golds[..., 0].clamp(min=0)) + end.gather(1, golds[..., 1].clamp(min=0))
    right = pairs.masked_fill(golds[..., 0] < 0, NEVER).logsumexp(1)
    return against(every, right, golds[:, 0, 0] >= 0, group)


def against(every: Tensor, right: Tensor, answered: Tensor, group: Tensor) -> Tensor:
    """The mean over questions of how unlikely their golds are, or "no answer" where none of their rows holds one.

    `every` and `right` are the rows' logarithmic sums, `(rows,)`, over all that may be said there and over golds.
    """
    member = group[None] == torch.arange(int(group.max()) + 1, device=group.device)[:, None]  # (questions, rows)
    everything = every[None].masked_fill(~member, NEVER).logsumexp(1)
    gold = right[None].masked_fill(~(member & answered), NEVER).logsumexp(1)
    nothing = torch.zeros_like(everything)
    gold = torch.where((member & answered).any(1), gold, nothing)
    return (torch.logaddexp(everything, nothing) - gold).mean()


def distance(scores: Tensor, teacher: Tensor, allowed: Tensor) -> Tensor:
    """From the teacher's distribution over a row's places."""
    mine = scores.masked_fill(~allowed, NEVER).log_softmax(1)
    theirs = teacher.float().masked_fill(~allowed, NEVER).log_softmax(1)
    return functional.kl_div(mine, theirs, log_target=True, reduction="batchmean")

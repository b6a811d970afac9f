"""Rows of tokens → the tensors that an encoder, its teacher and the losses take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from qa.training.pieces import Pieces

if TYPE_CHECKING:
    from qa.training.stream import Row

Batch = dict[str, Tensor]
IGNORED = -100
"""The tag of a token that nothing is known about."""


@dataclass(frozen=True, slots=True, eq=False)
class Taught:
    """A teacher's own pieces, and its number for each of the pupil's tokens."""

    pieces: Pieces
    table: NDArray[np.int64]


def collate(groups: Sequence[Sequence[Row]], pieces: Pieces, teacher: Taught | None = None) -> Batch:
    """The tensors of one batch, each of shape `(rows, tokens)` unless said otherwise.

    `input_ids`, `attention_mask` and `token_type_ids` are the encoder's; the same with `teacher_` before are the
    teacher's. `context` is true where an answer may stand, `first` `(rows,)` the place of the text, title included.
    `golds` `(rows, alternatives, 2)` are first and last tokens of answers, -1 where there is none. `tags` are 0
    outside, 1 at the beginning and 2 inside of an item, `IGNORED` elsewhere. `group` `(rows,)` numbers the questions.
    """
    rows = [row for group in groups for row in group]
    batch = laid_out(rows, pieces, None)
    if teacher is not None:
        theirs = laid_out(rows, teacher.pieces, teacher.table)
        batch |= {f"teacher_{name}": tensor for name, tensor in theirs.items()}
    shape = batch["input_ids"].shape
    context, tags = np.zeros(shape, np.bool_), np.full(shape, IGNORED, np.int64)
    golds = np.full((len(rows), max(1, *(len(row.golds) for row in rows)), 2), -1, np.int64)
    for r, row in enumerate(rows):
        first = pieces.first(len(row.question)) + len(row.title)
        context[r, first : first + len(row.text)] = True
        for n, (start, end) in enumerate(row.golds):
            golds[r, n] = first + start, first + end
        if row.whole:
            tags[r, first : first + len(row.text)] = 0
            for start, end in row.tags:
                tags[r, first + start : first + end + 1] = 2
                tags[r, first + start] = 1
    group = [n for n, group in enumerate(groups) for _ in group]
    found = {"context": context, "tags": tags, "golds": golds, "group": np.array(group)}
    return batch | {name: torch.from_numpy(array) for name, array in found.items()}


def laid_out(rows: Sequence[Row], pieces: Pieces, table: NDArray[np.int64] | None) -> Batch:
    """What an encoder takes, padded to a multiple of eight; `table` gives its numbers for the rows' tokens."""
    longest = -(-max(row.size + pieces.special for row in rows) // 8) * 8
    ids = np.full((len(rows), longest), pieces.padding, np.int64)
    mask, types = np.zeros_like(ids), np.zeros_like(ids)
    first = np.zeros(len(rows), np.int64)
    for r, row in enumerate(rows):
        question, text = (numbers(part, table) for part in (row.question, np.concatenate([row.title, row.text])))
        whole = np.concatenate([pieces.before, question, pieces.between, text, pieces.after])
        first[r] = pieces.first(len(question))
        ids[r, : len(whole)] = whole
        mask[r, : len(whole)] = 1
        types[r, first[r] : len(whole)] = pieces.text_type
    found = {"input_ids": ids, "attention_mask": mask, "token_type_ids": types, "first": first}
    return {name: torch.from_numpy(array) for name, array in found.items()}


def numbers(part: NDArray[Any], table: NDArray[np.int64] | None) -> NDArray[np.int64]:
    return part.astype(np.int64) if table is None else table[part]


def inputs(batch: Batch, *, teacher: bool = False) -> Batch:
    """The three tensors that an encoder's `forward` takes."""
    prefix = "teacher_" if teacher else ""
    return {name: batch[prefix + name] for name in ("input_ids", "attention_mask", "token_type_ids")}


def aligned(logits: Tensor, batch: Batch) -> Tensor:
    """The teacher's logits at the pupil's places: those of each text's tokens, and of "no answer" everywhere else."""
    place = torch.arange(batch["input_ids"].shape[1], device=logits.device)[None]
    first, theirs = batch["first"][:, None], batch["teacher_first"][:, None]
    source = torch.where(place >= first, place - first + theirs, 0).clamp(max=logits.shape[1] - 1)
    return torch.gather(logits, 1, source[:, :, None].expand(-1, -1, logits.shape[2]))

"""The endless stream of batches: which examples, which part of their texts, in what order.

A block of examples depends on the seed, the stage and its number and on nothing else, so a run can go on at any batch,
and worker processes change nothing but the speed.
"""

from __future__ import annotations

import random
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from qa.training.layout import Taught, collate
from qa.training.pieces import Pieces
from qa.training.prepare import Arrays
from qa.training.questions import Places

Batch = dict[str, Tensor]
BLOCK = 2000
"""Examples that are sorted by length together: the more, the less padding, and the later the next mixture."""
MOST_NEGATIVES = 2
"""Passages beside the right one where they are normalised together; each costs as much as the right one."""


@dataclass(frozen=True, slots=True)
class Row:
    """One question on one text, in tokens; `whole` tells that every item of the answer is tagged."""

    question: NDArray[Any]
    text: NDArray[Any]
    golds: Places
    tags: Places
    whole: bool
    title: NDArray[Any]

    @property
    def size(self) -> int:
        """Without special tokens."""
        return len(self.question) + len(self.title) + len(self.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mixture:
    """How examples are made. Shares are from 0 to 1, sizes in tokens; see the options of `spanwise train-reader`."""

    seed: int
    longest: int
    batch_tokens: int
    crop: tuple[int, int]
    crops: float
    joined: float
    negatives: float
    together: bool
    first_gold: bool
    title: bool


class Blocks(Dataset[list[Batch]]):
    """Batches of similar lengths, a block of them at a time; `[n]` is block `n` of a stage."""

    def __init__(
        self, arrays: Arrays, mixture: Mixture, stage: str, pieces: Pieces, teacher: Taught | None = None
    ) -> None:
        self.arrays, self.mixture, self.stage, self.pieces, self.teacher = arrays, mixture, stage, pieces, teacher
        self.weights = arrays["example_weight"].astype(np.float64).cumsum()
        article = arrays["context_article"]
        self.goes_on = np.append(article[1:] == article[:-1], False)

    def __getitem__(self, block: int) -> list[Batch]:
        rng = random.Random(f"{self.mixture.seed}-{self.stage}-{block}")
        dice = [rng.random() * self.weights[-1] for _ in range(BLOCK)]
        groups = [self.group(int(n), rng) for n in np.searchsorted(self.weights, dice, side="right")]
        groups.sort(key=lambda rows: max(row.size for row in rows))
        special = self.pieces.special
        batches: list[list[list[Row]]] = [[]]
        held = 0
        for rows in groups:
            wide = max(row.size for row in rows) + special
            if batches[-1] and (held + len(rows)) * wide > self.mixture.batch_tokens:
                batches.append([])
                held = 0
            batches[-1].append(rows)
            held += len(rows)
        rng.shuffle(batches)
        return [collate(batch, self.pieces, self.teacher) for batch in batches]

    def row(self, name: str, n: int) -> NDArray[Any]:
        at = self.arrays[name + "_at"]
        found: NDArray[Any] = self.arrays[name][at[n] : at[n + 1]]
        return found

    def spans(self, name: str, n: int) -> Places:
        return [(int(s), int(e)) for s, e in self.row(name, n).reshape(-1, 2)]

    def group(self, n: int, rng: random.Random) -> list[Row]:
        """An example; where passages are normalised together, sometimes with passages that do not answer behind it."""
        mixture = self.mixture
        forms = self.row("form", n)
        question = self.row("question", int(forms[0] if len(forms) == 1 or rng.random() < 0.5 else rng.choice(forms)))
        context = int(self.arrays["example_context"][n])
        golds, tags = self.spans("gold", n), self.spans("tag", n)
        wrong = self.row("negative", n)
        if not golds or not len(wrong) or rng.random() >= mixture.negatives:
            return [self.made(question, context, golds, tags, rng)]
        if not mixture.together:
            return [self.made(question, int(rng.choice(wrong)), [], [], rng)]
        chosen = rng.sample(wrong.tolist(), min(MOST_NEGATIVES, len(wrong)))
        return [self.made(question, context, golds, tags, rng), *(self.made(question, c, [], [], rng) for c in chosen)]

    def made(self, question: NDArray[Any], context: int, golds: Places, tags: Places, rng: random.Random) -> Row:
        mixture = self.mixture
        whole = bool(tags) or not golds
        text = self.row("context", context)
        title = self.row("title", context) if mixture.title else text[:0]
        if golds and rng.random() < mixture.joined:  # the passage before or after, as a window over a document has it
            text, golds, tags = self.joined(text, context, golds, tags, rng)
        room = mixture.longest - len(question) - len(title) - self.pieces.special
        size = min(room, rng.randint(*mixture.crop) if rng.random() < mixture.crops else room)
        if len(text) > size:
            text, golds, tags = cropped(text, golds, tags, size, rng)
        return Row(question, text, golds[:1] if mixture.first_gold else golds, tags, whole, title)

    def joined(
        self, text: NDArray[Any], c: int, golds: Places, tags: Places, rng: random.Random
    ) -> tuple[NDArray[Any], Places, Places]:
        if rng.random() < 0.5 and self.goes_on[c]:
            return np.concatenate([text, self.row("context", c + 1)]), golds, tags
        if c > 0 and self.goes_on[c - 1]:
            before = self.row("context", c - 1)
            return np.concatenate([before, text]), moved(golds, len(before)), moved(tags, len(before))
        return text, golds, tags


def cropped(
    text: NDArray[Any], golds: Places, tags: Places, size: int, rng: random.Random
) -> tuple[NDArray[Any], Places, Places]:
    """`size` tokens of a text, with its answers in it; of a list that does not fit, the part round one item."""
    if spans := (tags if len(tags) > 1 else golds):
        low, high = min(s for s, _ in spans), max(e for _, e in spans)
        if high - low >= size:
            low, high = rng.choice(spans)
        earliest = max(0, high - size + 1)
        begin = rng.randint(earliest, max(earliest, min(low, len(text) - size)))
    else:
        begin = rng.randint(0, len(text) - size)

    def inside(places: Places) -> Places:
        return [(s - begin, e - begin) for s, e in places if s >= begin and e < begin + size]

    return text[begin : begin + size], inside(golds), inside(tags)


def moved(places: Places, by: int) -> Places:
    """The same places in a text with `by` tokens more before it."""
    return [(s + by, e + by) for s, e in places]


class From(Sampler[int]):
    """Block numbers from one on, for ever."""

    def __init__(self, first: int) -> None:
        self.first = first

    def __iter__(self) -> Iterator[int]:
        block = self.first
        while True:
            yield block
            block += 1


def _as_worker(_: int) -> None:
    """A worker ends with its run, and leaves Ctrl+C to it."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def stream(blocks: Blocks, block: int, index: int, *, workers: int) -> Iterator[tuple[int, int, Batch]]:
    """Batches from batch `index` of `block` on, each with the place of the one that follows it."""
    loader = DataLoader(
        blocks,
        batch_size=None,
        sampler=From(block),
        num_workers=workers,
        worker_init_fn=_as_worker,
        generator=torch.Generator(),  # its own, since a loader draws a number and dropout is to draw the same ones
        prefetch_factor=2 if workers else None,
        pin_memory=torch.cuda.is_available(),
    )
    for number, batches in enumerate(loader, start=block):
        for n in range(index, len(batches)):
            last = n + 1 == len(batches)
            yield (number + 1 if last else number), (0 if last else n + 1), batches[n]
        index = 0

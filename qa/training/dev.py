"""How well a network reads a sample of development questions, with the decoding that answers use, without the rest.

No retrieval, no threshold, no lists by rules: figures to compare steps of one run, not those of the product.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer

from index.types import Passage
from qa.evaluation.curves import auroc
from qa.evaluation.lists import ListCounts, count_list, ratio_f1
from qa.evaluation.questions import read_questions
from qa.evaluation.score import is_list
from qa.evaluation.types import Question
from qa.evaluation.words import exact_match, token_f1
from qa.reading.reader import Logits, read_passages
from qa.reading.windows import PairEncoder, Window
from qa.training.model import ReaderModel
from qa.training.questions import OnProblem, Texts, asked
from qa.types import Reading


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a network finds for one question; `margin` is of its best span over "no answer". `exact` and `f1` only of
    answerable questions for one thing, `listed` only of those for several."""

    answerable: bool
    margin: float
    exact: float | None = None
    f1: float | None = None
    listed: ListCounts | None = None


@dataclass(frozen=True, slots=True)
class Figures:
    """`exact` and `f1`, 0 to 100, of the best span of answerable questions for one thing, always answering; `auroc` of
    how much better it scores than "no answer", 0 to 1; `lists` the exact F1 of list questions' items, 0 to 100. None
    where the sample has no such question."""

    questions: int
    exact: float | None
    f1: float | None
    auroc: float | None
    lists: float | None

    @property
    def overall(self) -> float:
        """One number to order steps by: the mean of `f1`, `auroc` in percent and `lists`."""
        parts = [self.f1, None if self.auroc is None else 100 * self.auroc, self.lists]
        known = [part for part in parts if part is not None]
        return sum(known) / len(known) if known else 0.0


class Sample:
    """Development questions with their texts, the same ones every time."""

    def __init__(
        self, chosen: Sequence[tuple[Question, str]], tokenizer: Path, *, longest: int, doc_stride: int
    ) -> None:
        self.chosen = list(chosen)
        self._encoder = PairEncoder(Tokenizer.from_file(str(tokenizer)), max_tokens=longest, doc_stride=doc_stride)

    def figures(self, model: ReaderModel, device: torch.device, *, stop: Any = lambda: False) -> Figures | None:
        """Read them all in single precision; None if `stop` said so on the way."""
        found = self.read(model, device, stop=stop)
        return None if found is None else figures(found)

    @torch.no_grad()
    def read(self, model: ReaderModel, device: torch.device, *, stop: Any = lambda: False) -> list[Found] | None:
        """What the network finds for each question, in single precision; None if `stop` said so on the way."""
        training = model.training
        model.eval()

        def forward(window: Window) -> Logits:
            ids = torch.from_numpy(window.ids)[None].to(device)
            types = torch.from_numpy(window.type_ids)[None].to(device)
            found = model(ids, torch.ones_like(ids), types)[0].float().cpu().numpy()
            return Logits(found[:, 0], found[:, 1], found[:, 2:])

        found: list[Found] = []
        try:
            for question, text in self.chosen:
                if stop():
                    return None
                passage = Passage(id="p", document_id="d", text=text, start=0, end=len(text))
                (reading,) = read_passages(forward, self._encoder, asked(question)[0], [passage])
                found.append(_judged(question, reading))
        finally:
            model.train(training)
        return found


def _judged(question: Question, reading: Reading) -> Found:
    text = reading.passage.text
    best = reading.spans[0] if reading.spans else None
    margin = (best.score if best is not None else 0.0) - reading.null_score
    said = "" if best is None else text[best.start : best.end]
    if is_list(question):
        items = [text[item.start : item.end] for item in reading.items]
        return Found(
            answerable=question.answerable, margin=margin, listed=count_list(question.answers, items or [said])
        )
    if not question.answerable:
        return Found(answerable=False, margin=margin)
    words = [span.text for one in question.answers for span in one.spans if len(one.spans) == 1]
    words += [alias for one in question.answers for alias in one.aliases]
    return Found(answerable=True, margin=margin, exact=exact_match(words, said), f1=token_f1(words, said))


def figures(found: Sequence[Found]) -> Figures:
    """The figures of some questions."""
    exact = [one.exact for one in found if one.exact is not None]
    f1 = [one.f1 for one in found if one.f1 is not None]
    listed = [one.listed for one in found if one.listed is not None]
    hits, items, golds = (sum(getattr(one, name) for one in listed) for name in ("hits", "items", "golds"))
    margins, answerable = np.array([one.margin for one in found]), np.array([one.answerable for one in found])
    return Figures(
        questions=len(found),
        exact=100 * float(np.mean(exact)) if exact else None,
        f1=100 * float(np.mean(f1)) if f1 else None,
        auroc=auroc(margins, answerable) if found else None,
        lists=100 * float(ratio_f1(hits / items, hits / golds)) if listed else None,
    )


def choose(
    files: Sequence[Path], documents: Path | None, count: int, seed: int, on_problem: OnProblem
) -> list[tuple[Question, str]]:
    """`count` questions of all files together, drawn once; fewer where there are fewer."""
    found: list[tuple[Question, str]] = []
    for path in files:
        texts = Texts(path, documents)
        for question in read_questions([path], on_problem=on_problem):
            try:
                found.append((question, texts.of(question)))
            except ValueError:
                continue
    drawn = sorted(random.Random(seed).sample(range(len(found)), min(count, len(found))))
    return [found[n] for n in drawn]

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
from qa.evaluation.lists import count_list, ratio_f1
from qa.evaluation.questions import read_questions
from qa.evaluation.score import is_list
from qa.evaluation.types import Question
from qa.evaluation.words import exact_match, token_f1
from qa.reading.reader import Logits, read_passages
from qa.reading.windows import PairEncoder, Window
from qa.training.model import ReaderModel
from qa.training.questions import OnProblem, Texts, asked


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

    @torch.no_grad()
    def figures(self, model: ReaderModel, device: torch.device, *, stop: Any = lambda: False) -> Figures | None:
        """Read them all in single precision; None if `stop` said so on the way."""
        training = model.training
        model.eval()
        exact: list[float] = []
        f1: list[float] = []
        margins: list[float] = []
        answerable: list[bool] = []
        golds = items = hits = 0

        def forward(window: Window) -> Logits:
            ids = torch.from_numpy(window.ids)[None].to(device)
            types = torch.from_numpy(window.type_ids)[None].to(device)
            found = model(ids, torch.ones_like(ids), types)[0].float().cpu().numpy()
            return Logits(found[:, 0], found[:, 1], found[:, 2:])

        try:
            for question, text in self.chosen:
                if stop():
                    return None
                passage = Passage(id="p", document_id="d", text=text, start=0, end=len(text))
                (reading,) = read_passages(forward, self._encoder, asked(question)[0], [passage])
                best = reading.spans[0] if reading.spans else None
                margins.append(reading.null_score * -1 + (best.score if best is not None else 0.0))
                answerable.append(question.answerable)
                said = "" if best is None else text[best.start : best.end]
                if is_list(question):
                    counts = count_list(question.answers, [text[i.start : i.end] for i in reading.items] or [said])
                    golds, items, hits = golds + counts.golds, items + counts.items, hits + counts.hits
                elif question.answerable:
                    words = [span.text for one in question.answers for span in one.spans if len(one.spans) == 1]
                    words += [alias for one in question.answers for alias in one.aliases]
                    exact.append(exact_match(words, said))
                    f1.append(token_f1(words, said))
        finally:
            model.train(training)
        return Figures(
            questions=len(self.chosen),
            exact=100 * float(np.mean(exact)) if exact else None,
            f1=100 * float(np.mean(f1)) if f1 else None,
            auroc=auroc(np.array(margins), np.array(answerable)) if margins else None,
            lists=100 * float(ratio_f1(hits / items, hits / golds)) if golds else None,
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

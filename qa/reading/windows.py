"""A question and a passage to windows of token ids, the form that every reader takes.

The only place that encodes text for a reader. Truncation is set once, when the tokenizer is opened, and never again: it
is state shared by all threads.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer

MAX_QUESTION_TOKENS = 64
_MAX_QUESTION_CHARACTERS = 4000
_SURROGATES = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """One encoded pair of the question and a part of the passage.

    `ids` and `type_ids` are int64, shape `(tokens,)`; `offsets` are int64, shape `(tokens, 2)`, in passage coordinates
    where `context` is true and meaningless elsewhere. `first` is the number of passage tokens before this window's
    first, so that windows can be laid over each other; `null` is the token whose logits say "not here".
    """

    ids: NDArray[np.int64]
    type_ids: NDArray[np.int64]
    offsets: NDArray[np.int64]
    context: NDArray[np.bool_]
    first: int
    null: int


class PairEncoder:
    """Encodes pairs with a tokenizer's own post-processor; one may serve many threads.

    A window has at most `max_tokens` tokens, question and special tokens included; neighbours share up to `doc_stride`
    passage tokens. A question is cut after `max_question_tokens`. Where the three do not fit together, the question and
    the stride give way, so that every window moves on.
    """

    def __init__(
        self,
        tokenizer: Tokenizer,
        *,
        max_tokens: int,
        doc_stride: int,
        max_question_tokens: int = MAX_QUESTION_TOKENS,
        null_id: int | None = None,
    ) -> None:
        special = tokenizer.num_special_tokens_to_add(True)
        room = max_tokens - special
        if room < 2 or doc_stride < 0 or max_question_tokens < 1:
            raise ValueError(
                f"max_tokens={max_tokens}, doc_stride={doc_stride}, max_question_tokens={max_question_tokens}: a "
                f"window needs room for {special} special tokens, a question and a passage"
            )
        self.max_tokens = max_tokens
        self.max_question_tokens = min(max_question_tokens, room // 2)
        # The library aborts on a stride as long as the window, so the shortest possible window decides.
        self.doc_stride = min(doc_stride, (room - self.max_question_tokens) // 2)
        self._null_id = null_id
        self._tokenizer = tokenizer
        tokenizer.no_padding()
        tokenizer.enable_truncation(max_tokens, stride=self.doc_stride, strategy="only_second")
        tokenizer.encode_special_tokens = True  # "[SEP]" written in a document is text, not a separator

    def cut(self, question: str) -> str:
        """Return the question without surplus white space and without what exceeds `max_question_tokens`."""
        text = _encodable(" ".join(question[:_MAX_QUESTION_CHARACTERS].split()))
        encoding: Encoding = self._tokenizer.encode("", text)
        places = [o for o, s in zip(encoding.offsets, encoding.sequence_ids, strict=True) if s == 1]
        if len(places) <= self.max_question_tokens:
            return text
        kept = text[: places[self.max_question_tokens - 1][1]]
        # Ending inside a word may give more tokens than the word had: then the word goes.
        while kept and len(self._tokenizer.encode("", kept).ids) - len(encoding.ids) + len(places) > (
            self.max_question_tokens
        ):
            kept = kept[:-1]
        return kept

    def windows(self, question: str, passage: str) -> list[Window]:
        """Return the windows that cover the passage, in order; at least one, also for a passage without a token.

        `question` is what `cut` returned.
        """
        head: Encoding = self._tokenizer.encode(question, _encodable(passage))
        found: list[Window] = []
        step = 0
        for encoding in (head, *head.overflowing):
            sequence = np.array([-1 if s is None else s for s in encoding.sequence_ids], dtype=np.int64)
            offsets = np.array(encoding.offsets, dtype=np.int64).reshape(-1, 2)
            ids = np.array(encoding.ids, dtype=np.int64)
            here = sequence == 1
            if not found:
                step = int(here.sum()) - self.doc_stride
            found.append(
                Window(
                    ids=ids,
                    type_ids=np.array(encoding.type_ids, dtype=np.int64),
                    offsets=offsets,
                    context=here & (offsets[:, 1] > offsets[:, 0]),
                    first=len(found) * step,
                    null=self._null(ids, sequence),
                )
            )
        return found

    def _null(self, ids: NDArray[np.int64], sequence: NDArray[np.int64]) -> int:
        special = np.flatnonzero((ids == self._null_id) & (sequence == -1))
        return int(special[0]) if len(special) else 0


def _encodable(text: str) -> str:
    """Replace lone surrogates, which no tokenizer takes, by a character each, so that offsets stay."""
    return text if text.isascii() else _SURROGATES.sub("\ufffd", text)

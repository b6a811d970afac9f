"""How one encoder takes a question and a text: its tokenizer, and the special tokens round the two."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from qa.training.errors import TrainingError

PROBE = "The Côte d’Azur's 3.5-km tramway (opened 1,997 days ago) isn't “naïve”: 東京, mail@example!"
PADDING = ("[PAD]", "<pad>")


@dataclass(frozen=True, eq=False)
class Pieces:
    """A tokenizer and how it lays out a pair; the first token of a pair is where "no answer" points."""

    tokenizer: Tokenizer
    before: tuple[int, ...]
    between: tuple[int, ...]
    after: tuple[int, ...]
    text_type: int
    padding: int
    padded: bool = True
    """Whether the tokenizer says what pads; what stands there is never looked at."""

    @classmethod
    def open(cls, file: Path) -> Pieces:
        """Raises: `TrainingError` where there is no tokenizer, or it sets out a pair in a way not known here."""
        try:
            tokenizer = Tokenizer.from_file(str(file))
        except Exception as error:
            raise TrainingError(
                f"{str(file)!r} is no tokenizer ({str(error)[:100]}): name the folder that holds the encoder's "
                "tokenizer.json with --tokenizer"
            ) from error
        tokenizer.no_truncation()
        tokenizer.no_padding()
        pair = tokenizer.encode("a", "b")
        parts: dict[str, list[int]] = {"before": [], "between": [], "after": []}
        part, types = "before", [t for t, s in zip(pair.type_ids, pair.sequence_ids, strict=True) if s == 1]
        for token, sequence in zip(pair.ids, pair.sequence_ids, strict=True):
            if sequence is None:
                parts[part].append(token)
            else:
                part = "between" if sequence == 0 else "after"
        if len(parts["before"]) != 1 or not parts["between"] or not types:
            raise TrainingError(
                f"{str(file)!r} lays out a pair as {pair.tokens}: one token before the question and a separator before "
                "the text are needed, as BERT's and RoBERTa's tokenizers have them"
            )
        special = {token.content: number for number, token in tokenizer.get_added_tokens_decoder().items()}
        padding = next((special[name] for name in PADDING if name in special), None)
        laid = {name: tuple(ids) for name, ids in parts.items()}
        return cls(
            tokenizer, laid["before"], laid["between"], laid["after"], types[0], padding or 0, padding is not None
        )

    @property
    def special(self) -> int:
        """How many special tokens a pair has."""
        return len(self.before) + len(self.between) + len(self.after)

    def first(self, question: int) -> int:
        """Where the text begins behind a question of that many tokens."""
        return len(self.before) + question + len(self.between)

    def translation(self, other: Pieces) -> NDArray[np.int64]:
        """For every one of these tokens its number in `other`.

        Raises: `TrainingError` where the other tokenizer cuts words in another way.
        """
        theirs = other.tokenizer.get_vocab()
        ours = self.tokenizer.get_vocab()
        table = np.full(max(ours.values()) + 1, -1, np.int64)
        for name, number in ours.items():
            table[number] = theirs.get(name, -1)
        unknown, their_unknown = (getattr(t.tokenizer.model, "unk_token", None) for t in (self, other))
        if unknown in ours and their_unknown in theirs:
            table[ours[unknown]] = theirs[their_unknown]
        probe = self.tokenizer.encode(PROBE, add_special_tokens=False).ids
        if table[probe].tolist() != other.tokenizer.encode(PROBE, add_special_tokens=False).ids:
            raise TrainingError(
                "the teacher's tokenizer cuts words in another way than the base's: name a teacher with the same word "
                "pieces, such as a shipped reader for a BERT or MPNet encoder"
            )
        return table

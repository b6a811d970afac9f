"""Two sizes of reader: the small one skims every passage, the careful one reads the few that matter."""

from __future__ import annotations

import math
from collections.abc import Sequence

from index.types import Passage
from qa.reading.reader import Reader
from qa.types import Reading

KEEP = 5
"""How many passages are read with care; a document of up to so many is not skimmed at all."""


class Cascade:
    """A `Reader` whose every reading is the careful one's, so that scores compare.

    Passages that the skimming reader finds least promising come back unread: no spans, and a null score of infinity,
    which never decides anything. The first `sure` passages (in the order given, which is the retriever's) are always
    read.
    """

    def __init__(self, skim: Reader, careful: Reader, *, keep: int = KEEP, sure: int = 2) -> None:
        if not 0 <= sure <= keep or keep < 1:
            raise ValueError(f"bad keep {keep} and sure {sure}: want 0 <= sure <= keep and keep >= 1")
        self._skim, self._careful, self._keep, self._sure = skim, careful, keep, sure

    @property
    def name(self) -> str:
        """Both readers' names; "+" between them."""
        return f"{self._skim.name}+{self._careful.name}"

    @property
    def skim(self) -> Reader:
        """The reader that is quick."""
        return self._skim

    def read(self, question: str, passages: Sequence[Passage], *, n_best: int = 5) -> list[Reading]:
        """See `Reader.read`."""
        if len(passages) <= self._keep:
            return self._careful.read(question, passages, n_best=n_best)
        promise = [
            reading.spans[0].score - reading.null_score if reading.spans else -math.inf
            for reading in self._skim.read(question, passages, n_best=1)
        ]
        ranked = sorted(range(self._sure, len(passages)), key=lambda n: -promise[n])
        chosen = sorted([*range(self._sure), *ranked[: self._keep - self._sure]])
        read = dict(
            zip(chosen, self._careful.read(question, [passages[n] for n in chosen], n_best=n_best), strict=True)
        )
        return [
            read.get(n) or Reading(passage=passage, spans=(), null_score=math.inf) for n, passage in enumerate(passages)
        ]

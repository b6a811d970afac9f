"""Documents to passages: whole sentences, overlapping, counted in the embedder's tokens."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

from index.sentences import split_blocks
from index.text import Span
from index.types import Document, Passage

# A token counts for this many characters at least. Four is usual; a tokenizer takes a very long word for one token.
_LONGEST_TOKEN = 20
_WORD = r"(?:[^\s\x1c-\x1f]|[\s\x1c-\x1f](?=[\p{M}\u200d]))+"


class Chunker(Protocol):
    """Cuts a document into passages, in order; every character that is read is in at least one."""

    def chunk(self, document: Document) -> list[Passage]: ...


@dataclass(frozen=True, slots=True)
class _Unit:
    """A sentence, or a part of one that is too long for a passage."""

    start: int
    end: int
    tokens: int
    leads: bool


class SentenceChunker:
    """Passages of whole sentences up to `max_tokens`, each starting with up to `overlap_tokens` of the one before.

    A heading, or a line ending in a colon, stays with what follows it. A sentence longer than a passage is cut between
    words, a word longer than a passage between grapheme clusters. `count_tokens` counts without special tokens.
    """

    def __init__(self, count_tokens: Callable[[str], int], *, max_tokens: int = 200, overlap_tokens: int = 50) -> None:
        if max_tokens < 1 or not 0 <= overlap_tokens < max_tokens:
            raise ValueError(f"bad passage size {max_tokens} with overlap {overlap_tokens}: want 0 <= overlap < size")
        self._count = count_tokens
        self.max_tokens = max_tokens
        self.overlap_tokens = overlap_tokens

    def chunk(self, document: Document) -> list[Passage]:
        passages = []
        for segment in self._segments(document):
            for units in self._pack(segment):
                start, end = units[0].start, units[-1].end
                passages.append(
                    Passage(
                        id=f"{document.id}:{start}-{end}",
                        document_id=document.id,
                        text=document.text[start:end],
                        start=start,
                        end=end,
                        sentences=tuple((unit.start, unit.end) for unit in units),
                    )
                )
        return passages

    def _segments(self, document: Document) -> Iterator[list[_Unit]]:
        """Yield the units between two quiet spans: no passage reaches over one."""
        text, quiet = document.text, document.quiet
        segment: list[_Unit] = []
        passed = 0  # quiet spans that lie before the current block
        for block in split_blocks(text, quiet):
            skipped = False
            while passed < len(quiet) and quiet[passed][0] < block.start:
                passed, skipped = passed + 1, True
            if skipped and segment:
                yield segment
                segment = []
            for sentence in block.sentences:
                segment.extend(self._units(text, sentence, block.leads))
        if segment:
            yield segment

    def _units(self, text: str, sentence: Span, leads: bool) -> Iterator[_Unit]:
        start, end = sentence
        tokens = self._weigh(text, start, end)
        if tokens <= self.max_tokens:
            yield _Unit(start, end, tokens, leads)
            return
        first, last, total = start, start, 0
        for piece_start, piece_end, tokens in self._pieces(text, start, end):
            if total and total + tokens > self.max_tokens:
                yield _Unit(first, last, total, False)
                first, total = piece_start, 0
            last, total = piece_end, total + tokens
        yield _Unit(first, end, total, False)

    def _pieces(self, text: str, start: int, end: int) -> Iterator[tuple[int, int, int]]:
        """Yield (start, end, tokens) of words, and of parts of words that are longer than a passage."""
        import regex

        # The control characters are white space to `str`. White space that carries a combining mark is no gap.
        for word in regex.finditer(_WORD, text, pos=start, endpos=end):
            yield from self._halves(text, *word.span())

    def _halves(self, text: str, start: int, end: int) -> Iterator[tuple[int, int, int]]:
        import regex

        tokens = self._weigh(text, start, end)
        if tokens <= self.max_tokens:
            yield start, end, tokens
            return
        clusters = [found.start() for found in regex.finditer(r"\X", text, pos=start, endpos=end)]
        if len(clusters) == 1:
            yield start, end, self.max_tokens
            return
        step = max(1, min(self.max_tokens, len(clusters) // 2))
        bounds = [*clusters[::step], end]
        for left, right in pairwise(bounds):
            yield from self._halves(text, left, right)

    def _weigh(self, text: str, start: int, end: int) -> int:
        least = (end - start) // _LONGEST_TOKEN
        return least if least > self.max_tokens else max(least, self._count(text[start:end]))

    def _pack(self, units: Sequence[_Unit]) -> Iterator[Sequence[_Unit]]:
        """Yield runs of units that overlap; each run reaches further than the one before."""
        first, reached = 0, 0
        while True:
            stop, total = first, 0
            while stop < len(units) and (stop == first or total + units[stop].tokens <= self.max_tokens):
                total += units[stop].tokens
                stop += 1
            if stop == len(units):
                yield units[first:]
                return
            stop = self._without_trailing_leads(units, first, stop)
            if stop <= reached:  # nothing but overlap and a heading fitted: start at the heading
                first = reached
                continue
            yield units[first:stop]
            first, reached = self._overlap_start(units, first, stop), stop

    @staticmethod
    def _without_trailing_leads(units: Sequence[_Unit], first: int, stop: int) -> int:
        """Leave up to two headings at the end to the next passage, unless nothing else would be left."""
        for kept in (stop - 1, stop - 2):
            if kept <= first or not units[kept].leads:
                return kept + 1
        return stop - 2

    def _overlap_start(self, units: Sequence[_Unit], first: int, stop: int) -> int:
        """Where the next run starts: as early as the overlap allows and the unit at `stop` still fits."""
        start, total = stop, 0
        room = min(self.overlap_tokens, self.max_tokens - units[stop].tokens)
        while start - 1 > first and total + units[start - 1].tokens <= room:
            start -= 1
            total += units[start].tokens
        return start

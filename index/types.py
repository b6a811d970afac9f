"""What the index side hands on: documents, their passages and ranked hits.

No third-party import, so that every layer above can use these types for free. Offsets are `str` indices into
`Document.text`, half-open, and nothing here is ever changed after it is made.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One source text. `text` is what was decoded from the file, never edited afterwards.

    `id` is made from the content (`sha256` is of the file's bytes), so a renamed file is the same document; `title` and
    `source` are labels for people. `quiet` holds the half-open spans that are shown but never read: boilerplate such as
    share buttons.
    """

    id: str
    title: str
    text: str
    source: str
    sha256: str
    media_type: str = "text/plain"
    quiet: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A slice of one document: the unit that is embedded, retrieved and read.

    `document.text[start:end] == text` always holds. `sentences` are half-open spans in document coordinates, in order,
    that cover everything readable in the passage.
    """

    id: str
    document_id: str
    text: str
    start: int
    end: int
    sentences: tuple[tuple[int, int], ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end:
            raise ValueError(f"passage {self.id}: bad span [{self.start}, {self.end})")
        if len(self.text) != self.end - self.start:
            raise ValueError(f"passage {self.id}: {len(self.text)} characters in a span of {self.end - self.start}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A passage found for a query. `rank` starts at 0; `score` is the fused score that gave the rank.

    `dense_score` is a cosine in [-1, 1]; `lexical_score` is BM25's, at least 0. Either is None where that retriever did
    not return the passage.
    """

    passage: Passage
    score: float
    rank: int
    dense_score: float | None
    lexical_score: float | None

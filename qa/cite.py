"""Spans of passages to receipts in the document: the only place that adds `passage.start`.

Nothing is ever looked up by its words: a span carries its position, and the quote is cut from the document there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from index.types import Document, Passage
from qa.reading.edges import cluster_ceil, cluster_floor, tidy
from qa.types import Citation, Span

CONTEXT_CHARACTERS = 32
"""How much stands in `Citation.prefix` and `.suffix`, at most."""

_Place = tuple[int, int, float, tuple[tuple[int, int], ...]]


def cite(document: Document, passage: Passage, spans: Sequence[Span], *, first_number: int = 1) -> tuple[Citation, ...]:
    """Return the receipts of one passage's spans; see `cite_all`."""
    return cite_all({document.id: document}, [(passage, span) for span in spans], first_number=first_number)


def cite_all(
    documents: Mapping[str, Document], found: Iterable[tuple[Passage, Span]], *, first_number: int = 1
) -> tuple[Citation, ...]:
    """Return one receipt for every place found, in reading order, numbered from `first_number`.

    Documents come in the order of `documents`. A place found more than once, for example through two overlapping
    passages, is one citation; of places that overlap, the one with the better score stays (then the longer). What lies
    in a document's quiet spans is never cited: a span that reaches into one is cut back to its longest part outside,
    and left out where nothing remains.

    Raises: `ValueError` for a passage that is not of its document, or a span that is not within its passage.
    """
    places: dict[str, list[_Place]] = {identity: [] for identity in documents}
    for passage, span in found:
        document = documents.get(passage.document_id)
        if document is None or document.text[passage.start : passage.end] != passage.text:
            raise ValueError(f"passage {passage.id!r} is not a part of the documents given")
        if span.end > len(passage.text):
            raise ValueError(f"span [{span.start}, {span.end}) in a passage of {len(passage.text)} characters")
        place = _readable(document, passage.start + span.start, passage.start + span.end)
        if place is not None:
            places[passage.document_id].append((*place, span.score, passage.sentences))
    citations: list[Citation] = []
    for identity, document in documents.items():
        for start, end, _, sentences in _apart(places[identity]):
            number = first_number + len(citations)
            citations.append(receipt(document, start, end, number=number, sentences=sentences))
    return tuple(citations)


def receipt(
    document: Document, start: int, end: int, *, number: int, sentences: Sequence[tuple[int, int]] = ()
) -> Citation:
    """Return the receipt of `document.text[start:end]`.

    `sentences` are spans in the document, in order; those that the quote touches give `sentence_start` and
    `sentence_end`. Where none does, the quote's own lines stand in.
    """
    text = document.text
    if not 0 <= start < end <= len(text):
        raise ValueError(f"[{start}, {end}) is not a span of a document of {len(text)} characters")
    touched = [s for s in sentences if s[0] < end and s[1] > start]
    if not touched:
        touched = [_lines(text, start, end)]
    before, after = max(0, start - CONTEXT_CHARACTERS), min(len(text), end + CONTEXT_CHARACTERS)
    return Citation(
        number=number,
        document_id=document.id,
        title=document.title,
        source=document.source,
        sha256=document.sha256,
        start=start,
        end=end,
        quote=text[start:end],
        prefix=text[min(start, cluster_ceil(text, before)) : start],
        suffix=text[end : max(end, cluster_floor(text, after))],
        sentence_start=min(start, touched[0][0]),
        sentence_end=max(end, touched[-1][1]),
    )


def _readable(document: Document, start: int, end: int) -> tuple[int, int] | None:
    """The longest part of a span that is outside every quiet span; None where there is none."""
    parts = [(start, end)]
    for quiet_start, quiet_end in document.quiet:
        if quiet_start < end and quiet_end > start:
            cut = [((a, min(b, quiet_start)), (max(a, quiet_end), b)) for a, b in parts]
            parts = [part for pair in cut for part in pair if part[0] < part[1]]
    if parts == [(start, end)]:
        return start, end
    places: list[tuple[int, int]] = []
    for a, b in parts:
        place = tidy(document.text[a:b], 0, b - a)  # a slice, so that it does not grow into the quiet span again
        if place is not None:
            places.append((a + place[0], a + place[1]))
    return max(places, key=lambda place: (place[1] - place[0], -place[0]), default=None)


def _apart(places: list[_Place]) -> list[_Place]:
    """The better of every pair that overlaps, in reading order."""
    kept: list[_Place] = []
    for place in sorted(places, key=lambda p: (-p[2], p[0] - p[1], p[0])):
        if all(place[1] <= other[0] or place[0] >= other[1] for other in kept):
            kept.append(place)
    return sorted(kept, key=lambda p: p[0])


def _lines(text: str, start: int, end: int) -> tuple[int, int]:
    """The whole lines that a span stands in, without the white space around them."""
    begin = text.rfind("\n", 0, start) + 1
    stop = text.find("\n", end)
    line = text[begin : len(text) if stop < 0 else stop]
    return begin + len(line) - len(line.lstrip()), begin + len(line.rstrip())

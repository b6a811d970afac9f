"""What several modules here need from a text: its lines, and lists of words."""

from __future__ import annotations

import re
from collections.abc import Iterator

Span = tuple[int, int]
"""Half-open, in characters of a document's text."""

_LINE_BREAK = re.compile(r"\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")


def lines(text: str) -> Iterator[Span]:
    """The spans of the lines of `text` without their line breaks, whichever they are."""
    position = 0
    for found in _LINE_BREAK.finditer(text):
        yield position, found.start()
        position = found.end()
    yield position, len(text)


def word_set(listing: str) -> frozenset[str]:
    return frozenset(listing.split())

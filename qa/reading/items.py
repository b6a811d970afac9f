"""A coordinated span to its items: "a, b, and c", or a list with a bullet or number on each line.

Works on form alone, with no model and no vocabulary beyond English function words, and rather leaves a span whole than
cuts a name, a date or a quotation in two. Offsets are `str` indices, half-open.
"""

from __future__ import annotations

import re

from qa.reading.edges import PAIRS, tidy


def split_items(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """Return the items of `text[start:end]` in reading order, or the span itself where it is not plainly a list."""
    cuts: list[tuple[int, int]] = []
    final = False
    for match in re.finditer(r",?\s+(?:and|or)\s+|[,;]\s+", text[start:end]):
        cuts.append((start + match.start(), start + match.end()))
        final = match.group().strip(" ,;\n\r\t") != ""
    if len(cuts) < 2 or not final or any(mark in PAIRS or mark == '"' for mark in text[start:end]):
        return [(start, end)]
    edges = [start, *(at for cut in cuts for at in cut), end]
    items = [tidy(text, a, b) for a, b in zip(edges[::2], edges[1::2], strict=True)]
    found = [item for item in items if item is not None]
    return found if len(found) == len(items) else [(start, end)]

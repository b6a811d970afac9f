"""Text to blocks, blocks to sentences: where a thought begins and ends, as exact offsets.

A block is a heading, a list item, a table row or a paragraph; no sentence crosses its edge. Lines of hard-wrapped text
are one block, lines of a list of facts are one each: `_wrap_width` tells them apart by whether the next word would have
fitted. The only module that imports `sentencex`; the few abbreviations that it mistakes for full stops are mended here.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from index.text import Span, lines, word_set

_MARKER = re.compile(
    r"(?:[-*+•‣◦▪●○·]|\(?\d{1,3}[.)]|\d{1,3}(?:\.\d{1,3})+[.)]?|\(?[A-Za-z]\)|\(?[ivxIVX]{1,5}\)|#{1,6})(?=\s)\s*"
)
_ROW = re.compile(r"\|.*\|\s*$")
# Narrower text is a list, wider text is not wrapped by hand.
_NARROWEST, _WIDEST = 50, 110
_DEDENT = 8
_LONGEST_HEADING = 90
# sentencex needs quadratic time where a quotation mark is never closed, so it is shown this much at a time.
_WINDOW = 8_000

_LOOK_BACK = 60

_NEVER_LAST = word_set(
    "dr mr mrs ms prof rev hon gen col lt sgt capt cmdr gov sen rep st mt ft messrs mme mlle "
    "e.g i.e cf vs viz approx ca wm fig figs eq no nos vol ed eds pp ch sec art"
)
_OFTEN_NUMBERED = word_set("no nos fig figs eq vol pp ch sec art ed eds ft mt st")
_CALENDAR = word_set(
    "monday tuesday wednesday thursday friday saturday sunday january february march april may june july august "
    "september october november december eastern central pacific mountain est edt gmt utc bst cet pst cst mst"
)
_STARTERS = word_set(
    "the a an he she it we they i you this that these those his her its their our my there here in on at by for from "
    "as when while after before since if but and so then with under during until although because however what who "
    "why how where no not all some many most both each one two"
)
_OPENING = "\"'“‘«([{¿¡"
_INITIAL = re.compile(r"(?:^|[\s(“‘\"'-])[^\W\d_a-z]\.$")
_CLOCK = re.compile(r"\b[ap]\.\s?m\.$", re.IGNORECASE)
# "… at 3.3 m. Nobody …", "… by 23 May. Places …": sentencex takes every short word for an abbreviation.
_MEASURE = re.compile(r"\d\s?(?:°?[^\W\d_]{1,3}(?:/[^\W\d_]{1,2})?)\.[”’\"']?\s+(?=[“‘\"']?[A-Z])")
_SHORT_MONTH = word_set("jan feb mar apr jun jul aug sep oct nov dec")
_LAST_WORD = re.compile(r"([\w.]+)\.$")
_FIRST_WORD = re.compile(r"[\w'’-]+")


@dataclass(frozen=True, slots=True)
class Block:
    """A stretch of lines that belong together; `sentences` cover all of its visible characters, in order.

    `leads` is True for a heading or a line that announces what follows ("Eligible costs are:").
    """

    start: int
    end: int
    sentences: tuple[Span, ...]
    leads: bool


def split_blocks(text: str, quiet: Sequence[Span] = ()) -> list[Block]:
    """Cut `text` into blocks, in order, leaving out the lines in `quiet`."""
    quiet_starts = {start for start, _ in quiet}
    runs = _joined_lines(text, quiet_starts)
    blocks = []
    for start, end, line_count in runs:
        marker = _MARKER.match(text, start, end)
        body = marker.end() if marker and marker.end() < end else start
        sentences = list(_sentences(text, body, end))
        if not sentences:
            continue
        sentences[0] = (start, sentences[0][1])
        blocks.append(Block(start, end, tuple(sentences), _leads(text, start, end, line_count, marker)))
    return blocks


def _leads(text: str, start: int, end: int, line_count: int, marker: re.Match[str] | None) -> bool:
    if text[end - 1] == ":":
        return True
    if line_count > 1 or end - start > _LONGEST_HEADING or text[end - 1] in ".!?;,|":
        return False
    is_item = marker is not None and marker.group()[0] in "-*+•‣◦▪●○·("
    return not is_item and any(map(str.isalpha, text[start:end]))


# Lines to blocks


@dataclass(frozen=True, slots=True)
class _Line:
    start: int
    end: int
    indent: int  # in columns, tabs expanded
    width: int
    first_word: int  # its length
    opens: bool  # starts a block whatever came before
    group: int  # lines of one group have no blank or quiet line between them


def _joined_lines(text: str, quiet_starts: set[int]) -> Iterator[tuple[int, int, int]]:
    """Yield (start, end, number of lines) of each block, without surrounding white space."""
    visible = list(_visible_lines(text, quiet_starts))
    width = _wrap_width(visible)
    start, count = 0, 0
    for position, line in enumerate(visible):
        if count == 0:
            start = line.start
        count += 1
        following = visible[position + 1] if position + 1 < len(visible) else None
        if following is None or not _continues(line, following, width):
            yield start, line.end, count
            count = 0


def _visible_lines(text: str, quiet_starts: set[int]) -> Iterator[_Line]:
    group = 0
    for start, end in lines(text):
        line = text[start:end]
        stripped = line.strip()
        first = start + len(line) - len(line.lstrip())
        if not stripped or first in quiet_starts:
            group += 1
            continue
        columns = line.rstrip().expandtabs(8)
        yield _Line(
            start=first,
            end=first + len(stripped),
            indent=len(columns) - len(columns.lstrip()),
            width=len(columns),
            first_word=len(stripped.split(maxsplit=1)[0]),
            opens=_MARKER.match(stripped + " ") is not None or _ROW.match(stripped) is not None,
            group=group,
        )


def _wrap_width(visible: Sequence[_Line]) -> int | None:
    """The column at which the text was wrapped by hand, None where it was not.

    In wrapped text the first word of a line would not have fitted on the line before; in a list of short lines it
    mostly would. Lines much shorter than the rest say nothing: they end paragraphs or are facts in wrapped text, too.
    """
    pairs = [(a, b) for a, b in pairwise(visible) if a.group == b.group and not b.opens]
    if not pairs or 10 * sum(line.width > _WIDEST for line in visible) > len(visible):
        return None
    widths = sorted(a.width for a, _ in pairs)
    width = widths[int(0.9 * (len(widths) - 1))]
    long = [(a, b) for a, b in pairs if a.width > 0.6 * width]
    full = sum(a.width + 1 + b.first_word > width for a, b in long)
    return width if _NARROWEST <= width <= _WIDEST and 3 * full >= 2 * len(long) else None


def _continues(line: _Line, following: _Line, width: int | None) -> bool:
    return (
        width is not None
        and line.group == following.group
        and not following.opens
        and line.indent - following.indent <= _DEDENT
        and line.width + 1 + following.first_word > width
    )


# Blocks to sentences


def _sentences(text: str, start: int, end: int) -> Iterator[Span]:
    """Yield the sentences of one block without surrounding white space."""
    mixed_case = any(map(str.isupper, text[start:end]))
    begin: int | None = None
    previous = start
    for boundary in _boundaries(text, start, end):
        piece = (previous, boundary)
        if begin is None:
            begin = piece[0]
        elif not _belongs_to_previous(text, begin, piece, mixed_case):
            yield from _trimmed(text, begin, piece[0])
            begin = piece[0]
        previous = boundary
    if begin is not None:
        yield from _trimmed(text, begin, end)


def _boundaries(text: str, start: int, end: int) -> Iterator[int]:
    """Yield the ends of sentencex's sentences, the last one `end`."""
    from sentencex import get_sentence_boundaries

    while start < end:
        stop = min(end, start + _WINDOW)
        if stop < end:
            space = max(text.rfind(" ", start + 1, stop), text.rfind("\n", start + 1, stop))
            stop = space + 1 if space > start else stop
        window = re.sub(r"\s", " ", text[start:stop])
        found = {start + int(boundary["end_index"]) for boundary in get_sentence_boundaries("en", window)}
        found |= {start + measure.end() for measure in _MEASURE.finditer(window)}
        ends = sorted(bound for bound in found if start < bound < stop and not _extends(text[bound]))
        if stop == end:
            yield from ends
            yield end
            return
        yield from ends
        start = ends[-1] if ends else stop  # the last sentence may go on beyond the window: read it again


def _extends(char: str) -> bool:
    """Whether `char` belongs to the character before it, be that a space."""
    return char == "\u200d" or unicodedata.category(char)[0] == "M"


def _belongs_to_previous(text: str, begin: int, piece: Span, mixed_case: bool) -> bool:
    """Whether the cut before `piece` is no end of a sentence."""
    before = text[max(begin, piece[0] - _LOOK_BACK) : piece[0]].rstrip()
    after = text[piece[0] : piece[1]].lstrip()
    if not any(map(str.isalnum, before)) or not any(map(str.isalnum, after)):
        return True
    opened = after.lstrip(_OPENING)
    if mixed_case and opened[:1].islower():
        return True
    found = _FIRST_WORD.match(opened)
    first = found.group().casefold() if found else ""
    if _CLOCK.search(before):
        return first in _CALENDAR
    if _INITIAL.search(before):
        return first not in _STARTERS
    last = _LAST_WORD.search(before)
    word = last.group(1).casefold() if last else ""
    if word in _OFTEN_NUMBERED:
        return opened[:1].isdigit() or word in {"ft", "mt", "st"}
    return word in _NEVER_LAST or word in _SHORT_MONTH


def _trimmed(text: str, start: int, end: int) -> Iterator[Span]:
    piece = text[start:end]
    stripped = piece.strip()
    if stripped:
        first = start + len(piece) - len(piece.lstrip())
        yield first, first + len(stripped)

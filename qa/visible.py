"""Text as a reader sees it, with the way back: white space in runs, markup left out.

What is left out never changes what is said: marks that strike text through, raise or lower it stay a break that no
words match across, and emphasis inside a word stays as it is.
"""

from __future__ import annotations

import html
import re
from array import array
from dataclasses import dataclass
from html.parser import HTMLParser
from itertools import pairwise

BREAK = "\ufffc"
"""Stands where no words may run on: the edge of struck-through, raised or lowered text."""

_INLINE = frozenset(
    "a abbr acronym b bdi bdo big cite code data dfn em font i ins kbd label mark nobr q samp small span strong time "
    "tt u var wbr".split()
)
_BREAKS = frozenset(["del", "rp", "rt", "s", "strike", "sub", "sup"])
_UNSEEN = frozenset(["iframe", "math", "noscript", "script", "style", "svg", "template", "textarea", "title"])
_VOID = frozenset("area base br col embed hr img input link meta param source track wbr".split())
_NOT_DISPLAYED = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_WORDS_AND_SPACE = re.compile(r"(\s+)|\S+")
_LINK = re.compile(r"(!?\[)[^\[\]\n]*(\]\([^()\s]*(?:[ \t]+\"[^\"\n]*\")?\))")
_LINE_START = re.compile(r"^[ \t]{0,3}(?:#{1,6}(?=[ \t])|>(?:[ \t]?>)*)", re.MULTILINE)
_EMPHASIS = re.compile(r"\*{1,3}|_{1,3}|`{1,3}")
_PARAGRAPH = re.compile(r"\n[ \t\r]*\n")


@dataclass(frozen=True, slots=True)
class Visible:
    """`text[i]` is what the source has in `[starts[i], ends[i])`; every run of white space is one space."""

    text: str
    starts: array[int]
    ends: array[int]

    def place(self, start: int, end: int) -> tuple[int, int]:
        """The span of the source that `text[start:end]`, which is not empty, comes from."""
        return self.starts[start], self.ends[end - 1]


def visible(text: str, media_type: str = "text/plain") -> Visible:
    """`text` as it is read: HTML and Markdown without their markup, anything else as it is."""
    match media_type:
        case "text/html" | "application/xhtml+xml":
            page = _Page(text)
            return page.seen.made()
        case "text/markdown":
            return _joined(text, _markdown_marks(text))
        case _:
            return _joined(text, [])


class _Seen:
    """What was seen so far."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._starts = array("q")
        self._ends = array("q")
        self._after_space = False

    def add(self, text: str, start: int) -> None:
        """The source's own words from `start` on."""
        for match in _WORDS_AND_SPACE.finditer(text):
            begin, end = start + match.start(), start + match.end()
            if match.group(1) is not None:
                self.put(" ", begin, end)
                continue
            self._parts.append(match.group())
            self._starts.extend(range(begin, end))
            self._ends.extend(range(begin + 1, end + 1))
            self._after_space = False

    def put(self, text: str, start: int, end: int) -> None:
        """`text` stands for the source's `[start, end)`."""
        for character in text:
            space = character.isspace()
            if not (space and self._after_space):
                self._parts.append(" " if space else character)
                self._starts.append(start)
                self._ends.append(end)
            self._after_space = space

    def made(self) -> Visible:
        return Visible("".join(self._parts), self._starts, self._ends)


def _joined(text: str, marks: list[tuple[int, int]]) -> Visible:
    """The text without the spans `marks`."""
    seen, at = _Seen(), 0
    for start, end in sorted(marks):
        if start >= at:
            seen.add(text[at:start], at)
            at = end
    seen.add(text[at:], at)
    return seen.made()


def _markdown_marks(text: str) -> list[tuple[int, int]]:
    marks = [match.span() for match in _LINE_START.finditer(text)]
    for match in _LINK.finditer(text):
        marks += [match.span(1), match.span(2)]
    starts = [0, *(match.end() for match in _PARAGRAPH.finditer(text)), len(text)]
    for begin, stop in pairwise(starts):
        opened: dict[str, int] = {}
        for match in _EMPHASIS.finditer(text, begin, stop):
            mark, start, end = match.group(), match.start(), match.end()
            before, after = text[start - 1 : start], text[end : end + 1]
            if _word(before) and _word(after):
                continue
            if mark in opened and before and not before.isspace():
                first = opened.pop(mark)
                marks += [(first, first + len(mark)), (start, end)]
            elif after and not after.isspace():
                opened[mark] = start
    return marks


def _word(character: str) -> bool:
    return character.isalnum() or character == "_"


class _Page(HTMLParser):
    """An HTML page's visible text. Hidden elements count where the markup itself says so."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=False)
        self.seen = _Seen()
        self._source = source
        self._lines = [0, *(match.end() for match in re.finditer("\n", source))]
        self._hidden: list[str] = []  # the open tags from the hidden element on, of its own name
        self.feed(source)
        self.close()

    def _at(self) -> int:
        line, column = self.getpos()
        return self._lines[line - 1] + column

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._hidden:
            if tag == self._hidden[0]:
                self._hidden.append(tag)
            return
        given = dict(attrs)
        unseen = tag in _UNSEEN or "hidden" in given or _NOT_DISPLAYED.search(given.get("style") or "")
        if unseen and tag not in _VOID:
            self._hidden.append(tag)
        self._edge(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        if not self._hidden:
            self._edge(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._hidden:
            if tag != self._hidden[0]:
                return
            self._hidden.pop()
            if self._hidden:
                return
        self._edge(tag)

    def _edge(self, tag: str) -> None:
        at = self._at()
        if tag in _BREAKS:
            self.seen.put(BREAK, at, at)
        elif tag not in _INLINE:
            self.seen.put(" ", at, at)

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.seen.add(data, self._at())

    def handle_entityref(self, name: str) -> None:
        self._reference(f"&{name}")

    def handle_charref(self, name: str) -> None:
        self._reference(f"&#{name}")

    def _reference(self, written: str) -> None:
        at = self._at()
        end = at + len(written)
        semicolon = self._source[end : end + 1] == ";"
        if not self._hidden:
            self.seen.put(html.unescape(written + ";"), at, end + semicolon)

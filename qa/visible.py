"""Text as a reader sees it, with the way back: white space in runs, markup left out.

What is left out never changes what is said: marks that strike text through, raise or lower it stay a break that no
words match across, and emphasis inside a word stays as it is.
"""

from __future__ import annotations

import html
import re
from array import array
from dataclasses import dataclass
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
_RAW = frozenset("iframe noembed noframes noscript script style textarea title xmp".split())
_TAG = re.compile(r"<(/?)([A-Za-z][^\s/>]*)")
_ATTRIBUTE = re.compile(r"[\s/]*([^\s/>=][^\s/>=]*)(?:\s*=\s*(\"[^\"]*\"?|'[^']*'?|[^\s>\"'][^\s>]*))?")
_REFERENCE = re.compile(r"&(?:#[0-9]{1,8}|#[xX][0-9a-fA-F]{1,8}|[A-Za-z][A-Za-z0-9]{1,31});?")
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
            return _Page(text).seen.made()
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


class _Page:
    """An HTML page's visible text, read once from start to end, as browsers tokenise it (HTML Standard, 13.2.5).

    Not the standard library's parser, which takes quadratic time for some pages and stops at others. Hidden elements
    count where the markup itself says so.
    """

    def __init__(self, source: str) -> None:
        self.seen = _Seen()
        self._source = source
        self._hidden_by = ""  # the name of the hidden element that is open, and how many of its name are
        self._depth = 0
        at = 0
        while at < len(source):
            begin = source.find("<", at)
            if begin < 0:
                begin = len(source)
            self._words(at, begin)
            at = self._markup(begin) if begin < len(source) else begin

    def _markup(self, at: int) -> int:
        """What begins with "<" at `at`; gives where it ends."""
        source = self._source
        tag = _TAG.match(source, at)
        if tag is not None:
            return self._tag(tag)
        if source.startswith("<!--", at):
            return self._after("-->", at + 4)
        if source.startswith(("<!", "<?", "</"), at):
            return self._after(">", at + 2)
        self._words(at, at + 1)
        return at + 1

    def _after(self, mark: str, at: int) -> int:
        found = self._source.find(mark, at)
        return len(self._source) if found < 0 else found + len(mark)

    def _tag(self, tag: re.Match[str]) -> int:
        name, at = tag.group(2).lower(), tag.end()
        given: dict[str, str] = {}
        while True:
            attribute = _ATTRIBUTE.match(self._source, at)
            if attribute is None:
                break
            at = attribute.end()
            value = attribute.group(2) or ""
            if value[:1] in ("'", '"') and (len(value) == 1 or value[-1] != value[0]):
                return len(self._source)  # a value without an end: so is the tag
            given.setdefault(attribute.group(1).lower(), value.strip("\"'"))
        end = self._after(">", at)
        if self._source[end - 1 : end] != ">":
            return end
        if tag.group(1):
            self._closed(name, tag.start())
        else:
            self._opened(name, given, tag.start())
        if not tag.group(1) and name in _RAW:
            close = re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE).search(self._source, end)
            return len(self._source) if close is None else close.start()
        return end

    def _opened(self, name: str, given: dict[str, str], at: int) -> None:
        if self._hidden_by:
            self._depth += name == self._hidden_by
            return
        unseen = name in _UNSEEN or "hidden" in given or _NOT_DISPLAYED.search(given.get("style", ""))
        self._edge(name, at)
        if unseen and name not in _VOID:
            self._hidden_by, self._depth = name, 1

    def _closed(self, name: str, at: int) -> None:
        if self._hidden_by:
            self._depth -= name == self._hidden_by
            if self._depth:
                return
            self._hidden_by = ""
        self._edge(name, at)

    def _edge(self, name: str, at: int) -> None:
        if name in _BREAKS:
            self.seen.put(BREAK, at, at)
        elif name not in _INLINE:
            self.seen.put(" ", at, at)

    def _words(self, start: int, end: int) -> None:
        if self._hidden_by:
            return
        at = start
        for reference in _REFERENCE.finditer(self._source, start, end):
            self.seen.add(self._source[at : reference.start()], at)
            self.seen.put(html.unescape(reference.group()), *reference.span())
            at = reference.end()
        self.seen.add(self._source[at:end], at)

"""Which lines of a text are shown but never read: share buttons, advertisements, rulers.

A rule about lines, not about any one document. A line is furniture when it is short, has no sentence punctuation and
every word of it belongs to the vocabulary of web pages ("Share", "Tweet this", "3 comments", "Follow us on Facebook").
Words alone do not decide, because a manual may list buttons ("• Share", "• Print"): lines that belong to a real list,
that a colon announces, or that only might be furniture and stand alone like a heading ("Comments"), stay readable.
When in doubt a line is read: a button that is read costs little, a list item that is dropped is lost.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from index.text import Span, lines, word_set

_BULLET = re.compile(r"[-*+•‣◦▪●○·»›>]\s+")
_RULER = re.compile(r"([-=_*~#+.·•—–])(?:\s*\1){3,}\s*|\*\s*\*\s*\*\s*")
_MAX_WORDS = 6
_MAX_CHARS = 48

# Words that make a line furniture wherever they stand in it.
_STRONG = word_set(
    "share shares tweet tweets retweet advertisement advertisements advert sponsored subscribe newsletter"
)
# Words that are furniture in a web page and ordinary headings elsewhere: they need company (see `_is_furniture_run`).
_WEAK = word_set(
    "print email e-mail mail save bookmark pin comment comments like likes follow download listen login register "
    "facebook twitter x linkedin whatsapp telegram pinterest reddit instagram youtube messenger copy"
)
_FILLERS = word_set(
    "this the our us it a an to on via with for in by now up out more link url article story page post video friend "
    "friends news and or your all here free view views leave add write back top next previous k"
)
# Openings that make a line furniture together.
_PHRASES = [
    tuple(phrase.split())
    for phrase in (
        "read more, see more, show more, load more, more stories, more news, back to top, skip to content, "
        "skip to main content, skip to navigation, continue reading, related articles, related stories, "
        "article continues below, story continues below, sign up, sign in, log in, accept cookies, accept all cookies, "
        "cookie settings, click here, copy link, copied, follow us, like us, join us on"
    ).split(", ")
]
_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")


@dataclass(frozen=True, slots=True)
class _Line:
    start: int  # of the visible characters
    end: int
    body: str  # without bullet
    bullet: bool


def quiet_spans(text: str) -> tuple[Span, ...]:
    """The half-open spans of lines that are never read, in order, each without the white space around it."""
    visible = [_line(text, start, end) for start, end in lines(text) if text[start:end].strip()]
    quiet: list[Span] = []
    position = 0
    while position < len(visible):
        line = visible[position]
        if _RULER.fullmatch(text, line.start, line.end):
            quiet.append((line.start, line.end))
            position += 1
            continue
        stop = position
        while stop < len(visible) and _strength(visible[stop]):
            stop += 1
        if stop == position:
            position += 1
            continue
        before = visible[position - 1] if position else None
        after = visible[stop] if stop < len(visible) else None
        if _is_furniture_run(visible[position:stop], before, after):
            quiet.extend((line.start, line.end) for line in visible[position:stop])
        position = stop
    return tuple(quiet)


def _line(text: str, start: int, end: int) -> _Line:
    line = text[start:end]
    start += len(line) - len(line.lstrip())
    end = start + len(line.strip())
    bullet = _BULLET.match(text, start, end)
    return _Line(start, end, text[bullet.end() if bullet else start : end], bullet is not None)


def _strength(line: _Line) -> int:
    """2 for a line that is furniture by itself, 1 for one that may be, 0 for text."""
    body = line.body.strip().rstrip(":»›>…")
    if not body or len(body) > _MAX_CHARS or not (line.bullet or body[0].isupper() or body[0].isdigit()):
        return 0
    if any(mark in body for mark in ".!?;,") and not re.fullmatch(r"[\d.,]+[kKmM]?\s+\w+", body):
        return 0
    words = _WORD.findall(body.casefold())
    if not words or len(words) > _MAX_WORDS:
        return 0
    phrase = next((phrase for phrase in _PHRASES if words[: len(phrase)] == list(phrase)), ())
    rest = words[len(phrase) :]
    if any(word not in _STRONG and word not in _WEAK and word not in _FILLERS for word in rest):
        return 0
    if phrase:
        return 2
    if words[0] in _FILLERS and not body[0].isdigit():
        return 0  # "The share", "Top post": a title rather than a button
    if any(word in _STRONG for word in words):
        return 2
    return 1 if any(word in _WEAK for word in words) else 0


def _is_furniture_run(run: Sequence[_Line], before: _Line | None, after: _Line | None) -> bool:
    """Whether consecutive furniture-like lines are furniture, seen with the text lines around them."""
    if before is not None and before.body.rstrip().endswith(":"):
        return False  # announced: "The toolbar has three buttons:"
    neighbours = [line for line in (before, after) if line is not None]
    if any(line.bullet for line in run) and any(line.bullet for line in neighbours):
        return False  # items of a longer list
    return any(_strength(line) == 2 for line in run) or (len(run) == 1 and run[0].bullet)

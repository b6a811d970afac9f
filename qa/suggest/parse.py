"""A plain sentence as [introduction,] SUBJECT VERB rest; what does not clearly fit is left alone."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from qa.suggest.english import (
    ADVERBS,
    BOUNDARIES,
    BY_BASE,
    BY_THIRD,
    DETERMINERS,
    FINITE,
    INTRODUCTIONS,
    NUMBERS,
    POINTING,
    POSSESSIVES,
    PREPOSITIONS,
    TIME,
)

Span = tuple[int, int]

_TOKEN = re.compile(r"[^\W_]+(?:[-’'.&][^\W_]+)*|\S")
_DATELINE = re.compile(r"[A-Z][A-Z ]+(?:\([^)]{2,20}\) ?)?(?:[:—–]| - )\s*")
MARKER = re.compile(r"(?:\d{1,3}(?:\.\d{1,3})*[.)]?|[-*•–]|A:)\s+")
_SUBJECT_BREAKERS = (PREPOSITIONS - {"of"}) | BOUNDARIES | POINTING | DETERMINERS


@dataclass(frozen=True, slots=True)
class Token:
    """A word or a mark, with its place in the document."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """`subject` as it reads inside a question, its place, whether it is `named`, and the verb.

    `clause` is what follows the verb, up to the first comma or word that opens another clause; never empty.
    `introduced` is the place of a time named before the subject ("On Monday, ...").
    """

    subject: str
    subject_span: Span
    named: bool
    verb: str
    clause: tuple[Token, ...]
    introduced: Span | None


class Vocabulary:
    """What the whole text tells about its words: which are names, and which only start a sentence with a capital."""

    def __init__(self, text: str) -> None:
        self._counts = Counter(re.findall(r"\b[a-z][\w’'-]*", text))
        self.lower = frozenset(self._counts)
        self._inside = frozenset(re.findall(r"(?<=[a-z,] )[A-Z][\w’'-]*", text))

    def is_name(self, word: str) -> bool:
        """Whether a capitalised word is a name wherever it stands."""
        lower = word.lower()
        return (word.isupper() and len(word) > 1) or (word in self._inside and lower not in self.lower)

    def count(self, word: str) -> int:
        """How often a word stands in the text in lower case."""
        return self._counts[word]


def tokenize(text: str, start: int, end: int) -> list[Token]:
    """The tokens of a stretch of the document."""
    return [Token(m.group(), m.start(), m.end()) for m in _TOKEN.finditer(text, start, end)]


def one_line(text: str, tokens: Sequence[Token]) -> str:
    """The document's words from the first token to the last, white space as single spaces."""
    return " ".join(text[tokens[0].start : tokens[-1].end].split())


def statements(text: str, start: int, end: int, vocabulary: Vocabulary) -> Iterator[Statement]:
    """Yield the statement that a sentence makes, and the one it reports ("said that ...")."""
    while opening := MARKER.match(text, start, end) or _DATELINE.match(text, start, end):
        start = opening.end()
    tokens, introduced = _without_introduction(tokenize(text, start, end), text)
    for size in range(1, min(9, len(tokens) - 1)):
        word = tokens[size].text
        if word not in FINITE and word not in BY_THIRD:
            continue
        verb = BY_BASE.get(word) or BY_THIRD.get(word)
        if verb and not verb.never_noun and not _opens_object(tokens[size + 1]):
            continue  # as likely a noun: "the plan", "the visits"
        clause = _clause(tokens[size + 1 :])
        read = _subject(tokens[:size], text, vocabulary)
        if clause and read is not None:
            subject, span, named = read
            yield Statement(
                subject=subject, subject_span=span, named=named, verb=word, clause=clause, introduced=introduced
            )
        if tokens[size + 1].text == "that":
            yield from statements(text, tokens[size + 1].end, end, vocabulary)
        return  # the first verb decides: what stands before a later one is not a plain subject


def _opens_object(token: Token) -> bool:
    return (
        token.text == "that"
        or token.text in DETERMINERS
        or token.text in NUMBERS
        or token.text[0].isdigit()
        or token.text[0] in "€£$"
    )


def _without_introduction(tokens: list[Token], text: str) -> tuple[list[Token], Span | None]:
    """Cut "On the previous day," or "In 1887" from the front; the second value is the place of a time named there."""
    if len(tokens) < 2 or tokens[0].text.lower() not in INTRODUCTIONS:
        return tokens, None
    if tokens[0].text in ("On", "In") and (time := TIME.match(text, tokens[1].start, tokens[-1].end)):
        rest = [token for token in tokens if token.start >= time.end()]
        return (rest[1:] if rest and rest[0].text == "," else rest), time.span()
    for position, token in enumerate(tokens[:9]):
        if token.text == ",":
            found = TIME.search(text, tokens[0].start, token.start)
            return tokens[position + 1 :], found.span() if found else None
    return tokens, None


def _subject(tokens: Sequence[Token], text: str, vocabulary: Vocabulary) -> tuple[str, Span, bool] | None:
    """The subject inside a question, its place and whether it is a name; None where it is not clearly one phrase."""
    if len(tokens) > 1 and tokens[-1].text in ADVERBS:
        tokens = tokens[:-1]
    words = [token.text for token in tokens]
    first, rest = words[0], words[1:]
    if first.lower() in POINTING | POSSESSIVES or not all(word[0].isalnum() for word in words):
        return None
    if any(w.lower() in _SUBJECT_BREAKERS and not (w == "the" and words[at] == "of") for at, w in enumerate(rest)):
        return None
    if any(word.endswith(("ly", "ing")) for word in words if word.islower()):
        return None
    phrase, span = one_line(text, tokens), (tokens[0].start, tokens[-1].end)
    lowered = first.lower() + phrase[len(first) :]
    if first.lower() in ("the", "a", "an"):
        named = any(vocabulary.is_name(word) for word in rest)
        return (lowered, span, named) if rest else None
    two_capitals = bool(rest) and rest[0][0].isupper() and first.lower() not in vocabulary.lower
    if first[0].isupper() and (vocabulary.is_name(first) or two_capitals):
        return phrase, span, True
    if (
        first.lower() in vocabulary.lower
        and words[-1].endswith("s")
        and not words[-1].endswith("ss")
        and len(words) <= 3
    ):
        return lowered, span, False  # "Employees", "Grant holders"
    return None


def _clause(tokens: Sequence[Token]) -> tuple[Token, ...]:
    clause = []
    for token in tokens:
        if (not token.text[0].isalnum() and token.text[0] not in "$€£%") or token.text.lower() in BOUNDARIES:
            break
        clause.append(token)
    return tuple(clause)

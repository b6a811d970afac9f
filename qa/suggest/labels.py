"""Questions on what a text labels for its reader: people, abbreviations, defined terms, and questions of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from qa.suggest.english import FINITE, POINTING, READER, ROLES
from qa.suggest.parse import MARKER, Span, Token, Vocabulary, tokenize

Made = tuple[str, str, Span]
"""A pattern's name, a question, and the place of its answer."""

_ANSWER_BELOW = 600  # characters after a question in which its answer begins
_ASKED = re.compile(r"(?:Q(?:uestion)? ?\d{0,3}[:.)] *|\d{1,3}[.)] +)?((?:What|Who|When|Where|Which|How|Why)\b[^?]+\?)")
_SHORTENED = re.compile(r"((?:[A-Z][\w’'-]+ (?:(?:of|for|and|the|de) )*){1,6}[A-Z][\w’'-]+) \(([A-Z]{2,6})\)")
_DEFINED = re.compile(r"[“\"‘]([a-z][a-z -]{2,30})[”\"’] means (.+)")
_GLOSSED = re.compile(r"([A-Z][\w-]*(?: [a-z]+)?): ((?:an?|the) [^;]{12,})")


def labelled(text: str, start: int, end: int, vocabulary: Vocabulary) -> Iterator[Made]:
    """Yield questions on one sentence, heading or item."""
    asked = _ASKED.fullmatch(text, start, end)  # a list of questions and answers asks its own
    if asked and len(words := asked.group(1)[:-1].lower().split()) > 2 and (POINTING - READER).isdisjoint(words[1:]):
        yield "asked", asked.group(1), (end, end + _ANSWER_BELOW)
    for found in _SHORTENED.finditer(text, start, end):
        initials = "".join(word[0] for word in found.group(1).split() if word[0].isupper())
        if initials.endswith(found.group(2)):
            yield "stands for", f"What does {found.group(2)} stand for?", found.span(1)
    if defined := _DEFINED.search(text, start, end):
        yield "means", f"What does {defined.group(1)} mean?", defined.span(2)
    marker = MARKER.match(text, start, end)
    glossed = _GLOSSED.fullmatch(text, marker.end() if marker else start, end)
    if glossed and not any(word in FINITE or word.endswith("ed") for word in glossed.group(1).split()):
        yield "means", f"What does {glossed.group(1)} mean?", glossed.span(2)
    yield from _people(tokenize(text, start, end), vocabulary)


def _people(tokens: Sequence[Token], vocabulary: Vocabulary) -> Iterator[Made]:
    """ "Minister Jane Doe" or "Jane Doe, a watchmaker": a role beside a full name lets us ask who that is."""
    at = 0
    while at < len(tokens):
        length = _full_name(tokens, at, vocabulary)
        if length:
            after = [token.text.lower() for token in tokens[at + length : at + length + 6]]
            apposed = after[:1] == [","] and after[1:2] in (["a"], ["an"], ["the"]) and not ROLES.isdisjoint(after[2:])
            titled = at > 0 and tokens[at - 1].text.lower() in ROLES
            if titled or apposed:
                name = " ".join(token.text for token in tokens[at : at + length])
                start, end = tokens[max(0, at - 4)].start, tokens[min(len(tokens), at + length + 6) - 1].end
                yield "who is", f"Who is {name}?", (start, end)
        at += max(1, length)


def _full_name(tokens: Sequence[Token], at: int, vocabulary: Vocabulary) -> int:
    """How many tokens from `at` are a person's full name: two or three capitalised words that are nothing else."""
    length = 0
    for token in tokens[at : at + 4]:
        word = token.text
        if not ((word[0].isupper() and word[1:].islower()) or "-" in word) or not word.replace("-", "").isalpha():
            break
        if word.lower() in vocabulary.lower or word.lower() in ROLES or word.lower() in POINTING:
            break
        length += 1
    return length if length in (2, 3) else 0

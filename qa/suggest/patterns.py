"""Statements to questions they answer: patterns that cannot break the grammar, and silence elsewhere.

Each candidate carries the place of the expected answer, so that it can be checked by asking.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from index.sentences import split_blocks
from index.types import Document
from qa.suggest.english import (
    BY_BASE,
    BY_PARTICIPLE,
    BY_PAST,
    BY_THIRD,
    DETERMINERS,
    DULL_VERBS,
    FINITE,
    MEASURES,
    MODALS,
    NOT_PLURAL,
    NUMBERS,
    PEOPLE,
    POINTING,
    POSSESSIVES,
    PREPOSITIONS,
    TIME,
    Verb,
)
from qa.suggest.labels import Made, labelled
from qa.suggest.parse import Span, Statement, Token, Vocabulary, one_line, statements

LONGEST_QUESTION = 90  # characters: an example is read at a glance
_LONGEST_SENTENCE = 600
_OFTEN = 4  # times a word stands in a text that is about it
_COUNTED = re.compile(r"(\d{1,3}(?:,\d{3})*) ([a-z]+s (?:were|are) [a-z]+ed)(?=[.,;])")
_PLAIN = re.compile(r"[^\W_][\w’'\-.,&$€£% ]*\?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A question, its pattern, the sentence it was made from and where the answer lies, in document coordinates."""

    question: str
    kind: str
    document_id: str
    sentence: Span
    expected: Span


def candidates(document: Document) -> Iterator[Candidate]:
    """Yield questions on `document` in reading order; none for a text that is not plain English."""
    text = document.text
    vocabulary = Vocabulary(text)
    seen: set[str] = set()
    for block in split_blocks(text, document.quiet):
        for start, end in block.sentences:
            if end - start > _LONGEST_SENTENCE:
                continue  # too tangled to read by pattern
            for kind, question, expected in _of_sentence(text, start, end, vocabulary):
                if question in seen or len(question) > LONGEST_QUESTION or not _PLAIN.fullmatch(question):
                    continue
                seen.add(question)
                yield Candidate(
                    question=question, kind=kind, document_id=document.id, sentence=(start, end), expected=expected
                )


def _of_sentence(text: str, start: int, end: int, vocabulary: Vocabulary) -> Iterator[Made]:
    yield from labelled(text, start, end, vocabulary)
    if text[end - 1] not in '.!”";':
        return  # a heading or a row
    if counted := _COUNTED.match(text, start, end):
        yield "how many", f"How many {counted.group(2)}?", counted.span(1)
    for statement in statements(text, start, end, vocabulary):
        yield from _of_statement(statement, text, vocabulary)


def _of_statement(said: Statement, text: str, vocabulary: Vocabulary) -> Iterator[Made]:
    clause = said.clause
    if said.verb in ("is", "was", "are", "were"):
        yield from _copula(said)
        participle = BY_PARTICIPLE.get(clause[0].text)
        if participle is not None and len(clause) > 1:
            yield from _passive(said, participle, text)
        return
    if said.subject.startswith(("a ", "an ")):
        return
    plural = said.subject.endswith("s") and not said.named
    if said.verb in MODALS and clause[0].text == "be" and len(clause) > 2 and clause[1].text in BY_PARTICIPLE:
        yield from _placed(f"{said.verb} {said.subject} be {clause[1].text}", clause[2:], text)
    elif said.verb in MODALS and clause[0].text in BY_BASE and len(clause) > 1:
        yield from _action(said, said.verb, BY_BASE[clause[0].text], clause[1:], text, vocabulary)
    elif said.verb in ("has", "had", "have") and clause[0].text not in BY_PARTICIPLE:
        does = {"has": "does", "had": "did", "have": "do"}[said.verb]
        yield from _how_many(f"{does} {said.subject} have", clause, text)
    elif said.verb in BY_PAST:
        verb = BY_PAST[said.verb]
        yield from _action(said, "did", verb, clause, text, vocabulary)
        object_or_company = clause[0].text not in PREPOSITIONS or clause[0].text == "with"
        if verb.agentive and said.named and len(clause) > 1 and object_or_company and _is_self_contained(clause):
            yield "who", f"Who {verb.past} {one_line(text, clause)}?", said.subject_span
    elif said.verb in BY_BASE and plural:
        yield from _action(said, "do", BY_BASE[said.verb], clause, text, vocabulary)
    elif said.verb in BY_THIRD and not plural:
        yield from _action(said, "does", BY_THIRD[said.verb], clause, text, vocabulary)


def _is_self_contained(tokens: Sequence[Token]) -> bool:
    """No second verb, no word that points outside, nothing left hanging, and not too long to repeat in a question."""
    words = [token.text.lower() for token in tokens]
    if not 0 < len(words) <= 8 or words[-1].endswith("ing") or words[-1] in PREPOSITIONS:
        return False
    return not any(word in FINITE or word in POINTING or word in POSSESSIVES for word in words)


def _action(
    said: Statement, auxiliary: str, verb: Verb, clause: Sequence[Token], text: str, vocabulary: Vocabulary
) -> Iterator[Made]:
    """Questions on "SUBJECT did VERB clause"."""
    asks = f"{auxiliary} {said.subject} {verb.base}"
    noun = _noun_phrase(clause)
    if verb.base == "cost" and clause[0].text in ("€", "£", "$"):
        yield "how much", f"How much {asks}?", (clause[0].start, clause[-1].end)
        return
    if noun and verb.base not in DULL_VERBS:
        people = any(token.text.lower() in PEOPLE for token in noun)
        if not people and not verb.takes_person and not _is_vague(said, vocabulary):
            yield "what", f"What {asks}?", (clause[0].start, clause[-1].end)
        yield from _how_many(asks, clause, text)
    if said.introduced and _is_whole(clause, noun) and _is_self_contained(clause):
        yield "when", f"When {asks} {one_line(text, clause)}?", said.introduced
    for kind, before, place in _adverbials(clause, text):
        if not before and verb.stands_alone:
            yield kind, f"{kind.capitalize()} {asks}?", place
        elif _is_whole(before, noun) and _is_self_contained(before):
            yield kind, f"{kind.capitalize()} {asks} {one_line(text, before)}?", place


def _is_vague(said: Statement, vocabulary: Vocabulary) -> bool:
    """Whether the subject is "the team" in a text that hardly speaks of a team."""
    the, _, noun = said.subject.partition(" ")
    return the == "the" and not said.named and " " not in noun and vocabulary.count(noun) < _OFTEN


def _how_many(asks: str, clause: Sequence[Token], text: str) -> Iterator[Made]:
    noun = _noun_phrase(clause)
    if len(noun) in (2, 3, 4) and _is_count(noun[0].text) and noun[-1].text.endswith("s"):
        yield "how many", f"How many {one_line(text, noun[1:])} {asks}?", (noun[0].start, noun[0].end)


def _is_count(word: str) -> bool:
    return word in NUMBERS or (word.isdigit() and len(word) <= 3)


def _is_whole(rest: Sequence[Token], noun: Sequence[Token]) -> bool:
    """Whether a verb keeps what it needs in `rest`: its object `noun`, or a preposition's phrase."""
    return bool(rest) and ((bool(noun) and len(rest) >= len(noun)) or rest[0].text in PREPOSITIONS)


def _noun_phrase(clause: Sequence[Token]) -> list[Token]:
    """The object at the start of a clause, empty where it is not clear that there is one."""
    phrase: list[Token] = []
    for token in clause:
        if token.text in PREPOSITIONS or token.text in FINITE or token.text.endswith("ly"):
            break
        phrase.append(token)
    if not phrase or any(token.text in POINTING for token in phrase):
        return []
    first, last = phrase[0].text, phrase[-1].text
    if first in DETERMINERS or _is_count(first):
        return phrase if len(phrase) > 1 and phrase[1].text not in ("next", "previous", "following", "same") else []
    bare_plural = last.endswith("s") and not last.endswith("ss") and last not in NOT_PLURAL and first.islower()
    return phrase if bare_plural and len(phrase) <= 3 else []


def _adverbials(clause: Sequence[Token], text: str) -> Iterator[tuple[str, Sequence[Token], Span]]:
    """Yield "when" or "where", the tokens before, and the place, for a time and a place named at the end."""
    for position, token in enumerate(clause[:-1]):
        following = clause[position + 1]
        if token.text in ("on", "in"):
            time = TIME.match(text, following.start, clause[-1].end)
            if time and time.end() == clause[-1].end:
                yield "when", clause[:position], time.span()
                yield from _adverbials(clause[:position], text)
                return
        if token.text in ("in", "at") and all(t.text[0].isupper() for t in clause[position + 1 :]):
            yield "where", clause[:position], (following.start, clause[-1].end)
            return


def _copula(said: Statement) -> Iterator[Made]:
    """Questions on "SUBJECT is clause"."""
    words = [token.text for token in said.clause]
    where = (said.clause[0].start, said.clause[-1].end)
    if words[0] in ("a", "an", "the") and len(words) > 2 and said.verb in ("is", "was"):
        person = any(word.lower() in PEOPLE for word in words[1:5])
        generic = said.subject.startswith(("a ", "an "))
        if (said.named or generic) and not person:
            yield "what is", f"What {said.verb} {said.subject}?", where
        elif said.named and said.subject[0].isupper():
            yield "who is", f"Who {said.verb} {said.subject}?", where
    if len(words) >= 3 and words[0][0].isdigit() and words[2] in MEASURES:
        yield "how much", f"How {words[2]} {said.verb} {said.subject}?", (said.clause[0].start, said.clause[2].end)


def _passive(said: Statement, verb: Verb, text: str) -> Iterator[Made]:
    """Questions on "SUBJECT was PARTICIPLE rest"."""
    rest = said.clause[1:]
    yield from _placed(f"{said.verb} {said.subject} {verb.participle}", rest, text)
    if rest[0].text == "by" and len(rest) > 1 and said.verb == "was" and verb.agentive and rest[1].text[0].isupper():
        yield "who", f"Who {verb.past} {said.subject}?", (rest[1].start, rest[-1].end)


def _placed(asks: str, rest: Sequence[Token], text: str) -> Iterator[Made]:
    """Questions for the time and the place in what follows a participle."""
    for kind, before, place in _adverbials(rest, text):
        if not before or (before[0].text in PREPOSITIONS and _is_self_contained(before)):
            tail = f" {one_line(text, before)}" if before else ""
            yield kind, f"{kind.capitalize()} {asks}{tail}?", place

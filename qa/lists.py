"""Whether a question asks for several things, and how to find them all.

Three sources, in the order in which they are trusted: the words that the tagging head marks, further spans of the same
reading, and what the reader finds when the sentences that already gave an item are taken away and the rest is read
again (a span reader puts all its weight on its favourite, so the second best often scores as if it were not there).
Every span keeps its own passage, so nothing is ever looked up by its words.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from index.function_words import AUXILIARIES
from index.text import word_set
from index.types import Passage
from qa.reading.items import split_items
from qa.types import Reading, Span

Found = tuple[Passage, Span]
Reread = Callable[[Sequence[Passage]], Sequence[Reading]]

_NOT_PLURAL = word_set(
    "is was does has its his this news gas bus series species physics politics mathematics economics athletics tennis "
    "process class address success access progress congress loss business status basis analysis crisis thesis virus "
    "campus focus bonus census consensus corpus genus illness witness weakness boss mass glass pass press stress dress "
    "across less unless always perhaps paris mars texas kansas arkansas wales us yes plus versus emphasis diabetes "
    "headquarters means ends lens as s"
)
_PLURAL = word_set("people men women children media criteria phenomena data teeth feet mice police kinds")
_ENDS = AUXILIARIES | word_set("of in on at for from to with by that the a")
_OBJECTS = word_set(
    "the a an this these those his her its their my your our him them it us you me he she they what when if as"
)
"""What follows a verb ("what kills the fish"), not the noun that is asked for."""
_VERBS = word_set(
    "adds allows appears applies becomes begins belongs borders breaks brings builds carries causes changes comes "
    "connects consists contains contributes controls costs covers creates deals defines depends describes determines "
    "differs distinguishes does drives eats enables ensures exists explains falls fights fits flows follows gets "
    "gives goes grows happens has helps holds houses includes indicates involves keeps kills leads leaves lets lies "
    "lives looks loses makes matters means meets moves needs occurs offers opens operates owns pays plays prevents "
    "produces protects provides pulls reads refers relates remains represents requires rises runs says seems sells "
    "sends serves sets shows sits speaks stands starts stays stops suggests supports takes teaches tells thinks "
    "triggers turns uses varies wants wins works writes"
)
"""Looks like a plural, yet "what makes steel strong?" and "which company makes cars?" ask for one thing."""
_NUMBER = "two|three|four|five|six|seven|eight|nine|ten|several"
_ASKS_PLURAL = re.compile(
    r"^(?:who|what|which)\s+(?:all\s+)?(?:are|were)\s+(?!(?:you|they|we|the\s+(?:odds|chances))\b)"
    r"|^(?:please\s+)?(?:(?:can|could|would)\s+you\s+)?(?:please\s+)?(?:list|name|give|tell|enumerate)\s+(?:me\s+)?"
    rf"(?:all|every|each|some|(?:the\s+)?(?:{_NUMBER}))\b"
    r"|\b(?:who|what|which)\s+(?:else\s+)?all\b|\bwhat\s+(?:else|all)\b"
    rf"|\b(?:which|what)\s+(?:{_NUMBER}|different|various)\b",
    re.IGNORECASE,
)
_counts_or_grades = re.compile(rf"(?:\w+ly|most|best|well|other|{_NUMBER})$", re.IGNORECASE).match
"""Behind these a participle belongs to the noun: "heavily armed groups", "three listed buildings"."""
_NOUN = r"\s+((?:[\w’'-]+\s+){0,6}[\w’'-]+)"
_HEADS = (
    re.compile(rf"\b(?:what|which|whose){_NOUN}", re.IGNORECASE),
    re.compile(
        r"^(?:please\s+)?(?:(?:can|could|would)\s+you\s+)?(?:please\s+)?(?:list|name|give|tell|enumerate)\s+(?:me\s+)?"
        rf"(?:the|his|her|its|their){_NOUN}",
        re.IGNORECASE,
    ),
)


_CLAUSE_WORDS = 14
_RESTRICTIVE = re.compile(
    r"\s+that\s+(?:is|are|was|were|has|have|had|can|could|will|would|may|might|must|do|does|did)"
    rf"(?: (?!(?:and|or|but)\b)[\w’'-]+){{1,{_CLAUSE_WORDS}}}(?=\s*[.,;:!?)\n]|\s*\Z|\s+(?:and|or|but)\b)",
    re.IGNORECASE,
)
_REACH = len("between ")
_BETWEEN = re.compile(r"\bbetween\s", re.IGNORECASE)
_QUANTITY = re.compile(r"(?:between\s+)?[^\w\s]*\d", re.IGNORECASE)
_AND = re.compile(r"\s+and\s+")


@dataclass(frozen=True, slots=True, kw_only=True)
class ListRules:
    """Bars an item has to clear, in logits, chosen on the development sets: at these, most lists come out right."""

    tag: float = 0.75
    several_tag: float = 2.0
    span: float = 6.0
    reread: float = 7.5
    reread_tag: float = 4.0
    rounds: int = 3


def asks_for_several(question: str) -> bool:
    """Whether the question's form asks for more than one thing: a plural after "which", "what are", "name the three".

    Works on the last question where several stand in a row; English only: in other languages one answer is given.
    """
    asked = [part for part in re.split(r"(?<=\?)\s+", question.strip()) if part]
    if not asked:
        return False
    last = asked[-1]
    if re.match(r"how\s+(?:many|much|long|far|old|often)\b", last, re.I):
        return False
    if _ASKS_PLURAL.search(last):
        return True
    if all(word[0].isupper() for word in last.split()):  # capitals that say nothing
        last = last.lower()
    return any(_is_plural_noun(match.group(1).split()) for form in _HEADS for match in form.finditer(last))


def _is_plural_noun(words: Sequence[str]) -> bool:
    """Whether the noun that "which" goes with, the first of some words that looks it, is a plural.

    Looked for up to the verb, or to "of", "in" and the like. A name in "s" is none, but for "Germans" and its kind.
    """
    for place, (word, after) in enumerate(zip(words, [*words[1:], ""], strict=True)):
        bare, following = word.lower(), after.lower()
        if bare in _ENDS or (place and _is_past(bare) and not _counts_or_grades(words[place - 1])):
            return False  # "what object eluded all efforts?"
        if not _is_plural(bare) or (word[0].isupper() and not bare.endswith("ans")):
            continue
        is_verb = bare in _VERBS or following in _OBJECTS
        return following in AUXILIARIES or not is_verb
    return False


def _is_past(word: str) -> bool:
    return len(word) > 4 and word.endswith("ed")


def _is_plural(word: str) -> bool:
    if word in _PLURAL:
        return True
    return (
        len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "’s", "'s")) and word not in _NOT_PLURAL
    )


def items_of(reading: Reading, rules: ListRules, *, several: bool = True) -> list[Span]:
    """The items one reading holds, in reading order, not overlapping.

    Tagged words first, then further spans where the question asks for several things; to one for a single thing they
    add what merely stands nearby.
    """
    text = reading.passage.text
    tagged = [item for item in _joined(text, reading.items) if item.score >= rules.tag]
    kept = list(tagged)
    for span in reading.spans:
        if span.score - reading.null_score < rules.span:
            continue
        inside = [t for t in kept if t.start < span.end and t.end > span.start]
        if not inside:
            kept += [span] if several else []
        elif len(inside) == 1 and span.start <= inside[0].start and span.end >= inside[0].end:
            kept[kept.index(inside[0])] = span  # the span is the tagged words with their article or ending
    parts = sorted(
        (
            Span(start=start, end=end, score=span.score)
            for span in kept
            for start, end in split_items(text, span.start, span.end, several=several)
        ),
        key=lambda s: s.start,
    )
    parts = _ranges(text, parts)
    return _completed(text, parts) if several else parts


def _ranges(text: str, items: Sequence[Span]) -> list[Span]:
    """Items with the two ends of a range as one: "between 1.55 m" and "1.95 m"."""
    joined: list[Span] = []
    for item in items:
        before = joined[-1] if joined else None
        if (
            before is not None
            and _AND.fullmatch(text, before.end, item.start)
            and _BETWEEN.search(text, max(0, before.start - _REACH), before.start + _REACH)
            and all(_QUANTITY.match(text, end.start, end.end) for end in (before, item))
        ):
            joined[-1] = Span(start=before.start, end=item.end, score=max(before.score, item.score))
        else:
            joined.append(item)
    return joined


def _completed(text: str, items: Sequence[Span]) -> list[Span]:
    """Items with the restrictive clause behind them, "clothing that is not detectable": without it they say too much.

    The clause ends at punctuation or a conjunction, and never reaches into the next item; one of more than
    `_CLAUSE_WORDS` words stays out.
    """
    completed: list[Span] = []
    for place, item in enumerate(items):
        stop = items[place + 1].start if place + 1 < len(items) else len(text)
        clause = _RESTRICTIVE.match(text, item.end, stop)
        end = clause.end() if clause is not None else item.end
        completed.append(Span(start=item.start, end=end, score=item.score))
    return completed


def _joined(text: str, spans: Sequence[Span]) -> list[Span]:
    """Tagged spans with nothing but a space or a hyphen between them are one."""
    joined: list[Span] = []
    for span in sorted(spans, key=lambda s: s.start):
        if joined and text[joined[-1].end : span.start] in ("", " ", "-"):
            before = joined.pop()
            span = Span(start=before.start, end=span.end, score=max(before.score, span.score))
        joined.append(span)
    return joined


def gather(readings: Sequence[Reading], best: tuple[Reading, Span], reread: Reread, rules: ListRules) -> list[Found]:
    """Every item of a list answer, starting from the reading and span that answer best.

    Each round takes the best reading left, keeps its items, takes the sentences they stand in away and reads what is
    left of the passages that held them. Stops when the best left clears neither `rules.reread` by its margin nor
    `rules.reread_tag` by its surest tag; only a reader with a tagging head gets past the first round.
    """
    found: list[Found] = []
    taken: list[tuple[str, int, int]] = []
    pool = list(readings)
    reading, span = best
    for turn in range(rules.rounds + 1):
        passage = reading.passage
        items = items_of(reading, rules) or [span]
        if not any(item.start < span.end and item.end > span.start for item in items):
            items.append(span)
        sentences = [_sentence(passage, item) for item in items]
        found += [(passage, item) for item in items]
        taken += [(passage.document_id, *place) for place in sentences]
        if turn == rules.rounds:
            break
        touched = [r for r in pool if any(_holds(r.passage, place) for place in taken)]
        pool = [r for r in pool if r not in touched]
        rest = [part for r in touched for part in without(r.passage, taken)]
        pool += reread(rest) if rest else []
        ranked = [(r.spans[0].score - r.null_score, r) for r in pool if r.spans]
        if not ranked:
            break
        margin, reading = max(ranked, key=lambda pair: pair[0])
        sure = max((item.score for item in reading.items), default=-math.inf)
        if margin < rules.reread or sure < rules.reread_tag:
            break
        span = reading.spans[0]
    return found


def _sentence(passage: Passage, span: Span) -> tuple[int, int]:
    """The sentences a span touches, in document offsets."""
    start, end = passage.start + span.start, passage.start + span.end
    touched = [s for s in passage.sentences if s[0] < end and s[1] > start]
    return (min(start, touched[0][0]), max(end, touched[-1][1])) if touched else (start, end)


def _holds(passage: Passage, place: tuple[str, int, int]) -> bool:
    document, start, end = place
    return passage.document_id == document and passage.start < end and passage.end > start


def without(passage: Passage, taken: Sequence[tuple[str, int, int]]) -> list[Passage]:
    """The runs of a passage's sentences that touch none of the places taken, each a passage of its own."""
    runs: list[list[tuple[int, int]]] = [[]]
    for sentence in passage.sentences:
        if any(doc == passage.document_id and start < sentence[1] and end > sentence[0] for doc, start, end in taken):
            runs.append([])
        else:
            runs[-1].append(sentence)
    parts = []
    for run in runs:
        if run:
            start, end = run[0][0], run[-1][1]
            text = passage.text[start - passage.start : end - passage.start]
            parts.append(
                Passage(
                    id=f"{passage.id}:{start}",
                    document_id=passage.document_id,
                    text=text,
                    start=start,
                    end=end,
                    sentences=tuple(run),
                )
            )
    return parts

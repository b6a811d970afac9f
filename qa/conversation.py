"""Earlier questions + a follow-up → the question as it is read.

A follow-up that leans on what was asked before ("who gave them?", "and on Sunday?") is read behind the questions it
leans on, which is how the readers were trained to take a conversation; one that stands alone is left as it is. Rules on
form only: pronouns without a noun before them, a question too short to stand alone, an opening that continues.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from index.function_words import ARTICLES, AUXILIARIES, PREPOSITIONS, QUESTION_WORDS
from index.text import word_set

MAX_TURNS = 2
"""How many earlier questions a follow-up may lean on, one through the other."""

MAX_CHARACTERS = 240
"""Of them and the follow-up together: readers give a question about 64 tokens and leave out what comes last."""

_POINTING = word_set("he him his she her hers it its they them their theirs this that these those there then one ones")
_FUNCTION = (
    ARTICLES
    | QUESTION_WORDS
    | AUXILIARIES
    | PREPOSITIONS
    | word_set(
        "and or but so not no yes please tell me i you we many much long far old often more most some any other else "
        "exactly"
    )
)
"""No noun that a pronoun could stand for, and nothing that a question is about."""
_CONTINUES = re.compile(
    r"(?:and|or|but|so|then|also)\b(?!\s*/)|(?:what|how)\s+about\b|(?:what|who|where|anything|anyone|something)\s+else\b"
    r"|why\s*(?:not|so)?\s*\??$|(?:in|on|at|by|for|from|to|with)\s+(?:(?:which|what)(?:\s+[\w’'-]+)?|whom)\s*\??$",
    re.IGNORECASE,
)
_TIMES = r"(?:day|week|month|year|night|morning|evening|season|time|one)s?"
_LINKS = "(?:of|to|from|in|on|at|by|for|with|about|before|after|and|or)"
_RELATIVE = re.compile(
    rf"\bthe\s+(?:{_TIMES}\s+(?:before|after|earlier|later)|(?:next|previous|following)\s+{_TIMES})\b"
    r"|\b(?:the|any)\s+other\b|\bthe\s+same\b|\bthe\s+latter\b"
    r"|\bthe\s+former(?:[’']|\s*[?.,]|\s*$|\s+(?:is|are|was|were|do|does|did|has|had)\b)",
    re.IGNORECASE,
)
_EXISTENTIAL = re.compile(
    r"\b(?:is|are|was|were|will|be|been)\s+there\b|\bthere\s+(?:is|are|was|were|will|any)\b", re.I
)
_SELF_CONTAINED = re.compile(
    r"\w\s+that\s+(?:the|a|an|is|are|was|were|has|have|had|he|she|it|they|can|could|will|did|do|(?-i:[A-Z])\w*)\b"
    # "the river that flows", "those who", "one reason", "one of the", "this article"
    rf"|\b(?:the|an?|any|every|all|which|of)\s+(?:(?!{_LINKS}\b)[\w’'-]+\s+){{1,2}}that\s+(?!{_TIMES}\b)(?=\w)"
    r"|\bthose\s+(?:who|that|which|whose)\b"
    rf"|(?<!which\s)(?<!the\s)\bone\s+(?=of\b|(?!(?:{'|'.join(sorted(_FUNCTION))})\b)\w)"
    r"|\bthis\s+(?:article|text|document|report|story|page|paper|book|file|passage)\b",
    re.IGNORECASE,
)
_IMPERSONAL = re.compile(
    r"\b(?:is|was|does|did|will|would)\s+it\s+"
    r"(?:take|mean|possible|true|necessary|cost|called|named|snow|rain)(?:\s+that\b)?",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """`text` is what is retrieved for and read; `leans_on` the earlier questions in it, oldest first, maybe none."""

    text: str
    leans_on: tuple[str, ...] = ()

    @property
    def understood_as(self) -> str | None:
        """The question as it was read, for people; None where it was read as asked."""
        return self.text if self.leans_on else None


def resolve(question: str, history: Sequence[str] = ()) -> Resolved:
    """Complete `question` from `history` (earlier questions, oldest first, those that were answered)."""
    asked = question.strip()
    earlier = [turn.strip() for turn in history if turn.strip()]
    if not asked or not earlier or not is_follow_up(asked):
        return Resolved(text=asked)
    chain = [earlier.pop()]
    while earlier and len(chain) < MAX_TURNS and is_follow_up(chain[0]):
        chain.insert(0, earlier.pop())
    while chain and sum(map(len, chain)) + len(asked) > MAX_CHARACTERS:
        del chain[0]
    if not chain:
        return Resolved(text=asked)
    return Resolved(text=" ".join([*chain, asked]), leans_on=tuple(chain))


def is_follow_up(question: str) -> bool:
    """Whether the question's form says that it leans on what was asked before."""
    if _CONTINUES.match(question) or _RELATIVE.search(question):
        return True
    plain = _SELF_CONTAINED.sub(" thing ", _EXISTENTIAL.sub(" ", _IMPERSONAL.sub(" ", question)))
    words = _WORD.findall(plain)
    named = False  # a name stands before the pronoun: "When did Kim say he would leave?"
    for place, word in enumerate(words):
        bare = re.sub(r"['’](?:s|re|ll|d|ve)$", "", word)
        if bare.lower() in _POINTING and not named:
            return True
        named = named or (place > 0 and bare[:1].isupper() and bare.lower() not in _FUNCTION)
    content = [w for w in words if w.lower() not in _FUNCTION]
    asks = any(w.lower() in QUESTION_WORDS for w in words[:2])
    return asks and len(content) == 0 and bool(words)


_SECOND_QUESTION = re.compile(
    r"[,;]?\s+and\s+(?=(?:(?:at|in|on|by|for|from|to|with|of)\s+)?(?:who|whom|whose|what|when|where|why|how|which)\b)",
    re.IGNORECASE,
)
_EMBEDDED = re.compile(  # "what he said", "when the train left", "what to do": a clause, not a question
    r"(?:who|whom|what|when|where|why|how)\s+(?:he|she|it|they|we|i|you|the|a|an|this|these|those|to)\b", re.IGNORECASE
)
_ASKS = re.compile(r"\b(?:who|whom|whose|what|when|where|why|how|which)\b", re.IGNORECASE)


def parts(question: str) -> tuple[str, ...]:
    """The questions in one sentence: "When did it open, and who built it?" is two. Usually one.

    A later part is given behind the first, which it leans on.
    """
    found = [part.strip(" ,;?") for part in _SECOND_QUESTION.split(question.strip())]
    if len(found) < 2 or len(found) > 3 or not all(_ASKS.match(p) or _ASKS.search(p) for p in found):
        return (question,)
    if any(_EMBEDDED.match(part) for part in found[1:]):
        return (question,)
    if any(len(_WORD.findall(part)) < 3 for part in found):  # "when and where was he born?" is one
        return (question,)
    return (f"{found[0]}?", *(f"{found[0]}? {part}?" for part in found[1:]))

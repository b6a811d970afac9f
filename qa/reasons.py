"""Why a question was declined, in one sentence for people. Rules on form only; they never decide whether to answer.

Beyond the stage that declined, two things can be seen without a model: that what came nearest is not of the kind asked
for (no number where a number was asked for, no time where a time was), and that the nearest sentence denies something
("no formal agreements have been reached"), which is what a question with a false premise usually runs into.
"""

from __future__ import annotations

import re
from typing import Literal

from qa.types import Stage

Kind = Literal["number", "time"]

_PLAIN: dict[Stage, str] = {
    "retrieval": "Nothing in it has to do with the question.",
    "reader": "No words in it answer the question.",
    "threshold": "What it says is too unsure an answer.",
}
_OTHER_KIND: dict[Kind, str] = {
    "number": "No words in it answer the question: what comes nearest names no number.",
    "time": "No words in it answer the question: what comes nearest names no time.",
}
_DENIED = "No words in it answer the question, and the sentence nearest to it denies something."

_ASKS: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    (
        "number",
        re.compile(
            r"\bhow\s+(?:many|much|far|long|old|tall|high|large|big|fast|deep|heavy|wide|often)\b"
            r"|\b(?:what|which)\s+(?:number|percentage|proportion|share|amount|price|distance|speed|age|weight)\b",
            re.IGNORECASE,
        ),
    ),
    (
        "time",
        re.compile(
            r"^(?:(?:and|so|but|or|since|by|until|from)\s+)?when\b|\b(?:what|which)\s+(?:year|day|date|month|century|decade)\b",
            re.IGNORECASE,
        ),
    ),
)
_NUMBER = re.compile(
    r"\d|\b(?:zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|\w+teen|twenty|thirty|forty|fifty|"
    r"sixty|seventy|eighty|ninety|hundreds?|thousands?|millions?|billions?|dozens?|half|third|quarter|once|twice|both|"
    r"double|single|several|few|many|most|all|none|no|never|always|rarely|often|every|daily|weekly|monthly|yearly)\b",
    re.IGNORECASE,
)
_TIME = re.compile(
    r"\b(?:january|february|march|april|may|june|july|august|september|october|november|december|\w+day|days?|"
    r"weeks?|months?|years?|centur(?:y|ies)|decades?|hours?|minutes?|mornings?|evenings?|nights?|noon|midnight|dawn|"
    r"dusk|spring|summer|autumn|winter|ago|before|after|during|when|while|until|since|now|soon|later|earlier|then|"
    r"yesterday|tomorrow|tonight|once|start|end|beginning|time|date)\b",
    re.IGNORECASE,
)
_DENIES = re.compile(
    r"\b(?:no|not|never|none|nobody|nothing|nowhere|neither|nor|cannot|without|den(?:y|ies|ied)|refus(?:e|es|ed)|"
    r"reject(?:s|ed)?|lack(?:s|ed)?|fail(?:s|ed)?)\b|n[’']t\b",
    re.IGNORECASE,
)


def kind_asked(question: str) -> Kind | None:
    """Whether a question asks for a number or a time; the last of several questions counts. None for anything else."""
    last = [part for part in re.split(r"(?<=\?)\s+", question.strip()) if part][-1:]
    return next((kind for kind, form in _ASKS if last and form.search(last[0])), None)


def is_of_kind(words: str, kind: Kind) -> bool:
    """Whether `words` may be a number, or a time: a digit is enough for both."""
    return bool(_NUMBER.search(words)) or (kind == "time" and bool(_TIME.search(words)))


def denies(sentence: str) -> bool:
    return bool(_DENIES.search(sentence))


def why(stage: Stage, question: str, *, found: str | None, nearest: str) -> str:
    """One sentence for why `question` was declined at `stage`.

    `found` are the words that came nearest to an answer, None where there were none; `nearest` the sentence shown.
    """
    if stage != "retrieval":
        kind = kind_asked(question)
        if kind is not None and found is not None and not is_of_kind(found, kind):
            return _OTHER_KIND[kind]
        if stage == "reader" and denies(nearest) and not denies(question):
            return _DENIED
    return _PLAIN[stage]

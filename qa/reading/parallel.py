"""Whether the parts of a coordination are things of one kind, judged by their form: the rules behind `items`.

A part is a "name" (capitals), a "number", a "definite" or "indefinite" phrase (by its determiner), or "plain" words.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_is_definite = re.compile(r"the|this|that|these|those|his|her|its|their|our|my|your|each|every|no", re.I).fullmatch
_is_indefinite = re.compile(r"a|an|some|any|another", re.I).fullmatch
_is_number = re.compile(
    r"\d.*|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|several|many|few", re.I
).fullmatch
_is_title = re.compile(
    r"(?:mr|mrs|ms|miss|dr|prof|professor|sir|lady|lord|king|queen|prince|princess|president|saint)\.?", re.I
).fullmatch
_is_suffix = re.compile(r"(?:jr|sr|inc|ltd|llc|plc|gmbh|co|phd|md|esq|ii|iii|iv)\.?", re.I).fullmatch
_is_preposition = re.compile(r"of|in|on|at|for|from|with|to|by|into|over|under|about|that|which|who|whose").fullmatch
_is_finite_verb = re.compile(
    r"is|are|was|were|has|have|had|will|would|can|could|may|might|shall|should|must|do|does|did"
).fullmatch
_starts_clause = re.compile(
    r"which|who|whose|whom|where|when|while|although|though|because|since|as|if|unless|until|but|so|then|thus|than"
    r"|according|respectively|etc\.?|including|he|she|it|they|we|I|you|there|this|that|is|are|was|were|has|have|had"
).fullmatch
_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\.?"
_BEFORE_YEAR = re.compile(rf"(?:{_MONTH}(?:\s+\d{{1,2}}(?:st|nd|rd|th)?)?|\d{{1,2}}\s+{_MONTH})\s*$")
_YEAR = re.compile(r"\d{4}\b")
_WEEKDAY = re.compile(r"\b(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day\s*$")
_DATE = re.compile(rf"(?:the\s+)?(?:\d{{1,2}}(?:st|nd|rd|th)?\s+(?:of\s+)?{_MONTH}|{_MONTH}\s+\d)")
_PARTICIPLE = re.compile(
    r"(?:[a-z]+ed|put|known|made|held|born|built|set|led|seen|given|taken)\s+(?:at|by|in|as|on|to|for)\b"
)
_RANGE = re.compile(r"\b(?:between|from\b.*\bto)\b", re.IGNORECASE | re.DOTALL)
_BETWEEN = re.compile(r"\bbetween\s*$", re.IGNORECASE)
_ADDITION = re.compile(r",\s|\s(?:that|which|who|whose|whom|where|when)\s")
_WORD = re.compile(r"[^\s“”‘\"()\[\]]+")
_MAX_WORDS = 30


class Part(NamedTuple):
    """A stretch between separators; `joint` is the separator before it in lower case, "" before the first."""

    start: int
    end: int
    joint: str


def participles(text: str, parts: list[Part]) -> int:
    """Count the parts that begin like "put at" or "led by": one alone adds to an item, several are items."""
    return sum(_PARTICIPLE.match(text, part.start, part.end) is not None for part in parts)


def adds_to(text: str, before: Part, part: Part, *, participle: bool) -> bool:
    """Whether a part behind a mere comma belongs to the item before it: a clause, a year, a suffix of a name.

    `participle` says whether one that begins with a participle does, too.
    """
    if part.joint != ",":
        return False
    left, right = text[before.start : before.end], text[part.start : part.end]
    words = _words(right)
    return bool(
        not words
        or _starts_clause(words[0])
        or (_is_suffix(words[0]) and len(words) == 1)
        or (_BEFORE_YEAR.search(left) and _YEAR.match(right))
        or (_WEEKDAY.search(left) and _DATE.match(right))
        or (participle and _PARTICIPLE.match(right))
    )


def is_series(text: str, parts: list[Part], *, before: int) -> bool:
    """Whether three or more parts are items of a list; `before` is where the span starts that they were cut from."""
    joints = [part.joint for part in parts[1:]]
    commas_only = all(joint in ",、，،;；" for joint in joints)
    if not commas_only and not joints[-1].strip(",;； "):
        return False  # the conjunction is not where a list has it
    if any(joint.strip(",;； ") for joint in joints[:-1]) and "," in joints:
        return False  # "a and b, c and d": which goes with which is not plain
    words = [_words(text[part.start : part.end]) for part in parts]
    sizes = [len(each) for each in words]
    if min(sizes) == 0 or max(sizes) > _MAX_WORDS:
        return False
    if _is_clause(text, parts[0]) and not all(_is_clause(text, part) for part in parts[1:]):
        return False  # "she was tired, hungry, and cold"
    if all(joint[0] in ";；" for joint in joints):
        return True
    kinds = [_kind(text, part) for part in parts]
    if kinds[0] == "indefinite" and all(kind == "plain" for kind in kinds[1:]) and max(sizes[1:-1]) == 1:
        return False  # "a long, cold and dark winter"
    names, described = kinds.count("name"), sum(kind in ("definite", "indefinite") for kind in kinds)
    if names and described and ((len(parts) == 3 and kinds[0] != kinds[1]) or min(names, described) >= 2):
        return False  # "his sister, Kim Yo Jong, and the minister": two people or three
    if names and any(re.fullmatch(r"\d{1,3}", text[part.start : part.end]) for part in parts[1:-1]):
        return False  # "Tran-Dubois, 57, and …": an age
    others = sum(sizes[1:]) / len(sizes[1:])
    return not (starts_sentence(text, before) and sizes[0] > 4 + 1.5 * others)


def is_pair(text: str, one: Part, two: Part, *, several: bool, before: int, after: int) -> bool:
    """Whether two parts are two things rather than one name, one idea or one phrase.

    `before` and `after` bound the span that they were cut from; for `several`, see `split_items`.
    """
    left, right = text[one.start : one.end], text[two.start : two.end]
    a, b = _words(left), _words(right)
    if not a or not b or max(len(a), len(b)) > _MAX_WORDS or two.joint == ",":
        return False
    if _RANGE.search(left) or _BETWEEN.search(text, max(0, before - 12), before) or _starts_clause(b[0]):
        return False
    if (starts_sentence(text, before) and text[after - 1] in ".!?") or _is_clause(text, one) or _is_clause(text, two):
        return False
    if two.joint[0] in ";；、，،":
        return True
    if two.joint[0] != "," and _ADDITION.search(left):
        return False  # "a man who had a boat and a dog"
    kinds = _kind(text, one), _kind(text, two)
    if kinds[1] in ("definite", "indefinite", "number") or _has_determiner(b):
        return kinds[0] != "plain" or several or len(a) <= 6
    if _share_a_noun(a, b) and not several:
        return False
    if kinds == ("name", "name"):
        return _are_two_names(text, one, two, several=several)
    if _has_determiner(a) and not several:
        return False  # "the costs and benefits"
    return several or (kinds == ("plain", "plain") and len(_head(a)) >= 2 and len(_head(b)) >= 2)


def starts_sentence(text: str, at: int) -> bool:
    """Whether a sentence or a line begins at `at`."""
    before = text[max(0, at - 40) : at].rstrip()
    return not before or before[-1] in '.!?:”"' or "\n" in text[at - 40 + len(before) if at > 40 else len(before) : at]


def _are_two_names(text: str, one: Part, two: Part, *, several: bool) -> bool:
    left, right = text[one.start : one.end], text[two.start : two.end]
    a, b = _words(left), _words(right)
    if re.search(r"\b(?:of|for|on)\b", left) or (_has_determiner(a) and not several):
        return False  # "Department of Health and Human Services", "the Ottoman and German empires"
    if several or (_is_title(a[0]) and _is_title(b[0])):
        return True
    if len(a) >= 2 and len(b) >= 2:
        return True
    elsewhere = text[: one.start] + "\n" + text[two.end :]
    return all(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", elsewhere) for name in (left, right))


def _share_a_noun(a: list[str], b: list[str]) -> bool:
    """Whether the second part seems to hold a noun that the first needs: "Spratly and Paracel Islands"."""
    return len(a) == 1 and 2 <= len(_head(b)) <= 3 and _plural(_head(b)[-1]) and not _plural(a[-1])


def _plural(word: str) -> bool:
    return word.endswith("s") and not word.endswith(("ss", "us", "is"))


def _kind(text: str, part: Part) -> str:
    words = _words(text[part.start : part.end])
    if not words:
        return "plain"
    if _is_number(words[0]):
        return "number"
    if _has_determiner(words) and len(words) > 1:
        if words[1][0].isupper():
            return "name"
        return "indefinite" if _is_indefinite(words[0]) else "definite"
    sentence_case = starts_sentence(text, part.start) and len(words) > 1 and not words[1][0].isupper()
    return "name" if words[0][0].isupper() and not sentence_case else "plain"


def _has_determiner(words: list[str]) -> bool:
    return bool(_is_definite(words[0]) or _is_indefinite(words[0]))


def _is_clause(text: str, part: Part) -> bool:
    """Whether a part has a finite verb of its own, not one in a clause that only adds to it."""
    main = _ADDITION.split(text[part.start : part.end], maxsplit=1)[0]
    return any(_is_finite_verb(word) for word in _words(main))


def _head(words: list[str]) -> list[str]:
    """The words before the first preposition or relative pronoun."""
    stop = next((n for n, word in enumerate(words) if n and _is_preposition(word)), len(words))
    return words[:stop]


def _words(text: str) -> list[str]:
    return _WORD.findall(text)

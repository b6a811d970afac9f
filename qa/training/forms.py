"""Other ways in which people type a question: misspelt, as keywords, behind an earlier one."""

from __future__ import annotations

import random
import re
from collections import defaultdict

from qa.training.questions import Example

STOP_WORDS = frozenset(
    "a an and are as at be been by can could did do does for from had has have he her his how in is it its of on or "
    "she that the their them they this to was were what when where which who whom whose why will with would".split()
)


def misspell(question: str, rng: random.Random) -> str:
    """One or two slips of the fingers in the longer words."""
    letters = list(question.rstrip("?"))
    places = [i for i in range(1, len(letters) - 1) if letters[i].isalpha() and letters[i + 1].isalpha()]
    for _ in range(min(len(places), rng.choice((1, 2, 2, 3)))):
        i = rng.choice(places)
        kind = rng.random()
        if kind < 0.4:
            letters[i], letters[i + 1] = letters[i + 1], letters[i]
        elif kind < 0.75:
            letters[i] = ""
        elif kind < 0.9:
            letters[i] += letters[i]
        else:
            letters[i] = rng.choice("abcdefghiklmnoprstuwy")
    return "".join(letters)


def keywords(question: str) -> str:
    """The question as typed into a search box: content words alone."""
    words = re.findall(r"[\w'’-]+", question)
    kept = [w for w in words if w.lower() not in STOP_WORDS]
    return " ".join(kept) if 2 <= len(kept) <= 8 else question


def pronoun(question: str, before: str, rng: random.Random) -> str | None:
    """`question` with a name that `before` already gave replaced by a pronoun, or None where they share no name."""
    names = re.findall(r"(?<!^)\b[A-Z][\w’'-]+(?: (?:of |the |de )?[A-Z][\w’'-]+)*", question)
    for name in sorted(names, key=len, reverse=True):
        if name in before:
            owner = re.search(re.escape(name) + r"[’']s\b", question)
            if owner:
                return question.replace(owner.group(), rng.choice(("his", "its", "their", "her")), 1)
            return question.replace(name, rng.choice(("he", "it", "they", "she", "this", "that")), 1)
    return None


def vary(examples: list[Example], rng: random.Random, *, share: float) -> None:
    """Add another form to `share` of the questions, in place: two fifths misspelt, one keywords, two follow-ups."""
    by_context: dict[int, list[Example]] = defaultdict(list)
    for e in examples:
        by_context[e.context].append(e)
    for e in examples:
        dice = rng.random()
        if dice < 0.4 * share:
            e.variants.append(misspell(e.question, rng))
        elif dice < 0.6 * share:
            e.variants.append(keywords(e.question))
        elif dice < share and len(by_context[e.context]) > 1:
            before = rng.choice(by_context[e.context])
            if before is not e and len(before.question) < 120:
                short = pronoun(e.question, before.question, rng)
                e.variants.append(f"{before.question} {short or e.question}")

"""Words as metrics compare them: the official SQuAD normalisation, and one that knows more than ASCII."""

from __future__ import annotations

import re
import string
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_ASCII_PUNCTUATION = str.maketrans("", "", string.punctuation)
_WORD = re.compile(r"\w+")
_ARTICLE_WORDS = frozenset({"a", "an", "the"})
_JOINING = frozenset({"and", "or"})


def normalise_official(text: str) -> str:
    """Lower-case, then without ASCII punctuation, then without a, an and the, then single spaces.

    The definition of SQuAD's evaluation scripts, versions 1.1 and 2.0 (Rajpurkar et al. 2016, section 6.1): dashes and
    curly quotes stay, and "A" or "-" leave nothing.
    """
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_ASCII_PUNCTUATION)).split())


def normalise(text: str) -> str:
    """The official normalisation, and on top of it the same for all of Unicode.

    Compatibility forms and case are folded, and every character that Unicode calls punctuation or format (curly quotes,
    dashes, soft hyphens) goes. Where nothing is left the official result stands, and where that is empty the folded
    text: what the official one calls equal is equal here unless it left nothing, and only blanks become the empty text.
    """
    official = normalise_official(text)
    folded = unicodedata.normalize("NFKC", official).casefold()
    kept = "".join(char for char in folded if not unicodedata.category(char).startswith(("P", "Cf")))
    kept = " ".join(_ARTICLES.sub(" ", unicodedata.normalize("NFKC", kept)).split())
    return kept or official or " ".join(text.casefold().split())


def exact_match(golds: Sequence[str], prediction: str) -> float:
    """1 where the normalised prediction equals a normalised gold, else 0; the empty text is "no answer".

    Golds that normalise to nothing are dropped, and where none is left only the empty prediction is right: the official
    rule of SQuAD 2.0, which a caller may want to warn about.
    """
    said = normalise_official(prediction)
    return float(any(normalise_official(gold) == said for gold in _official(golds)))


def token_f1(golds: Sequence[str], prediction: str) -> float:
    """The best F1 of the prediction's bag of words with a gold's, from 0 to 1; two empty bags agree.

    SQuAD's official definition (Rajpurkar et al. 2016, section 6.1; the script of version 2.0).
    """
    said = normalise_official(prediction).split()
    return max(_f1(normalise_official(gold).split(), said) for gold in _official(golds))


def empties(gold: str) -> bool:
    """Whether the official normalisation leaves nothing of a gold answer, so that it cannot count."""
    return bool(gold.strip()) and not normalise_official(gold)


def content_words(text: str, *, joined: bool = False) -> Iterator[tuple[int, int]]:
    """The places of the words that carry meaning: all but articles and, where `joined`, "and" and "or"."""
    skipped = _ARTICLE_WORDS | _JOINING if joined else _ARTICLE_WORDS
    found = [match.span() for match in _WORD.finditer(text)]
    kept = [(start, end) for start, end in found if text[start:end].casefold() not in skipped]
    yield from kept or found or ([(0, len(text))] if text else [])


def contains_words(whole: str, part: str) -> bool:
    """Whether the normalised words of `part` stand in `whole`, one after the other."""
    return f" {normalise(part)} " in f" {normalise(whole)} "


def _official(golds: Iterable[str]) -> list[str]:
    return [gold for gold in golds if normalise_official(gold)] or [""]


def _f1(gold: list[str], said: list[str]) -> float:
    if not gold or not said:
        return float(gold == said)
    same = sum((Counter(gold) & Counter(said)).values())
    if same == 0:
        return 0.0
    precision, recall = same / len(said), same / len(gold)
    return 2 * precision * recall / (precision + recall)

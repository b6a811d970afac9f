"""The words that a text or a language knows, and those among them that are near a given word."""

from __future__ import annotations

import functools
import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Self

from qa.reading import builtin

_LETTERS = re.compile(r"[^\W\d_]+")

_ENDINGS = (
    "ishly",
    "ness",
    "less",
    "able",
    "like",
    "ship",
    "ists",
    "est",
    "ers",
    "ist",
    "ish",
    "ful",
    "er",
    "or",
    "ly",
)
_SHORTEST_BARE = 4
"""What a known word with one of these endings is: a word, too, if letters enough are left."""

_LONG = 6
"""Letters from which two slips are taken for one word."""

_FREQUENT = 12_000
"""So many of the commonest words may be meant; a rarer one only where it stands in the documents."""


class Lexicon:
    """Words that are known, with their stems, and those among them that may be meant by a misspelt one.

    `forms` holds the words without case and accents, each with the form in which it is written; `meant` the words of
    plain letters by their first and their length.
    """

    def __init__(self, forms: Mapping[str, str], *, meant: Iterable[str], counts: Mapping[str, int]) -> None:
        self.forms = forms
        self._counts = counts
        self._stems = frozenset(stems(forms))
        self.meant: dict[tuple[str, int], list[str]] = {}
        for word in meant:
            if len(word) > 2 and word.isascii():
                self.meant.setdefault((word[0], len(word)), []).append(word)

    @classmethod
    def of_texts(cls, texts: Iterable[str]) -> Self:
        counts: Counter[str] = Counter()
        for text in texts:
            counts.update(_LETTERS.findall(text))
        forms: dict[str, str] = {}
        for form, _ in counts.most_common():
            plain = folded(form)
            if plain not in forms or (form.islower() and not forms[plain].islower()):
                forms[plain] = form  # the common noun rather than the same word at the start of a sentence
        return cls(forms, meant=forms, counts=counts)

    @classmethod
    def of_words(cls, words: Sequence[str]) -> Self:
        """`words` are in lower case, the commonest first; those after the first `_FREQUENT` are known but not meant."""
        return cls(dict(zip(words, words, strict=True)), meant=words[:_FREQUENT], counts={})

    def knows(self, word: str) -> bool:
        """Whether this is a word here, an inflection of one, or one with a longer ending ("commonest", "sampler")."""
        plain = folded(word)
        if plain in self.forms or stems([plain])[0] in self._stems:
            return True
        bare = next((plain[: -len(end)] for end in _ENDINGS if plain.endswith(end)), "")
        return len(bare) >= _SHORTEST_BARE and (bare in self.forms or f"{bare}e" in self.forms)

    def near(self, typed: str) -> dict[str, int]:
        """Words that may be meant by `typed`, with how many letters are added, left out, changed or swapped in each."""
        from rapidfuzz import process
        from rapidfuzz.distance import OSA

        reach = 1 if len(typed) < _LONG else 2
        found: dict[str, int] = {}
        for first in dict.fromkeys(typed[:2]):
            for length in range(len(typed) - reach, len(typed) + reach + 1):
                for word, distance, _ in process.extract_iter(
                    typed, self.meant.get((first, length), ()), scorer=OSA.distance, score_cutoff=reach
                ):
                    found[word] = int(distance)
        if len(typed) >= _LONG:
            for at in range(1, len(typed) - 1):
                swapped = typed[:at] + typed[at + 1] + typed[at] + typed[at + 2 :]
                if self.knows(swapped) and f"{swapped}e" not in self.forms and swapped[-1] != "i":
                    found[swapped] = 1  # an inflection of a word that is known
        return found

    def share_in(self, other: Lexicon) -> float:
        """The share of these words, as often as they are written, that `other` has; 0 for no words."""
        total = sum(self._counts.values())
        return sum(n for word, n in self._counts.items() if word.lower() in other.forms) / max(total, 1)


@functools.cache
def english() -> Lexicon:
    """Common English: the whole words of the built-in reader's vocabulary; no words without its file."""
    try:
        content = json.loads((builtin.MODELS / "small" / "tokenizer.json").read_text(encoding="utf-8"))
        vocabulary: dict[str, int] = content["model"]["vocab"]
    except (OSError, ValueError, KeyError, TypeError):
        return Lexicon.of_words(())
    words = [word for word in vocabulary if len(word) > 1 and word.isascii() and word.isalpha()]
    return Lexicon.of_words(sorted(words, key=vocabulary.__getitem__))


def folded(word: str) -> str:
    """Lower case, without accents."""
    if word.isascii():
        return word.lower()
    decomposed = unicodedata.normalize("NFKD", word.casefold())
    return "".join(char for char in decomposed if unicodedata.category(char) != "Mn")


def stems(words: Iterable[str]) -> list[str]:
    """The English stem of each word, in lower case."""
    import Stemmer

    found: list[str] = Stemmer.Stemmer("english").stemWords(list(words))  # one each: it is not safe in two threads
    return found

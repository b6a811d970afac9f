"""A misspelt question, spelt as the documents and common English spell it.

Rather a slip is left than a word changed that was meant: only words that neither the documents nor common English know
are looked at, only one clearly closest word takes their place, and a question most of whose unknown words have none is
left as it is, since it is in another language or about other things. Numbers, quotations, names and words in other
scripts are never touched, but for names of some length that are one slip away from one in the documents.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from index.text import word_set
from qa.lexicon import Lexicon, english, folded, stems

_WORD = re.compile(r"(?<![\w@#/.-])[^\W\d_]+(?:['’][^\W\d_]+)?(?![\w@/]|[-.]\w)")
"""A word that stands by itself: no part of a compound, a number, an address or a file's name."""
_QUOTED = re.compile(r"“[^”]*”|«[^»]*»|„[^“”]*[“”]|\"[^\"]*\"|(?<!\w)‘[^’]*’(?!\w)|(?<!\w)'[^']*'(?!\w)")
_ENDING = re.compile(r"['’](?:s|ll|re|ve|d)$", re.IGNORECASE)
_FUNCTION = word_set(
    "the are were did does do have what which who whom whose when where why how many much long often and or that this "
    "these those there with from by about into their its they him she it you your can could would should must might "
    "some other then been being because before after during between through while people"
)
"""Words short of which a slip is clear ("teh", "whn"), and which show for certain that a question is in English."""
_UNMARKED = word_set(
    "whos whats wheres whens hows whys thats theres heres lets im ive youre theyre dont doesnt didnt isnt arent wasnt "
    "werent cant couldnt wouldnt shouldnt wont hasnt havent hadnt"
)
"""Known although they lack their apostrophe: readers take them well."""
_SUFFIXES = word_set(
    "able al an ance ant ation e ed ence ent er ers est ful ial ian ic ing ion ise ish ism ist ity ive ize less ly "
    "ment ness or ry ship ty ward y"
)
"""What makes another word of a word."""
_SHORT = {"wat": "what", "wut": "what", "wot": "what", "wht": "what", "wen": "when", "wich": "which"}
"""What people type for a question word, although some of it is a word elsewhere."""
_FIRST = re.compile(r"\s*([^\W\d_]+)(?=\s+[^\W\d_])")
_SHARED = word_set("is of was had has her his for all may will than any over not")
"""English words that other languages have, too."""
_VOWELS = frozenset("aeiouy")

_KNOWN = _FUNCTION | _SHARED | _UNMARKED

_KEYWORDS = 4
"""So many words, at most, are keywords rather than a question."""

_LEAST_ENGLISH = 0.7
"""Share of the documents' words that common English knows, from which they are in English."""

_Change = tuple[int, int, str]
"""Where a word stands in the question, and what it is to be."""


class _Near(NamedTuple):
    """How near a known word is to the one typed; the least is the one that is meant."""

    distance: int
    unlike: int  # 0 letters swapped or doubled, 1 left out, 2 one too many or another vowel, 3 another letter
    rare: int  # 0 in the documents or a function word, 1 common English


class Spelling:
    """Corrects questions about some texts; safe to use from many threads.

    Words are collected when first needed. `common` gives common English; of no words, only the texts' are known.
    """

    def __init__(self, texts: Iterable[str], *, common: Callable[[], Lexicon] = english) -> None:
        self._texts = texts
        self._common = common
        self._lock = threading.Lock()
        self._about: _Texts | None = None

    def corrected(self, question: str) -> str:
        """The question with its misspelt words replaced; the same string where there are none."""
        question = self._spelt_out(question)
        words = list(_words(question))
        common = self._common()
        unsure = [(place, word) for place, word in words if _may_be_misspelt(word) and not common.knows(word)]
        if not unsure:
            return question
        about = self._texts_read()
        shouted = all(word[0].isupper() for _, word in words)
        found: list[_Change] = []
        left = 0
        for place, word in unsure:
            if about.written.knows(word):
                continue
            is_name = word[0].isupper() and not shouted and place != words[0][0]
            meant = about.meant(word, is_name=is_name)
            if meant is not None:
                found.append((place, place + len(word), meant))
            elif not is_name:
                left += 1
        if left > len(found) or 2 * len(found) > len(words) + 1:
            return question
        return _spliced(question, about.likely(words, found))

    def _spelt_out(self, question: str) -> str:
        """The question with a question word's short form at its beginning in full, where documents are in English."""
        first = _FIRST.match(question)
        meant = _SHORT.get(first[1].lower()) if first is not None else None
        if first is None or meant is None or not self._texts_read().in_english:
            return question
        meant = meant.capitalize() if first[1][0].isupper() else meant
        return question[: first.start(1)] + meant + question[first.end(1) :]

    def knows(self, word: str) -> bool:
        """Whether the documents have the word, in whatever form."""
        return self._texts_read().written.knows(word)

    def is_common(self, word: str) -> bool:
        """Whether common English has it."""
        return self._common().knows(word)

    def _texts_read(self) -> _Texts:
        with self._lock:
            if self._about is None:
                self._about = _Texts(self._texts, self._common())
            return self._about


class _Texts:
    """What the texts and common English know, and what a word that neither knows is meant to be."""

    def __init__(self, texts: Iterable[str], common: Lexicon) -> None:
        self.written = Lexicon.of_texts(texts)
        self._common = common
        self.in_english = self.written.share_in(common) >= _LEAST_ENGLISH

    def likely(self, words: Sequence[tuple[int, str]], found: list[_Change]) -> list[_Change]:
        """The changes to make: all where question and documents are in English, else those to the documents' words.

        Those only in a few keywords or a question mostly of the documents' words.
        """
        changed = {start: meant for start, _, meant in found}
        said = [word.lower() for place, word in words if place not in changed]
        said += [meant.lower() for start, end, meant in found if end - start > 3]
        is_english = any(word in _FUNCTION for word in said) or len(_SHARED.intersection(said)) > 1
        if is_english and self.in_english:
            return found
        familiar = sum(folded(changed.get(place, word)) in self.written.forms for place, word in words)
        if (len(words) > _KEYWORDS and self.in_english) or 2 * familiar < len(words):
            return []
        return [change for change in found if folded(change[2]) in self.written.forms]

    def meant(self, word: str, *, is_name: bool) -> str | None:
        """The known word that `word` misspells, as it is written; None where none or several are as near."""
        typed, forms = folded(word), self.written.forms
        distances = self.written.near(typed) | ({} if is_name else self._common.near(typed))
        near: list[tuple[_Near, str]] = []
        for known, distance in distances.items():
            rare = 0 if known in forms or known in _FUNCTION or known in _SHARED else 1
            slip = _Near(distance, _unlikeness(typed, known), rare)
            is_common = forms.get(known, known).islower()
            if _is_likely(slip, typed, known) and (is_common or _is_same_name(slip, typed, known, is_name)):
                near.append((slip, known))
        if not near:
            return None
        least, best = min(near)
        if len(set(stems(known for slip, known in near if slip == least))) > 1:
            return None
        form = forms.get(best, best)
        if is_name or not form.islower():
            return form
        return form.upper() if word.isupper() else form.capitalize() if word[0].isupper() else form


def _spliced(text: str, changes: Sequence[_Change]) -> str:
    for start, end, word in reversed(changes):
        text = text[:start] + word + text[end:]
    return text


def _words(question: str) -> Iterator[tuple[int, str]]:
    """The question's words outside of quotations, with their places; "'s" and its like are no part of them."""
    quoted = [match.span() for match in _QUOTED.finditer(question)]
    for match in _WORD.finditer(question):
        if not any(start <= match.start() < end for start, end in quoted):
            yield match.start(), _ENDING.sub("", match.group())


def _may_be_misspelt(word: str) -> bool:
    plain = folded(word)
    is_word = len(word) > 2 and plain.isascii() and plain.isalpha() and plain not in _KNOWN
    return is_word and (word[1:].islower() or (word.isupper() and len(word) > 4))  # "SCADA" may be an abbreviation


def _is_likely(slip: _Near, typed: str, known: str) -> bool:
    """Whether fingers may have slipped so: the shorter the word, the less it may be unlike."""
    if known[0] != typed[0] and (slip.distance, slip.unlike) != (1, 0):
        return False
    if min(len(typed), len(known)) < 4:
        return known in _FUNCTION and slip.distance == 1 and slip.unlike < 2
    if _is_derived(typed, known):
        return False
    if slip.distance == 2 and slip.unlike and len(typed) == len(known) + 2:
        return False  # nobody types two letters too many
    if slip.unlike == 3:
        return not slip.rare and len(typed) >= 6 + slip.distance
    return not slip.rare or len(typed) >= 2 + 2 * slip.distance + max(1, 2 * slip.unlike - 1)


def _is_same_name(slip: _Near, typed: str, known: str, is_name: bool) -> bool:
    """Names are often near to others', so a slip in one has to be plainer, most of all where a name is written."""
    if is_name:
        return slip.distance == 1 and slip.unlike < 2 and len(typed) >= 6
    return slip.unlike < 2 or (slip.unlike == 2 and (len(typed) == len(known) or len(typed) >= 9))


def _is_derived(typed: str, known: str) -> bool:
    """Whether both are words made of one stem, "hypothesize" and "hypothesis", so that none misspells the other."""
    for at in range(4, min(len(typed), len(known)) + 1):
        if typed[:at] != known[:at]:
            return False
        one, two = typed[at:], known[at:]
        if one in _SUFFIXES and two in {*_SUFFIXES, "", "s", "is", "es", "e"} and _consonants(one) != _consonants(two):
            return True
    return False


def _unlikeness(typed: str, known: str) -> int:
    """What kind of slip parts two words that are near: see `_Near.unlike`."""
    if sorted(typed) == sorted(known) or _single(typed) == _single(known):
        return 0
    if _is_within(typed, known):
        return 1
    if _is_within(known, typed) or _consonants(typed) == _consonants(known):
        return 2
    return 3


def _is_within(short: str, long: str) -> bool:
    """Whether the letters of `short` stand in `long` in their order."""
    rest = iter(long)
    return all(letter in rest for letter in short)


def _single(word: str) -> str:
    return re.sub(r"(.)\1", r"\1", word)


def _consonants(word: str) -> str:
    return "".join("a" if letter in _VOWELS else letter for letter in word)

"""Where words and numbers begin and end: what may not be cut, in any script."""

from __future__ import annotations

import unicodedata

import regex

from qa.visible import BREAK

_SPACELESS = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tibetan}]")
_HANGUL = regex.compile(r"\p{Hangul}")
_IN_NUMBERS = ".,'’٫٬"
_JOINERS = "-‐‑‒–−'’.,:/@&·⁄"
_BEFORE_NUMBERS = "-−+±<>≤≥~≈$€£¥₩₽#."
_AFTER_NUMBERS = "%‰°"


def is_word(character: str) -> bool:
    return character.isalnum() or character == "_" or unicodedata.category(character).startswith("M")


def inside_word(text: str, at: int) -> bool:
    """Whether a word or a number runs on over the boundary at `at`, whatever a citation says."""
    if not 0 < at < len(text):
        return False
    left, right = text[at - 1], text[at]
    if "\u200d" in (left, right) or unicodedata.category(right).startswith("M"):
        return True
    if is_word(left) and is_word(right):
        both = left + right
        return not (_SPACELESS.search(both) or (_HANGUL.search(left) and _HANGUL.search(right)))
    for mark in (at - 1, at):  # 1,500 and 1.5 are one number; can't is one word
        if 0 < mark < len(text) - 1:
            one, joiner, two = text[mark - 1], text[mark], text[mark + 1]
            if joiner in _IN_NUMBERS and one.isnumeric() and two.isnumeric():
                return True
            if joiner in "'’" and one in "nN" and two in "tT" and not text[mark + 2 : mark + 3].isalnum():
                return True
            if (joiner == BREAK or unicodedata.category(joiner) == "Cf") and is_word(one) and is_word(two):
                return True
    return False


def joined(text: str, at: int) -> bool:
    """Whether a neighbour belongs so closely that its coming or going changes what is said: -5, 5 %, non-, 's."""
    if not 0 < at < len(text):
        return False
    left, right = text[at - 1], text[at]
    if _HANGUL.search(left) and _HANGUL.search(right):
        return True
    if (left in _BEFORE_NUMBERS and right.isnumeric()) or (left.isnumeric() and right in _AFTER_NUMBERS):
        return True
    for mark in (at - 1, at):
        inside = 0 < mark < len(text) - 1 and text[mark] in _JOINERS
        if inside and is_word(text[mark - 1]) and is_word(text[mark + 1]):
            return True
    return False

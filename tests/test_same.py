"""When two quotes name the same thing, so that a list gives it once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.same import SAME, distinct

HOSTILE = st.text(
    alphabet=st.one_of(
        st.characters(exclude_categories=()), st.sampled_from("a the of and five 5 drones , ; ’-.\u0301")
    ),
    max_size=30,
)


def alike(one: str, two: str) -> float:
    return 1.0


def unlike(one: str, two: str) -> float:
    return 0.0


def never(one: str, two: str) -> float:
    raise AssertionError("meaning was asked for where the words decide")


def test_no_quotes_give_none():
    assert distinct([], never) == []


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("a vest", "the vest"),
        ("a vest", "A VEST"),
        ("STRASSE", "Straße"),
        ("5 drones", "five drones"),
        ("Vladivostok", "in Vladivostok"),
        ("Bank of England", "the Bank of England"),
        ("a vest", "a bulletproof vest"),
        ("a reconnaissance drone", "a ‘Geran-25’ reconnaissance drone"),
        ("five drones", "five drones with cameras"),
        ("two men", "two men who left"),
        ("Kim", "Kim Jong Un"),
        ("Jong Un", "Kim Jong Un"),
        ("…", "…"),
    ],
)
def test_the_same_thing_said_twice_is_one(one, two):
    assert distinct([one, two], unlike) == [0]
    assert distinct([two, one], unlike) == [0]


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("five drones", "six drones"),
        ("drones", "five drones"),
        ("5 May 2020", "5 May 2021"),
        ("1,500 men", "1.5 men"),
        ("sugar", "sugar beet"),
        ("tea", "tea leaves"),
        ("Jones", "Smith and Jones"),
        ("butter", "bread, butter"),
        ("North Korea", "South Korea"),
        ("red wine", "white wine"),
        ("his older brother", "his younger brother"),
        ("primary schools", "secondary schools"),
        ("Russia", "Russian"),
        ("art", "artist"),
        ("日本", "日本語"),
        ("of", "the"),
        ("…", "?"),
    ],
)
def test_different_things_stay_apart_however_alike(one, two):
    assert distinct([one, two], alike) == [0, 1]
    assert distinct([two, one], alike) == [0, 1]


@pytest.mark.parametrize(("cosine", "kept"), [(SAME, [0]), (SAME - 0.01, [0, 1])])
def test_the_same_number_of_the_same_noun_is_judged_by_meaning(cosine, kept):
    assert distinct(["five explosive drones", "five kamikaze drones"], lambda *_: cosine) == kept


def test_the_number_before_a_quote_belongs_to_it():
    quotes, close = ["explosive drones", "five kamikaze drones"], lambda *_: SAME
    assert distinct(quotes, close) == [0, 1]
    assert distinct(quotes, close, before=["including five ", "received “"]) == [0]
    assert distinct(quotes[::-1], close, before=["received “", "including five "]) == [0]
    assert distinct(quotes, close, before=["including six ", "received “"]) == [0, 1]
    assert distinct(quotes, close, before=["including five", ""]) == [0, 1]
    assert distinct(quotes, unlike, before=["including five ", ""]) == [0, 1]
    assert distinct(quotes, close, before=["including 5 ", ""], sentences=["one", "one"]) == [0, 1]
    assert distinct(["drones", "drones"], never, before=["five ", "six "]) == [0]
    assert distinct(["red wine", "two white wines"], alike, before=["a ", ""]) == [0, 1]


def test_one_sentence_does_not_say_a_thing_twice_in_other_words():
    quotes = ["two primary schools", "two secondary schools", "two junior schools"]
    assert distinct(quotes, alike, sentences=["one", "one", "two"]) == [0, 1]
    assert distinct(quotes, alike, sentences=["one", "one", "one"]) == [0, 1, 2]


def test_one_sentence_may_repeat_itself_word_for_word():
    assert distinct(["a vest", "a vest"], never, sentences=["one", "one"]) == [0]


def test_of_the_same_thing_the_first_is_kept_and_the_order_stays():
    assert distinct(["a vest", "five drones", "the vest", "rifles", "5 drones"], unlike) == [0, 1, 3]


@given(st.lists(HOSTILE, max_size=6), st.floats(-1, 1))
def test_any_words_can_be_compared(quotes, cosine):
    kept = distinct(quotes, lambda *_: cosine)
    assert kept == sorted(set(kept))
    assert kept[:1] == ([0] if quotes else [])
    assert distinct([quotes[place] for place in kept], lambda *_: cosine) == list(range(len(kept)))


@given(HOSTILE)
def test_a_quote_is_the_same_as_itself(quote):
    assert distinct([quote, quote], never) == [0]

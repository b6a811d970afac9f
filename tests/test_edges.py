"""Where spans may begin and end."""

from __future__ import annotations

import itertools

import pytest
import regex
from hypothesis import example, given
from hypothesis import strategies as st

from qa.reading.edges import cluster_ceil, cluster_floor, find_pairs, is_blank, tidy

HOSTILE = st.text(
    alphabet=st.one_of(
        st.characters(exclude_categories=()),
        st.sampled_from("ab1 \r\n\t.,;:'\"()[]“”‘’«»„-–—•\u200b\u200d\ufe0f\u00ad\u0301\u0e33"),
        st.sampled_from("👩🏽🇫🇷🇩각ᄀ日本語का்ק"),
    ),
    max_size=40,
)


def boundaries(text: str) -> set[int]:
    return {0, *(match.end() for match in regex.finditer(r"\X", text))}


@given(HOSTILE)
@example("\r\n")
@example("a\u0301\u0301b")
@example("🇫🇷🇩🇪🇫")
@example("👩🏽\u200d🚀")
@example("🇫🇫🇫\u0301🇫")
@example("\u0600🇫🇫🇫")
@example("😀😀🏽🇫😀\ufe0f😀")
@example("a\u200d👩")
@example(" \u0301x")
@example("नमस्ते क्षत्रिय")
@example("각가가")
def test_cluster_boundaries_are_those_of_the_whole_text(text):
    allowed = boundaries(text)
    for at in range(len(text) + 1):
        assert cluster_floor(text, at) == max(b for b in allowed if b <= at)
        assert cluster_ceil(text, at) == min(b for b in allowed if b >= at)


@given(HOSTILE, st.data())
def test_a_tidy_span_has_clean_edges_and_stays_as_it_is(text, data):
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(0, len(text)))
    place = tidy(text, start, end)
    if place is None:
        return
    first, after = place
    assert 0 <= first < after <= len(text)
    assert {first, after} <= boundaries(text)
    assert not is_blank(text[cluster_floor(text, after - 1)])
    assert not is_blank(text[first])
    assert text[first:after].strip() == text[first:after]
    assert tidy(text, first, after) == place


@pytest.mark.parametrize(
    ("text", "marked", "expected"),
    [
        ("It left on Sunday, at noon.", " on Sunday,", "on Sunday"),
        ("It left on Sunday.", "on Sunday.", "on Sunday."),
        ("the J. Smith & Sons Inc. works", "J. Smith & Sons Inc.", "J. Smith & Sons Inc."),
        ("about 250 kilometers (155 miles) away", "250 kilometers (155 miles", "250 kilometers (155 miles)"),
        ("about 250 kilometers (155 miles) away", "(155 miles", "(155 miles)"),
        ("about 250 kilometers (155 miles) away", "155 miles)", "(155 miles)"),
        ("about (roughly 155 miles) away", "155 miles)", "155 miles"),
        ("the anthem “Farewell of Slavianka” played", "Farewell of Slavianka”", "“Farewell of Slavianka”"),
        ("the anthem “Farewell of Slavianka” played", "“Farewell", "Farewell"),
        ('said "no, never" twice', 'no, never"', '"no, never"'),
        ('said "no, never" twice', '"no', "no"),
        ("a ‘Geran-25’ drone", "‘Geran-25", "‘Geran-25’"),
        ("the agencies’ reports", "the agencies’", "the agencies’"),
        ("Kim’s train", "Kim’s", "Kim’s"),
        ("“five drones and a ‘Geran-25’ drone” came", "five drones and a ‘Geran-25", "five drones and a ‘Geran-25’"),
        ("- a drain hose\n- a manual", "- a drain hose\n", "a drain hose"),
        ("• Share", "• Share", "Share"),
        ("below -5 degrees", "-5 degrees", "-5 degrees"),
        ("a hypersonic missile", "personic", "hypersonic"),
        ("cafe\u0301 au lait", "cafe", "cafe\u0301"),
        ("👩🏽\u200d🚀 flew", "👩", "👩🏽\u200d🚀"),
        ("\u200bword\u00ad ", "\u200bword\u00ad", "word"),
        ("東京、大阪", "大阪", "大阪"),
        ("東京、大阪", "京、", "京"),
    ],
)
def test_a_span_is_tidied_as_a_person_would_mark_it(text, marked, expected):
    start = text.index(marked)
    place = tidy(text, start, start + len(marked))
    assert place is not None
    assert text[place[0] : place[1]] == expected


@pytest.mark.parametrize("text", ["", " ", "\u200b\u00ad", ", ;", "—", "(", "”", "...", "\r\n"])
def test_nothing_worth_marking_gives_nothing(text):
    assert tidy(text, 0, len(text)) is None


def test_pairs_are_found_outermost_first_and_what_is_left_over_apart():
    text = 'it’s (b [c] "d") and “e) [f'
    inside, opened, closed = find_pairs(text, 0, len(text))
    assert [text[a:b] for a, b in inside] == ['(b [c] "d")']
    assert [text[at] for at in opened] == ["“", "["]
    assert [text[at] for at in closed] == [")"]


def test_long_runs_of_one_character_take_no_time_to_speak_of():
    for mark in ("\u0301", "\u200b", "🇫", "😀", " ", "\r\n", "日", "़", "각", "\u200d👩"):
        text = "a" + mark * 20_000 + "b"
        middle = len(text) // 2
        assert cluster_floor(text, middle) <= middle <= cluster_ceil(text, middle)
        tidy(text, 0, len(text))
        tidy(text, middle, len(text))


def test_a_mark_that_is_completed_and_left_out_in_turn_comes_to_rest():
    """A straight mark behind a letter closes nothing and opens nothing, whatever stands around it."""
    for text in map("".join, itertools.product('a" “”', repeat=5)):
        for start, end in itertools.combinations(range(len(text) + 1), 2):
            place = tidy(text, start, end)
            assert place is None or 0 <= place[0] < place[1] <= len(text)

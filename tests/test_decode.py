"""Logits to token spans, against a decoder that tries every span."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from qa.reading.decode import TokenSpan, best_spans, decode_tags, null_score

# Halves, so that ties are common and every sum is exact, also in half precision.
LOGITS = st.integers(-8, 8).map(lambda n: n / 2)
ROOMS = st.sampled_from([-1, 0, 0, 0, 1])


@st.composite
def windows(draw: st.DrawFn) -> tuple[list[float], list[float], list[int]]:
    size = draw(st.integers(1, 12))
    column = st.lists(LOGITS, min_size=size, max_size=size)
    return draw(column), draw(column), draw(st.lists(ROOMS, min_size=size, max_size=size))


def every_span(start: list[float], end: list[float], rooms: list[int], longest: int) -> list[TokenSpan]:
    return [
        TokenSpan(i, j + 1, start[i] + end[j])
        for i in range(len(start))
        for j in range(i, min(len(start), i + longest))
        if rooms[i] >= 0 and set(rooms[i : j + 1]) == {rooms[i]}
    ]


def by_brute_force(
    start: list[float], end: list[float], rooms: list[int], n_best: int, longest: int
) -> list[TokenSpan]:
    found: list[TokenSpan] = []
    for span in sorted(every_span(start, end, rooms, longest), key=lambda s: (-s.score, s.start, s.end)):
        if len(found) < n_best and all(span.end <= other.start or span.start >= other.end for other in found):
            found.append(span)
    return found


@given(windows(), st.integers(1, 6), st.integers(1, 14), st.sampled_from([np.float16, np.float32, np.float64]))
def test_the_best_spans_are_those_that_trying_every_span_finds(window, n_best, longest, dtype):
    start, end, rooms = window
    found = best_spans(
        np.array(start, dtype=dtype), np.array(end, dtype=dtype), rooms, n_best=n_best, max_tokens=longest
    )
    assert found == by_brute_force(start, end, rooms, n_best, longest)


def test_start_and_end_are_chosen_together():
    # Apart, the best start (3) is behind the best end (1).
    found = best_spans([0.0, 2.0, 0.0, 3.0], [0.0, 3.0, 0.0, 0.0], [0] * 4, n_best=1)
    assert found == [TokenSpan(1, 2, 5.0)]


def test_nothing_outside_the_passage_is_found():
    found = best_spans([9.0, 9.0, 0.0, 9.0], [9.0, 9.0, 0.0, 9.0], [-1, -1, 0, -1])
    assert found == [TokenSpan(2, 3, 0.0)]


def test_no_passage_tokens_give_no_spans():
    assert best_spans([1.0, 2.0], [1.0, 2.0], [-1, -1]) == []
    assert best_spans([], [], []) == []
    assert decode_tags(np.zeros((0, 3)), []) == []


def test_logits_that_are_not_finite_never_win():
    found = best_spans([math.nan, 1.0, math.inf], [2.0, -math.inf, 1.0], [0] * 3)
    assert found == [TokenSpan(1, 3, 2.0)]


def test_a_long_window_is_decoded_to_a_whole_sentence_at_most():
    tokens = 400
    start, end = np.zeros(tokens), np.zeros(tokens)
    start[0], end[tokens - 1] = 9, 9
    assert all(span.end - span.start <= 64 for span in best_spans(start, end, np.zeros(tokens, dtype=int)))


@pytest.mark.parametrize("options", [{"n_best": 0}, {"max_tokens": 0}])
def test_a_bound_below_one_is_refused(options):
    with pytest.raises(ValueError, match="at least 1"):
        best_spans([1.0], [1.0], [0], **options)


def test_arrays_of_different_lengths_are_refused():
    with pytest.raises(ValueError, match="shapes differ"):
        best_spans([1.0, 2.0], [1.0], [0])
    with pytest.raises(ValueError, match="expected"):
        decode_tags(np.zeros((3, 2)), [0] * 3)


def test_the_null_score_is_that_of_the_first_token_or_of_the_one_named():
    assert null_score([1.0, 5.0, 2.0], [2.0, 5.0, 4.0]) == 3.0
    assert null_score([1.0, 5.0, 2.0], [2.0, 5.0, 4.0], null=2) == 6.0


def tags_one_by_one(tags: np.ndarray, rooms: list[int], threshold: float) -> list[tuple[int, int]]:
    """The same reading of B, I, O as a state machine over probabilities."""
    spans: list[list[int]] = []
    open_span = False
    for at, row in enumerate(tags):
        chances = np.exp(row - row.max()) / np.exp(row - row.max()).sum()
        odds = math.log((chances[1] + chances[2]) / chances[0]) if chances[0] else math.inf
        if rooms[at] < 0 or odds <= threshold:
            open_span = False
        elif not open_span or rooms[at] != rooms[at - 1] or chances[1] > chances[2]:
            spans.append([at, at + 1])
            open_span = True
        else:
            spans[-1][1] = at + 1
    return [(start, end) for start, end in spans]


@given(
    st.integers(0, 10).flatmap(
        lambda size: st.tuples(
            arrays.arrays(np.float32, (size, 3), elements=st.floats(-6, 6, width=32)),
            st.lists(ROOMS, min_size=size, max_size=size),
        )
    ),
    st.sampled_from([-1.0, 0.0, 0.5]),
)
def test_tags_are_read_as_begin_inside_outside(drawn, threshold):
    tags, rooms = drawn
    found = decode_tags(tags, rooms, threshold=threshold)
    certain = [abs(np.logaddexp(r[1], r[2]) - r[0] - threshold) > 1e-5 for r in tags.astype(np.float64)]
    if all(certain) and all(abs(r[1] - r[2]) > 1e-6 or r[1] == r[2] for r in tags):
        assert [(s.start, s.end) for s in found] == tags_one_by_one(tags, rooms, threshold)
    assert all(span.score > threshold for span in found)


def test_an_inside_without_a_begin_begins_and_a_begin_ends_what_is_open():
    out, begin, inside = [4.0, 0.0, 0.0], [0.0, 4.0, 0.0], [0.0, 0.0, 4.0]
    found = decode_tags([out, inside, inside, begin, inside, out, begin], [0] * 7)
    assert [(s.start, s.end) for s in found] == [(1, 3), (3, 5), (6, 7)]


def test_a_tagged_span_goes_on_over_less_sure_words_but_not_over_separators():
    tags = [[0.0, -9.0, -0.5], [0.0, 3.0, 0.0], [0.0, -9.0, -1.0], [0.0, -9.0, -3.0], [0.0, -0.5, -9.0]]
    assert [(s.start, s.end) for s in decode_tags(tags, [0] * 5)] == [(1, 2)]
    found = decode_tags(tags, [0] * 5, keep=-1.5)
    assert [(s.start, s.end) for s in found] == [(0, 3)]
    assert found[0].score == pytest.approx(np.logaddexp(3.0, 0.0))


def test_the_score_of_a_tagged_span_is_the_mean_of_its_log_odds():
    found = decode_tags([[0.0, 1.0, -50.0], [0.0, -50.0, 2.0]], [0, 0])
    assert found == [TokenSpan(0, 2, pytest.approx(1.5))]

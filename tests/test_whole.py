"""Spans say what they mean: whole compounds, numbers with their units, items with content."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.reading.whole import says_something, whole


@pytest.mark.parametrize(
    ("text", "span", "question", "wanted"),
    [
        ("the family's male-line descendants", "the family's male", "", "the family's male-line"),
        ("a state-of-the-art plant", "state", "", "state-of-the-art"),
        ("flew at 27,360 ft above the sea", "27,360", "How high did it fly?", "27,360 ft"),
        ("8,340 metres (27,360 ft) up", "27,360", "How many feet up?", "27,360 ft"),
        ("in the 20th century", "the 20th", "When was that?", "the 20th century"),
        ("sold 400 million copies", "400", "How many were sold?", "400 million"),
        ("cost $9.7 billion in all", "$9.7", "What did it cost?", "$9.7 billion"),
        ("at −5 °C outside", "−5", "How cold was it?", "−5 °C"),
        ("some 30,000 pounds of fish", "30,000", "How much fish was caught?", "30,000 pounds"),
        ("the award of 30,000 pounds", "30,000", "prize amount pounds", "30,000 pounds"),
        # what the question names is not needed, and nothing is guessed
        ("some 30,000 pounds of fish", "30,000", "How many pounds of fish?", "30,000"),
        ("in the 20th century", "20th", "In which century?", "20th"),
        ("two centuries ago", "two", "", "two"),
        ("with 5 drones", "5", "", "5"),
        ("the Chicago-based firm", "Chicago", "", "Chicago"),
        ("from 1914-1918 on", "1914", "", "1914"),
        ("a 27-inch screen", "27", "", "27"),
        ("it ran 1.5 m/s", "1", "", "1"),
        ("5 minutesworth", "5", "", "5"),
        ("a male - or so", "male", "", "male"),
        ("male-", "male", "", "male"),
    ],
)
def test_spans_are_made_whole(text, span, question, wanted):
    start = text.index(span)
    first, after = whole(text, start, start + len(span), question=question)
    assert text[first:after] == wanted


@pytest.mark.parametrize("said", ["the", "c", "c)", "(iv)", "2.", "most", "(“Wanderer”)", "of the", "—", "later"])
def test_items_without_content_say_nothing(said):
    assert not says_something(f" {said} ", 1, 1 + len(said))


@pytest.mark.parametrize("said", ["851", "49", "C", "Kim", "the Katica", "HeartStream (2001)", "日本", "5 %", "no one"])
def test_what_has_content_does(said):
    assert says_something(said, 0, len(said))


@given(st.text(max_size=60), st.integers(0, 60), st.integers(0, 60), st.text(max_size=20))
def test_spans_only_grow_to_the_right(text, one, two, question):
    start, end = sorted((min(one, len(text)), min(two, len(text))))
    first, after = whole(text, start, end, question=question)
    assert first == start
    assert end <= after <= len(text)
    assert whole(text, first, after, question=question)[0] == first

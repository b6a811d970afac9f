"""Coordinated spans and bullet lists to items, and what must never be cut."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.reading.items import split_items


def items_of(text: str, marked: str, **options: bool) -> list[str]:
    start = text.index(marked)
    return [text[a:b] for a, b in split_items(text, start, start + len(marked), **options)]


@pytest.mark.parametrize(
    ("marked", "expected"),
    [
        ("a kite, a drum, and a lantern", ["a kite", "a drum", "a lantern"]),
        ("kites, drums and lanterns", ["kites", "drums", "lanterns"]),
        ("kites, drums, or lanterns", ["kites", "drums", "lanterns"]),
        ("Oslo, Bergen, and Tromsø", ["Oslo", "Bergen", "Tromsø"]),
        ("Oslo and Bergen and Tromsø", ["Oslo", "Bergen", "Tromsø"]),
        ("Lead, tin; copper, zinc; and gold", ["Lead, tin", "copper, zinc", "gold"]),
        ("1,200 cars, 350 vans, and 14 buses", ["1,200 cars", "350 vans", "14 buses"]),
        ("a drum (red, blue, and green), a kite, and a bell", ["a drum (red, blue, and green)", "a kite", "a bell"]),
        ("“Up, Down, and Out”, “Left”, and “Right”", ["“Up, Down, and Out”", "“Left”", "“Right”"]),
        ("20 hives and a fence", ["20 hives", "a fence"]),
        ("the kite and the drum", ["the kite", "the drum"]),
        ("both silk and cotton", ["silk", "cotton"]),
        ("loud music and bright lights", ["loud music", "bright lights"]),
        ("Ada Lovelace and Charles Babbage", ["Ada Lovelace", "Charles Babbage"]),
        ("Mr Evans and Ms Okafor", ["Mr Evans", "Ms Okafor"]),
        ("engineers Ada Lovelace and Charles Babbage", ["Ada Lovelace", "Charles Babbage"]),
        ("presents, including a kite, a drum, and a bell", ["a kite", "a drum", "a bell"]),
        ("three things: mending nets, salting fish, and singing", ["mending nets", "salting fish", "singing"]),
        ("the kite, put at 20 euros, and the drum", ["the kite, put at 20 euros", "the drum"]),
        ("a kite, which was torn, a drum, and a bell", ["a kite, which was torn", "a drum", "a bell"]),
        (
            "a kite, a drum and a bell, which was cracked and mute",
            ["a kite", "a drum", "a bell, which was cracked and mute"],
        ),
        ("bread and butter, salt, and tea", ["bread and butter", "salt", "tea"]),
        ("May 3, 2019, June 8, 2020, and July 1, 2021", ["May 3, 2019", "June 8, 2020", "July 1, 2021"]),
        ("東京、大阪、京都", ["東京", "大阪", "京都"]),
    ],
)
def test_a_list_in_a_sentence_is_split(marked, expected):
    assert items_of(f"They saw {marked} there.", marked) == expected


@pytest.mark.parametrize(
    "marked",
    [
        "a kite",
        "1,000",
        "Sunday, 3 May",
        "May 3, 2019",
        "Simon & Schuster",
        "Bosnia and Herzegovina",
        "Marks and Spencer",
        "Department of Health and Human Services",
        "research and development",
        "the costs and benefits",
        "a long, cold and dark winter",
        "the Spratly and Paracel Islands",
        "“red, white, and blue”",
        "(red, white, and blue)",
        "Kim Jong Un, the leader, and Vladimir Putin",
        "Ada Lovelace, 36, and Charles Babbage",
        "between the river and the road",
        "Paris, Texas",
        "an old man, who had a boat and a dog",
        "he was tired, hungry, and cold",
        "Jones, Inc., and",
    ],
)
def test_one_thing_stays_whole(marked):
    assert items_of(f"They saw {marked} there.", marked) == [marked]


def test_a_whole_sentence_of_clauses_stays_whole():
    text = "The storm took the roof of the old school by the river, the bridge, and the mill."
    assert items_of(text, text) == [text]
    two = "It rained. Cats, dogs, and mice came in."
    assert items_of(two, two) == [two]


def test_two_plain_words_are_two_items_where_the_question_asks_for_several():
    assert items_of("They grew wheat and barley there.", "wheat and barley") == ["wheat and barley"]
    assert items_of("They grew wheat and barley there.", "wheat and barley", several=True) == ["wheat", "barley"]
    name = "Department of Health and Human Services"
    assert items_of(f"The {name} said so.", name, several=True) == [name]


def test_two_names_are_two_where_each_also_stands_alone():
    text = "Clare and Galway were cut off. Clare has one road. Galway has two."
    assert items_of(text, "Clare and Galway") == ["Clare", "Galway"]
    assert items_of("Clare and Galway were cut off. Clare has one road.", "Clare and Galway") == ["Clare and Galway"]


@pytest.mark.parametrize("bullet", ["- ", "* ", "• ", "1. ", "2) ", "(a) ", "– ", "  - ", "iv. "])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_lines_with_bullets_are_items_without_them(bullet, line_end):
    lines = ["a drain hose", "a salt funnel, with its lid", "this manual"]
    listed = line_end.join(bullet + line for line in lines)
    text = f"In the box:{line_end}{listed}{line_end}{line_end}Unpack with care."
    assert items_of(text, listed) == lines
    assert items_of(text, f"In the box:{line_end}{listed}") == lines
    assert items_of(text, listed[len(bullet) :]) == lines


def test_a_line_without_a_bullet_carries_on_its_entry():
    text = "- a salt funnel\n  with its lid\n- this manual"
    assert items_of(text, text) == ["a salt funnel\n  with its lid", "this manual"]


def test_a_list_with_a_paragraph_behind_it_is_more_than_a_list():
    text = "- one\n- two\n\nThen they went home."
    assert items_of(text, text) == [text]


def test_a_span_that_is_none_is_refused():
    with pytest.raises(ValueError, match="not a span"):
        split_items("abc", 2, 2)
    with pytest.raises(ValueError, match="not a span"):
        split_items("abc", 0, 4)


@given(
    st.text(
        alphabet=st.one_of(st.sampled_from("aB1,; \r\n.-•()“”‘’'\"&:"), st.characters(exclude_categories=())),
        min_size=1,
        max_size=60,
    ),
    st.lists(st.sampled_from([", ", " and ", "; ", ", and ", "\n- ", " or ", "including "]), max_size=4),
    st.booleans(),
    st.data(),
)
def test_items_lie_in_order_within_the_span_whatever_the_text(text, joints, several, data):
    for joint in joints:
        at = data.draw(st.integers(0, len(text)))
        text = text[:at] + joint + text[at:]
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    items = split_items(text, start, end, several=several)
    assert items
    assert items[0][0] >= start
    assert items[-1][1] <= end
    assert all(first < after for first, after in items)
    assert all(one[1] <= two[0] for one, two in itertools.pairwise(items))


@pytest.mark.parametrize("unit", ["a, ", " and ", "(", "“", "- a\n", "a" * 9, " ", "\n", ": ", "including "])
def test_a_very_long_span_is_looked_at_once(unit):
    text = unit * (60_000 // len(unit))
    assert split_items(text, 0, len(text))

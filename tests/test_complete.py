"""As many items as a question wants, each with content, its unit and its brackets."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from scripted import passage, reading

from qa.choose import Choice, choose
from qa.complete import complete, least_count, stated_count
from qa.lists import ListRules, asks_for_several


def said(question: str, text: str, spans: Mapping[str, float], tags: Mapping[str, float] | None = None) -> list[str]:
    readings = [reading(passage(text), spans, tags=tags)]
    choice = choose(readings, several=asks_for_several(question), reread=lambda _: [], rules=ListRules())
    assert choice is not None
    done: Choice = complete(question, choice, readings)
    assert done.best == choice.best
    assert done.evidence == choice.evidence
    found = sorted(done.found, key=lambda item: item[1].start)
    return [p.text[s.start : s.end] for p, s in found]


@pytest.mark.parametrize(
    ("question", "count"),
    [
        ("Which two other honors were given that night?", 2),
        ("what three things did he say", 3),
        ("Please name the four rivers.", 4),
        ("What were her two balloons called?", 2),
        ("In what two ways can it end?", 2),
        ("List five of them", 5),
        ("What share came from the three commonest moths?", None),
        ("Which two of them and", None),
        ("What is the two step flow?", None),
        ("How many are the two of us?", None),
        ("Who left at two?", None),
    ],
)
def test_a_question_says_how_many_it_wants(question, count):
    assert stated_count(question) == count


@pytest.mark.parametrize(
    ("question", "least"),
    [
        ("How old are the boy and the girl?", 2),
        ("Between which temperatures can zinc be worked?", 2),
        ("How much was it worth in China and in the US?", 2),
        ("from where to where?", 2),
        ("Which treaty and which earlier law shaped it?", 2),
        ("what were the Roman city and the later settlement called", 2),
        ("Which towns and villages lie there?", 1),
        ("Which three rivers?", 3),
        ("How old is the boy?", 1),
        ("Where did he live in 1990 and 1991?", 1),
        ("When did Ann and Bob meet?", 1),
    ],
)
def test_two_things_may_be_asked_for_without_a_number(question, least):
    assert least_count(question) == least


COUSINS = "Nancy Ward warned them. Her cousin Dragging Canoe led the attack. Samuel stayed at home."


def test_bars_are_lowered_until_the_stated_number_is_found():
    spans = {"Nancy Ward": 10.0, "Dragging Canoe": -1.0, "Samuel": -1.5}
    assert said("Which two cousins play a part?", COUSINS, spans) == ["Nancy Ward", "Dragging Canoe"]
    assert said("Which three people play a part?", COUSINS, spans) == ["Nancy Ward", "Dragging Canoe", "Samuel"]
    assert said("Which cousin plays a part?", COUSINS, spans) == ["Nancy Ward"]


def test_what_is_far_below_the_best_is_never_given():
    assert said("Which two cousins play a part?", COUSINS, {"Nancy Ward": 10.0, "Samuel": -7.0}) == ["Nancy Ward"]


def test_a_plural_wants_two_where_the_second_is_nearly_as_good():
    spans = {"Nancy Ward": 8.0, "Dragging Canoe": 3.0, "Samuel": 2.5}
    assert said("Which people play a part?", COUSINS, spans) == ["Nancy Ward", "Dragging Canoe"]
    assert said("Which people play a part?", COUSINS, {"Nancy Ward": 8.0, "Samuel": -2.5}) == ["Nancy Ward"]


def test_what_is_added_is_of_the_same_form_and_says_something_else():
    text = "Nancy Ward and Ward came in 1776 with the people."
    assert said("Which two people came?", text, {"Nancy Ward": 9.0, "1776": 5.0, "the": 4.0}) == ["Nancy Ward"]
    twice = "Nancy Ward came. Then Ward left."
    assert said("Which two people came?", twice, {"Nancy Ward": 9.0, "Ward": 5.0}) == ["Nancy Ward"]


def test_what_is_added_is_parted_as_lists_are():
    text = "Foyerline lets people in. So do Teatro Ombrelli, Klubb Nattskift and Renholm."
    spans = {"Foyerline": 6.0, "Teatro Ombrelli, Klubb Nattskift and Renholm": 2.0}
    wanted = ["Foyerline", "Teatro Ombrelli", "Klubb Nattskift", "Renholm"]
    assert said("Which venues let people in?", text, spans) == wanted


def test_added_spans_are_as_wide_as_their_tags():
    text = "Compared with a diatomic gas and a monatomic gas."
    found = said("With what kinds of gas?", text, {"monatomic": 5.0, "diatomic": 3.5}, {"diatomic gas": 0.6})
    assert found == ["diatomic gas", "monatomic"]


def test_more_than_the_stated_number_loses_what_is_clearly_weaker():
    text = "Somatic, autonomic, enteric systems."
    tags = {"Somatic": 5.0, "autonomic": 4.8, "enteric": 2.0}
    assert said("What two systems are there?", text, {"Somatic": 12.0}, tags) == ["Somatic", "autonomic"]
    even = dict.fromkeys(tags, 5.0)
    assert said("What two systems are there?", text, {"Somatic": 12.0}, even) == list(tags)
    assert said("What systems are there?", text, {"Somatic": 12.0}, tags) == list(tags)


def test_items_without_content_are_left_out_and_open_brackets_closed():
    text = "the Katica and the Vándor, (“Wanderer”), HeartStream (later bought)"
    tags = {"Katica": 5.0, "Vándor": 5.0, "(“Wanderer”)": 4.0, "HeartStream (later": 4.0}
    assert said("What were the balloons called?", text, {"Katica": 12.0}, tags) == ["Katica", "Vándor", "HeartStream"]


def test_an_item_ends_before_words_that_lead_on():
    text = "They pay EUR 15,000 for a year and the costs of travel in the country."
    assert said("Which sums do they pay?", text, {"EUR 15,000 for a": 9.0, "the costs of": 8.0}) == [
        "EUR 15,000", "the costs",
    ]  # fmt: skip
    assert said("Which sum?", text, {"EUR 15,000 for a": 9.0}) == ["EUR 15,000 for a"]
    ends = {"what they came for": 9.0, "the boat": 8.0}
    assert said("Which things?", "They got the boat and what they came for.", ends) == [
        "the boat",
        "what they came for",
    ]


def test_a_single_answer_stays_whatever_it_is():
    assert said("Which letter?", "It was c) then.", {"c": 9.0}) == ["c"]
    assert said("How high?", "At 27,360 ft it froze.", {"27,360": 9.0}) == ["27,360 ft"]


def test_entries_of_a_list_come_together():
    text = "What went well\n- Nobody was hurt\n- The tool worked"
    assert said("What went well?", text, {"Nobody was hurt": 9.0}) == ["Nobody was hurt", "The tool worked"]


@pytest.mark.parametrize(
    ("question", "answer", "items"),
    [
        ("Who wrote the song?", "Ada Brown and Carl Dale", ["Ada Brown", "Carl Dale"]),
        ("Who wrote the song?", "Ada Brown", ["Ada Brown"]),
        ("Which town is it?", "Old Perm, Great Artyom and New Sofia", ["Old Perm", "Great Artyom", "New Sofia"]),
        ("Which side won?", "Old Perm and the Great Union", ["Old Perm", "the Great Union"]),
        ("Which house is it?", "Lake Hotel and Old Resort", ["Lake Hotel and Old Resort"]),
        ("How many came?", "60,000 men and 50,000 women", ["60,000 men and 50,000 women"]),
        ("Who came?", "a tall man and a dog", ["a tall man and a dog"]),
    ],
)
def test_names_that_answer_together_are_items_of_their_own(question, answer, items):
    assert said(question, f"It was {answer} that year.", {answer: 9.0}) == items

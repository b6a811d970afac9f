"""The spans chosen among many passages, and what speaks for them."""

from __future__ import annotations

import dataclasses
import math
import random
import re
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripted import ScriptedReader, passage, reading

from index.types import Passage
from qa.choose import DOUBT, FARTHEST_LEAD, Choice, choose, worth_reading
from qa.lists import ListRules
from qa.types import Reading, Span

RULES = ListRules()
TEXT = "The governor gave Kim five drones, a warm vest and a train set."
SPEAKS = reading(passage(TEXT, identity="answer"), {"five drones": 9.0, "a train set": 2.0}, null=-1.0)


def no_reread(passages: Sequence[Passage]) -> Sequence[Reading]:
    raise AssertionError("nothing is left to read again")


def chosen(readings: Sequence[Reading], *, several: bool = False) -> Choice:
    choice = choose(readings, several=several, reread=no_reread if not several else lambda _: [], rules=RULES)
    assert choice is not None
    return choice


def quotes(choice: Choice) -> list[str]:
    return [part.text[span.start : span.end] for part, span in choice.found]


def unrelated(count: int) -> list[Reading]:
    """Passages that do not answer: a poor span each and a large no-answer score, as a trained reader gives them."""
    rng = random.Random(count)
    made = []
    for n in range(count):
        text = f"Passage {n} speaks of the weather in town number {n}."
        spans = {"the weather": rng.uniform(-4, 1), f"town number {n}": rng.uniform(-6, -4)}
        made.append(reading(passage(text, identity=str(n), document=f"d{n}"), spans, null=rng.uniform(6, 9)))
    return made


@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("count", [5, 50, 500])
def test_unrelated_passages_change_neither_the_choice_nor_the_evidence(count, several):
    others = unrelated(count)
    expected = chosen([*others[:1], SPEAKS], several=several)
    for at in (0, count // 2, count):
        choice = chosen([*others[:at], SPEAKS, *others[at:]], several=several)
        assert choice.found == expected.found
        assert choice.best == (SPEAKS.passage, SPEAKS.spans[0])
        assert choice.evidence.margin == expected.evidence.margin == 10.0
        assert choice.evidence.own_margin == expected.evidence.own_margin == 10.0
        assert choice.evidence.lead == 7.0  # over the train set, in the passage itself


@pytest.mark.parametrize("count", [5, 500])
def test_no_number_of_unrelated_passages_makes_an_answer(count):
    assert chosen(unrelated(count)).evidence.own_margin < -4


def test_a_sharper_passage_wins_over_a_surer_one():
    """Raw scores are compared: a passage with one poor span alone would win any comparison of softmaxes."""
    poor = reading(passage("Nothing here.", identity="poor"), {"Nothing": 1.0}, null=-12.0)
    assert chosen([poor, SPEAKS]).best[0].id == "answer"


def test_the_pooled_no_answer_score_is_the_smallest():
    doubts = reading(passage("Kim was there.", identity="other", document="e"), {"Kim": 1.0}, null=-5.0)
    evidence = chosen([doubts, SPEAKS]).evidence
    assert evidence.margin == 14.0
    assert evidence.own_margin == 10.0


def test_a_passage_that_was_not_read_never_decides():
    unread = [Reading(passage=p.passage, spans=(), null_score=math.inf) for p in unrelated(3)]
    assert chosen([*unread, SPEAKS]) == chosen([SPEAKS])


@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize(
    "readings",
    [
        [],
        [Reading(passage=passage(TEXT), spans=(), null_score=0.0)],
        [Reading(passage=passage(TEXT), spans=(), null_score=math.inf)] * 3,
        [reading(passage(TEXT), {}, tags={"five drones": 9.0})],
    ],
)
def test_no_spans_no_choice(readings, several):
    assert choose(readings, several=several, reread=no_reread, rules=RULES) is None


def test_the_first_of_equals_is_chosen():
    twins = [reading(passage(TEXT, identity=str(n), at=100 * n), {"five drones": 5.0}) for n in range(3)]
    assert chosen(twins).best[0].id == "0"
    assert chosen(twins[::-1]).best[0].id == "2"


@pytest.mark.parametrize(
    ("others", "lead"),
    [
        ({}, FARTHEST_LEAD),
        ({"a warm vest": 4.0}, 5.0),
        ({"five": 8.0}, FARTHEST_LEAD),  # within the answer
        ({"a warm vest": 9.0}, 0.0),
        ({"a warm vest": -90.0}, FARTHEST_LEAD),
    ],
)
def test_the_lead_is_over_the_best_that_says_something_else(others, lead):
    assert chosen([reading(passage(TEXT), {"five drones": 9.0} | others)]).evidence.lead == lead


def test_the_same_place_through_an_overlapping_passage_is_no_rival():
    cut = TEXT.index("Kim")
    again = reading(passage(TEXT[cut:], at=cut, identity="b"), {"five drones, a warm vest": 8.5})
    assert chosen([reading(passage(TEXT), {"five drones": 9.0}), again]).evidence.lead == FARTHEST_LEAD


def test_the_same_words_elsewhere_are_no_rival():
    again = reading(passage("Five Drones came.", at=500, identity="b"), {"Five Drones": 8.5})
    assert chosen([reading(passage(TEXT), {"five drones": 9.0}), again]).evidence.lead == FARTHEST_LEAD


def test_the_same_offsets_in_another_document_are_a_rival():
    text = TEXT.replace("five drones", "four trucks")
    other = reading(passage(text, document="e"), {"four trucks": 8.0})
    assert chosen([reading(passage(TEXT), {"five drones": 9.0}), other]).evidence.lead == 1.0


# One answer or several


def test_one_answer_is_the_best_span():
    assert quotes(chosen([SPEAKS])) == ["five drones"]


def test_items_that_are_surely_tagged_are_given_also_when_one_was_asked_for():
    tags = {"five drones": RULES.several_tag, "a warm vest": RULES.several_tag}
    assert quotes(chosen([reading(passage(TEXT), {"five drones": 9.0}, tags=tags)])) == ["five drones", "a warm vest"]


def test_untagged_spans_nearby_are_no_items_of_a_single_answer():
    spans = {"five drones": 9.0, "a train set": 8.5}
    tags = {"five drones": RULES.several_tag, "a warm vest": RULES.several_tag}
    assert quotes(chosen([reading(passage(TEXT), spans, tags=tags)])) == ["five drones", "a warm vest"]


@pytest.mark.parametrize(
    "tags",
    [
        {},
        {"five drones": 9.0},
        {"five drones": 9.0, "a warm vest": RULES.several_tag - 0.1},
        {"a warm vest": 9.0, "a train set": 9.0},  # away from the span
    ],
)
def test_else_the_span_alone(tags):
    assert quotes(chosen([reading(passage(TEXT), {"five drones": 5.0}, tags=tags)])) == ["five drones"]


def test_a_list_is_gathered():
    rule = ScriptedReader(
        lambda _, part: reading(part, {"one": 30.0, "two": 20.0}, tags={"one": 5.0, "two": 5.0}),
    )
    parts = [passage("Here is one thing.", identity="a"), passage("There is two.", at=50, identity="b")]
    choice = choose(
        rule.read("what things?", parts), several=True, reread=lambda rest: rule.read("", rest), rules=RULES
    )
    assert choice is not None
    assert quotes(choice) == ["one", "two"]
    assert choice.best[0].id == "a"


SCORES = st.floats(-30, 30)


@given(
    st.lists(st.tuples(SCORES, SCORES, SCORES | st.just(math.inf), st.booleans()), min_size=1, max_size=6),
    st.booleans(),
)
def test_what_is_chosen_was_read_and_the_evidence_is_bounded(scores, several):
    readings = []
    for n, (one, two, null, answers) in enumerate(scores):
        part = passage(TEXT, at=30 * n, identity=str(n))
        spans = sorted([Span(start=0, end=5, score=one), Span(start=8, end=12, score=two)], key=lambda s: -s.score)
        answers = answers and math.isfinite(null)
        readings.append(Reading(passage=part, spans=tuple(spans) if answers else (), null_score=null))
    choice = choose(readings, several=several, reread=lambda _: [], rules=RULES)
    if choice is None:
        assert not any(r.spans for r in readings)
        return
    best = max(r.spans[0].score - DOUBT * r.null_score for r in readings if r.spans)
    chosen_one = next(r for r in readings if r.passage == choice.best[0])
    assert choice.best[1].score - DOUBT * chosen_one.null_score == best
    assert choice.evidence.margin >= choice.evidence.own_margin
    assert all(map(math.isfinite, (choice.evidence.margin, choice.evidence.alone, choice.evidence.lead)))
    assert choice.evidence.lead <= FARTHEST_LEAD
    assert all(part in [r.passage for r in readings] for part, _ in choice.found)


SENTENCES = "The train left at noon. Kim got five drones from the governor. It rained."


def with_sentences(text: str) -> Passage:
    bounds = [(m.start(), m.end()) for m in re.finditer(r"[^.]+\.", text)]
    return dataclasses.replace(passage(text), sentences=tuple((a + (text[a] == " "), b) for a, b in bounds))


def test_the_sentence_of_the_best_span_is_read_alone():
    asked: list[Passage] = []

    def reread(passages: Sequence[Passage]) -> list[Reading]:
        asked.extend(passages)
        return [reading(passages[0], {"five drones": 4.0}, null=7.0)]

    whole = reading(with_sentences(SENTENCES), {"five drones": 12.0}, null=2.0)
    choice = choose([whole], several=False, reread=reread, rules=RULES)
    assert choice is not None
    [alone] = asked
    assert alone.text == "Kim got five drones from the governor." == SENTENCES[alone.start : alone.end]
    assert choice.evidence.alone == -3.0
    assert choice.evidence.own_margin == 10.0


def test_a_passage_of_one_sentence_is_not_read_again():
    one = reading(with_sentences("Kim got five drones from the governor."), {"five drones": 12.0}, null=2.0)
    choice = choose([one], several=False, reread=no_reread, rules=RULES)
    assert choice is not None
    assert choice.evidence.alone == choice.evidence.own_margin == 10.0


@pytest.mark.parametrize(("null", "best"), [(13.0, "answer"), (2.0, "other")])
def test_a_passage_that_doubts_its_own_span_counts_for_less(null, best):
    other = reading(passage("Kim got a train set.", identity="other", document="e"), {"a train set": 11.0}, null=null)
    assert chosen([other, SPEAKS]).best[0].id == best


TITLE = passage("Kim heads home from the Far East", identity="title")
BODY = passage(TEXT, identity="body")


@pytest.mark.parametrize(
    ("question", "passages", "read"),
    [
        ("Did his daughter come?", [TITLE, BODY], [BODY]),
        ("What is the headline?", [TITLE, BODY], [TITLE, BODY]),
        ("Did his daughter come?", [TITLE], [TITLE]),
        ("Did his daughter come?", [], []),
    ],
)
def test_a_heading_alone_is_read_only_where_there_is_nothing_else(question, passages, read):
    assert worth_reading(question, passages) == read


@pytest.mark.parametrize(
    "other",
    [
        passage("The ferry leaves at nine.", identity="short"),
        passage("Ferry at nine", identity="elsewhere", document="notes"),  # all that its document says
        passage("The ferry " * 20, identity="long"),
    ],
)
def test_what_is_no_heading_is_read(other):
    assert worth_reading("When does the ferry leave?", [BODY, other]) == [BODY, other]

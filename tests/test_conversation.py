"""Which questions lean on the ones before, what they are read as, and which are two questions in one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.conversation import MAX_CHARACTERS, MAX_TURNS, parts, resolve

FIRST = "What gifts did Kim receive?"
HOSTILE = st.text(
    alphabet=st.one_of(
        st.characters(exclude_categories=()),
        st.sampled_from("\r\n\x00\u200b\u00ad\u0301\u200d<>&{}%[]()*_`$\\’' ?.,"),
    ),
    max_size=120,
)
WORDS = st.lists(
    st.sampled_from(
        "and who what that the one of those this river Kim he it there is was flows day other , ? ’s".split()
    ),
    max_size=25,
).map(" ".join)


@pytest.mark.parametrize(
    "question",
    [
        "who gave them?",
        "and on Sunday?",
        "AND WHO GAVE THEM?",
        "But why?",
        "Why?",
        "Why not?",
        "When?",
        "How many?",
        "How long?",
        "In which city?",
        "By whom?",
        "What about Putin?",
        "How about the vest?",
        "What else?",
        "Who else was there?",
        "Are there any other gifts?",
        "Was he accompanied?",
        "Did she agree?",
        "What is his title?",
        "What's it called?",
        "Who's he?",
        "Where did it happen?",
        "How long did it last?",
        "When was that?",
        "Why did that happen?",
        "What was the result of that suit?",
        "Who wrote this?",
        "Is that true?",
        "What happened then?",
        "What happened the day before?",
        "What did he do the next day?",
        "What happened the following year?",
        "And the second one?",
        "Which one?",
        "Which ones broke?",
        "What did the latter say?",
        "Was the other one damaged?",
        "Who were the others and what did they want?",
        "Tell me more about them",
    ],
)
def test_a_question_that_leans_on_another_is_read_behind_it(question):
    resolved = resolve(question, [FIRST])
    assert resolved.text == f"{FIRST} {question}"
    assert resolved.leans_on == (FIRST,)
    assert resolved.understood_as == resolved.text


@pytest.mark.parametrize(
    "question",
    [
        "What gifts did Kim receive?",
        "wat gifts did kim recieve",
        "kim gifts",
        "gifts?",
        "Who is Kim?",
        "Who won?",
        "Why did the train stop?",
        "When did Kim say he would leave?",
        "Did Kim Jong Un bring his sister?",
        "What does Kim want for his birthday?",
        "How many drones are there?",
        "Is there a bridge in Berlin?",
        "Were there any speeches in the hall?",
        "Who said that the train had left?",
        "Is it true that Kim left on Sunday?",
        "How long does it take to travel to Vladivostok?",
        "Does it snow in Vladivostok?",
        "What is the name of the river that flows through Paris?",
        "Which animals that live in Africa are endangered?",
        "What happened to those who fled the city?",
        "What is one reason for the war?",
        "Name one of the gifts",
        "What is this article about?",
        "Who wrote this report on drones?",
        "What was the year of the battle?",
        "What is the day of rest?",
        "On what day of the week did Kim leave?",
        "Who was the former president of Korea?",
        "When is the next election?",
        "Where will the next round take place?",
        "Andorra's capital?",
        "Thenardier: who was the innkeeper?",
        "Orlando is in which state?",
    ],
)
def test_a_question_that_stands_alone_is_read_as_it_is(question):
    resolved = resolve(question, [FIRST])
    assert resolved.text == question
    assert resolved.leans_on == ()
    assert resolved.understood_as is None


@pytest.mark.parametrize("history", [[], [""], [" ", "\n\t"]])
def test_without_history_every_question_is_read_as_it_is(history):
    assert resolve("who gave them?", history).understood_as is None
    assert resolve("who gave them?", history).text == "who gave them?"


def test_only_the_last_question_is_leant_on_where_that_stands_alone():
    resolved = resolve("who gave them?", ["When did Kim leave?", FIRST])
    assert resolved.leans_on == (FIRST,)


def test_a_follow_up_to_a_follow_up_leans_on_both():
    resolved = resolve("and why?", [FIRST, "who gave them?"])
    assert resolved.leans_on == (FIRST, "who gave them?")
    assert resolved.text == f"{FIRST} who gave them? and why?"


def test_blank_turns_between_are_passed_over():
    assert resolve("who gave them?", [FIRST, "", "  "]).leans_on == (FIRST,)


def test_no_more_turns_than_the_bound_are_leant_on():
    history = [FIRST, *["and then?"] * 10]
    assert len(resolve("and after that?", history).leans_on) == MAX_TURNS


def test_long_turns_are_left_out_oldest_first():
    long = "What did Kim do on " + "the long day of " * 12 + "rest?"
    assert resolve("and why?", [long]).leans_on == (long,)
    assert resolve("and why?", [long, "and where did he do it?"]).leans_on == ("and where did he do it?",)


@pytest.mark.parametrize("turn", ["w" * 100_000, "who " * 25_000])
def test_a_turn_too_long_to_be_a_question_is_not_leant_on(turn):
    assert resolve("who gave them?", [turn]).text == "who gave them?"


def test_a_follow_up_that_fills_the_question_leans_on_nothing():
    """What comes last is what a reader leaves out, and that is the question itself."""
    question = "and " + "who of the many, many guests of the governor " * 5 + "gave them?"
    assert resolve(question, [FIRST]).text == question


def test_surplus_white_space_goes_and_the_words_stay():
    assert resolve("  who gave them?\n", [f"\t{FIRST} "]).text == f"{FIRST} who gave them?"


@given(question=HOSTILE | WORDS, history=st.lists(HOSTILE | WORDS, max_size=4))
def test_what_is_read_ends_with_what_was_asked(question, history):
    resolved = resolve(question, history)
    assert resolved.text.endswith(question.strip())
    assert len(resolved.leans_on) <= MAX_TURNS
    assert all(turn in [t.strip() for t in history] for turn in resolved.leans_on)
    assert resolved.text == " ".join([*resolved.leans_on, question.strip()])
    assert not resolved.leans_on or len(resolved.text) <= MAX_CHARACTERS + MAX_TURNS


@pytest.mark.parametrize(
    "question", ["that " * 400, "the a " * 300, "one " * 500, "is it " * 300, "the river " * 200 + "that"]
)
def test_a_question_made_of_one_pattern_is_judged_at_once(question):
    resolve(question, [question])
    parts(question)


# Two questions in one


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("When did it open, and who built it?", ("When did it open?", "When did it open? who built it?")),
        ("When did Kim leave and who saw him off?", ("When did Kim leave?", "When did Kim leave? who saw him off?")),
        ("Who gave the gifts; and what were they?", ("Who gave the gifts?", "Who gave the gifts? what were they?")),
        (
            "In what hall was it held, and at what time did it start?",
            ("In what hall was it held?", "In what hall was it held? at what time did it start?"),
        ),
        (
            "What did Kim do and how did Putin react and when did the train leave?",
            (
                "What did Kim do?",
                "What did Kim do? how did Putin react?",
                "What did Kim do? when did the train leave?",
            ),
        ),
        (
            "How many passengers were there, and how many crew?",
            ("How many passengers were there?", "How many passengers were there? how many crew?"),
        ),
    ],
)
def test_questions_joined_by_and_are_read_one_by_one(question, expected):
    assert parts(question) == expected


@pytest.mark.parametrize(
    "question",
    [
        "What gifts did Kim receive?",
        "When and where was he born?",
        "Who, what and when?",
        "Who met Kim and where?",
        "Which gifts and drones did he get?",
        "What is rock and roll?",
        "Did he leave and who saw him?",
        "Kim left on Sunday, and who saw him off?",
        "Who was the man who came and who stayed?",
        "What is the difference between what he said and what he did?",
        "What happens before the foundation is dug and when a final inspection is passed?",
        "What do I need for a cruet set and what to put in it?",
        "Who came in, and when was that, and why did they come, and how long did they stay, and where did they sleep?",
        "",
        "and who",
        "who and who and who and who",
    ],
)
def test_one_question_stays_one(question):
    assert parts(question) == (question,)


@given(question=HOSTILE | WORDS)
def test_parts_are_made_of_the_question(question):
    found = parts(question)
    assert 1 <= len(found) <= 3
    assert found == (question,) or all(part.endswith("?") and part.startswith(found[0]) for part in found)

"""Short questions about something that the documents never mention."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.about import is_of_nothing_here, is_put_to_the_assistant

DOCUMENT = {"kim", "kozlov", "train", "drones", "russia"}
ENGLISH = {"train", "bread", "quarrel", "the", "yoon", "who", "garment", "stone"}


def of_nothing(question: str) -> bool:
    return is_put_to_the_assistant(question) or is_of_nothing_here(
        question, in_documents=lambda w: w.lower() in DOCUMENT, in_english=lambda w: w.lower() in ENGLISH
    )


@pytest.mark.parametrize(
    "question",
    [
        "Who is Yoon?",
        "who is yoon",
        "Who was the Kozlow?",
        "What is a quark?",
        "What's Kotlin?",
        "what does kotlin do",
        "Where is Seoul?",
        "Who is Will?",
        "When was May born?",
        "When did Napoleon die?",
        "Tell me about Kotlin.",
        "What is Pride and Prejudice?",
    ],
)
def test_a_name_that_is_nowhere_is_nothing_here(question):
    assert of_nothing(question)


@pytest.mark.parametrize("question", ["hello", "Thanks!", "Thank you very much.", "ok", "good morning"])
def test_small_talk_is_about_nothing(question):
    assert of_nothing(question)


@pytest.mark.parametrize(
    "question",
    [
        "Who are you?",
        "what's your name",
        "Hi, how are you today?",
        "are you a robot?",
        "Can you help me please?",
        "what time is it",
        "What day is it today?",
    ],
)
def test_a_question_to_the_assistant_is_about_nothing(question):
    assert of_nothing(question)


@pytest.mark.parametrize(
    "question",
    [
        "Who are you going to send?",
        "What time is it in Vladivostok?",
        "Can you help me find the train?",
        "What can you do with a return ticket?",
        "Where are you allowed to park?",
    ],
)
def test_a_question_in_the_second_person_need_not_be_put_to_it(question):
    assert not of_nothing(question)


@pytest.mark.parametrize(
    "question",
    [
        "Good for whom?",
        "Was it good?",
        "Who is Kozlov?",
        "What is the train?",
        "What is a stone?",  # may stand there by another name
        "What is a garment?",
        "Who is Alexander Kozlov?",  # one of the words is there
        "Who is he?",
        "who was absent and why",  # names nobody
        "Who was elected?",
        "who is responsible",
        "What is this about?",
        "When was it?",
        "Who gave Yoon the quarks that he lost?",  # says more than a name: the reader's
        "Where did the farewell to Yoon take place?",
        "What is 42?",
        "Who?",
        "",
        "?",
    ],
)
def test_anything_else_is_left_to_the_reader(question):
    assert not of_nothing(question)


@given(question=st.text())
def test_any_text_is_judged(question):
    assert of_nothing(question) in (True, False)


def test_a_long_text_is_judged_at_once():
    assert not of_nothing("who is " + "a " * 5000)

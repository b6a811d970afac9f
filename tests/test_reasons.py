"""Why a question is declined: told from the question's form, the words found and the nearest sentence."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.reasons import denies, is_of_kind, kind_asked, why
from qa.types import Stage

STAGES: list[Stage] = ["retrieval", "reader", "threshold"]


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("How many drones did Kim get?", "number"),
        ("how much did it cost", "number"),
        ("At what speed does it fly?", "number"),
        ("When did the train leave?", "time"),
        ("In which year was it built?", "time"),
        ("Who opened it? When was that?", "time"),
        ("When did it open? Who built it?", None),
        ("Who was there?", None),
        ("What is special when it comes to bread?", None),
        ("How did they meet?", None),
        ("Who was there when it opened?", None),
        ("and when was that?", "time"),
        ("", None),
    ],
)
def test_the_kind_that_is_asked_for(question, kind):
    assert kind_asked(question) == kind


@pytest.mark.parametrize(
    ("words", "number", "time"),
    [
        ("five drones", True, True),
        ("1,500", True, True),
        ("on Sunday evening", False, True),
        ("before the war", False, True),
        ("a regional governor", False, False),
        ("most of them", True, True),
    ],
)
def test_what_may_be_a_number_and_what_a_time(words, number, time):
    assert (is_of_kind(words, "number"), is_of_kind(words, "time")) == (number, time)


@pytest.mark.parametrize(
    ("sentence", "denied"),
    [
        ("No formal agreements have been reached.", True),
        ("He didn’t sign it.", True),
        ("They refused to sign.", True),
        ("The notable knot was tied at noon.", False),
        ("They signed it.", False),
    ],
)
def test_a_sentence_that_denies(sentence, denied):
    assert denies(sentence) == denied


def test_words_of_another_kind_are_the_reason_before_a_denial():
    told = why("reader", "How many treaties did they sign?", found="the Kremlin", nearest="No treaty was signed.")
    assert told == "No words in it answer the question: what comes nearest names no number."


def test_a_denial_near_the_question_is_told():
    told = why("reader", "Which treaty did they sign?", found="the Kremlin", nearest="No treaty was signed.")
    assert told == "No words in it answer the question, and the sentence nearest to it denies something."


def test_a_question_that_denies_is_not_told_of_a_denial():
    told = why("reader", "Which treaty was not signed?", found=None, nearest="No treaty was signed.")
    assert told == "No words in it answer the question."


def test_an_unsure_answer_of_the_right_kind_is_called_unsure():
    assert why("threshold", "When was it?", found="in May", nearest="Not in May.") == (
        "What it says is too unsure an answer."
    )


@given(stage=st.sampled_from(STAGES), question=st.text(), found=st.none() | st.text(), nearest=st.text())
def test_any_text_gets_one_sentence_that_quotes_none_of_it(stage, question, found, nearest):
    """Documents and questions are hostile: a reason is one of a handful of sentences, whatever they say."""
    told = why(stage, question, found=found, nearest=nearest)
    assert told in {
        "Nothing in it has to do with the question.",
        "No words in it answer the question.",
        "What it says is too unsure an answer.",
        "No words in it answer the question: what comes nearest names no number.",
        "No words in it answer the question: what comes nearest names no time.",
        "No words in it answer the question, and the sentence nearest to it denies something.",
    }

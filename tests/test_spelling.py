"""Misspelt questions are spelt as the documents spell them; well-spelt ones, names and other languages are left."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted import finds
from word_embedder import WordEmbedder

from index.build import index_in_memory
from index.load import load_text
from qa.assistant import Assistant
from qa.lexicon import Lexicon, english
from qa.spelling import Spelling

TEXT = """The farewell ceremony took place at Artyom station. Workers measured the temperature of the intensive
program, closed the incident and inspected a reconnaissance drone. Natural Resources Minister Alexander Kozlov gave
Gandhi a warm vest from Vladivostok, and the river carried the boats."""
SPELLING = Spelling([TEXT])


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("wher did the farwell ceremny take place", "where did the farewell ceremony take place"),
        ("waht time was the inciddent closd", "what time was the incident closed"),
        ("what temprature is the intensiv program", "what temperature is the intensive program"),
        ("who recieved teh vest?", "who received the vest?"),
        ("Waht did the workers measrue?", "What did the workers measure?"),
        ("which dron was inpsected", "which drone was inspected"),
        ("WHERE WAS THE CERMONY", "WHERE WAS THE CEREMONY"),
        ("who met in vladivostock?", "who met in Vladivostok?"),
        ("what did Vladivsotok's workers do?", "what did Vladivostok's workers do?"),
        ("farwell ceremny station", "farewell ceremony station"),
    ],
)
def test_slips_are_corrected(typed, meant):
    assert SPELLING.corrected(typed) == meant


@pytest.mark.parametrize(
    "question",
    [
        "Where did the farewell ceremony take place?",
        "What did the drones inspect?",  # an inflection of what is written
        "Who is Koslow, and where is Vladivostock?",  # maybe somebody else
        "Did Ghandhi stay?",
        "who are the boaters?",
        "Which hypothesize or defector was there?",  # made of known stems
        "What does “farwell ceremny” mean?",
        "Is the Geran-25x or the ceremny_2 there?",
        "Where is https://farwell.ceremny/stashun?",
        "Wo fand die Abschiedszeremonie statt und wer bekam die Weste?",
        "Wann wurde der Vorfall geschlossen?",
        "Où a eu lieu la cérémonie d'adieu ?",
        "¿Dónde tuvo lugar la ceremonia?",
        "Где прошла церемония?",
        "告别仪式在哪里？",
        "whats the temperature",
        "which is the commonest of them",  # not "communist"
        "qwxzy plimf grabnost the vest",  # too much that nobody knows
        "",
        "?",
    ],
)
def test_what_may_be_meant_is_left(question):
    assert SPELLING.corrected(question) == question


def test_short_forms_of_question_words_are_written_in_full():
    english = Spelling(["The governor of the region gave him five drones and a warm vest on the day that he left."])
    assert english.corrected("wat did he get?") == "what did he get?"
    assert english.corrected("Wen did he leave") == "When did he leave"
    assert english.corrected("the wat of Angkor") == "the wat of Angkor"
    assert Spelling(["De trein vertrok op zondag naar de grens."]).corrected("Wat is dat?") == "Wat is dat?"


def test_a_word_with_two_likely_meanings_is_left():
    either = Spelling(["The marble was carved near the maple."])
    assert either.corrected("what is near the mable") == "what is near the marble"
    assert either.corrected("what is near the marple") == "what is near the maple"
    several = Spelling(["The hall and the hill are near."])
    assert several.corrected("what is near the haill") == "what is near the haill"


def test_a_word_the_documents_have_is_never_changed():
    assert Spelling(["The Farwell ceremny was long."]).corrected("where was the farwell ceremny") == (
        "where was the farwell ceremny"
    )


def test_documents_in_another_language_give_the_words_themselves():
    german = Spelling(["Die neue Brücke wurde am Montag vom Verkehrsminister in Köln eröffnet."])
    assert german.corrected("Wann wurde die Brücke vom Verkehrsministr eröffnet?") == (
        "Wann wurde die Brücke vom Verkehrsminister eröffnet?"
    )
    assert german.corrected("Wann wurde waht eröffnet?") == "Wann wurde waht eröffnet?"


def test_without_common_english_only_the_documents_words_are_meant():
    alone = Spelling([TEXT], common=lambda: Lexicon.of_words(()))
    assert alone.corrected("the farwell ceremony of the workers") == "the farewell ceremony of the workers"
    assert alone.corrected("waht ceremony of the workers") == "waht ceremony of the workers"


def test_well_spelt_questions_stay_as_they_are(dev_questions, article_text):
    """The seed set has a kind of question that is misspelt; none of the others may change."""
    spelling = Spelling([article_text])
    plain = [row["question"] for row in dev_questions if row["kind"] != "typo"]
    assert len(plain) > 40
    assert [q for q in plain if spelling.corrected(q) != q] == []


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet=st.one_of(st.characters(), st.sampled_from("farewl cmonyt’'\"“”-.?")), max_size=80))
def test_any_string_is_a_question(question):
    once = SPELLING.corrected(question)
    assert SPELLING.corrected(once) == once
    letters = [char for char in question if not char.isalpha()]
    assert [char for char in once if not char.isalpha()] == letters


def test_many_threads_ask_at_once():
    spelling = Spelling([TEXT])
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(spelling.corrected, ["wher was the ceremny"] * 64)) == {"where was the ceremony"}


def test_a_large_index_costs_little():
    english()
    words = sorted(english().forms)
    texts = [" ".join(words[(n * 37 + k * 11) % len(words)] for k in range(150)) for n in range(2000)]
    spelling = Spelling(texts)
    began = time.process_time()
    spelling.corrected("wher was the ceremny")
    built = time.process_time()
    for _ in range(20):
        spelling.corrected("wher did the farwell ceremny take place")
    assert built - began < 1.5
    assert (time.process_time() - built) / 20 < 0.05


def test_the_assistant_reads_the_question_as_it_was_meant():
    reader = finds({"Artyom station": 12.0})
    embedder = WordEmbedder()
    assistant = Assistant(
        index_in_memory([load_text(TEXT, source="a.txt")], embedder), embedder=embedder, reader=reader
    )
    answer = assistant.ask("wher did the farwell ceremny take place")
    assert set(reader.asked) == {"where did the farewell ceremony take place"}
    assert answer.question == "wher did the farwell ceremny take place"
    assert answer.understood_as == "where did the farewell ceremony take place"
    followed = assistant.ask("and waht was inpsected?", ["wher did the farwell ceremny take place"])
    assert followed.understood_as == "where did the farewell ceremony take place and what was inspected?"
    assert assistant.ask("where did it take place").understood_as is None

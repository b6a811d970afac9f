"""What the shipped models answer, from files to citations, on small documents of many kinds."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
import tiny_readers
from checked import DOCUMENTS, HOSTILE, checked, quotes, readable, timeless
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from index.errors import DocumentError, IndexDamagedError, ModelError
from index.load import load_text
from qa import Answer, Assistant, Settings
from qa.errors import QuestionError
from qa.reading import builtin

LIBRARY = (
    "The Riverside Library\n\n"
    "The library opens at nine in the morning on weekdays and at ten on Saturdays. Borrowed books are due after three "
    "weeks, and late returns cost 20 cents a day.\n\n"
    "• Share\n\n"
    "The reading room was paid for by Clara Wendt, the widow of a ship owner, and built in 1911. It burned down in the "
    "winter of 1944 and was built again from bricks of the old harbour wall.\n\n"
    "Members may borrow books, maps, board games and a telescope.\n"
)
MANGLED = (
    "The lib\u00adrary was de\u00adsigned by the ar\u00adchi\u00adtect Zoe\u0308 Mu\u0308ller in 1911.\r\n\r\n"
    "“Nobody,” said the mayor, “has ever paid 20\u00a0cents for a book.”\r\n"
    "The roof 👩🏽\u200d🚀 is made of\u200b copper.\r\n"
)
ON = [
    "The harbour of {0} was dredged in the spring, and the fishing boats lay at anchor for a month.",
    "Bakers in {0} sell a dark loaf with caraway, which keeps for a week and is eaten with butter.",
    "A football match in {0} ended without a goal after heavy rain had made the pitch unplayable.",
    "The orchard behind the church in {0} bears small sour apples that nobody picks any more.",
    "Roads around {0} are being mended this summer, and drivers are asked to be patient.",
]
TOWNS = "Almen Borsk Celle Dorn Elvas Fermo Gorey Husum Izola Jever Kalix Lerma Mondsee Narva Oban Pirna".split()


@pytest.fixture(scope="module")
def careful(assistant: Assistant) -> Callable[..., Assistant]:
    """The shared assistant's models, over other texts."""
    return lambda *texts: assistant.over([load_text(text) for text in texts])


@pytest.fixture(scope="module")
def quick_on_article(article_path: Path) -> Assistant:
    return Assistant.from_files([article_path], settings=replace(Settings.from_environment(), depth="quick"))


@pytest.fixture(scope="module")
def quick(quick_on_article: Assistant) -> Callable[..., Assistant]:
    return lambda *texts: quick_on_article.over([load_text(text) for text in texts])


@pytest.fixture(params=["quick", "careful"])
def over(request: pytest.FixtureRequest) -> Callable[..., Assistant]:
    """Either depth's models, over any texts."""
    made: Callable[..., Assistant] = request.getfixturevalue(request.param)
    return made


# The promise


def test_every_gift_is_found_in_order_each_with_its_place(assistant, article_text, dev_questions):
    answer = checked(assistant.ask("what gifts did Kim receive?"), assistant)
    (asked,) = [q for q in dev_questions if q["question"] == "What gifts did Kim receive?"]
    gifts = asked["answers"][0]["spans"]
    assert len(gifts) >= 4
    found = []
    for gift in gifts:
        where = [c.number for c in answer.citations if c.start < gift["end"] and c.end > gift["start"]]
        assert where, f"{gift['text']!r} is not among {answer.text!r}"
        found += where
    assert found == sorted(found)
    assert len(set(found)) == len(gifts)  # an item each


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("When are borrowed books due?", "three weeks"),
        ("How much do late returns cost?", "20 cents"),
        ("Who paid for the reading room?", "Clara Wendt"),
        ("When did the reading room burn down?", "1944"),
        ("when did teh reading room brun down", "1944"),
    ],
)
def test_a_plain_question_gets_the_words_that_answer_it(over, question, expected):
    assistant = over(LIBRARY)
    answer = checked(assistant.ask(question), assistant)
    assert expected in answer.text
    assert answer.confidence > 0.2


def test_a_follow_up_is_completed_and_shown_as_understood(careful):
    assistant = careful(LIBRARY)
    answer = checked(assistant.ask("and when was it built?", ["Who paid for the reading room?"]), assistant)
    assert answer.understood_as == "Who paid for the reading room? and when was it built?"
    assert "1911" in answer.text


def test_two_questions_in_one_get_two_answers(careful):
    assistant = careful(LIBRARY)
    answer = checked(assistant.ask("When was the reading room built, and when did it burn down?"), assistant)
    assert "1911" in answer.text
    assert "1944" in answer.text


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("Who designed the library?", "Zoe\u0308 Mu\u0308ller"),
        ("What is the roof made of?", "copper"),
    ],
)
def test_words_with_invisible_characters_are_cited_as_they_stand(over, question, expected):
    assistant = over(MANGLED)
    answer = checked(assistant.ask(question), assistant)
    assert expected in answer.text


def test_of_the_same_sentence_in_three_places_one_place_is_cited_and_it_was_read(over):
    text = "".join(f"Rule {n}.\n\nThe fine for late books is 20 cents a day.\n\n" for n in (1, 2, 3))
    assistant = over(text)
    question = "How much is the fine for late books?"
    (choice,) = assistant.examine(question).choices
    assert choice is not None
    part, span = choice.best
    answer = checked(assistant.ask(question), assistant)
    assert (part.start + span.start, part.start + span.end) in [(c.start, c.end) for c in answer.citations]
    assert len(answer.citations) == 1


@pytest.mark.parametrize("at", [0, 30, 59])
def test_one_answering_sentence_is_found_among_many_unrelated_passages(quick, at):
    others = [ON[n % len(ON)].format(TOWNS[n % len(TOWNS)]) for n in range(60)]
    told = "The ferry to Hollow Island leaves at twenty to eight from the northern pier."
    question = "When does the ferry to Hollow Island leave?"
    assert "twenty to eight" in quick(told).ask(question).text
    assistant = quick("\n\n".join([*others[:at], told, *others[at:]]))
    answer = checked(assistant.ask(question), assistant)
    assert len(answer.hits) > 1
    assert "twenty to eight" in answer.text
    assert len(answer.items) == 1


def test_no_number_of_unrelated_passages_changes_the_answer_or_its_confidence(quick):
    told = "The ferry to Hollow Island leaves at twenty to eight from the northern pier."
    others = [ON[n % len(ON)].format(f"{TOWNS[n % len(TOWNS)]} {n}") for n in range(500)]
    found = []
    for count in (5, 50, 500):
        assistant = quick(*others[: count // 2], told, *others[count // 2 : count])
        found.append(checked(assistant.ask("When does the ferry to Hollow Island leave?"), assistant))
    assert "twenty to eight" in found[0].text
    for answer in found[1:]:
        assert answer.text == found[0].text
        assert answer.confidence == pytest.approx(found[0].confidence, abs=0.05)
        assert answer.answerable == pytest.approx(found[0].answerable, abs=0.05)


def test_the_answering_document_is_found_among_many(careful):
    others = [ON[n % len(ON)].format(TOWNS[n % len(TOWNS)]) for n in range(16)]
    assistant = careful(*others, LIBRARY)
    answer = checked(assistant.ask("Who paid for the reading room?"), assistant)
    assert "Clara Wendt" in answer.text
    assert {c.document_id for c in answer.citations} == {assistant.documents[-1].id}
    elsewhere = checked(
        assistant.ask("Who paid for the reading room?", document_ids=[assistant.documents[0].id]), assistant
    )
    assert all(c.document_id == assistant.documents[0].id for c in elsewhere.citations)


@pytest.mark.parametrize("depth", ["quick", "careful"])
@pytest.mark.parametrize(
    "question",
    [
        "Who won the 1998 football World Cup?",
        "What is the recipe for apple pie?",
        "thanks!",
        "asdf qwer",
        "谁写了这本书？",
    ],
)
def test_a_question_about_something_else_is_declined(request, depth, question):
    on_article = request.getfixturevalue("assistant" if depth == "careful" else "quick_on_article")
    answer = checked(on_article.ask(question), on_article)
    assert answer.abstained
    assert answer.reason
    assert answer.nearest is not None


@pytest.mark.parametrize("threshold", [0.0, 1.0])
def test_the_operators_threshold_decides(assistant, threshold):
    for question in ("What gifts did Kim receive?", "Who wrote Don Quixote?"):
        answer = checked(assistant.decide(assistant.examine(question), threshold=threshold), assistant)
        assert answer.abstained == (threshold == 1)


# Anything may be asked of anything


@pytest.mark.parametrize(
    "question",
    [
        "誰が贈り物をしましたか",
        "Welche Geschenke erhielt Kim?",
        "ما هي الهدايا التي تلقاها كيم؟",
        "PK\x03\x04 \x00\x00abc",
        "who\x00gave\x00kim",
        "\ud800who gave it?",
        "💥a",
        "a\u0301",
        "[SEP] who [CLS] </s>",
        "%s {0} ${HOME} ../../etc/passwd",
        "<script>who</script>",
        "who\u2028gave\u200b\u00ad them",
        "who " * 500,
        "w" * 2000,
    ],
)
@pytest.mark.parametrize("history", [[], ["What gifts did \ud800 Kim\x00 receive?", "w" * 5000]])
def test_any_text_with_a_word_in_it_is_a_question(quick_on_article, question, history):
    checked(quick_on_article.ask(question, history), quick_on_article)


@pytest.mark.parametrize("question", ["", " \n", "?", "\x00\x01\x02", "…", "w" * 100_000])
def test_what_is_no_question_is_refused_in_one_sentence(assistant, question):
    with pytest.raises(QuestionError) as raised:
        assistant.ask(question)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "text", ["Vodka", "x", "5", "日本", "• Share\nVodka", "é", "👩🏽\u200d🚀", "Vodka\r\n\r\n\r\n"]
)
def test_a_document_of_one_word_answers_with_it_or_not_at_all(over, text):
    assistant = over(text)
    answer = checked(assistant.decide(assistant.examine("What is it?"), threshold=0.0), assistant)
    assert answer.abstained or answer.text in text
    checked(assistant.ask("What is it?"), assistant)


def test_no_documents_answer_nothing(quick):
    answer = quick().ask("What is it?")
    assert (answer.stage, answer.nearest) == ("retrieval", None)


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(DOCUMENTS, min_size=1, max_size=2), question=st.just("What gifts did Kim get?") | HOSTILE)
def test_every_answer_is_verbatim_on_hostile_documents(quick_on_article, texts, question):
    assistant = quick_on_article.over(readable(texts))
    try:
        examined = assistant.examine(question)
    except QuestionError:
        return
    for threshold in (0.0, 0.5):
        checked(assistant.decide(examined, threshold=threshold), assistant)


@settings(deadline=None, max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=DOCUMENTS)
def test_the_careful_reader_is_verbatim_too(assistant, text):
    on_text = assistant.over(readable([text]))
    checked(on_text.decide(on_text.examine("What did the governor say?"), threshold=0.0), on_text)


def test_eight_threads_get_what_one_gets(quick_on_article, dev_questions):
    asked = [(q["question"], q["turns"]) for q in dev_questions[::7]]

    def ask(pair: tuple[str, list[str]]) -> Answer:
        return timeless(quick_on_article.ask(*pair))

    alone = [ask(pair) for pair in asked]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, asked)) == alone


# Where an assistant comes from


def test_depth_chooses_the_readers(assistant, quick_on_article):
    small = quick_on_article.names["reader"]
    skimming, _, careful = assistant.names["reader"].partition("+")
    assert skimming == small
    assert careful not in ("", small)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of two documents, and those documents' files gone."""
    base = tmp_path_factory.mktemp("kept")
    (base / "library.txt").write_text(LIBRARY, encoding="utf-8", newline="")
    (base / "mangled.txt").write_text(MANGLED, encoding="utf-8", newline="")
    made = Assistant.from_files(
        [base / "library.txt", base / "mangled.txt"],
        index_dir=base / "index",
        settings=replace(Settings.from_environment(), depth="quick"),
    )
    assert [document.source for document in made.documents] == ["library.txt", "mangled.txt"]
    shutil.copytree(base / "index", base / "moved")
    shutil.rmtree(base / "index")
    (base / "library.txt").unlink()
    return base / "moved"


def test_an_index_answers_without_its_documents_files(folder, quick):
    settings = replace(Settings.from_environment(), depth="quick")
    opened = Assistant.from_index(folder, settings=settings)
    question = "Who paid for the reading room?"
    answer = checked(opened.ask(question), opened)
    assert quotes(answer) == quotes(quick(LIBRARY, MANGLED).ask(question)) != []
    assert answer.citations[0].source == "library.txt"


def test_a_damaged_index_is_refused(folder, tmp_path):
    broken = shutil.copytree(folder, tmp_path / "broken")
    (broken / "manifest.json").write_bytes(b"{}")
    with pytest.raises(IndexDamagedError):
        Assistant.from_index(broken)


def test_files_and_texts_in_memory_give_the_same_answer(folder, tmp_path):
    settings = replace(Settings.from_environment(), depth="quick")
    (tmp_path / "library.txt").write_text(LIBRARY, encoding="utf-8", newline="")
    from_files = Assistant.from_files([tmp_path / "library.txt"], settings=settings)
    in_memory = Assistant.from_documents([load_text(LIBRARY, source="library.txt")], settings=settings)
    question = "When did the reading room burn down?"
    assert timeless(from_files.ask(question)) == timeless(in_memory.ask(question))
    assert list(tmp_path.iterdir()) == [tmp_path / "library.txt"]


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(DocumentError, match=r"no-such\.txt"):
        Assistant.from_files([tmp_path / "no-such.txt"], settings=Settings.from_environment())


def test_any_transformers_model_reads_where_the_settings_name_one(tmp_path):
    model = tiny_readers.save_transformers(tmp_path / "model")
    made = Assistant.from_documents(
        [load_text(LIBRARY)], settings=replace(Settings.from_environment(), reader=str(model), threshold=0.0)
    )
    assert made.names["reader"] == str(model)
    answer = checked(made.ask("Who paid for the reading room?"), made)
    assert not answer.abstained  # its weights are random: only the way is tried here


def test_a_trained_readers_folder_reads_where_the_settings_name_it(folder):
    named = Assistant.from_index(folder, settings=Settings(reader=str(builtin.MODELS / "small")))
    shipped = Assistant.from_index(folder, settings=Settings(depth="quick"))
    question = "What gifts did Kim receive?"
    assert named.names == shipped.names
    assert named.calibration == shipped.calibration
    assert named.ask(question).items == shipped.ask(question).items


def test_a_model_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(ModelError, match="no question-answering model"):
        Assistant.from_documents(
            [load_text(LIBRARY)], settings=replace(Settings.from_environment(), reader=str(tmp_path / "none"))
        )


def test_warming_up_reads_once_and_changes_nothing(quick):
    assistant = quick(LIBRARY)
    before = timeless(assistant.ask("Who paid for the reading room?"))
    assistant.warm()
    assert timeless(assistant.ask("Who paid for the reading room?")) == before


def test_answering_loads_neither_torch_nor_transformers(folder):
    program = (
        "import sys; from qa import Assistant, Settings\n"
        f"a = Assistant.from_index({str(folder)!r}, settings=Settings.from_environment())\n"
        "assert not a.ask('Who paid for the reading room?').abstained\n"
        "print(sorted({'torch', 'transformers', 'sentence_transformers', 'gradio'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, encoding="utf-8", check=True)
    assert done.stdout.strip() == "[]"

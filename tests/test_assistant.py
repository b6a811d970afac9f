"""From a question to a decided, cited answer: the logic, with readers that follow a script.

`test_answers` asks the same of the shipped models.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from checked import DOCUMENTS, HOSTILE, checked, quotes, readable, timeless
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted import ScriptedReader, finds, places, reading
from word_embedder import WordEmbedder

from index.build import index_in_memory
from index.load import load_text
from index.types import Document, Passage
from qa.assistant import MAX_QUESTION, Assistant
from qa.calibrate import UNFITTED, Calibration, Logistic
from qa.config import Settings
from qa.errors import QuestionError
from qa.reading.reader import Reader
from qa.types import Reading, Span

TEXT = """The gifts of Perm

A regional governor gave Kim five drones on Sunday. The train left for the border at noon.

• Share

He was also given a warm vest by the mayor of Perm. Nobody spoke of the weather."""
STRONG = 12.0


def assistant_of(
    reader: Reader,
    *texts: str | Document,
    calibration: Calibration | None = None,
    embedder: WordEmbedder | None = None,
    **options: object,
) -> Assistant:
    documents = [
        text if isinstance(text, Document) else load_text(text, title=f"Title {n}", source=f"{n}.txt")
        for n, text in enumerate(texts)
    ]
    embedder = embedder or WordEmbedder()
    return Assistant(
        index_in_memory(documents, embedder),
        embedder=embedder,
        reader=reader,
        calibration=calibration,
        settings=Settings(**options),  # type: ignore[arg-type]
    )


# An answer


def test_an_answer_is_the_documents_own_words_with_their_place():
    assistant = assistant_of(finds({"five drones": STRONG}), TEXT)
    answer = checked(assistant.ask("What did the governor give Kim?"), assistant)
    assert answer.question == "What did the governor give Kim?"
    assert quotes(answer) == ["five drones"]
    assert answer.text == "five drones"
    (citation,) = answer.citations
    assert citation.start == TEXT.index("five drones")
    sentence = TEXT[citation.sentence_start : citation.sentence_end]
    assert sentence == "A regional governor gave Kim five drones on Sunday."
    assert [hit.rank for hit in answer.hits] == list(range(len(answer.hits)))
    assert {"retrieve", "read", "cite"} == set(answer.seconds_by_stage)
    assert answer.understood_as is None


def test_a_list_gives_every_item_in_reading_order():
    phrases = {"a warm vest": STRONG, "five drones": 11.0}
    assistant = assistant_of(finds(phrases, tags=dict.fromkeys(phrases, 5.0)), TEXT)
    answer = checked(assistant.ask("What gifts did Kim receive?"), assistant)
    assert quotes(answer) == ["five drones", "a warm vest"]
    assert answer.text == "five drones; a warm vest"


def test_items_that_name_the_same_are_given_once():
    text = "Kim got five drones. Later a report spoke of 5 drones. He also got a vest."
    phrases = {"five drones": STRONG, "5 drones": STRONG, "a vest": STRONG}
    assistant = assistant_of(finds(phrases, tags=dict.fromkeys(phrases, 5.0)), text)
    answer = checked(assistant.ask("What gifts did Kim get?"), assistant)
    assert quotes(answer) == ["five drones", "a vest"]
    assert [citation.number for citation in answer.citations] == [1, 2]


def test_items_of_several_documents_come_in_the_order_of_the_documents():
    phrases = {"five drones": 10.0, "a vest": STRONG}
    assistant = assistant_of(
        finds(phrases, tags=dict.fromkeys(phrases, 5.0)), "The mayor gave Kim five drones.", "Perm gave Kim a vest."
    )
    answer = checked(assistant.ask("What gifts did Kim get?"), assistant)
    assert quotes(answer) == ["five drones", "a vest"]
    assert [citation.title for citation in answer.citations] == ["Title 0", "Title 1"]


REPEATED = "The key is under the mat. Ask at the gate for more. " * 5
PLACES = [at for at in range(len(REPEATED)) if REPEATED.startswith("under the mat", at)]


@pytest.mark.parametrize("at", PLACES)
def test_of_the_same_words_the_place_that_was_read_is_cited(at):
    def rule(_: str, part: Passage) -> Reading:
        inside = part.start <= at and at + 13 <= part.end
        spans = (Span(start=at - part.start, end=at - part.start + 13, score=9.0),) if inside else ()
        return Reading(passage=part, spans=spans, null_score=0.0)

    assistant = assistant_of(ScriptedReader(rule), REPEATED, embedder=WordEmbedder(max_tokens=30))
    answer = checked(assistant.ask("Where is the key?"), assistant)
    assert [(c.start, c.end) for c in answer.citations] == [(at, at + 13)]


def test_a_place_found_through_overlapping_passages_is_one_citation():
    rule = finds({"five drones": STRONG}, tags={"five drones": 5.0})
    assistant = assistant_of(rule, TEXT, embedder=WordEmbedder(max_tokens=20))
    answer = checked(assistant.ask("What gifts did the governor give Kim?"), assistant)
    assert sum("five drones" in hit.passage.text for hit in answer.hits) > 1
    assert quotes(answer) == ["five drones"]


def test_boilerplate_is_never_cited():
    def rule(_: str, part: Passage) -> Reading:
        return Reading(passage=part, spans=(Span(start=0, end=len(part.text), score=9.0),), null_score=0.0)

    document = replace(load_text(TEXT), quiet=((0, 17), (TEXT.index("•"), TEXT.index("Share") + 5)))
    assistant = assistant_of(ScriptedReader(rule), document)
    answer = checked(assistant.ask("What did the governor give Kim?"), assistant)
    assert "Share" not in answer.text


def test_an_answer_that_lies_in_boilerplate_is_none():
    """Should a passage hold a quiet span after all, nothing of it is cited."""
    document = load_text("Kim got five drones on Sunday.")
    index = index_in_memory([document], WordEmbedder())
    index = replace(index, documents=(replace(document, quiet=((8, 19),)),))
    assistant = Assistant(index, embedder=WordEmbedder(), reader=finds({"five drones": STRONG}))
    answer = assistant.ask("What did Kim get?")
    assert answer.abstained
    assert answer.stage == "reader"
    assert answer.citations == ()


# Abstaining


def weak(**changes: float) -> Calibration:
    """Odds are the margin; gate and threshold as given."""
    model = Logistic(weights=(1.0, 0.0, 0.0), bias=0.0)
    return Calibration(answerable=model, right=model, **({"gate": 0.5, "threshold": 0.5} | changes))


@pytest.mark.parametrize(
    ("reader", "calibration", "stage", "reason"),
    [
        (finds({}), weak(), "reader", "No words in it answer the question."),
        (finds({"five drones": -1.0}), weak(), "reader", "No words in it answer the question."),
        (finds({"five drones": 1.0}), weak(threshold=0.9), "threshold", "What it says is too unsure an answer."),
    ],
)
def test_declining_names_the_stage_the_reason_and_the_nearest_sentence(reader, calibration, stage, reason):
    assistant = assistant_of(reader, TEXT, calibration=calibration)
    answer = checked(assistant.ask("When did the train leave for the border?"), assistant)
    assert answer.stage == stage
    assert answer.reason == reason
    assert answer.nearest is not None
    assert answer.nearest.quote == "The train left for the border at noon."
    assert answer.hits


def test_declining_again_embeds_no_sentence_again():
    assistant = assistant_of(finds({}), TEXT)
    embedded: list[int] = []
    embedder = assistant._embedder
    original = embedder.embed_passages
    embedder.embed_passages = lambda texts: embedded.append(len(texts)) or original(texts)
    first = assistant.ask("When did the train leave for the border?")
    second = assistant.ask("When did the train leave for the border?")
    assert first.nearest == second.nearest is not None
    assert len(embedded) == 1


def test_a_question_that_has_nothing_to_do_with_the_document_is_told_so():
    assistant = assistant_of(finds({"five drones": STRONG}), TEXT)
    answer = checked(assistant.ask("Zebra zoology?"), assistant)
    assert answer.stage == "retrieval"
    assert answer.reason == "Nothing in it has to do with the question."
    assert answer.confidence == answer.answerable == 0


@pytest.mark.parametrize(("score", "stage"), [(STRONG, "answered"), (0.0, "retrieval")])
def test_what_surely_answers_needs_no_word_of_the_question(score, stage):
    calibration = replace(UNFITTED)  # its numbers are as good as any, but this one was fitted
    assistant = assistant_of(finds({"five drones": score}), TEXT, calibration=calibration)
    assert assistant.ask("Zebra zoology?").stage == stage
    assert assistant.ask("Who are you?").stage == "retrieval"
    later = assistant.ask("Who are you?", ["What did the governor give Kim?"])
    assert (later.stage, later.understood_as) == ("retrieval", None)


def test_without_documents_nothing_is_retrieved():
    assistant = assistant_of(finds({"five drones": STRONG}))
    answer = checked(assistant.ask("What did Kim get?"), assistant)
    assert (answer.stage, answer.nearest, answer.hits) == ("retrieval", None, ())
    assistant.warm()


SCORES = [-30.0, -3.0, 0.0, 3.0, 30.0, 300.0]


@pytest.mark.parametrize("score", SCORES)
def test_threshold_0_answers_whatever_was_found(score):
    assistant = assistant_of(finds({"five drones": score}), TEXT, threshold=0.0)
    for question in ("What did Kim get?", "Zebra zoology?"):
        assert quotes(checked(assistant.ask(question), assistant)) == ["five drones"]


@pytest.mark.parametrize("score", SCORES)
def test_threshold_1_never_answers(score):
    assistant = assistant_of(finds({"five drones": score}), TEXT, threshold=1.0)
    assert checked(assistant.ask("What did Kim get?"), assistant).abstained


def test_a_higher_threshold_never_answers_more():
    assistant = assistant_of(finds({"five drones": 2.0}), TEXT, calibration=weak(gate=0.0))
    examined = assistant.examine("What did Kim get?")
    answered = [not assistant.decide(examined, threshold=t / 20).abstained for t in range(21)]
    assert answered == sorted(answered, reverse=True)
    assert answered[0]
    assert not answered[-1]
    for threshold in (0.3, 0.88, 0.89):
        assert assistant.decide(examined, threshold=threshold).abstained == (examined.confidence < threshold)


def test_the_operators_threshold_stands_in_for_the_calibrated_one():
    assert assistant_of(finds({}), TEXT).threshold == UNFITTED.threshold
    assert assistant_of(finds({}), TEXT, threshold=0.0).threshold == 0.0
    assert assistant_of(finds({}), TEXT, threshold=0.7).threshold == 0.7


@given(score=st.floats(-40, 40), threshold=st.floats(0, 1), gate=st.floats(0, 1))
@settings(deadline=None, max_examples=50)
def test_an_answer_is_given_exactly_where_both_bars_are_cleared(score, threshold, gate):
    assistant = assistant_of(finds({"five drones": score}), TEXT, calibration=weak(gate=gate), threshold=threshold)
    answer = checked(assistant.ask("What did Kim get?"), assistant)
    clears = answer.answerable >= gate and answer.confidence >= threshold
    assert answer.abstained == (threshold > 0 and not clears)


# A conversation


def test_a_follow_up_is_read_behind_what_it_leans_on():
    reader = finds({"A regional governor": STRONG})
    assistant = assistant_of(reader, TEXT)
    answer = checked(assistant.ask("who gave them?", ["Why?", "What gifts did Kim receive?"]), assistant)
    assert answer.question == "who gave them?"
    assert answer.understood_as == "What gifts did Kim receive? who gave them?"
    assert set(reader.asked) == {"What gifts did Kim receive? who gave them?"}


def test_a_question_that_stands_alone_is_read_as_asked():
    reader = finds({"noon": STRONG})
    assistant = assistant_of(reader, TEXT)
    answer = assistant.ask(" When did the train leave for the border? ", ["What gifts did Kim receive?"])
    assert answer.understood_as is None
    assert answer.question == " When did the train leave for the border? "
    assert set(reader.asked) == {"When did the train leave for the border?"}


def test_a_follow_up_asks_for_several_by_its_own_form():
    phrases = {"A regional governor": STRONG, "five drones": 11.0}
    assistant = assistant_of(finds(phrases), TEXT)
    assert quotes(assistant.ask("who gave them?", ["What gifts did Kim receive?"])) == ["A regional governor"]


def two_parts(question: str, part: Passage) -> Reading:
    last = question.rsplit("? ", 1)[-1]
    phrase = "noon" if "train" in last else "five drones" if "get" in last else ""
    return reading(part, {phrase: STRONG} if phrase else {})


def test_two_questions_in_one_are_answered_one_by_one():
    reader = ScriptedReader(two_parts)
    assistant = assistant_of(reader, TEXT)
    answer = checked(assistant.ask("When did the train leave, and what did Kim get?"), assistant)
    assert quotes(answer) == ["five drones", "noon"]
    assert list(dict.fromkeys(reader.asked)) == [
        "When did the train leave?",
        "When did the train leave? what did Kim get?",
    ]
    assert len({hit.passage.id for hit in answer.hits}) == len(answer.hits)


def test_of_two_questions_in_one_both_must_be_answered():
    assistant = assistant_of(ScriptedReader(two_parts), TEXT)
    answer = checked(assistant.ask("When did the train leave, and who drove it there?"), assistant)
    assert answer.stage == "reader"
    assert answer.confidence == 0


def test_the_weaker_of_two_answers_decides():
    def rule(question: str, part: Passage) -> Reading:
        return reading(part, {"five drones": 0.5} if "get" in question else {"noon": STRONG})

    assistant = assistant_of(ScriptedReader(rule), TEXT, calibration=weak(threshold=0.9))
    answer = checked(assistant.ask("When did the train leave, and what did Kim get?"), assistant)
    assert answer.stage == "threshold"


# What is asked of


TWINS = ["The mayor gave Kim five drones on Sunday.", "The mayor gave Kim five drones on Monday."]


def test_only_the_documents_named_are_read():
    reader = finds({"five drones": STRONG})
    assistant = assistant_of(reader, *TWINS)
    for document in assistant.documents:
        answer = checked(assistant.ask("What did Kim get?", document_ids=[document.id]), assistant)
        assert [c.document_id for c in answer.citations] == [document.id]
        assert {part.document_id for part in reader.seen[-1]} == {document.id}


@pytest.mark.parametrize("ids", [[], ["no-such-document"], [""]])
def test_no_such_document_answers_nothing(ids):
    assistant = assistant_of(finds({"five drones": STRONG}), *TWINS)
    answer = checked(assistant.ask("What did Kim get?", document_ids=ids), assistant)
    assert (answer.stage, answer.hits) == ("retrieval", ())


def test_no_more_passages_are_read_than_asked_for():
    reader = finds({"under the mat": STRONG})
    assistant = assistant_of(reader, REPEATED * 5, embedder=WordEmbedder(max_tokens=30), top_k=3)
    assert len(assistant.ask("Where is the key?").hits) == 3
    assert len(reader.seen[0]) == 3


@pytest.mark.parametrize("question", ["", " \r\n\t", "?", "…!?", "\x00\x01\x02", "\u200b", "💥💥", "-" * 5000])
def test_a_question_without_words_is_refused_in_one_sentence(question):
    assistant = assistant_of(finds({"five drones": STRONG}), TEXT)
    with pytest.raises(QuestionError, match=r"^The question is empty: type what you want to know\.$"):
        assistant.ask(question)


@pytest.mark.parametrize("size", [MAX_QUESTION + 1, 100_000])
def test_an_overlong_question_is_refused_with_its_length(size):
    assistant = assistant_of(finds({"five drones": STRONG}), TEXT)
    with pytest.raises(QuestionError, match=f"{size:,} characters and at most 2,000 are read"):
        assistant.ask("w" * size)
    assistant.ask("w" * MAX_QUESTION)


def test_the_same_models_read_other_documents():
    assistant = assistant_of(finds({"a warm vest": STRONG}), "Nothing of interest here.", threshold=0.0)
    other = assistant.over([load_text(TEXT)])
    assert quotes(checked(other.ask("What was he given?"), other)) == ["a warm vest"]
    assert assistant.ask("What was he given?").abstained
    assert other.settings == assistant.settings
    assert other.names == assistant.names == {"embedder": WordEmbedder().name, "reader": "scripted"}


def test_many_threads_get_what_one_gets():
    def rule(question: str, part: Passage) -> Reading:
        rng = random.Random(question + part.id)
        words = part.text.split()
        return reading(part, {rng.choice(words): rng.uniform(1, 9), rng.choice(words): 0.5})

    assistant = assistant_of(ScriptedReader(rule), TEXT, *TWINS, REPEATED, embedder=WordEmbedder(max_tokens=30))
    questions = [f"What did Kim get on day {n}, and who gave it to the mayor?" for n in range(40)]
    alone = [timeless(assistant.ask(question)) for question in questions]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda question: timeless(assistant.ask(question)), questions))
    assert together == alone


# The invariant


def wild(rng: random.Random) -> Callable[[str, Passage], Reading]:
    """A reader that marks anything at all, as long as it keeps to its contract: disjoint spans within the passage."""

    def spans(text: str, count: int) -> tuple[Span, ...]:
        cuts = sorted(rng.sample(range(len(text) + 1), min(2 * count, (len(text) + 1) // 2 * 2)))
        return tuple(
            Span(start=a, end=b, score=rng.uniform(-5, 25)) for a, b in zip(cuts[::2], cuts[1::2], strict=True)
        )

    def rule(_: str, part: Passage) -> Reading:
        found = sorted(spans(part.text, rng.randint(0, 4)), key=lambda s: -s.score)
        return Reading(
            passage=part,
            spans=tuple(found),
            null_score=rng.uniform(-10, 10),
            items=spans(part.text, rng.randint(0, 4)),
        )

    return rule


@settings(deadline=None, max_examples=150)
@given(
    texts=st.lists(DOCUMENTS, min_size=1, max_size=3),
    question=st.sampled_from(["What gifts did Kim get?", "Who said it, and what did Kim get?", "a?"]) | HOSTILE,
    history=st.lists(HOSTILE, max_size=2),
    rng=st.randoms(use_true_random=False),
    threshold=st.sampled_from([None, 0.0]),
    size=st.sampled_from([5, 30, 256]),
)
def test_every_answer_is_verbatim_whatever_the_document_and_the_reader(texts, question, history, rng, threshold, size):
    documents = readable(texts)
    reader = ScriptedReader(wild(rng))
    assistant = assistant_of(reader, *documents, embedder=WordEmbedder(max_tokens=size), threshold=threshold)
    try:
        answer = assistant.ask(question, history)
    except QuestionError:
        assert not any(map(str.isalnum, question))
        return
    checked(answer, assistant)
    marked = {
        (part.document_id, part.start + span.start, part.start + span.end)
        for read, parts in zip(reader.given, reader.seen, strict=True)
        for part, one in zip(parts, read, strict=True)
        for span in (*one.spans, *one.items)
    }
    for citation in answer.citations:
        assert any(
            where == citation.document_id and start < citation.end and end > citation.start
            for where, start, end in marked
        )


@settings(deadline=None, max_examples=60)
@given(copies=st.integers(2, 6), pick=st.integers(0, 100), between=DOCUMENTS, size=st.sampled_from([8, 30, 256]))
def test_the_place_that_was_read_is_the_place_that_is_cited(copies, pick, between, size):
    sentence = "Kim’s cafe\u0301 is un\u00adder the mat. "
    text = (sentence + between + "\n\n") * copies
    at = [n for n in range(len(text)) if text.startswith(sentence, n)][pick % copies]
    start, end = at + len("Kim’s "), at + len("Kim’s cafe\u0301")

    def rule(_: str, part: Passage) -> Reading:
        inside = part.start <= start and end <= part.end
        others = places(part, "cafe\u0301", 1.0)
        here = [Span(start=start - part.start, end=end - part.start, score=9.0)] if inside else []
        rest = [span for span in others if not inside or span.start != start - part.start]
        return Reading(passage=part, spans=(*here, *rest), null_score=0.0)

    (document,) = readable([text])
    assistant = assistant_of(
        ScriptedReader(rule), document, embedder=WordEmbedder(max_tokens=size), threshold=0.0, top_k=1000
    )
    answer = checked(assistant.ask("Where is the cafe\u0301?"), assistant)
    assert [(c.start, c.end) for c in answer.citations] == [(start, end)]

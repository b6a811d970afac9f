"""Answers as HTML: nothing of a document or a question is ever markup, and numbers run on."""

from __future__ import annotations

import html
import re
from copy import deepcopy
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripted_answers import cited

from index.types import Document
from qa.types import Answer, Citation, Item
from qa.web import render
from qa.web.session import Conversation, Session, page_document, page_marks

TEXT = "Ann gave Bob a map, a lamp and a rope. Bob left.\nCara stayed at home."


def document(text: str = TEXT, number: int = 0) -> Document:
    return Document(id=f"d{number}", title=f"Title {number}", text=text, source=f"{number}.txt", sha256="0" * 64)


def answer(*citations: Citation, confidence: float = 0.9, **more: object) -> Answer:
    items = tuple(Item(text=each.quote, citation=each.number) for each in citations)
    given: dict[str, object] = {"confidence": confidence, "abstained": False, "stage": "answered", **more}
    return Answer(question="What?", items=items, citations=citations, **given)  # type: ignore[arg-type]


def asked(chat: Conversation, question: str, given: Answer) -> Conversation:
    reading = chat.begin(question)
    assert reading.pending is not None
    return reading.finish(reading.pending, given, [document()])


class Words(HTMLParser):
    """The text of every element of one class, and every tag seen."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.open: list[tuple[str, str]] = []
        self.texts: dict[str, list[str]] = {}
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        names = (dict(attrs).get("class") or tag).split()
        self.open.append((tag, names[0]))
        self.texts.setdefault(names[0], []).append("")

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        for _, name in self.open:
            self.texts[name][-1] += data


@given(st.text())
def test_escaped_text_reads_back_and_holds_no_mark(text: str) -> None:
    escaped = render.escape(text)
    assert not re.search(r"[<>\"'`*_\[\]()!|~$\\\n\r]", escaped)
    kept = "".join("\ufffd" if (ord(c) < 32 and c not in "\t\n\r") or 0x7F <= ord(c) < 0xA0 else c for c in text)
    assert html.unescape(escaped) == kept


@given(st.text(min_size=1), st.text(), st.text())
def test_a_card_is_one_line_whatever_the_words(quote: str, before: str, after: str) -> None:
    source = document(f"{before}{quote}{after}")
    found = cited(source, 1, len(before), len(before) + len(quote), (0, len(source.text)))
    card = render.answer(answer(found, understood_as=after or None), turn=1, first=1, documents=[source])
    assert "\n" not in card
    assert set(Words(card).tags) <= {"div", "p", "ol", "li", "a", "span", "q", "b", "i", "button"}
    assert Words(card).texts["sw-quote"] == [html.unescape(render.escape(quote))]


@pytest.mark.parametrize(
    ("confidence", "ticks", "words", "percent"),
    [
        (1.0, 5, "Almost certain", 99),
        (0.97, 5, "Almost certain", 97),
        (0.964, 4, "Very likely", 96),
        (0.85, 4, "Very likely", 85),
        (0.846, 4, "Very likely", 85),
        (0.65, 3, "Likely", 65),
        (0.64, 2, "Unsure", 64),
        (0.0, 2, "Unsure", 1),
    ],
)
def test_confidence_in_words(confidence: float, ticks: int, words: str, percent: int) -> None:
    assert render.sure(confidence) == render.Sure(ticks, words, percent)


def test_neighbours_share_their_sentence() -> None:
    source = document()
    first = (0, TEXT.index(". ") + 1)
    spans = [(TEXT.index(words), TEXT.index(words) + len(words)) for words in ("a map", "a lamp", "a rope")]
    found = [cited(source, n, *span, first) for n, span in enumerate(spans, start=1)]
    cara = TEXT.index("Cara")
    found.append(cited(source, 4, cara, cara + 4, (cara, len(TEXT))))
    card = render.answer(answer(*found), turn=2, first=6, documents=[source])
    words = Words(card)
    assert words.texts["sw-context"] == [TEXT[slice(*first)], TEXT[cara:]]
    assert words.texts["b"] == ["a map", "a lamp", "a rope", "Cara"]
    assert re.findall(r'href="#cite-(\d+)"', card) == ["6", "7", "8", "9"]


def test_overlapping_spans_are_marked_once() -> None:
    source = document()
    sentence = (0, TEXT.index(". ") + 1)
    card = render.answer(
        answer(cited(source, 1, 0, 8, sentence), cited(source, 2, 4, 12, sentence)),
        turn=1,
        first=1,
        documents=[source],
    )
    assert Words(card).texts["b"] == [TEXT[0:12]]
    assert Words(card).texts["sw-context"] == [TEXT[slice(*sentence)]]


def test_a_quote_that_is_its_sentence_is_not_repeated() -> None:
    source = document()
    card = render.answer(answer(cited(source, 1, 0, 38, (0, 38))), turn=1, first=1, documents=[source])
    assert "sw-context" not in card


def test_an_abstention_has_no_chip_and_no_amber() -> None:
    source = document()
    nearest = cited(source, 0, 4, 8, (0, 38))
    given = Answer(question="Why?", reason="Nothing <near>.", confidence=0.1, nearest=nearest)
    card = render.answer(given, turn=3, first=1, documents=[source])
    words = Words(card)
    assert words.texts["sw-says"] == ["The document does not say."]
    assert words.texts["sw-quote"] == [TEXT[0:38]]
    assert "Nothing <near>." in words.texts["sw-card"][0]
    assert 'href="#near-3"' in card
    assert "sw-chip" not in card
    assert "%" not in html.unescape(card)
    alone = Answer(question="Why?", reason="Nothing.")
    assert "Nearest" not in render.answer(alone, turn=1, first=1, documents=[source, document(number=1)])


def test_several_documents_are_named() -> None:
    one, two = document(), document("Other text.", 1)
    card = render.answer(answer(cited(two, 1, 0, 5, (0, 11))), turn=1, first=1, documents=[one, two])
    assert "Title 1" in card
    assert "[1] “Other” (Title 1, characters 0–5)" in render.copy_text(
        answer(cited(two, 1, 0, 5)), question="What?", first=1, several=True
    )


def test_copied_text_names_quote_place_and_document() -> None:
    source = document()
    copied = render.copy_text(answer(cited(source, 1, 0, 3)), question="Who gave?", first=7, several=False)
    assert copied == "Who gave?\n[7] “Ann” (characters 0–3)\n— Title 0 (0.txt)"


def test_a_conversation_numbers_on_and_remembers_only_answers() -> None:
    source = document()
    chat = asked(Conversation(), "who?", answer(cited(source, 1, 0, 3), cited(source, 2, 9, 12)))
    chat = asked(chat, "why?", Answer(question="why?", reason="No."))
    chat = asked(chat, "and he?", answer(cited(source, 1, 9, 12), understood_as="and Bob?"))
    assert [turn.first for turn in chat.turns] == [1, 3, 3]
    assert chat.history == ("who?", "and he?")
    assert [[cite["n"] for cite in each["cites"]] for each in page_marks(chat, [source])] == [[1, 2], [], [3]]
    reading = chat.begin("again")
    assert reading.pending is not None
    failed = reading.fail(reading.pending, "It broke.", again=True)
    assert failed.pending is None
    assert failed.begin("next").turns == chat.turns


def test_an_answer_to_a_question_that_was_stopped_changes_nothing() -> None:
    session = Session()
    first = session.change(lambda now: now.begin("one?"))
    assert first is not None
    assert first.pending is not None
    session.change(Conversation.stop)
    session.change(lambda now: now.begin("one?"))
    late = Answer(question="one?", reason="Late.")
    assert session.change(lambda now: now.finish(first.pending, late, [document()])) is None
    assert session.now.pending is not None
    assert deepcopy(session).now == Conversation()


def test_words_that_do_not_stand_there_are_never_shown() -> None:
    source = document()
    moved = cited(document("x" + TEXT), 1, 1, 4)
    chat = asked(Conversation(), "who?", answer(moved))
    assert chat.turns[-1].answer is None
    assert page_marks(chat, [source]) == []


def test_the_page_gets_the_document_asked_for_or_the_first() -> None:
    one, two = document(), document("Other text.", 1)
    assert page_document(Conversation(), [one, two], shown="d1")["text"] == "Other text."
    assert page_document(Conversation(), [one, two], shown="../../etc/passwd")["text"] == TEXT

"""Lists with an entry on each line, and columns of tables: when their entries answer together."""

from __future__ import annotations

import time

import pytest
from scripted import passage
from test_listings import REPORT, STALLS

from index.sentences import split_blocks
from index.types import Passage
from qa.entries import by_entry, siblings
from qa.reading.listings import listings
from qa.types import Span


def read(text: str, *, at: int = 0) -> Passage:
    sentences = [(at + s, at + e) for block in split_blocks(text) for s, e in block.sentences]
    return passage(text, at=at, sentences=sentences)


def span(text: str, words: str) -> Span:
    return Span(start=text.index(words), end=text.index(words) + len(words), score=9.0)


def entries(question: str, words: str, *, several: bool = False, text: str = REPORT) -> list[str]:
    here = read(text)
    return [p.text[s.start : s.end] for p, s in siblings(question, (here, span(text, words)), [here], several=several)]


@pytest.mark.parametrize("several", [True, False])
def test_one_entry_brings_the_others_where_the_question_is_about_their_lead(several):
    assert entries("What did the team say went well?", "Customer Care called at once", several=several) == [
        "Customer Care called at once",
        "Messages were never lost",
    ]
    assert entries("why did it take so long to fix", "The first alert went to a dead channel", several=several) == [
        "The first alert went to a dead channel",
        'The screen showed "healthy": nobody looked at the queue.',
        "The rollback failed in one region.",
    ]


def test_entries_are_cut_where_the_best_is():
    wanted = ["bereavement", "moving house", "jury service"]
    assert entries("Which absences are paid in full?", "bereavement", several=True) == wanted


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("Which alert went to a dead channel?", "The first alert went to a dead channel"),
        ("What happened to messages that went well?", "Messages were never lost"),  # a word of one entry
        ("How long is paid for moving house?", "one day"),  # a part of an entry
        ("Who was thanked?", "everybody"),  # no entry
        ("Who failed?", "The rollback failed in one region"),  # nothing of the lead
    ],
)
def test_one_entry_stays_alone_where_it_is_asked_for(question, words):
    assert entries(question, words) == []


def test_the_passage_that_shows_most_of_the_list_is_cited():
    part = REPORT[: REPORT.index("- Messages")]
    first, second = read(part), read(REPORT[5:], at=5)
    best = (first, span(part, "Customer Care called at once"))
    found = siblings("What went well?", best, [first, second], several=False)
    assert [p is second for p, _ in found] == [True, True]
    assert [p.text[s.start : s.end] for p, s in found] == ["Customer Care called at once", "Messages were never lost"]
    other = passage(REPORT, document="another")
    assert siblings("What went well?", best, [other], several=False) == []


def test_hostile_lines_cost_little():
    text = "Things:\n" + "- (a) 1. - x\n" * 20_000 + " " * 50_000
    began = time.process_time()
    assert len(listings(text)[0].entries) == 20_000
    assert entries("Which things?", "x", text=text, several=True) == []
    assert time.process_time() - began < 5


@pytest.mark.parametrize(
    ("question", "words", "several", "found"),
    [
        ("What are the stallholders called?", "Sunita Rao", True, ["Aldo Ferrante", "Sunita Rao", "Whitlock & Sons"]),
        ("Which goods are there on the market square?", "fish", True, ["cheese", "spices, tea", "fish"]),
        ("What is the rent of Whitlock & Sons?", "£120", False, []),
        ("Which goods does Sunita Rao sell?", "spices, tea", True, []),
        ("Which stallholders pay over £100?", "Whitlock & Sons", True, []),
    ],
)
def test_one_cell_brings_its_column_where_the_question_is_about_nothing_else(question, words, several, found):
    assert entries(question, words, several=several, text=STALLS) == found


@pytest.mark.parametrize(
    ("question", "brought"),
    [
        ("What did the council agree to do about the pool?", True),
        ("What did the council do?", False),
        ("What did the council agree to borrow?", False),
    ],
)
def test_more_than_half_of_the_lead_is_enough_where_no_entry_stands_out(question, brought):
    text = "The council agreed instead to\n\n- borrow £100,000,\n- leave the price at £2.\n"
    found = entries(question, "borrow £100,000", text=text)
    assert found == (["borrow £100,000", "leave the price at £2."] if brought else [])


def itemised(text: str, *words: str) -> list[str]:
    here = read(text)
    found = by_entry([(here, span(text, word)) for word in words])
    return [p.text[s.start : s.end] for p, s in sorted(found, key=lambda item: item[1].start)]


COSTS = (
    "The grant pays for:\n(a) equipment, up to 25%\n(b) digitisation and storage\n(c) tea, bread and salt\n(d) travel\n"
)


def test_an_entry_is_one_item_unless_commas_part_it():
    assert itemised(COSTS, "equipment", "digitisation", "storage") == ["equipment", "digitisation and storage"]
    assert itemised(COSTS, "equipment", "tea", "bread", "salt") == ["equipment", "tea", "bread", "salt"]


def test_an_item_ends_with_its_entry():
    assert itemised(COSTS, "equipment", "storage\n(c) tea", "digitisation") == ["equipment", "digitisation and storage"]


def test_the_rest_of_the_entries_come_where_most_are_items():
    wanted = ["equipment", "digitisation and storage", "tea, bread and salt", "travel"]
    assert itemised(COSTS, "equipment", "digitisation and storage", "tea, bread and salt") == wanted
    assert itemised(COSTS, "equipment", "travel") == ["equipment", "travel"]


def test_items_that_begin_no_entry_are_left_alone():
    assert itemised(COSTS, "25%", "storage") == ["25%", "storage"]
    assert itemised("No list, but digitisation and storage.", "digitisation", "storage") == ["digitisation", "storage"]


def test_entries_seen_through_two_passages_count_together():
    cut = COSTS.index("(c)")
    first, second = read(COSTS[:cut]), read(COSTS[4:], at=4)
    found = by_entry([(first, span(first.text, "equipment")), (second, span(second.text, "digitisation"))])
    assert {p.text[s.start : s.end] for p, s in found} == {"equipment", "digitisation"}
    more = [(first, span(first.text, "equipment")), (second, span(second.text, "digitisation"))]
    more += [(second, span(second.text, "storage")), (second, span(second.text, "tea, bread and salt"))]
    said = {p.start + s.start: p.text[s.start : s.end] for p, s in by_entry(more)}
    assert list(dict(sorted(said.items())).values()) == [
        "equipment", "digitisation and storage", "tea, bread and salt", "travel",
    ]  # fmt: skip

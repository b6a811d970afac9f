"""The small reader skims, the careful one decides: what is read with care, and that the rest never counts.

`test_reader` holds a cascade to the contract of every reader.
"""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripted import ScriptedReader, passage

from index.types import Passage
from qa.choose import choose
from qa.lists import ListRules
from qa.reading.cascade import KEEP, Cascade
from qa.types import Reading, Span


def passages(count: int) -> list[Passage]:
    return [passage(f"Passage number {n}.", at=30 * n, identity=str(n)) for n in range(count)]


def scores(by_passage: dict[int, float], *, default: float | None = -5.0, null: float = 0.0) -> ScriptedReader:
    """A reader with one span a passage: its score by the passage's number; none where the score is None."""

    def rule(_: str, part: Passage) -> Reading:
        score = by_passage.get(int(part.id), default)
        spans = () if score is None else (Span(start=0, end=7, score=score),)
        return Reading(passage=part, spans=spans, null_score=null)

    return ScriptedReader(rule)


def read_with_care(skim: ScriptedReader, count: int, **options: int) -> list[str]:
    careful = scores({}, default=3.0)
    Cascade(skim, careful, **options).read("who?", passages(count))
    return [part.id for part in careful.seen[0]]


@pytest.mark.parametrize("count", [0, 1, KEEP])
def test_a_short_document_is_not_skimmed(count):
    skim, careful = scores({}), scores({})
    readings = Cascade(skim, careful).read("who?", passages(count))
    assert skim.seen == []
    assert [r.passage for r in readings] == passages(count)


def test_the_careful_reader_reads_the_most_promising_in_their_order():
    assert read_with_care(scores({9: 4.0, 4: 2.0, 7: 3.0}), 12, keep=5, sure=2) == ["0", "1", "4", "7", "9"]


def test_what_the_retriever_puts_first_is_read_however_little_it_promises():
    assert read_with_care(scores(dict.fromkeys(range(3, 12), 9.0)), 12, keep=4, sure=2) == ["0", "1", "3", "4"]


def test_promise_is_the_lead_over_not_here():
    def rule(_: str, part: Passage) -> Reading:
        null = 0.0 if part.id == "5" else 9.0
        return Reading(passage=part, spans=(Span(start=0, end=3, score=9.0 - int(part.id) / 10),), null_score=null)

    assert "5" in read_with_care(ScriptedReader(rule), 9, keep=1, sure=0)


def test_a_passage_in_which_the_skimming_reader_finds_nothing_comes_last():
    assert read_with_care(scores(dict.fromkeys(range(8)) | {8: -50.0}), 9, keep=3, sure=2) == ["0", "1", "8"]


def test_every_passage_gets_a_reading_in_its_place():
    given_passages = passages(12)
    readings = Cascade(scores({}), scores({}, default=3.0)).read("who?", given_passages)
    assert [r.passage for r in readings] == given_passages
    unread = [r for r in readings if not r.spans]
    assert len(unread) == 12 - KEEP
    assert all(r.null_score == math.inf and r.items == () for r in unread)


def test_a_reading_of_the_careful_reader_without_spans_keeps_its_no_answer_score():
    readings = Cascade(scores({}), scores({}, default=None, null=1.5)).read("who?", passages(6))
    assert [r.null_score for r in readings].count(1.5) == KEEP


@given(
    st.lists(st.floats(-20, 20), min_size=KEEP + 1, max_size=30), st.lists(st.floats(-20, 20), min_size=30, max_size=30)
)
def test_what_was_not_read_with_care_never_decides(skimmed, careful):
    """The choice is the one that the careful readings alone give, whatever the skimming scores were."""
    cascade = Cascade(scores(dict(enumerate(skimmed))), scores(dict(enumerate(careful))))
    readings = cascade.read("who?", passages(len(skimmed)))
    cared = [r for r in readings if r.spans]
    assert len(cared) == KEEP
    assert all(r.spans[0].score == careful[int(r.passage.id)] for r in cared)
    options = {"several": False, "reread": lambda _: [], "rules": ListRules()}
    assert choose(readings, **options) == choose(cared, **options)


def test_the_number_of_spans_asked_for_is_the_careful_readers():
    asked: list[int] = []

    class Counting:
        name = "counting"

        def read(self, question: str, given: list[Passage], *, n_best: int = 5) -> list[Reading]:
            asked.append(n_best)
            return [Reading(passage=part, spans=(), null_score=0.0) for part in given]

    Cascade(scores({}), Counting()).read("who?", passages(8), n_best=3)
    assert asked == [3]


def test_it_is_named_after_both():
    assert Cascade(scores({}), scores({})).name == "scripted+scripted"


@pytest.mark.parametrize(("keep", "sure"), [(0, 0), (-1, 0), (3, 4), (3, -1)])
def test_numbers_that_make_no_sense_are_refused(keep, sure):
    with pytest.raises(ValueError, match="bad keep"):
        Cascade(scores({}), scores({}), keep=keep, sure=sure)

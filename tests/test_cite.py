"""Receipts: the quote is the document's own text at the place that was read."""

from __future__ import annotations

import itertools

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from index.types import Document, Passage
from qa.cite import cite, cite_all, receipt
from qa.types import Span

HOSTILE = st.text(
    alphabet=st.one_of(
        st.characters(exclude_categories=()),
        st.sampled_from("ab \r\n\t.\u200b\u200d\u00ad\u0301\ufe0f“”‘’<>&*_`[]{}%"),
        st.sampled_from("👩🏽🇫🇷日本"),
    ),
    min_size=1,
    max_size=120,
)


def document(text: str, *, identity: str = "d", quiet: tuple[tuple[int, int], ...] = ()) -> Document:
    return Document(id=identity, title="Title", text=text, source="a.txt", sha256="0" * 64, quiet=quiet)


def passage(source: Document, start: int, end: int, *, sentences: tuple[tuple[int, int], ...] = ()) -> Passage:
    return Passage(
        id=f"{source.id}-{start}",
        document_id=source.id,
        text=source.text[start:end],
        start=start,
        end=end,
        sentences=sentences,
    )


def span(start: int, end: int, score: float = 1.0) -> Span:
    return Span(start=start, end=end, score=score)


@given(HOSTILE, st.data())
def test_every_citation_quotes_its_place(text, data):
    source = document(text * data.draw(st.integers(1, 3)))
    size = len(source.text)
    found = []
    for _ in range(data.draw(st.integers(0, 6))):
        start = data.draw(st.integers(0, size - 1))
        part = passage(source, start, data.draw(st.integers(start + 1, size)))
        first = data.draw(st.integers(0, len(part.text) - 1))
        found.append(
            (part, span(first, data.draw(st.integers(first + 1, len(part.text))), data.draw(st.floats(-9, 9))))
        )
    citations = cite_all({source.id: source}, found)
    assert bool(citations) == bool(found)
    clusters = {0, *(match.end() for match in regex.finditer(r"\X", source.text))}
    for citation in citations:
        assert source.text[citation.start : citation.end] == citation.quote
        assert source.text[: citation.start].endswith(citation.prefix)
        assert source.text[citation.end :].startswith(citation.suffix)
        assert max(len(citation.prefix), len(citation.suffix)) <= 32
        assert not citation.prefix or citation.start - len(citation.prefix) in clusters
        assert not citation.suffix or citation.end + len(citation.suffix) in clusters
        assert citation.sentence_start <= citation.start < citation.end <= citation.sentence_end
        assert (citation.start, citation.end) in {(p.start + s.start, p.start + s.end) for p, s in found}
    assert [c.number for c in citations] == list(range(1, len(citations) + 1))
    assert all(one.end <= two.start for one, two in itertools.pairwise(citations))


def test_the_place_that_was_read_is_cited_where_the_same_words_stand_several_times():
    source = document("No one came. No one came. No one came.")
    (citation,) = cite(source, passage(source, 13, 38), [span(0, 6)])
    assert (citation.start, citation.quote) == (13, "No one")


def test_one_place_found_through_two_passages_is_one_citation():
    source = document("Kim left on Sunday. He took the train.")
    found = [(passage(source, 0, 19), span(12, 18)), (passage(source, 4, 38), span(8, 14, 3.0))]
    (citation,) = cite_all({"d": source}, found)
    assert (citation.number, citation.quote) == (1, "Sunday")


def test_the_better_of_two_places_that_overlap_is_kept():
    source = document("five drones, a vest, and a coat")
    whole = passage(source, 0, 31)
    found = [(whole, span(0, 31, 1.0)), (whole, span(0, 11, 2.0)), (whole, span(13, 19, 1.5))]
    assert [c.quote for c in cite_all({"d": source}, found)] == ["five drones", "a vest"]


def test_citations_come_in_reading_order_of_the_documents_given():
    one, two = document("alpha beta", identity="one"), document("gamma delta", identity="two")
    found = [(passage(two, 0, 11), span(6, 11)), (passage(one, 0, 10), span(6, 10)), (passage(one, 0, 10), span(0, 5))]
    citations = cite_all({"one": one, "two": two}, found, first_number=4)
    assert [(c.number, c.document_id, c.quote) for c in citations] == [
        (4, "one", "alpha"),
        (5, "one", "beta"),
        (6, "two", "delta"),
    ]


def test_quiet_text_is_never_cited():
    text = "Kim left.\n\n  • Share\n\nHe took the train."
    share = (text.index("  •"), text.index("Share") + 5)
    source = document(text, quiet=(share,))
    whole = passage(source, 0, len(text))
    assert cite(source, whole, [span(*share)]) == ()
    (tail,) = cite(source, whole, [span(text.index("Share"), text.index(" took"))])
    assert tail.quote == "He"
    (longer,) = cite(source, whole, [span(0, len(text))])
    assert longer.quote == "He took the train."


def test_a_span_cut_back_from_quiet_text_does_not_grow_into_it_again():
    source = document("abc(def)ghi", quiet=((3, 8),))
    (citation,) = cite(source, passage(source, 0, 11), [span(1, 11)])
    assert citation.quote == "ghi"


def test_the_sentences_around_a_quote_are_whole():
    text = "One came. Two left, and three. Four slept."
    source = document(text)
    bounds = ((0, 9), (10, 30), (31, 42))
    whole = passage(source, 0, len(text), sentences=bounds)
    inside, across = cite(source, whole, [span(10, 13), span(26, 35)])
    assert text[inside.sentence_start : inside.sentence_end] == "Two left, and three."
    assert text[across.sentence_start : across.sentence_end] == "Two left, and three. Four slept."


def test_without_sentences_the_lines_of_the_quote_stand_in():
    text = "Head\r\n  First line here. \r\nNext"
    source = document(text)
    (citation,) = cite(source, passage(source, 0, len(text)), [span(text.index("line"), text.index("line") + 4)])
    assert text[citation.sentence_start : citation.sentence_end] == "First line here."


def test_prefix_and_suffix_do_not_cut_a_character_in_two():
    text = "e\u0301" * 16 + "x" + "word" + "e\u0301" * 40
    source = document(text)
    citation = receipt(source, 33, 37, number=0)
    assert citation.prefix == "e\u0301" * 15 + "x"
    assert citation.suffix == "e\u0301" * 16
    assert citation.number == 0


def test_a_passage_of_another_document_is_refused():
    source = document("alpha beta")
    other = document("gamma beta", identity="d")
    with pytest.raises(ValueError, match="not a part"):
        cite(source, passage(other, 0, 10), [span(0, 5)])
    with pytest.raises(ValueError, match="not a part"):
        cite_all({}, [(passage(source, 0, 10), span(0, 5))])


def test_a_span_beyond_its_passage_is_refused():
    source = document("alpha beta")
    with pytest.raises(ValueError, match="passage of 5 characters"):
        cite(source, passage(source, 0, 5), [span(0, 6)])
    with pytest.raises(ValueError, match="not a span"):
        receipt(source, 4, 11, number=1)


def test_no_spans_give_no_citations():
    source = document("alpha")
    assert cite(source, passage(source, 0, 5), []) == ()

"""Sentences and passages: offsets that reproduce the text, nothing readable lost, nothing quiet included."""

from __future__ import annotations

import unicodedata
from itertools import pairwise
from pathlib import Path

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from index.chunk import Chunker, SentenceChunker
from index.errors import DocumentError
from index.load import load_document, load_text
from index.sentences import split_blocks
from index.types import Document

SEED = Path(__file__).parent.parent / "seeds" / "kim_leaves_russia.txt"

HOSTILE = [
    "One. Two.",
    "word",
    "a\r\n\r\nb\rc\n",
    "日本語。次の文。" * 50,
    "Kim’s “gifts”: cafe\u0301, bul\u00adlet, zero\u200bwidth, \u202eright\u202c 👨‍👩‍👧👍🏽 end",
    "x" * 5_000,
    "no full stop at all " * 300,
    "👨‍👩‍👧" * 400,
    "a" + "\u0301" * 3_000 + " b",
    "“never closed " * 200,
    "The same sentence. " * 60,
    "Heading\n\n" * 50,
    "• Share\n\nTitle\n\n• Share\n\nText here.\n\nAdvertisement\n\nMore text.\n\n==========\nEnd",
    "- a\n- b\n\n1. c\n2) d\n\n| e | f |\n|---|---|\n| g | h |",
    ". . . ! ? … ”\n\n”",
    "Mr. " * 400,
    "line one\u2028line two\x85three\x0cfour",
]
PIECES = [
    *(
        "Kim left. ",
        "He won 3.5 km. ",
        "U.S. Army",
        "“Yes!” ",
        "(no)",
        "p.m. ",
        "日本。",
        "\r\n",
        "\n",
        "\n\n",
        "\t",
        "  ",
    ),
    *(
        "• Share",
        "• Bread",
        "- item",
        "1. ",
        "Heading",
        "e\u0301",
        "\u0301",
        "\u200b",
        "\u00ad",
        "👨‍👩‍👧",
        "🇺🇬",
        "\ufeff",
        "\x85",
        "\0",
    ),
    *("-----", "x" * 60, "…", "’", ":", "a.", "A. ", " "),
]
TEXTS = st.one_of(
    st.lists(st.sampled_from(PIECES), max_size=60).map("".join),
    st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=300),
)


def count_words(text: str) -> int:
    return len(text.split())


def check(document: Document, chunker: Chunker) -> None:
    """What every chunker holds for every document."""
    text, passages = document.text, chunker.chunk(document)
    covered = [False] * len(text)
    for passage in passages:
        assert text[passage.start : passage.end] == passage.text
        assert passage.document_id == document.id
        assert passage.sentences
        assert (passage.sentences[0][0], passage.sentences[-1][1]) == (passage.start, passage.end)
        for start, end in passage.sentences:
            assert start < end
            assert text[start:end] == text[start:end].strip()
            covered[start:end] = [True] * (end - start)
        assert all(left[1] <= right[0] for left, right in pairwise(passage.sentences))
        assert not any(passage.start < end and start < passage.end for start, end in document.quiet)
    assert all(left.start < right.start and left.end < right.end for left, right in pairwise(passages))
    assert len({passage.id for passage in passages}) == len(passages)
    for start, end in document.quiet:
        covered[start:end] = [True] * (end - start)
    lost = [at for at, char in enumerate(text) if not covered[at] and unicodedata.category(char)[0] not in "ZC"]
    assert lost == []


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize(("size", "overlap"), [(1, 0), (4, 1), (30, 10), (200, 50)])
def test_every_readable_character_is_in_a_passage(text: str, size: int, overlap: int) -> None:
    check(load_text(text), SentenceChunker(count_words, max_tokens=size, overlap_tokens=overlap))


@given(TEXTS, st.integers(1, 20), st.integers(0, 19))
def test_any_text_keeps_its_offsets(text: str, size: int, overlap: int) -> None:
    try:
        document = load_text(text)
    except DocumentError:
        return
    check(document, SentenceChunker(count_words, max_tokens=size, overlap_tokens=min(overlap, size - 1)))


@given(
    st.lists(st.sampled_from(["👨‍👩‍👧", "e\u0301", "🇺🇬", "a", "க்ஷி", "\u1100\u1161"]), min_size=1, max_size=200).map(
        "".join
    )
)
def test_no_cut_falls_inside_a_character_as_people_see_it(text: str) -> None:
    document = load_text(text)
    edges = {0, *(found.end() for found in regex.finditer(r"\X", text))}
    for passage in SentenceChunker(len, max_tokens=7, overlap_tokens=0).chunk(document):
        assert {passage.start, passage.end} <= edges


@pytest.mark.parametrize("text", [*HOSTILE, "word " * 3_000, "Some words here. " * 500])
def test_passages_stay_within_their_size(text: str) -> None:
    for passage in SentenceChunker(count_words, max_tokens=30, overlap_tokens=10).chunk(load_text(text)):
        assert sum(count_words(passage.text[s - passage.start : e - passage.start]) for s, e in passage.sentences) <= 30
        assert len(passage.text) <= 30 * 20 + 3_001  # one combining cluster is never cut


def test_overlap_repeats_whole_sentences() -> None:
    document = load_text(" ".join(f"Sentence number {number} has seven words here." for number in range(40)))
    passages = SentenceChunker(count_words, max_tokens=30, overlap_tokens=10).chunk(document)
    for left, right in pairwise(passages):
        assert left.sentences[-1] == right.sentences[0]
        assert len(left.sentences) == 4
    without = SentenceChunker(count_words, max_tokens=30, overlap_tokens=0).chunk(document)
    assert all(left.end < right.start for left, right in pairwise(without))


def test_a_heading_stays_with_what_follows() -> None:
    part = "Part\n\nEligible costs are:\n\n- " + "word " * 8 + "\n\n"
    document = load_text("Opening words " * 7 + "end.\n\n" + part * 4)
    passages = SentenceChunker(count_words, max_tokens=20, overlap_tokens=3).chunk(document)
    assert len(passages) > 3
    assert not any(passage.text.endswith(("Part", ":")) for passage in passages)


def test_the_article_is_read_without_its_buttons() -> None:
    document = load_document(SEED)
    check(document, SentenceChunker(count_words, max_tokens=120, overlap_tokens=30))
    text = " ".join(p.text for p in SentenceChunker(count_words).chunk(document))
    assert "Share" not in text
    assert "Source: Reuters" in text


@pytest.mark.parametrize(("size", "overlap"), [(0, 0), (5, 5), (5, -1)])
def test_bad_sizes_are_refused(size: int, overlap: int) -> None:
    with pytest.raises(ValueError, match="bad passage size"):
        SentenceChunker(count_words, max_tokens=size, overlap_tokens=overlap)


# Sentences


def sentences(text: str) -> list[str]:
    return [" ".join(text[start:end].split()) for block in split_blocks(text) for start, end in block.sentences]


@pytest.mark.parametrize(
    "expected",
    [
        ["It closed at 5 p.m. Monday.", "The mayor left."],
        ["It rained until 9 a.m.", "The mayor left."],
        ["The U.S. Army came.", "It left the U.S.", "The next day was calm."],
        ["Dr. Mary Lee met Mr. X. Smith.", "They talked."],
        ["J. K. Rowling wrote 3.5 books.", "See Fig. 3 and No. 5 there."],
        ["Bats, e.g. noctules, weigh approx. 5 g each.", "They fly."],
        ["The lake is 24 m.", "Nobody swims at 2.5 °C.", "Come by 23 May.", "Places are few."],
        ["“Who came?” he asked.", "“No one!”", "He left."],
        ["Version 9.0 is out.", "Visit www.example.org/a.b now."],
        ["日本語。", "次の文。"],
        ["Really?!", "Yes … and no.", "No."],
    ],
)
def test_full_stops_that_end_no_sentence(expected: list[str]) -> None:
    joined = "".join(expected) if expected[0].endswith("。") else " ".join(expected)
    assert sentences(joined) == expected


def test_lines_of_wrapped_text_are_one_sentence_and_facts_are_one_each() -> None:
    wrapped = (
        "The chimney leans and, as nothing else helps, must be taken down, and the\r\n"
        "electrical installation is old. We also found damp in the wall to the north\r\n"
        "of the kitchen.\r\n"
        "Client: Mr Achterlo\r\n"
        "Weather: dry, 11 °C, after a week of heavy rain\r\n"
        "  - obtain two quotations for the chimney and for the removal of everything on\r\n"
        "    the roof\r\n"
        "  - arrange the survey\r\n"
    )
    assert sentences(wrapped) == [
        "The chimney leans and, as nothing else helps, must be taken down, and the electrical installation is old.",
        "We also found damp in the wall to the north of the kitchen.",
        "Client: Mr Achterlo",
        "Weather: dry, 11 °C, after a week of heavy rain",
        "- obtain two quotations for the chimney and for the removal of everything on the roof",
        "- arrange the survey",
    ]


def test_headings_items_and_rows_end_a_sentence() -> None:
    text = "# Prices\nIt costs €59.\n| Item | Price |\n| Mula | €109 |\n1. First\n2. Next\n\nRoom 1 – Brine\nSalt came."
    assert sentences(text) == [
        *("# Prices", "It costs €59.", "| Item | Price |", "| Mula | €109 |", "1. First", "2. Next"),
        *("Room 1 – Brine", "Salt came."),
    ]

"""Receipts against documents: what is found, and what never is."""

from __future__ import annotations

import json

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from index.load import load_text
from qa.cite import receipt as cite
from qa.errors import ReceiptError
from qa.receipts import Receipt, receipts_in
from qa.verify import verify
from qa.visible import visible

TEXT = (
    "The council met on Monday. It approved 1,500 bridges and did not build a school. Kim Jong-un's envoy, "
    "Vladimir Orlov, can't return before 5 May. The non-profit lost -5 % of 20 % shares.\n\n"
    "The council met on Monday. Nobody objected to it, said an unable chairman.\n"
)


def receipt(quote: str, text: str = TEXT, *, nth: int = 0) -> Receipt:
    start = -1
    for _ in range(nth + 1):
        start = text.index(quote, start + 1)
    made = cite(load_text(text), start, start + len(quote), number=1)
    return Receipt(quote=quote, start=start, end=made.end, prefix=made.prefix, suffix=made.suffix, sha256=made.sha256)


def status(made: Receipt, text: str, **options: str) -> str:
    return verify(made, text, **options).status


@pytest.mark.parametrize("quote", ["approved 1,500 bridges", "Monday", "did not build a school", "Kim Jong-un", "Kim"])
def test_words_that_stand_there_are_found(quote):
    made = receipt(quote)
    found = verify(made, TEXT, sha256=made.sha256)
    assert (found.status, found.start, found.end, found.words) == ("found", made.start, made.end, quote)
    assert found.surroundings == "same"
    assert found.same_document is True


def test_the_second_of_two_is_found_at_its_own_place():
    made = receipt("The council met on Monday", nth=1)
    assert verify(made, TEXT).start == made.start


def test_the_last_of_very_many_is_found_at_its_own_place():
    text = "the ferry and " * 20_000
    start = 14 * 19_990
    assert verify(Receipt(quote="the", start=start, prefix="ferry and ", suffix=" ferry"), text).start == start


def test_white_space_is_no_difference():
    other = TEXT.replace("did not build", "did\n   not\u00a0build")
    found = verify(receipt("did not build a school"), other)
    assert found.status == "found"
    assert found.words == "did\n   not\u00a0build a school"


def test_moved_words_are_placed_by_what_stands_around_them():
    moved = verify(receipt("The council met on Monday", nth=1), "A new first line.\n" + TEXT)
    assert moved.status == "moved"
    assert moved.start == TEXT.index("The council", 5) + len("A new first line.\n")


def test_where_two_places_are_alike_none_is_chosen():
    made = Receipt(quote="The council met on Monday", start=7, end=32)
    found = verify(made, TEXT)
    assert found.status == "ambiguous"
    assert found.start is None
    assert len(found.places) == 2


@pytest.mark.parametrize(
    ("quote", "was", "now", "changes"),
    [
        ("approved 1,500 bridges", "1,500", "1,600", ("1,500", "1,600")),
        ("approved 1,500 bridges", "1,500", "11,500", ("1,500", "11,500")),
        ("did not build a school", "not ", "", ("not", "")),
        ("did not build a school", "a school", "schools", ("a school", "schools")),
        ("Vladimir Orlov", "Orlov", "Petrov", ("Orlov", "Petrov")),
        ("Nobody objected", "Nobody", "Somebody", ("Nobody", "Somebody")),
        ("5 May", "5 May", "15 May", ("5", "15")),
        ("Monday", "Monday. It", "Tuesday. It", ("Monday", "Tuesday")),
    ],
)
def test_changed_words_are_reworded_and_shown(quote, was, now, changes):
    found = verify(receipt(quote), TEXT.replace(was, now, 1))
    assert found.status == "reworded"
    assert (found.changes[0].cited, found.changes[0].stands) == changes


def test_what_is_not_there_is_gone():
    assert (
        status(receipt("approved 1,500 bridges"), "A wholly other text about ferries and their timetables.") == "gone"
    )
    assert status(receipt("approved 1,500 bridges"), "") == "gone"


@pytest.mark.parametrize(
    ("quote", "text"),
    [
        ("able", "The chairman is unable to speak."),
        ("profit", "A non-profit is here."),
        ("can", "They can't come."),
        ("can", "They can’t come."),
        ("5", "It fell by -5 today."),
        ("5", "It rose by 1.5 today."),
        ("500", "There were 1,500 of them."),
        ("5", "It rose by 5% today."),
        ("Kim", "Kimberley came."),
        ("cafe", "The cafe\u0301 is open."),
        ("able", "It is un\u00adable to."),
        ("able", "It is un\u200bable to."),
        ("100", "It is 100\u00b2 wide."),
    ],
)
def test_never_inside_a_longer_word_or_number(quote, text):
    for start in (None, text.index(quote)):
        made = Receipt(quote=quote, start=start, end=None if start is None else start + len(quote))
        assert status(made, text) in ("gone", "reworded"), start


def test_a_joined_neighbour_that_the_citation_knows_of_is_no_change():
    assert status(receipt("Kim Jong-un"), TEXT) == "found"  # followed by 's
    assert status(receipt("profit"), TEXT) == "found"  # of non-profit: the receipt says so
    assert status(Receipt(quote="profit", start=3, end=9, prefix="The ", suffix=" lost"), TEXT) != "found"


def test_scripts_without_spaces_have_no_word_bounds():
    text = "金正恩は2019年4月にロシアを訪問した。"
    assert status(receipt("金正恩", text), text) == "found"
    assert status(receipt("9年", text), text) != "found"


def test_markdown_marks_are_no_difference():
    text = "# Visit\n\n**Kim Jong-un** met [Vladimir *Putin*](https://x.example) on Thursday."
    assert status(receipt("Kim Jong-un", text), text, media_type="text/markdown") == "found"
    made = Receipt(quote="Kim Jong-un met Vladimir Putin on Thursday.", start=8, end=51)
    assert status(made, text, media_type="text/markdown") == "moved"
    assert status(receipt("**Kim Jong-un** met", text), "**x** y Kim Jong-un met him.") == "ambiguous"
    long = "**Kim Jong-un** met [Vladimir *Putin*](https://x.example)"
    assert status(receipt(long, text), "Visit: Kim Jong-un met Vladimir Putin, it said.") == "moved"
    assert status(Receipt(quote="23 men"), "There were 2**3 men.", media_type="text/markdown") != "found"


def test_a_page_is_read_as_it_is_seen():
    page = (
        "<title>Nobody objected</title><p>It approved <b>1,500</b>\n bridges &amp; d<i>id</i> not build a school.</p>"
        "<p>Prices rose 10<sup>2</sup> %.</p><p>They did <s>not</s> pay.</p><p hidden>Hidden words here.</p>"
        "<script>var words = 'a script';</script><!-- a comment -->"
    )
    seen = {
        "approved 1,500 bridges & did not build a school": "found",
        "102": "gone",
        "10": "gone",
        "did not pay": "gone",
        "did pay": "gone",
        "Hidden words here": "gone",
        "a script": "gone",
        "school. Prices": "found",
    }
    for quote, expected in seen.items():
        found = verify(Receipt(quote=quote), page, media_type="text/html")
        assert (found.status == "found") == (expected == "found"), quote
    found = verify(Receipt(quote="bridges & did"), page, media_type="text/html")
    assert page[found.start : found.end] == "bridges &amp; d<i>id"


WORDS = st.sampled_from(
    "Kim Orlov not did 5 15 1,500 May the a school can't non-profit bridge é 金正恩 ** _ <b>".split()
)
TEXTS = st.lists(WORDS, min_size=3, max_size=30).map(lambda words: " ".join(["A", *words]))


@given(TEXTS, st.data())
def test_what_is_cited_from_a_text_is_found_in_it(text, data):
    bounds = [0, *(n + 1 for n, c in enumerate(text) if c == " ")]
    start = data.draw(st.sampled_from(bounds))
    ends = [n for n, c in enumerate(text + " ") if c == " " and n > start]
    end = data.draw(st.sampled_from(ends))
    for kind in ("text/plain", "text/markdown"):
        found = verify(receipt_at(text, start, end), text, media_type=kind)
        assert (found.status, found.start) == ("found", start)


def receipt_at(text: str, start: int, end: int) -> Receipt:
    made = cite(load_text(text), start, end, number=1)
    return Receipt(quote=made.quote, start=start, end=end, prefix=made.prefix, suffix=made.suffix)


@given(TEXTS, TEXTS, st.sampled_from(["text/plain", "text/markdown", "text/html"]))
@example("5 May", "15 May", "text/plain")
def test_found_and_moved_words_are_the_cited_ones(cited, text, kind):
    found = verify(Receipt(quote=cited), text, media_type=kind)
    if found.status in ("found", "moved"):
        assert found.words is not None
        ours = {visible(cited, each).text.split().__str__() for each in ("text/plain", "text/markdown")}
        theirs = {visible(found.words, each).text.split().__str__() for each in ("text/plain", kind)}
        assert ours & theirs


@given(st.text(max_size=200), st.sampled_from(["text/plain", "text/markdown", "text/html"]))
def test_every_visible_character_has_its_place(text, kind):
    seen = visible(text, kind)
    assert len(seen.text) == len(seen.starts) == len(seen.ends)
    assert all(0 <= a <= b <= len(text) for a, b in zip(seen.starts, seen.ends, strict=True))
    assert list(seen.starts) == sorted(seen.starts)
    if kind == "text/plain":
        assert seen.text.split() == text.split()


HOSTILE_MARKUP = st.lists(
    st.sampled_from(
        ["<", "</", "<!", "<!--", "-->", "<![", "<?", "<a", '<a b="', "'", '"', ">", "/", "=", "&#", "&#x41", "&amp",
         ";", "<script>", "</script>", "<div hidden>", "</div>", "<s>", "x", " ", "\n", "<title>"]
    ),
    max_size=40,
).map("".join)  # fmt: skip


@given(HOSTILE_MARKUP)
def test_any_markup_is_read(text):
    seen = visible(text, "text/html")
    assert len(seen.text) == len(seen.starts) == len(seen.ends)
    assert all(0 <= a <= b <= len(text) for a, b in zip(seen.starts, seen.ends, strict=True))


@pytest.mark.parametrize(
    "part", ["<a ", '<a b="', "<!--", "<![", "</", "&a", "<script>", "<a", "[](", "**a", "<x hidden>"]
)
def test_a_hostile_text_is_read_in_one_go(part):
    """Read in steps that grow with its square, each of these would take minutes."""
    for kind in ("text/html", "text/markdown"):
        assert len(visible(part * 100_000, kind).text) <= len(part) * 100_000


@given(st.integers(10, 99_999), st.integers(0, 9), st.data())
def test_a_changed_digit_is_never_found(number, digit, data):
    before = f"They counted {number:,} votes in the end, and nobody objected to that."
    figure = f"{number:,}"
    at = data.draw(st.sampled_from([n for n, c in enumerate(figure) if c.isdigit()]))
    other = figure[:at] + str(digit) + figure[at + 1 :]
    assume(other != figure)
    made = receipt(figure, before)
    found = verify(made, before.replace(figure, other))
    assert found.status == "reworded"
    assert found.words == other


@given(st.text(max_size=60), st.text(max_size=60), st.none() | st.integers(0, 80))
def test_any_receipt_gets_a_verdict(quote, text, start):
    found = verify(Receipt(quote=quote, start=start, prefix=text[:5], suffix=quote[:5]), text)
    assert found.message.endswith(".")
    if found.start is not None:
        assert text[found.start : found.end] == found.words


def test_receipts_are_read_from_a_citation_a_list_or_an_answer():
    one = {"quote": "Monday", "start": 19, "end": 25, "prefix": "met on ", "suffix": ". It", "number": 1, "title": "x"}
    for given_ in (one, [one], {"question": "?", "citations": [one]}):
        (made,) = receipts_in(json.loads(json.dumps(given_)))
        assert (made.quote, made.start, made.number) == ("Monday", 19, 1)


@pytest.mark.parametrize(
    "bad",
    [
        None, 5, "Monday", {}, [], {"citations": []}, {"quote": 5}, {"quote": "x", "start": "1"},
        {"quote": "x", "start": -1}, {"quote": "x", "start": True}, {"quote": "x", "prefix": 5},
        {"quote": "x", "start": 3, "end": 9}, {"quote": "x" * 20_001}, [{"quote": "x"}, "y"],
    ],
)  # fmt: skip
def test_what_is_no_receipt_is_one_sentence(bad):
    with pytest.raises(ReceiptError) as raised:
        receipts_in(bad)
    assert str(raised.value).endswith(".")

"""One suite that every reader passes, and the windows they read through."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import tiny_readers
from hypothesis import given, settings
from hypothesis import strategies as st

from index.types import Passage
from qa.errors import ReaderError
from qa.reading.builtin import OnnxReader, open_reader
from qa.reading.cascade import Cascade
from qa.reading.hub import HubReader
from qa.reading.reader import Logits, Reader, read_passages
from qa.reading.windows import PairEncoder, Window
from qa.types import Reading

TEXT = "North Korea’s Kim left Russia on Sunday, and the governor gave Kim five drones, a vest and a train. "
HOSTILE = st.text(
    alphabet=st.one_of(
        st.characters(exclude_categories=()),
        st.sampled_from("who gave kim the five drones [SEP] </s> [CLS] \r\n\x00\u200b\u00ad\u0301\u200d<>&{}%"),
        st.sampled_from("👩🏽🇫🇷日本"),
    ),
    max_size=200,
)
passage = tiny_readers.passage


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    base = tmp_path_factory.mktemp("readers")
    return {
        "onnx": tiny_readers.save_onnx(base / "onnx"),
        "onnx, tags": tiny_readers.save_onnx(base / "tags", tags=True),
        "onnx, mpnet": tiny_readers.save_onnx(base / "onnx-mpnet", "mpnet", tags=True),
        "hub": tiny_readers.save_transformers(base / "hub"),
        "hub, mpnet": tiny_readers.save_transformers(base / "hub-mpnet", "mpnet"),
    }


@pytest.fixture(scope="module", params=["onnx", "onnx, tags", "onnx, mpnet", "hub", "hub, mpnet", "cascade"])
def reader(request: pytest.FixtureRequest, folders: dict[str, Path]) -> Reader:
    if request.param == "cascade":
        return Cascade(OnnxReader(folders["onnx"]), OnnxReader(folders["onnx, mpnet"]))
    folder = folders[request.param]
    if request.param.startswith("hub"):
        return HubReader(folder, doc_stride=tiny_readers.DOC_STRIDE)
    return OnnxReader(folder)


def checked(reading: Reading, read: Passage, *, n_best: int = 5) -> None:
    """What holds for every reading."""
    assert reading.passage is read
    assert math.isfinite(reading.null_score)
    assert len(reading.spans) <= n_best
    scores = [span.score for span in reading.spans]
    assert scores == sorted(scores, reverse=True)
    for found in (sorted(reading.spans, key=lambda s: s.start), reading.items):
        for span in found:
            assert 0 <= span.start < span.end <= len(read.text)
            assert math.isfinite(span.score)
            words = read.text[span.start : span.end]
            assert words == words.strip()
        for one, two in itertools.pairwise(found):
            assert one.end <= two.start


def plain(reading: Reading) -> tuple[object, ...]:
    return reading.spans, reading.items, reading.null_score


def test_one_reading_per_passage_in_order(reader):
    passages = [passage(text, identity=str(n)) for n, text in enumerate([TEXT, "Kim.", TEXT * 4, "A vest on Sunday."])]
    readings = reader.read("who gave the drones", passages)
    for reading, read in zip(readings, passages, strict=True):
        checked(reading, read)
        assert reading.spans


def test_no_passages_give_no_readings(reader):
    assert reader.read("who gave the drones", []) == []


def test_a_reading_does_not_depend_on_the_passages_beside_it(reader):
    passages = [passage(TEXT * n) for n in (1, 3, 2)]
    together = [plain(r) for r in reader.read("who left", passages)]
    assert together == [plain(reader.read("who left", [p])[0]) for p in passages]
    assert together == [plain(r) for r in reader.read("who left", passages[::-1])][::-1]


def test_offsets_are_in_the_passage_wherever_it_stands_in_the_document(reader):
    here, there = passage(TEXT), passage(TEXT, at=1000)
    assert plain(reader.read("who left", [here])[0]) == plain(reader.read("who left", [there])[0])


@pytest.mark.parametrize("n_best", [1, 2, 7])
def test_as_many_spans_as_asked_for(reader, n_best):
    (reading,) = reader.read("who left", [passage(TEXT * 5)], n_best=n_best)
    checked(reading, reading.passage, n_best=n_best)
    assert len(reading.spans) == n_best
    assert reading.spans == reader.read("who left", [passage(TEXT * 5)], n_best=9)[0].spans[:n_best]


def test_no_span_asked_for_is_refused(reader):
    with pytest.raises(ValueError, match="n_best"):
        reader.read("who left", [passage(TEXT)], n_best=0)


@pytest.mark.parametrize(
    "question",
    [
        "",
        " \n\t",
        "?",
        "\x00",
        "\ud800",
        "who " * 25_000,
        "w" * 100_000,
        "💥" * 5000,
        "誰ですか",
        "[SEP] who [SEP]",
        "%s {0} <b>",
    ],
)
def test_any_question_is_read(reader, question):
    (reading,) = reader.read(question, [passage(TEXT)])
    checked(reading, reading.passage)
    assert reading.spans


@pytest.mark.parametrize(
    "text", [" ", "\n\r\n", ".", "\u200b", "\ud800", "👩🏽\u200d🚀", "x" * 5000, "[SEP]", "\x00\x01"]
)
def test_any_passage_is_read(reader, text):
    (reading,) = reader.read("who left", [passage(text)])
    checked(reading, reading.passage)


@settings(deadline=None, max_examples=40)
@given(question=HOSTILE, texts=st.lists(HOSTILE.filter(bool), max_size=3))
def test_hostile_text_is_read_like_any_other(reader, question, texts):
    passages = [passage(text, at=5) for text in texts]
    for reading, read in zip(reader.read(question, passages), passages, strict=True):
        checked(reading, read)


def test_eight_threads_get_what_one_gets(reader):
    questions = ["who left", "what did the governor give", "w" * 500, ""] * 3
    passages = [passage(TEXT * n) for n in (1, 3)]

    def read(question: str) -> list[object]:
        return [plain(reading) for reading in reader.read(question, passages)]

    alone = [read(question) for question in questions]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(read, questions)) == alone


def test_a_reader_has_a_name(reader):
    assert reader.name


@pytest.mark.parametrize("kind", ["", ", mpnet"])
def test_both_runtimes_read_alike(folders, kind):
    exported = OnnxReader(folders[f"onnx{kind}"])
    original = HubReader(folders[f"hub{kind}"], doc_stride=tiny_readers.DOC_STRIDE)
    for question in ("who left", "what did the governor give to kim on sunday"):
        passages = [passage(TEXT), passage(TEXT * 4)]
        for one, two in zip(exported.read(question, passages), original.read(question, passages), strict=True):
            assert [(s.start, s.end) for s in one.spans] == [(s.start, s.end) for s in two.spans]
            assert [s.score for s in one.spans] == pytest.approx([s.score for s in two.spans], abs=1e-3)
            assert one.null_score == pytest.approx(two.null_score, abs=1e-3)


def test_only_a_reader_with_a_tagging_head_gives_items(folders):
    (tagged,) = OnnxReader(folders["onnx, tags"]).read("who left", [passage(TEXT * 3)])
    (plain_one,) = OnnxReader(folders["onnx"]).read("who left", [passage(TEXT * 3)])
    assert tagged.items
    assert plain_one.items == ()


# Windows


def encoder(kind: str = "bert", **options: int) -> PairEncoder:
    sizes = {"max_tokens": 32, "doc_stride": 6, "max_question_tokens": 10} | options
    return PairEncoder(tiny_readers.tokenizer(kind), **sizes)


@settings(deadline=None)
@given(
    text=HOSTILE,
    question=HOSTILE,
    kind=st.sampled_from(["bert", "roberta"]),
    stride=st.integers(0, 40),
    repeat=st.integers(1, 4),
)
def test_windows_cover_every_token_of_the_passage_in_order(text, question, kind, stride, repeat):
    made = encoder(kind, doc_stride=stride)
    windows = made.windows(made.cut(question), text * repeat)
    whole = tiny_readers.tokenizer(kind)
    whole.encode_special_tokens = True
    expected = whole.encode(
        "".join("\ufffd" if "\ud800" <= c <= "\udfff" else c for c in text * repeat), add_special_tokens=False
    )
    seen: dict[int, tuple[int, tuple[int, ...]]] = {}
    for window in windows:
        assert 0 < len(window.ids) <= 32
        assert window.null == 0
        assert not window.context[0]
        assert not window.context[-1]
        places = np.flatnonzero(window.context)
        assert np.array_equal(places, np.arange(len(places)) + (places[0] if len(places) else 0))
        for n, place in enumerate(places):
            token = (int(window.ids[place]), tuple(int(x) for x in window.offsets[place]))
            assert seen.setdefault(window.first + n, token) == token
    assert [seen[n] for n in sorted(seen)] == list(zip(expected.ids, expected.offsets, strict=True))


def test_neighbouring_windows_share_the_stride():
    made = encoder()
    one, two = made.windows("who", TEXT)[:2]
    assert one.first + int(one.context.sum()) - two.first == 6


@pytest.mark.parametrize(
    "question", ["who " * 300, "w" * 300, "who gave kim the five drones and a vest on sunday in russia"]
)
def test_a_long_question_is_cut_to_its_first_words(question):
    made = encoder()
    cut = made.cut(question)
    assert question.startswith(cut)
    assert 0 < len(tiny_readers.tokenizer().encode(cut, add_special_tokens=False).ids) <= 10


def test_separators_written_in_a_document_are_plain_text():
    made = encoder()
    (window,) = made.windows("who", "a [SEP] b")
    assert list(window.ids).count(tiny_readers.tokenizer().token_to_id("[SEP]")) == 2


@pytest.mark.parametrize(
    "options", [{"doc_stride": 500}, {"max_question_tokens": 500}, {"max_tokens": 6, "doc_stride": 90}]
)
def test_sizes_that_do_not_fit_together_give_way(options):
    made = encoder(**options)
    windows = made.windows(made.cut("who gave kim the five drones"), TEXT)
    ends = [int(window.offsets[window.context].max()) for window in windows]
    assert ends == sorted(set(ends))
    assert ends[-1] == len(TEXT.rstrip())


@pytest.mark.parametrize("options", [{"max_tokens": 4}, {"doc_stride": -1}, {"max_question_tokens": 0}])
def test_sizes_that_leave_no_room_are_refused(options):
    with pytest.raises(ValueError, match="a window needs room"):
        encoder(**options)


# Merging, with models made of rules


def reads(forward: Callable[[Window], Logits], text: str, **options: int) -> Reading:
    (reading,) = read_passages(forward, encoder(), "who", [passage(text)], **options)
    return reading


def zeros(window: Window) -> Logits:
    return Logits(np.zeros(len(window.ids)), np.zeros(len(window.ids)), np.tile([4.0, 0.0, 0.0], (len(window.ids), 1)))


def test_the_best_score_of_all_windows_counts_and_the_smallest_null():
    def forward(window: Window) -> Logits:
        logits = zeros(window)
        start = logits.start
        start[0] = window.first  # later windows are surer that the answer is not there
        start[window.context & (window.offsets[:, 0] == TEXT.index("drones"))] = 5 + window.first
        return Logits(start, logits.end)

    reading = reads(forward, TEXT)
    assert TEXT[reading.spans[0].start :].startswith("drones")
    last = [window for window in encoder().windows("who", TEXT) if TEXT.index("drones") in window.offsets[:, 0]][-1]
    assert reading.spans[0].score == 5 + last.first > 5
    assert reading.null_score == 0
    assert reading.items == ()


def test_a_list_that_runs_over_a_window_edge_is_tagged_once():
    def forward(window: Window) -> Logits:
        logits = zeros(window)
        assert logits.tags is not None
        for word in ("Sunday", "drones", "vest"):
            at = window.context & (window.offsets[:, 0] == TEXT.index(word))
            logits.tags[at] = [0.0, 3.0, 0.0]
            rest = window.context & (window.offsets[:, 0] > TEXT.index(word))
            logits.tags[rest & (window.offsets[:, 1] <= TEXT.index(word) + len(word))] = [0.0, 0.0, 3.0]
        return logits

    reading = reads(forward, TEXT)
    assert len(encoder().windows("who", TEXT)) > 1
    assert [TEXT[item.start : item.end] for item in reading.items] == ["Sunday", "drones", "vest"]


def test_a_token_in_two_windows_is_tagged_by_the_one_that_shows_more_around_it():
    text = "the gifts on sunday in russia the five drones and a vest " * 4  # a token a word
    one, two = encoder().windows("who", text)[:2]
    shared = two.first + np.arange(6)

    def forward(window: Window) -> Logits:
        logits = zeros(window)
        assert logits.tags is not None
        if window.first == 0:  # only the first window tags what both hold
            logits.tags[np.flatnonzero(window.context)[shared]] = [0.0, 3.0, 0.0]
        return logits

    words = [text[a:b] for a, b in one.offsets[one.context][shared]]
    # The first three of the six have more around them in the first window than in the second.
    assert [text[item.start : item.end] for item in reads(forward, text).items] == words[:3]


@pytest.mark.parametrize("part", ["start", "end", "tags"])
@pytest.mark.parametrize("wrong", ["nan", "short"])
def test_a_model_without_usable_scores_is_an_error_in_one_sentence(part, wrong):
    def forward(window: Window) -> Logits:
        logits = zeros(window)
        values = getattr(logits, part)
        return dataclasses.replace(logits, **{part: values * math.nan if wrong == "nan" else values[1:]})

    with pytest.raises(ReaderError, match="gave no finite score") as raised:
        reads(forward, TEXT)
    assert "\n" not in str(raised.value)


def test_any_number_of_threads_gives_the_same_numbers():
    passages = [passage(TEXT * n, at=n) for n in (1, 3, 2, 1)]
    one, four = (open_reader("small", threads=n).read("What did the governor give?", passages) for n in (1, 4))
    assert one == four

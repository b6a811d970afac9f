"""The ablation table: kept readings are the model's, variants differ as they say, differences add up."""

from __future__ import annotations

import argparse
import json
import math
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_readers
from quality import Bench, parts
from quality_cache import KeptEmbedder, KeptReader, Meter, Store
from quality_confidence import choices, confidence_text
from quality_retrieval import Titled, holds, search_text, searches, skims
from quality_sections import SECTIONS, SHIPPED, Section
from quality_sets import POOLS, Indexes, Pool, Sets
from quality_table import difference, list_difference, section, signed, verdict
from quality_variants import (
    AlwaysLeaning,
    Models,
    OneSpan,
    OverItsOwnNull,
    OverOwnNull,
    OverThePooledNull,
    Softmaxed,
    Uncalibrated,
    Untagged,
    Variant,
    WithoutHistory,
    assistant,
    keeping,
)
from scripted import ScriptedReader, finds, reading
from word_embedder import WordEmbedder

from index.load import load_text
from index.types import Document, Passage
from qa.calibrate import FEATURES, UNFITTED
from qa.reading.builtin import OnnxReader
from qa.training.calibrate import Row
from qa.types import Answer, Reading

ROOT = Path(__file__).resolve().parent.parent
WORDS = ["who", "gave", "kim", "the", "gifts", "five", "drones", "and", "a", "vest", "on", "sunday", "in", "russia"]
TEXT = (
    "The ferry leaves at nine. The captain of its crew is Ada Brown. The mate is Bob Green. Tickets cost five crowns."
)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A reader with a tagging head whose model is really run."""
    return tiny_readers.save_onnx(tmp_path_factory.mktemp("tiny"), tags=True)


@pytest.fixture
def store(tmp_path: Path):
    opened = Store(tmp_path / "cache")
    yield opened
    opened.close()


def texts(count: int) -> list[Passage]:
    """Passages that all differ; the third is longer than a window."""
    words = [" ".join(WORDS[n % 7 : n % 7 + 6] + [WORDS[n % 14]] * (60 if n == 2 else n)) for n in range(count)]
    return [tiny_readers.passage(text, at=400 * n, identity=str(n)) for n, text in enumerate(words)]


# ── What is kept ─────────────────────────────────────────────────────────────


def test_a_kept_reading_is_the_models(tiny, store):
    plain, parts = OnnxReader(tiny), texts(5)
    wanted = plain.read("who gave the gifts", parts)
    assert any(one.items for one in wanted)
    first = KeptReader(tiny, store)
    assert first.read("who gave the gifts", parts) == wanted
    assert first.ran > len(parts)  # the long one has several windows
    again = KeptReader(tiny, store)
    assert again.read("who gave the gifts", parts) == wanted
    assert again.ran == 0


def test_another_question_or_number_of_spans_is_another_reading(tiny, store):
    plain, kept, parts = OnnxReader(tiny), KeptReader(tiny, store), texts(3)
    for question, n_best in (("who gave", 5), ("who gave", 1), ("the drones", 5), ("who gave", 5)):
        assert kept.read(question, parts, n_best=n_best) == plain.read(question, parts, n_best=n_best)


def test_the_same_text_elsewhere_is_read_once(tiny, store):
    kept = KeptReader(tiny, store)
    here = tiny_readers.passage("kim gave a vest", identity="here")
    there = tiny_readers.passage("kim gave a vest", at=90, identity="there")
    one, two = kept.read("who gave", [here, there])
    assert (kept.ran, one.passage, two.passage) == (1, here, there)
    assert one.spans == two.spans


def test_windows_are_counted_whether_kept_or_not(tiny, store):
    counts = []
    for _ in range(2):
        meter = Meter()
        reader = KeptReader(tiny, store, meter=meter)
        reader.read("who gave", texts(3))
        counts.append(meter.emptied())
        reader.read("who gave", texts(3))  # known within this process
        assert meter.emptied() == counts[0]
        assert meter.emptied() == []
    assert counts[0] == counts[1]
    assert {name for name, _ in counts[0]} == {"tiny"}


def test_another_model_is_not_answered_for(tiny, store, tmp_path):
    KeptReader(tiny, store).read("who gave", texts(2))
    other = tiny_readers.save_onnx(tmp_path / "other", tags=False)
    reader = KeptReader(other, store)
    assert reader.read("who gave", texts(2)) == OnnxReader(other).read("who gave", texts(2))
    assert reader.ran == 2


def test_a_run_that_was_killed_goes_on_where_it_was(tiny, tmp_path):
    killed = f"""
import os, signal, sys
sys.path[:0] = [{str(ROOT / "tests")!r}, {str(ROOT / "benchmarks")!r}]
from pathlib import Path
from quality_cache import KeptReader, Store
from test_quality import texts
reader = KeptReader(Path({str(tiny)!r}), Store(Path({str(tmp_path)!r})))
for part in texts(8):
    reader.read("who gave the gifts", [part])
    if part.id == "4":
        os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", killed], check=False, timeout=120)
    assert done.returncode == -signal.SIGKILL
    store = Store(tmp_path)
    reader = KeptReader(tiny, store)
    found = reader.read("who gave the gifts", texts(8))
    store.close()
    assert reader.ran == 3  # the three behind the one after which it was killed
    assert found == OnnxReader(tiny).read("who gave the gifts", texts(8))


def test_a_text_is_embedded_once(store):
    words = WordEmbedder()
    kept = KeptEmbedder(words, store)
    first = kept.embed_passages(["a ferry", "a vest", "a ferry"])
    assert np.array_equal(first, WordEmbedder().embed_passages(["a ferry", "a vest", "a ferry"]))
    assert np.array_equal(KeptEmbedder(words, store).embed_passages(["a vest"])[0], first[1])
    assert words.embedded == ["a ferry", "a vest"]
    assert np.array_equal(kept.embed_query("a vest"), WordEmbedder().embed_query("a vest"))
    assert kept.embed_passages([]).shape == (0, 32)


# ── What variants do ─────────────────────────────────────────────────────────


def models(careful: Any, small: Any = None) -> Models:
    return Models(
        small=small or careful,
        careful=careful,
        embedder=WordEmbedder(),
        calibrations={"quick": UNFITTED, "careful": UNFITTED},
    )


def answer(variant: Any, reader: Any, question: str = "Who are the crew?", text: str = TEXT, *turns: str) -> Answer:
    """What a variant (or a way to make one) says about a text."""
    variant = variant if isinstance(variant, Variant) else Variant(change="", make=variant)
    made = models(reader)
    index = Indexes(made.embedder).of([load_text(text)], **variant.passages)
    with variant.around():
        return variant.make(made, index).ask(question, turns)


def said(*arguments: Any) -> list[str]:
    return [item.text for item in answer(*arguments).items]


CREW = {"Ada Brown": 9.0, "Bob Green": 3.0}
CREWED, THREE = f"{TEXT} The cook is Cy Black.", {"Ada Brown": 9.0, "Bob Green": 8.0, "Cy Black": 8.0}


def test_one_span_and_no_tags_give_fewer_items():
    tagging = finds(THREE | {"Bob Green": 3.0, "Cy Black": 3.0}, tags=dict.fromkeys(THREE, 5.0))
    assert said(SHIPPED, tagging, "Who are the crew?", CREWED) == list(THREE)
    assert said(assistant(kind=OneSpan), tagging, "Who are the crew?", CREWED) == ["Ada Brown"]
    assert len(said(assistant(around=Untagged), tagging, "Who are the crew?", CREWED)) < 3


def test_without_reading_again_what_a_second_reading_finds_is_missing():
    def rule(_: str, passage: Passage) -> Reading:
        first = "Ada Brown" in passage.text
        found = {"Ada Brown": 9.0} if first else {"Bob Green": 9.0}
        return reading(passage, found, tags=dict.fromkeys(found, 5.0))

    (again,) = [v for v in SECTIONS["lists"].variants if "reading again" in v.change]
    assert said(SHIPPED, ScriptedReader(rule)) == ["Ada Brown", "Bob Green"]
    assert said(again, ScriptedReader(rule)) == ["Ada Brown"]


def test_without_further_spans_there_are_fewer():
    (further,) = [v for v in SECTIONS["lists"].variants if "further spans" in v.change]
    assert said(SHIPPED, finds(THREE), "Who are the crew?", CREWED) == list(THREE)
    assert len(said(further, finds(THREE), "Who are the crew?", CREWED)) < 3


def test_near_duplicates_stay_where_they_are_not_merged():
    (unmerged,) = [v for v in SECTIONS["lists"].variants if "merged" in v.change]
    text = "He got five drones. Then five drones were shown."
    twice = finds({"five drones": 9.0}, tags={"five drones": 5.0})
    assert said(SHIPPED, twice, "Which drones did he get?", text) == ["five drones"]
    assert said(unmerged, twice, "Which drones did he get?", text) == ["five drones", "five drones"]
    assert said(SHIPPED, twice, "Which drones did he get?", text) == ["five drones"]  # and nothing stays changed


def test_without_completing_there_are_not_as_many_as_asked_for():
    (found,) = [v for v in SECTIONS["lists"].variants if "as many as asked for" in v.change]
    weak = finds({"Ada Brown": 9.0, "Bob Green": 4.5})
    assert said(SHIPPED, weak, "Which two are aboard the ferry?") == ["Ada Brown", "Bob Green"]
    assert said(found, weak, "Which two are aboard the ferry?") == ["Ada Brown"]


def test_of_entries_only_the_readers_may_be_given():
    (entries,) = [v for v in SECTIONS["lists"].variants if "entries" in v.change]
    text = "What went well\n- the ferry left at nine\n- the mate was sober\n- tickets were sold\n"
    one = finds({"the mate was sober": 9.0})
    assert len(said(SHIPPED, one, "What went well?", text)) == 3
    assert said(entries, one, "What went well?", text) == ["the mate was sober"]


def test_every_question_may_be_taken_to_ask_for_several():
    (several,) = [v for v in SECTIONS["one"].variants if "several" in v.change]
    both = finds({"Ada Brown": 9.0, "Bob Green": 8.0})
    assert said(SHIPPED, both, "Who is the captain?") == ["Ada Brown"]
    assert said(several, both, "Who is the captain?") == ["Ada Brown", "Bob Green"]


def test_misspelt_words_may_be_read_as_they_were_typed():
    (typed,) = SECTIONS["typos"].variants
    readers = finds({"Ada Brown": 9.0}), finds({"Ada Brown": 9.0})
    for variant, reader in zip((SHIPPED, typed), readers, strict=True):
        said(variant, reader, "Who is the captian of the ferry?")
    assert [reader.asked[0] for reader in readers] == [
        "Who is the captain of the ferry?",
        "Who is the captian of the ferry?",
    ]


@pytest.mark.parametrize(
    ("kind", "score", "answers"),
    [
        (OverItsOwnNull, 0.5, True),
        (OverItsOwnNull, -0.5, False),
        (OverThePooledNull, 0.5, True),
        (OverThePooledNull, -0.5, False),
        (Uncalibrated, 0.5, True),
        (Uncalibrated, -0.5, False),
    ],
)
def test_rules_answer_where_they_say(kind, score, answers):
    given = answer(assistant(kind=kind), finds({"Ada Brown": score}), "Who is the captain?")
    assert given.abstained is not answers


def test_the_pooled_null_is_every_passages():
    def rule(_: str, passage: Passage) -> Reading:
        here = "Ada" in passage.text
        return reading(passage, {"Ada Brown": 2.0}, null=1.0 if here else 3.0 if "nine" in passage.text else -8.0)

    text, small = TEXT.replace(". ", ".\n\n"), {"max_tokens": 8, "overlap_tokens": 0}
    for kind in (OverItsOwnNull, OverThePooledNull):
        variant = Variant(change="", make=assistant(kind=kind), passages=small)
        assert not answer(variant, ScriptedReader(rule), "Who is the captain?", text).abstained


def test_uncalibrated_confidence_is_the_readers_own():
    given = answer(assistant(kind=Uncalibrated), finds({"Ada Brown": 2.0}), "Who is the captain?")
    assert given.confidence == pytest.approx(1 / (1 + math.exp(-2)))


def test_what_no_document_mentions_may_be_read_for_all_the_same():
    (read,) = [v for v in SECTIONS["abstention"].variants if "mentions" in v.change]
    sure = finds({"Ada Brown": 9.0}), finds({"Ada Brown": 9.0})
    answers = [answer(variant, one, "Who is Yoon?") for variant, one in zip((SHIPPED, read), sure, strict=True)]
    assert [given.confidence > 0 for given in answers] == [False, True]


def test_a_threshold_of_nought_always_answers():
    (always,) = [v for v in SECTIONS["abstention"].variants if v.change == "always answer"]
    unsure = finds({"Ada Brown": -9.0})
    assert answer(SHIPPED, unsure, "Who is the captain?").abstained
    assert said(always, unsure, "Who is the captain?") == ["Ada Brown"]


def test_a_softmax_within_passages_prefers_the_passage_without_rivals():
    rival = Passage(id="1", document_id="d", text="Ada Brown or Bob Green", start=0, end=22)
    alone = Passage(id="2", document_id="d", text="Cy Black", start=30, end=38)

    def rule(_: str, passage: Passage) -> Reading:
        scores = {"Ada Brown": 9.0, "Bob Green": 9.0, "Cy Black": 4.0}
        return reading(passage, scores, null=8.0 if passage is rival else 0.0)

    reader = ScriptedReader(rule)
    best = [one.spans[0].score for one in reader.read("who?", [rival, alone])]
    assert best[0] > best[1]
    soft = Softmaxed(reader).read("who?", [rival, alone])
    assert soft[0].spans[0].score < soft[1].spans[0].score
    total = sum(map(math.exp, [*(s.score for s in soft[0].spans), soft[0].null_score]))
    assert total == pytest.approx(1)
    margins = OverOwnNull(reader).read("who?", [rival, alone])
    assert [(one.spans[0].score, one.null_score) for one in margins] == [(1.0, 0.0), (4.0, 0.0)]


def test_conversations_are_ignored_or_always_leant_on():
    asked = []
    for kind in (WithoutHistory, AlwaysLeaning):
        reader = finds({"Ada Brown": 9.0})
        answer(assistant(kind=kind), reader, "Who is he?", TEXT, "When does it leave?", "Who is aboard?")
        asked.append(reader.asked[0])
    assert asked == ["Who is he?", "Who is aboard? Who is he?"]


def test_so_many_passages_are_read_with_care():
    small, careful = finds({}), finds({"Ada Brown": 9.0})
    text = TEXT.replace(". ", ".\n\n")
    made = models(careful, small)
    index = Indexes(made.embedder).of([load_text(text)], max_tokens=8, overlap_tokens=0)
    assert len(index.passages) == 4
    assistant(reader=keeping(3))(made, index).ask("Who is the captain?")
    assert [len(small.seen[0]), len(careful.seen[0])] == [4, 3]


# ── Figures ──────────────────────────────────────────────────────────────────


def row(identity: str, question: str, *words: str, document: str = "ferry.txt", **more: Any) -> dict[str, Any]:
    spans = [{"text": w, "start": TEXT.index(w), "end": TEXT.index(w) + len(w)} for w in words]
    answers = [{"spans": spans, "aliases": []}] if words else []
    return {"id": identity, "document": document, "question": question, "answers": answers, **more} | {
        "answerable": bool(words),
        "evidence": [],
        "turns": more.get("turns", []),
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two of four questions have an answer, one of them a list; two documents."""
    (tmp_path / "ferry.txt").write_text(TEXT, encoding="utf-8")
    rows = [
        row("1", "Who is the captain?", "Ada Brown"),
        row("2", "Who are the crew?", "Ada Brown", "Bob Green", kind="list"),
        row("3", "Who is the owner of the ferry?"),
        row("4", "Who was the captain before?", turns=["Who is the captain?"]),
    ]
    (tmp_path / "news_dev.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return tmp_path


def unsure_of_the_unanswerable(question: str, passage: Passage) -> Reading:
    sure = "crew" in question or question == "Who is the captain?"
    scores = CREW if sure else {"Ada Brown": -9.0}
    return reading(passage, scores, tags=dict.fromkeys(CREW, 5.0) if "crew" in question else None)


class Free:
    """Prices of nought, for readers without a model."""

    def of(self, windows: object) -> float:
        return 0.0


def bench(folder: Path, sample: int = 9) -> Bench:
    sets = Sets(questions=[folder], documents=[folder], sample=sample)
    made = models(ScriptedReader(unsure_of_the_unanswerable))
    return Bench(made, sets, folder / "runs", meter=Meter(), prices=Free())  # type: ignore[arg-type]


def test_a_difference_is_what_was_won_less_what_was_lost(folder):
    always = Variant(change="always", make=assistant(threshold=0.0))
    one = Variant(change="one", make=assistant(kind=OneSpan))
    shipped, *others = bench(folder).lines(Section(title="", pool="all", tells=(), variants=(always, one)))
    assert shipped.metrics["lenient"] == 100
    assert shipped.difference is None
    assert [line.difference for line in others] == [-50.0, -25.0]  # two answered for nothing; one list cut short
    assert all(line.interval is not None and line.interval[0] < line.difference for line in others)


def test_list_f1_differs_by_the_sums(folder):
    one = Variant(change="one", make=assistant(kind=OneSpan))
    shipped, other = bench(folder).lines(Section(title="", pool="lists", tells=("list",), variants=(one,)))
    assert shipped.lists is None
    assert other.lists is not None
    assert other.lists[0] == pytest.approx(100 * (2 / 3 - 1))  # one of two items, nothing else: 2·1 / (2 + 1)
    assert list_difference([], []) is None


def test_pools_take_what_fits_evenly_and_always_the_same(folder):
    sets = Sets(questions=[folder], documents=[folder], sample=2)
    assert [one.question.id for one in sets.pool(POOLS["all"])] == ["news:1", "news:3"]
    assert [one.question.id for one in sets.pool(POOLS["turns"])] == ["news:4"]
    assert [one.question.id for one in sets.pool(POOLS["lists"])] == ["news:2"]
    assert [one.before for one in sets.all("news")][:2] == [None, "Who is the captain?"]
    assert sets.all("dev") == []
    assert sets.pool(Pool(title="", sets=("dev", "hard"))) == []
    with pytest.raises(ValueError, match="sample is 0"):
        Sets(questions=[], documents=[], sample=0)


def test_a_document_that_is_not_there_is_named(folder):
    (folder / "ferry.txt").unlink()
    with pytest.raises(SystemExit, match=r"no document 'ferry\.txt'"):
        bench(folder).sets.all("news")


def test_tables_say_what_follows(folder):
    always = Variant(change="always | answer", make=assistant(threshold=0.0))
    lines = list(bench(folder).lines(Section(title="", pool="all", tells=(), variants=(always,))))
    text = section("When", "all sets", ("answered", "wrong", "auroc", "ece", "forced", "seconds", "retrieved"), lines)
    assert "Of 4 questions (all sets)." in text
    assert "| as shipped | 100.0 % |  | 50.0 % | 0.0 % | 1.000 |" in text
    assert "| always \\| answer | 50.0 % | −50.0 (" in text
    assert len({line.count(" | ") for line in text.splitlines() if line.startswith("|")}) == 1


@pytest.mark.parametrize(
    ("interval", "removes", "says"),
    [
        ([-9.0, -1.0], True, "idea kept: surely helps"),
        ([-9.0, 0.0], True, "idea kept: not proved here"),
        ([1.0, 9.0], True, "better without"),
        ([1.0, 9.0], False, "better than shipped"),
        ([-1.0, 9.0], False, "dropped: no sure gain"),
        ([-9.0, -1.0], False, "dropped: surely worse"),
        ([-9.0, -1.0], None, "surely loses"),
        (None, True, "idea kept: not proved here"),
    ],
)
def test_only_an_interval_without_nought_is_sure(interval, removes, says):
    assert verdict(-3.0, interval, removes=removes) == says


def test_differences_are_signed():
    assert signed(-3.14, [-4.0, 0.04]) == "−3.1 (−4.0 to ±0.0)"
    assert signed(2.0, None) == "+2.0"
    assert signed(None, None) == ""


def test_a_feature_that_tells_is_missed_and_one_that_does_not_is_not():
    random = np.random.default_rng(1)
    rows = []
    for number in range(400):
        right = number % 2 == 0
        told = [(3.0 if right else -3.0) + random.normal(), *random.normal(size=len(FEATURES) - 1)]
        rows.append(Row(features=tuple(told), answerable=right, right=right, group=f"d{number % 20}"))
    found = {one.change: one for one in choices(rows, UNFITTED)}
    whole, (without, *others) = found["all features"], [one for name, one in found.items() if "without" in name]
    assert whole.decided.mean() > 0.97
    assert whole.auroc is not None
    assert whole.auroc > 0.99
    assert without.decided.mean() < 0.65
    assert all(abs(one.decided.mean() - whole.decided.mean()) < 0.02 for one in others)
    text = confidence_text(rows, UNFITTED)
    assert len(text.splitlines()) == 4 + 2 + 1 + 2 * len(FEATURES)
    assert "idea kept: surely helps" in text.split("without the lead")[0]


def test_calibration_sees_what_the_shipped_assistant_answers(folder):
    rows = bench(folder).calibration_rows(POOLS["all"])
    assert [(one.answerable, one.right) for one in rows] == [(True, True), (True, True), (False, False), (False, False)]
    assert rows[0].features[0] > 0 > rows[2].features[0]


# ── Search ───────────────────────────────────────────────────────────────────


def test_search_is_judged_by_the_passages_that_hold_the_answer(folder):
    sets = Sets(questions=[folder], documents=[folder], sample=9)
    (captain, *_), embedder = sets.all("news"), WordEmbedder()
    index = Indexes(embedder).of(captain.documents, max_tokens=8, overlap_tokens=0)
    hits = assistant()(models(finds({})), index).search("captain", top_k=4)
    right = [hit for hit in hits if "Ada Brown" in hit.passage.text]
    wrong = [hit for hit in hits if "Ada Brown" not in hit.passage.text]
    assert len(right) == 1
    assert holds(captain, right)
    assert not holds(captain, wrong)
    found = list(searches(sets.all("news"), embedder, together=False, told=lambda *_: None))
    assert all(len(values) == 2 for search in found for values in search.found.values())  # those with an answer


def test_search_is_told_article_by_article(folder):
    sets = Sets(questions=[folder], documents=[folder], sample=9)
    text = search_text(sets.all("news"), WordEmbedder(), together=False, told=lambda *_: None)
    whole, _, articles = text.partition("article by article:")
    assert "| as shipped: 200 tokens, 50 of them shared | 100.0 % |" in whole
    assert "| ferry.txt | 2 | 100.0 % | 100.0 % | 100.0 % | 100.0 % |" in articles


def test_skimming_keeps_what_the_small_reader_likes(folder):
    text = "\n\n".join(f"Word{n} " * 150 + "." for n in range(8)) + "\n\nIts captain is Ada Brown."
    document = load_text(text)
    asked = _about(document, "Who leads?", "Ada Brown")
    likes = ScriptedReader(lambda _, passage: reading(passage, {"Ada Brown": 5.0}, null=0.0))
    for reader, wanted in ((likes, [1.0, 1.0]), (finds({}), [0.0, 1.0])):
        found = skims([asked], WordEmbedder(), reader, keeps=(3, 10), told=lambda *_: None)
        assert [found[keep].tolist() for keep in (3, 10)] == [[value] for value in wanted]


def _about(document: Document, question: str, words: str) -> Any:
    from quality_sets import Asked

    from qa.evaluation.score import Subject
    from qa.evaluation.types import Alternative, Place, Question

    start = document.text.index(words)
    gold = Alternative(spans=(Place(text=words, start=start, end=start + len(words)),))
    asked = Question(id="1", text=question, answers=(gold,), answerable=True)
    return Asked(question=asked, documents=(document,), subject=Subject.of(document), before=None)


def test_a_title_goes_before_passages_and_not_before_questions():
    words = WordEmbedder()
    titled = Titled(words, {"it leaves at nine": "Ferry"})
    titled.embed_passages(["it leaves at nine"])
    assert words.embedded == ["Ferry\nit leaves at nine"]
    assert np.array_equal(titled.embed_query("nine"), words.embed_query("nine"))


def test_paired_differences_of_shares():
    before, after = np.array([1.0, 1.0, 0.0, 0.0]), np.array([1.0, 0.0, 0.0, 0.0])
    change, interval = difference(before, after, ["a", "a", "b", "b"])
    assert change == -25
    assert interval is not None
    assert interval[0] <= -25 <= interval[1] <= 0


# ── The whole ────────────────────────────────────────────────────────────────


@pytest.mark.slow
def test_the_command_makes_a_table_and_reads_nothing_twice(tmp_path, monkeypatch):
    ran = []
    forward = OnnxReader._forward
    monkeypatch.setattr(OnnxReader, "_forward", lambda self, window: ran.append(1) or forward(self, window))
    seeds = [ROOT / "seeds"]
    options = argparse.Namespace(questions=seeds, documents=seeds, cache=tmp_path, sample=2, only="turns", out=None)
    runs = []
    for turn in range(2):
        store = Store(tmp_path)
        ran.clear()
        text = "\n".join(parts(options, store, tmp_path / f"rows {turn}"))
        store.close()
        runs.append((len(ran), text))
    assert runs[0][0] > runs[1][0]
    assert runs[1][0] == 2 * 4 * 3  # what it takes to tell what a window costs: readers, lengths, trials
    tables = [text.partition("## ")[2] for _, text in runs]  # the head names the commit, which may change meanwhile
    assert tables[0] == tables[1]  # seconds are not told in this section
    assert "Of 2 questions (follow-ups)." in runs[0][1]
    assert "| what was asked before is ignored |" in runs[0][1]
    assert "news 2 of 70" in runs[0][1]

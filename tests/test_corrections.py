"""Corrections: places that are checked, lines that `evaluate` runs, files that hold under many hands and bad ones."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.load import load_document, load_text
from index.types import Document
from qa.cite import receipt
from qa.config import Settings
from qa.evaluation import evaluate
from qa.types import Answer, Item
from qa.web import corrections as module
from qa.web.corrections import Correction, CorrectionError, Corrections, checked_places
from qa.web.desk import Desk
from qa.web.session import Collection, Conversation

TEXT = "\ufeff The ferry 🚢 leaves at nine.\r\n\r\nIt carries forty passengers, and a dog.\r\n"


def document(text: str = TEXT, source: str = "ferry.txt") -> Document:
    return load_text(text, source=source)


def answer(about: Document, start: int, end: int, question: str = "When?") -> Answer:
    cited = receipt(about, start, end, number=1)
    items = (Item(text=cited.quote, citation=1),)
    return Answer(question=question, items=items, citations=(cited,), confidence=0.9, abstained=False, stage="answered")


def place(about: Document, words: str) -> dict[str, Any]:
    start = about.text.index(words)
    return {"start": start, "end": start + len(words), "text": words}


class Told:
    """Answers with the words it is told, whatever the question."""

    def __init__(self, path: Path, words: str | None) -> None:
        self.documents = (load_document(path),)
        self._words = words

    def over(self, documents: Sequence[Document]) -> Told:
        return self

    def ask(self, question: str, history: Sequence[str] = (), **_: Any) -> Answer:
        about = self.documents[0]
        if self._words is None:
            return Answer(question=question, reason="No.")
        start = about.text.index(self._words)
        return answer(about, start, start + len(self._words), question)


@pytest.fixture
def kept(tmp_path: Path) -> Corrections:
    return Corrections(Settings(cache_dir=tmp_path))


def rows(kept: Corrections) -> list[dict[str, Any]]:
    return [json.loads(line) for line in kept.file.read_text(encoding="utf-8").splitlines()]


def correction(about: Document, *words: str, turns: tuple[str, ...] = ()) -> Correction:
    places = checked_places(about, [place(about, each) for each in words]) if words else ()
    return Correction(
        question="When does it leave?", said=(about.text[3:6],), document=about, places=places, turns=turns
    )


def test_a_correction_is_a_question_that_evaluate_runs(kept: Corrections, tmp_path: Path) -> None:
    about = document()
    kept.save(correction(about, "forty passengers", "a dog", turns=("Which ferry?",)))
    (row,) = rows(kept)
    assert row["kind"] == "correction"
    assert row["turns"] == ["Which ferry?"]
    assert row["answerable"] is True
    stored = load_document(kept.file.parent / row["document"])
    assert stored.text == about.text
    for each in (*row["answers"][0]["spans"], *row["evidence"]):
        assert stored.text[each["start"] : each["end"]] == each["text"]
    assert row["evidence"][0]["text"].startswith("It carries forty")
    told = Told(kept.file.parent / row["document"], "forty passengers, and a dog")
    report = evaluate(told, kept.file, tmp_path / "run")
    assert (report.metrics["total"], report.lost, report.problems) == (1, 0, ())
    assert report.metrics["lenient"] == 100.0


@pytest.mark.parametrize(("words", "right"), [(None, 100.0), ("nine", 0.0)])
def test_not_in_the_document_wants_to_be_declined(
    kept: Corrections, tmp_path: Path, words: str | None, right: float
) -> None:
    kept.save(correction(document()))
    (row,) = rows(kept)
    assert (row["answers"], row["evidence"], row["answerable"]) == ([], [], False)
    report = evaluate(Told(kept.file.parent / row["document"], words), kept.file, tmp_path / "run")
    assert report.metrics["lenient"] == right


def test_nothing_is_stored_before_the_act(kept: Corrections) -> None:
    assert not kept.file.parent.exists()


@pytest.mark.parametrize(
    "sent",
    [
        None, [], "words", [None], [{"start": 0}], [{"start": True, "end": 2, "text": "x"}],
        [{"start": 0.0, "end": 3.0, "text": "The"}], [{"start": -3, "end": -1, "text": "g."}],
        [{"start": 3, "end": 3, "text": ""}], [{"start": 2, "end": 999, "text": "x"}],
        [{"start": 2, "end": 5, "text": "the"}], [{"start": 1, "end": 2, "text": " "}],
    ],
)  # fmt: skip
def test_places_that_are_none_are_refused(sent: Any) -> None:
    with pytest.raises(CorrectionError):
        checked_places(document(), sent)


def test_places_are_trimmed_ordered_and_apart() -> None:
    about = document()
    dog, nine = place(about, " a dog"), place(about, "nine")
    assert [about.text[a:b] for a, b in checked_places(about, [dog, nine])] == ["nine", "a dog"]
    with pytest.raises(CorrectionError, match="twice"):
        checked_places(about, [place(about, "forty passengers"), place(about, "passengers, and")])
    with pytest.raises(CorrectionError, match="characters"):
        checked_places(document("a" * 5000), [{"start": 0, "end": 5000, "text": "a" * 5000}])


@given(st.text(alphabet=st.characters(codec="utf-8"), min_size=1), st.data())
def test_what_is_accepted_is_exactly_what_stands_there(text: str, data: st.DataObject) -> None:
    about = Document(id="d", title="t", text=text, source="t.txt", sha256="0" * 64)
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    try:
        ((a, b),) = checked_places(about, [{"start": start, "end": end, "text": text[start:end]}])
    except CorrectionError:
        assert not text[start:end].strip()
    else:
        assert text[a:b] == text[start:end].strip()


def test_many_at_once_lose_nothing(kept: Corrections, tmp_path: Path) -> None:
    about = [document(f"{TEXT}{n % 3}") for n in range(12)]  # three texts of one name
    others = Corrections(Settings(cache_dir=tmp_path))  # as another process would
    work = [threading.Thread(target=(kept, others)[n % 2].save, args=(correction(each, "nine"),)) for n, each in enumerate(about)]  # fmt: skip  # noqa: E501
    for each in work:
        each.start()
    for each in work:
        each.join()
    stored = rows(kept)
    assert len({row["id"] for row in stored}) == 12
    assert len({row["document"] for row in stored}) == 3
    texts = sorted(load_document(kept.file.parent / row["document"]).text for row in stored)
    assert texts == sorted(each.text for each in about)


def test_a_last_line_without_its_end_costs_nothing_else(kept: Corrections) -> None:
    kept.file.parent.mkdir(parents=True)
    kept.file.write_bytes(b'{"id": "broken"')
    kept.save(correction(document(), "nine"))
    lines = kept.file.read_bytes().split(b"\n")
    assert lines[0] == b'{"id": "broken"'
    assert json.loads(lines[1])["kind"] == "correction"


@pytest.mark.parametrize(
    "source", ["../../etc/passwd", "..", "a/b\\c.txt", "\0", "-rf", "<b>.md", "x" * 400, "日本語.txt"]
)
def test_a_documents_label_is_never_a_path(kept: Corrections, source: str) -> None:
    kept.save(correction(document(source=source), "nine"))
    (row,) = rows(kept)
    assert (kept.file.parent / row["document"]).parent == kept.file.parent
    assert not row["document"].startswith((".", "-"))
    assert load_document(kept.file.parent / row["document"]).text == document().text


def test_a_full_file_and_a_bad_disk_are_one_sentence(
    kept: Corrections, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_BYTES", 10)
    kept.save(correction(document(), "nine"))
    with pytest.raises(CorrectionError, match="no room"):
        kept.save(correction(document(), "nine"))
    (tmp_path / "file").write_text("")
    blocked = Corrections(Settings(corrections=tmp_path / "file" / "questions.jsonl"))
    with pytest.raises(CorrectionError, match="could not be written") as caught:
        blocked.save(correction(document(), "nine"))
    assert str(tmp_path) not in str(caught.value)


# ── The desk: whose answers, and which turn ─────────────────────────────────────────────────────────────────────────


def asked(desk: Desk, *questions: str, own: Collection | None = None) -> Conversation:
    now = Conversation(own=own)
    for question in questions:
        now = desk.take(question)(now)
        now = desk.answer(now)(now)
    return now


@pytest.fixture
def told(tmp_path: Path) -> Told:
    (tmp_path / "ferry.txt").write_bytes(TEXT.encode("utf-8"))
    return Told(tmp_path / "ferry.txt", "forty passengers")


def test_the_desk_keeps_the_question_with_those_before_it(kept: Corrections, told: Told) -> None:
    desk = Desk(told, kept)
    now = asked(desk, "How many?", "And when?", "Who?")
    about = told.documents[0]
    sent = {"ticket": now.turns[1].ticket, "document": about.id, "places": [place(about, "nine")]}
    assert desk.correct(now, sent) == ""
    (row,) = rows(kept)
    assert (row["question"], row["turns"]) == ("And when?", ["How many?"])
    now = now.correct(now.turns[1].ticket)
    assert [turn.corrected for turn in now.turns] == [False, True, False]
    assert desk.correct(now, sent)
    assert len(rows(kept)) == 1


@pytest.mark.parametrize(
    "sent",
    [None, [], {}, {"ticket": 99}, {"ticket": 1, "document": "other", "places": []}, {"ticket": 1, "places": "all"}],
)
def test_what_no_page_sends_is_refused(kept: Corrections, told: Told, sent: Any) -> None:
    desk = Desk(told, kept)
    assert desk.correct(asked(desk, "How many?"), sent)
    assert not kept.file.exists()


@pytest.mark.parametrize("correctable", ["documents", "uploads"])
def test_a_visitors_own_document_is_kept_only_where_the_operator_says_so(
    tmp_path: Path, told: Told, correctable: Any
) -> None:
    kept = Corrections(Settings(cache_dir=tmp_path, correctable=correctable))
    desk = Desk(told, kept)
    now = asked(desk, "How many?", own=Collection(assistant=told, label="mine.txt"))
    said = desk.correct(now, {"ticket": 1})
    assert bool(said) == (correctable == "documents")
    assert kept.file.exists() == (correctable == "uploads")
    assert ("own documents only" in said) == (correctable == "documents")


def test_without_a_file_nothing_is_offered(told: Told, kept: Corrections) -> None:
    silent = Desk(told)
    now = asked(silent, "How many?")
    assert "Not right?" not in silent.messages(now)[-1]["content"]
    assert silent.correct(now, {"ticket": 1})
    desk = Desk(told, kept)
    assert "Not right?" in desk.messages(now)[-1]["content"]
    assert "Saved as a test question" in desk.messages(now.correct(1))[-1]["content"]

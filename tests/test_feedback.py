"""Feedback on answers: checked before anything is kept, kept as a test question or a remark, refused in sentences."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest
from scripted_server import NONE, TEXT, WHEN, WHO, Serving, served
from starlette.testclient import TestClient

from index.load import load_document, load_text
from qa.evaluation import evaluate
from qa.types import Answer
from qa.web import corrections

API = "/api/v1"
KEY = "a-key-of-the-newspaper"
SITE = "https://news.example"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "kept"


@pytest.fixture
def client(folder: Path) -> TestClient:
    return opened(folder)


def opened(folder: Path, assistant: Any = None, **settings: Any) -> TestClient:
    app = served(assistant, corrections=folder / "questions.jsonl", **settings)
    base = "http://127.0.0.1" if settings.get("host") is None else "http://ask.example"
    return TestClient(app, base_url=base)


def cited(client: TestClient, question: str, **headers: str) -> list[dict[str, Any]]:
    asked = client.post(f"{API}/ask", json={"question": question}, headers=headers)
    citations: list[dict[str, Any]] = asked.json()["citations"]
    return citations


def rows(folder: Path, name: str = "questions.jsonl") -> list[dict[str, Any]]:
    file = folder / name
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()] if file.exists() else []


def place(words: str, text: str = TEXT) -> dict[str, Any]:
    start = text.index(words)
    return {"start": start, "end": start + len(words), "quote": words}


class Told:
    """Answers every question as `assistant` does; what `evaluate` asks."""

    def __init__(self, assistant: Serving, path: Path) -> None:
        self.documents = (load_document(path),)
        self._assistant = assistant

    def over(self, documents: Any) -> Told:
        return self

    def ask(self, question: str, history: Any = (), **_: Any) -> Answer:
        return self._assistant.ask(question, history)


def test_what_is_right_becomes_a_question_that_evaluate_runs(client: TestClient, folder: Path, tmp_path: Path) -> None:
    sent = {"question": WHO, "right": True, "history": [WHEN], "citations": cited(client, WHO)}
    response = client.post(f"{API}/feedback", json=sent)
    assert (response.status_code, response.json()) == (200, {"kept": "question"})
    (row,) = rows(folder)
    assert (row["kind"], row["question"], row["turns"]) == ("confirmation", WHO, [WHEN])
    assert row["answers"][0]["spans"] == [{"text": "Ada Brown", "start": 52, "end": 61}]
    report = evaluate(Told(Serving(), folder / row["document"]), folder / "questions.jsonl", tmp_path / "run")
    assert (report.metrics["total"], report.metrics["strict"], report.problems) == (1, 100.0, ())


def test_a_correction_says_what_is_right(client: TestClient, folder: Path, tmp_path: Path) -> None:
    identity = cited(client, WHO)[0]["document_id"]
    sent = {"question": WHEN, "right": False, "citations": cited(client, WHEN), "comment": "The hour is enough.",
            "correction": [{**place("nine"), "document_id": identity}]}  # fmt: skip
    assert client.post(f"{API}/feedback", json=sent).json() == {"kept": "question"}
    (row,) = rows(folder)
    assert row["kind"] == "correction"
    assert row["answers"][0]["spans"] == [{"text": "nine", "start": 20, "end": 24}]
    assert row["note"] == "It said: at nine on Sundays"
    assert row["comment"] == "The hour is enough."
    report = evaluate(Told(Serving(), folder / row["document"]), folder / "questions.jsonl", tmp_path / "run")
    assert (report.metrics["strict"], report.problems) == (0.0, ())


@pytest.mark.parametrize(
    ("sent", "kind"),
    [({"right": True}, "confirmation"), ({"right": False, "correction": []}, "correction")],
)
def test_that_the_documents_do_not_say_can_be_right(
    client: TestClient, folder: Path, sent: dict[str, Any], kind: str
) -> None:
    assert client.post(f"{API}/feedback", json={"question": NONE, **sent}).json() == {"kept": "question"}
    (row,) = rows(folder)
    assert (row["kind"], row["answerable"], row["answers"], row["note"]) == (kind, False, [], "It declined.")


def test_wrong_without_more_is_a_remark_for_a_person(client: TestClient, folder: Path) -> None:
    sent = {
        "question": "Who \ud800 is it?",
        "right": False,
        "citations": cited(client, WHO),
        "comment": "Not any more.",
    }
    body = {"content": json.dumps(sent), "headers": {"content-type": "application/json"}}
    assert client.post(f"{API}/feedback", **body).json() == {"kept": "remark"}
    assert rows(folder) == []
    (row,) = rows(folder, "questions.remarks.jsonl")
    assert (row["question"], row["right"], row["comment"]) == ("Who ? is it?", False, "Not any more.")
    assert [each["quote"] for each in row["citations"]] == ["Ada Brown"]


def test_an_answer_from_two_documents_is_a_remark(folder: Path) -> None:
    assistant = Serving()
    other = load_text("Bob Green was her mate.\n", title="The mate", source="mate.txt")
    assistant.documents = (assistant.document, other)
    client = opened(folder, assistant)
    receipts = [{**place("Ada Brown"), "document_id": assistant.document.id},
                {**place("Bob Green", other.text), "document_id": other.id}]  # fmt: skip
    sent = {"question": "Who are they?", "right": True, "citations": receipts}
    assert client.post(f"{API}/feedback", json=sent).json() == {"kept": "remark"}
    assert rows(folder, "questions.remarks.jsonl")[0]["right"] is True
    named = {"question": "Who?", "right": False, "correction": [], "document_id": other.id}
    assert client.post(f"{API}/feedback", json=named).json() == {"kept": "question"}
    assert rows(folder)[0]["document"] == "mate.txt"


REFUSED: list[tuple[dict[str, Any], int, str, str]] = [
    ({"citations": [{**place("Ada Brown"), "quote": "Eva Brown"}]}, 422, "bad-citation", "Citation 1 is not kept"),
    ({"citations": [{"quote": "captain", "start": 3, "end": 10}]}, 422, "bad-citation", "elsewhere in the document"),
    ({"citations": [place("Ada Brown"), {"quote": "Nobody"}]}, 422, "bad-citation", "Citation 2"),
    ({"citations": [{"quote": "x", "start": 1, "end": 9}]}, 422, "bad-citation", '"end"'),
    ({"citations": [{**place("Ada Brown"), "document_id": "no"}]}, 404, "unknown-document", "No document"),
    ({"citations": [], "document_id": "no"}, 404, "unknown-document", "No document"),
    ({"right": True, "correction": []}, 422, "bad-feedback", "needs no correction"),
    ({"correction": [place("Ada Brown"), place("Brown")]}, 422, "bad-feedback", "selected twice"),
    ({"correction": [place("Ada Brown")] * 41}, 422, "bad-request", "/correction"),
    ({"comment": "x" * 2001}, 422, "bad-request", "/comment"),
    ({"right": "yes"}, 422, "bad-request", "/right"),
    ({"question": " "}, 422, "bad-question", "question is empty"),
    ({"more": 1}, 422, "bad-request", "/more"),
]


@pytest.mark.parametrize(("more", "status", "kind", "says"), REFUSED)
def test_what_does_not_hold_is_one_sentence_and_nothing_is_kept(
    client: TestClient, folder: Path, more: dict[str, Any], status: int, kind: str, says: str
) -> None:
    identity = cited(client, WHO)[0]["document_id"]
    for name in ("citations", "correction"):
        for each in more.get(name, []):
            each.setdefault("document_id", identity)
    response = client.post(f"{API}/feedback", json={"question": WHO, "right": False, **more})
    problem = response.json()
    assert (response.status_code, problem["type"]) == (status, f"urn:spanwise:problem:{kind}"), problem
    assert says in problem["detail"]
    assert problem["detail"].endswith(".")
    assert not folder.exists()


def test_where_the_operator_keeps_nothing_it_says_so(folder: Path) -> None:
    client = opened(folder, correctable="nothing")
    response = client.post(f"{API}/feedback", json={"question": WHO, "right": True})
    assert response.status_code == 403
    assert response.json()["type"] == "urn:spanwise:problem:feedback-off"
    assert response.json()["detail"].startswith("This server keeps no feedback: its operator has")
    assert not folder.exists()


def test_a_full_store_and_a_bad_disk_are_one_sentence(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = opened(folder)
    sent = {"question": WHO, "right": False, "comment": "no"}
    assert client.post(f"{API}/feedback", json=sent).status_code == 200
    monkeypatch.setattr(corrections, "MOST_BYTES", 10)
    full = client.post(f"{API}/feedback", json=sent)
    assert (full.status_code, full.json()["type"]) == (507, "urn:spanwise:problem:no-room")
    (tmp_path / "file").write_text("")
    broken = opened(tmp_path / "file").post(f"{API}/feedback", json=sent)
    assert broken.status_code == 500
    assert broken.json()["detail"] == "The correction could not be written: tell the operator of this server."


def test_keys_rates_and_origins_hold_as_everywhere(folder: Path) -> None:
    sent = {"question": WHO, "right": False}
    client = opened(folder, host="0.0.0.0", api_keys=(KEY,), origins=(SITE,), rate="4/minute")
    assert client.post(f"{API}/feedback", json=sent).status_code == 401
    assert client.post(f"{API}/feedback", json=sent, headers={"origin": "https://evil.example"}).status_code == 403
    assert not folder.exists()
    allowed = client.post(f"{API}/feedback", json=sent, headers={"origin": SITE})
    assert (allowed.status_code, allowed.headers["access-control-allow-origin"]) == (200, SITE)
    with_key = {"authorization": f"Bearer {KEY}"}
    statuses = [client.post(f"{API}/feedback", json=sent, headers=with_key).status_code for _ in range(5)]
    assert statuses == [200] * 4 + [429]


def test_no_word_of_it_is_in_the_log_or_the_counters(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    client = opened(folder)
    secret = "swordfish"
    for more in ({"comment": secret}, {"citations": [{"quote": secret}]}, {"right": secret}, {"comment": secret * 999}):
        client.post(f"{API}/feedback", json={"question": f"{secret}?", "right": False, **more})
    folder.joinpath("questions.remarks.jsonl").unlink()
    folder.joinpath("questions.remarks.jsonl").mkdir()  # cannot be written
    assert client.post(f"{API}/feedback", json={"question": f"{secret}?", "right": False}).status_code == 500
    assert secret not in caplog.text
    told = client.get("/metrics").text
    assert secret not in told
    assert 'spanwise_feedback_total{as="remark",right="no"} 1.0' in told

"""The API for programs: what it answers, its streams, its problems, and that it is what its description says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scripted_server import NONE, TEXT, WHEN, WHO, Serving, served
from starlette.testclient import TestClient

from index.errors import ModelError
from qa.assistant import MAX_QUESTION, Assistant
from qa.cli_text import answer_json
from qa.errors import ReaderError
from qa.types import Answer
from qa.web import api_examples
from qa.web.problems import KINDS
from qa.web.services import Services

API = "/api/v1"


@pytest.fixture(scope="module")
def assistant_() -> Serving:
    return Serving()


@pytest.fixture(scope="module")
def client(assistant_: Serving, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    corrections = tmp_path_factory.mktemp("feedback") / "questions.jsonl"
    with TestClient(served(assistant_, corrections=corrections), base_url="http://127.0.0.1") as opened:
        yield opened


def events(text: str) -> list[tuple[str, Any]]:
    found = []
    for block in text.strip().split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if lines:
            found.append((lines["event"], json.loads(lines["data"])))
    return found


def test_an_answer_has_the_fields_that_the_command_line_prints(client: TestClient, assistant_: Serving) -> None:
    response = client.post(f"{API}/ask", json={"question": WHO})
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    told = response.json()
    (citation,) = told["citations"]
    assert citation.pop("sentence") == "Its captain is Ada Brown."  # what pages need besides
    assert citation.pop("solid_start") == len(TEXT[: citation["start"]].replace(" ", ""))
    assert told == json.loads(answer_json(assistant_.ask(WHO)))
    assert TEXT[citation["start"] : citation["end"]] == citation["quote"] == "Ada Brown"


def test_an_abstention_is_an_answer(client: TestClient) -> None:
    given_ = client.post(f"{API}/ask", json={"question": NONE, "include_hits": False}).json()
    assert given_["abstained"] is True
    assert given_["citations"] == given_["hits"] == []


def test_earlier_questions_are_handed_on(client: TestClient, assistant_: Serving) -> None:
    client.post(f"{API}/ask", json={"question": WHO, "history": [WHEN]})
    assert assistant_.histories[-1] == [WHEN]


def test_a_stream_tells_passages_candidate_and_final(client: TestClient, assistant_: Serving) -> None:
    with client.stream("POST", f"{API}/ask/stream", json={"question": WHO}) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        assert response.headers["cache-control"] == "no-store"
        assert response.headers["x-accel-buffering"] == "no"
        told = events(response.read().decode())
    assert [name for name, _ in told] == ["passages", "candidate", "final"]
    assert told[0][1]["hits"][0]["passage"]["text"] == TEXT
    assert told[1][1]["citation"]["quote"] == "Ada Brown"
    assert told[2][1] == client.post(f"{API}/ask", json={"question": WHO}).json()


def test_a_silent_stream_has_a_heartbeat(
    client: TestClient, assistant_: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    import threading

    monkeypatch.setattr("qa.web.api.HEARTBEAT", 0.02)
    assistant_.go_on.clear()
    threading.Timer(0.3, assistant_.go_on.set).start()
    text = client.post(f"{API}/ask/stream", json={"question": WHO}).text
    assert text.count(": still reading\n\n") >= 2
    assert events(text)[-1][0] == "final"


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (ReaderError("The reader ran out of memory: ask again."), "The reader ran out of memory: ask again."),
        (ModelError("The reader's model is damaged."), "The reader's model is damaged."),
        (RuntimeError("/secret/path"), "Something went wrong while the answer was looked for: ask again."),
    ],
)
def test_a_failure_is_one_sentence_and_no_secret(
    client: TestClient, assistant_: Serving, error: Exception, sentence: str, caplog: pytest.LogCaptureFixture
) -> None:
    assistant_.error = error
    try:
        response = client.post(f"{API}/ask", json={"question": WHO})
        stream = client.post(f"{API}/ask/stream", json={"question": WHO})
    finally:
        assistant_.error = None
    assert (response.status_code, response.json()["detail"]) == (500, sentence)
    name, problem = events(stream.text)[-1]
    assert (name, problem["detail"]) == ("error", sentence)
    assert str(error) in caplog.text


def test_words_that_do_not_stand_there_never_leave(client: TestClient, assistant_: Serving) -> None:
    from dataclasses import replace

    honest = assistant_.ask

    def lying(*arguments: Any, **options: Any) -> Answer:
        answer = honest(*arguments, **options)
        return replace(answer, citations=(replace(answer.citations[0], quote="Bob Brown"),))

    assistant_.ask = lying  # type: ignore[method-assign]
    try:
        response = client.post(f"{API}/ask", json={"question": WHO})
    finally:
        del assistant_.ask
    assert response.status_code == 500
    assert "Bob" not in response.text


PROBLEMS: list[tuple[str, str, dict[str, Any], int, str]] = [
    ("POST", "/ask", {"json": {"question": " \n"}}, 422, "bad-question"),
    ("POST", "/ask", {"json": {"question": "?!"}}, 422, "bad-question"),
    ("POST", "/ask", {"json": {"question": "x" * (MAX_QUESTION + 1)}}, 422, "bad-question"),
    ("POST", "/ask/stream", {"json": {"question": "x" * (MAX_QUESTION + 1)}}, 422, "bad-question"),
    ("POST", "/ask", {"json": {}}, 422, "bad-request"),
    ("POST", "/ask", {"json": {"question": 5}}, 422, "bad-request"),
    ("POST", "/ask", {"json": {"question": WHO, "more": 1}}, 422, "bad-request"),
    ("POST", "/ask", {"json": {"question": WHO, "history": ["x"] * 21}}, 422, "bad-request"),
    ("POST", "/ask", {"json": {"question": WHO, "document_ids": []}}, 422, "bad-request"),
    ("POST", "/ask", {"json": [1]}, 422, "bad-request"),
    ("POST", "/ask", {"json": {"question": WHO, "document_ids": ["../../etc"]}}, 404, "unknown-document"),
    ("POST", "/ask", {"content": b"{", "headers": {"content-type": "application/json"}}, 400, "not-json"),
    ("POST", "/ask", {"content": b"\xff", "headers": {"content-type": "application/json"}}, 400, "not-json"),
    ("POST", "/ask", {"content": b"[" * 100_000, "headers": {"content-type": "application/json"}}, 400, "not-json"),
    ("POST", "/ask", {"content": b"question=x"}, 415, "not-json-type"),
    ("POST", "/ask", {"content": b"x" * 300_000, "headers": {"content-type": "application/json"}}, 413, "too-large"),
    ("GET", "/ask", {}, 405, "wrong-method"),
    ("DELETE", "/documents", {}, 405, "wrong-method"),
    ("GET", "/nowhere", {}, 404, "not-found"),
    ("GET", "/documents/nowhere", {}, 404, "unknown-document"),
    ("POST", "/passages", {"json": {"query": "", "top_k": 1}}, 422, "bad-question"),
    ("POST", "/passages", {"json": {"query": "x", "top_k": 0}}, 422, "bad-request"),
    ("POST", "/verify", {"json": {"citation": {"quote": "x"}}}, 422, "bad-citation"),
    ("POST", "/verify", {"json": {"citation": {"quote": "x", "start": 1, "end": 9}, "text": "x"}}, 422, "bad-citation"),
    ("POST", "/verify", {"json": {"citation": {"quote": "x", "document_id": "no"}}}, 404, "unknown-document"),
    ("POST", "/verify", {"json": {"citation": {}}}, 422, "bad-request"),
]


@pytest.mark.parametrize(("method", "path", "sent", "status", "kind"), PROBLEMS)
def test_every_problem_has_the_one_form(
    client: TestClient, method: str, path: str, sent: dict[str, Any], status: int, kind: str
) -> None:
    response = client.request(method, f"{API}{path}", **sent)
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert (problem["type"], problem["title"], problem["status"]) == (KINDS[kind].type, KINDS[kind].title, status)
    assert problem["detail"].endswith(".")
    assert "\n" not in problem["detail"]
    assert set(problem) <= {"type", "title", "status", "detail", "errors"}


def test_a_body_without_a_length_is_cut_as_well(client: TestClient) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(100):
            yield b" " * 10_000

    response = client.post(f"{API}/ask", content=chunks(), headers={"content-type": "application/json"})
    assert (response.status_code, response.json()["type"]) == (413, KINDS["too-large"].type)


def test_the_sentence_is_the_same_as_everywhere(client: TestClient) -> None:
    from qa.assistant import check
    from qa.errors import QuestionError

    with pytest.raises(QuestionError) as raised:
        check("x" * 3000)
    problem = client.post(f"{API}/ask", json={"question": "x" * 3000}).json()
    assert problem["detail"] == str(raised.value)


def test_documents_are_listed_and_read(client: TestClient) -> None:
    (listed,) = client.get(f"{API}/documents").json()["documents"]
    assert listed["characters"] == len(TEXT)
    assert "text" not in listed
    response = client.get(f"{API}/documents/{listed['id']}")
    assert response.json()["text"] == TEXT
    again = client.get(f"{API}/documents/{listed['id']}", headers={"if-none-match": response.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_passages_are_found(client: TestClient) -> None:
    assert client.post(f"{API}/passages", json={"query": "ferry", "top_k": 1}).json()["hits"][0]["rank"] == 0


def test_a_citation_is_verified_against_the_server_or_a_text(client: TestClient) -> None:
    citation = client.post(f"{API}/ask", json={"question": WHO}).json()["citations"][0]
    found = client.post(f"{API}/verify", json={"citation": citation}).json()
    assert (found["status"], found["same_document"], found["document_id"]) == ("found", True, citation["document_id"])
    by_checksum = {name: citation[name] for name in ("quote", "start", "sha256", "prefix", "suffix")}
    assert client.post(f"{API}/verify", json={"citation": by_checksum}).json()["status"] == "found"
    changed = {"citation": citation, "text": TEXT.replace("Ada", "Eva")}
    reworded = client.post(f"{API}/verify", json=changed).json()
    assert reworded["status"] == "reworded"
    assert reworded["changes"] == [{"cited": "Ada", "stands": "Eva"}]
    page = {"citation": citation, "media_type": "text/html"}
    page["text"] = "<p>It leaves on Sundays. Its captain is <b>Ada</b>\nBrown. Tickets cost 5 crowns.</p>"
    assert client.post(f"{API}/verify", json=page).json()["status"] == "moved"


def test_text_that_is_not_well_formed_comes_back_escaped(client: TestClient) -> None:
    body = b'{"question": "Who \\ud800 is it?"}'
    response = client.post(f"{API}/ask", content=body, headers={"content-type": "application/json"})
    assert response.status_code == 200
    assert json.loads(response.text)["question"] == "Who \ud800 is it?"


def test_metrics_count_and_tell_nothing(client: TestClient) -> None:
    client.post(f"{API}/ask", json={"question": WHO})
    response = client.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain")
    assert 'spanwise_requests_total{route="/api/v1/ask",status="200"}' in response.text
    assert 'spanwise_answers_total{stage="answered"}' in response.text
    assert "spanwise_questions_inside 0.0" in response.text
    assert "captain" not in response.text
    assert client.post("/metrics").status_code == 405


def test_no_part_of_an_address_becomes_a_label(client: TestClient) -> None:
    for n in range(5):
        client.get(f"{API}/documents/made-up-{n}")
        client.get(f"{API}/made-up-{n}")
    assert "made-up" not in client.get("/metrics").text


# ── The description ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def described(client: TestClient) -> dict[str, Any]:
    return client.get(f"{API}/openapi.json").json()


def test_it_is_openapi_3_1_and_names_no_other_host(described: dict[str, Any]) -> None:
    assert described["openapi"].startswith("3.1")
    assert "http://" not in json.dumps(described)
    assert "https://" not in json.dumps(described)
    assert described["servers"] == [{"url": API}]
    assert set(described["paths"]) == {
        "/ask", "/ask/stream", "/documents", "/documents/{id}", "/passages", "/verify", "/feedback",
    }  # fmt: skip


def test_every_operation_has_examples_and_every_error(described: dict[str, Any]) -> None:
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            assert operation["description"], path
            responses = operation["responses"]
            assert {"200", "401", "403", "421", "429"} <= set(responses), path
            for status, response in responses.items():
                if status not in ("200", "304"):
                    content = response["content"]
                    assert set(content) == {"application/problem+json"}, (path, status)
                    assert content["application/problem+json"]["schema"]["$ref"].endswith("/Problem")
                    for example in content["application/problem+json"]["examples"].values():
                        assert example["value"]["status"] == int(status)
            if method == "post":
                assert {"400", "413", "415", "422", "503"} <= set(responses), path
                (body,) = operation["requestBody"]["content"].values()
                schema = described["components"]["schemas"][body["schema"]["$ref"].rpartition("/")[2]]
                assert schema["examples"], path


def test_the_examples_are_true(described: dict[str, Any]) -> None:
    """Each example of a response has the fields that a real one has, and its offsets are right."""
    for example in (api_examples.ANSWER, api_examples.ABSTAINED):
        text = api_examples.PASSAGE["text"]
        for citation in [*example["citations"], *([example["nearest"]] if example["nearest"] else [])]:
            start, end = citation["start"], citation["end"]
            assert text[start:end] == citation["quote"]
            assert text[:start].endswith(citation["prefix"])
            assert text[end:].startswith(citation["suffix"])
            assert citation["solid_start"] == len(text[:start].replace(" ", ""))
            assert text[citation["sentence_start"] : citation["sentence_end"]] == citation["sentence"]


def test_the_sentence_and_the_solid_place_are_described(described: dict[str, Any]) -> None:
    schemas = described["components"]["schemas"]
    assert {"sentence", "solid_start", "start", "end", "quote"} <= set(schemas["Citation"]["required"])
    assert schemas["Citation"]["properties"]["solid_start"]["type"] == "integer"
    assert schemas["Answer"]["properties"]["citations"]["items"]["$ref"].endswith("/Citation")


def test_responses_are_as_described(client: TestClient, described: dict[str, Any]) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    citation = client.post(f"{API}/ask", json={"question": WHO}).json()["citations"][0]
    identity = citation["document_id"]
    for method, path, given_, body in (
        ("post", "/ask", "/ask", {"question": WHO}),
        ("post", "/ask", "/ask", {"question": NONE}),
        ("get", "/documents", "/documents", None),
        ("get", "/documents/{id}", f"/documents/{identity}", None),
        ("post", "/passages", "/passages", {"query": "ferry"}),
        ("post", "/verify", "/verify", {"citation": citation}),
        ("post", "/feedback", "/feedback", {"question": WHO, "right": True, "citations": [citation]}),
    ):
        response = client.request(method, f"{API}{given_}", json=body) if body else client.get(f"{API}{given_}")
        schema = described["paths"][path][method]["responses"]["200"]["content"]["application/json"]["schema"]
        jsonschema.Draft202012Validator({**schema, "components": described["components"]}).validate(response.json())


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=8,
)
FIELDS = st.sampled_from(
    "question history document_ids include_hits query top_k citation text media_type document_id right citations "
    "correction comment".split()
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=st.sampled_from(["/ask", "/ask/stream", "/passages", "/verify", "/feedback"]),
       body=st.dictionaries(FIELDS, ANYTHING, max_size=4) | ANYTHING)  # fmt: skip
def test_no_body_makes_the_server_fail(client: TestClient, described: dict[str, Any], path: str, body: Any) -> None:
    response = client.post(
        f"{API}{path}", content=json.dumps(body).encode(), headers={"content-type": "application/json"}
    )
    assert response.status_code < 500
    assert str(response.status_code) in described["paths"][path]["post"]["responses"]


def test_the_real_assistant_answers(assistant: Assistant) -> None:
    from qa.config import Settings
    from qa.web.api import make_api

    services = Services(assistant, Settings(rate="off"))
    with TestClient(make_api(services)) as opened:
        question = "What gifts did Kim receive?"
        told = events(opened.post("/ask/stream", json={"question": question}).text)
        assert [name for name, _ in told] == ["passages", "candidate", "final"]
        final = told[-1][1]
        text = assistant.documents[0].text
        assert not final["abstained"]
        for citation in final["citations"]:
            assert text[citation["start"] : citation["end"]] == citation["quote"]
            assert opened.post("/verify", json={"citation": citation}).json()["status"] == "found"
        candidate = told[1][1]["citation"]
        assert text[candidate["start"] : candidate["end"]] == candidate["quote"]
        assert opened.post("/passages", json={"query": "gifts", "top_k": 2}).json()["hits"][1]["rank"] == 1
    services.close()

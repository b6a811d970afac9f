"""The server around the chat: readiness, headers, who may talk to it, and how it starts and stops."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from index.errors import ModelError
from index.types import Document
from qa.assistant import MAX_QUESTION
from qa.config import Settings
from qa.errors import QuestionError, ServeError
from qa.types import Answer
from qa.web.desk import UPLOAD_LIMIT, Desk
from qa.web.security import same_origin
from qa.web.server import create_app, serve
from qa.web.session import Conversation

ROOT = Path(__file__).resolve().parent.parent
PAGE = Document(id="d", title="</script><b>T", text="A </script> text.", source="d.txt", sha256="0" * 64)


class Small:
    """The least that can be served; `warm` waits for `go_on` and then fails where there is an `error`."""

    def __init__(self, error: Exception | None = None, document: Document = PAGE) -> None:
        self.documents = (document,)
        self.error = error
        self.go_on = threading.Event()
        self.go_on.set()

    def warm(self) -> None:
        self.go_on.wait(30)
        if self.error is not None:
            raise self.error

    def ask(self, question: str, history: Sequence[str] = (), *, document_ids: Sequence[str] | None = None) -> Answer:
        if self.error is not None:
            raise self.error
        return Answer(question=question, reason="No.")

    def over(self, documents: Sequence[Document]) -> Small:
        return Small(document=documents[0])


def made(assistant: Any) -> Any:
    """The application, made inside a running loop: outside of one, gradio opens loops that it never closes."""

    async def make() -> Any:
        return create_app(assistant)

    return asyncio.run(make())


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    with TestClient(made(Small()), base_url="http://127.0.0.1") as opened:
        yield opened


def test_ready_only_when_warm() -> None:
    assistant = Small()
    assistant.go_on.clear()
    with TestClient(made(assistant), base_url="http://127.0.0.1") as opened:
        assert opened.get("/healthz").status_code == 200
        assert opened.get("/readyz").status_code == 503
        assistant.go_on.set()
        while opened.get("/readyz").status_code != 200:
            pass
        assert opened.get("/readyz").json() == {"status": "ready"}


def test_every_answer_carries_the_security_headers(client: TestClient) -> None:
    for path in ("/", "/healthz", "/readyz", "/nowhere", "/theme.css", "/favicon.ico"):
        response = client.get(path)
        policy = response.headers["content-security-policy"]
        assert "default-src 'self'" in policy, path
        assert "http" not in policy
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["referrer-policy"] == "no-referrer"
        assert "frame-ancestors 'self'" in policy


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://127.0.0.1:81", "http://127.0.0.1.evil.example"]
)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/readyz"),
        ("POST", "/gradio_api/queue/join"),
        ("POST", "/gradio_api/upload"),
        ("OPTIONS", "/gradio_api/queue/join"),
        ("GET", "/gradio_api/queue/data"),
    ],
)
def test_a_foreign_origin_is_refused_on_every_route(client: TestClient, method: str, path: str, origin: str) -> None:
    response = client.request(method, path, headers={"origin": origin})
    assert response.status_code == 403
    assert "access-control-allow-origin" not in response.headers


def test_its_own_origin_is_welcome(client: TestClient) -> None:
    assert client.get("/readyz", headers={"origin": "http://127.0.0.1"}).status_code in (200, 503)


@pytest.mark.parametrize(
    ("origin", "host", "same"),
    [
        (None, "a.example", True),
        ("https://a.example", "a.example", True),  # TLS ends at a proxy
        ("http://a.example:8080", "a.example:8080", True),
        ("http://A.example", "a.example", True),
        ("http://[::1]:7860", "[::1]:7860", True),
        ("http://a.example:8080", "a.example", False),
        ("http://a.example.evil.example", "a.example", False),
        ("http://a.example", None, False),
        ("null", "null", False),
        ("file://", "a.example", False),
        ("http://a.example:notaport", "a.example", False),
    ],
)
def test_same_origin(origin: str | None, host: str | None, same: bool) -> None:
    assert same_origin(origin, host) is same


def test_no_page_of_the_framework_loads_from_elsewhere(client: TestClient) -> None:
    for path in ("/docs", "/redoc", "/openapi.json", "/gradio_api/docs"):
        assert client.get(path).status_code == 404, path
    page = client.get("/").text
    assert "fonts.googleapis" not in page
    assert "cdnjs" not in page


def test_a_document_cannot_end_the_pages_script(client: TestClient) -> None:
    assert "A </script> text." not in client.get("/").text


def test_settings_of_gradio_that_keep_things_private(client: TestClient) -> None:
    assert os.environ["GRADIO_ANALYTICS_ENABLED"] == "False"
    config = client.get("/config").json()
    assert config["analytics_enabled"] is False
    assert config["footer_links"] == []
    assert not config.get("run_history")
    public = [each["api_name"] for each in config["dependencies"] if each["api_visibility"] != "private"]
    assert public == ["ask"]  # tests/test_gradio_client.py uses it


def test_a_port_in_use_is_one_sentence() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ServeError, match=f"port {port} on 127.0.0.1 is in use"):
            serve(lambda: pytest.fail("nothing is loaded for a port in use"), Settings(port=port))


def test_an_address_of_another_machine_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*arguments: Any, **options: Any) -> Any:
        raise socket.gaierror("no such name")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(ServeError, match="'elsewhere' is not an address this machine can listen on"):
        serve(Small, Settings(host="elsewhere", port=0))


def test_a_model_that_cannot_be_warmed_stops_the_server() -> None:
    with pytest.raises(ModelError, match="damaged"):
        serve(lambda: Small(ModelError("the reader's model is damaged")), Settings(port=0))


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_it_says_when_it_is_ready_and_ends_quietly_on_control_c(tmp_path: Path) -> None:
    program = (
        "import sys; sys.path[:0] = sys.argv[1:]\n"
        "from test_server import Small; from qa.config import Settings; from qa.web.server import serve\n"
        "serve(Small, Settings(port=0), on_ready=lambda address: print(address, flush=True))"
    )
    command = [sys.executable, "-c", program, str(ROOT), str(ROOT / "tests")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline().startswith("http://127.0.0.1:")
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 0
        assert process.stdout.read() == ""
        assert process.stderr.read() == ""


@pytest.mark.parametrize("place", ["upload", "submit"])
@pytest.mark.parametrize("named", ["{secret}", "https://evil.example/fetch-me"])
def test_a_file_that_was_not_uploaded_is_not_touched(
    client: TestClient, tmp_path: Path, place: str, named: str
) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("The password is swordfish.", encoding="utf-8")
    config = client.get("/config").json()
    event = next(each for each in config["dependencies"] if any(target[1] == place for target in each["targets"]))
    file = {"path": named.format(secret=secret), "orig_name": "secret.txt", "meta": {"_type": "gradio.FileData"}}
    body = {"data": [None, file], "fn_index": event["id"], "session_hash": "stranger"}
    if event["queue"]:
        assert client.post("/gradio_api/queue/join", json=body).status_code == 200
        heard = client.get("/gradio_api/queue/data", params={"session_hash": "stranger"}).text
    else:
        heard = client.post("/gradio_api/run/predict", json=body).text
    assert '"success":true' not in heard.replace(" ", "")
    assert "error" in heard
    assert "swordfish" not in heard
    assert secret.exists()


@pytest.mark.parametrize(
    "path",
    [
        "file=/etc/passwd",
        f"file={ROOT / 'pyproject.toml'}",
        "file=https://evil.example/x",
        "file/etc/passwd",
        "proxy=https://evil.example/x",
        "call/ask",
        "openapi.json",
        "deep_link",
        "vibe-code/",
        "runs",
    ],
)
def test_nothing_of_gradio_is_served_that_the_page_does_not_use(client: TestClient, path: str) -> None:
    response = client.get(f"/gradio_api/{path}", follow_redirects=False)
    assert response.status_code == 404
    assert response.json() == {"error": "not found"}


# ── The desk: what the buttons do ───────────────────────────────────────────────────────────────────────────────────


def desk(assistant: Any = None) -> Desk:
    return Desk(assistant or Small())


def upload(tmp_path: Path, content: bytes = b"My own words.") -> Path:
    stored = tmp_path / "stored"
    stored.write_bytes(content)
    return stored


@pytest.mark.parametrize("question", ["x" * (MAX_QUESTION + 1), "y" * 100_000])
def test_a_question_too_long_is_one_sentence_and_is_never_read(question: str) -> None:
    asked = desk().take(question)(Conversation())
    assert asked.pending is None
    assert f"{len(question):,} characters" in asked.turns[-1].error


def test_a_blank_question_is_one_sentence() -> None:
    assert "question is empty" in desk().take(" \n ")(Conversation()).turns[-1].error


def test_errors_of_the_assistant_are_shown_and_bugs_are_not() -> None:
    asked = Conversation().begin("Who?")
    known = desk(Small(QuestionError("the question is not text: type it again")))
    assert known.answer(asked)(asked).turns[-1].error.startswith("the question is not text")
    said = desk(Small(RuntimeError("/secret/path"))).answer(asked)(asked).turns[-1]
    assert "secret" not in said.error
    assert said.again


def test_a_second_question_waits_for_the_first() -> None:
    first = desk().take("one?")(Conversation())
    assert desk().take("two?")(first) is first


def test_an_own_document_is_in_one_conversation_and_leaves_no_file(tmp_path: Path) -> None:
    place = desk()
    stored = upload(tmp_path)
    mine = place.open(stored, "../../etc/Ünïcode “name” & co.TXT")(Conversation())
    (document,) = place.documents(mine)
    assert document.text == "My own words."
    assert document.source == "Ünïcode “name” & co.TXT"
    assert [each.id for each in place.documents(Conversation())] == ["d"]
    assert not stored.exists()
    assert not list(Path(tempfile.gettempdir()).glob("spanwise-*/*co*"))


@pytest.mark.parametrize("name", ["page.html", "archive", "", "a.txt.exe"])
def test_other_kinds_of_file_are_refused_and_deleted(tmp_path: Path, name: str) -> None:
    stored = upload(tmp_path)
    refused = desk().open(stored, name)(Conversation())
    assert refused.own is None
    assert "ends in .txt or .md" in refused.turns[-1].error
    assert not stored.exists()


@pytest.mark.parametrize("content", [b"", b"\x00\x01\x02binary", b" \n\t "])
def test_a_file_that_cannot_be_read_is_one_sentence_without_its_path(tmp_path: Path, content: bytes) -> None:
    stored = upload(tmp_path, content)
    refused = desk().open(stored, "my notes.txt")(Conversation())
    assert refused.turns[-1].error.startswith("“my notes.txt” ")
    assert "/" not in refused.turns[-1].error
    assert not stored.exists()


def test_a_file_too_large_is_one_sentence(tmp_path: Path) -> None:
    refused = desk().open(upload(tmp_path, b"word " * (UPLOAD_LIMIT // 4)), "long.txt")(Conversation())
    assert "larger than the limit of 2 MB" in refused.turns[-1].error

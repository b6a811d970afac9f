"""Event streams that end in the middle, over real sockets: a caller who leaves, and a server that is stopped."""

from __future__ import annotations

import contextlib
import json
import logging
import re
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from browser import serving
from playwright.sync_api import Browser, expect
from publisher import site
from scripted_server import WHEN, WHO, Serving

from qa.config import Settings

ROOT = Path(__file__).resolve().parent.parent


@contextlib.contextmanager
def server(assistant: Serving, **settings: Any) -> Iterator[str]:
    from qa.web.server import create_app

    with serving(lambda: create_app(assistant, Settings(**{"rate": "off", **settings}))) as address:
        yield address


class Stream:
    """A caller of `ask/stream` by hand, who can leave politely or as one whose machine went away."""

    def __init__(self, address: str, question: str = WHO) -> None:
        host, port = urlsplit(address).hostname, urlsplit(address).port
        body = json.dumps({"question": question}).encode()
        self._socket = socket.create_connection((host, port), timeout=30)
        self._socket.sendall(
            b"POST /api/v1/ask/stream HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
            + f"content-length: {len(body)}\r\n\r\n".encode()
            + body
        )
        self.got = b""

    def until(self, words: bytes) -> None:
        """Read until they have come."""
        while words not in self.got:
            more = self._socket.recv(65536)
            assert more, self.got
            self.got += more

    def rest(self) -> bytes:
        """What still comes until the other side ends."""
        with contextlib.suppress(ConnectionResetError):
            while more := self._socket.recv(65536):
                self.got += more
        return self.got

    def leave(self, *, at_once: bool = False) -> None:
        """Close; `at_once` with a reset."""
        if at_once:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()


def inside(address: str) -> int:
    """How many questions are being read or wait, as the server says."""
    told = httpx.get(f"{address}/metrics", trust_env=False).text
    (number,) = re.findall(r"^spanwise_questions_inside (\d+)", told, flags=re.MULTILINE)
    return int(number)


def until(check: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.02)


def ask(address: str, question: str = WHEN) -> httpx.Response:
    return httpx.post(f"{address}/api/v1/ask", json={"question": question}, trust_env=False, timeout=30)


@pytest.mark.parametrize("at_once", [False, True], ids=["closed", "reset"])
def test_who_leaves_while_being_read_gives_up_the_place(caplog: pytest.LogCaptureFixture, at_once: bool) -> None:
    caplog.set_level(logging.DEBUG, logger="uvicorn")
    caplog.set_level(logging.DEBUG, logger="qa")
    assistant = Serving()
    assistant.go_on.clear()
    with server(assistant, answers_at_once=1, waiting_room=0) as address:
        stream = Stream(address)
        stream.until(b"event: candidate")
        assert b"event: final" not in stream.got
        assert ask(address).status_code == 503, "the only place is taken"
        stream.leave(at_once=at_once)
        assistant.go_on.set()  # a model cannot be stopped: the place is free when it is done
        until(lambda: inside(address) == 0)
        assert ask(address).json()["items"][0]["text"] == "at nine on Sundays"
        told = httpx.get(f"{address}/metrics", trust_env=False).text
        assert 'spanwise_requests_total{route="/api/v1/ask/stream",status="200"} 1.0' in told
    assert "Traceback" not in caplog.text
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


def test_who_leaves_while_waiting_gives_up_the_place_at_once(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qa.web.api.HEARTBEAT", 0.05)
    assistant = Serving()
    assistant.go_on.clear()
    with server(assistant, answers_at_once=1, waiting_room=1) as address:
        reading, waiting = Stream(address), Stream(address, WHEN)
        reading.until(b"event: passages")
        waiting.until(b": still reading")
        assert inside(address) == 2
        assert ask(address).status_code == 503
        waiting.leave()
        until(lambda: inside(address) == 1)
        third = Stream(address, WHEN)
        third.until(b": still reading")
        assistant.go_on.set()
        third.until(b"event: final")
        reading.until(b"event: final")
        until(lambda: inside(address) == 0)
        reading.leave()
        third.leave()
    assert assistant.histories == [[], []], "what nobody waits for is not read"
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


def test_many_who_leave_at_any_moment_leave_nothing_behind(caplog: pytest.LogCaptureFixture) -> None:
    with server(Serving(), answers_at_once=2, waiting_room=40) as address:
        for number in range(40):
            stream = Stream(address, (WHO, WHEN)[number % 2])
            if number % 4:
                stream.until((b"HTTP/1.1 200", b"event: passages", b"event: final")[number % 3])
            stream.leave(at_once=number % 5 == 0)
        until(lambda: inside(address) == 0)
        assert ask(address).status_code == 200
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


# ── The server goes away ────────────────────────────────────────────────────────────────────────────────────────────

PROGRAM = """
import sys; sys.path[:0] = sys.argv[3:]
from scripted_server import Serving
from qa.cli import _leave_at_once
from qa.config import Settings
from qa.web.server import serve

assistant = Serving()
if sys.argv[2] == "slow":
    assistant.go_on.clear()
settings = Settings(port=int(sys.argv[1]), rate="off", origins=tuple(sys.argv[5:]))
serve(lambda: assistant, settings, on_ready=lambda address: print(address, flush=True))
_leave_at_once()
"""


@contextlib.contextmanager
def process(port: int, pace: str, *origins: str) -> Iterator[subprocess.Popen[str]]:
    """The server in a process of its own, ready."""
    command = [sys.executable, "-c", PROGRAM, str(port), pace, str(ROOT), str(ROOT / "tests"), *origins]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd="/") as running:
        assert running.stdout is not None
        assert running.stderr is not None
        try:
            line = running.stdout.readline().strip()
            assert line.endswith(f":{port}"), running.stderr.read()
            yield running
        finally:
            running.kill()


@pytest.fixture
def port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_a_server_that_is_stopped_tells_those_who_wait_and_goes_quietly(port: int) -> None:
    address, sentence = f"http://127.0.0.1:{port}", "The server is being stopped: ask again in a moment."
    with process(port, "slow") as running, ThreadPoolExecutor(1) as pool:
        stream = Stream(address)
        stream.until(b"event: candidate")
        plain = pool.submit(ask, address)
        until(lambda: inside(address) == 2)
        began = time.monotonic()
        running.send_signal(signal.SIGTERM)
        *_, last = stream.rest().decode().split("event: ")
        stream.leave()
        assert last.startswith("error\r\n" if "\r\n" in last[:8] else "error\n")
        assert sentence in last
        refused = plain.result(30)
        assert (refused.status_code, refused.json()["detail"]) == (503, sentence)
        assert int(refused.headers["retry-after"]) >= 1
        assert running.wait(timeout=30) in (0, -signal.SIGTERM)
        assert time.monotonic() - began < 15, "within the time that docs/deploying.md gives it"
        assert running.stderr is not None
        assert running.stderr.read() == "", "uvicorn tells of every connection that it has to cut off"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_an_open_chat_does_not_hold_the_end_back(browser: Browser, port: int) -> None:
    context = browser.new_context()
    with process(port, "slow") as running:
        page = context.new_page()
        page.goto(f"http://127.0.0.1:{port}/")
        page.locator(".dock textarea").fill(WHO)
        page.keyboard.press("Enter")
        until(lambda: page.locator(".sw-wait").count() == 1)
        began = time.monotonic()
        running.send_signal(signal.SIGINT)
        assert running.wait(timeout=30) == 0
        assert time.monotonic() - began < 15
        assert running.stderr is not None
        assert running.stderr.read() == ""
    context.close()


@pytest.mark.slow
def test_the_widget_says_that_the_server_went_and_recovers_when_it_is_back(browser: Browser, port: int) -> None:
    code = (ROOT / "qa" / "web" / "widget" / "spanwise.js").read_text(encoding="utf-8")
    page = (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Page</title>'
        f'<script type="module" src="spanwise.js"></script><span-wise server="http://127.0.0.1:{port}"></span-wise></html>'
    )
    csp = f"default-src 'none'; script-src 'self'; connect-src http://127.0.0.1:{port}"
    files = {"/": ("text/html", page, csp), "/spanwise.js": ("text/javascript", code, csp)}
    context = browser.new_context()
    with site(files.get) as origin:
        opened = context.new_page()
        opened.goto(f"{origin}/")
        with process(port, "slow", origin) as running:
            opened.locator("span-wise input").fill(WHO)
            opened.keyboard.press("Enter")
            until(lambda: inside(f"http://127.0.0.1:{port}") == 1)
            expect(opened.locator("span-wise .wait")).to_be_visible()
            running.kill()
        said = "The answer service is out of reach, or does not answer this site; your question is still in the box."
        expect(opened.locator("span-wise .turn p").first).to_have_text(said)
        assert opened.locator("span-wise input").input_value() == WHO
        opened.get_by_role("button", name="Try again").click()
        expect(opened.locator("span-wise .wait")).to_have_count(0)
        expect(opened.locator("span-wise .turn p").first).to_have_text(said)
        with process(port, "quick", origin):
            opened.get_by_role("button", name="Try again").click()
            expect(opened.locator("span-wise q")).to_have_text("Ada Brown")
            assert opened.locator("span-wise .turn").count() == 1
    context.close()

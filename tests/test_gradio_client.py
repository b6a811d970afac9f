"""The chat's one endpoint for programs, used by gradio's own client against a real server."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from browser import serving
from gradio_caller import opened
from gradio_client import Client
from gradio_client.exceptions import AppError
from scripted_server import NONE, TEXT, WHEN, WHO, Serving

from qa.config import Settings

KEY = "a-key-of-the-newspaper"


@contextlib.contextmanager
def server(assistant: Serving | None = None, **settings: Any) -> Iterator[str]:
    from qa.web.server import create_app

    given = Settings(**{"rate": "off", **settings})
    with serving(lambda: create_app(assistant or Serving(), given)) as address:
        yield address


@pytest.fixture(scope="module")
def assistant_() -> Serving:
    return Serving()


@pytest.fixture(scope="module")
def address(assistant_: Serving) -> Iterator[str]:
    with server(assistant_) as running:
        yield running


@pytest.fixture(scope="module")
def client(address: str) -> Iterator[Client]:
    with opened(address) as made:
        yield made


def test_an_answer_comes_with_its_words_and_their_places(client: Client, address: str) -> None:
    answer = client.predict(WHO, api_name="/ask")
    assert answer["text"] == "Ada Brown"
    (citation,) = answer["citations"]
    assert TEXT[citation["start"] : citation["end"]] == citation["quote"] == "Ada Brown"
    told = httpx.post(f"{address}/api/v1/ask", json={"question": WHO, "include_hits": False}, trust_env=False).json()
    assert {name: answer[name] for name in told} == told, "the same as the API gives"


def test_earlier_questions_are_handed_on_and_it_abstains(client: Client, assistant_: Serving) -> None:
    answer = client.predict(question=NONE, history=[WHEN], api_name="/ask")
    assert (answer["abstained"], answer["text"], answer["citations"]) == (True, "", [])
    assert assistant_.histories[-1] == [WHEN]


def test_nothing_else_is_offered(client: Client, address: str) -> None:
    told = client.view_api(return_format="dict", print_info=False)
    assert set(told["named_endpoints"]) == {"/ask"}
    assert not told["unnamed_endpoints"]
    config = httpx.get(f"{address}/config", trust_env=False).json()
    public = [each["api_name"] for each in config["dependencies"] if each["api_visibility"] != "private"]
    assert public == ["ask"]
    for endpoint in config["dependencies"]:
        if endpoint["api_visibility"] == "private" and endpoint["api_name"]:
            with pytest.raises(ValueError, match="Cannot find a function"):
                client.predict(WHO, api_name=f"/{endpoint['api_name']}")


@pytest.mark.parametrize(
    ("question", "history", "sentence"),
    [
        (" ", None, "The question is empty: type what you want to know."),
        ("x" * 3000, None, "The question has 3,000 characters"),
        (5, None, "at /question: input should be a valid string."),
        ({"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}}, None, "at /question"),
        (WHO, "one", "at /history: input should be a valid list."),
        (WHO, [WHEN] * 21, "at /history: list should have at most 20 items"),
    ],
)
def test_what_cannot_be_asked_is_one_sentence(client: Client, question: Any, history: Any, sentence: str) -> None:
    with pytest.raises(AppError) as raised:
        client.predict(question, history, api_name="/ask")
    assert sentence in str(raised.value)


def test_a_mistake_of_ours_is_not_told(
    client: Client, assistant_: Serving, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    assistant_.error = RuntimeError("/secret/path")
    try:
        with pytest.raises(AppError) as raised:
            client.predict("Is it a swordfish?", api_name="/ask")
    finally:
        assistant_.error = None
    assert str(raised.value) == "Something went wrong while the answer was looked for: ask again."
    assert "/secret/path" in caplog.text, "the log has it"
    assert "swordfish" not in caplog.text + "".join(capfd.readouterr())


def test_a_key_is_needed_where_the_api_needs_one() -> None:
    with server(host="0.0.0.0", api_keys=(KEY,)) as address:
        with opened(address) as stranger, pytest.raises(AppError, match="An API key is needed"):
            stranger.predict(WHO, api_name="/ask")
        with (
            opened(address, headers={"authorization": f"Bearer {KEY}x"}) as wrong,
            pytest.raises(AppError, match="not known here"),
        ):
            wrong.predict(WHO, api_name="/ask")
        with opened(address, headers={"authorization": f"Bearer {KEY}"}) as friend:
            assert friend.predict(WHO, api_name="/ask")["text"] == "Ada Brown"


def test_rate_and_places_are_those_of_the_api() -> None:
    with server(rate="2/minute") as address, opened(address) as client:
        for _ in range(2):
            client.predict(WHO, api_name="/ask")
        with pytest.raises(AppError, match=r"More than 2 requests a minute .* try again in \d+ second"):
            client.predict(WHO, api_name="/ask")
        refused = httpx.post(f"{address}/api/v1/ask", json={"question": WHO}, trust_env=False)
        assert refused.status_code == 429, "one caller, one rate"
    assistant = Serving()
    assistant.go_on.clear()
    with (
        server(assistant, answers_at_once=1, waiting_room=0) as address,
        opened(address) as client,
        ThreadPoolExecutor(1) as pool,
    ):
        first = pool.submit(client.predict, WHO, api_name="/ask")
        while not assistant.at_once:
            threading.Event().wait(0.01)
        with pytest.raises(AppError, match="Too many questions are waiting"):
            client.predict(WHO, api_name="/ask")
        assistant.go_on.set()
        assert first.result(30)["text"] == "Ada Brown"
    assert assistant.most_at_once == 1


def test_a_page_of_another_site_gets_nothing(address: str) -> None:
    foreign = {"origin": "https://evil.example"}
    with pytest.raises(ValueError, match="Could not fetch config"), opened(address, headers=foreign):
        pass
    for path in ("/config", "/gradio_api/info", "/gradio_api/queue/data?session_hash=x", "/gradio_api/call/ask/x"):
        assert httpx.get(f"{address}{path}", headers=foreign, trust_env=False).status_code == 403
    sent = {"data": [WHO], "fn_index": 0, "session_hash": "x"}
    joined = httpx.post(f"{address}/gradio_api/queue/join", json=sent, headers=foreign, trust_env=False)
    assert joined.status_code == 403


@pytest.mark.parametrize(
    "path", ["call/ask", "call/v2/ask", "run/ask", "api/ask", "api/predict", "info/x", "openapi.json"]
)
def test_of_gradios_own_ways_only_the_one_is_open(address: str, path: str) -> None:
    for method in ("GET", "POST"):
        response = httpx.request(method, f"{address}/gradio_api/{path}", json={"data": [WHO]}, trust_env=False)
        assert response.status_code in (404, 405), (method, path)

"""Keys, rates, questions at once, and what is believed of a proxy."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from scripted_server import WHO, Serving, served
from starlette.testclient import TestClient

from qa.web.limits import Keys, Rates, Turnstile
from qa.web.problems import ProblemError
from qa.web.proxy import Proxied

KEY, OTHER = "a-key-of-the-newspaper", "another-key-of-nobody"
SITE = "https://news.example"
OPEN = {"host": "0.0.0.0"}


def client(assistant: Any = None, *, address: str = "203.0.113.5", **settings: Any) -> TestClient:
    base = "http://127.0.0.1" if settings.get("host") is None else "http://ask.example"
    return TestClient(served(assistant, **settings), base_url=base, client=(address, 5000))


@pytest.fixture(scope="module")
def guarded() -> Iterator[TestClient]:
    with client(host="0.0.0.0", api_keys=(KEY,), origins=(SITE,)) as opened:
        yield opened


GUARDED = [
    ("GET", "/api/v1/documents"), ("POST", "/api/v1/ask"), ("POST", "/api/v1/ask/stream"), ("POST", "/mcp"),
    ("POST", "/api/v1/verify"), ("GET", "/metrics"), ("GET", "/api/v1/openapi.json"), ("GET", "/api/v1/x"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path"), GUARDED)
@pytest.mark.parametrize(
    "headers",
    [{}, {"authorization": f"Bearer {OTHER}"}, {"authorization": "Bearer "}, {"authorization": KEY},
     {"x-api-key": KEY[:-1]}, {"x-api-key": KEY.upper()}, {"authorization": f"Basic {KEY}"}],
)  # fmt: skip
def test_without_a_right_key_nothing_is_served(
    guarded: TestClient, method: str, path: str, headers: dict[str, str]
) -> None:
    response = guarded.request(method, path, headers=headers)
    assert response.status_code == 401
    assert response.headers["www-authenticate"].startswith("Bearer")
    assert response.json()["type"] == "urn:spanwise:problem:key-needed"
    assert KEY not in response.text


@pytest.mark.parametrize("headers", [{"authorization": f"Bearer {KEY}"}, {"authorization": f"bearer  {KEY}"},
                                     {"x-api-key": KEY}])  # fmt: skip
def test_a_right_key_lets_in(guarded: TestClient, headers: dict[str, str]) -> None:
    assert guarded.post("/api/v1/ask", json={"question": WHO}, headers=headers).status_code == 200
    assert guarded.get("/metrics", headers=headers).status_code == 200


def test_pages_need_no_key(guarded: TestClient) -> None:
    for headers in ({"origin": SITE}, {"origin": "http://ask.example"}, {"sec-fetch-site": "same-origin"}):
        assert guarded.post("/api/v1/ask", json={"question": WHO}, headers=headers).status_code == 200
    assert guarded.post("/api/v1/ask", json={"question": WHO}, headers={"sec-fetch-site": "none"}).status_code == 401
    assert guarded.get("/").status_code == 200, "the chat is for people"


def test_an_open_server_without_a_key_says_what_its_operator_can_do() -> None:
    with client(**OPEN) as opened:
        response = opened.post("/api/v1/ask", json={"question": WHO})
        assert response.status_code == 401
        assert "--api-key-file" in response.json()["detail"]
    with client(**OPEN, require_key=False) as opened:
        assert opened.post("/api/v1/ask", json={"question": WHO}).status_code == 200
    with client() as opened:
        assert opened.post("/api/v1/ask", json={"question": WHO}).status_code == 200, "on loopback none is needed"


def test_a_key_is_compared_in_constant_time_and_never_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    import hmac

    from starlette.datastructures import Headers

    compared = []
    real = hmac.compare_digest
    monkeypatch.setattr(hmac, "compare_digest", lambda one, two: compared.append(1) or real(one, two))
    keys = Keys([KEY, OTHER, "a-third-key-of-somebody"])
    caplog.set_level(logging.DEBUG)
    assert keys.holder(Headers({"x-api-key": KEY})) is not None
    assert keys.holder(Headers({"x-api-key": "x"})) is None
    assert len(compared) == 6, "every key is compared, whichever is right"
    assert KEY not in str(keys.holder(Headers({"x-api-key": KEY})))
    with client(host="0.0.0.0", api_keys=(KEY,)) as opened:
        opened.get("/api/v1/documents", headers={"x-api-key": KEY})
    assert KEY not in caplog.text


def test_too_many_requests_wait() -> None:
    with client(rate="3/minute") as opened:
        answers = [opened.get("/api/v1/documents") for _ in range(5)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
        problem = answers[-1].json()
        assert problem["type"] == "urn:spanwise:problem:too-often"
        assert 1 <= int(answers[-1].headers["retry-after"]) <= 61
        assert f"in {answers[-1].headers['retry-after']} second" in problem["detail"]
        assert opened.get("/healthz").status_code == 200


def test_each_caller_has_a_rate_of_its_own() -> None:
    app = served(rate="2/minute", host="0.0.0.0", api_keys=(KEY,), trusted_proxies=("10.0.0.1",), origins=(SITE,))
    with TestClient(app, base_url="http://ask.example", client=("10.0.0.1", 1)) as opened:

        def asked(visitor: str, **headers: str) -> int:
            sent = {"x-forwarded-for": visitor, "sec-fetch-site": "same-origin", **headers}
            return opened.get("/api/v1/documents", headers=sent).status_code

        assert [asked("198.51.100.1") for _ in range(3)] == [200, 200, 429]
        assert asked("198.51.100.2") == 200
        assert [asked(f"2001:db8:0:1::{n}") for n in range(1, 4)] == [200, 200, 429], "one network is one caller"
        assert asked("2001:db8:0:2::1") == 200
        assert [asked(f"192.0.2.{n}", **{"x-api-key": KEY}) for n in range(3)] == [200, 200, 429]
        assert asked("192.0.2.9") == 200


def test_wrong_keys_are_counted_as_well() -> None:
    with client(host="0.0.0.0", api_keys=(KEY,), rate="2/minute") as opened:
        tried = [opened.get("/api/v1/documents", headers={"x-api-key": f"guess-{n}"}).status_code for n in range(4)]
    assert tried == [401, 401, 429, 429]


def test_a_rate_is_given_back_in_time() -> None:
    rates = Rates("2/second")
    rates.check("a")
    rates.check("a")
    with pytest.raises(ProblemError) as raised:
        rates.check("a")
    assert raised.value.wait is not None
    time.sleep(raised.value.wait + 0.05)
    rates.check("a")


def test_few_are_read_at_once_some_wait_and_the_rest_are_sent_away() -> None:
    assistant = Serving()
    assistant.go_on.clear()
    with client(assistant, answers_at_once=2, waiting_room=1) as opened, ThreadPoolExecutor(5) as pool:
        asked = [pool.submit(opened.post, "/api/v1/ask", json={"question": WHO}) for _ in range(3)]
        deadline = time.monotonic() + 10
        while "spanwise_questions_inside 3.0" not in opened.get("/metrics").text and time.monotonic() < deadline:
            time.sleep(0.02)
        for path in ("/api/v1/ask", "/api/v1/ask/stream"):
            refused = opened.post(path, json={"question": WHO})
            assert refused.status_code == 503
            assert refused.json()["type"] == "urn:spanwise:problem:busy"
            assert int(refused.headers["retry-after"]) >= 1
        assert opened.get("/healthz").status_code == 200, "the rest of the server goes on"
        assistant.go_on.set()
        assert [each.result(30).status_code for each in asked] == [200] * 3
    assert assistant.most_at_once == 2


def test_who_leaves_while_waiting_gives_up_the_place() -> None:
    turnstile, go_on, done = Turnstile(1, 1), threading.Event(), []
    first = turnstile.enter(lambda: go_on.wait(30))
    waiting = turnstile.enter(lambda: done.append("waited"))
    with pytest.raises(ProblemError):
        turnstile.enter(lambda: None)
    assert waiting.cancel()
    assert turnstile.inside == 1
    third = turnstile.enter(lambda: done.append("third"))
    go_on.set()
    third.result(30)
    assert first.result(30)
    assert done == ["third"]
    turnstile.close()


# ── Behind a proxy ──────────────────────────────────────────────────────────────────────────────────────────────────


def seen(headers: dict[str, str], *, peer: str = "10.0.0.1", path: str = "/x", **options: Any) -> dict[str, Any]:
    """The scope that the application gets."""
    import asyncio

    got: list[dict[str, Any]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        got.append(scope)

    scope = {
        "type": "http", "path": path, "root_path": "", "scheme": "http", "client": (peer, 1), "server": None,
        "headers": [(name.encode(), value.encode()) for name, value in {"host": "inside:7860", **headers}.items()],
    }  # fmt: skip
    asyncio.run(Proxied(app, trusted=("10.0.0.0/24", "::1"), **options)(scope, None, None))  # type: ignore[arg-type]
    return got[0]


FORWARDED = {
    "x-forwarded-for": "1.2.3.4, 198.51.100.7", "x-forwarded-proto": "https", "x-forwarded-host": "ask.example",
    "x-gradio-server": "https://evil.example", "forwarded": "for=1.2.3.4", "x-real-ip": "1.2.3.4",
}  # fmt: skip


def test_a_trusted_proxy_is_believed() -> None:
    scope = seen(FORWARDED)
    assert (scope["client"][0], scope["scheme"]) == ("198.51.100.7", "https"), "the last address is the proxy's word"
    assert dict(scope["headers"]) == {b"host": b"ask.example"}


def test_a_stranger_is_not_believed_and_its_headers_go() -> None:
    scope = seen(FORWARDED, peer="203.0.113.5")
    assert (scope["client"][0], scope["scheme"]) == ("203.0.113.5", "http")
    assert dict(scope["headers"]) == {b"host": b"inside:7860"}


def test_a_chain_of_trusted_proxies_is_followed() -> None:
    assert seen({"x-forwarded-for": "6.6.6.6, 198.51.100.7, 10.0.0.2"})["client"][0] == "198.51.100.7"
    assert seen({"x-forwarded-for": "10.0.0.3, 10.0.0.2"})["client"][0] == "10.0.0.3"


@pytest.mark.parametrize("value", ["", "unknown", "198.51.100.7:80", "<script>", "_hidden", ",", "1.2.3.4,"])
def test_what_is_no_address_is_left(value: str) -> None:
    assert seen({"x-forwarded-for": value})["client"][0] in ("10.0.0.1",)


@pytest.mark.parametrize("value", ["javascript", "", "https, gopher"])
def test_what_is_no_scheme_is_left(value: str) -> None:
    assert seen({"x-forwarded-proto": value})["scheme"] == "http"


@pytest.mark.parametrize("path", ["/api/v1/ask", "/ask/api/v1/ask"])
def test_a_prefix_may_be_stripped_or_not(path: str) -> None:
    scope = seen({}, path=path, root_path="/ask")
    assert (scope["root_path"], scope["path"]) == ("/ask", "/ask/api/v1/ask")


def test_everything_works_under_a_prefix() -> None:
    settings = {"root_path": "/ask", "trusted_proxies": ("10.0.0.1",), "origins": (SITE,)}
    with TestClient(served(**settings), base_url="http://inside", client=("10.0.0.1", 1)) as opened:
        told = {"x-forwarded-host": "news.example", "x-forwarded-proto": "https", "x-forwarded-for": "198.51.100.7"}
        for prefix in ("", "/ask"):
            for path in ("/", "/healthz", "/api/v1/documents", "/embed", "/widget/", "/widget/spanwise.js", "/metrics"):
                assert opened.get(f"{prefix}{path}", headers=told).status_code == 200, prefix + path
            page = opened.get(f"{prefix}/", headers=told).text
            assert '"root":"https://news.example/ask"' in page.replace(" ", "")
            config = opened.get(f"{prefix}/config", headers=told).json()
            assert config["root"] == "https://news.example/ask"
            assert opened.post(f"{prefix}/api/v1/ask", json={"question": WHO}, headers=told).status_code == 200
            own = {**told, "origin": "https://news.example"}
            assert opened.post(f"{prefix}/gradio_api/upload", headers=own, files={"files": b"x"}).status_code == 200
            foreign = {**told, "origin": "https://evil.example"}
            assert opened.get(f"{prefix}/api/v1/documents", headers=foreign).status_code == 403
        described = opened.get("/ask/api/v1/openapi.json", headers=told).json()
        assert described["servers"] == [{"url": "/ask/api/v1"}]

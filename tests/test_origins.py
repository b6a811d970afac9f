"""Who may talk to the server from a browser: a stranger gets nothing on any route, a listed site what it needs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from scripted_server import WHO, served
from starlette.routing import Mount
from starlette.testclient import TestClient

from qa.web.security import route_of

SITE = "https://news.example"
STRANGERS = [
    "https://evil.example", "null", "http://news.example", "https://news.example.evil.example", "*", "file://", "",
    "https://evil-news.example", "https://news.example:8443", "https://sub.news.example", "http://127.0.0.1:81",
    "https://NEWS.example@evil.example", "chrome-extension://abc", "https://news.example, https://evil.example",
    "https://evil.example#news.example",
]  # fmt: skip
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


@pytest.fixture(scope="module")
def app() -> Any:
    return served(origins=(SITE,))


@pytest.fixture(scope="module")
def client(app: Any) -> Iterator[TestClient]:
    with TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False) as opened:
        yield opened


def addresses(routes: Any, prefix: str = "") -> Iterator[str]:
    """Every address that the application has a route for, with made-up values for its parts."""
    for route in routes:
        path = prefix + str(getattr(route, "path", ""))
        inner = getattr(route, "app", None)
        while inner is not None and not hasattr(inner, "routes"):  # what stands before a mounted application
            inner = getattr(inner, "_app", None)
        if isinstance(route, Mount) and inner is not None:
            yield from addresses(inner.routes, path)
        included = getattr(route, "original_router", None)
        if included is not None:
            yield from addresses(included.routes, prefix)
        elif path:
            yield re.sub(r"\{[^}]*\}", "x", path)


def test_the_walk_knows_the_whole_application(app: Any) -> None:
    known = set(addresses(app.routes))
    assert {
        "/healthz", "/readyz", "/metrics", "/mcp", "/embed", "/widget/", "/api/v1/ask", "/api/v1/ask/stream",
        "/api/v1/verify", "/api/v1/openapi.json", "/gradio_api/upload", "/gradio_api/queue/join", "/config",
    } <= known  # fmt: skip
    assert len(known) > 60


@pytest.mark.parametrize("origin", STRANGERS)
def test_a_stranger_gets_nothing_on_any_route(app: Any, client: TestClient, origin: str) -> None:
    paths = sorted({*addresses(app.routes), "/", "/nowhere", "/api", "/api/v1", "//api/v1/ask", "/API/v1/ask"})
    methods = METHODS if origin == STRANGERS[0] else ("GET", "POST", "OPTIONS")
    for path in paths:
        for method in methods:
            sent: dict[str, Any] = {"files": {"files": b"x"}} if path.endswith("upload") and method == "POST" else {}
            headers = {"origin": origin, "access-control-request-method": "POST"}
            response = client.request(method, path, headers=headers, follow_redirects=False, **sent)
            assert response.status_code == 403, (method, path)
            assert not [name for name in response.headers if name.startswith("access-control")], (method, path)
            if method != "HEAD":
                assert response.json()["type"] == "urn:spanwise:problem:foreign-origin"


def test_a_listed_site_gets_the_api_and_the_widget_only(app: Any, client: TestClient) -> None:
    for path in sorted({*addresses(app.routes), "/", "/nowhere"}):
        response = client.get(path, headers={"origin": SITE}, follow_redirects=False)
        shared = path.startswith(("/api/", "/widget/"))
        assert (response.status_code != 403) == shared, path
        assert response.headers.get("access-control-allow-origin") == (SITE if shared else None), path
        assert "access-control-allow-credentials" not in response.headers
        if shared:
            assert "origin" in response.headers["vary"].lower()


def test_a_listed_site_asks_without_a_key(client: TestClient) -> None:
    response = client.post("/api/v1/ask", json={"question": WHO}, headers={"origin": SITE})
    assert response.status_code == 200
    assert response.headers["access-control-allow-origin"] == SITE


def test_a_problem_can_be_read_by_a_listed_site(client: TestClient) -> None:
    response = client.post("/api/v1/ask", json={"question": ""}, headers={"origin": SITE})
    assert response.status_code == 422
    assert response.headers["access-control-allow-origin"] == SITE
    assert response.headers["access-control-expose-headers"] == "Retry-After"


def test_a_preflight_allows_json_and_no_key(client: TestClient) -> None:
    asked = {
        "origin": SITE,
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type, authorization",
    }
    response = client.options("/api/v1/ask", headers=asked)
    assert response.status_code == 204
    assert response.headers["access-control-allow-origin"] == SITE
    assert response.headers["access-control-allow-headers"] == "Content-Type"
    assert response.headers["access-control-allow-methods"] == "GET, POST"
    assert "access-control-allow-private-network" not in response.headers
    private = client.options("/api/v1/ask", headers={**asked, "access-control-request-private-network": "true"})
    assert private.headers["access-control-allow-private-network"] == "true"


def test_a_program_needs_no_origin(client: TestClient) -> None:
    response = client.post("/api/v1/ask", json={"question": WHO})
    assert response.status_code == 200
    assert "access-control-allow-origin" not in response.headers


def test_nobody_is_listed_by_default() -> None:
    with TestClient(served(), base_url="http://127.0.0.1") as opened:
        for path in ("/api/v1/documents", "/widget/spanwise.js"):
            assert opened.get(path, headers={"origin": SITE}).status_code == 403
            assert opened.get(path, headers={"origin": "http://127.0.0.1"}).status_code == 200


def test_listed_sites_may_frame_the_compact_page_and_nothing_else(client: TestClient) -> None:
    page = client.get("/embed")
    assert page.status_code == 200
    assert f"frame-ancestors 'self' {SITE}" in page.headers["content-security-policy"]
    assert "x-frame-options" not in page.headers
    for path in ("/", "/widget/", "/widget/demo", "/healthz", "/api/v1/documents", "/embedded", "/metrics"):
        response = client.get(path)
        assert "frame-ancestors 'self';" in response.headers["content-security-policy"] + ";", path
        assert SITE not in response.headers["content-security-policy"]
        assert response.headers["x-frame-options"] == "SAMEORIGIN"


def test_the_chat_is_framed_by_sites_named_for_it_and_no_others() -> None:
    with TestClient(
        served(origins=(SITE,), framed_by=("https://host.example",)), base_url="http://127.0.0.1"
    ) as opened:
        chat = opened.get("/").headers
        assert "frame-ancestors 'self' https://host.example;" in chat["content-security-policy"] + ";"
        assert "x-frame-options" not in chat
        for path in ("/widget/", "/api/v1/docs"):
            assert "frame-ancestors 'self';" in opened.get(path).headers["content-security-policy"] + ";", path
        assert "host.example" not in opened.get("/embed").headers["content-security-policy"]
        refused = opened.get("/api/v1/documents", headers={"origin": "https://host.example"})
        assert refused.status_code == 403, "to frame is not to ask"


@pytest.mark.parametrize("host", ["evil.example", "evil.example:7860", "127.0.0.1.evil.example", "10.0.0.5", ""])
def test_a_server_for_this_machine_goes_by_no_other_name(client: TestClient, host: str) -> None:
    """A page can have its own name lead here (DNS rebinding), and is of our own origin then."""
    for path in ("/", "/api/v1/documents", "/config", "/mcp"):
        response = client.get(path, headers={"host": host, "origin": f"http://{host}"})
        assert response.status_code == 421, path
        assert response.json()["detail"].endswith(".")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:7860", "[::1]:7860", "127.0.0.2", "app.localhost"])
def test_it_goes_by_this_machines_names(client: TestClient, host: str) -> None:
    assert client.get("/healthz", headers={"host": host}).status_code == 200


def test_the_route_is_what_stands_behind_the_prefix() -> None:
    assert route_of({"path": "/ask/api/v1", "root_path": "/ask"}) == "/api/v1"
    assert route_of({"path": "/asking", "root_path": "/ask"}) == "/asking"
    assert route_of({"path": "/api", "root_path": ""}) == "/api"
    assert route_of({"path": "/ask", "root_path": "/ask"}) == ""

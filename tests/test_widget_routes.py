"""The widget's addresses: what is served, to whom, under which policy; and what a page gets with a citation."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi import FastAPI
from scripted_answers import answer
from starlette.testclient import TestClient

from index.load import load_text
from qa.plain import plain
from qa.web import widget_routes
from qa.web.around import with_sentences

DOCUMENT = load_text(
    "Tide & <b>ebb</b>\n\nIt came\u00ad in at nine. \U0001f600 It went.\n\n\n* done", source="tide.txt"
)
ORIGINS = ["https://news.example", "https://blog.example:8443"]


@pytest.fixture
def client() -> TestClient:
    app = FastAPI()
    widget_routes.add_to(app, [DOCUMENT], origins=ORIGINS)
    return TestClient(app, follow_redirects=False)


def test_the_script_is_served_packed_and_revalidated(client):
    response = client.get("/widget/spanwise.js")
    assert response.headers["content-type"] == "text/javascript; charset=utf-8"
    assert response.headers["content-encoding"] == "gzip"
    assert int(response.headers["content-length"]) <= 15_000
    source = Path(widget_routes.__file__).parent / "widget" / "spanwise.js"
    assert response.content == source.read_bytes()
    plainly = client.get("/widget/spanwise.js", headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plainly.headers
    again = client.get("/widget/spanwise.js", headers={"if-none-match": response.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_only_the_files_that_pages_need_are_served(client):
    for name in ("embed.html", "..%2Fserver.py", "../server.py", "%2e%2e/server.py", "nothing.js", "README.md"):
        assert client.get(f"/widget/{name}").status_code == 404, name
    assert client.get("/widget").headers["location"] == "widget/"


@pytest.mark.parametrize("path", ["/widget/", "/widget/demo", "/embed"])
def test_pages_have_a_strict_policy_and_no_inline_code(client, path):
    response = client.get(path)
    policy = response.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "require-trusted-types-for 'script'" in policy
    assert "<style" not in response.text
    assert "style=" not in response.text
    assert "<script>" not in response.text
    framed = "'self' https://news.example https://blog.example:8443" if path == "/embed" else "'self'"
    assert policy.split("frame-ancestors ")[1].split(";")[0] == framed


def test_the_demonstration_escapes_the_document(client):
    page = client.get("/widget/demo").text
    assert '<h1 dir="auto">Tide &amp; &lt;b&gt;ebb&lt;/b&gt;</h1>' in page
    assert page.count("<p dir") == 2


def test_listed_origins_are_shown(client):
    page = client.get("/widget/").text
    assert all(f"<li><code>{origin}</code></li>" in page for origin in ORIGINS)
    nobody = FastAPI()
    widget_routes.add_to(nobody, [DOCUMENT])
    assert "None yet" in TestClient(nobody).get("/widget/").text


def test_a_citation_comes_with_its_sentence_and_a_place_that_white_space_does_not_move():
    given = with_sentences(plain(answer(DOCUMENT, "at nine", "went")), [DOCUMENT])
    first, second = given["citations"]
    assert first["sentence"] == "It came\u00ad in at nine."
    assert first["solid_start"] == len("Tide&<b>ebb</b>Itcamein")
    assert second["sentence"].endswith("It went.")
    assert second["solid_start"] == len("Tide&<b>ebb</b>Itcameinatnine.\U0001f600It")
    assert given["nearest"] is None

"""The page that shows the API: everything that is described, tried for real, in a browser and under a strict policy."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from browser import OpenPage, serving, violations
from playwright.sync_api import Locator, Page, Route, expect
from scripted_server import WHO, Serving, served
from starlette.testclient import TestClient

from qa.config import Settings

DOCS = "/api/v1/docs"
KEY = "a-key-of-the-newspaper"


@pytest.fixture(scope="module")
def assistant_() -> Serving:
    return Serving()


@pytest.fixture(scope="module")
def url(assistant_: Serving, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    from qa.web.server import create_app

    corrections = tmp_path_factory.mktemp("feedback") / "questions.jsonl"
    settings = Settings(rate="off", root_path="/ask", corrections=corrections)
    with serving(lambda: create_app(assistant_, settings)) as address:
        yield f"{address}/ask"


@pytest.fixture(scope="module")
def described(url: str) -> dict[str, Any]:
    told: dict[str, Any] = httpx.get(f"{url}/api/v1/openapi.json", trust_env=False).json()
    return told


def docs_page(open_page: OpenPage, url: str, **options: Any) -> Page:
    page = open_page(f"{url}/", **options)
    page.goto(f"{url}{DOCS}")
    page.locator("#ask").wait_for()
    return page


def trial(page: Page, name: str) -> Locator:
    """Open "Try it" of a route."""
    part = page.locator(f"#{name}")
    part.get_by_text("Try it", exact=True).click()
    return part


def answer(part: Locator, says: str) -> str:
    """Send, and give what came once the status says so."""
    part.get_by_role("button", name="Send").click()
    expect(part.get_by_role("status")).to_contain_text(says)
    return part.get_by_role("region", name=re.compile("^Answer of")).inner_text()


def test_its_files_have_a_strict_policy_and_name_no_other_host() -> None:
    with TestClient(served(), base_url="http://127.0.0.1") as client:
        page = client.get(DOCS)
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "require-trusted-types-for 'script'" in policy
        assert "frame-ancestors 'self'" in policy
        assert page.headers["x-frame-options"] == "SAMEORIGIN"
        assert not re.search(r"<script>|<style|style=|\son\w+=", page.text)
        for path, kind in (("", "text/html"), ("/page.js", "text/javascript"), ("/page.css", "text/css")):
            response = client.get(f"{DOCS}{path}")
            assert response.headers["content-type"] == f"{kind}; charset=utf-8"
            assert not re.findall(r"https?://", response.text), path
        assert "innerHTML" not in client.get(f"{DOCS}/page.js").text
        assert client.get(f"{DOCS}/docs.html").status_code == 404


@pytest.mark.slow
def test_it_shows_every_route_field_example_and_problem(
    url: str, described: dict[str, Any], open_page: OpenPage
) -> None:
    page = docs_page(open_page, url)
    expect(page).to_have_title("API · Spanwise")
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            part = page.locator(f"#{operation['operationId']}")
            expect(part.get_by_role("heading", level=3)).to_have_text(f"{method.upper()} {path}")
            for each in part.locator("details summary").all():
                each.click()
            shown = part.inner_text()
            content = operation.get("requestBody", {}).get("content", {}).get("application/json")
            schema = content and described["components"]["schemas"][content["schema"]["$ref"].rpartition("/")[2]]
            for name in schema["properties"] if schema else [each["name"] for each in operation.get("parameters", [])]:
                assert name in shown, (path, name)
            for status, response in operation["responses"].items():
                assert int(status) < 400 or status in shown
                for media_type in response.get("content", {}).values():
                    for name, example in media_type.get("examples", {}).items():
                        assert example["value"].get("detail", name) in shown, (path, status, name)
    for name, schema in described["components"]["schemas"].items():
        shown = page.locator(f"#form-{name}").inner_text()
        assert all(field in shown for field in schema["properties"]), name
    page.locator("#ask").get_by_role("link", name="Answer").click()
    expect(page.locator("#form-Answer")).to_be_in_viewport()
    page.locator("#form-Answer").get_by_role("link", name="Citation").first.click()
    expect(page.locator("#form-Citation")).to_contain_text("solid_start")


@pytest.mark.slow
@pytest.mark.parametrize(("dark", "width"), [(False, 1280), (True, 390)])
def test_it_is_tried_for_real(url: str, assistant_: Serving, open_page: OpenPage, dark: bool, width: int) -> None:
    page = open_page(f"{url}/", dark=dark)
    page.get_by_role("link", name="API").click()
    page.locator("#ask").wait_for()
    page.set_viewport_size({"width": width, "height": 844})
    assert violations(page) == []
    part = trial(page, "ask")
    part.get_by_label("Body").fill(f'{{"question": "{WHO}", "include_hits": false}}')
    came = answer(part, "200 OK in")
    assert '"quote": "Ada Brown"' in came
    assert assistant_.asked[-1] == WHO
    line = part.get_by_role("region", name="The same with curl, ask")
    assert line.inner_text().startswith(f"curl '{url}/api/v1/ask' -H 'content-type: application/json' -d '{{")
    part = trial(page, "documents")
    identity = re.search(r'"id": "(\w+)"', answer(part, "200 OK in"))
    assert identity
    part = trial(page, "document")
    part.get_by_role("textbox", name="id").fill(identity.group(1))
    assert "Tickets cost 5 crowns" in answer(part, "200 OK in")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert violations(page) == []


@pytest.mark.slow
def test_a_stream_comes_piece_by_piece_and_can_be_stopped(url: str, assistant_: Serving, open_page: OpenPage) -> None:
    page = docs_page(open_page, url)
    part = trial(page, "ask_stream")
    part.get_by_label("Body").fill(f'{{"question": "{WHO}"}}')
    assert part.get_by_role("region", name=re.compile("curl")).inner_text().startswith("curl -N ")
    assistant_.go_on.clear()
    try:
        part.get_by_role("button", name="Send").click()
        came = part.get_by_role("region", name="Answer of ask_stream")
        expect(came).to_contain_text("event: candidate")
        assert "event: final" not in came.inner_text()
        part.get_by_role("button", name="Stop").click()
        expect(part.get_by_role("status")).to_have_text("Stopped.")
    finally:
        assistant_.go_on.set()
    assert "event: final" in answer(part, "200 OK in")


@pytest.mark.slow
def test_problems_are_shown_as_they_are(url: str, open_page: OpenPage) -> None:
    errors: list[str] = []
    page = open_page(f"{url}/").context.new_page()  # not watched: the console calls each refused request an error
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(f"{url}{DOCS}")
    part = trial(page, "ask")
    part.get_by_label("Body").fill('{"question": "<img src=x onerror=alert(1)>", "more": 1}')
    came = answer(part, "422")
    assert '"detail": "The request cannot be read at /more' in came
    part.get_by_label("Body").fill("{")
    assert "The body is not JSON that can be read" in answer(part, "400")
    assert not errors


def without_fetch(route: Route) -> dict[str, str]:
    """A request's headers as a browser sends them over plain http: it does not say whose page it comes from."""
    return {name: value for name, value in route.request.headers.items() if not name.startswith("sec-")}


@pytest.mark.slow
def test_where_a_key_is_needed_a_program_can_be_tried_with_its_own(browser: Any, assistant_: Serving) -> None:
    from qa.web.server import create_app

    settings = Settings(rate="off", host="0.0.0.0", api_keys=(KEY,))
    with serving(lambda: create_app(assistant_, settings)) as address:
        context = browser.new_context()
        page = context.new_page()
        page.route("**/api/v1/*", lambda route: route.fulfill(response=route.fetch(headers=without_fetch(route))))
        page.goto(f"{address}{DOCS}")
        expect(page.get_by_role("alert")).to_have_text(
            re.compile("^The description did not come: An API key is needed")
        )
        page.get_by_label("API key").fill(KEY)
        page.get_by_role("button", name="Use").click()
        part = trial(page, "documents")
        assert '"title": "ferry.txt"' in answer(part, "200")
        assert KEY not in page.locator("main").inner_text(), "the line for curl does not show it"
        context.close()

"""The widget in a real Chromium, on a publisher's page of another origin whose policy lets in nothing else."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

import pytest
from browser import serving, violations
from fastapi import FastAPI
from playwright.sync_api import Browser, Page, expect
from publisher import policy, site
from scripted_answers import answer
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from index.load import load_document, load_text
from index.types import Document
from qa.cite import receipt
from qa.plain import plain
from qa.types import Answer, Citation
from qa.web import widget_routes

pytestmark = pytest.mark.slow

GIFTS = "what gifts did Kim receive?"
GIVER = "who gave them?"
TREATY = "Which treaty did the Kremlin sign?"
WORDS = ["five explosive drones", "a reconnaissance drone", "a bulletproof vest", "bulletproof protection"]
NO_TREATY = "no formal agreements have been reached or will be signed"
SECRET = "<img src=x onerror=window.pwned=1>"


def shown(citation: Citation, text: str) -> dict[str, Any]:
    """A citation as the API gives it."""
    solid = re.sub("[\\s\u00ad\u200b\u2060\ufeff]+", "", text[: citation.start])
    sentence = text[citation.sentence_start : citation.sentence_end]
    return {**plain(citation), "sentence": sentence, "solid_start": len(solid)}


class Service:
    """An answer service about one document: `said` maps a question to words or places, `odd` to whole responses."""

    def __init__(self, document: Document, said: Mapping[str, Sequence[Any]]) -> None:
        self.document = document
        self.said = dict(said)
        self.odd: dict[str, Callable[[], Response]] = {}
        self.asked: list[dict[str, Any]] = []
        self.origins: set[str] = set()
        self.go_on = threading.Event()

    def answer(self, question: str, history: Sequence[str]) -> dict[str, Any]:
        document, text = self.document, self.document.text
        given: Answer = answer(document, *self.said.get(question, ()), question=question, confidence=0.93)
        body = plain(given)
        body["citations"] = [shown(citation, text) for citation in given.citations]
        if history and given.items:
            body["understood_as"] = f"{question} ({history[-1]})"
        if given.abstained:
            body["reason"] = "The likeliest words are too unsure."
            if NO_TREATY in text:
                at = text.index(NO_TREATY)
                span = (text.index("The Kremlin has"), at + len(NO_TREATY) + 1)
                body["nearest"] = shown(receipt(document, at, span[1] - 1, number=0, sentences=[span]), text)
        return body

    def app(self) -> FastAPI:
        app = FastAPI()
        app.state.ready, app.state.failure = True, None
        widget_routes.add_to(app, [self.document], origins=["https://news.example", "<b>&"])

        @app.middleware("http")
        async def cors(request: Request, call_next: Any) -> Response:
            origin = request.headers.get("origin")
            response = Response() if request.method == "OPTIONS" else await call_next(request)
            if origin in self.origins:
                response.headers["access-control-allow-origin"] = origin
                response.headers["access-control-allow-headers"] = "content-type"
            return response

        @app.post("/api/v1/ask")
        def ask(body: dict[str, Any]) -> Response:
            self.asked.append(body)
            question = body["question"]
            if question == "wait":
                self.go_on.wait(30)
            if question in self.odd:
                return self.odd[question]()
            return JSONResponse(self.answer(question, body["history"]))

        return app


@dataclass
class World:
    """The service, its address, and a publisher whose pages are what `put` says."""

    service: Service
    server: str
    origin: str
    pages: dict[str, tuple[str, str, str]] = field(default_factory=dict)

    def put(self, body: str, *, attributes: str = 'for="#article"', head: str = "", lang: str = "en") -> str:
        """Write the page at `/` and give its address; the widget comes behind `body`."""
        script = f'<script type="module" src="{self.server}/widget/spanwise.js"></script>'
        page = (
            f'<!doctype html><html lang="{lang}"><head><meta charset="utf-8"><title>Page</title>{head}{script}</head>'
            f"<body><main>{body}<span-wise {attributes}></span-wise></main></body></html>"
        )
        self.pages["/"] = ("text/html", page, policy(self.server))
        return f"{self.origin}/"


@pytest.fixture(scope="module")
def world(article_path: Any) -> Iterator[World]:
    service = Service(load_document(article_path), {GIFTS: WORDS, GIVER: ["the governor of the Primorye region"]})
    pages: dict[str, tuple[str, str, str]] = {}
    with serving(service.app) as server, site(pages.get) as origin:
        service.origins.add(origin)
        yield World(service, server, origin, pages)


@pytest.fixture
def story(world: World) -> str:
    """The seed article on the publisher's page; its address."""
    html = widget_routes.publisher_page(
        world.service.document, script=f"{world.server}/widget/spanwise.js", style="demo.css"
    )
    css = (widget_routes.files("qa.web") / "widget" / "demo.css").read_text(encoding="utf-8")
    world.pages["/"] = ("text/html", html, policy(world.server))
    world.pages["/demo.css"] = ("text/css", css, "default-src 'none'")
    return f"{world.origin}/"


@pytest.fixture
def about(world: World) -> Iterator[Callable[..., Service]]:
    """Let the service answer about another text for one test: `about(text, question=places)`."""
    before = world.service.document, world.service.said

    def change(text: str, said: Mapping[str, Sequence[Any]], **options: Any) -> Service:
        world.service.document = load_text(text, title="A text", source="text.txt", **options)
        world.service.said = dict(said)
        return world.service

    yield change
    world.service.document, world.service.said = before


@pytest.fixture
def visit(browser: Browser, world: World) -> Iterator[Callable[..., Page]]:
    """Open a page; at the end nothing may have thrown, broken a policy or asked a host that is not listed."""
    contexts, faults = [], []
    expected: list[str] = []

    def open_(url: str, *, width: int = 1280, height: int = 800, dark: bool = False, allow: str = "", **options: Any) -> Page:
        if allow:
            expected.append(allow)
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce",
            **options,
        )
        contexts.append(context)
        context.set_default_timeout(15_000)
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
        page.on(
            "request",
            lambda request: (
                None
                if request.url.startswith((world.server + "/", world.origin + "/", "data:"))
                else faults.append(f"asked {request.url}")
            ),
        )
        page.goto(url)
        page.wait_for_function("() => document.querySelector('span-wise')?.shadowRoot?.querySelector('input')")
        return page

    yield open_
    for context in contexts:
        context.close()
    assert not [fault for fault in faults if not any(word in fault for word in expected)]


def ask(page: Page, question: str) -> None:
    """Type a question and wait until something is said about it."""
    page.locator("span-wise input").fill(question)
    page.keyboard.press("Enter")
    page.wait_for_function(
        "() => { const s = document.querySelector('span-wise').shadowRoot;"
        " return s.querySelector('.turn') && !s.querySelector('.wait'); }"
    )


def lights(page: Page) -> dict[str, list[str]]:
    """The words lit in the page, by kind."""
    found: dict[str, list[str]] = page.evaluate(
        "() => Object.fromEntries([...CSS.highlights].map(([name, all]) =>"
        " [name.replace('spanwise-', ''), [...all].map(String)]))"
    )
    return found


def where(page: Page, kind: str = "hand") -> list[int]:
    """How many characters of the article's own text stand before each lit place (code points)."""
    found: list[int] = page.evaluate(
        """(kind) => [...(CSS.highlights.get(`spanwise-${kind}`) ?? [])].map((lit) => {
            const before = document.createRange();
            before.setStart(document.querySelector("#article"), 0);
            before.setEnd(lit.startContainer, lit.startOffset);
            return [...before.toString()].length;
        })""",
        kind,
    )
    return found


def test_answers_are_quotations_lit_in_the_publishers_article(visit, story, world):
    page = visit(story)
    before = page.evaluate("document.querySelector('main').outerHTML")
    ask(page, GIFTS)
    expect(page.locator("span-wise q")).to_have_text(WORDS)
    assert sorted(lights(page)["hand"]) == sorted(WORDS)
    expect(page.locator("span-wise .foot")).to_contain_text("Very likely · 93\u00a0%")
    marked = page.locator("span-wise .context b")
    expect(marked).to_have_text(WORDS)
    assert page.evaluate("document.querySelector('main').outerHTML") == before, "nothing is inserted into the page"
    page.locator("span-wise .chip").nth(1).click()
    assert lights(page)["now"] == [WORDS[1]]
    box = page.evaluate("[...CSS.highlights.get('spanwise-now')][0].getBoundingClientRect().toJSON()")
    assert 0 < box["top"] < box["bottom"] < 800
    expect(page.locator("span-wise [role=status]")).to_have_text("Citation 2, in the article")
    ask(page, GIVER)
    expect(page.locator("span-wise .as")).to_have_text(f"Understood as: {GIVER} ({GIFTS})")
    assert lights(page)["hand"] == ["the governor of the Primorye region"]
    assert sorted(lights(page)["cited"]) == sorted(WORDS), "earlier answers stay underlined"
    numbers = page.locator("span-wise .chip [aria-hidden]").all_text_contents()
    assert sorted(map(int, numbers)) == [1, 2, 3, 4, 5], "a number is never used twice"


def test_abstaining_shows_the_nearest_passage(visit, story):
    page = visit(story)
    ask(page, TREATY)
    expect(page.locator("span-wise .says")).to_have_text("The document does not say.")
    expect(page.locator("span-wise q.near")).to_contain_text("The Kremlin has stated")
    assert lights(page) == {"near": [f"The Kremlin has stated that {NO_TREATY}."]}
    page.get_by_role("link", name="Show on this page").click()
    expect(page.locator("span-wise [role=status]")).to_have_text("Nearest passage")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_no_accessibility_violations(visit, story, width, dark):
    page = visit(story, width=width, dark=dark)
    ask(page, GIFTS)
    ask(page, TREATY)
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width

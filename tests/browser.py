"""A real Chromium and the real server for the tests that need them; `conftest.py` hands the fixtures out.

Every page opened here fails its test when a script throws, the console shows an error or anything but the server
under test is asked for something.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

import pytest
import uvicorn
from playwright.sync_api import Browser, Page, sync_playwright

ARGUMENTS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()
AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
WAIT = 30_000  # milliseconds; never waited out where all is well

OpenPage = Callable[..., Page]


@dataclass
class Watched:
    """What a page did that it may not do."""

    errors: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)


@contextlib.contextmanager
def serving(make_app: Callable[[], Any]) -> Iterator[str]:
    """Run an application on a free port until the end of the block; gives its address once `/readyz` says so.

    It is made inside the running event loop: outside of one, gradio opens loops that it never closes.
    """
    state: dict[str, Any] = {}

    async def main() -> None:
        state["app"] = make_app()
        config = uvicorn.Config(state["app"], port=0, log_config=None, log_level="error", timeout_graceful_shutdown=1)
        state["server"] = uvicorn.Server(config)
        await state["server"].serve()

    thread = threading.Thread(target=asyncio.run, args=(main(),), daemon=True)
    thread.start()
    deadline = time.monotonic() + 120
    while not ("server" in state and state["server"].started and state["app"].state.ready):
        assert thread.is_alive(), "the server stopped while starting"
        assert "app" not in state or state["app"].state.failure is None, state["app"].state.failure
        assert time.monotonic() < deadline, "the server was not ready within two minutes"
        time.sleep(0.05)
    yield f"http://127.0.0.1:{state['server'].servers[0].sockets[0].getsockname()[1]}"
    state["server"].should_exit = True
    thread.join(timeout=10)
    assert not thread.is_alive(), "the server did not stop"


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """One browser for a module. No longer: while it is open, Playwright keeps an event loop running in this thread."""
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def chat_url(assistant: Any) -> Iterator[str]:
    """The chat about the seed article, with the real models."""
    from qa.web.server import create_app

    with serving(lambda: create_app(assistant)) as address:
        yield address


@pytest.fixture
def open_page(browser: Browser) -> Iterator[OpenPage]:
    """Open an address in a session of its own: `open_page(url, width=390, height=844, dark=True)`."""
    contexts = []
    watched = Watched()

    def open_(url: str, *, width: int = 1280, height: int = 800, dark: bool = False, **options: Any) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce",
            **options,
        )
        contexts.append(context)
        context.set_default_timeout(WAIT)
        page = context.new_page()
        origin = "/".join(url.split("/")[:3])
        page.on("pageerror", lambda error: watched.errors.append(str(error)))
        page.on(
            "console",
            lambda message: watched.errors.append(message.text) if message.type == "error" else None,
        )
        page.on(
            "request",
            lambda request: (
                None
                if request.url.startswith((f"{origin}/", "data:", "blob:"))
                else watched.foreign.append(request.url)
            ),
        )
        page.goto(url)
        page.locator(".page > *").first.wait_for(state="attached")
        return page

    yield open_
    for context in contexts:
        context.close()
    assert not watched.errors, watched.errors
    assert not watched.foreign, watched.foreign


def enter(page: Page, question: str) -> None:
    """Type a question and press Enter."""
    page.locator(".dock textarea").fill(question)
    page.keyboard.press("Enter")


def ask(page: Page, question: str) -> None:
    """Type a question, press Enter and wait for one answer more."""
    answers = page.locator(".bot-row .sw-card[id]")
    before = answers.count()
    enter(page, question)
    answers.nth(before).wait_for()


def lit(page: Page) -> dict[int, tuple[int, str]]:
    """Every place lit in the article: number -> (offset in code points, words), measured on what is drawn."""
    found: dict[str, tuple[int, str]] = page.evaluate(
        """() => {
            const root = document.querySelector(".page"), found = {};
            const walk = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
            let before = 0;
            for (let node = walk.nextNode(); node; node = walk.nextNode()) {
                const places = node.parentElement.closest("mark.sw-lit")?.dataset.places ?? "";
                for (const place of places.split(" ").filter((name) => name.startsWith("cite-"))) {
                    const n = place.slice(5);
                    found[n] = found[n] ? [found[n][0], found[n][1] + node.data] : [before, node.data];
                }
                before += [...node.data].length;
            }
            return found;
        }"""
    )
    return {int(number): (place[0], place[1]) for number, place in found.items()}


def violations(page: Page) -> list[str]:
    """What axe-core finds against WCAG 2.2 A and AA, one line each."""
    script = (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")
    page.evaluate(script)
    result = page.evaluate("tags => axe.run(document, { runOnly: tags })", AXE_TAGS)
    return [
        f"{violation['id']}: {node['target']} {node['failureSummary']}"
        for violation in result["violations"]
        for node in violation["nodes"]
    ]

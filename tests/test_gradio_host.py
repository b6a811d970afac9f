"""What a host of Gradio applications does with the repository: a fresh folder, its own variables, `python app.py` or
`demo.launch()`, an https proxy and a frame; with the real models.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from browser import WAIT
from gradio_caller import opened
from playwright.sync_api import Browser, FrameLocator, expect
from publisher import site

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parent.parent
GUIDE = (ROOT / "docs" / "deploying.md").read_text(encoding="utf-8")
KEY = "a-key-of-the-newspaper"
GIFTS = "what gifts did Kim receive?"
LAUNCH = "from app import demo; demo.launch()"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository as a host has it: only what the application needs, nowhere installed."""
    copy = tmp_path_factory.mktemp("host")
    for name in ("app.py", "index", "qa", "seeds", "pyproject.toml"):
        here = ROOT / name
        if here.is_dir():
            shutil.copytree(here, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(here, copy / name)
    return copy


@contextlib.contextmanager
def hosted(folder: Path, *command: str, **more: str) -> Iterator[str]:
    """The application as the host runs it; its address once it answers."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    environment = {**os.environ, "GRADIO_SERVER_NAME": "0.0.0.0", "GRADIO_SERVER_PORT": str(port), **more}
    with (
        (folder / "output").open("w") as output,
        subprocess.Popen(
            [sys.executable, *command], cwd=folder, env=environment, stdout=output, stderr=subprocess.STDOUT
        ) as running,
    ):
        try:
            address, deadline = f"http://127.0.0.1:{port}", time.monotonic() + 240
            while True:
                try:
                    if httpx.get(f"{address}/", trust_env=False).status_code == 200:
                        break
                except httpx.HTTPError:
                    assert running.poll() is None, (folder / "output").read_text()
                    assert time.monotonic() < deadline, (folder / "output").read_text()
                    time.sleep(0.2)
            yield address
        finally:
            running.kill()


def framing(address: str) -> tuple[str, str, str]:
    """The host's own page with the application in a frame."""
    frame = f'<iframe title="Application" src="{address}/" width="1200" height="800"></iframe>'
    page = f'<!doctype html><html lang="en"><title>Host</title>{frame}</html>'
    return "text/html", page, f"default-src 'none'; frame-src {address}"


@contextlib.contextmanager
def framed(browser: Browser, host: str) -> Iterator[FrameLocator]:
    """The frame on the host's page."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(WAIT)
    page = context.new_page()
    page.goto(f"{host}/")
    yield page.frame_locator("iframe")
    context.close()


def ask_in(frame: FrameLocator) -> None:
    frame.locator(".dock textarea").fill(GIFTS)
    frame.locator(".dock textarea").press("Enter")
    expect(frame.locator("#chip-1")).to_be_visible(timeout=WAIT)


def test_the_dependencies_can_be_written_out_for_hosts_that_want_a_list(folder: Path) -> None:
    (line,) = re.findall(r"^python -c '(import tomllib.*)' > requirements\.txt$", GUIDE, flags=re.MULTILINE)
    done = subprocess.run([sys.executable, "-c", line], cwd=folder, capture_output=True, text=True, check=True)
    wanted = done.stdout.splitlines()
    assert any(each.startswith("gradio>=") for each in wanted)
    assert any(each.startswith("onnxruntime") for each in wanted)
    assert all(re.fullmatch(r"[A-Za-z0-9_-]+[<>=!~].+", each) for each in wanted)


def test_it_runs_as_a_program_with_the_hosts_variables(folder: Path, browser: Browser) -> None:
    pages: dict[str, tuple[str, str, str]] = {}
    with contextlib.ExitStack() as stack:
        host, other = (stack.enter_context(site(pages.get)) for _ in range(2))
        address = stack.enter_context(hosted(folder, "app.py", SPANWISE_FRAMED_BY=host, SPANWISE_API_KEYS=KEY))
        pages["/"] = framing(address)
        named = httpx.get(f"{address}/", headers={"host": "ours.host.example"}, trust_env=False)
        assert named.status_code == 200, "it goes by the name that the host gives it"
        with framed(browser, host) as frame:
            ask_in(frame)
        with framed(browser, other) as frame:
            time.sleep(1)
            assert frame.locator(".dock").count() == 0, "another site gets nothing to see"
        foreign = httpx.get(f"{address}/config", headers={"origin": host}, trust_env=False)
        assert foreign.status_code == 403, "to frame is not to ask"
        refused = httpx.post(f"{address}/api/v1/ask", json={"question": GIFTS}, trust_env=False)
        assert refused.status_code == 401
        with opened(address, headers={"authorization": f"Bearer {KEY}"}) as client:
            assert "drones" in client.predict(GIFTS, api_name="/ask")["text"]


def test_it_runs_where_the_host_launches_demo_itself(folder: Path, browser: Browser) -> None:
    pages: dict[str, tuple[str, str, str]] = {}
    with site(pages.get) as host, hosted(folder, "-c", LAUNCH) as address:
        pages["/"] = framing(address)
        with framed(browser, host) as frame:
            ask_in(frame)
        with opened(address) as client:
            answer = client.predict(GIFTS, api_name="/ask")
            assert "drones" in answer["text"]
            assert answer["citations"][0]["sentence"]
        assert httpx.get(f"{address}/gradio_api/file=/etc/passwd", trust_env=False).status_code == 404
        foreign = httpx.get(f"{address}/config", headers={"origin": host}, trust_env=False)
        assert foreign.status_code == 403

"""What every test gets: no network, a cache folder of its own, and the seed article with its assistant.

`assistant` is built once a run, with the real models, and is safe to share: nothing in it changes.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import network_guard
import pytest
from browser import browser, chat_url, open_page  # noqa: F401 - fixtures

ROOT = Path(__file__).resolve().parent.parent
ARTICLE = ROOT / "seeds" / "kim_leaves_russia.txt"


# What a browser reports where the machine under it was too busy or changed its network meanwhile, as a runner of
# containers does; it also reports them where we are at fault, and then twice.
PASSING = ["Timeout", "net::ERR_"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests come last: a driven browser keeps an event loop running in this thread until the end.

    One that failed for want of time or network gets a second try, which the summary names.
    """
    items.sort(key=driven)
    for item in items:
        if driven(item):
            item.add_marker(pytest.mark.flaky(reruns=1, only_rerun=PASSING))


def driven(item: pytest.Item) -> bool:
    """Whether a test drives a browser."""
    return "chromium" in getattr(item, "fixturenames", ())


@pytest.fixture(scope="session", autouse=True)
def _sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Before anything else: the network guard, a fresh cache folder, no SPANWISE_ variable of the person running."""
    network_guard.install()
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("SPANWISE_")]:
            patch.delenv(name)
        patch.setenv("SPANWISE_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(autouse=True)
def _network_blocked() -> Iterator[None]:
    """Fail the test in which anything tried to leave this machine, also where the error was swallowed."""
    before = len(network_guard.attempts)
    yield
    tried = network_guard.attempts[before:]
    assert not tried, f"left the machine: {tried}"


@pytest.fixture(scope="session")
def article_path() -> Path:
    """The seed article's file."""
    return ARTICLE


@pytest.fixture(scope="session")
def article_text() -> str:
    """The seed article as offsets count it: UTF-8, line ends untouched."""
    return ARTICLE.read_bytes().decode("utf-8")


@pytest.fixture(scope="session")
def dev_questions() -> list[dict[str, Any]]:
    """The question set on the seed article, one mapping a question."""
    lines = (ROOT / "seeds" / "news_dev.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


@pytest.fixture(scope="session")
def assistant() -> Any:
    """One assistant over the seed article, with the built-in models."""
    from qa import Assistant, Settings

    return Assistant.from_files([ARTICLE], settings=Settings.from_environment())


@pytest.fixture(scope="session")
def chromium() -> str:
    """The browser's path. Without one the test is skipped, but never in CI: there it fails."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    message = "no Chromium on this machine: `make test` installs one where it may; browser tests did not run"
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture(scope="session")
def spanwise(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the command line in a process of its own, from another folder, without a network and without a terminal."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    program = "import network_guard; network_guard.install(); from qa.cli import main; main()"
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests")])

    def run(
        *arguments: str, cwd: Path | None = None, env: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", program, *arguments],
            capture_output=True,
            encoding="utf-8",
            cwd=cwd or elsewhere,
            env={**os.environ, "PYTHONPATH": path, "PYTHONIOENCODING": "utf-8", **(env or {})},
            timeout=300,
            check=False,
        )

    return run

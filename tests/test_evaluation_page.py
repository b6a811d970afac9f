"""The page that runs question sets: in a real browser, and its addresses as strangers use them."""

from __future__ import annotations

import io
import json
import threading
import time
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
from browser import OpenPage, serving, violations
from playwright.sync_api import Page, expect

from index.load import load_text
from qa.cite import receipt
from qa.config import Settings
from qa.types import Answer, Item
from qa.web import evaluation_page
from qa.web.evaluation_page import Run, Runs, file_name
from qa.web.problems import ProblemError
from qa.web.services import Services

TEXT = "The ferry leaves at nine. It carries forty passengers.\n"


class Told:
    """Says "nine" to every question; waits for `go_on` where the question is "wait"."""

    def __init__(self) -> None:
        self.documents = (load_text(TEXT, source="ferry.txt"),)
        self.go_on = threading.Event()

    def warm(self) -> None:
        pass

    def over(self, documents: Sequence[Any]) -> Told:
        return self

    def search(self, query: str, **_: Any) -> list[Any]:
        return []

    def glance(self, question: str, hits: Sequence[Any]) -> None:
        return None

    def ask(self, question: str, history: Sequence[str] = (), **_: Any) -> Answer:
        if question.startswith("wait"):
            self.go_on.wait(30)
        if question == "break":
            raise RuntimeError("a bug with a secret")
        about = self.documents[0]
        start = about.text.index("nine")
        cited = receipt(about, start, start + 4, number=1, sentences=((0, 25),))
        items = (Item(text="nine", citation=1),)
        return Answer(
            question=question, items=items, citations=(cited,), confidence=0.9, abstained=False, stage="answered"
        )


def line(number: int, question: str, answer: str | None, **more: Any) -> str:
    answers = [] if answer is None else [{"spans": [], "aliases": [answer]}]
    row = {"id": f"q{number}", "question": question, "answers": answers, "document": "ferry.txt", **more}
    return json.dumps(row) + "\n"


SET = line(1, "When?", "nine") + line(2, "<b>Who</b>?", "<img src=x onerror='window.pwned=1'>") + line(3, "Why?", None)


@pytest.fixture(scope="module")
def told() -> Told:
    return Told()


@pytest.fixture(scope="module")
def url(told: Told) -> Iterator[str]:
    from qa.web.server import create_app

    with serving(lambda: create_app(told)) as address:
        yield address


@pytest.fixture
def client(url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=url) as opened:
        opened.get("/evaluate")
        yield opened


def started(client: httpx.Client, content: str = SET, name: str = "my set.jsonl") -> str:
    response = client.post("/evaluate/runs", params={"name": name}, content=content.encode("utf-8"))
    assert response.status_code == 201, response.text
    identity: str = response.json()["id"]
    return identity


def ended(client: httpx.Client, identity: str) -> dict[str, Any]:
    deadline = time.monotonic() + 60
    while True:
        status: dict[str, Any] = client.get(f"/evaluate/runs/{identity}").json()
        if status["state"] != "running":
            return status
        assert time.monotonic() < deadline
        time.sleep(0.05)


# ── In a browser ────────────────────────────────────────────────────────────────────────────────────────────────────


def evaluate_page(open_page: OpenPage, url: str, **options: Any) -> Page:
    page = open_page(url, **options)
    page.goto(f"{url}/evaluate")
    return page


@pytest.mark.slow
@pytest.mark.parametrize("dark", [False, True])
def test_a_set_is_asked_looked_at_and_downloaded(url: str, open_page: OpenPage, tmp_path: Path, dark: bool) -> None:
    page = open_page(url, dark=dark)
    page.get_by_role("link", name="Evaluate").click()
    expect(page).to_have_title("Evaluate · Spanwise")
    assert violations(page) == []
    chosen = tmp_path / "my set.jsonl"
    chosen.write_text(SET + "{broken\n", encoding="utf-8")
    page.get_by_label("Question set").set_input_files(chosen)
    page.get_by_role("button", name="Ask all questions").focus()
    page.keyboard.press("Enter")
    results = page.get_by_role("region", name="3 questions asked")
    expect(results).to_be_focused()
    assert results.get_by_role("row", name="Right, lenient").locator("td").first.inner_text() == "33.3"
    expect(results.get_by_role("listitem").filter(has_text="line 4")).to_have_text(
        "my_set.jsonl, line 4, the line: is not JSON at character 1 (Expecting property name enclosed in double quotes)"
    )
    assert violations(page) == []
    with page.expect_download() as downloading:
        page.get_by_role("link", name="Download everything").click()
    with zipfile.ZipFile(downloading.value.path()) as archive:
        assert {"report.html", "metrics.json", "predictions.jsonl"} <= {Path(n).name for n in archive.namelist()}
    page.get_by_role("link", name="Open the report").click()
    expect(page.get_by_role("table").last).to_contain_text("<b>Who</b>?")
    assert page.evaluate("window.pwned") is None
    assert page.evaluate("window.origin") == "null"  # it can reach nothing of ours
    page.go_back()
    expect(page.get_by_role("region", name="3 questions asked")).to_be_visible()


@pytest.mark.slow
def test_a_run_can_be_stopped_and_a_bad_set_is_one_sentence(
    url: str, told: Told, open_page: OpenPage, tmp_path: Path
) -> None:
    page = evaluate_page(open_page, url, width=390, height=844)
    chosen = tmp_path / "set.jsonl"
    told.go_on.clear()
    chosen.write_text(line(1, "When?", "nine") + line(2, "wait", "nine") + line(3, "wait", "nine"), encoding="utf-8")
    page.get_by_label("Question set").set_input_files(chosen)
    page.get_by_role("button", name="Ask all questions").click()
    expect(page.locator(".count")).to_contain_text("1 of 3 questions")
    expect(page.get_by_role("progressbar")).to_have_attribute("value", "1")
    assert violations(page) == []
    page.reload()
    expect(page.locator(".count")).to_contain_text("1 of 3 questions")  # it goes on
    page.get_by_role("button", name="Stop").click()
    told.go_on.set()
    expect(page.get_by_role("alert")).to_have_text("Stopped: nothing was kept.")
    chosen.write_text("{}\n", encoding="utf-8")
    page.get_by_label("Question set").set_input_files(chosen)
    page.get_by_role("button", name="Ask all questions").click()
    expect(page.get_by_role("alert")).to_contain_text("There is no question that can be asked in set.jsonl")
    assert "/tmp" not in page.get_by_role("alert").inner_text()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert violations(page) == []


# ── As strangers use it ─────────────────────────────────────────────────────────────────────────────────────────────


def test_no_place_of_this_machine_leaves_it(client: httpx.Client) -> None:
    identity = started(client, SET + "{broken\n" + line(9, "When?", "nine", document="other.txt"))
    status = ended(client, identity)
    assert status["state"] == "done"
    assert len(status["problems"]) == 2
    for name in status["files"]:
        response = client.get(f"/evaluate/runs/{identity}/{name}")
        assert response.status_code == 200
        content = response.content
        if name.endswith(".zip"):
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                content = b"".join(archive.read(each) for each in archive.namelist())
        assert b"spanwise-evaluate-" not in content, name
        assert "sandbox" in response.headers["content-security-policy"]
    rows = client.get(f"/evaluate/runs/{identity}/predictions.jsonl").text.splitlines()
    assert json.loads(rows[0])["file"] == "my_set.jsonl"
    for name in (
        "..",
        "run",
        "../my_set.jsonl",
        "my_set.jsonl",
        "%2e%2e%2fmy_set.jsonl",
        "metrics.json/",
        ".run.json.new",
    ):
        assert client.get(f"/evaluate/runs/{identity}/{name}").status_code == 404, name


@pytest.mark.parametrize("identity", ["x", "a" * 32, "..%2f..%2fetc", "%00"])
def test_runs_cannot_be_guessed(client: httpx.Client, identity: str) -> None:
    for address in (f"/evaluate/runs/{identity}", f"/evaluate/runs/{identity}/report.html"):
        response = client.get(address)
        assert response.status_code == 404
    assert client.post(f"/evaluate/runs/{identity}/stop").status_code == 404


def test_another_sites_page_starts_nothing(client: httpx.Client) -> None:
    evil = {"origin": "https://evil.example"}
    response = client.post("/evaluate/runs", params={"name": "a.jsonl"}, content=SET, headers=evil)
    assert response.status_code == 403
    cookie = client.get("/evaluate", headers={"cookie": ""}).headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    policy = client.get("/evaluate").headers["content-security-policy"]
    assert "unsafe" not in policy


@pytest.mark.parametrize("name", ["", "set", "set.exe", "set.jsonl.py", ".jsonl/.."])
def test_other_files_are_refused(client: httpx.Client, name: str) -> None:
    response = client.post("/evaluate/runs", params={"name": name}, content=SET)
    assert response.status_code == 422
    assert ".jsonl" in response.json()["detail"]


def test_too_much_or_nothing_is_refused(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluation_page, "MOST_BYTES", 100)
    assert client.post("/evaluate/runs", params={"name": "a.csv"}, content="x" * 101).status_code == 413
    assert client.post("/evaluate/runs", params={"name": "a.csv"}, content=" \n").status_code == 422


def test_one_run_a_visitor_and_two_at_once(client: httpx.Client, told: Told, url: str) -> None:
    told.go_on.clear()
    waiting = line(1, "wait", "nine")
    first = started(client, waiting)
    again = client.post("/evaluate/runs", params={"name": "a.jsonl"}, content=waiting)
    assert again.status_code == 503
    assert "Your other question set" in again.json()["detail"]
    with httpx.Client(base_url=url) as second, httpx.Client(base_url=url) as third:
        second.get("/evaluate")
        third.get("/evaluate")
        other = started(second, waiting)
        refused = third.post("/evaluate/runs", params={"name": "a.jsonl"}, content=waiting)
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "60")
        told.go_on.set()
        assert ended(second, other)["state"] == "done"
    assert ended(client, first)["state"] == "done"


def test_a_bug_is_one_sentence(client: httpx.Client) -> None:
    status = ended(client, started(client, line(1, "break", "nine")))
    assert (status["state"], status["error"]) == ("failed", "Something went wrong while the questions were asked.")


def test_the_operator_decides() -> None:
    assert Settings().has_evaluate_page
    assert not Settings(host="0.0.0.0").has_evaluate_page
    assert not Settings(trusted_proxies=("127.0.0.1",)).has_evaluate_page
    assert Settings(host="0.0.0.0", evaluate_page=True).has_evaluate_page
    assert not Settings(evaluate_page=False).has_evaluate_page


def test_runs_go_after_an_hour_and_with_the_server(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    services = Services(told, Settings())
    runs = Runs(told, services)

    def finished() -> Run:
        run = runs.begin("me", "a.jsonl", SET.encode())
        while run.state == "running":
            time.sleep(0.01)
        assert run.file("report.html") is not None
        return run

    kept, old = finished(), finished()
    old.ended -= evaluation_page.KEPT + 1
    assert runs.get(kept.id) is kept
    with pytest.raises(ProblemError):
        runs.get(old.id)
    assert (kept.folder.exists(), old.folder.exists()) == (True, False)
    told.go_on.clear()
    running = runs.begin("me", "a.jsonl", line(1, "wait", "nine").encode())
    runs.close()
    told.go_on.set()
    while running.state == "running":
        time.sleep(0.01)
    assert not kept.folder.exists()
    assert not running.folder.exists()
    with pytest.raises(ProblemError):
        runs.begin("me", "a.jsonl", SET.encode())
    services.close()


def test_a_label_is_never_a_path() -> None:
    assert file_name("../../etc/passwd.csv") == "passwd.csv"
    assert file_name("C:\\sets\\my set (1).JSONL") == "my_set_1.jsonl"
    assert file_name("日本.json") == "questions.json"
    assert len(file_name("x" * 500 + ".tsv")) < 80

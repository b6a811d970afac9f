"""The report: one file that asks for nothing, shows hostile text as text, and can be sorted, filtered and unfolded."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import test_run as runs
from browser import violations
from hypothesis import given
from hypothesis import strategies as st
from playwright.sync_api import Browser, Page
from scripted_answers import Scripted

from qa.evaluation import evaluate
from qa.evaluation.charts import reliability, risk_coverage
from qa.evaluation.folder import RunFolder
from qa.evaluation.intervals import wilson
from qa.evaluation.report import MOST_ROWS, write_report
from qa.evaluation.report_rows import marked

HOSTILE = "<img src=x onerror=alert(1)> & \u202e“=1+1”\0"


class Texts(HTMLParser):
    """The tags, the attributes and the text of a page; fails on what is not closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    follow_up = {**runs.rows()[0], "id": "7", "question": "And who opened it?", "turns": ["Who came?"], "kind": HOSTILE}
    path = runs.saved(folder, [*runs.rows(), follow_up, {**runs.rows()[1], "id": HOSTILE, "question": HOSTILE}])
    said = {**runs.SAID, HOSTILE: ["300 francs"]}
    evaluate(Scripted(runs.TEXT, said), path, folder / "run", command=f"spanwise evaluate {HOSTILE!r}")
    return folder / "run"


def test_hostile_text_stays_text(run):
    page = (run / "report.html").read_text(encoding="utf-8")
    texts = Texts(page)
    assert "img" not in texts.tags
    assert not [name for name, _ in texts.attributes if name.startswith("on") or name == "style"]
    assert HOSTILE.replace("\0", "\ufffd") in texts.text
    assert texts.tags.count("script") == 1


def test_nothing_is_asked_of_the_network(run):
    page = (run / "report.html").read_text(encoding="utf-8")
    texts = Texts(page)
    addresses = [value for name, value in texts.attributes if name in ("src", "href", "action", "data", "srcset")]
    assert all(value and value.startswith("#") for value in addresses)
    assert "url(" not in page
    assert "@import" not in page
    assert "default-src 'none'" in page


def test_figures_and_facts_are_there(run):
    text = Texts((run / "report.html").read_text(encoding="utf-8")).text
    metrics = json.loads((run / "metrics.json").read_text())
    for key in ("lenient", "strict", "exact", "f1", "answered", "wrong_when_answered"):
        assert f"{metrics[key]:.1f}" in text
    for words in (
        "8 questions, 2 of them without an answer",
        "SHA-256",
        "set.jsonl",
        "scripted",
        "python",
        "spanwise-qa 1",
    ):
        assert words in text


def test_of_very_many_questions_those_gone_wrong_come_first(tmp_path, run):
    rows = list(RunFolder(run).rows())
    right, wrong = (next(r for r in rows if r["lenient"] is truth) for truth in (True, False))
    for name in ("metrics.json", "run.json"):
        (tmp_path / name).write_bytes((run / name).read_bytes())
    metrics = json.loads((run / "metrics.json").read_text())
    (tmp_path / "metrics.json").write_text(json.dumps({**metrics, "total": MOST_ROWS + 50}))
    many = [{**(wrong if i % 500 == 499 else right), "id": str(i)} for i in range(MOST_ROWS + 50)]
    (tmp_path / "predictions.jsonl").write_text("".join(json.dumps(row) + "\n" for row in many))
    write_report(RunFolder(tmp_path))
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    numbers = re.findall(r'<td class="num" data-key="(\d+)">', page)
    assert len(numbers) == MOST_ROWS
    assert numbers[:5] == ["500", "1000", "1500", "2000", "1"]
    assert f"{MOST_ROWS:,} of {MOST_ROWS + 50:,} rows" in page


def test_a_run_without_any_answer_has_a_report_too(tmp_path):
    evaluate(Scripted(runs.TEXT, {}), runs.saved(tmp_path), tmp_path / "run")
    assert "did not answer" in (tmp_path / "run" / "report.html").read_text(encoding="utf-8")


PLACES = st.lists(st.tuples(st.integers(0, 70), st.integers(0, 70)).map(lambda pair: tuple(sorted(pair))), max_size=4)


@given(text=st.text(max_size=40), start=st.integers(0, 30), said=PLACES, right=PLACES)
def test_marks_cover_exactly_their_places(text, start, said, right):
    text = text.replace("\0", "").replace("\r", "")
    page = marked(text, start, said, right)
    assert Texts(page).text == text
    for opening, closing, places in (
        ('<mark class="sw-lit">', "</mark>", said),
        ('<span class="gold">', "</span>", right),
    ):
        inside = "".join(Texts(part.split(closing)[0]).text for part in page.split(opening)[1:])
        wanted = [c for at, c in enumerate(text, start) if any(a <= at < b for a, b in places)]
        assert inside == "".join(wanted)


@given(
    st.lists(st.tuples(st.floats(0.01, 1), st.floats(0, 1)), min_size=1, max_size=20),
    st.floats(0, 100), st.none() | st.floats(0, 100), st.integers(1, 10_000),
)  # fmt: skip
def test_charts_stay_within_their_frame(points, answered, wrong, total):
    curve = [list(point) for point in sorted(points)]
    drawn = risk_coverage({"curve": curve}, answered=answered, wrong=wrong, total=total)
    bins = [[i / 10, i / 10 + 0.05, risk, 1 + i] for i, (_, risk) in enumerate(curve[:10])]
    for svg in (drawn, reliability(bins)):
        for number in re.findall(r'[MLHV ]"?(-?\d+\.\d)', re.sub("<(title|desc).*?</", "", svg)):
            assert 0 <= float(number) <= 480


@pytest.mark.parametrize(("share", "count"), [(0.0, 5), (1.0, 5), (0.5, 1), (0.3, 10_000), (0.5, 0)])
def test_wilson_holds_the_share_and_never_leaves_nought_to_one(share, count):
    low, high = wilson(share, count)
    assert 0 <= low <= share <= high <= 1
    assert high - low > 0


# ── In a browser ─────────────────────────────────────────────────────────────

Open = Callable[..., Page]


@pytest.fixture
def open_report(browser: Browser, run: Path) -> Iterator[Open]:
    contexts, wrong = [], []
    address = (run / "report.html").as_uri()

    def open_(*, width: int = 1280, dark: bool = False, **options: Any) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme="dark" if dark else "light", **options
        )
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
        page.on("request", lambda request: None if request.url == address else wrong.append(request.url))
        page.goto(address)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert not wrong


def numbers(page: Page) -> list[int]:
    return [int(cell.inner_text()) for cell in page.locator("tbody .num:visible").all()]


@pytest.mark.slow
def test_the_table_is_sorted_by_any_column_both_ways(open_report):
    page = open_report()
    assert numbers(page) == list(range(1, 9))
    header = page.locator("thead th", has_text="F1").last
    for direction in ("ascending", "descending"):
        header.get_by_role("button").click()
        assert header.get_attribute("aria-sort") == direction
        shown = [
            float(row.locator("td").nth(5).inner_text()) for row in page.locator("tbody tr:not(.detail)").all()[-8:]
        ]
        assert shown == sorted(shown, reverse=direction == "descending")
    page.get_by_role("button", name="Question", exact=True).focus()
    page.keyboard.press("Enter")
    assert page.locator("thead [aria-sort]").count() == 1
    details = page.locator(".questions tbody tr").all()
    assert all("detail" in (row.get_attribute("class") or "") for row in details[1::2])


@pytest.mark.slow
def test_rows_are_filtered_by_outcome_and_by_words_and_counted(open_report):
    page = open_report()
    page.get_by_text("Missed", exact=False).locator("visible=true").first.click()
    assert numbers(page) == [6, 7]
    assert page.locator("#count").inner_text() == "2 of 8 rows"
    page.get_by_text("All", exact=False).first.click()
    page.get_by_role("searchbox").fill("SANG")
    assert numbers(page) == [3]
    assert page.locator("#count").inner_text() == "1 of 8 rows"
    page.keyboard.press("Enter")
    assert page.url.endswith("report.html")


@pytest.mark.slow
def test_an_answer_is_shown_in_its_place_from_the_keyboard(open_report):
    page = open_report()
    button = page.get_by_role("button", name="In place for question 2")
    button.focus()
    page.keyboard.press("Enter")
    assert button.get_attribute("aria-expanded") == "true"
    detail = page.locator(".detail:visible")
    assert detail.locator(".place").inner_text() == "Ben painted it green."
    assert "".join(detail.locator(".sw-lit").all_inner_texts()) == "Ben painted it green"
    assert "".join(detail.locator(".gold").all_inner_texts()) == "Ben"
    assert "right as a longer quotation" in detail.inner_text()
    page.keyboard.press("Enter")
    assert page.locator(".detail:visible").count() == 0


@pytest.mark.slow
@pytest.mark.parametrize(("width", "dark"), [(1280, False), (1280, True), (390, False)])
def test_no_barrier_and_no_sideways_scrolling(open_report, width, dark):
    page = open_report(width=width, dark=dark)
    page.get_by_role("button", name="In place for question 1").click()
    page.locator("summary").first.click()
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.slow
def test_without_scripts_everything_can_be_read_and_filtered(open_report):
    page = open_report(java_script_enabled=False)
    assert page.locator(".detail:visible").count() == 8
    page.locator("label", has_text="Rightly silent").click()
    assert numbers(page) == [5]

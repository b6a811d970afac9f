"""The chat in a real Chromium: the seed article with the real assistant, hard texts with scripted answers."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from browser import OpenPage, ask, enter, lit, serving, violations
from playwright.sync_api import Page, expect
from scripted_answers import cited

from index.types import Document
from qa.errors import ReaderError
from qa.types import Answer, Item

pytestmark = pytest.mark.slow

GIFTS = "what gifts did Kim receive?"
OFF_TOPIC = "What is the recommended dose of ibuprofen for children?"

HOSTILE = (
    "<h1>Hostile</h1> & <script>window.pwned = 1</script>\n\n"
    "He said <img src=x onerror=\"window.pwned = 2\"> and {{constructor.constructor('window.pwned = 3')()}} "
    "${window.pwned = 4} </script><style>* { display: none }</style>, then `**st**` [here](javascript:pwned=5).\n\n"
    '$$x$$ <details open ontoggle="window.pwned = 6"> *The end* &lt;b&gt;.\n'
)
EMOJI = (
    "\U0001f600 First \U0001f469\u200d\U0001f680 line.\r\n\r\n"
    "Café naïve \U0001f1fa\U0001f1ec flag, then \U0001d518 and the end \U0001f600.\r\n"
)
NESTED = "The governor of the Primorye region gave five drones to the visitor.\n"


class Scripted:
    """Answers with given places: `"0 3-8 10-12"` cites characters 3 to 8 and 10 to 12 of the first document."""

    def __init__(self, *texts: str) -> None:
        self.documents = tuple(
            Document(id=f"d{n}", title=f"Text {n} <b>&amp;", text=text, source=f"{n}.txt", sha256="0" * 64)
            for n, text in enumerate(texts)
        )
        self.go_on = threading.Event()

    def warm(self) -> None:
        pass

    def ask(self, question: str, history: Sequence[str] = (), *, document_ids: Sequence[str] | None = None) -> Answer:
        if question == "wait":
            self.go_on.wait(30)
            question = "0 0-3"
        if question == "fail":
            raise ReaderError("the reader is out of memory: ask a shorter question")
        if question == "break":
            raise RuntimeError("a bug")
        which, *spans = question.split()
        if not which.isdigit():
            return Answer(
                question=question, reason="Nothing <b>near</b> it.", nearest=cited(self.documents[0], 0, 0, 3)
            )
        places = [tuple(map(int, span.split("-"))) for span in spans]
        citations = tuple(
            cited(self.documents[int(which)], n, start, end) for n, (start, end) in enumerate(places, start=1)
        )
        items = tuple(Item(text=citation.quote, citation=citation.number) for citation in citations)
        return Answer(
            question=question, items=items, citations=citations, confidence=0.9, abstained=False, stage="answered"
        )


@pytest.fixture(scope="module")
def scripted() -> Scripted:
    return Scripted(HOSTILE, EMOJI, NESTED)


@pytest.fixture(scope="module")
def scripted_url(scripted: Scripted) -> Iterator[str]:
    from qa.web.server import create_app

    with serving(lambda: create_app(scripted)) as address:
        yield address


def show_document(page: Page, document: Document) -> None:
    page.get_by_role("navigation", name="Documents").get_by_text(document.title, exact=True).click()
    expect(page.locator(".bar-title")).to_have_text(document.title)


# ── The seed article, with the real assistant ───────────────────────────────────────────────────────────────────────


def test_what_is_lit_is_exactly_what_is_cited(
    chat_url: str, open_page: OpenPage, assistant: Any, article_text: str
) -> None:
    page = open_page(chat_url)
    assert page.locator(".page").evaluate("page => page.textContent") == article_text
    ask(page, GIFTS)
    answer = assistant.ask(GIFTS)
    assert len(answer.citations) >= 3
    expect(page.locator("mark.sw-lit").first).to_be_visible()
    assert lit(page) == {n: (c.start, c.quote) for n, c in enumerate(answer.citations, start=1)}
    assert page.locator(".page").evaluate("page => page.textContent") == article_text
    quotes = page.locator(".sw-finds .sw-quote").all_text_contents()
    assert sorted(quotes) == sorted(citation.quote for citation in answer.citations)
    assert page.locator(".page .is-earlier").count() == 0
    assert "%" in page.locator(".sw-sure").inner_text()


def test_the_keyboard_is_enough(chat_url: str, open_page: OpenPage) -> None:
    page = open_page(chat_url)
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.tagName") == "TEXTAREA":
            break
    page.keyboard.type(GIFTS)
    page.keyboard.press("Enter")
    page.locator("#chip-1").wait_for()
    expect(page.locator(".dock textarea")).to_be_focused()
    for _ in range(40):
        page.keyboard.press("Shift+Tab")
        if page.evaluate("document.activeElement.id") == "chip-2":
            break
    page.keyboard.press("Enter")
    expect(page.locator('.page .sw-badge[data-n="2"]')).to_be_focused()
    expect(page.locator('[data-places~="cite-2"]').first).to_be_in_viewport()
    expect(page.get_by_role("status").filter(has_text="Citation 2, in the article")).to_have_count(1)
    assert page.locator("#chip-2").get_attribute("aria-current") == "true"
    page.keyboard.press("Enter")
    expect(page.locator("#chip-2")).to_be_focused()


def test_a_follow_up_is_understood_and_numbers_run_on(chat_url: str, open_page: OpenPage) -> None:
    page = open_page(chat_url)
    ask(page, GIFTS)
    first = page.locator(".turns .sw-chip").count()
    ask(page, "who gave them?")
    card = page.locator("#a2")
    expect(card.locator(".sw-as")).to_contain_text("Understood as:")
    assert card.locator(".sw-chip").first.get_attribute("id") == f"chip-{first + 1}"
    assert page.locator(".page .is-earlier").count() >= 1
    in_bar = page.locator(".cited .sw-chip").all_inner_texts()
    assert [text.split()[-1] for text in in_bar] == [
        text.split()[-1] for text in card.locator(".sw-chip").all_inner_texts()
    ]
    page.locator("#chip-1").click()  # now the first answer is the one in hand
    expect(page.locator(".cited .sw-chip")).to_have_count(first)
    assert "is-earlier" not in (page.locator('[data-places~="cite-1"]').first.get_attribute("class") or "")


def test_what_the_document_does_not_say_is_said_so(chat_url: str, open_page: OpenPage) -> None:
    page = open_page(chat_url)
    ask(page, OFF_TOPIC)
    card = page.locator("#a1")
    expect(card).to_contain_text("The document does not say.")
    assert page.locator(".sw-chip, mark").count() == 0
    card.get_by_text("Show in the article").click()
    near = page.locator(".page .sw-near").first
    expect(near).to_be_in_viewport()
    assert "".join(page.locator(".page .sw-near").all_text_contents()) == card.locator(".sw-near").text_content()
    assert violations(page) == []


def test_a_link_asks_its_question_and_starting_over_forgets_it(chat_url: str, open_page: OpenPage) -> None:
    page = open_page(f"{chat_url}/?q=what+gifts+did+Kim+receive%3F")
    expect(page.locator("#chip-1")).to_be_visible()
    expect(page.locator(".question")).to_have_text(GIFTS)
    expect(page.locator(".dock textarea")).to_have_value("")
    page.get_by_role("button", name="Start over").click()
    expect(page.locator(".turns .sw-card")).to_have_count(0)
    expect(page.locator("mark")).to_have_count(0)
    assert "q=" not in page.url


def test_on_a_phone_the_article_is_a_sheet(chat_url: str, open_page: OpenPage) -> None:
    page = open_page(chat_url, width=390, height=844, has_touch=True, is_mobile=True)
    ask(page, GIFTS)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    expect(page.locator(".page")).to_be_hidden()
    page.locator("#chip-2").tap()
    expect(page.locator('[data-places~="cite-2"]').first).to_be_in_viewport()
    expect(page.locator("#chip-1")).to_be_in_viewport()
    assert violations(page) == []
    page.locator(".cited .sw-chip").first.tap()
    expect(page.locator('.page .sw-badge[data-n="1"]')).to_be_focused()
    page.go_back()
    expect(page.locator(".page")).to_be_hidden()
    page.locator(".peek").tap()
    expect(page.locator(".page")).to_be_visible()
    page.get_by_role("button", name="Close", exact=True).tap()
    expect(page.locator(".page")).to_be_hidden()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert violations(page) == []


@pytest.mark.parametrize("dark", [False, True])
def test_both_themes_are_accessible(chat_url: str, open_page: OpenPage, dark: bool) -> None:
    page = open_page(chat_url, dark=dark)
    expect(page.locator(".start")).to_be_visible()
    assert violations(page) == []
    ask(page, GIFTS)
    page.locator("#chip-1").click()
    assert violations(page) == []
    red = int(
        page.evaluate("getComputedStyle(document.querySelector('.source')).backgroundColor").split("(")[1].split(",")[0]
    )
    assert (red < 100) == dark


def test_the_theme_can_be_asked_for(chat_url: str, open_page: OpenPage) -> None:
    page = open_page(f"{chat_url}/?__theme=dark")
    expect(page.locator("body.dark, .dark")).not_to_have_count(0)
    assert "rgb(20, 27, 30)" in page.evaluate("getComputedStyle(document.querySelector('.source')).backgroundColor")


def test_a_screen_reader_hears_the_answer_without_markup(chat_url: str, open_page: OpenPage) -> None:
    page = open_page(chat_url)
    ask(page, GIFTS)
    tree = page.get_by_role("log", name="Conversation").aria_snapshot()
    assert f'heading "{GIFTS}"' in tree
    assert "Show citation 1" in tree
    assert "<" not in tree.replace("&lt;", "")
    assert page.get_by_role("article", name="The article").count() == 1


def test_an_example_question_can_be_asked(chat_url: str, open_page: OpenPage) -> None:
    page = open_page(chat_url)
    example = page.locator(".example").first
    question = example.inner_text()
    example.click()
    expect(page.locator(".question")).to_have_text(question)
    expect(page.locator("#chip-1")).to_be_visible()


def test_a_visitors_own_document_is_theirs_alone(
    chat_url: str, open_page: OpenPage, tmp_path: Path, article_text: str
) -> None:
    own = tmp_path / "what's mine & yours.txt"
    own.write_text("The blue lighthouse stands on Gull Island. It was built in 1871 by Ada Quill.\n", encoding="utf-8")
    mine, other = open_page(chat_url), open_page(chat_url)
    ask(mine, GIFTS)
    with mine.expect_file_chooser() as chooser:
        mine.get_by_role("button", name="Open document").click()
    chooser.value.set_files(own)
    expect(mine.locator(".page")).to_contain_text("lighthouse")
    expect(mine.locator(".turns .sw-card")).to_have_count(0)
    ask(mine, "Who built the lighthouse?")
    assert {words for _, words in lit(mine).values()} == {"Ada Quill"}
    assert other.locator(".page").evaluate("page => page.textContent") == article_text
    ask(other, GIFTS)
    assert all(words in article_text for _, words in lit(other).values())
    mine.get_by_role("button", name="Close document").click()
    expect(mine.locator(".page")).to_contain_text("Pyongyang")


def test_a_document_that_cannot_be_read_is_one_sentence(chat_url: str, open_page: OpenPage, tmp_path: Path) -> None:
    bad = tmp_path / "empty.txt"
    bad.write_bytes(b"")
    page = open_page(chat_url)
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Open document").click()
    chooser.value.set_files(bad)
    error = page.locator(".is-error")
    expect(error).to_be_visible()
    assert "spanwise-" not in error.inner_text()
    ask(page, GIFTS)
    expect(page.locator(".is-error")).to_have_count(0)


# ── Hard texts, with scripted answers ───────────────────────────────────────────────────────────────────────────────


def test_document_text_is_never_markup(scripted_url: str, scripted: Scripted, open_page: OpenPage) -> None:
    page = open_page(scripted_url)
    hostile = scripted.documents[0]
    assert page.locator(".page").evaluate("page => page.textContent") == hostile.text
    start = hostile.text.index("<img")
    ask(page, f"0 {start}-{start + 40} {hostile.text.index('</script><style>')}-{hostile.text.index(', then')}")
    assert page.locator(".page").evaluate("page => page.textContent") == hostile.text
    assert lit(page)[1] == (start, hostile.text[start : start + 40])
    assert page.locator(".sw-finds .sw-quote").first.text_content() == hostile.text[start : start + 40]
    ask(page, "<img src=x onerror='window.pwned=7'> **bold** [x](javascript:1)\n\n# head")
    expect(page.locator(".question").last).to_have_text(
        "<img src=x onerror='window.pwned=7'> **bold** [x](javascript:1) # head"
    )
    assert page.locator(".page img, .page script, .page style, .turns img, .turns strong, .turns details").count() == 0
    assert page.evaluate("window.pwned") is None


def test_places_beyond_the_basic_plane_are_exact(scripted_url: str, scripted: Scripted, open_page: OpenPage) -> None:
    page = open_page(scripted_url)
    emoji = scripted.documents[1]
    show_document(page, emoji)
    assert page.locator(".page").evaluate("page => page.textContent") == emoji.text
    flag = emoji.text.index("\U0001f1fa")
    end = emoji.text.index("the end")
    ask(page, f"1 0-7 {flag}-{flag + 7} {end}-{end + 9}")
    expect(page.locator(".page mark.sw-lit").first).to_be_visible()
    assert lit(page) == {
        1: (0, emoji.text[0:7]),
        2: (flag, emoji.text[flag : flag + 7]),
        3: (end, emoji.text[end : end + 9]),
    }


def test_overlapping_places_keep_their_own_numbers(scripted_url: str, scripted: Scripted, open_page: OpenPage) -> None:
    page = open_page(scripted_url)
    nested = scripted.documents[2]
    show_document(page, nested)
    ask(page, "2 0-35 4-12 24-51 24-51")
    expect(page.locator(".page mark.sw-lit").first).to_be_visible()
    places = {1: (0, 35), 2: (4, 12), 3: (24, 51), 4: (24, 51)}
    assert lit(page) == {n: (start, nested.text[start:end]) for n, (start, end) in places.items()}
    assert page.locator(".page .sw-badge").evaluate_all("nodes => nodes.map((node) => node.dataset.n)") == list("2134")
    assert page.locator(".page").evaluate("page => page.textContent") == nested.text
    page.locator("#chip-2").click()
    assert page.locator(".page .is-active:is(mark)").all_text_contents() == [nested.text[4:12]]


def test_a_chip_of_another_document_brings_that_document(scripted_url: str, open_page: OpenPage) -> None:
    page = open_page(scripted_url)
    ask(page, "2 4-12")
    expect(page.locator(".page")).to_contain_text("Hostile")
    assert page.locator(".page mark").count() == 0
    page.locator("#chip-1").click()
    expect(page.locator('.page .sw-badge[data-n="1"]')).to_be_focused()
    assert page.locator(".page mark.is-active").text_content() == "governor"
    assert violations(page) == []


def test_stop_gives_the_question_back(scripted_url: str, scripted: Scripted, open_page: OpenPage) -> None:
    page = open_page(scripted_url)
    scripted.go_on.clear()
    enter(page, "wait")
    expect(page.locator(".sw-wait")).to_have_text("Reading the documents…")
    page.get_by_role("button", name="Stop").click()
    expect(page.locator(".dock textarea")).to_have_value("wait")
    expect(page.locator(".turns .sw-card")).to_have_count(0)
    scripted.go_on.set()
    ask(page, "0 0-4")
    expect(page.locator(".turns .sw-card")).to_have_count(1)  # the stopped answer never comes


def test_an_error_is_one_sentence_and_the_question_stays(scripted_url: str, open_page: OpenPage) -> None:
    page = open_page(scripted_url)
    enter(page, "fail")
    expect(page.locator(".is-error")).to_have_text("The reader is out of memory: ask a shorter question.")
    expect(page.locator(".dock textarea")).to_have_value("fail")
    enter(page, "break")
    expect(page.locator(".is-error")).to_contain_text("Something went wrong")
    expect(page.locator(".is-error")).not_to_contain_text("a bug")
    assert violations(page) == []
    long = "why? " * 20_000
    enter(page, long)
    expect(page.locator(".is-error")).to_contain_text("99,999 characters")
    assert len(page.locator(".dock textarea").input_value()) == len(long)
    enter(page, "  ")
    expect(page.locator(".is-error")).to_contain_text("question is empty")
    ask(page, "0 0-4")
    expect(page.locator(".turns .sw-card")).to_have_count(1)


def test_copy_gives_quotes_places_and_title(scripted_url: str, scripted: Scripted, open_page: OpenPage) -> None:
    page = open_page(scripted_url, permissions=["clipboard-read", "clipboard-write"])
    ask(page, "2 4-12")
    page.get_by_role("button", name="Copy", exact=True).click()
    expect(page.get_by_role("status").filter(has_text="Copied")).to_have_count(1)
    copied = page.evaluate("navigator.clipboard.readText()")
    assert "[1] “governor”" in copied
    assert "characters 4–12" in copied
    assert scripted.documents[2].title in copied
    page.get_by_role("button", name="Copy link").click()
    expect(page.get_by_role("status").filter(has_text="Link copied")).to_have_count(1)
    assert page.evaluate("navigator.clipboard.readText()") == f"{scripted_url}/?q=2+4-12"


# ── Putting an answer right ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def correcting(scripted: Scripted, tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A chat whose corrections go to a file of this test."""
    from qa.config import Settings
    from qa.web.server import create_app

    with serving(lambda: create_app(scripted, Settings(cache_dir=tmp_path))) as address:
        yield address, tmp_path / "corrections" / "questions.jsonl"


def stored(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def select(page: Page, words: str) -> None:
    """Select words in the article as a person does, with the mouse."""
    ends = page.evaluate(
        """words => {
            const root = document.querySelector(".page"), walk = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
            const range = document.createRange();
            for (let node = walk.nextNode(); node; node = walk.nextNode()) {
                const at = node.data.indexOf(words);
                if (at < 0) continue;
                range.setStart(node, at);
                range.setEnd(node, at + words.length);
                node.parentElement.scrollIntoView({ block: "center", behavior: "instant" });
                const boxes = [...range.getClientRects()], [a, b] = [boxes[0], boxes.at(-1)];
                return [a.left, a.top + a.height / 2, b.right, b.top + b.height / 2];
            }
        }""",
        words,
    )
    page.mouse.move(ends[0] + 0.5, ends[1])
    page.mouse.down()
    page.mouse.move(ends[2] + 0.5, ends[3], steps=4)
    page.mouse.up()


def test_words_selected_in_the_article_become_a_test_question(
    correcting: tuple[str, Path], scripted: Scripted, open_page: OpenPage, tmp_path: Path
) -> None:
    from qa.evaluation import evaluate

    url, file = correcting
    page = open_page(url)
    ask(page, "2 4-12")
    nested = scripted.documents[2]
    show_document(page, nested)
    page.get_by_role("button", name="Not right?").click()
    strip = page.get_by_role("region", name="Correct the answer")
    expect(strip).to_be_focused()
    expect(strip).to_contain_text("Select the right words in the article, or:")
    assert violations(page) == []
    select(page, "five drones")
    expect(strip.locator(".sw-quote")).to_have_text("five drones")
    assert page.evaluate("[...CSS.highlights.get('sw-picked')].map(String)") == ["five drones"]
    assert page.locator(".page").evaluate("page => page.textContent") == nested.text
    select(page, "the visitor")  # another selection takes its place
    expect(strip.locator(".sw-quote")).to_have_text("the visitor")
    assert not file.exists()  # nothing before the act
    assert violations(page) == []
    strip.get_by_role("button", name="Save as the right answer").click()
    expect(strip).to_contain_text("Saved as a test question.")
    expect(page.locator("#a1")).to_contain_text("Saved as a test question")
    expect(page.get_by_role("button", name="Not right?")).to_have_count(0)
    assert violations(page) == []
    (row,) = stored(file)
    (span,) = row["answers"][0]["spans"]
    assert nested.text[span["start"] : span["end"]] == span["text"] == "the visitor"
    assert (row["question"], row["kind"]) == ("2 4-12", "correction")
    right = Scripted(nested.text)
    right.documents = (replace(nested, source=row["document"]),)
    asked = replace_question(file, f"0 {span['start']}-{span['end']}")
    assert evaluate(right, asked, tmp_path / "run").metrics["strict"] == 100.0


def replace_question(file: Path, question: str) -> Path:
    """A copy of the set with the question that makes the scripted assistant say what is right."""
    (row,) = stored(file)
    copied = file.with_name("asked.jsonl")
    copied.write_text(json.dumps({**row, "question": question}) + "\n", encoding="utf-8")
    return copied


def test_an_answer_is_put_right_by_the_keyboard_alone(
    correcting: tuple[str, Path], scripted: Scripted, open_page: OpenPage
) -> None:
    url, file = correcting
    page = open_page(url)
    show_document(page, scripted.documents[1])
    ask(page, "1 0-7")
    page.locator("#fix-1").focus()
    page.keyboard.press("Enter")
    for _ in range(6):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "fix-words":
            break
    page.keyboard.type("no such words")
    page.keyboard.press("Enter")
    strip = page.get_by_role("region", name="Correct the answer")
    expect(strip).to_contain_text("These words do not stand in the article like this.")
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("café  NAÏVE \U0001f1fa\U0001f1ec flag")
    page.keyboard.press("Enter")
    expect(strip.get_by_role("button", name="Save as the right answer")).to_be_focused()
    expect(page.get_by_role("status").filter(has_text="Found in the article: Café naïve")).to_have_count(1)
    add = strip.get_by_role("button", name="Add more words")
    add.focus()
    page.keyboard.press("Enter")
    page.locator("#fix-words").focus()
    page.keyboard.type("the end")
    page.keyboard.press("Enter")
    expect(strip.locator(".sw-quote")).to_have_count(2)
    page.keyboard.press("Enter")
    expect(strip).to_contain_text("Saved as a test question.")
    page.keyboard.press("Escape")
    expect(strip).to_be_hidden()
    (row,) = stored(file)
    spans = row["answers"][0]["spans"]
    text = scripted.documents[1].text
    assert [each["text"] for each in spans] == ["Café naïve \U0001f1fa\U0001f1ec flag", "the end"]
    assert all(text[each["start"] : each["end"]] == each["text"] for each in spans)


def test_what_the_documents_do_not_say_is_kept_and_what_they_do_say_can_be_shown(
    correcting: tuple[str, Path], open_page: OpenPage
) -> None:
    url, file = correcting
    page = open_page(url)
    ask(page, "2 4-12")
    page.get_by_role("button", name="Not right?").click()
    strip = page.get_by_role("region", name="Correct the answer")
    strip.get_by_role("button", name="Cancel").click()
    expect(strip).to_be_hidden()
    expect(page.locator("#fix-1")).to_be_focused()
    page.get_by_role("button", name="Not right?").click()
    strip.get_by_role("button", name="It is not in the documents").click()
    expect(strip).to_contain_text("Saved as a test question.")
    ask(page, "nothing")
    page.locator("#fix-2").click()
    expect(strip.get_by_role("button", name="It is not in the documents")).to_have_count(0)
    page.get_by_role("button", name="Start over").click()
    expect(strip).to_be_hidden()
    (row,) = stored(file)
    assert (row["answerable"], row["answers"]) == (False, [])


def test_a_visitors_own_document_is_not_kept(chat_url: str, open_page: OpenPage, tmp_path: Path) -> None:
    own = tmp_path / "mine.txt"
    own.write_text("The blue lighthouse stands on Gull Island. It was built in 1871 by Ada Quill.\n", encoding="utf-8")
    page = open_page(chat_url)
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Open document").click()
    chooser.value.set_files(own)
    expect(page.locator(".page")).to_contain_text("lighthouse")
    ask(page, "Who built the lighthouse?")
    page.get_by_role("button", name="Not right?").click()
    strip = page.get_by_role("region", name="Correct the answer")
    expect(strip).to_contain_text("Corrections are kept for this server’s own documents only")
    strip.get_by_role("button", name="Close").click()
    expect(strip).to_be_hidden()


@pytest.mark.parametrize("dark", [False, True])
def test_on_a_phone_the_strip_is_in_the_sheet(correcting: tuple[str, Path], open_page: OpenPage, dark: bool) -> None:
    page = open_page(correcting[0], width=390, height=844, has_touch=True, is_mobile=True, dark=dark)
    ask(page, "0 0-4")
    page.locator("#fix-1").tap()
    strip = page.get_by_role("region", name="Correct the answer")
    expect(strip).to_be_in_viewport()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert violations(page) == []
    page.locator("#fix-words").fill("hostile")
    strip.get_by_role("button", name="Find").tap()
    expect(strip.locator(".sw-quote")).to_have_text("Hostile")
    assert violations(page) == []

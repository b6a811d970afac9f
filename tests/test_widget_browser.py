"""The widget in a real Chromium: a publisher's page of another origin, whose policy lets in nothing but the server.

The server is the real one with the real API; the answers are scripted, so that they are hard where they have to be.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from browser import serving, violations
from playwright.sync_api import Browser, Page, Route, expect
from publisher import policy, site
from scripted_answers import answer

from index.load import load_document, load_text
from index.types import Document, Hit
from qa.cite import receipt
from qa.config import Settings
from qa.types import Answer, Citation
from qa.web import widget_routes

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parent.parent
STORY = load_document(ROOT / "seeds" / "kim_leaves_russia.txt")
GIFTS = "what gifts did Kim receive?"
GIVER = "who gave them?"
TREATY = "Which treaty did the Kremlin sign?"
WORDS = ["five explosive drones", "a reconnaissance drone", "a bulletproof vest", "bulletproof protection"]
NO_TREATY = "The Kremlin has stated that no formal agreements have been reached or will be signed."

SAME = "He met the \U0001f469\u200d\U0001f680 crew \U0001f600 and left it there without a word."
EMOJI = load_text(
    f"\U0001f600 Ferries \U0001f1fa\U0001f1ec\n\nThe ship went out. {SAME} It rained.\r\n\r\n"
    f"{SAME}\n\n{SAME} The end.\n",
    title="Ferries",
    source="https://harbor.example/ferries#top",
)
DOUBLE = "Nobody knew the reason, and nobody asked about the five old boats for all that day."
TWICE = load_text(f"Boats\n\n{DOUBLE}\n\n{DOUBLE}\n\n{DOUBLE}\n", title="Boats", source="boats.txt")
NOT = load_text(
    "Tide\n\nThe mayor did not sign 250 permits, and art lovers were glad.\n", title="Tide", source="tide.txt"
)
ARABIC = load_text(
    "الميناء\n\nوصلت السفينة إلى الميناء في التاسعة صباحًا، وغادرت عند الظهر.\n", title="الميناء", source="ميناء.txt"
)
HOSTILE = load_text(
    "<h1>Tide</h1> & <img src=x onerror=window.pwned=1> said {{constructor}} ${window.pwned=2} </script>.\n",
    title="<b>&amp;",
    source="javascript:window.pwned=3",
)


class Service:
    """What the server serves: questions of the story, or `"2 10-20 30-35"` for places in the third document."""

    documents: tuple[Document, ...] = (STORY, EMOJI, TWICE, NOT, ARABIC, HOSTILE)

    def __init__(self) -> None:
        self.asked: list[tuple[str, tuple[str, ...], Any]] = []
        self.go_on = threading.Event()

    def warm(self) -> None:
        pass

    def search(self, query: str, *, top_k: int, document_ids: Any = None) -> list[Hit]:
        return []

    def glance(self, question: str, hits: Sequence[Hit]) -> Citation | None:
        return None

    def ask(
        self, question: str, history: Sequence[str] = (), *, document_ids: Any = None, on_found: Any = None
    ) -> Answer:
        self.asked.append((question, tuple(history), document_ids))
        if question == "wait":
            self.go_on.wait(30)
        if question == "break":
            raise RuntimeError("a bug")
        if question == TREATY:
            at = STORY.text.index(NO_TREATY)
            span = (at, at + len(NO_TREATY))
            nearest = receipt(STORY, at + 28, span[1] - 1, number=0, sentences=[span])
            return replace(answer(STORY, question=question, confidence=0.1), reason="It is unsure.", nearest=nearest)
        if re.match(r"\d ", question):
            which, *places = question.split()
            spans = [tuple(map(int, place.split("-"))) for place in places]
            return answer(self.documents[int(which)], *spans, question=question)  # type: ignore[arg-type]
        words = {GIFTS: WORDS, GIVER: ["the governor of the Primorye region"]}.get(question, WORDS[:1])
        given = answer(STORY, *words, question=question, confidence=0.93)
        return replace(given, understood_as=f"{question} ({history[-1]})") if history else given


@dataclass
class World:
    """The service, its address, and a publisher whose pages are what is put here."""

    service: Service
    server: str
    origin: str
    kept: Path
    pages: dict[str, tuple[str, str, str]] = field(default_factory=dict)

    def put(
        self, body: str, *, attributes: str = 'for="#article"', css: str = "", lang: str = "en", script: str = "",
        more: str = "",
    ) -> str:  # fmt: skip
        """Write a page whose widget comes behind `body`, and give its address."""
        source = script or f"{self.server}/widget/spanwise.js"
        page = (
            f'<!doctype html><html lang="{lang}"><head><meta charset="utf-8"><title>Page</title>'
            f'<link rel="stylesheet" href="page.css"><script type="module" src="{source}"></script></head>'
            f"<body><main>{body}<span-wise {attributes}></span-wise></main></body></html>"
        )
        self.pages["/"] = ("text/html", page, policy(self.server) + more)
        self.pages["/page.css"] = ("text/css", css, "default-src 'none'")
        return f"{self.origin}/"

    def story(self, attributes: str = 'for="#article"') -> str:
        """The seed article on the publisher's page."""
        script = f"{self.server}/widget/spanwise.js"
        page = widget_routes.publisher_page(STORY, script=script, style="page.css")
        page = page.replace('<span-wise for="#article">', f"<span-wise {attributes}>")
        css = (ROOT / "qa" / "web" / "widget" / "demo.css").read_text(encoding="utf-8")
        self.pages["/"] = ("text/html", page, policy(self.server))
        self.pages["/page.css"] = ("text/css", css, "default-src 'none'")
        return f"{self.origin}/"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    from qa.web.server import create_app

    service, kept = Service(), tmp_path_factory.mktemp("feedback")
    pages: dict[str, tuple[str, str, str]] = {}
    with site(pages.get) as origin:
        settings = Settings(origins=(origin,), rate="off", corrections=kept / "questions.jsonl")
        with serving(lambda: create_app(service, settings)) as server:
            yield World(service, server, origin, kept, pages)


@pytest.fixture
def visit(browser: Browser, world: World) -> Iterator[Callable[..., Page]]:
    """Open a page; at the end nothing may have thrown, broken a policy or asked another host.

    `allow` is a part of the console's own message about a request that a test lets fail.
    """
    contexts, faults = [], []
    allowed = ["the answer service"]  # the widget's own warning

    def open_(
        url: str, *, width: int = 1280, height: int = 800, dark: bool = False, allow: str = "", **options: Any
    ) -> Page:
        if allow:
            allowed.extend(allow.split("|"))
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce",
            **options,
        )
        contexts.append(context)
        context.set_default_timeout(15_000)
        page = context.new_page()
        own = tuple({f"{world.server}/", f"{world.origin}/", f"{'/'.join(url.split('/')[:3])}/", "data:"})
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
        page.on("request", lambda sent: None if sent.url.startswith(own) else faults.append(f"asked {sent.url}"))
        page.goto(url)
        page.wait_for_function("() => document.querySelector('span-wise')?.shadowRoot?.querySelector('input')")
        return page

    yield open_
    for context in contexts:
        context.close()
    assert not [fault for fault in faults if not any(part in fault for part in allowed)]


def settle(page: Page) -> None:
    """Wait until something was said about the question."""
    page.wait_for_function(
        "() => { const root = document.querySelector('span-wise').shadowRoot;"
        " return root.querySelector('.turn') && !root.querySelector('.wait'); }"
    )


def ask(page: Page, question: str) -> None:
    page.locator("span-wise input").fill(question)
    page.keyboard.press("Enter")
    settle(page)


def lights(page: Page) -> dict[str, list[str]]:
    """The words lit in the page, by kind."""
    found: dict[str, list[str]] = page.evaluate(
        "() => Object.fromEntries([...CSS.highlights].map(([name, all]) =>"
        " [name.replace('spanwise-', ''), [...all].map(String)]))"
    )
    return found


def before(page: Page) -> list[str]:
    """What the article says before each lit place, as the reader's text without white space."""
    found: list[str] = page.evaluate(
        """() => [...(CSS.highlights.get("spanwise-hand") ?? [])].map((lit) => {
            const before = document.createRange();
            before.setStart(document.querySelector("#article"), 0);
            before.setEnd(lit.startContainer, lit.startOffset);
            return before.toString().replace(/\\s/g, "");
        })"""
    )
    return found


def places(document: Document, words: str) -> list[tuple[int, int]]:
    return [(found.start(), found.end()) for found in re.finditer(re.escape(words), document.text)]


def note(page: Page) -> str:
    return page.locator("span-wise .note").inner_text()


# ── The answer, and its light in the article


def test_answers_are_quotations_lit_in_the_publishers_article(visit, world):
    page = visit(world.story())
    untouched = page.evaluate("document.querySelector('main').outerHTML")
    ask(page, GIFTS)
    expect(page.locator("span-wise q")).to_have_text(WORDS)
    expect(page.locator("span-wise .context b")).to_have_text(WORDS)
    expect(page.locator("span-wise .foot")).to_contain_text("Very likely · 93\u00a0%")
    assert sorted(lights(page)["hand"]) == sorted(WORDS)
    assert page.evaluate("document.querySelector('main').outerHTML") == untouched, "nothing is inserted into the page"
    page.locator("span-wise .chip").nth(1).click()
    assert lights(page)["now"] == [WORDS[1]]
    box = page.evaluate("[...CSS.highlights.get('spanwise-now')][0].getBoundingClientRect().toJSON()")
    assert 0 < box["top"] < box["bottom"] < 800
    expect(page.locator("span-wise [role=status]")).to_have_text("Citation 2, in the article")
    expect(page.locator("span-wise [aria-current]")).to_have_text("2")
    expect(page.locator("span-wise .margin i")).to_have_text(["1", "2", "3", "4"])
    ask(page, GIVER)
    expect(page.locator("span-wise .as")).to_have_text(f"Understood as: {GIVER} ({GIFTS})")
    assert lights(page)["hand"] == ["the governor of the Primorye region"]
    assert sorted(lights(page)["cited"]) == sorted(WORDS), "earlier answers stay underlined"
    numbers = page.locator("span-wise .chip").all_text_contents()
    assert sorted(map(int, numbers)) == [1, 2, 3, 4, 5], "a number is never used twice"
    assert world.service.asked[-1] == (GIVER, (GIFTS,), None)


def test_abstaining_shows_the_nearest_passage_and_gives_no_context(visit, world):
    page = visit(world.story())
    ask(page, TREATY)
    expect(page.locator("span-wise .says")).to_have_text("The document does not say.")
    expect(page.locator("span-wise .says + p")).to_have_text("It is unsure.")
    expect(page.locator("span-wise q.near")).to_have_text(NO_TREATY)
    assert lights(page) == {"near": [NO_TREATY]}
    page.get_by_role("link", name="Show on this page").click()
    expect(page.locator("span-wise [role=status]")).to_have_text("Nearest passage")
    ask(page, GIFTS)
    assert world.service.asked[-1] == (GIFTS, (), None)


def test_code_points_repeated_sentences_and_markup_inside_words(visit, world):
    html = (
        "<h1>\U0001f600 Ferries \U0001f1fa\U0001f1ec</h1><p>The ship went out. "
        + SAME.replace("crew", "c<b>re</b>w")
        .replace("left it", "left\n\n   <i>it</i>")
        .replace("without", "with\u00adout")
        + f" It rained.</p><div>{SAME}<br>{SAME}<script type='text/plain'>He met the</script> The end.</div>"
    )
    page = visit(world.put(f'<article id="article">{html}</article>'))
    words = "crew \U0001f600 and left it there without"
    for start, end in places(EMOJI, words):
        ask(page, f"1 {start}-{end}")
        (shown,) = lights(page)["hand"]
        assert re.sub(r"\s+", " ", shown.replace("\u00ad", "")) == words
        (said,) = before(page)
        expected = re.sub(r"\s", "", EMOJI.text[:start])
        assert said.replace("\u00ad", "") == expected
    assert len(lights(page)["cited"]) == 2


def test_what_cannot_be_placed_surely_is_not_lit(visit, world):
    paragraphs = f"<p>{DOUBLE}</p>" * 3
    page = visit(world.put(f'<article id="article"><h1>Boats</h1>{paragraphs}</article>'))
    middle = places(TWICE, "five old boats")[1]
    ask(page, f"2 {middle[0]}-{middle[1]}")
    assert lights(page)["hand"] == ["five old boats"]
    assert before(page)[0].count("Nobody") == 2, "the second of three that are alike"
    page.evaluate("document.querySelector('h1').textContent = 'Old boats'")
    page.wait_for_function("() => CSS.highlights.size === 0")
    assert note(page) == "Not lit, because these words stand on this page more than once: 1."
    expect(page.locator("span-wise q")).to_have_text("five old boats")
    page.evaluate("document.querySelector('h1').textContent = 'Boats'")
    page.wait_for_function("() => CSS.highlights.size === 1")
    assert note(page) == ""


@pytest.mark.parametrize(
    ("html", "words", "found"),
    [
        ("The mayor did not sign 250 permits, and art lovers were glad.", "sign 250 permits", True),
        (
            "<span>The mayor </span>did <em>not</em>\n sign&nbsp;250 permits, and art lovers were glad.",
            "250 permits",
            True,
        ),
        ("The mayor did sign 250 permits, and art lovers were glad.", "sign 250 permits", False),
        ("The mayor did not sign 251 permits, and art lovers were glad.", "sign 250 permits", False),
        ("The mayor did not sign 250 permits, and party lovers were glad.", "art", False),
        ("The mayor did not sign 250 per mits, and art lovers were glad.", "250 permits", False),
        ("Advertisement</p><p>The mayor did not sign 250 permits, and art lovers were glad.", "The mayor", True),
        ("Advertisement</p><p>The mayor did not sign 250 permits, and art fans were glad.", "The mayor", False),
    ],
)
def test_white_space_and_markup_are_the_only_tolerance(visit, world, html, words, found):
    page = visit(world.put(f'<article id="article"><p>{html}</p></article>'))
    ((start, end),) = places(NOT, words)
    ask(page, f"3 {start}-{end}")
    if found:
        (shown,) = lights(page)["hand"]
        assert re.sub(r"\s+", " ", shown) == words
    else:
        assert lights(page) == {}
        assert note(page).startswith("Not lit on this page, where these words do not stand as they do in Tide: 1.")


def test_another_article_links_to_the_source_with_a_text_fragment(visit, world):
    page = visit(world.put('<article id="article"><p>Something else.</p></article>'))
    start, end = places(EMOJI, SAME)[0]
    ask(page, f"1 {start + 7}-{start + 10} {end - 7}-{end}")
    assert lights(page) == {}
    assert note(page) == "Not lit on this page, where these words do not stand as they do in Ferries: 1, 2."
    link = page.locator("span-wise .chip").first
    href = link.get_attribute("href")
    assert href.startswith("https://harbor.example/ferries#:~:text=ship%20went%20out.%20He%20met-,the,-")
    assert link.get_attribute("target") == "_blank"
    ask(page, "5 0-4")
    assert page.locator("span-wise .chip").first.get_attribute("href") is None, "no script as an address"
    page = visit(world.put("", attributes='source="https://press.example/{source}?a=1"'))
    ask(page, "2 0-5")
    assert (
        page.locator("span-wise .chip").get_attribute("href").startswith("https://press.example/boats.txt?a=1#:~:text=")
    )


def test_an_article_that_comes_late_or_changes_is_found_again_within_a_budget(visit, world):
    page = visit(world.put('<div id="app"></div>'))
    ask(page, GIFTS)
    assert lights(page) == {}
    assert "1, 2, 3, 4" in note(page)
    page.evaluate(
        "text => { const article = document.createElement('article'); article.id = 'article';"
        " article.textContent = text; document.querySelector('#app').append(article); }",
        STORY.text,
    )
    page.wait_for_function("() => CSS.highlights.get('spanwise-hand')?.size === 4")
    assert note(page) == ""
    looks = page.evaluate(
        """async () => {
            let looks = 0;
            const { set } = CSS.highlights;
            CSS.highlights.set = function (...all) { looks += 1; return set.apply(this, all); };
            const clock = document.querySelector("#app").appendChild(document.createElement("p"));
            const began = performance.now();
            for (let tick = 0; tick < 150; tick++) {
                clock.textContent = String(tick);
                await new Promise((done) => setTimeout(done, 5));
            }
            return looks / (performance.now() - began) * 1000;
        }"""
    )
    assert looks <= 7, "a page that never rests is looked through a few times a second at most"
    page.evaluate("document.querySelector('#article').remove()")
    page.wait_for_function("() => CSS.highlights.size === 0")


def test_two_widgets_and_removed_ones_share_the_light(visit, world):
    page = visit(world.put(f'<article id="article">{STORY.text}</article><span-wise for="#article"></span-wise>'))
    for number in (0, 1):
        page.evaluate("([n, q]) => document.querySelectorAll('span-wise')[n].ask(q)", [number, [GIVER, GIFTS][number]])
    page.wait_for_function("() => CSS.highlights.get('spanwise-hand')?.size === 5")
    page.evaluate("document.querySelectorAll('span-wise')[1].remove()")
    assert lights(page) == {"hand": ["the governor of the Primorye region"]}


@pytest.mark.parametrize(
    ("css", "numbers"),
    [
        ("main { margin-left: 100px }", 4),
        ("main { margin-left: 0 }", 0),
        ("main { display: flex; gap: 10px } nav { width: 200px }", 0),
        ("article { height: 200px; overflow: auto; margin-left: 100px }", 0),
    ],
)
def test_numbers_stand_beside_the_text_only_where_nothing_else_does(visit, world, css, numbers):
    nav = "<nav>Elsewhere<br>on this site</nav>"
    page = visit(
        world.put(f'{nav}<article id="article"><p>{STORY.text}</p></article>', css=f"body {{ margin: 0 }} {css}")
    )
    ask(page, GIFTS)
    assert page.locator("span-wise .margin i").count() == numbers
    page.locator("span-wise .chip").nth(3).click()
    words = page.evaluate("[...CSS.highlights.get('spanwise-now')][0].getBoundingClientRect().toJSON()")
    assert 0 < words["top"] < words["bottom"] < 800


def test_hostile_text_stays_text(visit, world):
    page = visit(world.put('<article id="article"></article>'))
    ask(page, f"5 0-{len(HOSTILE.text) - 1}")
    expect(page.locator("span-wise q")).to_have_text(HOSTILE.text.strip())
    ask(page, HOSTILE.text)
    assert page.evaluate("window.pwned") is None
    assert page.locator("span-wise img").count() == 0


# ── Everyone


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize(
    ("width", "attributes"),
    [(1280, 'for="#article"'), (390, 'for="#article"'), (390, 'for="#article" floating lang="ar"'),
     (320, 'for="#article" lang="ru"'), (1280, 'floating lang="ko"')],
)  # fmt: skip
def test_no_accessibility_violations(visit, world, width, attributes, dark):
    page = visit(world.story(attributes), width=width, dark=dark)
    if "floating" in attributes:
        assert violations(page) == []
        page.locator("span-wise .pill").click()
    ask(page, GIFTS)
    if "for=" in attributes:
        page.locator("span-wise .chip").first.click()
        page.mouse.move(0, 0)
    ask(page, TREATY)
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_keyboard_alone(visit, world):
    page = visit(world.story())
    page.keyboard.press("Tab")
    page.keyboard.type(GIFTS)
    page.keyboard.press("Enter")
    settle(page)
    focused = "document.activeElement.shadowRoot.activeElement"
    assert page.evaluate(f"{focused}.localName") == "input", "a follow-up can be typed at once"
    for _ in range(4):
        page.keyboard.press("Tab")
        if page.evaluate(f"{focused}.textContent") == "2":
            break
    assert page.evaluate(f"{focused}.ariaLabel") == "Show citation 2"
    page.keyboard.press("Enter")
    assert lights(page)["now"] == [WORDS[1]]
    assert page.evaluate(f"{focused}.textContent") == "2", "the chip keeps the focus"


def test_the_panel_opens_and_closes_from_the_keyboard(visit, world):
    page = visit(world.story('for="#article" floating'))
    panel = page.get_by_role("dialog", name="Ask this article")
    expect(panel).to_be_hidden()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(panel).to_be_visible()
    page.keyboard.type(GIFTS)
    page.keyboard.press("Enter")
    settle(page)
    page.locator("span-wise .chip").nth(3).click()
    words = page.evaluate("[...CSS.highlights.get('spanwise-now')][0].getBoundingClientRect().toJSON()")
    box = page.locator("span-wise .box").bounding_box()
    assert words["bottom"] < box["y"] or words["right"] < box["x"], "the panel does not cover what it shows"
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    assert page.evaluate("document.activeElement.shadowRoot.activeElement.className") == "pill"


def test_on_a_phone_the_lit_words_stand_above_the_sheet(visit, world):
    page = visit(world.story('for="#article" floating'), width=390, height=844, has_touch=True, is_mobile=True)
    page.locator("span-wise .pill").tap()
    ask(page, GIFTS)
    page.locator("span-wise .chip").nth(2).tap()
    words = page.evaluate("[...CSS.highlights.get('spanwise-now')][0].getBoundingClientRect().toJSON()")
    sheet = page.locator("span-wise .box").bounding_box()
    assert 0 < words["top"] < words["bottom"] < sheet["y"]
    assert (sheet["x"], sheet["width"]) == (0, 390)


def test_right_to_left(visit, world):
    article = f'<article id="article" dir="rtl"><p>{ARABIC.text.split(chr(10))[2]}</p></article>'
    page = visit(world.put(article, lang="ar"))
    ((start, end),) = places(ARABIC, "التاسعة صباحًا")
    ask(page, f"4 {start}-{end}")
    assert lights(page)["hand"] == ["التاسعة صباحًا"]
    root = page.locator("span-wise .root")
    assert (root.get_attribute("dir"), root.get_attribute("lang")) == ("rtl", "ar")
    button, box = page.locator("span-wise form button").bounding_box(), page.locator("span-wise input").bounding_box()
    assert button["x"] < box["x"]
    expect(page.locator("span-wise form button")).to_have_text("اسأل")


@pytest.mark.parametrize(
    ("lang", "said"),
    [
        ("ko", "문서에 나와 있지 않습니다."),
        ("ru-RU", "В документе об этом не сказано."),
        ("ar", "لا يذكر المستند ذلك."),
        ("fr", "The document does not say."),
    ],
)
def test_languages(visit, world, lang, said):
    page = visit(world.story(f'for="#article" lang="{lang}"'))
    ask(page, TREATY)
    expect(page.locator("span-wise .says")).to_have_text(said)
    page.evaluate("document.querySelector('span-wise').setAttribute('lang', 'en')")
    expect(page.locator("span-wise form button")).to_have_text("Ask")
    page.evaluate("document.querySelector('span-wise').labels = { ask: 'Go on' }")
    expect(page.locator("span-wise form button")).to_have_text("Go on")


# ── Right or wrong


def rows(world: World, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (world.kept / name).read_text(encoding="utf-8").splitlines()]


def test_readers_say_right_or_wrong_where_the_page_lets_them(visit, world):
    page = visit(world.story('for="#article" feedback'), allow="Failed to load resource")
    ask(page, GIFTS)
    page.get_by_role("button", name="Right", exact=True).click()
    judged = page.locator("span-wise .judge")
    expect(judged).to_have_text("Right ✓")
    expect(page.locator("span-wise [role=status]")).to_have_text("Right ✓")
    assert page.evaluate("document.activeElement.shadowRoot.activeElement.localName") == "input"
    (row,) = rows(world, "questions.jsonl")
    assert (row["question"], row["kind"]) == (GIFTS, "confirmation")
    assert [span["text"] for span in row["answers"][0]["spans"]] == WORDS
    ask(page, GIVER)
    page.keyboard.press("Tab")
    page.get_by_role("button", name="Wrong", exact=True).press("Enter")
    expect(judged.first).to_have_text("Wrong ✓")
    (remark,) = rows(world, "questions.remarks.jsonl")
    assert (remark["question"], remark["turns"], remark["right"]) == (GIVER, [GIFTS], False)
    ask(page, TREATY)
    assert violations(page) == []
    page.get_by_role("button", name="Right", exact=True).click()
    expect(judged.first).to_have_text("Right ✓")
    assert rows(world, "questions.jsonl")[-1]["answerable"] is False
    assert page.evaluate("document.querySelector('span-wise').feedback(false)") == {"kept": "remark"}
    off = {"detail": "This server keeps no feedback: its operator has switched that off."}
    headers = {"access-control-allow-origin": world.origin}
    page.route("**/api/v1/feedback", lambda route: route.fulfill(status=403, json=off, headers=headers))
    ask(page, GIFTS)
    page.get_by_role("button", name="Wrong", exact=True).click()
    expect(judged.first).to_have_text(off["detail"])


def test_nobody_is_asked_for_feedback_as_a_rule(visit, world):
    page = visit(world.story())
    ask(page, GIFTS)
    assert page.get_by_role("button", name="Right", exact=True).count() == 0


# ── Trouble


def shows(page: Page, sentence: str) -> None:
    settle(page)
    expect(page.locator("span-wise .turn p").first).to_have_text(sentence)


KEPT = "; your question is still in the box."
WRONG = "What answered is not the answer service; the owner of this page should check its address."
UNREACHABLE = f"The answer service is out of reach, or does not answer this site{KEPT}"


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"status": 200, "content_type": "text/html", "body": "<h1>Welcome</h1>"}, WRONG),
        ({"status": 404, "content_type": "text/html", "body": "<h1>Not here</h1>"}, WRONG),
        ({"status": 200, "content_type": "application/json", "body": '{"ok": true}'}, WRONG),
        ({"status": 200, "content_type": "application/json", "body": "null"}, WRONG),
        ({"status": 502, "content_type": "text/html", "body": "<h1>Bad gateway</h1>"}, UNREACHABLE),
        ({"status": 500, "content_type": "application/json", "body": "{}"},
         f"The answer service could not answer (500){KEPT}"),
        ({"status": 422, "content_type": "application/problem+json",
          "body": json.dumps({"detail": "The question is too long: <b>shorten</b> it."})},
         "The question is too long: <b>shorten</b> it."),
    ],
)  # fmt: skip
def test_every_trouble_is_one_sentence_and_can_be_tried_again(visit, world, given, sentence):
    page = visit(world.story(), allow="Failed to load resource")
    page.evaluate("addEventListener('spanwise:error', (event) => { window.trouble = event.detail; })")
    headers = {"access-control-allow-origin": world.origin}

    def answer_badly(route: Route) -> None:
        if route.request.method == "OPTIONS":
            route.continue_()
        else:
            route.fulfill(**given, headers=headers)

    page.route("**/api/v1/ask", answer_badly)
    ask(page, GIFTS)
    shows(page, sentence)
    assert page.evaluate("window.trouble.message") == sentence
    assert page.locator("span-wise input").input_value() == GIFTS
    page.unroute("**/api/v1/ask")
    page.get_by_role("button", name="Try again").click()
    expect(page.locator("span-wise q")).to_have_text(WORDS)
    assert page.locator("span-wise .turn").count() == 1
    assert page.locator("span-wise input").input_value() == ""


def test_offline_and_back(visit, world):
    page = visit(world.story(), allow="ERR_INTERNET_DISCONNECTED")
    page.context.set_offline(True)
    ask(page, GIFTS)
    shows(page, f"You are offline{KEPT}")
    page.context.set_offline(False)
    page.keyboard.press("Enter")
    expect(page.locator("span-wise q")).to_have_text(WORDS)


def test_a_limit_counts_down_on_the_button(visit, world):
    page = visit(world.story(), allow="429")
    headers = {"access-control-allow-origin": world.origin, "access-control-expose-headers": "Retry-After",
               "retry-after": "2"}  # fmt: skip
    page.route("**/api/v1/ask", lambda route: route.fulfill(status=429, headers=headers, json={"detail": "too many"}))
    page.locator("span-wise input").fill(GIFTS)
    page.keyboard.press("Enter")
    button = page.locator("span-wise form button")
    expect(button).to_have_text(re.compile(r"Wait [12] s"))
    expect(button).to_be_disabled()
    expect(button).to_have_text("Ask")
    page.unroute("**/api/v1/ask")
    page.keyboard.press("Enter")
    expect(page.locator("span-wise q")).to_have_text(WORDS)


def test_stopping_and_starting_over(visit, world):
    page = visit(world.story())
    world.service.go_on.clear()
    page.locator("span-wise input").fill("wait")
    page.keyboard.press("Enter")
    expect(page.locator("span-wise .wait")).to_have_text("Reading the article…")
    page.get_by_role("button", name="Stop").click()
    world.service.go_on.set()
    expect(page.locator("span-wise .turn")).to_have_count(0)
    assert page.locator("span-wise input").input_value() == "wait"
    ask(page, GIFTS)
    page.get_by_role("button", name="Start over").click()
    expect(page.locator("span-wise .turn")).to_have_count(0)
    assert lights(page) == {}
    ask(page, GIVER)
    assert world.service.asked[-1][1] == ()


def test_a_site_that_is_not_listed_gets_nothing_and_is_told(visit, world):
    code = (ROOT / "qa" / "web" / "widget" / "spanwise.js").read_text(encoding="utf-8")
    page = (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Page</title>'
        f'<script type="module" src="spanwise.js"></script><span-wise server="{world.server}"></span-wise></html>'
    )
    csp = f"default-src 'none'; script-src 'self'; connect-src {world.server}; require-trusted-types-for 'script'"
    files = {"/": ("text/html", page, csp), "/spanwise.js": ("text/javascript", code, csp)}
    asked = len(world.service.asked)
    with site(files.get) as stranger:
        page = visit(f"{stranger}/", allow="blocked by CORS policy|ERR_FAILED")
        ask(page, GIFTS)
        shows(page, UNREACHABLE)
        page.context.close()
    assert len(world.service.asked) == asked


# ── The host


def test_the_hosts_css_and_the_widgets_do_not_meet(visit, world):
    article = f'<article id="article"><h1>Title</h1><p>{NO_TREATY}</p><button>Host</button></article>'
    css = "* { all: unset !important; } div { display: block !important; color: red !important }"
    page = visit(world.put(article, css=css))
    ask(page, GIFTS)
    styles = """() => [...document.querySelectorAll("article *")].map((element) => {
        const style = getComputedStyle(element);
        return [...style].map((name) => style[name]).join("|");
    })"""
    with_widget = page.evaluate(styles)
    box = page.locator("span-wise .box")
    assert box.evaluate("(e) => getComputedStyle(e).borderTopWidth") == "1px"
    assert box.evaluate("(e) => getComputedStyle(e).display") == "block"
    assert box.evaluate("(e) => getComputedStyle(e.querySelector('input')).color") == "rgb(20, 30, 33)"
    plain = world.put(article, css=css).rstrip("/")
    kind, html, csp = world.pages["/"]
    world.pages["/bare"] = (kind, re.sub(r"<script.*?</script>|<span-wise.*?</span-wise>", "", html), csp)
    page.goto(f"{plain}/bare")
    assert page.evaluate(styles) == with_widget


def test_a_root_of_ten_pixels_does_not_shrink_the_widget(visit, world):
    page = visit(world.put("", css="html { font-size: 62.5%; }"))
    assert page.locator("span-wise input").evaluate("(e) => getComputedStyle(e).fontSize") == "16px"


@pytest.mark.parametrize(("theme", "dark"), [("", False), ("dark", True), ("light", False)])
def test_it_follows_the_page_unless_told(visit, world, theme, dark):
    page = visit(world.put("", attributes=f'theme="{theme}"' if theme else ""), dark=True)  # the page knows no dark
    colour = page.locator("span-wise .box").evaluate("(e) => getComputedStyle(e).backgroundColor")
    assert colour == ("rgb(24, 33, 37)" if dark else "rgb(255, 255, 255)")


def test_the_page_sets_colours_and_parts(visit, world):
    css = (
        "span-wise { --spanwise-accent: rgb(122, 32, 72); --spanwise-on-accent: rgb(250, 250, 250); "
        "--spanwise-radius: 3px; } span-wise::part(input) { font-weight: 700; } span-wise::part(box) { margin: 7px; }"
    )
    page = visit(world.put("", css=css))
    styles = page.locator("span-wise .box").evaluate(
        """(box) => {
            const button = getComputedStyle(box.querySelector(".main")), whole = getComputedStyle(box);
            return [button.backgroundColor, button.color, whole.borderRadius, whole.margin,
                    getComputedStyle(box.querySelector("input")).fontWeight];
        }"""
    )
    assert styles == ["rgb(122, 32, 72)", "rgb(250, 250, 250)", "3px", "7px", "700"]


@pytest.mark.parametrize(("motion", "moves"), [("reduce", "none"), ("no-preference", "sweep")])
def test_nothing_moves_for_those_who_want_it_so(visit, world, motion, moves):
    page = visit(world.story())
    page.emulate_media(reduced_motion=motion)
    world.service.go_on.clear()
    page.locator("span-wise input").fill("wait")
    page.keyboard.press("Enter")
    wait = page.locator("span-wise .wait")
    expect(wait).to_be_visible()
    assert wait.evaluate("(e) => getComputedStyle(e, '::after').animationName") == moves
    world.service.go_on.set()
    settle(page)


def test_what_a_screen_reader_is_given(visit, world):
    page = visit(world.put("", attributes='heading="Ask"'))
    ask(page, GIVER)
    expect(page.locator("span-wise")).to_match_aria_snapshot(
        """
        - region "Ask":
          - heading "Ask" [level=2]
          - textbox "Your question"
          - button "Ask"
          - log "Ask":
            - heading "who gave them?" [level=3]
            - list:
              - listitem:
                - text: 1 the governor of the Primorye region
                - paragraph
            - paragraph: Very likely · 93 %
          - text: Exact quotations, by
          - link "Spanwise"
          - button "Start over"
        - status
        """
    )


def test_events_methods_and_no_credentials(visit, world):
    page = visit(world.story('for="#article" documents="' + STORY.id + '"'))
    page.context.add_cookies([{"name": "secret", "value": "1", "url": world.server}])
    page.evaluate(
        "() => { window.heard = []; for (const name of ['answer', 'cite', 'error'])"
        " addEventListener(`spanwise:${name}`, (event) => heard.push([name, event.detail])); }"
    )
    with page.expect_request(lambda sent: sent.url.endswith("/ask") and sent.method == "POST") as sent:
        given = page.evaluate("(question) => document.querySelector('span-wise').ask(question)", GIFTS)
    assert [item["text"] for item in given["items"]] == WORDS
    headers = sent.value.all_headers()
    assert "cookie" not in headers
    assert "referer" not in headers
    assert world.service.asked[-1][2] == {STORY.id}
    page.locator("span-wise .chip").first.click()
    heard = page.evaluate("window.heard")
    assert [name for name, _ in heard] == ["answer", "cite"]
    assert heard[0][1]["answer"]["citations"][0]["quote"] == WORDS[0]
    assert heard[1][1]["citation"]["quote"] == WORDS[0]
    assert heard[1][1]["placed"] is True
    assert page.evaluate("document.querySelector('span-wise').ask('  ')") is None
    page.evaluate("document.querySelector('span-wise').reset()")
    assert lights(page) == {}


# ── Pages of the server


def test_the_page_for_frames(visit, world):
    frame = f'<iframe title="F" src="{world.server}/embed?lang=ru&theme=dark"></iframe>'
    html = f'<!doctype html><html lang="en"><title>F</title>{frame}</html>'
    world.pages["/framing"] = ("text/html", html, f"default-src 'none'; frame-src {world.server}")
    page = visit(f"{world.server}/embed?lang=ru&heading=%3Cb%3EAsk")
    expect(page.locator("span-wise h2")).to_have_text("<b>Ask")
    ask(page, GIFTS)
    assert violations(page) == []
    page.goto(f"{world.origin}/framing")
    frame = page.frame_locator("iframe")
    frame.locator("input").fill(GIFTS)
    frame.locator("input").press("Enter")
    expect(frame.locator("q")).to_have_text(WORDS)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_the_embed_page_makes_the_snippet(browser, world, width, dark):
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme="dark" if dark else "light")
    faults: list[str] = []
    page = context.new_page()
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    page.goto(f"{world.server}/widget/")
    script = f'<script type="module" src="{world.server}/widget/spanwise.js"></script>'
    expect(page.locator("#html")).to_have_text(f'{script}\n<span-wise for="#article"></span-wise>')
    expect(page.locator("#csp")).to_have_text(f"script-src {world.server}; connect-src {world.server}")
    expect(page.locator("#origins")).to_have_text(world.origin)
    preview = page.frame_locator("iframe")
    expect(preview.locator("span-wise .box")).to_be_visible()
    page.get_by_label("A button in the corner").check()
    page.get_by_label("Русский").check()
    page.get_by_label("Heading").fill('"Ask" <us>')
    expect(preview.locator("span-wise .pill")).to_have_text('"Ask" <us>')
    written = '<span-wise for="#article" floating lang="ru" heading="&quot;Ask&quot; &lt;us>"></span-wise>'
    expect(page.locator("#html")).to_have_text(f"{script}\n{written}")
    page.get_by_label("Readers may say").check()
    expect(page.locator("#html")).to_have_text(f"{script}\n{written.replace('floating', 'floating feedback')}")
    expect(page.locator("#frame")).to_contain_text("feedback=")
    page.get_by_label("Own accent").check()
    expect(page.locator("#css")).to_have_text(
        "span-wise { --spanwise-accent: #7a2048; --spanwise-on-accent: #ffffff; }"
    )
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert violations(page) == []
    assert not faults
    context.close()

"""The chat in the browser: the conversation at the left, the article at the right; the only home of gradio.

Each session has one `Conversation`, kept by the server; what the browser sends is a question, a file or a document's
id, and never a message or a place. The page draws the article itself, from its text (`assets/article.js`).
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # read while gradio is imported: nothing leaves this machine
os.environ["GRADIO_ANALYTICS_CACHE_FREQUENCY"] = str(10**9)  # else every event sums up all earlier ones, with pandas

import gradio as gr
from fastapi import FastAPI
from gradio.events import api as gr_api
from gradio.exceptions import InvalidPathError
from gradio.utils import get_upload_folder
from starlette.datastructures import Headers
from starlette.middleware import Middleware

from index.errors import AssistantError
from index.types import Document
from qa.assistant import check
from qa.plain import plain
from qa.types import Answer
from qa.web import render
from qa.web.api_schema import question_of
from qa.web.around import with_sentences
from qa.web.corrections import Corrections
from qa.web.desk import EXTENSIONS, UPLOAD_LIMIT, Desk
from qa.web.problems import ProblemError, problem_of
from qa.web.security import Guard
from qa.web.session import Answering, Conversation, Session, page_document, page_marks

AT_ONCE = 4  # answers in the works; more would share the same cores
WAITING_ROOM = 64  # questions that may wait their turn before new ones are refused

Suggest = Callable[[Any], Sequence[str]]
AnswerProgram = Callable[[str, Sequence[str], Headers, str | None], Answer]
Screen = tuple[Session, Any, Any, Any]  # the session, the conversation, the question box, the article

_log = logging.getLogger(__name__)


def _asset(name: str) -> str:
    return (files("qa.web") / "assets" / name).read_text(encoding="utf-8")


def _head() -> str:
    """The styles as one element: gradio rewrites what comes as `css=`. Nested, so that they win over gradio's own."""
    tokens, *nested = (_asset(f"{name}.css") for name in ("tokens", "parts", "chat", "gradio"))
    return f"<style>{tokens}\n.gradio-container:not(#\\9) {{\n{''.join(nested)}}}</style>"


def page_options() -> dict[str, Any]:
    """What gradio takes when a page is launched or mounted, not when it is made."""
    ground = {"body_background_fill": "var(--ground)", "body_background_fill_dark": "var(--ground)"}
    return {
        "theme": gr.themes.Base(font=["ui-sans-serif", "sans-serif"], font_mono=["monospace"]).set(**ground),
        "head": _head(),
        "favicon_path": str(files("qa.web") / "assets" / "favicon.svg"),
        "footer_links": [],
        "run_history": False,  # would keep every question in the browser
        "max_file_size": UPLOAD_LIMIT,
        "ssr_mode": False,
        "app_kwargs": {"docs_url": None, "redoc_url": None, "openapi_url": None},
    }


class Page(gr.Blocks):
    """Blocks that look and behave the same when a host launches them without arguments."""

    def launch(self, *args: Any, **options: Any) -> Any:
        defaults = page_options()
        defaults["app_kwargs"]["middleware"] = [Middleware(Guard, framed_by_anyone=True)]
        return super().launch(*args, **{**defaults, **options})

    async def preprocess_data(self, block_fn: Any, inputs: list[Any], *args: Any, **options: Any) -> Any:
        """Let in no file but what was uploaded: gradio fetches any path or address named in any input when mounted."""
        uploads = Path(get_upload_folder()).resolve()
        for path in _paths(inputs):
            if not Path(path).resolve().is_relative_to(uploads):
                raise InvalidPathError("a file that was not uploaded")
        return await super().preprocess_data(block_fn, inputs, *args, **options)


def _paths(sent: Any) -> Iterator[str]:
    """Every path in what a browser sent, however deep."""
    if isinstance(sent, dict):
        if "path" in sent:
            yield str(sent["path"])
        sent = list(sent.values())
    if isinstance(sent, list):
        for each in sent:
            yield from _paths(each)


def mount(app: FastAPI, page: gr.Blocks) -> FastAPI:
    """Put the chat at the root of `app`."""
    mounted: FastAPI = gr.mount_gradio_app(app, page, path="/", show_error=False, **page_options())
    return mounted


def _upload_button() -> gr.UploadButton:
    """Hands over where the file was stored and what the browser called it; gradio's own would drop the name.

    Not a subclass: gradio writes a stub file beside the module of each.
    """
    button = gr.UploadButton("Open document", file_types=list(EXTENSIONS), elem_classes="open")
    button.preprocess = lambda payload: payload  # type: ignore[method-assign, assignment, return-value]
    return button


def build_chat(
    assistant: Answering,
    *,
    suggest: Suggest | None = None,
    corrections: Corrections | None = None,
    answer: AnswerProgram | None = None,
    evaluate: str | None = None,
    links: Mapping[str, str] | None = None,
) -> Page:
    """The chat about `assistant`'s documents.

    `suggest(assistant)` makes the questions shown at the start; it runs in the background. Answers can be put right
    where there are `corrections` to keep that in. `answer(question, history, headers, address)` answers the programs
    that call `/ask` with gradio's client, and refuses those that may not. `evaluate` is the address of the page that
    runs question sets; `links` are other pages, words to address, shown under the box.
    """
    desk = Desk(assistant, corrections)
    buttons = _Buttons(desk, suggest)
    what = _what(assistant.documents)
    page = Page(title="Spanwise", fill_width=True, analytics_enabled=False, delete_cache=(600, 3600))
    with page:
        # Before the buttons, whose functions would have this name otherwise.
        program = _program(answer or (lambda question, history, *_: assistant.ask(question, history)), desk)
        gr_api(program, api_name="ask", concurrency_limit=AT_ONCE, concurrency_id="programs")  # people need not wait
        session = gr.State(Session())
        with gr.Row(elem_classes="room"):
            with gr.Column(elem_classes="talk"):
                with gr.Row(elem_classes="head"):
                    name = f'<p class="name">{_asset("favicon.svg")}Spanwise</p>'
                    gr.HTML(name, apply_default_css=False, js_on_load=None)
                    if evaluate is not None:
                        link = f'<a class="sw-button is-plain" href="{evaluate}">Evaluate</a>'
                        gr.HTML(link, elem_classes="evaluate", apply_default_css=False, js_on_load=None)
                    upload = _upload_button()
                    shut = gr.Button("Close document", visible=False, elem_classes="shut")
                    over = gr.Button("Start over", elem_classes="over")
                log = gr.Chatbot(
                    elem_classes="turns",
                    label="Conversation",
                    show_label=False,
                    layout="panel",
                    height="100%",
                    buttons=[],
                    group_consecutive_messages=False,
                    allow_tags=False,
                    latex_delimiters=[],
                    autoscroll=False,
                    placeholder=render.start(what),
                )
                box = gr.Textbox(
                    elem_classes="dock",
                    container=False,
                    label="Your question",
                    show_label=False,
                    placeholder=f"Ask {what}",
                    submit_btn="Ask",
                    max_lines=6,
                    html_attributes=gr.InputHTMLAttributes(enterkeyhint="send", autocomplete="off"),
                )
                if links:
                    shown = "".join(f'<a href="{address}">{words}</a>' for words, address in links.items())
                    more = f'<nav aria-label="More">{shown}</nav>'
                    gr.HTML(more, elem_classes="links", apply_default_css=False, js_on_load=None)
            with gr.Column(elem_classes="source", elem_id="article"):
                pane = gr.HTML(
                    page_document(Conversation(), assistant.documents),  # nothing was brought yet, so no refusal
                    html_template=_asset("article.html"),
                    js_on_load=_asset("article.js"),
                    apply_default_css=False,
                    marks=[],
                    fixed={},
                )

        at_once: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
        queued: dict[str, Any] = {**at_once, "queue": True, "concurrency_limit": AT_ONCE, "concurrency_id": "answers"}
        screen = [session, log, box, pane]
        reading = []
        for begun in (
            box.submit(buttons.ask, [session, box], screen, **at_once),
            log.example_select(buttons.ask_example, session, screen, **at_once),
            pane.ask(buttons.ask_link, session, screen, **at_once),
        ):
            answered = begun.success(buttons.answer, [session, box], screen, **queued)
            answered.failure(buttons.lost, [session, box], screen, **at_once)
            reading.append(answered)
        box.stop(buttons.stop, [session, box], screen, cancels=reading, **at_once)
        over.click(buttons.start_over, session, screen, cancels=reading, **at_once)
        opened = upload.upload(
            buttons.open, [session, upload], [*screen, shut], **{**queued, "concurrency_id": "files"}
        )
        opened.success(buttons.examples, session, log, **at_once)
        shut.click(buttons.close, session, [*screen, shut], cancels=[*reading, opened], **at_once).success(
            buttons.examples, session, log, **at_once
        )
        pane.show(buttons.show, session, pane, **at_once)
        pane.correct(buttons.correct, session, [log, pane], **at_once)
        page.load(buttons.examples, session, log, **at_once)
        page.queue(max_size=WAITING_ROOM)
    return page


def _program(answer: AnswerProgram, desk: Desk) -> Callable[..., dict[str, Any]]:
    """The one endpoint for programs: `gradio_client.Client(address).predict("…", api_name="/ask")`."""

    def ask(question: str, history: list[str] | None = None, request: gr.Request | None = None) -> dict[str, Any]:
        """Answer with the documents' own words, as the API's `ask` does, or abstain; `text` has them in one line.

        `history` are earlier questions that were answered, oldest first.
        """
        headers, client = (request.headers, request.client) if request else (Headers(), None)
        try:
            asked = question_of({"question": question, "history": history or []})
            given = answer(check(asked.question), asked.history, headers, client.host if client else None)
        except (AssistantError, ProblemError) as error:
            raise gr.Error(str(error), print_exception=False) from None
        except Exception as error:  # noqa: BLE001 - a caller gets a sentence, the log gets the rest
            _log.exception("answering failed")
            raise gr.Error(str(problem_of(error)), print_exception=False) from None
        return {"text": given.text, **with_sentences(plain(replace(given, hits=())), desk.documents(Conversation()))}

    ask.__annotations__ |= {"return": dict, "request": gr.Request}  # gradio reads the types as they are written
    return ask


class _EndingError(Exception):
    """The process is ending: nobody waits for the answer."""


class _WhileRunning:
    """An assistant for work in the background, which the end of the process need not wait for longer than an answer."""

    def __init__(self, assistant: Answering) -> None:
        self._assistant = assistant
        self.documents = assistant.documents

    def ask(self, *arguments: Any, **options: Any) -> Answer:
        if not threading.main_thread().is_alive():
            raise _EndingError
        return self._assistant.ask(*arguments, **options)


def _words(conversation: Conversation) -> str:
    return conversation.pending.question if conversation.pending else ""


def _what(documents: Sequence[Document]) -> str:
    return "these documents" if len(documents) > 1 else "this article"


class _Buttons:
    """What each button does to what is on screen; the doing itself is the desk's."""

    def __init__(self, desk: Desk, suggest: Suggest | None) -> None:
        self._desk = desk
        self._suggest = suggest
        self._suggested: Future[list[str]] = Future()
        work = threading.Thread(target=lambda: self._suggested.set_result(self._questions(Conversation())))
        work.start()  # no daemon: a process that ends while a model is at work aborts

    def ask(self, session: Session, typed: str) -> Screen:
        return self._taken(session, typed, box={"value": ""})

    def ask_example(self, session: Session, event: gr.SelectData) -> Screen:
        return self._taken(session, str(event.value["text"]), box={})

    def ask_link(self, session: Session, event: gr.EventData) -> Screen:
        return self._taken(session, str(event.question), box={})

    def answer(self, session: Session, typed: str) -> Screen:
        asked = session.now
        now = session.change(self._desk.answer(asked))
        failed = now is not None and now.turns[-1].answer is None
        return self._settled(session, now, back=_words(asked) if failed and not typed.strip() else "")

    def lost(self, session: Session, typed: str) -> Screen:
        asked = session.now
        now = session.change(self._desk.lost(asked))
        return self._settled(session, now, back="" if typed.strip() else _words(asked))

    def stop(self, session: Session, typed: str) -> Screen:
        asked = session.now
        now = session.change(Conversation.stop)
        return self._settled(session, now, back="" if typed.strip() else _words(asked))

    def start_over(self, session: Session) -> Screen:
        return self._settled(session, session.change(Conversation.start_over))

    def open(self, session: Session, upload: Any) -> Iterator[tuple[Any, ...]]:
        name = str(upload.orig_name or "")
        session.change(Conversation.stop)
        waiting = {"role": "assistant", "content": render.waiting(f"“{name}”")}
        yield session, [*self._desk.messages(session.now), waiting], gr.skip(), gr.skip(), gr.skip()
        session.change(self._desk.open(Path(upload.path), name))
        yield self._turned(session)

    def close(self, session: Session) -> tuple[Any, ...]:
        session.change(lambda now: now.turn_to(None))
        return self._turned(session)

    def show(self, session: Session, event: gr.EventData) -> Any:
        documents = self._desk.documents(session.now)
        return gr.update(
            value=page_document(
                session.now, documents, shown=str(event.id), go=str(event.go), refusal=self._desk.refusal(session.now)
            ),
            marks=page_marks(session.now, documents),
        )

    def correct(self, session: Session, event: gr.EventData) -> tuple[Any, Any]:
        """One at a time in a session, so that pressing twice keeps one."""
        sent = event._data
        with session.correcting:
            said = self._desk.correct(session.now, sent)
            ticket = sent["ticket"] if not said else 0
            now = session.now if said else session.change(lambda now: now.correct(ticket))
        fixed = {"said": said, "press": sent.get("press") if isinstance(sent, dict) else None}
        return self._desk.messages(now or session.now), gr.update(fixed=fixed)

    async def examples(self, session: Session) -> Any:
        if session.now.own is None:
            questions = await asyncio.wrap_future(self._suggested)
        else:
            questions = await asyncio.to_thread(self._questions, session.now)
        return gr.update(examples=[{"text": question} for question in questions])

    def _questions(self, conversation: Conversation) -> list[str]:
        if self._suggest is None:
            return []
        try:
            return list(self._suggest(_WhileRunning(self._desk.assistant(conversation))))
        except _EndingError:
            return []
        except Exception:  # noqa: BLE001 - a page without suggestions is still a page
            _log.exception("no example questions could be made")
            return []

    def _taken(self, session: Session, question: str, *, box: dict[str, Any]) -> Screen:
        """A question was taken, or refused with a reason; while another one is read, its words stay where they are."""
        now = session.change(self._desk.take(question))
        if now is None or now.pending is None:
            return self._settled(session, now, back=question)
        box = {**box, "submit_btn": False, "stop_btn": "Stop"}
        return session, self._desk.messages(now), gr.update(**box), gr.skip()

    def _settled(self, session: Session, now: Conversation | None, *, back: str = "") -> Screen:
        """Nothing is being read any more; `back` are words that go into the box again."""
        if now is None:
            return session, gr.skip(), gr.skip(), gr.skip()
        box: dict[str, Any] = {"submit_btn": "Ask", "stop_btn": False}
        if back:
            box["value"] = back
        marks = page_marks(now, self._desk.documents(now))
        return session, self._desk.messages(now), gr.update(**box), gr.update(marks=marks)

    def _turned(self, session: Session) -> tuple[Any, ...]:
        """The screen after other documents were asked for: an empty conversation about them, or why there is none."""
        now = session.now
        if now.turns:
            return *self._settled(session, now), gr.skip()
        documents = self._desk.documents(now)
        what = _what(documents)
        pane = gr.update(value=page_document(now, documents, refusal=self._desk.refusal(now)), marks=[])
        box = gr.update(value="", submit_btn="Ask", stop_btn=False, placeholder=f"Ask {what}")
        log = gr.update(value=[], examples=[], placeholder=render.start(what))
        return session, log, box, pane, gr.update(visible=now.own is not None)

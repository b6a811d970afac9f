"""The API for programs, under `/api/v1`: ask, ask as a stream, documents, passages, verify, feedback; `/metrics`.

JSON has the field names of `Answer`, `Citation` and the other types, as `spanwise ask --json` prints them.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import Future
from typing import Any, TypeVar

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

import qa
from index.errors import AssistantError
from index.types import Hit
from qa.assistant import check
from qa.plain import plain
from qa.receipts import Receipt, receipts_in
from qa.types import Answer
from qa.verify import Verdict, verify
from qa.web import api_schema as schema
from qa.web.around import with_sentences
from qa.web.feedback import Feedback, keep
from qa.web.limits import BODY, BODY_WITH_TEXT
from qa.web.problems import MEDIA_TYPE, PlainJSON, ProblemError, dump, invalid, problem_of
from qa.web.services import Services, listed

BASE = "/api/v1"
HEARTBEAT = 10.0  # seconds: proxies close what is silent for 30 to 60

T = TypeVar("T")

_log = logging.getLogger(__name__)


def mount_api(app: FastAPI, services: Services) -> None:
    """Put the API into `app`, and the counters at `/metrics`."""
    api = make_api(services)
    app.mount(BASE, services.gated(api, name=BASE, body=_most_bytes))

    async def metrics(scope: Any, receive: Any, send: Any) -> None:
        page = services.telemetry.page() if scope["method"] == "GET" else _no_route(405).response({"allow": "GET"})
        await page(scope, receive, send)

    @app.exception_handler(404)
    async def nowhere(request: Request, _: Exception) -> Response:
        if request.url.path.removeprefix(services.settings.root_path).startswith("/api/"):
            return _no_route(404).response()  # such as an address with a line feed, which no mount takes
        return PlainJSON({"error": "not found"}, status_code=404)

    app.router.routes.append(Route("/metrics", services.gated(metrics), include_in_schema=False))


def make_api(services: Services) -> FastAPI:
    """The application behind `/api/v1`, without keys and rates."""
    api = FastAPI(
        title="Spanwise",
        version=qa.__version__,
        summary="Ask documents questions; answers are their own words, each with the place it stands.",
        description=schema.DESCRIPTION,
        openapi_url="/openapi.json",
        docs_url=None,  # they would load scripts from elsewhere: see `api_docs`
        redoc_url=None,
        redirect_slashes=False,
        root_path_in_servers=False,
        servers=[{"url": f"{services.settings.root_path}{BASE}"}],
        default_response_class=PlainJSON,
        separate_input_output_schemas=False,
    )
    _handle_errors(api)
    known = schema.RESPONSES

    @api.post("/ask", response_class=PlainJSON, responses=known["ask"], operation_id="ask", tags=["answers"])
    async def ask(asked: schema.Question) -> Response:
        """Answer a question with the documents' own words, or abstain with the reason and the nearest passage."""
        return PlainJSON(_answer(services, await _done(services, _question(services, asked)), asked))

    @api.post(
        "/ask/stream",
        response_class=StreamingResponse,
        responses=known["ask_stream"],
        operation_id="ask_stream",
        tags=["answers"],
    )
    async def ask_stream(asked: schema.Question) -> Response:
        """The same as server-sent events: `passages`, then `candidate`, then `final`.

        A candidate is a first guess that nothing has decided about yet. `error` holds a problem where there is no
        answer after all. Comments come while nothing else does. Where a proxy holds it all back, `ask` gives the same.
        """
        events: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()
        loop = asyncio.get_running_loop()

        def say(name: str, content: Any) -> None:
            with contextlib.suppress(RuntimeError):  # the server stopped meanwhile
                loop.call_soon_threadsafe(events.put_nowait, (name, content))

        def on_found(question: str, hits: Sequence[Hit]) -> None:
            say("passages", {"hits": plain(tuple(hits))})
            if hits:
                say("candidate", {"citation": plain(services.assistant.glance(question, hits))})

        answering = services.turnstile.enter(_question(services, asked, on_found=on_found))
        answering.add_done_callback(lambda _: say("final", None))
        stream = _stream(services, answering, events, asked)
        headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
        return StreamingResponse(stream, media_type="text/event-stream", headers=headers)

    @api.get("/documents", response_class=PlainJSON, responses=known["documents"], operation_id="documents",
             tags=["documents"])  # fmt: skip
    async def documents() -> Response:
        """What is asked, without the texts."""
        return PlainJSON({"documents": [listed(document) for document in services.assistant.documents]})

    @api.get("/documents/{id}", response_class=PlainJSON, responses=known["document"], operation_id="document",
             tags=["documents"])  # fmt: skip
    async def document(id: str, request: Request) -> Response:  # noqa: A002 - the name in the address
        """One document with its text, in which every `start` and `end` counts code points."""
        found = services.document(id)
        headers = {"etag": f'"{found.sha256}"', "cache-control": "no-cache"}
        if request.headers.get("if-none-match") == headers["etag"]:
            return Response(status_code=304, headers=headers)
        return PlainJSON(plain(found), headers=headers)

    @api.post("/passages", response_class=PlainJSON, responses=known["passages"], operation_id="passages",
              tags=["documents"])  # fmt: skip
    async def passages(wanted: schema.Search) -> Response:
        """The passages that have most to do with a text, best first."""
        query, chosen = check(wanted.query), services.chosen(wanted.document_ids)
        search = functools.partial(services.assistant.search, query, top_k=wanted.top_k, document_ids=chosen)
        return PlainJSON({"hits": plain(await _done(services, search))})

    @api.post("/verify", response_class=PlainJSON, responses=known["verify"], operation_id="verify", tags=["citations"])
    async def check_citation(wanted: schema.Check) -> Response:
        """Whether a citation's words stand where it says, or what changed.

        It is checked against `text` where that is given, else against the document of this server that it names.
        White space and markup are the only tolerance.
        """
        (receipt,) = receipts_in(wanted.citation.model_dump())

        def work() -> tuple[Verdict, str | None]:
            if wanted.text is not None:
                return verify(receipt, wanted.text, media_type=wanted.media_type), None
            verdict, against = services.verify(receipt, document_id=wanted.document_id)
            return verdict, against.id

        verdict, against = await _done(services, work)
        return PlainJSON({**plain(verdict), "document_id": against})

    @api.post("/feedback", response_class=PlainJSON, responses=known["feedback"], operation_id="feedback",
              tags=["answers"])  # fmt: skip
    async def feedback(said: schema.Feedback) -> Response:
        """Say whether an answer was right, and what is right where it was not.

        Nothing is kept unless every citation stands in the documents. What says which words are right becomes a test
        question for `spanwise evaluate`; the rest becomes a remark for a person to read.
        """
        given = Feedback(
            question=said.question,
            right=said.right,
            history=said.history,
            citations=_receipts(said.citations),
            correction=None if said.correction is None else _receipts(said.correction),
            document_id=said.document_id,
            comment=said.comment,
        )
        kept = await _done(services, lambda: keep(services, given))
        services.telemetry.judged(right=said.right, kept=kept)
        return PlainJSON({"kept": kept})

    _describe(api)
    return api


def _receipts(cited: Sequence[schema.Cited]) -> list[Receipt]:
    return receipts_in([each.model_dump() for each in cited]) if cited else []


def _describe(api: FastAPI) -> None:
    """Make the description truer than FastAPI would: without an error that no route gives, problems as problems, and
    with plain pairs.
    """
    described = api.openapi()
    for operations in described["paths"].values():
        for operation in operations.values():
            if "HTTPValidationError" in str(operation["responses"].get("422")):
                del operation["responses"]["422"]
            for response in operation["responses"].values():
                content = response.get("content", {})
                if MEDIA_TYPE in content and "application/json" in content:
                    content[MEDIA_TYPE] |= content.pop("application/json")
    for name in ("HTTPValidationError", "ValidationError"):
        described["components"]["schemas"].pop(name, None)
    _simplify(described["components"])


def _simplify(part: Any) -> None:
    """Say "two integers" so that every generator of clients understands it."""
    if isinstance(part, dict):
        if "prefixItems" in part:
            part["items"] = part.pop("prefixItems")[0]
        part = list(part.values())
    if isinstance(part, list):
        for each in part:
            _simplify(each)


def _question(services: Services, asked: schema.Question, **options: Any) -> functools.partial[Answer]:
    """The work that a question is. Raises: `QuestionError`, `ProblemError`, so that no place is taken for nothing."""
    check(asked.question)
    chosen = services.chosen(asked.document_ids)
    return functools.partial(services.ask, asked.question, asked.history, document_ids=chosen, **options)


def _answer(services: Services, answer: Answer, asked: schema.Question) -> dict[str, Any]:
    given = with_sentences(plain(answer), services.assistant.documents)
    if not asked.include_hits:
        given["hits"] = []
    return given


async def _done(services: Services, work: Callable[[], T]) -> T:
    """`work`, in turn. Raises: `ProblemError` for whatever goes wrong."""
    try:
        return await services.turnstile.run(work)
    except Exception as error:
        raise _told(error) from error


async def _stream(
    services: Services, answering: Future[Answer], events: asyncio.Queue[tuple[str, Any]], asked: schema.Question
) -> AsyncIterator[str]:
    try:
        while True:
            try:
                name, content = await asyncio.wait_for(services.turnstile.ending.or_end(events.get()), HEARTBEAT)
            except TimeoutError:
                yield ": still reading\n\n"
                continue
            if name == "final":
                yield _event("final", _answer(services, answering.result(), asked))
                return
            yield _event(name, content)
    except Exception as error:  # noqa: BLE001 - the stream has begun: a caller is told in it
        yield _event("error", _told(error).body())
    finally:
        answering.cancel()  # gives up the place of a caller who left


def _event(name: str, content: Any) -> str:
    return f"event: {name}\ndata: {dump(content)}\n\n"


def _most_bytes(path: str) -> int:
    return BODY_WITH_TEXT if path == "/verify" else BODY


def _told(error: Exception) -> ProblemError:
    """What a caller is told; of mistakes of ours the log has the rest."""
    problem = problem_of(error)
    if problem.kind.status == 500:
        _log.error("answering failed", exc_info=error)
    return problem


def _handle_errors(api: FastAPI) -> None:
    @api.exception_handler(RequestValidationError)
    async def malformed(request: Request, error: RequestValidationError) -> Response:
        declared = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if request.method == "POST" and declared != "application/json" and not declared.endswith("+json"):
            return ProblemError("not-json-type", "The body has to be declared as application/json.").response()
        return invalid(error.errors()).response()

    @api.exception_handler(HTTPException)
    async def refused(_: Request, error: HTTPException) -> Response:
        problem = error if isinstance(error, ProblemError) else _no_route(error.status_code)
        return problem.response(error.headers)

    @api.exception_handler(AssistantError)
    async def impossible(_: Request, error: AssistantError) -> Response:
        return _told(error).response()


def _no_route(status: int) -> ProblemError:
    match status:
        case 404:
            return ProblemError("not-found", "There is nothing at this address: openapi.json lists what there is.")
        case 405:
            return ProblemError("wrong-method", "This address does not take this method: openapi.json says which.")
        case 400 | 422:
            return ProblemError("not-json", "The body is not JSON that can be read: send one JSON object.")
        case _:
            return ProblemError("failed", "Something went wrong: try again.")

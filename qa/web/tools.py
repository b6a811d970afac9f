"""The assistant as tools of the Model Context Protocol, over standard input and output or HTTP; the only home of `mcp`.

Results have the field names of `Answer`, `Citation` and the other types, as everywhere.
"""

from __future__ import annotations

import contextlib
import functools
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Annotated, Any, TypeVar

from fastapi import FastAPI
from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations
from pydantic import Field
from starlette.routing import Route

from index.errors import AssistantError
from qa.assistant import MAX_QUESTION, check
from qa.plain import plain
from qa.receipts import receipts_in
from qa.verify import verify
from qa.web.limits import BODY_WITH_TEXT
from qa.web.problems import ProblemError
from qa.web.services import MOST_PASSAGES, Services, listed

PATH = "/mcp"
T = TypeVar("T")

_INSTRUCTIONS = (
    "Answers questions about a fixed set of documents with their own words. Every answer is quoted, with the exact "
    "place it stands; where the documents do not say, the answer is abstained with the reason. Quote answers as they "
    "are and give their citation. Positions count Unicode code points."
)
_READS = ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=False)


def make_tools(services: Services) -> MCPServer[Any]:
    """The server with its four tools, not yet connected to anything."""
    import qa

    with _logging_kept():
        tools: MCPServer[Any] = MCPServer(
            "spanwise", title="Spanwise", version=qa.__version__, instructions=_INSTRUCTIONS, log_level="CRITICAL",
            subscriptions=False,
        )  # fmt: skip

    @tools.tool(annotations=_READS)
    async def ask(
        question: Annotated[str, Field(description="One question in plain words.", max_length=MAX_QUESTION)],
        history: Annotated[
            list[str] | None, Field(description="Earlier questions that were answered, oldest first.", max_length=20)
        ] = None,
        document_ids: Annotated[list[str] | None, Field(description="Ask only these documents.")] = None,
    ) -> dict[str, Any]:
        """Answer a question with the documents' own words, each cited, or abstain and say why."""

        def work() -> dict[str, Any]:
            check(question)
            answer = services.ask(question, history or [], document_ids=services.chosen(document_ids))
            return {name: value for name, value in plain(answer).items() if name != "hits"}

        return await _done(services, work)

    @tools.tool(annotations=_READS)
    async def find_passages(
        query: Annotated[str, Field(description="What the passages should be about.", max_length=MAX_QUESTION)],
        top_k: Annotated[int, Field(description="How many, best first.", ge=1, le=MOST_PASSAGES)] = 5,
        document_ids: Annotated[list[str] | None, Field(description="Only of these documents.")] = None,
    ) -> dict[str, Any]:
        """Find the passages that have most to do with a text."""

        def work() -> dict[str, Any]:
            chosen = services.chosen(document_ids)
            hits = services.assistant.search(check(query), top_k=top_k, document_ids=chosen)
            return {"hits": plain(hits)}

        return await _done(services, work)

    @tools.tool(annotations=_READS)
    async def get_document(
        document_id: Annotated[
            str | None, Field(description="Which one; without it the documents are listed, without their texts.")
        ] = None,
        start: Annotated[int, Field(description="The first code point of the part wanted.", ge=0)] = 0,
        end: Annotated[int | None, Field(description="The code point after the part wanted.", ge=0)] = None,
    ) -> dict[str, Any]:
        """Read a document or a part of it, or list all documents."""

        def work() -> dict[str, Any]:
            if document_id is None:
                return {"documents": [listed(each) for each in services.assistant.documents]}
            document = services.document(document_id)
            text = document.text[start:end]
            return {**plain(document), "text": text, "start": start, "end": start + len(text)}

        return await _done(services, work)

    @tools.tool(annotations=_READS)
    async def verify_citation(
        citation: Annotated[
            dict[str, Any],
            Field(description='A citation of an answer: "quote", and "start", "end", "prefix", "suffix" where known.'),
        ],
        document_id: Annotated[str | None, Field(description="The document to check against.")] = None,
        text: Annotated[str | None, Field(description="A text to check against instead.", max_length=2_000_000)] = None,
    ) -> dict[str, Any]:
        """Prove that a citation's words stand where it says, or say what changed.

        The status is found, moved, reworded, gone or ambiguous; white space and markup are the only tolerance.
        """

        def work() -> dict[str, Any]:
            (receipt,) = receipts_in(citation)
            if text is not None:
                return {**plain(verify(receipt, text)), "document_id": None}
            verdict, document = services.verify(receipt, document_id=document_id)
            return {**plain(verdict), "document_id": document.id}

        return await _done(services, work)

    return tools


def mount_tools(app: FastAPI, services: Services) -> Callable[[], contextlib.AbstractAsyncContextManager[None]]:
    """Put the tools into `app` at `/mcp`; they work while the context that is returned is entered."""
    tools = make_tools(services)
    with _logging_kept():
        http = tools.streamable_http_app(
            streamable_http_path=PATH,
            stateless_http=True,  # nothing is kept between calls, so nothing can be left behind
            json_response=True,
            max_request_body_size=BODY_WITH_TEXT,
            host="",  # hosts and origins are `Guard`'s to decide
        )
    app.router.routes.append(Route(PATH, services.gated(http, body=lambda _: BODY_WITH_TEXT), include_in_schema=False))

    @contextlib.asynccontextmanager
    async def running() -> AsyncIterator[None]:
        async with tools.session_manager.run():
            yield

    return running


def serve_stdio(services: Services) -> None:
    """Talk over standard input and output until the other side ends."""
    make_tools(services).run("stdio")


async def _done(services: Services, work: Callable[[], T]) -> T:
    """`work`, in turn. Raises: `ToolError` with the one sentence for people."""
    try:
        return await services.turnstile.run(functools.partial(work))
    except (AssistantError, ProblemError) as error:
        raise ToolError(str(error)) from error


@contextlib.contextmanager
def _logging_kept() -> Iterator[None]:
    """Undo what `mcp` does to the root logger of whoever makes a server."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)

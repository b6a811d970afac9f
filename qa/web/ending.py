"""How the server ends: who waits for an answer is told, then connections that would stay open are closed.

Without this every open chat page and every stream would hold the end back and then be cut off with a traceback.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from qa.web.problems import ProblemError

T = TypeVar("T")


class Ending:
    """Something that ends once. What is awaited here is given up then."""

    def __init__(self) -> None:
        self._give_up: set[Callable[[], None]] = set()

    async def or_end(self, awaited: Awaitable[T]) -> T:
        """The result. Raises: `ProblemError` where the end comes first."""
        waiting = asyncio.ensure_future(awaited)
        ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def give_up() -> None:
            if not ended.done():
                ended.set_result(None)

        self._give_up.add(give_up)
        try:
            either: set[asyncio.Future[Any]] = {waiting, ended}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if not waiting.done():
                raise ProblemError("busy", "The server is being stopped: ask again in a moment.", wait=5)
            return waiting.result()
        finally:
            self._give_up.discard(give_up)
            waiting.cancel()

    def end(self) -> None:
        """It ends now; to be called in the event loop that waits."""
        for give_up in tuple(self._give_up):
            give_up()


class Endable:
    """Tells an application that every caller has left once `ending` comes, so that it ends what it streams."""

    def __init__(self, app: ASGIApp, *, ending: Ending) -> None:
        self._app = app
        self._ending = ending

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        ended = begun = complete = False

        async def receive_or_end() -> Message:
            nonlocal ended
            try:
                return await self._ending.or_end(receive())
            except ProblemError:
                ended = True
                return {"type": "http.disconnect"}

        async def noted(message: Message) -> None:
            nonlocal begun, complete
            begun = True
            complete = message["type"] == "http.response.body" and not message.get("more_body", False)
            await send(message)

        await self._app(scope, receive_or_end, noted)
        if ended and begun and not complete:  # the caller is still there, and gets an orderly end
            await send({"type": "http.response.body", "body": b"", "more_body": False})

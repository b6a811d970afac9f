"""The server: the chat at `/`, the API at `/api/v1`, tools for models at `/mcp`, `/healthz` (the process lives) and
`/readyz` (a question can be asked now).

Everything is in this process, one worker: sessions are kept in its memory.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Sequence
from http.client import HTTPConnection, HTTPException
from typing import Protocol

import uvicorn
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse

from qa.config import Settings
from qa.errors import ServeError
from qa.web import api_docs, evaluation_page, widget_routes
from qa.web.api import mount_api
from qa.web.ending import Endable, Ending
from qa.web.proxy import Proxied
from qa.web.security import Guard
from qa.web.services import Asked, Services
from qa.web.session import Answering

GRACE = 3  # seconds that open connections get to end when the server stops
PAUSE = 0.1  # seconds that the last words get to leave in

_log = logging.getLogger(__name__)


class Servable(Asked, Answering, Protocol):
    """What is served: answers, and can load its models before the first question."""

    def warm(self) -> None: ...


def create_app(assistant: Servable, settings: Settings | None = None) -> FastAPI:
    """The application: start it with any ASGI server, one worker.

    It warms the assistant with a real question while it starts answering requests; until that is done, `/readyz` says
    503. `app.state.failure` holds the error where warming failed.
    """
    from qa.suggest import suggest_questions
    from qa.web.chat import build_chat, mount
    from qa.web.tools import mount_tools

    settings = Settings() if settings is None else settings
    services = Services(assistant, settings)
    ended: list[Callable[[], None]] = [services.close]  # to be called when the server ends

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        warming = asyncio.create_task(asyncio.to_thread(_warm, app, assistant))
        async with tools():
            yield
        warming.cancel()
        for end in ended:
            end()

    app = FastAPI(title="Spanwise", docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan)
    app.state.ready = False
    app.state.failure = None
    behind_proxy = bool(settings.trusted_proxies)
    app.add_middleware(
        Guard,
        origins=settings.origins,
        framed_by=settings.framed_by,
        loopback_only=settings.on_loopback and not behind_proxy,
    )
    app.add_middleware(Proxied, trusted=settings.trusted_proxies, root_path=settings.root_path)  # outside of the guard
    app.state.endings = (services.turnstile.ending, connections := Ending())
    app.add_middleware(Endable, ending=connections)

    @app.get("/healthz")
    async def healthz() -> JSONResponse:
        return JSONResponse({"status": "alive"})

    @app.get("/readyz")
    async def readyz(request: Request) -> JSONResponse:
        state = request.app.state
        if state.ready:
            return JSONResponse({"status": "ready"})
        return JSONResponse({"status": "failed" if state.failure else "warming up"}, status_code=503)

    api_docs.add_to(app)
    mount_api(app, services)
    widget_routes.add_to(app, assistant.documents, origins=settings.origins)
    tools = mount_tools(app, services)
    if settings.has_evaluate_page:
        ended.append(evaluation_page.add_to(app, assistant, services))
    evaluate = f"{settings.root_path}/evaluate" if settings.has_evaluate_page else None
    page = build_chat(
        assistant,
        suggest=suggest_questions,
        corrections=services.corrections,
        answer=services.ask_in_turn,
        evaluate=evaluate,
        links={"On your own site": f"{settings.root_path}/widget/", "API": f"{settings.root_path}{api_docs.PAGE}"},
    )
    return mount(app, page)


def _warm(app: FastAPI, assistant: Servable) -> None:
    try:
        assistant.warm()
    except Exception as error:  # noqa: BLE001 - whoever started the server is told, and /readyz says so
        _log.debug("warming up failed", exc_info=True)
        app.state.failure = error
    else:
        app.state.ready = True


def serve(
    make_assistant: Callable[[], Servable], settings: Settings, *, on_ready: Callable[[str], None] | None = None
) -> None:
    """Serve until interrupted; `on_ready` gets the address once a question can be asked and the page answers.

    The port is taken before anything is loaded, so that a port in use is reported at once.
    Raises: `ServeError` where the address cannot be used; whatever making or warming the assistant raises.
    """
    with _listen(settings.host, settings.port) as taken, contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(make_assistant(), settings, taken, on_ready))


class _Server(uvicorn.Server):
    """Ends in order: first those who wait are told, then what is open is closed, then nothing holds the end back."""

    endings: Sequence[Ending] = ()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for ending in self.endings:
            ending.end()
            await asyncio.sleep(PAUSE)
        await super().shutdown(sockets)


async def _serve(
    assistant: Servable, settings: Settings, taken: socket.socket, on_ready: Callable[[str], None] | None
) -> None:
    """The application is made inside the running loop, because gradio would leave loops of its own open otherwise."""
    app = create_app(assistant, settings)
    config = uvicorn.Config(
        app,
        lifespan="on",
        log_config=None,
        log_level="error",
        access_log=False,
        server_header=False,
        proxy_headers=False,  # `Proxied` believes those of trusted proxies only
        timeout_graceful_shutdown=GRACE,
    )
    server = _Server(config)
    server.endings = app.state.endings
    host, port = taken.getsockname()[:2]
    watcher = threading.Thread(target=_watch, args=(server, app, _reachable(host), port, on_ready), daemon=True)
    watcher.start()
    try:
        await server.serve(sockets=[taken])
    finally:
        server.should_exit = True
        watcher.join(timeout=GRACE)
    if app.state.failure is not None:
        raise app.state.failure


def _listen(host: str, port: int) -> socket.socket:
    """A socket bound to the address."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        taken = socket.socket(family, kind, protocol)
    except OSError as error:
        raise ServeError(f"{host!r} is not an address this machine can listen on: try 127.0.0.1 or 0.0.0.0") from error
    try:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(address)
    except OSError as error:
        taken.close()
        where = f"port {port} on {host}"
        match error.errno:
            case errno.EADDRINUSE:
                message = f"{where} is in use by another program: stop it or choose another port, such as {port + 1}"
            case errno.EACCES:
                message = f"{where} needs rights this program does not have: choose a port from 1024 up"
            case _:
                message = f"{host!r} is not an address this machine can listen on: try 127.0.0.1 or 0.0.0.0"
        raise ServeError(message) from error
    return taken


def _reachable(host: str) -> str:
    """An address that leads from this machine to a server on `host`."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)


def _watch(server: uvicorn.Server, app: FastAPI, host: str, port: int, on_ready: Callable[[str], None] | None) -> None:
    """Wait until the page can be used, then say so; stop the server where it never will be."""
    address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    while not server.should_exit:
        if app.state.failure is not None:
            server.should_exit = True
        elif app.state.ready and _answers(host, port):
            if on_ready is not None:
                on_ready(address)
            return
        time.sleep(0.05)


def _answers(host: str, port: int) -> bool:
    for path in ("/readyz", "/"):
        connection = HTTPConnection(host, port, timeout=10)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            response.read()
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()
        if response.status != 200:
            return False
    return True

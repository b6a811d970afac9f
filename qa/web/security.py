"""What every response says to the browser, and which requests are refused for where they come from.

Pure ASGI, because other middleware would hold back streamed answers.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_SOURCES = {
    "default-src": "'self'",
    "script-src": "'self' 'unsafe-inline' 'unsafe-eval'",  # gradio starts from an inline script and compiles templates
    "style-src": "'self' 'unsafe-inline'",
    "img-src": "'self' data: blob:",
    "font-src": "'self' data:",
    "media-src": "'self' blob:",
    "connect-src": "'self'",
    "worker-src": "'self' blob:",
    "object-src": "'none'",
    "frame-src": "'none'",
    "base-uri": "'self'",
    "form-action": "'self'",
}
_HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",  # an address may hold a question
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
# What the page uses of gradio's own interface. The rest serves files, fetches addresses for whoever asks, or runs code.
_INTERFACE = "/gradio_api/"
_USED = re.compile(
    r"queue/(join|data)|run/predict|cancel|reset|heartbeat/\w+|upload|upload_progress|startup-events|app_id|login_check",
    re.ASCII,
)
_DEFAULT_PORTS = {"http": 80, "https": 443}


class Guard:
    """Adds the security headers; refuses what a page of another origin sent, and what the chat has no use for.

    A request without `Origin` comes from a program or a plain visit and passes. `framed_by_anyone` lets other sites
    show the page in a frame, as hosts of applications do.
    """

    def __init__(self, app: ASGIApp, *, framed_by_anyone: bool = False) -> None:
        self._app = app
        sources = dict(_SOURCES)
        self._headers = dict(_HEADERS)
        if not framed_by_anyone:
            sources["frame-ancestors"] = "'self'"
            self._headers["x-frame-options"] = "SAMEORIGIN"
            self._headers["cross-origin-opener-policy"] = "same-origin"
        self._headers["content-security-policy"] = "; ".join(f"{name} {value}" for name, value in sources.items())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if not same_origin(headers.get("origin"), headers.get("host")):
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008})
                return
            refusal = JSONResponse({"error": "this server answers its own pages only"}, status_code=403)
            await refusal(scope, receive, self._with_headers(send))
            return
        if not is_used(scope["path"]):
            await JSONResponse({"error": "not found"}, status_code=404)(scope, receive, self._with_headers(send))
            return
        await self._app(scope, receive, self._with_headers(send))

    def _with_headers(self, send: Send) -> Send:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers[name] = value
            await send(message)

        return send_with_headers


def is_used(path: str) -> bool:
    """Whether the page ever asks for `path`, where that is part of gradio's interface."""
    _, found, rest = path.partition(_INTERFACE)
    return not found or _USED.fullmatch(rest.rstrip("/")) is not None


def same_origin(origin: str | None, host: str | None) -> bool:
    """Whether a request's `Origin` is the host it was sent to; the scheme may differ where a proxy ends TLS.

    `null`, which a sandboxed frame or a local file sends, is nobody's own page.
    """
    if origin is None:
        return True
    if host is None:
        return False
    try:
        parts = urlsplit(origin)
        port = _DEFAULT_PORTS.get(parts.scheme)
        if port is None or not parts.hostname:
            return False
        asked = urlsplit(f"//{host}")
        return (parts.hostname, parts.port or port) == (asked.hostname, asked.port or port)
    except ValueError:
        return False

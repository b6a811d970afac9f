"""What every response says to the browser, and which requests are refused for where they come from.

The one place that decides about origins: a page of another site gets nothing, of nothing that is served here, unless
its origin is listed in the settings; then it gets the API and the widget, and may show the compact page in a frame.

Pure ASGI, because other middleware would hold back streamed answers.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from qa.config import normal_origin
from qa.web.problems import ProblemError

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
EMBED = "/embed"  # the compact page for sites that allow no script
SHARED = ("/api/", "/widget/")  # what pages of listed origins may ask for
_OWN_POLICY = (EMBED, "/widget", "/evaluate", "/api/v1/docs")  # pages that bring a stricter policy than the chat's
_HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",  # an address may hold a question
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
# What the page and gradio's own client use of gradio's interface. The rest serves files, fetches addresses for whoever
# asks, or runs code.
_INTERFACE = "/gradio_api/"
_USED = re.compile(
    r"queue/(join|data)|run/predict|cancel|reset|heartbeat/[\w-]+|upload|upload_progress|startup-events|app_id|"
    r"login_check|info",
    re.ASCII,
)
_DEFAULT_PORTS = {"http": 80, "https": 443}


class Guard:
    """Adds the security headers; refuses what a page of another origin sent, and what the chat has no use for.

    A request without `Origin` comes from a program or a plain visit and passes. `origins` are the listed ones.
    `framed_by` are the sites that may show the chat in a frame; `framed_by_anyone` lets all do that, for hosts of
    applications. `loopback_only` refuses
    requests for another name than this machine's: a page of any site could lead there by its own name otherwise
    (DNS rebinding), and would then be of our own origin.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        origins: Sequence[str] = (),
        framed_by: Sequence[str] = (),
        framed_by_anyone: bool = False,
        loopback_only: bool = False,
    ) -> None:
        self._app = app
        self._origins = frozenset(origins)
        self._loopback_only = loopback_only
        sources = dict(_SOURCES)
        self._headers = dict(_HEADERS)
        if not framed_by_anyone:
            sources["frame-ancestors"] = " ".join(["'self'", *framed_by])
            if not framed_by:  # it knows no list
                self._headers["x-frame-options"] = "SAMEORIGIN"
            self._headers["cross-origin-opener-policy"] = "same-origin"
        self._headers["content-security-policy"] = _policy(sources)
        self._framed_by = " ".join(["'self'", *origins])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers, path = Headers(scope=scope), route_of(scope)
        origin = headers.get("origin")
        listed = self._listed(origin) if path.startswith(SHARED) else None
        problem = None
        if self._loopback_only and not _is_loopback(headers.get("host")):
            problem = ProblemError(
                "wrong-host",
                "This server answers this machine only: open it at 127.0.0.1, or start it with --trusted-proxy where a "
                "proxy leads to it.",
            )
        elif listed is None and not same_origin(origin, headers.get("host")):
            problem = ProblemError(
                "foreign-origin", "This server answers its own pages only: its operator can list others with --origin."
            )
        if problem is not None and scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        preflight = listed is not None and scope.get("method") == "OPTIONS"
        send = self._with_headers(send, path, listed, preflight=preflight)
        if problem is not None:
            await problem.response()(scope, receive, send)
        elif preflight:
            await Response(status_code=204, headers=_preflight(headers))(scope, receive, send)
        elif not is_used(path):
            await JSONResponse({"error": "not found"}, status_code=404)(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _listed(self, origin: str | None) -> str | None:
        """The origin as it was sent, where it is a listed one."""
        if origin is None or not self._origins:
            return None
        try:
            return origin if normal_origin(origin) in self._origins else None
        except ValueError:
            return None

    def _with_headers(self, send: Send, path: str, listed: str | None, *, preflight: bool) -> Send:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if not preflight:  # nobody else lets an origin in
                    for name in [each for each in headers if each.startswith("access-control-")]:
                        del headers[name]
                own = headers.get("content-security-policy") if path.startswith(_OWN_POLICY) else None
                for name, value in self._headers.items():
                    headers[name] = value
                if own is not None:
                    headers["content-security-policy"] = self._framed(own, path)
                if path == EMBED:
                    del headers["x-frame-options"]
                if path.startswith(SHARED):
                    headers.add_vary_header("Origin")
                if listed is not None:
                    headers["access-control-allow-origin"] = listed
                    headers["access-control-expose-headers"] = "Retry-After"
                    headers["cross-origin-resource-policy"] = "cross-origin"
            await send(message)

        return send_with_headers

    def _framed(self, policy: str, path: str) -> str:
        """A page's own policy with our word on who may frame it."""
        kept = [part for each in policy.split(";") if (part := each.strip()) and not part.startswith("frame-ancestors")]
        framed_by = self._framed_by if path == EMBED else "'self'"
        return "; ".join([*kept, f"frame-ancestors {framed_by}"])


def _policy(sources: dict[str, str]) -> str:
    return "; ".join(f"{name} {value}" for name, value in sources.items())


def _preflight(headers: Headers) -> dict[str, str]:
    allowed = {
        "access-control-allow-methods": "GET, POST",
        "access-control-allow-headers": "Content-Type",  # keys are for servers: none is taken from a page
        "access-control-max-age": "600",
    }
    if headers.get("access-control-request-private-network") == "true":
        allowed["access-control-allow-private-network"] = "true"
    return allowed


def route_of(scope: Scope) -> str:
    """The path within the application, without the prefix that a proxy or a mount put before it."""
    path: str = scope["path"]
    root: str = scope.get("root_path", "").rstrip("/")
    return path[len(root) :] if root and (path == root or path.startswith(f"{root}/")) else path


def own_page(headers: Headers, origins: Sequence[str]) -> bool:
    """Whether a browser says that the request comes from a page of ours or of a listed origin.

    A program can say so as well: this is no proof, and the rate limit is what stops programs.
    """
    origin = headers.get("origin")
    if origin is None:
        return headers.get("sec-fetch-site") == "same-origin"
    if same_origin(origin, headers.get("host")):
        return True
    try:
        return normal_origin(origin) in origins
    except ValueError:
        return False


def _is_loopback(host: str | None) -> bool:
    try:
        name = urlsplit(f"//{host or ''}").hostname or ""
        return name == "localhost" or name.endswith(".localhost") or ip_address(name).is_loopback
    except ValueError:
        return False


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

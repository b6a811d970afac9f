"""What a proxy says about a request is believed from trusted proxies only, and the path prefix is the one in the
settings, whether the proxy strips it or not.

Outside of everything else: what comes after sees the visitor's address, the public scheme and name, and no forwarded
header of a stranger.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address, ip_network

from starlette.types import ASGIApp, Receive, Scope, Send

_NAMES = frozenset(
    [b"forwarded", b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-port", b"x-forwarded-prefix",
     b"x-forwarded-proto", b"x-forwarded-server", b"x-gradio-server", b"x-original-url", b"x-real-ip", b"x-rewrite-url"]
)  # fmt: skip
_SECURE = {"https": "https", "http": "http", "wss": "https", "ws": "http"}


class Proxied:
    """Turns forwarded headers of trusted proxies into the request's own address, scheme and host; drops the others."""

    def __init__(self, app: ASGIApp, *, trusted: Sequence[str] = (), root_path: str = "") -> None:
        self._app = app
        self._trusted = [ip_network(each) for each in trusted]
        self._root_path = root_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket"):
            scope = self._rooted(self._seen(scope))
        await self._app(scope, receive, send)

    def _seen(self, scope: Scope) -> Scope:
        told = {name: value.decode("latin-1") for name, value in scope["headers"] if name in _NAMES}
        if not told:
            return scope
        headers = [(name, value) for name, value in scope["headers"] if name not in _NAMES]
        scope = {**scope, "headers": headers}
        client = scope.get("client")
        if client is None or not self._trusts(client[0]):
            return scope
        chain = [hop.strip() for name, value in told.items() if name == b"x-forwarded-for" for hop in value.split(",")]
        visitor = next((hop for hop in reversed(chain) if not self._trusts(hop)), chain[0] if chain else "")
        if _is_address(visitor):
            scope["client"] = (visitor, 0)
        scheme = _SECURE.get(_last(told.get(b"x-forwarded-proto", "")).lower())
        if scheme is not None:
            secure = scheme == "https"
            scope["scheme"] = ("wss" if secure else "ws") if scope["type"] == "websocket" else scheme
        host = _last(told.get(b"x-forwarded-host", ""))
        if host:
            scope["headers"] = [(b"host", host.encode("latin-1")), *(each for each in headers if each[0] != b"host")]
        return scope

    def _rooted(self, scope: Scope) -> Scope:
        if not self._root_path:
            return scope
        path = scope["path"]
        inside = path == self._root_path or path.startswith(f"{self._root_path}/")
        return {**scope, "root_path": self._root_path, "path": path if inside else self._root_path + path}

    def _trusts(self, host: str) -> bool:
        if not _is_address(host):
            return False
        address = ip_address(host)
        return any(address in network for network in self._trusted)


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _last(value: str) -> str:
    """What the nearest proxy said, which added its own last."""
    return value.rpartition(",")[2].strip()

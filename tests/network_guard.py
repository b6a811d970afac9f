"""Refuses every connection and look-up that would leave this machine, and remembers who tried.

Used by an autouse fixture in `conftest.py`, and by tests that start the command line in a process of its own:
`python -c "import network_guard; network_guard.install(); ..."` with this folder on the path.
"""

from __future__ import annotations

import ipaddress
import socket
from typing import Any

attempts: list[str] = []  # what was refused, oldest first; libraries like to swallow the error


class NetworkBlockedError(OSError):
    """A test tried to reach another machine."""


def is_local(host: object) -> bool:
    """Whether `host` is this machine: a loopback address or name, a wildcard, or no host at all."""
    if host is None:
        return True
    name = host.decode("ascii", "replace") if isinstance(host, bytes) else str(host)
    if name in ("", "localhost"):
        return True
    try:
        address = ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def _refuse(what: str) -> None:
    attempts.append(what)
    raise NetworkBlockedError(f"tests stay on this machine, but something tried {what}")


def install() -> None:
    """Patch the socket module; calling it again changes nothing."""
    if getattr(socket.socket.connect, "guarded", False):
        return
    connect, connect_ex, sendto, getaddrinfo = (
        socket.socket.connect,
        socket.socket.connect_ex,
        socket.socket.sendto,
        socket.getaddrinfo,
    )

    def check(sock: socket.socket, address: Any) -> None:
        if sock.family in (socket.AF_INET, socket.AF_INET6) and not is_local(address[0]):
            _refuse(f"to reach {address[0]!r}")

    def guarded_connect(self: socket.socket, address: Any) -> None:
        check(self, address)
        connect(self, address)

    def guarded_connect_ex(self: socket.socket, address: Any) -> int:
        check(self, address)
        return connect_ex(self, address)

    def guarded_sendto(self: socket.socket, data: Any, *rest: Any) -> int:
        check(self, rest[-1])
        return sendto(self, data, *rest)

    def guarded_getaddrinfo(host: Any, *rest: Any, **options: Any) -> Any:
        if not is_local(host):
            _refuse(f"to look up {host!r}")
        return getaddrinfo(host, *rest, **options)

    guarded_connect.guarded = True  # type: ignore[attr-defined]
    socket.socket.connect = guarded_connect  # type: ignore[method-assign, assignment]
    socket.socket.connect_ex = guarded_connect_ex  # type: ignore[method-assign, assignment]
    socket.socket.sendto = guarded_sendto  # type: ignore[method-assign, assignment]
    socket.getaddrinfo = guarded_getaddrinfo

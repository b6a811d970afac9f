"""How much one caller and all of them together may ask: keys, rates, sizes of bodies, questions at once.

An API key is for servers. A page of a listed origin needs none: it is told apart by its `Origin`, which stops other
sites' pages in a browser but not a script that writes its own headers; the rate stops those.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from ipaddress import IPv6Address, ip_address
from typing import TypeVar

import limits
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from qa.config import Settings
from qa.web.ending import Ending
from qa.web.problems import ProblemError
from qa.web.security import own_page, route_of

BODY = 262_144  # bytes: the longest question, with twenty longest ones before it
BODY_WITH_TEXT = 4_000_000  # bytes: a citation and a document to check it against

T = TypeVar("T")


class Keys:
    """The API keys that let a program in."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._digests = [hashlib.sha256(key.encode()).digest() for key in keys]

    def __bool__(self) -> bool:
        return bool(self._digests)

    def holder(self, headers: Headers) -> str | None:
        """Who shows a right key, told by a part of its digest; None without one. Takes as long for every key."""
        shown = headers.get("x-api-key", "")
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            shown = token.strip()
        digest = hashlib.sha256(shown.encode()).digest()
        right = [hmac.compare_digest(digest, known) for known in self._digests]
        return f"key {digest.hex()[:16]}" if any(right) else None


class Rates:
    """How often each caller may come; "off" is as often as they like."""

    def __init__(self, rate: str) -> None:
        self._rate = None if rate == "off" else limits.parse(rate)
        self._windows = MovingWindowRateLimiter(MemoryStorage())
        self._said = rate.replace("/", " requests a ")

    def check(self, caller: str) -> None:
        """Count one request. Raises: `ProblemError` with the seconds to wait where it is one too many."""
        if self._rate is None or self._windows.hit(self._rate, caller):
            return
        wait = max(0.0, self._windows.get_window_stats(self._rate, caller).reset_time - time.time())
        seconds = max(1, round(wait + 0.5))
        plural = "s" * (seconds != 1)
        raise ProblemError(
            "too-often", f"More than {self._said} came from this address: try again in {seconds} second{plural}.",
            wait=wait,
        )  # fmt: skip


class Turnstile:
    """Lets a few questions be read at once, more wait, and sends the rest away.

    A caller who leaves while waiting gives up the place; one whose question is being read keeps it until the reading
    ends, because a model cannot be stopped.
    """

    def __init__(self, at_once: int, waiting_room: int) -> None:
        self.ending = Ending()
        self._at_once = at_once
        self._most = at_once + waiting_room
        self._pool = ThreadPoolExecutor(at_once, thread_name_prefix="answers")
        self._lock = threading.Lock()
        self._inside = 0
        self._seconds = 1.0  # that one piece of work takes, lately

    @property
    def inside(self) -> int:
        """How many are being read or wait."""
        return self._inside

    def enter(self, work: Callable[[], T]) -> Future[T]:
        """Start `work` as soon as there is a place. Raises: `ProblemError` where too many wait already."""
        with self._lock:
            if self._inside >= self._most:
                wait = self._seconds * self._inside / self._at_once
                raise ProblemError("busy", "Too many questions are waiting: ask again in a moment.", wait=wait)
            self._inside += 1
        future = self._pool.submit(self._timed, work)
        future.add_done_callback(lambda _: self._left())
        return future

    async def run(self, work: Callable[[], T]) -> T:
        """Do `work` when there is a place, in a thread of its own. Raises: `ProblemError` where the server ends."""
        return await self.ending.or_end(asyncio.wrap_future(self.enter(work)))

    def close(self) -> None:
        """Take nobody in any more."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _timed(self, work: Callable[[], T]) -> T:
        began = time.monotonic()
        try:
            return work()
        finally:
            self._seconds += 0.2 * (time.monotonic() - began - self._seconds)

    def _left(self) -> None:
        with self._lock:
            self._inside -= 1


class Admission:
    """Who may ask now: every caller as often as the rate says, programs with a key where one is needed."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._keys = Keys(settings.api_keys)
        self._rates = Rates(settings.rate)

    def check(self, headers: Headers, address: str | None) -> None:
        """Count one request. Raises: `ProblemError` where it is not let in."""
        holder = self._keys.holder(headers)
        self._rates.check(holder or f"address {_caller(address)}")
        if holder is not None or not self._settings.key_needed or own_page(headers, self._settings.origins):
            return
        if not self._keys:
            raise ProblemError(
                "key-needed",
                "Other machines can reach this server and it has no API key yet: its operator gives it one with "
                "--api-key-file, or says that none is needed.",
            )
        sent = "authorization" in headers or "x-api-key" in headers
        raise ProblemError(
            "key-needed",
            "This API key is not known here: ask the operator of this server for one."
            if sent
            else 'An API key is needed: send it as "Authorization: Bearer KEY".',
        )


class Gate:
    """Stands before an application of programs: checks key and rate, and cuts bodies that are too large.

    `body` gives the most bytes for a route of the application, as it is addressed within it.
    """

    def __init__(self, app: ASGIApp, *, admission: Admission, body: Callable[[str], int]) -> None:
        self._app = app
        self._admission = admission
        self._body = body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            self._admission.check(Headers(scope=scope), (scope.get("client") or (None,))[0])
            limited = self._limited(Headers(scope=scope), receive, self._body(route_of(scope)))
        except ProblemError as problem:
            await problem.response()(scope, receive, send)
            return
        started = False

        async def sent(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, limited, sent)
        except ProblemError as problem:  # a body that turned out too large while it came in
            if started:
                raise
            await problem.response()(scope, receive, send)

    def _limited(self, headers: Headers, receive: Receive, most: int) -> Receive:
        too_large = ProblemError(
            "too-large", f"The body is larger than {most:,} bytes, the most that is read here: send less."
        )
        length = headers.get("content-length", "0")
        if length.isdecimal() and int(length) > most:
            raise too_large
        got = 0

        async def limited() -> Message:
            nonlocal got
            message = await receive()
            got += len(message.get("body", b""))
            if got > most:
                raise too_large
            return message

        return limited


def _caller(host: str | None) -> str:
    """Whose rate a request counts for: its address, of IPv6 the network that one customer has."""
    if host is None:
        return "unknown"
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return address.exploded[:19]  # /64
    return host

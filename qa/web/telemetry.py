"""What Prometheus may know: counts and durations, never a question, an answer, an address or a key."""

from __future__ import annotations

import time
from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from qa.types import Answer

_SECONDS = (0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)


class Telemetry:
    """The counters of one server; each has its own, so that several in a process do not mix."""

    def __init__(self, inside: Callable[[], int]) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._requests = Counter(
            "spanwise_requests", "Requests to the API.", ["route", "status"], registry=self._registry
        )
        self._durations = Histogram(
            "spanwise_request_seconds",
            "From a request's arrival to the end of its response.",
            ["route"],
            registry=self._registry,
            buckets=_SECONDS,
        )
        self._answers = Counter("spanwise_answers", "Questions by what decided.", ["stage"], registry=self._registry)
        self._stages = Histogram(
            "spanwise_stage_seconds",
            "What a question's time went into.",
            ["stage"],
            registry=self._registry,
            buckets=_SECONDS,
        )
        self._verdicts = Counter(
            "spanwise_verdicts", "Citations checked, by verdict.", ["status"], registry=self._registry
        )
        self._feedback = Counter("spanwise_feedback", "Feedback kept.", ["right", "as"], registry=self._registry)
        Gauge("spanwise_questions_inside", "Questions being read or waiting.", registry=self._registry).set_function(
            inside
        )

    def answered(self, answer: Answer) -> None:
        """A question was decided."""
        self._answers.labels(answer.stage).inc()
        for stage, seconds in answer.seconds_by_stage.items():
            self._stages.labels(stage).observe(seconds)

    def verified(self, status: str) -> None:
        """A citation was checked."""
        self._verdicts.labels(status).inc()

    def judged(self, *, right: bool, kept: str) -> None:
        """A reader said whether an answer was right."""
        self._feedback.labels("yes" if right else "no", kept).inc()

    def served(self, route: str, status: int, seconds: float) -> None:
        """A request ended."""
        self._requests.labels(route, str(status)).inc()
        self._durations.labels(route).observe(seconds)

    def page(self) -> Response:
        """Everything in Prometheus' text format."""
        return Response(generate_latest(self._registry), headers={"content-type": CONTENT_TYPE_LATEST})


class Timed:
    """Counts the requests to an application by the route that took them, so that addresses do not become labels."""

    def __init__(self, app: ASGIApp, *, telemetry: Telemetry, name: str) -> None:
        self._app = app
        self._telemetry = telemetry
        self._name = name

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        status = 499  # the caller left before there was anything to say

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noted)
        finally:
            route = getattr(scope.get("route"), "path", "")
            self._telemetry.served(f"{self._name}{route}", status, time.perf_counter() - began)

"""The page at `/evaluate`: a question set is uploaded, asked with progress, looked at and downloaded.

A run belongs to whoever knows its address, which cannot be guessed; its folder is private and deleted after an hour.
"""

from __future__ import annotations

import logging
import re
import secrets
import shutil
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable, Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path, PurePath
from typing import Any, Literal

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from index.errors import AssistantError
from qa.evaluation.folder import FILES
from qa.evaluation.questions import KINDS
from qa.evaluation.run import Library, Report
from qa.evaluation.run import evaluate as run_questions
from qa.evaluation.sources import Asker
from qa.web.problems import PlainJSON, ProblemError
from qa.web.services import Services

KEPT = 3600.0  # seconds from the end of a run until its folder goes
AT_ONCE = 2  # runs; they share the cores with everybody who asks
MOST_RUNS = 50  # kept at a time
MOST_BYTES = 8_000_000  # of a set
MOST_QUESTIONS = 1_000  # asked of one: a quarter of an hour
VISITOR = "spanwise-visitor"  # the cookie that tells visitors apart, for "one run at a time" only
ALL = "spanwise-evaluation.zip"

_POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "connect-src": "'self'",
    "img-src": "'self' data:",
    "base-uri": "'none'",
    "form-action": "'none'",
    "require-trusted-types-for": "'script'",
    "trusted-types": "'none'",
}
_REPORT_POLICY = (  # of an origin of its own: whatever a question set smuggled in could reach nothing
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
    "form-action 'none'; sandbox allow-scripts allow-downloads allow-modals"
)
_TYPES = {".json": "application/json", ".jsonl": "application/jsonl", ".csv": "text/csv", ".html": "text/html"}
_ID = re.compile(r"[A-Za-z0-9_-]{32}", re.ASCII)
State = Literal["running", "done", "failed", "stopped"]

_log = logging.getLogger(__name__)


class _StoppedError(Exception):
    """Nobody wants the rest of the run."""


class Run:
    """One set being asked, and what came of it."""

    def __init__(self, visitor: str, name: str, questions: bytes) -> None:
        self.id = secrets.token_urlsafe(24)
        self.visitor = visitor
        self.state: State = "running"
        self.done = self.total = 0
        self.error = ""
        self.report: Report | None = None
        self.ended = 0.0
        self.began = time.monotonic()
        self._stop = threading.Event()
        self.folder = Path(tempfile.mkdtemp(prefix="spanwise-evaluate-"))
        self.questions = self.folder / name
        self.questions.write_bytes(questions)

    def work(self, assistant: Asker, services: Services) -> None:
        """Ask all questions; whatever goes wrong becomes one sentence."""
        state: State = "failed"
        try:
            self.report = run_questions(
                Library(assistant, settings=services.settings),
                self.questions,
                self.folder / "run",
                limit=MOST_QUESTIONS,
                progress=self._progress,
            )
            self._without_place()
            state = "stopped" if self._stop.is_set() else "done"
        except _StoppedError:
            state = "stopped"
        except (AssistantError, ValueError) as error:
            self.error = self._named(str(error))
        except Exception:  # noqa: BLE001 - a visitor gets a sentence, the log gets the rest
            _log.exception("an evaluation failed")
            self.error = "Something went wrong while the questions were asked."
        finally:
            if state != "done":
                self.delete()
            self.ended = time.monotonic()
            self.state = state  # last: from now on others may delete it

    def stop(self) -> None:
        self._stop.set()

    def delete(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def status(self) -> dict[str, Any]:
        """What the page shows."""
        told: dict[str, Any] = {
            "state": self.state, "done": self.done, "total": self.total, "error": self.error,
            "seconds": (self.ended or time.monotonic()) - self.began,
        }  # fmt: skip
        if self.report is not None and self.state == "done":
            problems = self.report.problems
            told |= {
                "figures": figures(self.report.metrics),
                "questions": self.report.metrics["total"],
                "problems": [self._named(str(problem)) for problem in problems[:20]],
                "more_problems": max(0, len(problems) - 20),
                "warnings": self.report.metrics["warnings"],
                "limited": self.total >= MOST_QUESTIONS,
                "files": [name for name in (*FILES, ALL) if self.file(name) is not None],
            }
        return told

    def file(self, name: str) -> Path | None:
        """A file of the run, by a name that is known beforehand."""
        path = self.folder / "run" / name
        return path if self.state == "done" and name in (*FILES, ALL) and path.is_file() else None

    def _progress(self, done: int, total: int) -> None:
        self.done, self.total = done, total
        if self._stop.is_set() or not threading.main_thread().is_alive():
            raise _StoppedError

    def _named(self, text: str) -> str:
        """Without the folder's place, which is nobody's business."""
        return text.replace(f"{self.folder}/", "")

    def _without_place(self) -> None:
        folder = self.folder / "run"
        for name in ("predictions.jsonl", "run.json"):
            path = folder / name
            path.write_bytes(path.read_bytes().replace(f"{self.folder}/".encode(), b""))
        with zipfile.ZipFile(folder / ALL, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in FILES:
                if (folder / name).is_file():
                    archive.write(folder / name, f"spanwise-evaluation/{name}")


class Runs:
    """All runs of one server: few at once, one a visitor, each forgotten after an hour."""

    def __init__(self, assistant: Asker, services: Services) -> None:
        self._assistant = assistant
        self._services = services
        self._lock = threading.Lock()
        self._runs: dict[str, Run] = {}
        self._timer: threading.Timer | None = None
        self._closed = False

    def begin(self, visitor: str, name: str, questions: bytes) -> Run:
        """Start a run. Raises: `ProblemError` where it has to wait."""
        self._sweep()
        with self._lock:
            running = [run for run in self._runs.values() if run.state == "running"]
            if any(run.visitor == visitor for run in running):
                raise ProblemError("busy", "Your other question set is still being asked: wait for it or stop it.")
            if self._closed or len(running) >= AT_ONCE or len(self._runs) >= MOST_RUNS:
                raise ProblemError("busy", "Other question sets are being asked: try again in a minute.", wait=60)
            run = Run(visitor, name, questions)
            self._runs[run.id] = run
            # no daemon: a process that ends while a model is at work aborts
            threading.Thread(target=run.work, args=(self._assistant, self._services)).start()
        self._schedule()
        return run

    def get(self, identity: str) -> Run:
        """The run. Raises: `ProblemError`."""
        self._sweep()
        run = self._runs.get(identity) if _ID.fullmatch(identity) else None
        if run is None:
            raise ProblemError("not-found", "There is no such run: results are kept for an hour.")
        return run

    def close(self) -> None:
        """Stop everything and delete what it left."""
        with self._lock:
            self._closed = True
            runs = list(self._runs.values())
            if self._timer is not None:
                self._timer.cancel()
        for run in runs:
            run.stop()
            if run.state != "running":  # it deletes what it has when it stops
                run.delete()

    def _sweep(self) -> None:
        now = time.monotonic()
        with self._lock:
            old = [run for run in self._runs.values() if run.state != "running" and now - run.ended > KEPT]
            for run in old:
                del self._runs[run.id]
        for run in old:
            run.delete()

    def _schedule(self) -> None:
        """Sweep while there is something, also when nobody asks."""
        with self._lock:
            if self._closed or (self._timer is not None and self._timer.is_alive()):
                return
            self._timer = threading.Timer(60, self._tick)
            self._timer.daemon = True
            self._timer.start()

    def _tick(self) -> None:
        self._sweep()
        with self._lock:
            self._timer = None
            left = bool(self._runs)
        if left:
            self._schedule()


def figures(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The headline figures: what they are, the value in percent and its 95 % interval, each None where unknown."""
    silent = found["abstention"]
    rows = (
        ("Right, lenient", "lenient", found["lenient"]),
        ("Right, strict", "strict", found["strict"]),
        ("Exact match (SQuAD)", "exact", found["exact"]),
        ("F1 (SQuAD)", "f1", found["f1"]),
        ("Answered", "answered", found["answered"]),
        ("Wrong when answered", "wrong_when_answered", found["wrong_when_answered"]),
        ("Declined where nothing is said", "abstention.recall", silent["recall"] if silent["total"] else None),
        ("Calibration error", "calibration.ece", found["calibration"]["ece"]),
    )
    return [{"name": name, "value": value, "interval": found["intervals"].get(key)} for name, key, value in rows]


def file_name(label: str) -> str:
    """A name for the uploaded set that is no path. Raises: `ProblemError` where its type cannot be read."""
    path = PurePath(label.replace("\\", "/"))
    suffix = path.suffix.lower()
    if suffix not in KINDS:
        raise ProblemError("bad-request", f"A question set is a file of the type {', '.join(KINDS)}.")
    stem = re.sub(r"[^A-Za-z0-9_-]+", "_", path.stem).strip("_-")[:60] or "questions"
    return f"{stem}{suffix}"


def add_to(app: FastAPI, assistant: Asker, services: Services) -> Callable[[], None]:
    """Add the routes; returns what has to be called when the server ends."""
    runs = Runs(assistant, services)

    @app.get("/evaluate", include_in_schema=False)
    async def page(request: Request) -> Response:
        response = Response(_asset("evaluate.html"), media_type="text/html; charset=utf-8", headers=_own(_POLICY))
        if not _visitor(request):
            path = request.scope.get("root_path", "").rstrip("/") + "/evaluate"
            secure = request.url.scheme == "https"
            value = secrets.token_urlsafe(24)
            response.set_cookie(VISITOR, value, path=path, httponly=True, samesite="strict", secure=secure)
        return response

    @app.get("/evaluate/page.js", include_in_schema=False)
    async def script() -> Response:
        headers = {"cache-control": "no-cache"}
        return Response(_asset("evaluate.js"), media_type="text/javascript; charset=utf-8", headers=headers)

    @app.get("/evaluate/page.css", include_in_schema=False)
    async def style() -> Response:
        content = "\n".join(_asset(f"{name}.css") for name in ("tokens", "parts", "evaluate"))
        return Response(content, media_type="text/css; charset=utf-8", headers={"cache-control": "no-cache"})

    @app.get("/evaluate/runs/{identity}", include_in_schema=False)
    async def status(identity: str) -> Response:
        return _told(lambda: PlainJSON(runs.get(identity).status(), headers={"cache-control": "no-store"}))

    @app.post("/evaluate/runs/{identity}/stop", include_in_schema=False)
    async def stop(identity: str) -> Response:
        def stopped() -> Response:
            runs.get(identity).stop()
            return Response(status_code=204)

        return _told(stopped)

    @app.get("/evaluate/runs/{identity}/{name}", include_in_schema=False)
    def download(identity: str, name: str) -> Response:
        return _told(lambda: _file(runs.get(identity), name))

    async def begin(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        name = file_name(request.query_params.get("name", ""))
        content = await request.body()
        if not content.strip():
            raise ProblemError("bad-request", "The file is empty: choose a question set.")
        client = request.client.host if request.client else "unknown"
        run = runs.begin(_visitor(request) or client, name, content)
        await PlainJSON({"id": run.id}, status_code=201, headers={"cache-control": "no-store"})(scope, receive, send)

    gated = services.gated(begin, name="", body=lambda _: MOST_BYTES)
    app.router.routes.append(Route("/evaluate/runs", gated, methods=["POST"], include_in_schema=False))
    return runs.close


def _file(run: Run, name: str) -> Response:
    path = run.file(name)
    if path is None:
        raise ProblemError("not-found", "There is no such file of this run.")
    headers = {"cache-control": "no-store", "content-security-policy": _REPORT_POLICY}
    if name == "report.html":
        return Response(path.read_bytes(), media_type="text/html; charset=utf-8", headers=headers)
    return FileResponse(path, media_type=_TYPES.get(path.suffix, "application/zip"), filename=name, headers=headers)


def _told(work: Callable[[], Response]) -> Response:
    try:
        return work()
    except ProblemError as problem:
        return problem.response()


def _visitor(request: Request) -> str:
    value = request.cookies.get(VISITOR, "")
    return value if _ID.fullmatch(value) else ""


def _own(policy: Mapping[str, str]) -> dict[str, str]:
    content = "; ".join(f"{name} {value}" for name, value in policy.items())
    return {"content-security-policy": content, "cache-control": "no-cache"}


@cache
def _asset(name: str) -> str:
    return (files("qa.web") / "assets" / name).read_text(encoding="utf-8")

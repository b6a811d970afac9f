"""Everything that can be wrong with a request, as problem details (RFC 9457): one sentence in `detail`, the same one
that the chat and the command line show.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from index.errors import AssistantError
from qa.errors import QuestionError, ReceiptError

MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of problem: `name` is for programs and never changes, `title` says it in short."""

    name: str
    status: int
    title: str

    @property
    def type(self) -> str:
        """The identifier that `type` holds."""
        return f"urn:spanwise:problem:{self.name}"


KINDS = {
    kind.name: kind
    for kind in (
        Kind(name="not-json", status=400, title="The body is not JSON"),
        Kind(name="key-needed", status=401, title="An API key is needed"),
        Kind(name="foreign-origin", status=403, title="The page's origin is not allowed"),
        Kind(name="feedback-off", status=403, title="Feedback is not kept here"),
        Kind(name="not-found", status=404, title="There is nothing at this address"),
        Kind(name="unknown-document", status=404, title="No such document"),
        Kind(name="wrong-method", status=405, title="The address does not take this method"),
        Kind(name="too-large", status=413, title="The body is too large"),
        Kind(name="not-json-type", status=415, title="The body is not declared as JSON"),
        Kind(name="wrong-host", status=421, title="The server does not go by this name"),
        Kind(name="bad-question", status=422, title="The question cannot be asked"),
        Kind(name="bad-citation", status=422, title="The citation cannot be checked"),
        Kind(name="bad-feedback", status=422, title="The feedback cannot be kept"),
        Kind(name="bad-request", status=422, title="The request does not have the needed form"),
        Kind(name="too-often", status=429, title="Too many requests"),
        Kind(name="failed", status=500, title="The server failed"),
        Kind(name="busy", status=503, title="The server is busy"),
        Kind(name="no-room", status=507, title="There is no room for more"),
    )
}


class ProblemError(HTTPException):
    """A request that cannot be served. `wait` is the seconds after which asking again makes sense."""

    def __init__(self, kind: str, detail: str, *, wait: float | None = None, **more: Any) -> None:
        super().__init__(KINDS[kind].status, detail)
        self.kind = KINDS[kind]
        self.wait = wait
        self.more = more

    def __str__(self) -> str:
        return self.detail

    def said(self) -> dict[str, str]:
        """The headers of the response."""
        headers = {"cache-control": "no-store"}
        if self.wait is not None:
            headers["retry-after"] = str(max(1, round(self.wait + 0.5)))
        if self.kind.status == 401:
            headers["www-authenticate"] = 'Bearer realm="spanwise"'
        return headers

    def body(self) -> dict[str, Any]:
        """The problem's members."""
        kind = self.kind
        return {"type": kind.type, "title": kind.title, "status": kind.status, "detail": str(self), **self.more}

    def response(self, extra: Mapping[str, str] | None = None) -> JSONResponse:
        """The problem as a response."""
        headers = {**self.said(), **(extra or {})}
        return PlainJSON(self.body(), status_code=self.kind.status, headers=headers, media_type=MEDIA_TYPE)


class PlainJSON(JSONResponse):
    """JSON of anything: text that is not well-formed Unicode is escaped instead of failing."""

    def render(self, content: Any) -> bytes:
        return dump(content).encode("utf-8")


def dump(content: Any) -> str:
    """`content` as JSON in one line."""
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return json.dumps(content, allow_nan=False, separators=(",", ":"))
    return text


def problem_of(error: Exception) -> ProblemError:
    """What a caller is told about an error; of a mistake of ours nothing but that it happened."""
    match error:
        case ProblemError():
            return error
        case QuestionError():
            return ProblemError("bad-question", str(error))
        case ReceiptError():
            return ProblemError("bad-citation", str(error))
        case AssistantError():
            return ProblemError("failed", str(error))
        case _:
            return ProblemError("failed", "Something went wrong while the answer was looked for: ask again.")


def invalid(errors: Sequence[Mapping[str, Any]]) -> ProblemError:
    """What is wrong with the fields of a request; the values sent are not repeated."""
    first = errors[0]
    if first["type"] == "json_invalid":
        return ProblemError("not-json", "The body is not JSON that can be read: send one JSON object.")
    places = [
        {"pointer": _pointer(error["loc"]), "problem": str(error["msg"]).removeprefix("Value error, ")}
        for error in errors[:20]
    ]
    where = places[0]["pointer"] or "the body"
    count = "" if len(errors) == 1 else f" (and {len(errors) - 1} more)"
    return ProblemError(
        "bad-request", f"The request cannot be read at {where}{count}: {_lower(places[0]['problem'])}.", errors=places
    )


def _pointer(location: Sequence[Any]) -> str:
    """RFC 6901, for places in a body; other places by name."""
    head, *rest = location or ("body",)
    parts = [str(part).replace("~", "~0").replace("/", "~1")[:80] for part in rest]
    return "/" + "/".join(parts) if head == "body" and parts else "/".join(parts)


def _lower(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:].rstrip(".")

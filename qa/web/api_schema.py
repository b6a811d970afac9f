"""The forms of the API's requests and responses, with an example of each: what `openapi.json` shows.

Responses are the types of `qa.types`, so that their fields are named once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, Strict, ValidationError

from index.types import Document, Hit
from qa import types
from qa.assistant import MAX_QUESTION
from qa.receipts import MAX_QUOTE
from qa.verify import Verdict
from qa.web import api_examples as examples
from qa.web.corrections import MOST_PLACES
from qa.web.problems import KINDS, MEDIA_TYPE, invalid
from qa.web.services import MOST_PASSAGES

MOST_BEFORE = 20  # earlier questions; the last few are what a follow-up leans on
MOST_COMMENT = 2_000  # characters: a remark, not a letter
MOST_TEXT = 2_000_000  # characters that a citation is checked against

DESCRIPTION = """Every answer is made of words of the documents, each with the place they stand. Positions count Unicode
code points from 0, the end not included: in languages that count UTF-16 units, such as JavaScript, convert them.

**Who may ask.** Programs on the same machine; where the server is open to others, programs with an API key
(`Authorization: Bearer KEY`); in browsers, without a key, pages of this server and of the origins that its operator has
listed. An `Origin` stops other sites in a browser, not a script that writes its own headers: the rate limit does.

**Errors** are problem details (RFC 9457) of the media type `application/problem+json`: `type` is for programs, `detail`
is one sentence for people. `429` and `503` say in `Retry-After` how many seconds to wait.
"""

Words = Annotated[str, Field(json_schema_extra={"minLength": 1, "maxLength": MAX_QUESTION, "pattern": r"[\p{L}\p{N}]"})]
History = Annotated[
    list[Annotated[str, Field(max_length=MAX_QUESTION)]],
    Field(max_length=MOST_BEFORE, description="Earlier questions that were answered, oldest first."),
]
DocumentIds = Annotated[
    list[Annotated[str, Field(max_length=100)]] | None,
    Field(min_length=1, max_length=1000, description="Only these documents; all where it is left out."),
]


def _number(value: Any) -> Any:
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        return value
    raise ValueError("input should be a whole number")  # not a truth value, nor a number in quotes


Position = Annotated[int | None, Field(ge=0), BeforeValidator(_number)]


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Question(_Form):
    """A question, with the earlier ones that it may lean on."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"question": examples.ANSWER["question"]},
                                        {"question": "And on Mondays?", "history": [examples.ANSWER["question"]]}]}
    )  # fmt: skip

    question: Words
    history: History = []
    document_ids: DocumentIds = None
    include_hits: Annotated[
        bool, Strict(), Field(description="Whether the answer carries the passages that were read.")
    ] = True


def question_of(given: Mapping[str, Any]) -> Question:
    """The question in what a program sent. Raises: `ProblemError` that names the field."""
    try:
        return Question.model_validate(given)
    except ValidationError as error:
        raise invalid([{**each, "loc": ("body", *each["loc"])} for each in error.errors()]) from None


class Search(_Form):
    """A text to find passages for."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"query": "ferry on Sundays", "top_k": 3}]})

    query: Words
    top_k: Annotated[int, Field(ge=1, le=MOST_PASSAGES), BeforeValidator(_number)] = 5
    document_ids: DocumentIds = None


class Cited(BaseModel):
    """A citation as an answer holds it; the words are needed, the rest makes the place sure."""

    model_config = ConfigDict(frozen=True)  # what a citation holds besides is not looked at

    quote: Annotated[str, Field(min_length=1, max_length=MAX_QUOTE)]
    start: Position = None
    end: Position = None
    prefix: str | None = None
    suffix: str | None = None
    sha256: str | None = None
    document_id: str | None = None
    number: Position = None


class Check(_Form):
    """A citation and, where it is not a document of this server, the text to check it against."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"citation": examples.CITATION}]})

    citation: Cited
    document_id: str | None = None
    text: Annotated[str | None, Field(max_length=MOST_TEXT)] = None
    media_type: Literal["text/plain", "text/markdown", "text/html"] = "text/plain"


class Feedback(_Form):
    """Whether an answer was right; `citations` are the answer's own, none where it declined."""

    model_config = ConfigDict(json_schema_extra={"examples": examples.FEEDBACK})

    question: Words
    right: Annotated[bool, Strict()]
    history: History = []
    citations: Annotated[list[Cited], Field(max_length=MOST_PLACES)] = []
    correction: Annotated[
        list[Cited] | None,
        Field(max_length=MOST_PLACES, description="The right words; an empty list where the documents do not say."),
    ] = None
    document_id: Annotated[
        str | None, Field(max_length=100, description="Which document is meant, where nothing is cited.")
    ] = None
    comment: Annotated[str, Field(max_length=MOST_COMMENT)] = ""


class Kept(BaseModel):
    """What the feedback became: a test question, or a remark for a person to read."""

    kept: Literal["question", "remark"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Citation(types.Citation):
    """A citation as pages need it: see `qa.web.around.with_sentences`."""

    sentence: str
    solid_start: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer(types.Answer):
    """An answer whose citations come with their sentences."""

    citations: tuple[Citation, ...] = ()
    nearest: Citation | None = None


class Listed(BaseModel):
    """A document without its text; `characters` are code points."""

    id: str
    title: str
    source: str
    sha256: str
    media_type: str
    characters: int


class Documents(BaseModel):
    """Everything that is asked."""

    documents: list[Listed]


class Hits(BaseModel):
    """Passages, best first."""

    hits: list[Hit]


class Checked(BaseModel):
    """What became of a citation: see `Verdict`, and the id of the document it was checked against."""

    status: Literal["found", "moved", "reworded", "gone", "ambiguous"]
    message: str
    start: int | None
    end: int | None
    words: str | None
    surroundings: Literal["same", "changed", "unknown"]
    same_document: bool | None
    changes: list[dict[str, str]]
    places: list[tuple[int, int]]
    document_id: str | None


class Problem(BaseModel):
    """Problem details, RFC 9457."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[dict[str, str]] | None = None


assert Checked.model_fields.keys() == {*Verdict.__dataclass_fields__, "document_id"}


def _given(model: Any, description: str, values: Mapping[str, Any]) -> dict[int | str, Any]:
    shown = {name: {"value": value} for name, value in values.items()}
    return {200: {"model": model, "description": description, "content": {"application/json": {"examples": shown}}}}


def _problems(*names: str) -> dict[int | str, Any]:
    """The problems a route has besides those that every route has."""
    responses: dict[int | str, Any] = {}
    for name in ("key-needed", "foreign-origin", "wrong-host", "too-often", *names):
        kind = KINDS[name]
        value = {"type": kind.type, "title": kind.title, "status": kind.status, "detail": examples.DETAILS[name]}
        known = responses.setdefault(kind.status, {"model": Problem, "description": kind.title, "content": {}})
        known["content"].setdefault(MEDIA_TYPE, {"examples": {}})["examples"][name] = {"value": value}
        if kind.status in (429, 503):
            known["headers"] = {
                "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 1}}
            }
    return responses


_BODY = ("not-json", "not-json-type", "too-large", "bad-request", "busy", "failed", "unknown-document")
RESPONSES: dict[str, dict[int | str, Any]] = {
    "ask": {
        **_given(
            Answer, "An answer, or why there is none.", {"answered": examples.ANSWER, "abstained": examples.ABSTAINED}
        ),
        **_problems(*_BODY, "bad-question"),
    },
    "ask_stream": {
        200: {
            "description": "The events `passages`, `candidate` and `final`, or `error`.",
            "content": {"text/event-stream": {"example": examples.STREAM}},
        },
        **_problems(*_BODY, "bad-question"),
    },
    "documents": {
        **_given(Documents, "The documents.", {"one": examples.DOCUMENTS}),
        **_problems(),
    },
    "document": {
        **_given(Document, "The document with its text.", {"one": examples.DOCUMENT}),
        304: {"description": "The text is the one that `If-None-Match` names."},
        **_problems("unknown-document"),
    },
    "passages": {
        **_given(Hits, "The passages, best first.", {"one": {"hits": [examples.HIT]}}),
        **_problems(*_BODY, "bad-question"),
    },
    "verify": {
        **_given(Checked, "What became of the citation.", {"found": examples.VERDICT, "reworded": examples.REWORDED}),
        **_problems(*_BODY, "bad-citation"),
    },
    "feedback": {
        **_given(Kept, "It is kept.", {"question": {"kept": "question"}, "remark": {"kept": "remark"}}),
        **_problems(*_BODY, "bad-question", "bad-citation", "bad-feedback", "feedback-off", "no-room"),
    },
}

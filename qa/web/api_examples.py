"""The examples that `openapi.json` shows: one short document, asked and cited in every way; their offsets are true."""

from __future__ import annotations

from typing import Any

PASSAGE: dict[str, Any] = {
    "id": "1f0d9f4ad8d0c2b5:0",
    "document_id": "1f0d9f4ad8d0c2b5",
    "text": "The ferry leaves at nine on Sundays.",
    "start": 0,
    "end": 36,
    "sentences": [[0, 36]],
}
CITATION: dict[str, Any] = {
    "number": 1,
    "document_id": PASSAGE["document_id"],
    "title": "The ferry",
    "source": "ferry.txt",
    "sha256": "1f0d9f4ad8d0c2b5" + "0" * 48,
    "start": 17,
    "end": 24,
    "quote": "at nine",
    "prefix": "The ferry leaves ",
    "suffix": " on Sundays.",
    "sentence_start": 0,
    "sentence_end": 36,
    "sentence": PASSAGE["text"],
    "solid_start": 14,
}
RIGHT: dict[str, Any] = {"document_id": CITATION["document_id"], "start": 25, "end": 35, "quote": "on Sundays"}
HIT: dict[str, Any] = {"passage": PASSAGE, "score": 0.97, "rank": 0, "dense_score": 0.71, "lexical_score": 4.2}
ANSWER: dict[str, Any] = {
    "question": "When does the ferry leave on Sundays?",
    "items": [{"text": "at nine", "citation": 1}],
    "citations": [CITATION],
    "confidence": 0.93,
    "answerable": 0.97,
    "abstained": False,
    "reason": None,
    "stage": "answered",
    "understood_as": None,
    "nearest": None,
    "hits": [HIT],
    "seconds_by_stage": {"retrieve": 0.01, "read": 0.2, "cite": 0.001},
}
ABSTAINED: dict[str, Any] = {
    **ANSWER,
    "question": "Who is the ferry's captain?",
    "items": [],
    "citations": [],
    "confidence": 0.04,
    "answerable": 0.06,
    "abstained": True,
    "reason": "No words in it answer the question.",
    "stage": "reader",
    "nearest": {
        **CITATION,
        "number": 0,
        "start": 0,
        "end": 36,
        "quote": PASSAGE["text"],
        "prefix": "",
        "suffix": "",
        "solid_start": 0,
    },
}

DETAILS = {
    "key-needed": 'An API key is needed: send it as "Authorization: Bearer KEY".',
    "foreign-origin": "This server answers its own pages only: its operator can list others with --origin.",
    "wrong-host": "This server answers this machine only: open it at 127.0.0.1, or start it with --trusted-proxy where "
    "a proxy leads to it.",
    "too-often": "More than 120 requests a minute came from this address: try again in 12 seconds.",
    "busy": "Too many questions are waiting: ask again in a moment.",
    "failed": "Something went wrong while the answer was looked for: ask again.",
    "not-json": "The body is not JSON that can be read: send one JSON object.",
    "not-json-type": "The body has to be declared as application/json.",
    "too-large": "The body is larger than 262,144 bytes, the most that is read here: send less.",
    "bad-request": "The request cannot be read at /top_k: input should be greater than or equal to 1.",
    "bad-question": "The question is empty: type what you want to know.",
    "bad-citation": 'Nothing says which document is meant: give "document_id" or the text to check against.',
    "bad-feedback": "What is right needs no correction: leave it out, or say that it is wrong.",
    "feedback-off": "This server keeps no feedback: its operator has switched that off.",
    "no-room": "This server has no room for more corrections: tell its operator.",
    "unknown-document": "No document has this id: the list of documents says which there are.",
}

STREAM = (
    'event: passages\ndata: {"hits": [...]}\n\nevent: candidate\ndata: {"citation": {"quote": "at nine", ...}}'
    '\n\nevent: final\ndata: {"question": "When does the ferry leave on Sundays?", ...}\n\n'
)
LISTED = {name: CITATION[name] for name in ("title", "source", "sha256")}
DOCUMENT = {
    "id": CITATION["document_id"],
    **LISTED,
    "text": "The ferry leaves at nine on Sundays.\n",
    "media_type": "text/plain",
    "quiet": [],
}
VERDICT = {
    "status": "found",
    "message": "The words stand where the citation says.",
    "start": 17,
    "end": 24,
    "words": "at nine",
    "surroundings": "same",
    "same_document": True,
    "changes": [],
    "places": [],
    "document_id": CITATION["document_id"],
}
REWORDED = {
    **VERDICT,
    "status": "reworded",
    "message": "The words near that place are others now.",
    "end": 23,
    "words": "at ten",
    "surroundings": "unknown",
    "same_document": False,
    "changes": [{"cited": "nine", "stands": "ten"}],
}
FEEDBACK: list[Any] = [
    {"question": ANSWER["question"], "right": True, "citations": [CITATION]},
    {
        "question": ANSWER["question"],
        "right": False,
        "citations": [CITATION],
        "correction": [RIGHT],
        "comment": "It was asked on which days, not when.",
    },
    {"question": ABSTAINED["question"], "right": False, "comment": "The sign at the pier says it."},
]
DOCUMENTS = {
    "documents": [{"id": CITATION["document_id"], **LISTED, "media_type": "text/plain", "characters": 37}],
}

"""What readers say of answers, as the API takes it: checked against the documents, then kept by `corrections`.

What says which words are right becomes a test question; the rest becomes a remark for a person to read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from index.types import Document
from qa.assistant import check
from qa.receipts import Receipt
from qa.web.corrections import Correction, CorrectionError, NoRoomError, Remark, checked_places
from qa.web.problems import ProblemError
from qa.web.services import Services

Kept = Literal["question", "remark"]
Found = tuple[Document, int, int]

_OFF = "This server keeps no feedback: its operator has switched that off."


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """An answer, told by its question and citations, and what is said of it.

    `correction` are the right words where it is wrong, none of them where the documents do not say, None where that is
    not known. `document_id` says what is meant where nothing is cited.
    """

    question: str
    right: bool
    history: Sequence[str] = ()
    citations: Sequence[Receipt] = ()
    correction: Sequence[Receipt] | None = None
    document_id: str | None = None
    comment: str = ""


def keep(services: Services, given: Feedback) -> Kept:
    """Check everything, then keep it; gives what it became. Raises: `ProblemError`, `QuestionError`."""
    if services.corrections is None:
        raise ProblemError("feedback-off", _OFF)
    question, turns = _storable(check(given.question)), tuple(given.history)
    if given.right and given.correction is not None:
        raise ProblemError("bad-feedback", "What is right needs no correction: leave it out, or say that it is wrong.")
    cited = _stand(services, given.citations)
    told = cited if given.right else None if given.correction is None else _stand(services, given.correction)
    about = [services.document(given.document_id)] if given.document_id is not None else []
    about += [document for document, _, _ in (*(told or ()), *cited)]
    document = (about or services.assistant.documents)[0]
    try:
        if told is None or any(each.id != document.id for each, _, _ in told):  # a test question has one document
            services.corrections.note(
                Remark(question=question, right=given.right, cited=tuple(cited), turns=turns, comment=given.comment)
            )
            return "remark"
        services.corrections.save(
            Correction(
                question=question,
                said=tuple(each.text[start:end] for each, start, end in cited),
                document=document,
                places=_places(document, told),
                turns=turns,
                kind="confirmation" if given.right else "correction",
                comment=given.comment,
            )
        )
    except CorrectionError as error:
        kind = "no-room" if isinstance(error, NoRoomError) else "failed"
        raise ProblemError(kind, error.sentence) from error
    return "question"


def _stand(services: Services, receipts: Iterable[Receipt]) -> list[Found]:
    """Where the receipts' words stand, in their order. Raises: `ProblemError` where any does not stand there."""
    found = []
    for at, receipt in enumerate(receipts, start=1):
        verdict, document = services.verify(receipt)
        if verdict.status != "found" or verdict.start is None or verdict.end is None:
            raise ProblemError(
                "bad-citation", f"Citation {at} is not kept, because it does not hold: {verdict.message}"
            )
        found.append((document, verdict.start, verdict.end))
    return found


def _places(document: Document, found: Sequence[Found]) -> tuple[tuple[int, int], ...]:
    sent = [{"start": start, "end": end, "text": document.text[start:end]} for _, start, end in found]
    try:
        return checked_places(document, sent) if sent else ()
    except CorrectionError as error:
        raise ProblemError("bad-feedback", error.sentence) from error


def _storable(question: str) -> str:
    """The question with "?" for what no file can hold: halves of surrogate pairs, which may be asked."""
    return question.encode("utf-8", "replace").decode("utf-8")

"""What every face for programs shares: the assistant behind a turnstile, keys, rates and counters."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Sequence
from typing import Any, Protocol

from starlette.datastructures import Headers
from starlette.types import ASGIApp

from index.types import Document, Hit
from qa.assistant import OnFound
from qa.config import Settings
from qa.receipts import Receipt
from qa.types import Answer, Citation
from qa.verify import Verdict, verify
from qa.web.corrections import Corrections
from qa.web.limits import BODY, Admission, Gate, Turnstile
from qa.web.problems import ProblemError
from qa.web.session import stands
from qa.web.telemetry import Telemetry, Timed

MOST_PASSAGES = 50


class Asked(Protocol):
    """What programs need of `qa.Assistant`; safe to call from many threads at once."""

    @property
    def documents(self) -> tuple[Document, ...]: ...

    def ask(
        self,
        question: str,
        history: Sequence[str] = (),
        *,
        document_ids: Collection[str] | None = None,
        on_found: OnFound | None = None,
    ) -> Answer: ...

    def search(self, query: str, *, top_k: int, document_ids: Collection[str] | None = None) -> list[Hit]: ...

    def glance(self, question: str, hits: Sequence[Hit]) -> Citation | None: ...


def listed(document: Document) -> dict[str, Any]:
    """A document without its text, as JSON."""
    told = {name: getattr(document, name) for name in ("id", "title", "source", "sha256", "media_type")}
    return {**told, "characters": len(document.text)}


class Services:
    """One server's: made with its application, closed with it."""

    def __init__(self, assistant: Asked, settings: Settings) -> None:
        self.assistant = assistant
        self.settings = settings
        self.turnstile = Turnstile(settings.answers_at_once, settings.waiting_room)
        self.telemetry = Telemetry(lambda: self.turnstile.inside)
        self.corrections = None if settings.correctable == "nothing" else Corrections(settings)
        self._admission = Admission(settings)

    def gated(self, app: ASGIApp, *, name: str = "", body: Callable[[str], int] = lambda _: BODY) -> ASGIApp:
        """`app` behind key, rate and the limit on bodies; its requests are counted by route, with `name` before it."""
        gate = Gate(app, admission=self._admission, body=body)
        return Timed(gate, telemetry=self.telemetry, name=name)

    def ask_in_turn(self, question: str, history: Sequence[str], headers: Headers, address: str | None) -> Answer:
        """Answer a program that does not come through a gate: with the same key, rate and turn; waits for its turn.

        Raises: `AssistantError`, `ProblemError`.
        """
        self._admission.check(headers, address)
        return self.turnstile.enter(functools.partial(self.ask, question, history)).result()

    def document(self, identity: str) -> Document:
        """The document. Raises: `ProblemError`."""
        for document in self.assistant.documents:
            if document.id == identity:
                return document
        raise ProblemError("unknown-document", "No document has this id: the list of documents says which there are.")

    def chosen(self, identities: Sequence[str] | None) -> frozenset[str] | None:
        """The ids, where all of them are of documents. Raises: `ProblemError`."""
        return None if identities is None else frozenset(self.document(each).id for each in identities)

    def ask(
        self,
        question: str,
        history: Sequence[str] = (),
        *,
        document_ids: Collection[str] | None = None,
        on_found: OnFound | None = None,
    ) -> Answer:
        """Answer, counted; words that do not stand where they are said to never leave.

        Raises: `AssistantError`, `ProblemError`.
        """
        answer = self.assistant.ask(question, history, document_ids=document_ids, on_found=on_found)
        texts = {document.id: document.text for document in self.assistant.documents}
        for citation in (*answer.citations, *([answer.nearest] if answer.nearest else [])):
            if not stands(citation, texts):
                raise ProblemError(
                    "failed", "The answer's words do not stand where it says they do, so it is not given."
                )
        self.telemetry.answered(answer)
        return answer

    def verify(self, receipt: Receipt, *, document_id: str | None = None) -> tuple[Verdict, Document]:
        """Check a receipt against the document named, or the one that it names. Raises: `ProblemError`."""
        named = document_id or receipt.document_id
        if named is None and receipt.sha256 is not None:
            named = next((d.id for d in self.assistant.documents if d.sha256 == receipt.sha256), receipt.sha256[:16])
        if named is None:
            raise ProblemError(
                "bad-citation", 'Nothing says which document is meant: give "document_id" or the text to check against.'
            )
        document = self.document(named)
        verdict = verify(receipt, document.text, media_type=document.media_type, sha256=document.sha256)
        self.telemetry.verified(verdict.status)
        return verdict, document

    def close(self) -> None:
        """Take nobody in any more."""
        self.turnstile.close()

"""One visitor's conversation: its turns, the numbers of its citations and what the page needs to draw them.

A `Conversation` is plain data and never changed in place; a `Session` holds the one that is valid now. No third-party
import.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from index.types import Document
from qa.types import Answer, Citation
from qa.web.render import copy_text


class Answering(Protocol):
    """What the chat needs of `qa.Assistant`; safe to call from many threads at once."""

    @property
    def documents(self) -> tuple[Document, ...]: ...

    def ask(self, question: str, history: Sequence[str] = ()) -> Answer: ...

    def over(self, documents: Sequence[Document]) -> Answering:
        """The same models over other documents, held in memory."""


Change = Callable[["Conversation"], "Conversation"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """A visitor's own document: who answers about it, and the file's name, a label only."""

    assistant: Answering
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One question with its answer, or with the one sentence that says why there is none.

    `first` is the number that its first citation has in the conversation. `question` is empty where the sentence is
    about something else, such as a file that cannot be read; `again` says whether asking again may help. `ticket` is
    that of the `Pending` question it was; `corrected` says that the visitor has put it right.
    """

    question: str
    answer: Answer | None = None
    error: str = ""
    again: bool = False
    first: int = 1
    ticket: int = 0
    corrected: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """A question that is being read. `ticket` tells it from every other one of its session."""

    question: str
    ticket: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """Everything that belongs to one session: its turns, the question being read, the visitor's own document.

    `asked` counts all questions ever taken. A failed turn is only ever the last one: the next question takes its place.
    """

    turns: tuple[Turn, ...] = ()
    pending: Pending | None = None
    own: Collection | None = field(default=None, repr=False)
    asked: int = 0

    @property
    def history(self) -> tuple[str, ...]:
        """Earlier questions that were answered, oldest first, as they were asked."""
        return tuple(turn.question for turn in self.turns if turn.answer is not None and not turn.answer.abstained)

    @property
    def next_number(self) -> int:
        """The number of the next citation; numbers run through the conversation and are never used twice."""
        return 1 + sum(len(turn.answer.citations) for turn in self.turns if turn.answer is not None)

    def begin(self, question: str) -> Conversation:
        """`question` is being read; a failed turn before it goes."""
        asked = self.asked + 1
        return replace(self, turns=self._settled(), pending=Pending(question=question, ticket=asked), asked=asked)

    def finish(self, pending: Pending, answer: Answer, documents: Sequence[Document]) -> Conversation:
        """`pending` got `answer`: nothing changes where it was stopped meanwhile.

        Words that do not stand where they are said to are never shown.
        """
        if self.pending != pending:
            return self
        texts = {document.id: document.text for document in documents}
        receipts = [*answer.citations, *([answer.nearest] if answer.nearest else [])]
        if not all(stands(receipt, texts) for receipt in receipts):
            return self.fail(pending, "The answer's words do not stand where it says they do, so it is not shown.")
        turn = Turn(question=pending.question, answer=answer, first=self.next_number, ticket=pending.ticket)
        return replace(self, turns=(*self.turns, turn), pending=None)

    def fail(self, pending: Pending, sentence: str, *, again: bool = False) -> Conversation:
        """`pending` gets no answer, and `sentence` says why: nothing changes where it was stopped meanwhile."""
        return self.refuse(sentence, question=pending.question, again=again) if self.pending == pending else self

    def refuse(self, sentence: str, *, question: str = "", again: bool = False) -> Conversation:
        """Something was not done, and `sentence` says why."""
        turn = Turn(question=question, error=sentence, again=again, first=self.next_number)
        return replace(self, turns=(*self._settled(), turn), pending=None)

    def earlier(self, turn: Turn) -> tuple[str, ...]:
        """The history as it was when the question of `turn` was asked."""
        return replace(self, turns=tuple(each for each in self.turns if each.ticket < turn.ticket)).history

    def correct(self, ticket: int) -> Conversation:
        """The turn was put right."""
        turns = (replace(each, corrected=True) if each.ticket == ticket else each for each in self.turns)
        return replace(self, turns=tuple(turns))

    def stop(self) -> Conversation:
        """The pending question was taken back."""
        return replace(self, pending=None)

    def start_over(self) -> Conversation:
        """Nothing asked yet, about the same documents."""
        return replace(self, turns=(), pending=None)

    def turn_to(self, own: Collection | None) -> Conversation:
        """Nothing asked yet, about the visitor's own document or, without one, about everyone's."""
        return Conversation(own=own, asked=self.asked)

    def _settled(self) -> tuple[Turn, ...]:
        return tuple(turn for turn in self.turns if turn.answer is not None)


class Session:
    """The conversation of one visitor as it is now. Its buttons may be pressed at once, so each change is atomic."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.correcting = threading.Lock()
        self._now = Conversation()

    def __deepcopy__(self, memo: object) -> Session:
        return Session()  # a new visitor starts from nothing

    @property
    def now(self) -> Conversation:
        """The conversation at this moment."""
        return self._now

    def change(self, change: Change) -> Conversation | None:
        """Apply `change`; gives the conversation that it made, or None where it changed nothing."""
        with self._lock:
            before, self._now = self._now, change(self._now)
            return None if self._now is before else self._now


def stands(receipt: Citation, texts: dict[str, str]) -> bool:
    """Whether the quoted words are exactly what stands at the receipt's place."""
    text = texts.get(receipt.document_id)
    return text is not None and text[receipt.start : receipt.end] == receipt.quote


def page_document(
    conversation: Conversation,
    documents: Sequence[Document],
    *,
    shown: str | None = None,
    go: str = "",
    refusal: str = "",
) -> dict[str, Any]:
    """What the article pane draws: one document's text and the list of all.

    `shown` is the id of the document to draw, the first one where it is None or unknown; `go` names the place in it to
    scroll to; `refusal` says why its answers cannot be corrected.
    """
    document = next((each for each in documents if each.id == shown), documents[0])
    return {
        "id": document.id,
        "title": document.title,
        "text": document.text,
        "markdown": document.media_type == "text/markdown",
        "quiet": [list(span) for span in document.quiet],
        "all": [{"id": each.id, "title": each.title} for each in documents],
        "own": conversation.own.label if conversation.own else "",
        "refusal": refusal,
        "go": go,
    }


def page_marks(conversation: Conversation, documents: Sequence[Document]) -> list[dict[str, Any]]:
    """What is lit: for each answered turn its places, by code point, and the text that its Copy button gives."""
    several = len(documents) > 1
    return [
        {
            "turn": number,
            "ticket": turn.ticket,
            "cites": [
                {"n": turn.first + k, "document": receipt.document_id, "start": receipt.start, "end": receipt.end}
                for k, receipt in enumerate(turn.answer.citations)
            ],
            "near": _nearest(turn.answer),
            "copy": copy_text(turn.answer, question=turn.question, first=turn.first, several=several),
            "ask": "" if conversation.own else (turn.answer.understood_as or turn.question),
        }
        for number, turn in enumerate(conversation.turns, start=1)
        if turn.answer is not None
    ]


def _nearest(answer: Answer) -> dict[str, Any] | None:
    if not answer.abstained or answer.nearest is None:
        return None
    receipt = answer.nearest
    return {"document": receipt.document_id, "start": receipt.sentence_start, "end": receipt.sentence_end}

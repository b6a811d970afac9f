"""One visitor's conversation: its turns, the numbers of its citations and what the page needs to draw them.

Plain data, never changed in place, so that nothing one visitor does can reach another. No third-party import.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from index.types import Document
from qa.types import Answer, Citation
from qa.web.render import copy_text


class Answering(Protocol):
    """What the chat needs of `qa.Assistant`; safe to call from many threads at once."""

    @property
    def documents(self) -> tuple[Document, ...]: ...

    def ask(self, question: str, history: Sequence[str] = ()) -> Answer: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """A visitor's own document: who answers about it, the folder it lives in and the file's name, a label only."""

    assistant: Answering
    folder: Path
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One question with its answer, or with the one sentence that says why there is none.

    `first` is the number that its first citation has in the conversation. `question` is empty where the sentence is
    about something else, such as a file that cannot be read; `again` says whether asking again may help.
    """

    question: str
    answer: Answer | None = None
    error: str = ""
    again: bool = False
    first: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """Everything that belongs to one session: its turns, the question being read, the visitor's own document.

    A failed turn is only ever the last one: the next question takes its place.
    """

    turns: tuple[Turn, ...] = ()
    pending: str | None = None
    own: Collection | None = field(default=None, repr=False)

    @property
    def history(self) -> tuple[str, ...]:
        """Earlier questions that were answered, oldest first, each as it was understood."""
        return tuple(
            turn.answer.understood_as or turn.question
            for turn in self.turns
            if turn.answer is not None and not turn.answer.abstained
        )

    @property
    def next_number(self) -> int:
        """The number of the next citation; numbers run through the conversation and are never used twice."""
        return 1 + sum(len(turn.answer.citations) for turn in self.turns if turn.answer is not None)

    def begin(self, question: str) -> Conversation:
        """`question` is being read; a failed turn before it goes."""
        return replace(self, turns=self._settled(), pending=question)

    def finish(self, answer: Answer, documents: Sequence[Document]) -> Conversation:
        """The pending question got `answer`. Words that do not stand where they are said to are never shown."""
        if self.pending is None:
            return self
        texts = {document.id: document.text for document in documents}
        receipts = [*answer.citations, *([answer.nearest] if answer.nearest else [])]
        if not all(stands(receipt, texts) for receipt in receipts):
            return self.fail("The answer's words do not stand where it says they do, so it is not shown.")
        turn = Turn(question=self.pending, answer=answer, first=self.next_number)
        return replace(self, turns=(*self.turns, turn), pending=None)

    def fail(self, sentence: str, *, question: str | None = None, again: bool = False) -> Conversation:
        """There is no answer, and `sentence` says why. Without `question`, it is about the pending one."""
        asked = (self.pending or "") if question is None else question
        turn = Turn(question=asked, error=sentence, again=again, first=self.next_number)
        return replace(self, turns=(*self._settled(), turn), pending=None)

    def stop(self) -> Conversation:
        """The pending question was taken back."""
        return replace(self, pending=None)

    def _settled(self) -> tuple[Turn, ...]:
        return tuple(turn for turn in self.turns if turn.answer is not None)


def stands(receipt: Citation, texts: dict[str, str]) -> bool:
    """Whether the quoted words are exactly what stands at the receipt's place."""
    text = texts.get(receipt.document_id)
    return text is not None and text[receipt.start : receipt.end] == receipt.quote


def page_document(
    conversation: Conversation, documents: Sequence[Document], *, shown: str | None = None, go: str = ""
) -> dict[str, Any]:
    """What the article pane draws: one document's text and the list of all.

    `shown` is the id of the document to draw, the first one where it is None or unknown; `go` names the place in it to
    scroll to.
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
        "go": go,
    }


def page_marks(conversation: Conversation, documents: Sequence[Document]) -> list[dict[str, Any]]:
    """What is lit: for each answered turn its places, by code point, and the text that its Copy button gives."""
    several = len(documents) > 1
    return [
        {
            "turn": number,
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

"""What happens when a visitor asks or opens a file: slow work that ends in a change of the visitor's `Conversation`.

No gradio: `chat` connects these to buttons. Only what every visitor shares is kept here; what belongs to one is in the
`Conversation`. The change is applied when the work is done, to the conversation as it is by then.
"""

from __future__ import annotations

import logging
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path, PurePath
from typing import Any

from index.errors import AssistantError, DocumentError
from index.load import load_document
from index.types import Document
from qa.assistant import check
from qa.errors import QuestionError
from qa.web import render
from qa.web.corrections import Correction, CorrectionError, Corrections, checked_places, turn_document
from qa.web.session import Answering, Change, Collection, Conversation

UPLOAD_LIMIT = 2_000_000  # bytes: a book of a thousand pages, and minutes of a visitor's patience
EXTENSIONS = (".txt", ".md")
_NOWHERE: tuple[tuple[int, int], ...] = ()

_log = logging.getLogger(__name__)


class Desk:
    """Answers for every visitor about `assistant`'s documents, or about the visitor's own one."""

    def __init__(self, assistant: Answering, corrections: Corrections | None = None) -> None:
        self._assistant = assistant
        self._corrections = corrections

    def assistant(self, conversation: Conversation) -> Answering:
        """Who answers in this conversation."""
        return conversation.own.assistant if conversation.own else self._assistant

    def documents(self, conversation: Conversation) -> tuple[Document, ...]:
        """The documents this conversation is about."""
        return self.assistant(conversation).documents

    def take(self, question: str) -> Change:
        """Take a question, or say in one sentence why not. While another is being read, nothing changes."""
        try:
            asked = check(question)
        except QuestionError as error:
            message = str(error)
            return lambda now: now if now.pending else now.refuse(message, question=question.strip())
        return lambda now: now if now.pending else now.begin(asked)

    def answer(self, conversation: Conversation) -> Change:
        """Answer the pending question; whatever goes wrong becomes one sentence."""
        pending = conversation.pending
        if pending is None:
            return lambda now: now
        try:
            answer = self.assistant(conversation).ask(pending.question, conversation.history)
        except (AssistantError, ValueError) as error:
            message = str(error)
            return lambda now: now.fail(pending, message)
        except Exception:  # noqa: BLE001 - a visitor gets a sentence, the log gets the rest
            _log.exception("answering failed")
            message = "Something went wrong while the answer was looked for; your question is still in the box below."
            return lambda now: now.fail(pending, message, again=True)
        return lambda now: now.finish(pending, answer, self.documents(conversation))

    def lost(self, conversation: Conversation) -> Change:
        """The pending question never came back: the queue was full or the connection went away."""
        pending = conversation.pending
        message = "No answer came back because too many questions are waiting; yours is still in the box below."
        return lambda now: now.fail(pending, message, again=True) if pending else now

    def open(self, file: Path, name: str) -> Change:
        """Turn to a visitor's own file, held in this session's memory only; `file` is deleted.

        `name` is what the browser called it: a label, never a path.
        """
        label = PurePath(name.replace("\\", "/")).name.strip() or "the file"
        try:
            assistant = self._assistant.over([_load(file, label)])
        except AssistantError as error:
            message = str(error)
            return lambda now: now.refuse(message)
        except Exception:  # noqa: BLE001 - a visitor gets a sentence, the log gets the rest
            _log.exception("opening a document failed")
            return lambda now: now.refuse(f"Something went wrong while “{label}” was read: try another file.")
        return lambda now: now.turn_to(Collection(assistant=assistant, label=label))

    def refusal(self, conversation: Conversation) -> str:
        """Why answers of this conversation cannot be corrected; "" where they can."""
        return "" if self._corrections is None else self._corrections.refusal(own=conversation.own is not None)

    def correct(self, conversation: Conversation, sent: Any) -> str:
        """Keep what a visitor says is right: "" once it is kept, else the sentence that says why it is not.

        `sent` is what the browser sent: the turn's ticket and, where the document does say, its id and the places.
        """
        sent = sent if isinstance(sent, dict) else {}
        turn = next((each for each in conversation.turns if each.answer and each.ticket == sent.get("ticket")), None)
        if self._corrections is None or turn is None or turn.answer is None or turn.corrected:
            return "This answer cannot be corrected any more."
        if refusal := self.refusal(conversation):
            return refusal
        documents = self.documents(conversation)
        document, places = turn_document(turn.answer, documents), _NOWHERE
        try:
            if sent.get("places") is not None:
                found = next((each for each in documents if each.id == sent.get("document")), None)
                if found is None:
                    raise CorrectionError("the selected words are of no document at hand: select them again")
                document, places = found, checked_places(found, sent["places"])
            self._corrections.save(
                Correction(
                    question=turn.question,
                    said=tuple(item.text for item in turn.answer.items),
                    document=document,
                    places=places,
                    turns=conversation.earlier(turn),
                )
            )
        except CorrectionError as error:
            return error.sentence
        return ""

    def messages(self, conversation: Conversation) -> list[dict[str, str]]:
        """The conversation as messages of escaped HTML."""
        documents = self.documents(conversation)
        shown: list[dict[str, str]] = []
        for number, turn in enumerate(conversation.turns, start=1):
            if turn.question:
                shown.append({"role": "user", "content": render.question(turn.question)})
            card = (
                render.error(turn.error, again=turn.again)
                if turn.answer is None
                else render.answer(
                    turn.answer,
                    turn=number,
                    first=turn.first,
                    documents=documents,
                    link=conversation.own is None,
                    fix="" if self._corrections is None else "saved" if turn.corrected else "button",
                )
            )
            shown.append({"role": "assistant", "content": card})
        if conversation.pending is not None:
            shown.append({"role": "user", "content": render.question(conversation.pending.question)})
            shown.append(
                {
                    "role": "assistant",
                    "content": render.waiting("the documents" if len(documents) > 1 else "the article"),
                }
            )
        return shown


def _load(file: Path, label: str) -> Document:
    """Read an uploaded file and delete it. Raises: `DocumentError`, naming the file as its owner does."""
    suffix = Path(label).suffix.lower()
    try:
        if suffix not in EXTENSIONS:
            raise DocumentError(f"“{label}” is not a text file: choose one that ends in .txt or .md", source=label)
        with tempfile.TemporaryDirectory(prefix="spanwise-") as folder:
            kept = Path(folder) / f"{_safe_stem(label)}{suffix}"
            shutil.move(file, kept)
            try:
                return replace(load_document(kept, max_bytes=UPLOAD_LIMIT), source=label)
            except DocumentError as error:
                message = str(error).replace(repr(str(kept)), f"“{label}”")
                raise DocumentError(message, source=label) from error
    finally:
        file.unlink(missing_ok=True)


def _safe_stem(label: str) -> str:
    """A file name made of a label's letters and digits: the title of a document that has none."""
    stem = "".join(character if character.isalnum() else " " for character in Path(label).stem)
    return " ".join(stem.split())[:60] or "document"

"""What happens when a visitor asks, stops, opens a file or starts over: a `Conversation` in, a `Conversation` out.

No gradio: `chat` connects these to buttons. Only what every visitor shares is kept here; what belongs to one is in the
`Conversation`.
"""

from __future__ import annotations

import logging
import shutil
import tempfile
import uuid
import weakref
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path, PurePath

from index.errors import AssistantError
from index.types import Document
from qa.types import Answer
from qa.web import render
from qa.web.session import Answering, Collection, Conversation

QUESTION_LIMIT = 2_000  # characters: several sentences, and far from what slows the reader down
EXTENSIONS = (".txt", ".md")

Open = Callable[[Path, Path], Answering]

_log = logging.getLogger(__name__)


class Desk:
    """Answers for every visitor about `assistant`'s documents, or about the visitor's own one.

    `open_file(file, folder)` makes who answers about a visitor's file; whatever it keeps on disk stays in `folder`.
    """

    def __init__(self, assistant: Answering, *, open_file: Open) -> None:
        self._assistant = assistant
        self._open_file = open_file
        self._folder = Path(tempfile.mkdtemp(prefix="spanwise-"))
        weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)  # with this process at the latest

    def assistant(self, conversation: Conversation) -> Answering:
        """Who answers in this conversation."""
        return conversation.own.assistant if conversation.own else self._assistant

    def documents(self, conversation: Conversation) -> tuple[Document, ...]:
        """The documents this conversation is about."""
        return self.assistant(conversation).documents

    def begin(self, conversation: Conversation, question: str) -> Conversation:
        """Take a question, or say in one sentence why not. While another is being read, nothing changes."""
        asked = question.strip()
        if conversation.pending is not None:
            return conversation
        if not asked:
            return conversation.fail("There is no question yet: type one into the box below.", question="")
        if len(asked) > QUESTION_LIMIT:
            return conversation.fail(
                f"The question has {len(asked):,} characters and at most {QUESTION_LIMIT:,} can be read: shorten it.",
                question=asked,
            )
        return conversation.begin(asked)

    def answer(self, conversation: Conversation) -> Conversation:
        """Answer the pending question; whatever goes wrong becomes one sentence."""
        if conversation.pending is None:
            return conversation
        try:
            answer: Answer = self.assistant(conversation).ask(conversation.pending, conversation.history)
        except (AssistantError, ValueError) as error:
            return conversation.fail(str(error))
        except Exception:  # noqa: BLE001 - a visitor gets a sentence, the log gets the rest
            _log.exception("answering failed")
            return conversation.fail(
                "Something went wrong while the answer was looked for; your question is still in the box below.",
                again=True,
            )
        return conversation.finish(answer, self.documents(conversation))

    def lost(self, conversation: Conversation) -> Conversation:
        """The pending question never came back: the queue was full or the connection went away."""
        if conversation.pending is None:
            return conversation
        return conversation.fail(
            "No answer came back because too many questions are waiting; yours is still in the box below.", again=True
        )

    def open(self, conversation: Conversation, file: Path, name: str) -> Conversation:
        """Start a conversation about a visitor's own file, for this session only; `file` is moved out of the upload.

        `name` is what the browser called it: a label, never a path.
        """
        label = PurePath(name.replace("\\", "/")).name.strip() or "document"
        suffix = Path(label).suffix.lower()
        if suffix not in EXTENSIONS:
            file.unlink(missing_ok=True)
            return conversation.fail(f"“{label}” is not a text: choose a file that ends in .txt or .md.", question="")
        folder = self._folder / uuid.uuid4().hex
        folder.mkdir()
        kept = folder / f"{_safe_stem(label)}{suffix}"
        shutil.move(file, kept)
        try:
            assistant = self._open_file(kept, folder / "index")
        except AssistantError as error:
            shutil.rmtree(folder, ignore_errors=True)
            return conversation.fail(str(error).replace(str(kept), label), question="")
        except Exception:  # noqa: BLE001 - a visitor gets a sentence, the log gets the rest
            shutil.rmtree(folder, ignore_errors=True)
            _log.exception("opening a document failed")
            return conversation.fail(f"Something went wrong while “{label}” was read; try another file.", question="")
        kept.unlink(missing_ok=True)  # its text is in memory now
        forget(conversation)
        return Conversation(own=Collection(assistant=assistant, folder=folder, label=label))

    def close(self, conversation: Conversation) -> Conversation:
        """Back to the documents that everyone sees; the visitor's own one is deleted."""
        forget(conversation)
        return Conversation()

    def start_over(self, conversation: Conversation) -> Conversation:
        """An empty conversation about the same documents."""
        return replace(conversation, turns=(), pending=None)

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
                    turn.answer, turn=number, first=turn.first, documents=documents, link=conversation.own is None
                )
            )
            shown.append({"role": "assistant", "content": card})
        if conversation.pending is not None:
            shown.append({"role": "user", "content": render.question(conversation.pending)})
            shown.append({"role": "assistant", "content": render.waiting(several=len(documents) > 1)})
        return shown


def forget(conversation: Conversation) -> None:
    """Delete what a visitor's own document left on disk."""
    if conversation.own is not None:
        shutil.rmtree(conversation.own.folder, ignore_errors=True)


def _safe_stem(label: str) -> str:
    """A file name made of a label's letters and digits, for where the loader has no other title."""
    stem = "".join(character if character.isalnum() else " " for character in Path(label).stem)
    return " ".join(stem.split())[:60] or "document"

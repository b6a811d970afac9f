"""Which assistant a question goes to, and what the right document is.

A set brings its own text (SQuAD, JSON Lines with `context`), names files of a folder, or is asked of an assistant that
is there already. The models are opened once; texts are indexed in memory when their first question comes.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from index.errors import DocumentError
from index.load import load_document, load_text
from index.types import Document
from qa.assistant import Assistant
from qa.config import Settings
from qa.evaluation.fields import FieldError
from qa.evaluation.score import Subject
from qa.evaluation.types import Question
from qa.types import Answer

KEPT = 8  # indexed texts at a time: questions on one text usually follow each other


class Asker(Protocol):
    """What is evaluated; `qa.Assistant` is one."""

    @property
    def documents(self) -> tuple[Document, ...]: ...

    def ask(
        self, question: str, history: Sequence[str] = (), *, document_ids: Collection[str] | None = None
    ) -> Answer: ...


@dataclass(frozen=True, slots=True)
class Source:
    """Where one question is asked, and the document it is about."""

    asker: Asker
    subject: Subject
    document_ids: tuple[str, ...] | None = None


class Library:
    """Finds the source of every question; see the module.

    `assistant` is asked about its own documents. Without one, files are looked for in `folder`, or beside the question
    file where `folder` is None. A question that names its document is asked of that one, or where `together` of all
    documents of the assistant or folder at once, so that finding the right one is part of the task. `models` is an
    assistant whose models read them, where one is open already; else they are opened with the first question.

    Raises: `ValueError` for `together` without an assistant or a folder.
    """

    def __init__(
        self,
        assistant: Asker | None = None,
        *,
        folder: Path | None = None,
        settings: Settings | None = None,
        together: bool = False,
        models: Assistant | None = None,
    ) -> None:
        if together and assistant is None and folder is None:
            raise ValueError("to ask all documents together, name an index or a folder of documents")
        self.together = together
        self._models: Assistant | None = assistant if isinstance(assistant, Assistant) else models
        self.settings = settings or (Settings() if self._models is None else self._models.settings)
        self._assistant = assistant
        self._folder = folder
        self._sources: OrderedDict[tuple[str, str], Source] = OrderedDict()
        self._subjects: dict[str, Subject] = {}

    @property
    def models(self) -> Asker | None:
        """An assistant with the models in use, once a question was asked; its documents mean nothing."""
        return self._models or self._assistant

    def source(self, question: Question) -> Source:
        """Where to ask. Raises: `FieldError` where the question's document cannot be had."""
        if question.context is not None:
            key = ("text", (question.title or "") + "\0" + question.context)
        elif self._assistant is not None:
            return self._at_hand(self._assistant, question)
        elif self.together:
            self._assistant = self._opened(self._whole_folder())
            return self._at_hand(self._assistant, question)
        elif question.document is not None:
            key = ("file", str(self._path(question)))
        elif self._folder is not None:
            key = ("folder", str(self._folder))
        else:
            raise FieldError("document", "is missing: name a file, or evaluate with an index or a folder of documents")
        if key not in self._sources:
            self._sources[key] = self._open(key[0], question)
            if len(self._sources) > KEPT:
                self._sources.popitem(last=False)
        self._sources.move_to_end(key)
        return self._sources[key]

    def _at_hand(self, assistant: Asker, question: Question) -> Source:
        if question.document is None:
            return Source(assistant, Subject(None))
        name = question.document
        found = [d for d in assistant.documents if name in (d.source, d.title, d.id, Path(d.source).name)]
        if len(found) != 1:
            count = f"{len(found)} of the documents at hand" if found else "none of the documents at hand"
            raise FieldError("document", f"is {name[:100]!r}, which {count} have as their name")
        document = found[0]
        if document.id not in self._subjects:
            self._subjects[document.id] = Subject.of(document)
        return Source(assistant, self._subjects[document.id], None if self.together else (document.id,))

    def _open(self, kind: str, question: Question) -> Source:
        try:
            if kind == "text":
                documents = [load_text(question.context or "", title=question.title, source=question.file)]
            elif kind == "file":
                documents = [load_document(self._path(question))]
            else:
                documents = self._whole_folder()
        except DocumentError as error:
            raise FieldError("context" if kind == "text" else "document", f"cannot be read: {error}") from error
        return Source(self._opened(documents), Subject.of(documents[0] if kind != "folder" else None))

    def _opened(self, documents: list[Document]) -> Assistant:
        if self._models is None:
            self._models = Assistant.from_documents(documents, settings=self.settings)
            return self._models
        return self._models.over(documents)

    def _path(self, question: Question) -> Path:
        folder = self._folder if self._folder is not None else Path(question.file).parent
        name = question.document or ""
        try:
            path = folder / name
            inside = path.resolve().is_relative_to(folder.resolve())
            there = inside and path.is_file()
        except (OSError, ValueError):  # a name too long, or with a NUL
            inside, there = True, False
        if not inside:
            raise FieldError("document", f"is {name[:100]!r}, which is outside of the folder {str(folder)!r}")
        if not there:
            raise FieldError("document", f"is {name[:100]!r}, and there is no such file in {str(folder)!r}")
        return path

    def _whole_folder(self) -> list[Document]:
        assert self._folder is not None
        documents = []
        for path in sorted(self._folder.iterdir()):
            try:
                documents.append(load_document(path))
            except DocumentError:  # a folder holds other things too, such as the question file
                continue
        if not documents:
            name = str(self._folder)
            raise DocumentError(f"{name!r} holds no document that can be read: put text files there", source=name)
        return documents

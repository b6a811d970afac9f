"""The development questions that are asked: which files, which of their questions, of which documents."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from index.build import MAX_TOKENS, OVERLAP_TOKENS, index_in_memory
from index.embed import Embedder
from index.load import load_document, load_text
from index.store import Index
from index.types import Document
from qa.evaluation.questions import read_questions
from qa.evaluation.score import Subject, is_list
from qa.evaluation.types import Question, Scope

SETS: dict[str, tuple[str, Scope, bool]] = {
    "news": ("news_dev.jsonl", "paragraph", False),
    "uganda": ("uganda_dev.jsonl", "paragraph", False),
    "written": ("written_dev.jsonl", "paragraph", False),
    "hard": ("hard_dev.jsonl", "paragraph", False),
    "dev": ("dev.json", "paragraph", False),
    "multispan": ("multispan_dev.jsonl", "paragraph", False),
    "articles": ("dev.json", "article", False),
    "together": ("written_dev.jsonl", "paragraph", True),
}
"""File, scope, and whether it is asked of all documents at once, so that finding the right one is part of the task."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question, the documents it is asked of, the one it is about, and the question before it on that document."""

    question: Question
    documents: tuple[Document, ...]
    subject: Subject
    before: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """Questions of some sets; of each set at most the sample, evenly spread, of those that `where` takes."""

    title: str
    sets: tuple[str, ...]
    where: Callable[[Question], bool] = lambda _: True


SHORT = ("news", "uganda", "written", "hard", "dev", "multispan")
POOLS = {
    "all": Pool(title="all sets", sets=SHORT),
    "documents": Pool(title="whole documents", sets=("news", "uganda", "written")),
    "long": Pool(title="long documents", sets=("uganda", "articles", "together")),
    "lists": Pool(title="list questions", sets=SHORT, where=is_list),
    "one": Pool(title="questions for one thing", sets=SHORT, where=lambda q: q.answerable and not is_list(q)),
    "typos": Pool(title="misspelt questions", sets=SHORT, where=lambda q: q.kind == "typo"),
    "turns": Pool(title="follow-ups", sets=SHORT, where=lambda q: bool(q.turns)),
    "alone": Pool(
        title="questions that stand alone", sets=("news", "uganda", "written", "hard"), where=lambda q: not q.turns
    ),
}


class Sets:
    """Reads sets when first asked for. Files are looked for in the folders in their order; a set may be missing."""

    def __init__(self, *, questions: Sequence[Path], documents: Sequence[Path], sample: int) -> None:
        if sample < 1:
            raise ValueError(f"sample is {sample}: at least 1 question a set is needed")
        self._questions, self._folders, self._sample = questions, documents, sample
        self._read: dict[str, list[Asked]] = {}
        self._documents: dict[str, tuple[Document, Subject]] = {}

    def all(self, name: str) -> list[Asked]:
        """Every question of a set, in the file's order; none where there is no such file."""
        if name not in self._read:
            self._read[name] = self._set(name)
        return self._read[name]

    def pool(self, pool: Pool) -> list[Asked]:
        """The questions of a pool, the same for the same files and sample."""
        found = []
        for name in pool.sets:
            fit = [asked for asked in self.all(name) if pool.where(asked.question)]
            found += fit[:: max(1, -(-len(fit) // self._sample))]
        return found

    def _set(self, name: str) -> list[Asked]:
        file, scope, together = SETS[name]
        path = next((folder / file for folder in self._questions if (folder / file).is_file()), None)
        if path is None:
            return []
        asked: list[Asked] = []
        for question in read_questions([path], scope=scope):
            subject = self._subject(question)
            last = asked[-1] if asked and asked[-1].subject.document == subject.document else None
            marked = replace(question, id=f"{name}:{question.id}")
            asked.append(
                Asked(
                    question=marked,
                    documents=() if subject.document is None else (subject.document,),
                    subject=subject,
                    before=None if last is None else last.question.text,
                )
            )
        if together:
            every = tuple({d.id: d for one in asked for d in one.documents}.values())
            asked = [replace(one, documents=every) for one in asked]
        return asked

    def _subject(self, question: Question) -> Subject:
        key = question.document or f"{question.title}\0{question.context}"
        if key not in self._documents:
            if question.context is not None:
                document = load_text(question.context, title=question.title, source=question.file)
            else:
                document = load_document(self._path(question.document or ""))
            self._documents[key] = (document, Subject.of(document))
        return self._documents[key][1]

    def _path(self, name: str) -> Path:
        for folder in self._folders:
            if (folder / name).is_file():
                return folder / name
        raise SystemExit(f"no document {name!r} in {', '.join(map(str, self._folders))}: name its folder too")


class Indexes:
    """Indexes in memory, each made once."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._made: dict[tuple[tuple[str, ...], int, int], Index] = {}

    def of(
        self, documents: Sequence[Document], *, max_tokens: int = MAX_TOKENS, overlap_tokens: int = OVERLAP_TOKENS
    ) -> Index:
        """The index of these documents in passages of this size."""
        key = (tuple(document.id for document in documents), max_tokens, overlap_tokens)
        if key not in self._made:
            self._made[key] = index_in_memory(
                documents, self._embedder, max_tokens=max_tokens, overlap_tokens=overlap_tokens
            )
        return self._made[key]

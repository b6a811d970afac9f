"""`Assistant.ask`: retrieve → read → choose → cite → decide. The one object that everything else talks to."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from index.build import index_in_memory, open_or_build
from index.embed import Embedder, open_embedder
from index.retrieve import Retriever
from index.store import Index, open_index
from index.types import Document, Hit, Passage
from qa import calibrate
from qa.about import is_of_nothing_here, is_put_to_the_assistant
from qa.calibrate import Calibration
from qa.choose import Choice, choose, worth_reading
from qa.cite import cite_all
from qa.complete import complete
from qa.config import Settings
from qa.conversation import parts, resolve
from qa.decide import Decider, Examined
from qa.errors import QuestionError
from qa.lists import ListRules, asks_for_several
from qa.reading import builtin
from qa.reading.cascade import Cascade
from qa.reading.reader import Reader
from qa.spelling import Spelling
from qa.types import Answer, Citation, Reading

if TYPE_CHECKING:
    import os

    from index.build import Progress

MAX_QUESTION = 2000
"""Characters; a reader takes about 64 tokens of them, so a longer text is not a question."""

RELATED = 0.1
"""Cosine from which a passage without a word of the question may still have to do with it; chosen on the dev sets for
the built-in embedder. Lower, questions about other things altogether get answers; with an embedder whose cosines are
all greater, words and reader decide alone."""

SURELY_RELATED = 0.9
"""How surely a passage must answer a question that has nothing else to do with it: "who makes it?"."""

GLANCED = 2
"""How many passages the first guess is read from: as many as the skimming reader reads in the blink of an eye."""


OnFound = Callable[[str, Sequence[Hit]], None]
"""Told of a question as it is understood and its passages, best first; for each part of a question that has several."""


@dataclass(slots=True)
class _Clock:
    """Seconds by stage, added up over the parts of a question."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        began = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - began


class Assistant:
    """Answers questions about an index with the document's own words. Safe to use from many threads at once."""

    def __init__(
        self,
        index: Index,
        *,
        embedder: Embedder,
        reader: Reader,
        calibration: Calibration | None = None,
        settings: Settings | None = None,
        rules: ListRules | None = None,
    ) -> None:
        self.settings = Settings() if settings is None else settings
        self._index = index
        self._embedder = embedder
        self._retriever = Retriever(index, embedder)
        self._reader = reader
        self._calibration = calibrate.UNFITTED if calibration is None else calibration
        self._threshold = _threshold(self.settings, self._calibration)
        self._rules = ListRules() if rules is None else rules
        self._documents = {document.id: document for document in index.documents}
        self._decider = Decider(self._documents, embedder, self._calibration)
        self._spelling = Spelling(passage.text for passage in index.passages)

    @classmethod
    def from_files(
        cls,
        paths: Sequence[str | os.PathLike[str]],
        *,
        index_dir: Path | None = None,
        settings: Settings | None = None,
        progress: Progress | None = None,
    ) -> Assistant:
        """An assistant over some files. Their index is kept in `index_dir`, by default in the cache, and reused.

        Raises: `DocumentError`, `ModelError` or another `AssistantError`, each with one sentence.
        """
        settings = Settings() if settings is None else settings
        folder = settings.index_folder(paths) if index_dir is None else index_dir
        index = open_or_build(
            paths, folder, embedder=settings.embedder, cache_dir=settings.cache_dir, progress=progress
        )
        return cls._over(index, settings)

    @classmethod
    def from_index(cls, folder: str | os.PathLike[str], *, settings: Settings | None = None) -> Assistant:
        """An assistant over an index folder. Raises: `IndexDamagedError`, `IndexMismatchError`, `ModelError`."""
        return cls._over(open_index(folder), Settings() if settings is None else settings)

    @classmethod
    def from_documents(cls, documents: Sequence[Document], *, settings: Settings | None = None) -> Assistant:
        """An assistant over documents held in memory; nothing is written."""
        settings = Settings() if settings is None else settings
        embedder = open_embedder(settings.embedder, cache_dir=settings.cache_dir, threads=settings.threads)
        return cls._over(index_in_memory(documents, embedder), settings, embedder)

    @classmethod
    def _over(cls, index: Index, settings: Settings, embedder: Embedder | None = None) -> Assistant:
        if embedder is None:
            name = settings.embedder or index.embedder_name
            embedder = open_embedder(name, cache_dir=settings.cache_dir, threads=settings.threads)
        reader, calibration = open_readers(settings)
        return cls(index, embedder=embedder, reader=reader, calibration=calibration, settings=settings)

    @property
    def calibration(self) -> Calibration:
        """What the reader's scores mean here."""
        return self._calibration

    def over(self, documents: Sequence[Document]) -> Assistant:
        """The same models over other documents, held in memory: for many short texts, one after the other."""
        return Assistant(
            index_in_memory(documents, self._embedder), embedder=self._embedder, reader=self._reader,
            calibration=self._calibration, settings=self.settings, rules=self._rules,
        )  # fmt: skip

    @property
    def documents(self) -> tuple[Document, ...]:
        return self._index.documents

    @property
    def threshold(self) -> float:
        """The least confidence to answer with: the operator's, the one that keeps a stated risk, or the calibrated."""
        return self._threshold

    @property
    def names(self) -> Mapping[str, str]:
        """The models by role, for reports."""
        return {"embedder": self._embedder.name, "reader": self._reader.name}

    def warm(self) -> None:
        """Answer one real question, so that the next is not the first."""
        first = self._index.passages[:1]
        self.ask(first[0].text[:200] if first else "Is there anything here?")

    def ask(
        self,
        question: str,
        history: Sequence[str] = (),
        *,
        document_ids: Collection[str] | None = None,
        on_found: OnFound | None = None,
    ) -> Answer:
        """Answer from the documents (all, or those named), or abstain with the reason and the nearest passage.

        `history` is the earlier questions of the conversation that were answered, oldest first. `on_found` is told of
        the passages before they are read.

        Raises: `QuestionError` for an empty or far too long question.
        """
        return self.decide(self.examine(question, history, document_ids=document_ids, on_found=on_found))

    def search(self, query: str, *, top_k: int, document_ids: Collection[str] | None = None) -> list[Hit]:
        """The passages that have most to do with `query`, best first; of all documents, or of those named."""
        return self._retriever.search(query, top_k=top_k, document_ids=document_ids)

    def glance(self, question: str, hits: Sequence[Hit]) -> Citation | None:
        """A first guess from the passages ranked first, read by the skimming reader and not decided about."""
        passages = worth_reading(question, [hit.passage for hit in hits])[:GLANCED]
        reader = getattr(self._reader, "skim", self._reader)
        choice = choose(reader.read(question, passages), several=False, reread=lambda _: [], rules=self._rules)
        citations = cite_all(self._documents, [choice.best]) if choice is not None else ()
        return citations[0] if citations else None

    def examine(
        self,
        question: str,
        history: Sequence[str] = (),
        *,
        document_ids: Collection[str] | None = None,
        on_found: OnFound | None = None,
    ) -> Examined:
        """Retrieve and read without deciding. Raises: `QuestionError`."""
        typed = check(question)
        asked = self._spelling.corrected(typed)
        chatting = is_put_to_the_assistant(asked)
        resolved = resolve(asked, [] if chatting else [self._spelling.corrected(turn) for turn in history])
        before = resolved.text[: len(resolved.text) - len(asked)]
        clock = _Clock()
        hits: list[Hit] = []
        choices: list[Choice | None] = []
        for part in parts(asked):
            text = before + part
            with clock.stage("retrieve"):
                ranked = self._retriever.search(text, top_k=self.settings.top_k, document_ids=document_ids)
            if on_found is not None:
                on_found(text, ranked)
            with clock.stage("read"):
                choices.append(self._read(text, part, ranked) if ranked else None)
            known = {hit.passage.id for hit in hits}
            hits += [hit for hit in ranked if hit.passage.id not in known]
        weighed = [c.evidence for c in choices if c is not None]
        whole = bool(weighed) and len(weighed) == len(choices)  # of two questions in one, both must be answered
        answerable = min(map(self._calibration.answerable.probability, weighed)) if whole else 0.0
        sure = answerable >= SURELY_RELATED and self._calibration is not calibrate.UNFITTED
        related = sure or any(map(_is_related, hits))
        if chatting or (resolved.text == asked and self._is_of_nothing_here(asked)):
            related = False
        return Examined(
            question=question,
            understood_as=resolved.text if resolved.text != typed else None,
            hits=tuple(hits),
            choices=tuple(choices),
            answerable=answerable if related else 0.0,
            confidence=min(map(self._calibration.right.probability, weighed)) if whole and related else 0.0,
            related=related,
            seconds_by_stage=clock.seconds,
        )

    def decide(self, examined: Examined, *, threshold: float | None = None) -> Answer:
        """Cite and answer, or abstain. `threshold` stands in for the assistant's own; 0 answers whatever was found."""
        clock = _Clock(seconds=dict(examined.seconds_by_stage))
        with clock.stage("cite"):
            answer = self._decider.decide(examined, threshold=self.threshold if threshold is None else threshold)
        return replace(answer, understood_as=examined.understood_as, seconds_by_stage=clock.seconds)

    def _is_of_nothing_here(self, asked: str) -> bool:
        return is_of_nothing_here(asked, in_documents=self._spelling.knows, in_english=self._spelling.is_common)

    def _read(self, text: str, part: str, hits: Sequence[Hit]) -> Choice | None:
        def read(passages: Sequence[Passage]) -> list[Reading]:
            return self._reader.read(text, passages)

        readings = read(worth_reading(part, [hit.passage for hit in hits]))
        choice = choose(readings, several=asks_for_several(part), reread=read, rules=self._rules)
        return None if choice is None else complete(part, choice, readings)


def _is_related(hit: Hit) -> bool:
    return bool(hit.lexical_score) or (hit.dense_score is not None and hit.dense_score >= RELATED)


def check(question: str) -> str:
    """The question without white space around it. Raises: `QuestionError` where there is none, or far too much."""
    asked = question.strip()
    if not any(character.isalnum() for character in asked):
        raise QuestionError("The question is empty: type what you want to know.")
    if len(asked) > MAX_QUESTION:
        raise QuestionError(
            f"The question has {len(asked):,} characters and at most {MAX_QUESTION:,} are read: ask it in fewer words."
        )
    return asked


def _threshold(settings: Settings, calibration: Calibration) -> float:
    if settings.threshold is not None:
        return settings.threshold
    return calibration.threshold if settings.risk is None else calibration.threshold_for(settings.risk)


def open_readers(settings: Settings) -> tuple[Reader, Calibration]:
    """The reader that the settings ask for, with its calibration. Raises: `ModelError`."""
    own = None if settings.calibration is None else calibrate.read(settings.calibration)
    if settings.reader is not None:
        trained = Path(settings.reader)
        if (trained / "reader.json").is_file():  # as `spanwise train-reader` leaves it
            reader = builtin.OnnxReader(trained, threads=settings.threads)
            return reader, calibrate.load(trained) if own is None else own
        from qa.reading.hub import HubReader

        return HubReader(settings.reader), calibrate.UNFITTED if own is None else own
    kind: Literal["small", "careful"] = "small" if settings.depth == "quick" else "careful"
    calibration = calibrate.load(builtin.MODELS / kind) if own is None else own
    small = builtin.open_reader("small", threads=settings.threads)
    if kind == "small":
        return small, calibration
    return Cascade(small, builtin.open_reader("careful", threads=settings.threads)), calibration

"""Whether the right passage is among those read: search alone, so that every question of the articles can be asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from quality_sets import Asked, Indexes
from quality_table import difference, percent, signed, table, verdict

from index.build import index_in_memory
from index.embed import Embedder
from index.retrieve import DENSE_WEIGHT, Retriever
from index.types import Document, Hit, Passage
from qa.evaluation.score import score
from qa.reading.cascade import Cascade
from qa.reading.reader import Reader
from qa.types import Answer, Reading

TOPS = (3, 5, 10, 20)
SHIPPED_TOP = 10
KEEPS = (2, 3, 5, 8, 10)
Told = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """One way to cut and search, and in which questions (0 or 1 each) so many passages held the whole answer."""

    change: str
    removes: bool
    found: dict[int, NDArray[np.float64]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Way:
    change: str
    max_tokens: int = 200
    overlap_tokens: int = 50
    dense_weight: float = DENSE_WEIGHT
    titled: bool = False
    removes: bool = False


WAYS = (
    _Way(change="as shipped: 200 tokens, 50 of them shared"),
    _Way(change="200, none shared", overlap_tokens=0, removes=True),
    _Way(change="100, 50 shared", max_tokens=100),
    _Way(change="100, none shared", max_tokens=100, overlap_tokens=0),
    _Way(change="254 (the embedder's most), 50 shared", max_tokens=254),
    _Way(change="by meaning alone", dense_weight=1.0, removes=True),
    _Way(change="by words alone (BM25)", dense_weight=0.0, removes=True),
    _Way(change="half and half", dense_weight=0.5),
    _Way(change="nine tenths by meaning", dense_weight=0.9),
)
TOGETHER = (
    _Way(change="as shipped"),
    _Way(change="title put before every passage", titled=True),
    _Way(change="by meaning alone", dense_weight=1.0, removes=True),
    _Way(change="by words alone (BM25)", dense_weight=0.0, removes=True),
    _Way(change="half and half", dense_weight=0.5),
)


class Titled:
    """An `Embedder` that puts its document's title before a passage; questions stay as they are."""

    def __init__(self, embedder: Embedder, titles: dict[str, str]) -> None:
        self._embedder, self._titles = embedder, titles
        self.name, self.dim, self.max_tokens = embedder.name, embedder.dim, embedder.max_tokens
        self.count_tokens, self.embed_query = embedder.count_tokens, embedder.embed_query

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self._embedder.embed_passages([f"{self._titles[text]}\n{text}" for text in texts])


def searches(asked: Sequence[Asked], embedder: Embedder, *, together: bool, told: Told) -> Iterator[Search]:
    """Every way, over the questions that have an answer; of all documents at once where `together`."""
    wanted = [one for one in asked if one.question.answerable]
    every = tuple({d.id: d for one in wanted for d in one.documents}.values())
    indexes = Indexes(embedder)
    for way in TOGETHER if together else WAYS:
        found: dict[int, list[float]] = {top: [] for top in TOPS}
        titled = _titled(every, embedder, indexes) if way.titled else None
        for done, one in enumerate(wanted):
            told(way.change, done, len(wanted))
            documents = every if together else one.documents
            index = indexes.of(documents, max_tokens=way.max_tokens, overlap_tokens=way.overlap_tokens)
            retriever = titled or Retriever(index, embedder, dense_weight=way.dense_weight)
            hits = retriever.search(one.question.text, top_k=max(TOPS))
            for top in TOPS:
                found[top].append(float(holds(one, hits[:top])))
        columns = {top: np.array(values) for top, values in found.items()}
        yield Search(change=way.change, removes=way.removes, found=columns)


def _titled(documents: Sequence[Document], embedder: Embedder, indexes: Indexes) -> Retriever:
    names = {document.id: document.title for document in documents}
    titles = {passage.text: names[passage.document_id] for passage in indexes.of(documents).passages}
    made = Titled(embedder, titles)
    return Retriever(index_in_memory(documents, made), made)


def holds(asked: Asked, hits: Sequence[Hit]) -> bool:
    """Whether the passages hold every span of a right answer, as `spanwise evaluate` has it."""
    answer = Answer(question=asked.question.text, hits=tuple(hits))
    return bool(score(asked.question, answer, asked.subject).retrieved)


class _Recorder:
    """Stands in for the careful reader and notes what it would have read."""

    name = "recorder"

    def __init__(self) -> None:
        self.given: list[Passage] = []

    def read(self, question: str, passages: Sequence[Passage], *, n_best: int = 5) -> list[Reading]:  # noqa: ARG002
        self.given = list(passages)
        return [Reading(passage=passage, spans=(), null_score=0.0) for passage in passages]


def skims(
    asked: Sequence[Asked], embedder: Embedder, small: Reader, *, keeps: Sequence[int], told: Told
) -> dict[int, NDArray[np.float64]]:
    """By how many passages are kept: in which questions the careful reader is given the right one."""
    wanted = [one for one in asked if one.question.answerable]
    indexes = Indexes(embedder)
    found: dict[int, list[float]] = {keep: [] for keep in keeps}
    for done, one in enumerate(wanted):
        told("skimming", done, len(wanted))
        hits = Retriever(indexes.of(one.documents), embedder).search(one.question.text, top_k=SHIPPED_TOP)
        by_id = {hit.passage.id: hit for hit in hits}
        for keep in keeps:
            recorder = _Recorder()
            Cascade(small, recorder, keep=keep).read(one.question.text, [hit.passage for hit in hits])
            found[keep].append(float(holds(one, [by_id[passage.id] for passage in recorder.given])))
    return {keep: np.array(values) for keep, values in found.items()}


def search_text(asked: Sequence[Asked], embedder: Embedder, *, together: bool, told: Told) -> str:
    """The table of searches."""
    groups = [one.question.group for one in asked if one.question.answerable]
    base, *others = list(searches(asked, embedder, together=together, told=told))
    rows = []
    for search in (base, *others):
        before, after = base.found[SHIPPED_TOP], search.found[SHIPPED_TOP]
        change = (None, None) if search is base else difference(before, after, groups)
        rows.append(
            [
                search.change,
                *(percent(100 * float(search.found[top].mean())) for top in TOPS),
                signed(*change),
                verdict(*change, removes=search.removes),
            ]
        )
    where = "among the passages of all articles at once" if together else "among the passages of its own article"
    heads = ["passages", *(f"first {top}" for top in TOPS), f"difference at {SHIPPED_TOP}", ""]
    text = f"## The right passage {where}\n\nOf {len(groups):,} questions with an answer.\n\n{table(heads, rows)}\n"
    return text if together else f"{text}\nAs shipped, article by article:\n\n{_by_article(base, groups)}\n"


def _by_article(search: Search, groups: Sequence[str]) -> str:
    """The table of one way for each article; a heap of unrelated texts is harder than an article."""
    rows = []
    for name in dict.fromkeys(groups):
        own = np.array([group == name for group in groups])
        shares = (percent(100 * float(search.found[top][own].mean())) for top in TOPS)
        rows.append([name.replace("_", " "), f"{int(own.sum()):,}", *shares])
    return table(["article", "questions", *(f"first {top}" for top in TOPS)], rows)


def skim_text(asked: Sequence[Asked], embedder: Embedder, small: Reader, *, told: Told) -> str:
    """The table of what skimming loses."""
    kept = skims(asked, embedder, small, keeps=KEEPS, told=told)
    rows = [[f"{keep} of {SHIPPED_TOP}", percent(100 * float(kept[keep].mean()))] for keep in KEEPS]
    heads = ["read with care", "right passage among them"]
    count = len(kept[KEEPS[0]])
    return f"## What skimming loses\n\nOf {count:,} questions on whole articles.\n\n{table(heads, rows)}\n"

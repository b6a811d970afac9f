"""A scripted assistant, and citations: answers what it was told to, with real receipts; for tests without models."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from index.load import load_text
from index.sentences import split_blocks
from index.types import Document, Hit, Passage
from qa.cite import receipt
from qa.types import Answer, Citation, Item


class Scripted:
    """`said` maps a question to the words to answer with, each found at its first place; none abstains."""

    threshold = 0.5

    def __init__(
        self, text: str, said: Mapping[str, Sequence[str]], *, name: str = "text.txt", confidence: float = 0.9
    ) -> None:
        self.document = load_text(text, title=name, source=name)
        self.documents: tuple[Document, ...] = (self.document,)
        self.said = said
        self.confidence = confidence
        self.names = {"reader": "scripted"}
        self.asked: list[str] = []

    def ask(self, question: str, history: Sequence[str] = (), *, document_ids: Collection[str] | None = None) -> Answer:
        self.asked.append(question)
        words = self.said.get(question, ())
        return answer(self.document, *words, question=question, confidence=self.confidence if words else 0.1)


def cited(document: Document, number: int, start: int, end: int, sentence: tuple[int, int] | None = None) -> Citation:
    """The receipt of a place; its sentence is the line it stands in where none is given."""
    return receipt(document, start, end, number=number, sentences=() if sentence is None else [sentence])


def answer(
    document: Document, *words: str | tuple[int, int], question: str = "?", confidence: float = 0.9, stage: str = ""
) -> Answer:
    """An answer of these words (or places), which abstains where there are none. The whole document was retrieved."""
    text = document.text
    places = [(text.index(w), text.index(w) + len(w)) if isinstance(w, str) else w for w in words]
    sentences = tuple(place for block in split_blocks(text, document.quiet) for place in block.sentences)
    passage = Passage(id="p", document_id=document.id, text=text, start=0, end=len(text), sentences=sentences)
    citations = tuple(
        receipt(document, start, end, number=n, sentences=sentences) for n, (start, end) in enumerate(places, start=1)
    )
    return Answer(
        question=question,
        items=tuple(Item(text=c.quote, citation=c.number) for c in citations),
        citations=citations,
        confidence=confidence,
        answerable=confidence,
        abstained=not places,
        stage=stage or ("answered" if places else "threshold"),  # type: ignore[arg-type]
        hits=(Hit(passage=passage, score=1.0, rank=0, dense_score=0.5, lexical_score=1.0),),
        seconds_by_stage={"retrieve": 0.25, "read": 0.5},
    )

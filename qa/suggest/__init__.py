"""Example questions made from the documents at hand: asked first, and shown only if the document answers them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from time import monotonic
from typing import TYPE_CHECKING

from index.types import Document
from qa.suggest.patterns import Candidate, candidates

if TYPE_CHECKING:
    from qa.assistant import Assistant
    from qa.types import Answer

__all__ = ["suggest_questions"]

_CONFIDENT = 0.65  # "Likely" or better: an example that is declined teaches distrust
_TRIES = 3  # questions asked for each one wanted, at most
_READ = 100_000  # characters of each document that are looked at
_MOST = 300  # candidates of each document
_WORTH = ("what", "how many", "when", "where", "how much", "asked", "who", "means", "stands for", "what is", "who is")


def suggest_questions(assistant: Assistant, n: int = 4, *, seconds: float = 4.0) -> list[str]:
    """Return up to `n` questions that the documents answer, in reading order, no two of one sentence or answer.

    What is found within `seconds` is returned. The questions are made by `qa.suggest.patterns`, and each is asked
    before it is returned: kept are those that the assistant answers with confidence from the very place the question
    was made from. A text that is not plain English, or too tangled to be sure of the grammar, gives fewer or none.
    """
    if n < 1:
        return []
    kept: list[tuple[Candidate, Answer]] = []
    deadline = monotonic() + seconds
    order = {document.id: position for position, document in enumerate(assistant.documents)}
    for candidate in islice(_spread(assistant.documents, n), _TRIES * n):
        if any(
            candidate.sentence == other.sentence and candidate.document_id == other.document_id for other, _ in kept
        ):
            continue
        answer = assistant.ask(candidate.question, document_ids=[candidate.document_id])
        if _is_good(candidate, answer) and not any(_same(answer, other) for _, other in kept):
            kept.append((candidate, answer))
        if len(kept) == n or monotonic() > deadline:
            break
    kept.sort(key=lambda pair: (order[pair[0].document_id], pair[0].sentence))
    return [candidate.question for candidate, _ in kept]


def _is_good(candidate: Candidate, answer: Answer) -> bool:
    if answer.abstained or answer.confidence < _CONFIDENT or answer.understood_as is not None:
        return False
    start, end = candidate.expected
    return all(citation.quote.casefold() not in candidate.question.casefold() for citation in answer.citations) and any(
        citation.document_id == candidate.document_id and citation.start < end and citation.end > start
        for citation in answer.citations
    )


def _same(one: Answer, other: Answer) -> bool:
    return not {item.text.casefold() for item in one.items}.isdisjoint(item.text.casefold() for item in other.items)


def _spread(documents: Sequence[Document], n: int) -> Iterator[Candidate]:
    """Candidates from `n` places spread over the documents in turn, the kinds seen least and worth most first."""
    pool: list[Candidate] = []
    for document in documents[: 4 * n]:
        # What is cut off cannot move an offset; a sentence that it cuts in two makes no question.
        pool += islice(candidates(replace(document, text=document.text[:_READ])), _MOST)
    bands = [list(pool[len(pool) * i // n : len(pool) * (i + 1) // n]) for i in range(n)]
    used = dict.fromkeys(_WORTH, 0)
    while any(bands):
        for band in bands:
            if band:
                best = min(band, key=lambda candidate: (used[candidate.kind], _WORTH.index(candidate.kind)))
                band.remove(best)
                used[best.kind] += 1
                yield best

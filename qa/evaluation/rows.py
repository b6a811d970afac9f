"""One question's line in `predictions.jsonl`: everything that metrics, report and comparison need, and nothing else."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from qa.assistant import Assistant
from qa.evaluation.score import Range, Score, Subject, score
from qa.evaluation.sources import Source
from qa.evaluation.types import Question
from qa.types import Answer

Row = dict[str, Any]
_SHOWN = 8  # sentences kept for the report
_LONGEST = 2_000  # characters of one


def ask(question: Question, source: Source) -> Row:
    """Ask one question and score the answer.

    Our own assistant reads once and decides twice, as set and, where that abstains, whatever its confidence: what a
    lower threshold would have brought, and whether the reader or the threshold is to blame.

    Raises: `QuestionError`, `ReaderError` or another `AssistantError` of the assistant.
    """
    if not isinstance(source.asker, Assistant):
        answer = source.asker.ask(question.text, question.turns, document_ids=source.document_ids)
        return _row(question, answer, answer, source.subject)
    examined = source.asker.examine(question.text, question.turns, document_ids=source.document_ids)
    answer = source.asker.decide(examined)
    forced = source.asker.decide(examined, threshold=0.0) if answer.abstained else answer
    return _row(question, answer, forced, source.subject)


def _row(question: Question, answer: Answer, forced: Answer, subject: Subject) -> Row:
    scored = score(question, answer, subject)
    unbound = scored if forced is answer else score(question, forced, subject)
    lost = scored.lost
    if question.answerable and forced is not answer and lost != "retrieval":
        lost = "threshold" if unbound.lenient else "reader"  # would it have been right?
    citations = {citation.number: citation for citation in answer.citations}
    cited = [citations[item.citation] for item in forced.items if item.citation in citations]
    return {
        "id": question.id,
        "file": question.file,
        "line": question.line,
        "question": question.text,
        "turns": list(question.turns),
        "understood_as": answer.understood_as,
        "kind": question.kind,
        "group": question.group,
        "document": question.document or question.title,
        "sha256": subject.document.sha256 if subject.document is not None else None,
        "answerable": question.answerable,
        "gold": [{"spans": [_place(s.text, s.start, s.end) for s in a.spans], "aliases": list(a.aliases)}
                 for a in question.answers],
        "items": [item.text for item in answer.items],
        "citations": [asdict(citation) for citation in cited],
        "confidence": answer.confidence,
        "p_answerable": answer.answerable,
        "abstained": answer.abstained,
        "stage": answer.stage,
        "outcome": scored.outcome,
        "lost": lost,
        **_scores(scored),
        "squad_text": scored.squad_text,
        "squad_golds": list(scored.squad_golds),
        "forced": {"items": [item.text for item in forced.items], "abstained": forced.abstained, **_scores(unbound)},
        "found": scored.found,
        "wanted": scored.wanted,
        "list": None if scored.items is None else asdict(scored.items),
        "cited": [scored.cited, scored.cited_right, scored.gold, scored.gold_cited],
        "retrieved": scored.retrieved,
        "document_found": scored.document_found,
        "holding": list(scored.holding),
        "passages": len(answer.hits),
        "sentences": _sentences(question, answer, subject),
        "seconds": dict(answer.seconds_by_stage),
    }  # fmt: skip


def _scores(scored: Score) -> Row:
    return {"strict": scored.strict, "lenient": scored.lenient, "exact": scored.exact, "f1": scored.f1}


def _place(text: str, start: int | None, end: int | None) -> Row:
    return {"text": text, "start": start, "end": end}


def _sentences(question: Question, answer: Answer, subject: Subject) -> list[Row]:
    """The sentences that hold what was said and what was right, to be shown with both marked."""
    if subject.document is None:
        return []
    identity, text = subject.document.id, subject.document.text
    places: list[Range] = [(c.start, c.end) for c in answer.citations if c.document_id == identity]
    if question.answers:
        places += [(s.start, s.end) for s in question.answers[0].spans if s.start is not None and s.end is not None]
    elif answer.nearest is not None and answer.nearest.document_id == identity:
        places.append((answer.nearest.start, answer.nearest.end))
    touched = subject.touching(places)[:_SHOWN]
    return [{"start": a, "text": text[a : min(b, a + _LONGEST)]} for a, b in touched]

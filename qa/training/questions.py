"""Question files → examples to train on: what is asked of which text, and where its answers stand.

Reads what `spanwise evaluate` reads. An answer without a place teaches nothing, so such questions are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from qa.evaluation.errors import QuestionSetError
from qa.evaluation.questions import read_questions
from qa.evaluation.types import Problem, Question
from qa.training.errors import TrainingError

Places = list[tuple[int, int]]
OnProblem = Callable[[Problem], None]


@dataclass(slots=True)
class Example:
    """A question on one text. `golds` are alternatives for a single span, `tags` every item of one complete answer.

    `variants` are other ways to ask it; places are characters at first, and tokens once the text was cut into them.
    """

    question: str
    variants: list[str]
    context: int
    golds: Places
    tags: Places
    weight: float
    answers: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Context:
    """A text that is asked about. Those of one article follow each other, in its order."""

    text: str
    article: int
    title: str


@dataclass(slots=True)
class Sets:
    """Everything that the question files hold."""

    examples: list[Example] = field(default_factory=list)
    contexts: list[Context] = field(default_factory=list)


def read_sets(files: Iterable[tuple[Path, float]], documents: Path | None, on_problem: OnProblem) -> Sets:
    """Read question files, each with how often its questions are drawn relative to the others.

    Raises: `TrainingError` where a file cannot be used, or none holds a question with an answer that has a place.
    """
    sets = Sets()
    for path, weight in files:
        texts = Texts(path, documents)
        numbers: dict[str, int] = {}
        before = len(sets.examples)
        for question in _questions(path, on_problem):
            try:
                text = texts.of(question)
            except ValueError as error:
                on_problem(_problem(question, str(error)))
                continue
            if text not in numbers:
                last = sets.contexts[-1] if sets.contexts else None
                continued = question.line is None and bool(numbers) and texts.group == question.group
                article = -1 if last is None else last.article
                numbers[text] = len(sets.contexts)
                sets.contexts.append(Context(text, article if continued else article + 1, question.title or ""))
            texts.group = question.group
            example = _example(question, numbers[text], weight)
            if example is None:
                on_problem(_problem(question, "has an answer without a place in the text"))
            else:
                sets.examples.append(example)
        if len(sets.examples) == before:
            raise TrainingError(f"{str(path)!r} holds no question that can be trained on: check what the file is")
    if not any(example.golds for example in sets.examples):
        raise TrainingError("no question of --train can be answered from its text: name files that hold answers")
    return sets


class Texts:
    """What the questions of one file are about: their own context, or a file beside it."""

    def __init__(self, path: Path, documents: Path | None) -> None:
        self.folder = path.parent if documents is None else documents
        self.group = ""
        self._read: dict[str, str] = {}

    def of(self, question: Question) -> str:
        """Raises: `ValueError` where there is no text."""
        if question.context is not None:
            return question.context
        name = question.document
        if name is None:
            raise ValueError("is missing: a question needs a context or a document")
        if name not in self._read:
            file = (self.folder / name).resolve()
            if not file.is_relative_to(self.folder.resolve()):
                raise ValueError(f"is {name[:100]!r}, which is not in {str(self.folder)!r}")
            try:
                self._read[name] = file.read_bytes().decode("utf-8")
            except (OSError, ValueError) as error:
                raise ValueError(
                    f"is {name[:100]!r}, which cannot be read as UTF-8 text in {str(self.folder)!r}"
                ) from error
        return self._read[name]


def asked(question: Question) -> list[str]:
    """A question as a reader is asked it: behind the turn before, and behind all of them."""
    forms = [" ".join([*question.turns[-1:], question.text])]
    if len(question.turns) > 1:
        forms.append(" ".join([*question.turns, question.text]))
    return forms


def _questions(path: Path, on_problem: OnProblem) -> Iterable[Question]:
    try:
        yield from read_questions([path], on_problem=on_problem)
    except QuestionSetError as error:
        raise TrainingError(str(error)) from error


def _problem(question: Question, message: str) -> Problem:
    return Problem(file=question.file, line=question.line, field=question.id, message=message)


def _example(question: Question, context: int, weight: float) -> Example | None:
    """None where an answer has no place. Of a list every item is a tag, and any one item may be the span."""
    alternatives: list[Places] = []
    for one in question.answers:
        places = [(span.start, span.end) for span in one.spans if span.start is not None and span.end is not None]
        if len(places) == len(one.spans) > 0:
            alternatives.append(places)
    if question.answerable and not alternatives:
        return None
    golds = sorted({places[0] for places in alternatives if len(places) == 1})
    # SQuAD's answers are different people's words for one thing; the first of a JSON Lines set is the complete one.
    tags = alternatives[0] if question.line is not None and alternatives else golds[:1] if len(golds) == 1 else []
    first, *variants = asked(question)
    return Example(
        question=first,
        variants=variants,
        context=context,
        golds=golds or tags,
        tags=list(tags),
        weight=weight,
        answers=[span.text for one in question.answers for span in one.spans],
    )

"""SQuAD 1.1 and 2.0 JSON (Rajpurkar et al. 2016, 2018), one article in memory at a time.

The only module that imports `ijson`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from qa.evaluation import fields
from qa.evaluation.fields import FieldError
from qa.evaluation.types import Alternative, Place, Problem, Question, Scope

_MARK = b"\xef\xbb\xbf"
_BETWEEN = "\n\n"  # paragraphs of one article


def read_squad(path: Path, *, scope: Scope, on_problem: Callable[[Problem], None]) -> Iterator[Question]:
    """Yield the questions of every article, in the file's order; `scope` says what their document is.

    What follows a place where the file stops being JSON is lost, and reported as such; everything before it is not.
    """
    import ijson

    file = str(path)

    def report(error: FieldError) -> None:
        on_problem(Problem(file=file, line=None, field=error.field, message=str(error)))

    at = -1
    with path.open("rb") as source:
        if source.read(3) != _MARK:
            source.seek(0)
        try:
            for at, article in enumerate(ijson.items(source, "data.item", use_float=True)):
                yield from _article(article, f"data[{at}]", file=file, scope=scope, report=report)
        except (ijson.JSONError, UnicodeDecodeError, RecursionError, ValueError) as error:
            reason = str(error).splitlines()[0][:100] if str(error) else type(error).__name__
            report(FieldError(f"data[{at + 1}]", f"is not JSON, so nothing from here on could be read ({reason})"))
            return
    if at < 0:
        report(FieldError("data", 'is missing or empty: a SQuAD file is {"data": [{"title", "paragraphs": […]}]}'))


def _article(
    value: object, path: str, *, file: str, scope: Scope, report: Callable[[FieldError], None]
) -> Iterator[Question]:
    try:
        article = fields.mapping(value, path)
        title = fields.text(article, "title", path=f"{path}.", optional=True)
        listed = [fields.mapping(one, f"{path}.paragraphs[{i}]") for i, one in _list(article, "paragraphs", path)]
    except FieldError as error:
        report(error)
        return
    paragraphs: list[tuple[str, str, Mapping[str, Any]]] = []
    for i, paragraph in enumerate(listed):
        try:
            place = f"{path}.paragraphs[{i}]"
            paragraphs.append((place, fields.text(paragraph, "context", path=f"{place}."), paragraph))
        except FieldError as error:
            report(error)
    whole = _BETWEEN.join(context for _, context, _ in paragraphs)
    offset = 0
    for place, context, paragraph in paragraphs:
        shift, text = (offset, whole) if scope == "article" else (0, context)
        offset += len(context) + len(_BETWEEN)
        try:
            rows = list(_list(paragraph, "qas", place))
        except FieldError as error:
            report(error)
            continue
        for i, row in rows:
            try:
                yield _question(row, f"{place}.qas[{i}]", file=file, title=title, text=text, shift=shift)
            except FieldError as error:
                report(error)


def _question(value: object, path: str, *, file: str, title: str, text: str, shift: int) -> Question:
    row = fields.mapping(value, path)
    answers = []
    for i, one in _list(row, "answers", path):
        place = f"{path}.answers[{i}]"
        answer = fields.mapping(one, place)
        words = fields.text(answer, "text", path=f"{place}.")
        start = answer.get("answer_start")
        if not isinstance(start, int) or isinstance(start, bool) or start < 0:
            raise FieldError(f"{place}.answer_start", f"is {str(start)[:40]}: a whole number from 0 is needed")
        answers.append(Alternative(spans=(Place(text=words, start=start + shift, end=start + shift + len(words)),)))
    impossible = fields.flag(row, "is_impossible", default=not answers)
    if impossible == bool(answers):
        raise FieldError(
            f"{path}.answers",
            f"{'are there' if answers else 'is empty'}, but is_impossible is {str(impossible).lower()}",
        )
    return Question(
        id=fields.identity(row, path=f"{path}."),
        text=fields.text(row, "question", path=f"{path}."),
        answers=tuple(answers),
        answerable=not impossible,
        context=text,
        title=title or None,
        group=title or path.partition(".")[0],
        file=file,
    )


def _list(row: Mapping[str, Any], field: str, path: str) -> enumerate[Any]:
    value = row.get(field)
    if not isinstance(value, list):
        raise FieldError(f"{path}.{field}", "is missing or no list")
    return enumerate(value)

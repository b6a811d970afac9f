"""What a question set holds. No third-party import; all frozen; offsets are `str` indices, half-open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Scope = Literal["paragraph", "article"]
"""What counts as the document of a SQuAD question: its own paragraph, or the whole article it is part of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Words of a document. `document[start:end] == text`; both are None where a set does not say where they stand."""

    text: str
    start: int | None = None
    end: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternative:
    """One way to be right: all of `spans` together, or any single string of `aliases`."""

    spans: tuple[Place, ...] = ()
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One row of a question set.

    What it is asked of is `context` where the set brings its own text, else the file called `document`; both are None
    for a question about whatever documents are at hand. `answers` are alternatives, any one of which is enough; none
    when not `answerable`. `evidence` are the sentences that settle the question. `turns` are the earlier questions of a
    conversation, oldest first. `group` names what questions share when intervals are drawn: their document or article.
    `file` and `line` are where the row stands; `line` is None in a JSON file, which is no list of lines.
    """

    id: str
    text: str
    answers: tuple[Alternative, ...]
    answerable: bool
    kind: str = ""
    turns: tuple[str, ...] = ()
    evidence: tuple[Place, ...] = ()
    document: str | None = None
    context: str | None = None
    title: str | None = None
    group: str = ""
    file: str = ""
    line: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something in a question set that could not be used, and where it stands.

    `field` is the row's field, or the path to it in a JSON file. `lost` tells whether the question was left out; if
    not, only the field was.
    """

    file: str
    line: int | None
    field: str
    message: str
    lost: bool = True

    def __str__(self) -> str:
        place = ", ".join([self.file, *([f"line {self.line}"] if self.line is not None else []), self.field])
        return f"{place}: {self.message}"

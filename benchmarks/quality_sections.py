"""What is compared with what: the tables, their questions and their variants, in the order they are told."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from unittest.mock import patch

from quality_sets import Asked
from quality_variants import (
    NEVER,
    AlwaysLeaning,
    OneSpan,
    OverItsOwnNull,
    OverOwnNull,
    OverThePooledNull,
    Softmaxed,
    Uncalibrated,
    Untagged,
    Variant,
    WithoutHistory,
    assistant,
    keeping,
)

import qa.assistant
import qa.complete
import qa.same
import qa.spelling
from qa.calibrate import UNFITTED
from qa.lists import ListRules


def _unmerged() -> AbstractContextManager[object]:
    return patch.object(qa.same, "_same", lambda *_: False)


def _as_found() -> AbstractContextManager[object]:
    return patch.object(qa.assistant, "complete", lambda _, choice, *__: choice)


def _one_entry() -> AbstractContextManager[object]:
    return patch.object(qa.complete, "siblings", lambda *_, **__: [])


def _about_anything() -> AbstractContextManager[object]:
    return patch.object(qa.assistant, "is_of_nothing_here", lambda *_, **__: False)


def _as_typed() -> AbstractContextManager[object]:
    return patch.object(qa.spelling.Spelling, "corrected", lambda _, question: question)


def _several() -> AbstractContextManager[object]:
    return patch.object(qa.assistant, "asks_for_several", lambda _: True)


def _before(asked: Asked) -> tuple[str, ...]:
    return () if asked.before is None else (asked.before,)


SHIPPED = Variant(change="as shipped", make=assistant())


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A table: its title, the pool that is asked, what is told beside right answers, and its variants."""

    title: str
    pool: str
    tells: tuple[str, ...]
    variants: tuple[Variant, ...]


SECTIONS = {
    "reader": Section(
        title="Two readers",
        pool="all",
        tells=("f1", "seconds"),
        variants=(Variant(change="the small reader alone (`depth=quick`)", make=assistant(depth="quick")),),
    ),
    "speed": Section(
        title="How much is read with care",
        pool="long",
        tells=("f1", "seconds"),
        variants=(
            Variant(change="the small reader alone (`depth=quick`)", make=assistant(depth="quick")),
            Variant(change="2 of 10 passages with care", make=assistant(reader=keeping(2)), removes=False),
            Variant(change="3 of 10", make=assistant(reader=keeping(3)), removes=False),
            Variant(change="8 of 10", make=assistant(reader=keeping(8)), removes=False),
            Variant(
                change="all 10, nothing skimmed", make=assistant(reader=lambda models: models.careful), removes=False
            ),
            Variant(
                change="the first 5, nothing skimmed",
                make=assistant(reader=lambda models: models.careful, top_k=5),
                removes=False,
            ),
            Variant(change="5 of the first 20", make=assistant(top_k=20), removes=False),
            Variant(
                change="passages of 100 tokens, 5 of 10",
                make=assistant(),
                passages={"max_tokens": 100, "overlap_tokens": 25},
                removes=False,
            ),
            Variant(
                change="passages of 100 tokens, 10 of 20",
                make=assistant(reader=keeping(10), top_k=20),
                passages={"max_tokens": 100, "overlap_tokens": 25},
                removes=False,
            ),
        ),
    ),
    "fusion": Section(
        title="Search by meaning and by words, as answers show it",
        pool="long",
        tells=("f1", "retrieved"),
        variants=(
            Variant(change="by meaning alone", make=assistant(dense_weight=1.0)),
            Variant(change="by words alone (BM25)", make=assistant(dense_weight=0.0)),
            Variant(change="half and half", make=assistant(dense_weight=0.5), removes=False),
        ),
    ),
    "lists": Section(
        title="Lists",
        pool="lists",
        tells=("list", "list difference"),
        variants=(
            Variant(change="one span a question", make=assistant(kind=OneSpan)),
            Variant(change="no tagging head", make=assistant(around=Untagged)),
            Variant(
                change="no reading again without the sentences that gave an item",
                make=assistant(rules=replace(ListRules(), rounds=0)),
            ),
            Variant(
                change="no further spans of the same passage", make=assistant(rules=replace(ListRules(), span=NEVER))
            ),
            Variant(change="near-duplicates not merged", make=assistant(), around=_unmerged),
            Variant(change="as many as clear the bars, not as many as asked for", make=assistant(), around=_as_found),
            Variant(change="of entries on lines, only those the reader found", make=assistant(), around=_one_entry),
        ),
    ),
    "one": Section(
        title="Questions for one thing",
        pool="one",
        tells=("f1",),
        variants=(
            Variant(change="one span a question", make=assistant(kind=OneSpan)),
            Variant(change="every question taken to ask for several", make=assistant(), around=_several),
        ),
    ),
    "abstention": Section(
        title="When to answer",
        pool="all",
        tells=("answered", "wrong", "auroc", "ece"),
        variants=(
            Variant(change="always answer", make=assistant(threshold=0.0)),
            Variant(change='where the span outweighs its own "not here"', make=assistant(kind=OverItsOwnNull)),
            Variant(change='where it outweighs every "not here"', make=assistant(kind=OverThePooledNull)),
            Variant(change="the reader's own probability, from 50 %", make=assistant(kind=Uncalibrated)),
            Variant(change="calibration not fitted", make=assistant(calibration=UNFITTED)),
            Variant(
                change="short questions read even where no document mentions what they are about",
                make=assistant(),
                around=_about_anything,
            ),
        ),
    ),
    "passages": Section(
        title="Comparing passages",
        pool="documents",
        tells=("forced", "auroc"),
        variants=(
            Variant(change="a softmax within each passage", make=assistant(around=Softmaxed)),
            Variant(change='by the margin over each passage\'s own "not here"', make=assistant(around=OverOwnNull)),
        ),
    ),
    "typos": Section(
        title="Misspelt questions",
        pool="typos",
        tells=("f1",),
        variants=(Variant(change="words read as they were typed", make=assistant(), around=_as_typed),),
    ),
    "typed": Section(
        title="Questions however they are spelt",
        pool="all",
        tells=("f1",),
        variants=(Variant(change="words read as they were typed", make=assistant(), around=_as_typed),),
    ),
    "turns": Section(
        title="Follow-ups",
        pool="turns",
        tells=("f1",),
        variants=(
            Variant(change="what was asked before is ignored", make=assistant(kind=WithoutHistory)),
            Variant(change="always read behind the question before", make=assistant(kind=AlwaysLeaning), removes=False),
        ),
    ),
    "alone": Section(
        title="Questions that stand alone, asked within a conversation",
        pool="alone",
        tells=("f1",),
        variants=(
            Variant(
                change="behind another question, rules decide (as shipped)",
                make=assistant(),
                turns=_before,
                removes=None,
            ),
            Variant(
                change="always read behind the question before",
                make=assistant(kind=AlwaysLeaning),
                turns=_before,
                removes=False,
            ),
        ),
    ),
}

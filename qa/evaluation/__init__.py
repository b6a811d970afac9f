"""Question sets → predictions → metrics → report and comparison.

    from qa.evaluation import evaluate
    report = evaluate(assistant, "questions.jsonl", out="run")

Names are loaded when first used, so `import qa.evaluation` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qa.evaluation.questions import read_questions
    from qa.evaluation.run import evaluate

__all__ = ["evaluate", "read_questions"]

_HOMES = {"evaluate": "qa.evaluation.run", "read_questions": "qa.evaluation.questions"}


def __getattr__(name: str) -> Any:  # PEP 562
    try:
        return getattr(import_module(_HOMES[name]), name)
    except KeyError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None


def __dir__() -> list[str]:
    return sorted(__all__)

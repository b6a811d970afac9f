"""Ask documents questions and get their own words back, each with the place it stands.

    from qa import Assistant
    answer = Assistant.from_files(["article.txt"]).ask("What gifts did Kim receive?")

Names are loaded when first used, so `import qa` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qa.assistant import Assistant
    from qa.config import Settings
    from qa.types import Answer, Citation, Item

__all__ = ["Answer", "Assistant", "Citation", "Item", "Settings", "__version__"]

_HOMES = {
    "Answer": "qa.types",
    "Assistant": "qa.assistant",
    "Citation": "qa.types",
    "Item": "qa.types",
    "Settings": "qa.config",
}


def __getattr__(name: str) -> Any:  # PEP 562
    if name == "__version__":
        try:
            return version("spanwise")
        except PackageNotFoundError:  # a checkout that was never installed
            return "0+unknown"
    try:
        return getattr(import_module(_HOMES[name]), name)
    except KeyError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None


def __dir__() -> list[str]:
    return sorted(__all__)

"""The project's one root error and the errors of the index side.

    AssistantError
    ├── DocumentError          a document cannot be read
    ├── IndexDamagedError      an index folder's files are not what its manifest says
    ├── IndexMismatchError     an index was built with another model or another format
    ├── ModelError             a model is missing, damaged or of the wrong kind
    └── qa.errors: ReaderError, QuestionError, ReceiptError, ServeError, CalibrationError …

Each message says what was seen, what was expected and what to do, in one sentence, and never holds a document's text.
"""

from __future__ import annotations


class AssistantError(Exception):
    """Anything that goes wrong for a reason outside the program: a file, a model, an index, a request."""


class DocumentError(AssistantError):
    """A document that cannot be read: missing, empty, binary, in an unknown encoding, too large."""

    def __init__(self, message: str, *, source: str) -> None:
        super().__init__(message)
        self.source = source


class IndexDamagedError(AssistantError):
    """A file of an index folder is missing, cut or changed."""

    def __init__(self, message: str, *, path: str) -> None:
        super().__init__(message)
        self.path = path


class IndexMismatchError(AssistantError):
    """An index opened with another embedder or format than it was built with."""

    def __init__(self, *, what: str, built_with: str, opened_with: str) -> None:
        super().__init__(
            f"the index was built with {what} {built_with!r} and opened with {opened_with!r}: "
            "open it with the original or build it again"
        )
        self.what = what
        self.built_with = built_with
        self.opened_with = opened_with


class ModelError(AssistantError):
    """A model's files are missing, damaged or of the wrong kind."""

"""The errors of the answering side; the tree they belong to is drawn in `index.errors`.

Each message says what was seen, what was expected and what to do, in one sentence, and never holds a document's text.
"""

from __future__ import annotations

from index.errors import AssistantError


class ReaderError(AssistantError):
    """A reader that was opened could not read: out of memory, or a model that gives no usable scores."""


class QuestionError(AssistantError):
    """A question that cannot be asked: not text, or far too long to be one."""


class ReceiptError(AssistantError):
    """A citation that cannot be checked, because it is not one."""


class ServeError(AssistantError):
    """The web server cannot start: the port is taken, or the address is not this machine's."""


class CalibrationError(AssistantError):
    """A risk that no threshold is known to keep, or questions from which nothing can be told."""

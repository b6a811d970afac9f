"""What goes wrong with a question set or a run's folder; subclasses of the project's root error."""

from __future__ import annotations

from index.errors import AssistantError


class QuestionSetError(AssistantError):
    """A question file that cannot be used at all: missing, unreadable, of an unknown kind, without any question."""


class RunError(AssistantError):
    """A run's folder that cannot be written, resumed or compared."""

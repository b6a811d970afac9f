"""What goes wrong in training, in one sentence each."""

from __future__ import annotations

from index.errors import AssistantError


class TrainingError(AssistantError):
    """Training cannot start, go on or save; the message says what was found and what to do."""

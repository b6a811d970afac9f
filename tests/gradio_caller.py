"""Gradio's own client as a program uses it, without what it would tell other machines."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest
from gradio_client import Client


@contextlib.contextmanager
def opened(address: str, **options: Any) -> Iterator[Client]:
    """A client of a server. It would ask a hub about itself, as with `HF_HUB_DISABLE_TELEMETRY=1` it does not."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_TELEMETRY", True)
        patch.setenv("GRADIO_ANALYTICS_ENABLED", "False")
        client = Client(address, analytics_enabled=False, verbose=False, **options)
        try:
            yield client
        finally:
            client.close()

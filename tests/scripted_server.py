"""A whole server around a scripted assistant: quick, without models, with real receipts."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Collection, Sequence
from typing import Any

from scripted_answers import Scripted

from index.types import Document, Hit
from qa.assistant import OnFound, check
from qa.config import Settings
from qa.types import Answer, Citation

TEXT = "The ferry leaves at nine on Sundays. Its captain is Ada Brown. Tickets cost 5 crowns."
WHEN, WHO, NONE = "When does it leave?", "Who is the captain?", "What is the weather?"
SAID = {WHEN: ["at nine on Sundays"], WHO: ["Ada Brown"]}


class Serving(Scripted):
    """Waits for `go_on` before it answers, and fails with `error` where there is one."""

    def __init__(self, text: str = TEXT, said: Any = None) -> None:
        super().__init__(text, SAID if said is None else said, name="ferry.txt")
        self.error: Exception | None = None
        self.go_on = threading.Event()
        self.go_on.set()
        self.at_once = self.most_at_once = 0
        self.histories: list[list[str]] = []
        self._lock = threading.Lock()

    def warm(self) -> None:
        pass

    def over(self, documents: Sequence[Document]) -> Serving:
        return Serving(documents[0].text)

    def ask(
        self,
        question: str,
        history: Sequence[str] = (),
        *,
        document_ids: Collection[str] | None = None,
        on_found: OnFound | None = None,
    ) -> Answer:
        with self._lock:
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
            self.histories.append(list(history))
        try:
            given = super().ask(check(question), history)
            if on_found is not None:
                on_found(question, given.hits)
            assert self.go_on.wait(30)
            if self.error is not None:
                raise self.error
            return given
        finally:
            with self._lock:
                self.at_once -= 1

    def search(self, query: str, *, top_k: int, document_ids: Collection[str] | None = None) -> list[Hit]:
        return list(super().ask(query).hits)[:top_k]

    def glance(self, question: str, hits: Sequence[Hit]) -> Citation | None:
        citations = super().ask(question).citations
        return citations[0] if citations else None


def served(assistant: Any = None, **settings: Any) -> Any:
    """The application, made inside a running loop: outside of one, gradio opens loops that it never closes."""
    from qa.web.server import create_app

    async def make() -> Any:
        return create_app(assistant or Serving(), Settings(**{"rate": "off", **settings}))

    return asyncio.run(make())

"""What the models said, kept on disk: a question read once is never read again, whatever is done with the reading.

What is kept is the model's own output for the very numbers it was given, by the checksum of its files, so that nothing
that is decided afterwards (cutting, decoding, choosing, calibrating) can make a kept output wrong.
"""

from __future__ import annotations

import hashlib
import sqlite3
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index.embed import Embedder
from index.side_by_side import SideBySide
from index.types import Passage
from qa.reading.builtin import OnnxReader
from qa.reading.reader import Logits
from qa.reading.windows import Window
from qa.types import Reading


class Store:
    """Bytes by key in one file. Every entry is whole or not there, also after a kill; two processes may share it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file = sqlite3.connect(folder / "kept.sqlite", isolation_level=None, timeout=60)
        self._file.execute("PRAGMA journal_mode=WAL")
        self._file.execute("PRAGMA synchronous=NORMAL")
        self._file.execute("CREATE TABLE IF NOT EXISTS kept (key BLOB PRIMARY KEY, value BLOB) WITHOUT ROWID")

    def get(self, key: bytes) -> bytes | None:
        """What was put there, None for nothing."""
        row = self._file.execute("SELECT value FROM kept WHERE key = ?", (key,)).fetchone()
        return None if row is None else bytes(row[0])

    def put(self, key: bytes, value: bytes) -> None:
        """Keep it from now on."""
        self._file.execute("INSERT OR REPLACE INTO kept VALUES (?, ?)", (key, value))

    def close(self) -> None:
        self._file.close()


class Meter:
    """Which windows were read since it was last emptied: a reader's name and the window's tokens, each."""

    def __init__(self) -> None:
        self.windows: list[tuple[str, int]] = []

    def emptied(self) -> list[tuple[str, int]]:
        """What there is, and start anew."""
        found, self.windows = self.windows, []
        return found


class KeptReader(OnnxReader):
    """A shipped reader that asks its model only for what the store does not have. `ran` counts how often that was."""

    def __init__(self, folder: Path, store: Store, *, meter: Meter | None = None, threads: int | None = None) -> None:
        super().__init__(folder, threads=threads)
        self._several = SideBySide(threads=1)  # the meter and the store take one window after the other
        self.meter = Meter() if meter is None else meter
        self.ran = 0
        self._store = store
        self._identity = hashlib.sha256((folder / "reader.json").read_bytes()).digest()
        self._known: dict[tuple[str, str, int], tuple[Reading, list[tuple[str, int]]]] = {}

    def read(self, question: str, passages: Sequence[Passage], *, n_best: int = 5) -> list[Reading]:
        """See `Reader.read`: a reading depends on the question and its own passage only."""
        readings = []
        for passage in passages:
            key = (question, passage.text, n_best)
            if key not in self._known:
                before = len(self.meter.windows)
                (found,) = super().read(question, [passage], n_best=n_best)
                self._known[key] = (found, self.meter.windows[before:])
            else:
                self.meter.windows += self._known[key][1]
            readings.append(replace(self._known[key][0], passage=passage))
        return readings

    def seconds(self, tokens: int) -> float:
        """How long the model takes for one window, nothing kept."""
        ids = np.full(tokens, 100, dtype=np.int64)
        offsets, context = np.zeros((tokens, 2), dtype=np.int64), np.ones(tokens, dtype=bool)
        window = Window(ids=ids, type_ids=np.zeros_like(ids), offsets=offsets, context=context, first=0, null=0)
        began = time.perf_counter()
        super()._forward(window)
        return time.perf_counter() - began

    def _forward(self, window: Window) -> Logits:
        self.meter.windows.append((self.name, len(window.ids)))
        key = hashlib.sha256(self._identity + window.ids.tobytes() + window.type_ids.tobytes()).digest()
        content = self._store.get(key)
        if content is None:
            self.ran += 1
            logits = super()._forward(window)
            columns: list[NDArray[Any]] = [logits.start, logits.end]
            columns += [] if logits.tags is None else list(logits.tags.T)
            content = np.stack(columns).astype(np.float32).tobytes()
            self._store.put(key, content)
        rows = np.frombuffer(content, dtype=np.float32).reshape(-1, len(window.ids))
        return Logits(rows[0], rows[1], rows[2:].T if len(rows) > 2 else None)


class KeptEmbedder:
    """An `Embedder` that embeds a text once."""

    def __init__(self, embedder: Embedder, store: Store) -> None:
        self._embedder, self._store = embedder, store
        self.name, self.dim, self.max_tokens = embedder.name, embedder.dim, embedder.max_tokens

    def count_tokens(self, text: str) -> int:
        return self._embedder.count_tokens(text)

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        keys = [self._key("passage", text) for text in texts]
        kept = {key: self._store.get(key) for key in keys}
        missing = {key: text for key, text in zip(keys, texts, strict=True) if kept[key] is None}
        for key, row in zip(missing, self._embedder.embed_passages(list(missing.values())), strict=True):
            kept[key] = row.tobytes()
            self._store.put(key, row.tobytes())
        rows = [np.frombuffer(kept[key] or b"", dtype=np.float32) for key in keys]
        return np.stack(rows) if rows else np.zeros((0, self.dim), dtype=np.float32)

    def embed_query(self, text: str) -> NDArray[np.float32]:
        key = self._key("query", text)
        content = self._store.get(key)
        if content is None:
            content = self._embedder.embed_query(text).tobytes()
            self._store.put(key, content)
        return np.frombuffer(content, dtype=np.float32)

    def _key(self, kind: str, text: str) -> bytes:
        parts = (self.name, kind, text)
        return hashlib.sha256(b"\0".join(part.encode("utf-8", "surrogatepass") for part in parts)).digest()

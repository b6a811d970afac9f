"""Passages by their words: BM25. The only module that imports `bm25s` and the stemmer."""

from __future__ import annotations

import io
import re
import tempfile
import threading
import unicodedata
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from index.text import word_set

_WORD = re.compile(r"\w+")
# Words that say nothing about what a passage is about; question words among them, since every query has one.
_STOP_WORDS = word_set(
    "a about after all also an and any are as at be because been before being both but by can could did do does doing "
    "during each for from had has have having he her here hers him his how i if in into is it its itself just me more "
    "most my no nor not of off on once only or other our out over own she should so some such than that the their them "
    "then there these they this those through to too under until up very was we were what when where which while who "
    "whom whose why will with would you your s t d ll m re ve"
)


class LexicalIndex:
    """BM25 (Robertson; the variant of Lucene, k1 1.5, b 0.75) over texts numbered in order.

    Case and accents do not matter and words are stemmed. Texts or queries without a single word are ordinary: they
    score 0. Safe to use from many threads.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        import bm25s

        self._size = len(texts)
        self._terms = _Terms()
        tokens = [self._terms(text) for text in texts]
        self._model: Any = None
        if any(tokens):
            self._model = bm25s.BM25()
            self._model.index(tokens, show_progress=False)

    def __len__(self) -> int:
        return self._size

    def search(self, query: str, *, top_k: int, rows: Sequence[int] | None = None) -> list[tuple[int, float]]:
        """The texts that share a term with `query` and their scores above 0, best first, at most `top_k`.

        `rows` restricts the search to those texts.
        """
        terms = self._terms(query)
        if self._model is None or not terms or top_k < 1:
            return []
        known = [term for term in terms if term in self._model.vocab_dict]
        if not known:
            return []
        scores: NDArray[np.float32] = self._model.get_scores(known)  # (texts,)
        candidates = np.arange(self._size) if rows is None else np.asarray(rows, dtype=np.int64)
        candidates = candidates[scores[candidates] > 0]
        best = candidates[np.argsort(-scores[candidates], kind="stable")][:top_k]
        return [(int(row), float(scores[row])) for row in best]

    def to_bytes(self) -> bytes:
        """A zip archive, empty where no text has a word."""
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive, tempfile.TemporaryDirectory() as folder:
            archive.comment = str(self._size).encode()
            if self._model is not None:
                self._model.save(folder, show_progress=False)
                for file in sorted(Path(folder).iterdir()):
                    archive.writestr(zipfile.ZipInfo(file.name), file.read_bytes())
        return packed.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes) -> Self:
        """The index that `to_bytes` wrote. Raises: ValueError for anything else."""
        import bm25s

        index = cls([])
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as archive, tempfile.TemporaryDirectory() as folder:
                index._size = int(archive.comment)
                if archive.namelist():
                    archive.extractall(folder)
                    index._model = bm25s.BM25.load(folder, show_progress=False)
        except (zipfile.BadZipFile, OSError, KeyError) as error:
            raise ValueError("not a lexical index") from error
        return index


class _Terms:
    """Text to stemmed terms without case, accents and invisible characters."""

    def __init__(self) -> None:
        import Stemmer

        self._stemmer = Stemmer.Stemmer("english")
        self._lock = threading.Lock()  # a stemmer is not safe in two threads at once

    def __call__(self, text: str) -> list[str]:
        words = [word for word in _WORD.findall(fold(text)) if word not in _STOP_WORDS]
        with self._lock:
            stems: list[str] = self._stemmer.stemWords(words)
        return stems


def fold(text: str) -> str:
    """Lower case without accents, soft hyphens and zero-width characters; lengths change, so never for offsets."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(char for char in decomposed if unicodedata.category(char) not in ("Mn", "Cf"))

"""Answers that people put right or confirm, kept as a question set: `spanwise evaluate` on the file asks them again.

One JSON line each, with the text of its document beside the file. What says no more than that an answer is wrong
goes to a file of its own, for a person to read. Nothing is stored without the act of saving, and nothing is served.
"""

from __future__ import annotations

import codecs
import contextlib
import itertools
import json
import logging
import os
import re
import secrets
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from index.errors import AssistantError, DocumentError
from index.load import load_document
from index.types import Document
from qa.config import Settings
from qa.evaluation.score import Subject
from qa.types import Answer

MOST_PLACES = 40  # a list of forty items
LONGEST = 4_000  # characters of one place: an answer, not a chapter
MOST_BYTES = 50_000_000  # of the file: strangers may be among those who correct
MOST_TEXTS = 500_000_000  # bytes of the documents beside it

_log = logging.getLogger(__name__)


class CorrectionError(AssistantError):
    """A correction that was not kept."""

    @property
    def sentence(self) -> str:
        """The message as a sentence of its own."""
        message = str(self)
        return f"{message[:1].upper()}{message[1:]}."


class NoRoomError(CorrectionError):
    """Nothing more can be kept until the operator makes room."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """What is right: the places in `document`, in order, or without any that it does not say.

    `said` are the words of the answer it is about, none where it declined; a "confirmation" says that they were right.
    `turns` are the earlier questions that were answered, as the answer got them.
    """

    question: str
    said: tuple[str, ...]
    document: Document
    places: tuple[tuple[int, int], ...] = ()
    turns: tuple[str, ...] = ()
    kind: Literal["correction", "confirmation"] = "correction"
    comment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """An answer that is right or wrong in a way no test question can hold: a person has to look.

    `cited` are the places in the documents that it gave, in order.
    """

    question: str
    right: bool
    cited: tuple[tuple[Document, int, int], ...] = ()
    turns: tuple[str, ...] = ()
    comment: str = ""


def checked_places(document: Document, sent: Any) -> tuple[tuple[int, int], ...]:
    """The places a browser sent, `[{"start", "end", "text"}]`, in reading order and without white space at their ends.

    Raises: `CorrectionError` where they are not places of the document or do not hold the words that were picked.
    """
    if not isinstance(sent, list) or not 0 < len(sent) <= MOST_PLACES:
        raise CorrectionError(f"nothing or too much was selected: select 1 to {MOST_PLACES} places in the article")
    places: set[tuple[int, int]] = set()
    for each in sent:
        start, end, words = _sent(each)
        if not 0 <= start < end <= len(document.text) or document.text[start:end] != words:
            raise CorrectionError("the selected words are not where they were said to be: select them again")
        stripped = words.strip()
        if not stripped:
            raise CorrectionError("only white space was selected: select words")
        if len(stripped) > LONGEST:
            raise CorrectionError(f"{len(stripped):,} characters were selected: select at most {LONGEST:,}")
        start += len(words) - len(words.lstrip())
        places.add((start, start + len(stripped)))
    ordered = sorted(places)
    if any(after[0] < before[1] for before, after in itertools.pairwise(ordered)):
        raise CorrectionError("the same words were selected twice: select each place once")
    return tuple(ordered)


def _sent(each: Any) -> tuple[int, int, str]:
    if isinstance(each, dict):
        start, end, words = each.get("start"), each.get("end"), each.get("text")
        if type(start) is int and type(end) is int and isinstance(words, str):
            return start, end, words
    raise CorrectionError("the selected words came without their places: select them again")


class Corrections:
    """The operator's file; safe to use from many threads, and from several processes."""

    def __init__(self, settings: Settings) -> None:
        self.file = settings.corrections_file
        self.remarks = self.file.with_name(f"{self.file.stem}.remarks.jsonl")
        self.correctable = settings.correctable
        self._lock = threading.Lock()

    def refusal(self, *, own: bool) -> str:
        """Why answers about these documents cannot be corrected; "" where they can. `own` are a visitor's."""
        if not own or self.correctable == "uploads":
            return ""
        return "Corrections are kept for this server’s own documents only: yours stays with you."

    def save(self, correction: Correction) -> None:
        """Add one line to the file, whole or not at all. Raises: `CorrectionError`."""
        self._add(self.file, lambda: _row(correction, self._keep_text(correction.document)))

    def note(self, remark: Remark) -> None:
        """Add one line to the remarks beside the file, whole or not at all. Raises: `CorrectionError`."""
        self._add(self.remarks, lambda: _remark(remark))

    def _add(self, file: Path, row: Callable[[], dict[str, Any]]) -> None:
        try:
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self._lock, self._alone():
                if file.exists() and file.stat().st_size > MOST_BYTES:
                    raise NoRoomError("this server has no room for more corrections: tell its operator")
                _append(file, row())
        except (OSError, UnicodeError) as error:
            _log.exception("a correction was not saved")
            raise CorrectionError("the correction could not be written: tell the operator of this server") from error

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Nobody else writes meanwhile, in no process of this machine where it has such locks."""
        with (self.file.parent / f".{self.file.name}.lock").open("ab") as lock:
            with contextlib.suppress(ImportError):
                import fcntl

                fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _keep_text(self, document: Document) -> str:
        """The name of the file beside ours that holds exactly the document's text."""
        folder = self.file.parent
        suffix = ".md" if document.media_type == "text/markdown" else ".txt"
        stem = _stem(document.source)
        for name in (f"{stem}{suffix}", f"{stem}-{document.id[:8]}{suffix}", f"{stem}-{secrets.token_hex(8)}{suffix}"):
            path = folder / name
            if not path.exists():
                if sum(each.stat().st_size for each in folder.iterdir() if each.is_file()) > MOST_TEXTS:
                    raise NoRoomError("this server has no room for more documents: tell its operator")
                _write_whole(path, document.text)
                if not _holds(path, document.text):
                    path.unlink()
                    break
            if _holds(path, document.text):
                return name
        raise CorrectionError("the document's text cannot be kept as it is: tell the operator of this server")


def _append(path: Path, row: dict[str, Any]) -> None:
    content = (json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n").encode("utf-8")
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        before = os.fstat(file).st_size
        if before and os.pread(file, 1, before - 1) != b"\n":  # an editor's last line, or what a crash left
            content = b"\n" + content
        try:
            if os.write(file, content) != len(content):
                raise OSError("not all was written")
            os.fsync(file)
        except OSError:
            os.ftruncate(file, before)
            raise
    finally:
        os.close(file)


def _row(correction: Correction, name: str) -> dict[str, Any]:
    text = correction.document.text
    places = [_place(text, start, end) for start, end in correction.places]
    touched = Subject.of(correction.document).touching(correction.places) if places else []
    evidence = [_place(text, start, end) for start, end in touched]
    said = "; ".join(correction.said)[:500]
    return {
        "id": f"correction-{secrets.token_hex(8)}",
        "document": name,
        "question": correction.question,
        "kind": correction.kind,
        "answers": [{"spans": places, "aliases": []}] if places else [],
        "evidence": evidence,
        "turns": list(correction.turns),
        "answerable": bool(places),
        "note": f"It said: {said}" if correction.said else "It declined.",
        **({"comment": correction.comment} if correction.comment else {}),
    }


def _remark(remark: Remark) -> dict[str, Any]:
    return {
        "id": f"remark-{secrets.token_hex(8)}",
        "question": remark.question,
        "turns": list(remark.turns),
        "right": remark.right,
        "citations": [
            {
                "document_id": document.id,
                "sha256": document.sha256,
                "source": document.source,
                "start": start,
                "end": end,
                "quote": document.text[start:end],
            }
            for document, start, end in remark.cited
        ],
        "comment": remark.comment,
    }


def _place(text: str, start: int, end: int) -> dict[str, Any]:
    return {"text": text[start:end], "start": start, "end": end}


def _write_whole(path: Path, text: str) -> None:
    handle, unfinished = tempfile.mkstemp(prefix=".", suffix=".new", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            content = text.encode("utf-8")
            file.write(codecs.BOM_UTF8 * content.startswith(codecs.BOM_UTF8) + content)  # readers take one mark away
        Path(unfinished).replace(path)
    except BaseException:
        Path(unfinished).unlink(missing_ok=True)
        raise


def _holds(path: Path, text: str) -> bool:
    try:
        return load_document(path).text == text
    except DocumentError:
        return False


def _stem(source: str) -> str:
    """A file name made of a label's letters, digits, dashes and low lines; a label is never a path."""
    stem = Path(source.replace("\\", "/")).stem
    kept = re.sub(r"[^\w-]+", "_", stem).strip("_-")
    return kept.encode("utf-8")[:80].decode("utf-8", errors="ignore") or "document"


def turn_document(answer: Answer, documents: Sequence[Document]) -> Document:
    """The document that "it is not in the document" is about: the one that the answer showed, else the first."""
    shown = answer.citations[0] if answer.citations else answer.nearest
    return next((each for each in documents if shown is not None and each.id == shown.document_id), documents[0])

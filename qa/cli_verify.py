"""`spanwise verify`: receipts from a file against a document; makes strings and never prints."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from index.load import MEDIA_TYPES, decode, load_document
from qa.cli_text import plain_json, safe
from qa.errors import ReceiptError
from qa.plain import plain
from qa.receipts import Receipt, receipts_in
from qa.verify import Verdict, verify

MOST_BYTES = 20_000_000
_PAGES = (".html", ".htm", ".xhtml")
_QUOTED = 80  # characters of words that are shown in a line


def verify_file(receipts: Path, file: Path) -> list[tuple[Receipt, Verdict]]:
    """Check every receipt of a JSON file against a document, which may be a web page.

    Raises: `ReceiptError`, `DocumentError`, `OSError`.
    """
    given = receipts_in(_json(receipts))
    if file.suffix.lower() in _PAGES and file.suffix.lower() not in MEDIA_TYPES:
        text, media_type, sha256 = decode(_bytes(file), source=str(file)), "text/html", None
    else:
        document = load_document(file)
        text, media_type, sha256 = document.text, document.media_type, document.sha256
    return [(each, verify(each, text, media_type=media_type, sha256=sha256)) for each in given]


def verdicts_text(verdicts: Sequence[tuple[Receipt, Verdict]]) -> str:
    """A line for each citation, and below it what is meant where its words are not found."""
    lines: list[str] = []
    for receipt, verdict in verdicts:
        number = f"[{receipt.number}] " if receipt.number is not None else ""
        lines.append(f"{number}{verdict.status}: {_short(receipt.quote)}")
        if verdict.start is not None:
            lines.append(f"    characters {verdict.start} to {verdict.end}")
        if verdict.status != "found":
            lines.append(f"    {verdict.message}")
        lines += [f"    cited: {_short(c.cited) or 'nothing'}  stands: {_short(c.stands) or 'nothing'}"
                  for c in verdict.changes]  # fmt: skip
        lines += [f"    perhaps characters {start} to {end}" for start, end in verdict.places]
    if any(verdict.same_document is False for _, verdict in verdicts):
        lines.append("The file is not the one that the citations were made from: its checksum is another.")
    return "\n".join(lines)


def verdicts_json(verdicts: Sequence[tuple[Receipt, Verdict]]) -> str:
    """The verdicts in the order of the citations, each with the citation's number."""
    return plain_json([{"number": receipt.number, **plain(verdict)} for receipt, verdict in verdicts])


def _short(words: str) -> str:
    shown = safe(words)
    return shown if len(shown) <= _QUOTED else f"{shown[: _QUOTED - 1]}…"


def _json(file: Path) -> object:
    try:
        given: object = json.loads(_bytes(file))
    except (ValueError, RecursionError):
        raise ReceiptError(
            f"{str(file)!r} is not JSON: give a citation, or what `spanwise ask --json` printed."
        ) from None
    return given


def _bytes(file: Path) -> bytes:
    with file.open("rb") as opened:
        content = opened.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise ReceiptError(f"{str(file)!r} is larger than {MOST_BYTES:,} bytes, the most that is read.")
    return content

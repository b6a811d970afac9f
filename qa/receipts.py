"""Receipts: what of a citation is enough for anyone to check it, read from JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from qa.errors import ReceiptError

MAX_QUOTE = 20_000
"""Characters of a quote: an answer's words are a few hundred at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What is checked: a `Citation`'s words, place and surroundings. None where the one who asks does not say."""

    quote: str
    start: int | None = None
    end: int | None = None
    prefix: str | None = None
    suffix: str | None = None
    sha256: str | None = None
    document_id: str | None = None
    number: int | None = None


def receipts_in(given: Any) -> list[Receipt]:
    """The receipts in parsed JSON: one citation, a list of them, or an answer with its citations.

    Raises: `ReceiptError`.
    """
    if isinstance(given, Mapping) and "quote" not in given and isinstance(given.get("citations"), list):
        given = given["citations"]
    found = [_receipt(each) for each in (given if isinstance(given, list) else [given])]
    if not found:
        raise ReceiptError("There is no citation in it: give one citation, a list of them or an answer that has some.")
    return found


def _receipt(given: Any) -> Receipt:
    if not isinstance(given, Mapping) or not isinstance(given.get("quote"), str):
        raise ReceiptError('A citation needs "quote", the words it cites: give one as `spanwise ask --json` prints it.')
    for name in ("prefix", "suffix", "sha256", "document_id"):
        if not isinstance(given.get(name), str | None):
            raise ReceiptError(f'"{name}" of a citation is a {type(given[name]).__name__}: text is needed.')
    for name in ("start", "end", "number"):
        value = given.get(name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 0):
            raise ReceiptError(f'"{name}" of a citation is not a position: a whole number from 0 is needed.')
    if len(given["quote"]) > MAX_QUOTE:
        raise ReceiptError(
            f"The quote has {len(given['quote']):,} characters and at most {MAX_QUOTE:,} are checked: "
            "give a citation as it was made."
        )
    if (given.get("end") or 0) and given["end"] - (given.get("start") or 0) != len(given["quote"]):
        raise ReceiptError(
            'The "end" of a citation is not its "start" plus the length of its "quote": positions count code points.'
        )
    names = Receipt.__dataclass_fields__
    return Receipt(**{name: given[name] for name in names if given.get(name) is not None})

"""What a page needs with a citation and cannot find out without the document: its sentence, and a place that stays the
same where only white space differs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from index.types import Document

_BLANK = re.compile("[\\s\u00ad\u200b\u2060\ufeff]+")  # also what is not seen: soft hyphens, zero-width marks


def with_sentences(given: dict[str, Any], documents: Iterable[Document]) -> dict[str, Any]:
    """An answer as JSON, in which each citation also has `sentence` and `solid_start`.

    `sentence` is the text from `sentence_start` to `sentence_end`; `solid_start` counts the characters before `start`
    that are neither white space nor invisible, so that it is the same in a page that breaks lines elsewhere.
    """
    texts = {document.id: document.text for document in documents}
    given["citations"] = [_with_sentence(citation, texts) for citation in given["citations"]]
    if given["nearest"] is not None:
        given["nearest"] = _with_sentence(given["nearest"], texts)
    return given


def _with_sentence(citation: dict[str, Any], texts: Mapping[str, str]) -> dict[str, Any]:
    text = texts[citation["document_id"]]
    return {
        **citation,
        "sentence": text[citation["sentence_start"] : citation["sentence_end"]],
        "solid_start": len(_BLANK.sub("", text[: citation["start"]])),
    }

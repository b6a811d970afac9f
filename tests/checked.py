"""What holds for every answer, and hostile documents to try it on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from hypothesis import strategies as st

from index.errors import DocumentError
from index.load import load_text
from index.types import Document
from qa.assistant import Assistant
from qa.types import Answer

HOSTILE = st.text(
    alphabet=st.one_of(
        st.characters(exclude_categories=["Cs"]),
        st.sampled_from("ab \r\n\t.?\u200b\u200d\u00ad\u0301\ufe0f\x0c\u2028“”‘’<>&*_`[]{}%•"),
        st.sampled_from("👩🏽🇫🇷日本"),
    ),
    max_size=60,
)
SENTENCES = st.sampled_from(
    [
        "The gov\u00ader\u00adnor said: “Kim’s ‘gift’ is ready.” ",
        "Cafe\u0301 nai\u0308ve re\u0301sume\u0301.\r\n",
        "Kim got a \u200bvest 👩🏽\u200d🚀🇫🇷.\r\n\r\n",
        "• Share\n",
        "- one\n- two\n- three\n",
        "Kim got a vest. ",
    ]
)
DOCUMENTS = st.lists(SENTENCES | HOSTILE, min_size=1, max_size=12).map("".join)


def readable(texts: Sequence[str]) -> list[Document]:
    """Those of the texts that are documents, each once."""
    documents: dict[str, Document] = {}
    for text in texts:
        try:
            document = load_text(text)
        except DocumentError:
            continue
        documents.setdefault(document.id, document)
    return list(documents.values())


def checked(answer: Answer, assistant: Assistant) -> Answer:
    """What holds for every answer."""
    documents = {document.id: document for document in assistant.documents}
    for citation in [*answer.citations, *([answer.nearest] if answer.nearest else [])]:
        document = documents[citation.document_id]
        assert document.text[citation.start : citation.end] == citation.quote != ""
        assert document.text[: citation.start].endswith(citation.prefix)
        assert document.text[citation.end :].startswith(citation.suffix)
        assert citation.sentence_start <= citation.start < citation.end <= citation.sentence_end
        assert not any(start < citation.end and end > citation.start for start, end in document.quiet)
        assert (citation.title, citation.source, citation.sha256) == (document.title, document.source, document.sha256)
    assert [citation.number for citation in answer.citations] == list(range(1, len(answer.citations) + 1))
    assert [(item.text, item.citation) for item in answer.items] == [(c.quote, c.number) for c in answer.citations]
    order = list(documents)
    spots = [(order.index(c.document_id), c.start, c.end) for c in answer.citations]
    for one, two in pairwise(spots):
        assert one[0] < two[0] or one[2] <= two[1]
    assert answer.abstained == (not answer.items) == (answer.stage != "answered") == (answer.reason is not None)
    assert answer.nearest is None or (answer.abstained and answer.nearest.number == 0)
    assert 0 <= answer.confidence <= 1
    assert 0 <= answer.answerable <= 1
    assert all(seconds >= 0 for seconds in answer.seconds_by_stage.values())
    return answer


def quotes(answer: Answer) -> list[str]:
    return [item.text for item in answer.items]


def timeless(answer: Answer) -> Answer:
    return replace(answer, seconds_by_stage={})

"""An answer as text for people and as JSON for programs; makes strings and never prints.

Document and question text is hostile: what a terminal would obey (control characters, escape sequences, direction
overrides) is shown as its escape, and nothing is ever read as markup.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from index.types import Document
from qa.plain import plain
from qa.types import Answer, Citation
from qa.web.render import sure

# C0 and C1 controls, DEL, bidirectional overrides and isolates, lone surrogates, interlinear annotation marks.
_OBEYED = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufff9-\ufffb]")
_NARROWEST = 20  # columns: below this the terminal itself breaks lines
_SPACE = re.compile(r"\s+")
_STAGES = {
    "retrieval": "no passage was found for the question",
    "reader": "the passages were read and none holds an answer",
    "threshold": "the confidence is below the threshold",
    "answered": "the confidence reaches the threshold",
}


def safe(text: str) -> str:
    """`text` as one line that a terminal shows and does not obey; runs of white space become one space."""
    return _OBEYED.sub(_escape, _SPACE.sub(" ", text))


def _escape(match: re.Match[str]) -> str:
    code = ord(match.group())
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def answer_json(answer: Answer) -> str:
    """The whole answer, with the field names of `Answer` and `Citation`, lossless and safe to show in a terminal."""
    return plain_json(plain(answer))


def plain_json(content: Any) -> str:
    """JSON that a terminal shows and does not obey."""
    text = json.dumps(content, ensure_ascii=False, indent=2)
    # Line feeds here are the indentation: those inside strings are already escaped, as JSON demands.
    return _OBEYED.sub(lambda match: match.group() if match.group() == "\n" else f"\\u{ord(match.group()):04x}", text)


def answer_text(
    answer: Answer, documents: Sequence[Document], *, explain: bool = False, width: int | None = None
) -> Text:
    """The answer as a person reads it: items, confidence, then each citation with the sentence around it.

    Lines are broken to `width` characters, what is indented staying so; None breaks nothing.
    """
    texts = {document.id: document.text for document in documents}
    lines: list[Text] = []
    if answer.understood_as is not None:
        lines += [Text(f"Understood as: {safe(answer.understood_as)}", style="dim"), Text()]
    if answer.abstained:
        lines.append(Text(f"The document{'s do' if len(documents) > 1 else ' does'} not say.", style="bold"))
        if answer.reason is not None:
            lines.append(Text(safe(answer.reason)))
        if answer.nearest is not None:
            lines += [Text(), Text(f"Nearest: {_place(answer.nearest)}", style="dim")]
            lines.append(_sentence(texts, [answer.nearest], style=""))
    else:
        lines += [Text.assemble((safe(item.text), "bold"), (f" [{item.citation}]", "cyan")) for item in answer.items]
        shown = sure(answer.confidence)
        lines += [Text(), Text(f"{shown.words}, {shown.percent} %"), Text()]
        for _, group in groupby(answer.citations, key=lambda c: (c.document_id, c.sentence_start, c.sentence_end)):
            neighbours = list(group)
            lines += [Text.assemble((f"[{c.number}]", "cyan"), f" {_place(c)}") for c in neighbours]
            lines.append(_sentence(texts, neighbours, style="bold"))
    if explain:
        lines += [Text(), *_explanation(answer)]
    return Text("\n").join(lines if width is None else [part for line in lines for part in _broken(line, width)])


def _broken(line: Text, width: int) -> Sequence[Text]:
    inner = line.plain.lstrip(" ")
    indent = len(line.plain) - len(inner)
    if cell_len(line.plain) <= width or width < indent + _NARROWEST:
        return [line]
    parts = line[indent:].wrap(Console(), width - indent)
    for part in parts:
        part.rstrip()
    return [Text(" " * indent) + part for part in parts]


def _place(citation: Citation) -> str:
    return f"{safe(citation.title)}, characters {citation.start} to {citation.end}"


def _sentence(texts: Mapping[str, str], citations: Sequence[Citation], *, style: str) -> Text:
    """The sentences around neighbouring citations, indented, with the quotes in `style`."""
    first = citations[0]
    text = texts[first.document_id]
    line = Text("    ")
    at = first.sentence_start
    for citation in sorted(citations, key=lambda c: c.start):
        start = max(at, citation.start)  # overlapping citations are marked once
        line.append(safe(text[at:start]))
        line.append(safe(text[start : citation.end]), style=style)
        at = max(start, citation.end)
    line.append(safe(text[at : max(at, first.sentence_end)]))
    return line


def _explanation(answer: Answer) -> list[Text]:
    lines = [Text(f"Decided by: {answer.stage}: {_STAGES[answer.stage]}")]
    answerable, right = sure(answer.answerable).percent, sure(answer.confidence).percent
    lines.append(Text(f"Probability that there is an answer: {answerable} %; that these words are right: {right} %"))
    lines.append(Text("Passages found (fused score, cosine, BM25, place, first words):" if answer.hits else "No hits."))
    for hit in answer.hits:
        scores = [hit.score, hit.dense_score, hit.lexical_score]
        shown = "  ".join(f"{'-':>7}" if score is None else f"{score:7.3f}" for score in scores)
        words = safe(hit.passage.text[:160])
        lines.append(
            Text(f"{hit.rank + 1:4}. {shown}  {hit.passage.start}-{hit.passage.end}  {words[:60]}", style="dim")
        )
    stages = [f"{safe(stage)} {seconds:.3f}" for stage, seconds in answer.seconds_by_stage.items()]
    lines.append(Text(f"Seconds: {', '.join(stages) or 'not measured'}"))
    return lines

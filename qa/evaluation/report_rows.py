"""One question's rows of the report's table: the short one, and the unfolded one with the sentences in their place."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

Range = tuple[int, int]
_LOST = {"": "–", "retrieval": "retrieval", "reader": "reading", "threshold": "threshold"}


def question_row(number: int, row: Mapping[str, Any], outcome: str) -> str:
    """Two `<tr>`; the page's script folds the second away until it is asked for."""
    kind = row["outcome"]
    first = row["gold"][0] if row["gold"] else {"spans": [], "aliases": []}
    golds = [span["text"] for span in first["spans"]] or first["aliases"][:1]
    turns = "".join(f"<small>after “{_text(turn)}”</small>" for turn in row["turns"])
    label = _text(row["kind"]) if row["kind"] else ""
    confidence = row["confidence"]
    return (
        f'<tr class="{kind}"><td class="num" data-key="{number}">{number}</td>'
        f'<td dir="auto">{_text(row["question"])}{turns}<small>{label}</small></td>'
        f'<td class="said">{_quotes(golds, "no answer")}</td>'
        f'<td class="said">{_quotes(row["items"], "did not answer")}</td>'
        f'<td class="outcome">{outcome}</td><td data-key="{row["f1"]:.4f}">{row["f1"]:.2f}</td>'
        f'<td data-key="{confidence:.4f}">{100 * confidence:.0f}&nbsp;%</td><td>{_LOST[row["lost"]]}</td>'
        '<td><button class="sw-button is-plain" type="button" aria-expanded="false">In place'
        f'<span class="sw-vh"> for question {number}</span></button></td></tr>\n'
        f'<tr class="{kind} detail"><td></td><td colspan="8">{_places(row, first["spans"])}{_trace(row)}</td>'
        "</tr>\n"
    )


def _text(text: str) -> str:
    return html.escape(text.replace("\0", "\ufffd"))


def _quotes(texts: Sequence[str], none: str) -> str:
    if not texts:
        return f'<span class="none">{none}</span>'
    return " ".join(f'<q dir="auto">{_text(text)}</q>' for text in texts)


def _places(row: Mapping[str, Any], golds: Iterable[Mapping[str, Any]]) -> str:
    """The source sentences, what was said lit and what was right underlined, each by its place."""
    said = [(c["start"], c["end"]) for c in row["citations"] if c["sha256"] == row["sha256"]]
    right = [(g["start"], g["end"]) for g in golds if g["start"] is not None]
    return "".join(
        f'<p class="place" dir="auto">{marked(one["text"], one["start"], said, right)}</p>' for one in row["sentences"]
    )


def marked(text: str, start: int, said: Sequence[Range], right: Sequence[Range]) -> str:
    """`text`, which begins at `start` of its document, with both kinds of places marked."""
    edges = {0, len(text)}
    for a, b in (*said, *right):
        edges |= {min(max(a - start, 0), len(text)), min(max(b - start, 0), len(text))}
    parts = []
    for a, b in pairwise(sorted(edges)):
        piece = _text(text[a:b])
        lit, gold = (any(x <= a + start and b + start <= y for x, y in places) for places in (said, right))
        if lit:
            piece = f'<mark class="sw-lit">{piece}</mark>'
        parts.append(f'<span class="gold">{piece}</span>' if gold else piece)
    return "".join(parts)


def _trace(row: Mapping[str, Any]) -> str:
    told = []
    if row["holding"]:
        told.append(f"The answer stood in passage {row['holding'][0] + 1} of {row['passages']} read")
    elif row["retrieved"] is False:
        told.append(f"None of the {row['passages']} passages read held the whole answer")
    if row["understood_as"]:
        told.append(f"understood as “{_text(row['understood_as'])}”")
    given = [f"{c['start']} to {c['end']}" for c in row["citations"]]
    if given:
        told.append(f"characters {', '.join(given)} given")
    golds = row["gold"][0]["spans"] if row["gold"] else []
    right = [f"{span['start']} to {span['end']}" for span in golds if span["start"] is not None]
    if right:
        told.append(f"{', '.join(right)} right")
    if row["abstained"] and row["forced"]["items"]:
        told.append("held back: " + " ".join(f"<q>{_text(item)}</q>" for item in row["forced"]["items"]))
    if row["exact"] == 1 and not row["lenient"]:
        told.append("the right words, quoted from another place")
    if row["strict"] != row["lenient"]:
        told.append("right as a longer quotation, not to the word")
    told.append(_text(row["id"]))
    return f'<p class="trace">{" · ".join(told)}</p>'

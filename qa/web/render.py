"""An `Answer` as the chat's HTML, and as the text of its Copy button.

Every word of a question or a document is escaped here; nothing else may put such words into markup. A message is one
line of HTML, because the chat reads it as Markdown, where a blank line would end the card.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from index.types import Document
from qa.types import Answer, Citation

HEADING_LIMIT = 300  # characters of a question that are repeated above its answer

_ESCAPED = {
    **{code: f"&#{code};" for code in range(0x80) if not chr(code).isalnum() and chr(code) != " "},
    **dict.fromkeys([*range(9), 11, 12, *range(14, 32), *range(0x7F, 0xA0), *range(0xD800, 0xE000)], "\ufffd"),
}


def escape(text: str) -> str:
    """`text` with nothing left that HTML or Markdown could act on: every ASCII mark and line end as a number.

    What HTML cannot hold, control characters and lone surrogates, becomes U+FFFD.
    """
    return text.translate(_ESCAPED)


@dataclass(frozen=True, slots=True)
class Sure:
    """A confidence for people: how many of five ticks, the words, whole percent."""

    ticks: int
    words: str
    percent: int


def sure(confidence: float) -> Sure:
    """Words first. A probability is never shown as 0 or 100 %: nothing here is impossible or beyond doubt."""
    percent = min(99, max(1, round(confidence * 100)))
    for ticks, least, words in ((5, 97, "Almost certain"), (4, 85, "Very likely"), (3, 65, "Likely")):
        if percent >= least:
            return Sure(ticks, words, percent)
    return Sure(2, "Unsure", percent)


def question(text: str) -> str:
    """The heading above an answer."""
    clipped = text if len(text) <= HEADING_LIMIT else f"{text[:HEADING_LIMIT].rstrip()}…"
    return f'<h2 class="question" dir="auto">{escape(clipped)}</h2>'


def answer(
    given: Answer, *, turn: int, first: int, documents: Sequence[Document], link: bool = True, fix: str = ""
) -> str:
    """The card of one answer. `turn` counts from 1; `first` is the conversation's number of its first citation.

    `fix` is what stands for correcting it: "button", "saved", or "" where that is not offered.
    """
    by_id = {document.id: document for document in documents}
    head = ""
    if given.understood_as:
        head = f'<p class="sw-as" dir="auto">Understood as: <b>{escape(given.understood_as)}</b></p>'
    if given.abstained:
        return f'<div class="sw-card is-none" id="a{turn}">{head}{_none(given, turn, by_id, _fix(fix, turn))}</div>'
    finds = "".join(_finds(given, first, by_id))
    shown = sure(given.confidence)
    copy_link = f'<button class="sw-button is-plain" type="button" id="link-{turn}">Copy link</button>' if link else ""
    return (
        f'<div class="sw-card" id="a{turn}">{head}<ol class="sw-finds">{finds}</ol>'
        f'<p class="sw-foot"><span class="sw-sure"><span class="sw-ticks t{shown.ticks}">{"<i></i>" * 5}</span>'
        f" {shown.words} · {shown.percent}&nbsp;%</span>"
        f'<button class="sw-button is-plain" type="button" id="copy-{turn}">Copy</button>{copy_link}'
        f"{_fix(fix, turn)}</p></div>"
    )


def _fix(state: str, turn: int) -> str:
    if state == "saved":
        return '<span class="sw-fixed">Saved as a test question</span>'
    return f'<button class="sw-button is-plain" type="button" id="fix-{turn}">Not right?</button>' if state else ""


def _none(given: Answer, turn: int, by_id: Mapping[str, Document], fix: str) -> str:
    subject = "The documents do" if len(by_id) > 1 else "The document does"
    said = f'<p class="sw-says">{subject} not say.</p>'
    reason = f'<p dir="auto">{escape(given.reason)}</p>' if given.reason else ""
    if given.nearest is None:
        return f"{said}{reason}" + (f'<p class="sw-foot">{fix}</p>' if fix else "")
    sentence = by_id[given.nearest.document_id].text[given.nearest.sentence_start : given.nearest.sentence_end]
    return (
        f'{said}{reason}<div class="sw-nearest"><p class="sw-label">Nearest passage{_title(given.nearest, by_id)}</p>'
        f'<q class="sw-quote sw-near" dir="auto">{escape(sentence)}</q></div>'
        f'<p class="sw-foot"><a class="sw-button is-plain" href="#near-{turn}">Show in the article</a>{fix}</p>'
    )


def _finds(given: Answer, first: int, by_id: Mapping[str, Document]) -> list[str]:
    """One list item a citation; the sentence around stands once, under the last of the neighbours that share it."""
    numbers = {receipt.number: first + k for k, receipt in enumerate(given.citations)}
    receipts = {receipt.number: receipt for receipt in given.citations}
    cited = list(dict.fromkeys(item.citation for item in given.items)) or list(receipts)
    ordered = [receipts[number] for number in cited if number in receipts]
    found = []
    for _, group in itertools.groupby(ordered, key=lambda c: (c.document_id, c.sentence_start, c.sentence_end)):
        neighbours = list(group)
        for receipt in neighbours:
            n = numbers[receipt.number]
            around = _around(neighbours, by_id) if receipt is neighbours[-1] else ""
            found.append(
                f'<li><a class="sw-chip" href="#cite-{n}" id="chip-{n}">'
                f'<span class="sw-vh">Show citation </span>{n}</a> '
                f'<q class="sw-quote" dir="auto">{escape(receipt.quote)}</q>{around}</li>'
            )
    return found


def _around(neighbours: Sequence[Citation], by_id: Mapping[str, Document]) -> str:
    """The whole sentence with every cited span in it marked; left out where it would only repeat the quote."""
    last = neighbours[-1]
    text = by_id[last.document_id].text
    start, end = last.sentence_start, last.sentence_end
    title = f'<p class="sw-label">{escape(last.title)}</p>' if len(by_id) > 1 else ""
    if any((receipt.start, receipt.end) == (start, end) for receipt in neighbours):
        return title
    parts = []
    position = start
    for low, high in _merged(neighbours):
        low, high = max(low, start), min(high, end)
        parts.append(f"{escape(text[position:low])}<b>{escape(text[low:high])}</b>")
        position = high
    parts.append(escape(text[position:end]))
    return f'<p class="sw-context" dir="auto">{"".join(parts)}</p>{title}'


def _merged(receipts: Sequence[Citation]) -> list[tuple[int, int]]:
    spans: list[tuple[int, int]] = []
    for start, end in sorted((receipt.start, receipt.end) for receipt in receipts):
        if spans and start < spans[-1][1]:
            spans[-1] = (spans[-1][0], max(end, spans[-1][1]))
        else:
            spans.append((start, end))
    return spans


def _title(receipt: Citation, by_id: Mapping[str, Document]) -> str:
    return f" · {escape(receipt.title)}" if len(by_id) > 1 else ""


def start(what: str) -> str:
    """What stands in an empty conversation about `what`, above the example questions."""
    return (
        f'<div class="start"><h2>Ask {what}.</h2><p>Every answer is a quotation, with its place. '
        "If the text does not say, you are told so.</p></div>"
    )


def waiting(what: str) -> str:
    """The card of what is being read."""
    return f'<div class="sw-card"><p class="sw-wait" dir="auto">Reading {escape(what)}…</p></div>'


def error(sentence: str, *, again: bool) -> str:
    """The card of what went wrong: one sentence, and one way on where trying again may help."""
    shown = sentence[:1].upper() + sentence[1:]
    if shown[-1:].isalnum():
        shown += "."
    way_on = '<p class="sw-foot"><button class="sw-button is-plain" type="button" id="again">Try again</button></p>'
    return f'<div class="sw-card is-error"><p dir="auto">{escape(shown)}</p>{way_on if again else ""}</div>'


def copy_text(given: Answer, *, question: str, first: int, several: bool) -> str:
    """An answer for the clipboard: every quote with its number, its document and its place."""
    if given.abstained:
        return ""
    lines = [given.understood_as or question]
    for k, receipt in enumerate(given.citations):
        place = f"{receipt.title}, " if several else ""
        lines.append(f"[{first + k}] “{receipt.quote}” ({place}characters {receipt.start}–{receipt.end})")
    if not several and given.citations:
        lines.append(f"— {given.citations[0].title} ({given.citations[0].source})")
    return "\n".join(lines)

"""A run as one HTML file that asks the network for nothing: figures, charts, slices and every question.

All text of documents and question sets is escaped here and nowhere else; the page's policy allows its own script and
style and nothing more.
"""

from __future__ import annotations

import base64
import hashlib
import html
from collections.abc import Iterator, Mapping
from importlib.resources import files
from itertools import islice
from typing import Any

from qa.evaluation import charts
from qa.evaluation.folder import RunFolder
from qa.evaluation.report_rows import question_row
from qa.evaluation.slices import SLICES
from qa.evaluation.terms import TERMS

MOST_ROWS = 2_000
"""Questions in one page; of more, those that went wrong come first. `predictions.jsonl` has all."""

OUTCOMES = {
    "right": ("full", "Right"),
    "partly": ("half", "Partly"),
    "wrong": ("cross", "Wrong"),
    "missed": ("ring", "Missed"),
    "silent": ("dash", "Rightly silent"),
}
_SYMBOLS = """<svg width="0" height="0" aria-hidden="true" class="sw-vh">
<symbol id="full" viewBox="0 0 12 12"><circle cx="6" cy="6" r="5" fill="currentColor"/></symbol>
<symbol id="half" viewBox="0 0 12 12"><circle cx="6" cy="6" r="4.25" fill="none" stroke="currentColor"
 stroke-width="1.5"/><path d="M6 1.75a4.25 4.25 0 0 0 0 8.5z" fill="currentColor"/></symbol>
<symbol id="ring" viewBox="0 0 12 12"><circle cx="6" cy="6" r="4.25" fill="none" stroke="currentColor"
 stroke-width="1.5"/></symbol>
<symbol id="cross" viewBox="0 0 12 12"><path d="M2 2l8 8M10 2l-8 8" stroke="currentColor" stroke-width="2"/></symbol>
<symbol id="dash" viewBox="0 0 12 12"><path d="M1 6h10" stroke="currentColor" stroke-width="2"/></symbol>
</svg>
"""
_FIGURES = (
    ("Right", "lenient", "%"),
    ("Right to the word", "strict", "%"),
    ("Exact match", "exact", "%"),
    ("F1", "f1", ""),
    ("List F1", "list.partial_f1", ""),
    ("Answered", "answered", "%"),
    ("Wrong when answered", "wrong_when_answered", "%"),
    ("Rightly silent", "abstention.recall", "%"),
    ("Calibration error", "calibration.ece", "%"),
    ("Right given passage", "given_passage.lenient", "%"),
)
_COLUMNS = ("No.", "Question", "Right answer", "Answer given", "Outcome", "F1", "Confidence", "Lost at")


def write_report(folder: RunFolder) -> None:
    """Write `report.html` of a finished run."""
    folder.write("report.html", "".join(_page(folder, folder.metrics(), folder.about())))


def _page(folder: RunFolder, found: Mapping[str, Any], about: Mapping[str, Any]) -> Iterator[str]:
    style = "\n".join((files("qa") / name).read_text(encoding="utf-8") for name in (
        "web/assets/tokens.css", "web/assets/parts.css", "evaluation/assets/report.css"))  # fmt: skip
    script = (files("qa.evaluation") / "assets/report.js").read_text(encoding="utf-8")
    allowed = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    yield (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
        f"script-src 'sha256-{allowed}'; base-uri 'none'; form-action 'none'\">\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        "<title>Evaluation report: Spanwise</title>\n"
        f"<style>\n{style}</style>\n</head>\n<body>\n{_SYMBOLS}"
    )
    yield from _front(found, about)
    yield "<main>\n"
    yield from _headline(found)
    yield from _trust(found)
    yield from _slices(found)
    yield from _questions(folder, found)
    yield from _behind(about)
    yield f"</main>\n<script>{script}</script>\n</body>\n</html>\n"


def _front(found: Mapping[str, Any], about: Mapping[str, Any]) -> Iterator[str]:
    identity = about["identity"]
    silent = found["abstention"]["total"]
    without = f", {silent:,} of them without an answer in the text" if silent else ""
    models = about.get("models", {})
    threshold = models.get("threshold")
    made = {
        "Question set": ", ".join(one["file"] for one in identity["questions"]),
        "Reader": models.get("reader"),
        "Depth": identity["settings"]["depth"],
        "Threshold": None if threshold is None else f"{threshold:g}",
        "Metrics": found["metrics"],
        "Made": about.get("made"),
    }
    yield (
        f'<header class="front">\n<h1>Evaluation report</h1>\n<p class="lead">{found["total"]:,} questions{without}. '
        f"Figures stand with their 95&nbsp;% interval, which comes from resampling {found['intervals']['resampled']}."
        '</p>\n<dl class="made">\n'
    )
    for name, value in made.items():
        if value:
            yield f"<div><dt>{name}</dt><dd>{html.escape(value)}</dd></div>\n"
    yield "</dl>\n"
    if found["warnings"]:
        yield '<ul class="warnings">' + "".join(f"<li>{html.escape(w)}</li>" for w in found["warnings"]) + "</ul>\n"
    yield "</header>\n"


def _headline(found: Mapping[str, Any]) -> Iterator[str]:
    yield (
        '<section aria-labelledby="h-figures">\n<h2 id="h-figures" class="sw-vh">Headline figures</h2>\n'
        '<dl class="figures">\n'
    )
    for name, key, unit in _FIGURES:
        part, _, rest = key.partition(".")
        value = found[part].get(rest) if rest else found[part]
        if value is None:
            continue
        interval = found["intervals"].get(key)
        between = f"{interval[0]:.1f} to {interval[1]:.1f}" if interval else "no interval"
        shown = f"<b>{value:.1f}</b>" + (f"<span>&nbsp;{unit}</span>" if unit else "")
        yield f"<div><dt>{name}</dt><dd>{shown} {charts.whisker(value, interval)} <small>{between}</small></dd></div>\n"
    yield "</dl>\n</section>\n"


def _trust(found: Mapping[str, Any]) -> Iterator[str]:
    bins, curve = found["calibration"]["bins"], found["risk_coverage"]["curve"]
    if not bins or not curve:
        return
    start, _, share, count = max(bins, key=lambda one: one[3])
    yield (
        '<section class="charts" aria-labelledby="h-trust">\n<h2 id="h-trust">Can its confidence be believed?</h2>\n'
        f"<figure><figcaption><b>Reliability.</b> Of the {count:,} answers with {100 * start:.0f} to "
        f"{100 * start + 10:.0f}&nbsp;% confidence, {100 * share:.1f}&nbsp;% were right. The bars below count the "
        f"answers in each bin; those held back are counted too.</figcaption>{charts.reliability(bins)}</figure>\n"
        "<figure><figcaption><b>Risk and coverage.</b> The more it answers, the more it gets wrong. The dot is this "
        "run, the shade the 95&nbsp;% interval, the dashes a perfect order.</figcaption>"
        + charts.risk_coverage(
            found["risk_coverage"], answered=found["answered"], wrong=found["wrong_when_answered"], total=found["total"]
        )
        + "</figure>\n</section>\n"
    )


def _slices(found: Mapping[str, Any]) -> Iterator[str]:
    if not found["slices"]:
        return
    yield (
        '<section aria-labelledby="h-slices">\n<h2 id="h-slices">Where it does well, and where not</h2>\n'
        '<div class="wide" tabindex="0" role="region" aria-label="Table of slices">\n'
        '<table class="slices">\n<thead><tr>'
        '<th scope="col">Slice</th><th scope="col">Questions</th><th scope="col">To the word, %</th>'
        '<th scope="col">F1</th><th scope="col">Right, %</th>'
        '<th scope="col" class="pic">Right, 95&nbsp;% interval (0 to 100)</th>'
        '<th scope="col">Answered, %</th><th scope="col">Wrong when answered, %</th></tr></thead>\n<tbody>\n'
    )
    for name, values in found["slices"].items():
        yield f'<tr class="group"><th colspan="8" scope="colgroup">By {SLICES[name]}</th></tr>\n'
        for value, one in values.items():
            interval = one["lenient_interval"]
            between = f"{interval[0]:.1f} to {interval[1]:.1f}" if interval else ""
            wrong = "–" if one["wrong_when_answered"] is None else f"{one['wrong_when_answered']:.1f}"
            yield (
                f'<tr><th scope="row">{html.escape(value)}</th><td>{one["total"]:,}</td><td>{one["strict"]:.1f}</td>'
                f"<td>{one['f1']:.1f}</td><td>{one['lenient']:.1f}</td>"
                f'<td class="pic">{charts.whisker(one["lenient"], interval, width=180)}'
                f'<span class="range-text">{between}</span></td><td>{one["answered"]:.1f}</td><td>{wrong}</td></tr>\n'
            )
    yield "</tbody>\n</table>\n</div>\n</section>\n"


def _questions(folder: RunFolder, found: Mapping[str, Any]) -> Iterator[str]:
    total = found["total"]
    yield (
        '<section aria-labelledby="h-questions">\n<h2 id="h-questions">Every question</h2>\n'
        '<form class="filter" aria-label="Filter the questions">\n<fieldset>\n<legend class="sw-vh">Outcome</legend>\n'
        f'<label><input type="radio" name="outcome" id="f-all" checked>All <span>{total:,}</span></label>\n'
    )
    for outcome, (symbol, name) in OUTCOMES.items():
        yield (
            f'<label><input type="radio" name="outcome" id="f-{outcome}">{icon(symbol)}{name} '
            f"<span>{found['outcomes'].get(outcome, 0):,}</span></label>\n"
        )
    note = f"{total:,} rows" if total <= MOST_ROWS else f"{MOST_ROWS:,} of {total:,} rows, those gone wrong first"
    yield (
        '</fieldset>\n<label class="sw-vh" for="find">Find in questions and answers</label>\n'
        '<input id="find" type="search" placeholder="Find a word">\n</form>\n'
        '<p class="legend"><mark class="sw-lit">answer given</mark> <span class="gold">right answer</span> '
        f'<span id="count" role="status">{note}</span></p>\n'
        '<div class="wide" tabindex="0" role="region" aria-label="Table of questions">\n<table class="questions">\n'
        "<thead><tr>"
        + "".join(f'<th scope="col"><button type="button">{name}</button></th>' for name in _COLUMNS)
        + '<th scope="col"><span class="sw-vh">Source sentence</span></th></tr></thead>\n<tbody>\n'
    )
    for number, row in _chosen(folder, total):
        symbol, name = OUTCOMES[row["outcome"]]
        yield question_row(number, row, icon(symbol) + name)
    yield "</tbody>\n</table>\n</div>\n</section>\n"


def _chosen(folder: RunFolder, total: int) -> Iterator[tuple[int, Mapping[str, Any]]]:
    numbered = list(enumerate(folder.rows(), start=1)) if total <= MOST_ROWS else None
    if numbered is not None:
        yield from numbered
        return
    wrong = (pair for pair in enumerate(folder.rows(), start=1) if not pair[1]["lenient"])
    right = (pair for pair in enumerate(folder.rows(), start=1) if pair[1]["lenient"])
    first = list(islice(wrong, MOST_ROWS))
    yield from first
    yield from islice(right, MOST_ROWS - len(first))


def _behind(about: Mapping[str, Any]) -> Iterator[str]:
    yield '<section aria-labelledby="h-behind">\n<h2 id="h-behind">What stands behind the figures</h2>\n'
    yield '<details><summary>How each figure is defined</summary>\n<dl class="terms">\n'
    for name, definition in TERMS.items():
        yield f"<dt>{html.escape(name)}</dt><dd>{html.escape(definition)}</dd>\n"
    yield '</dl></details>\n<details><summary>How to repeat this run</summary>\n<dl class="terms">\n'
    for name, value in _run_facts(about):
        yield f"<dt>{html.escape(name)}</dt><dd><code>{html.escape(value)}</code></dd>\n"
    yield "</dl></details>\n</section>\n"


def _run_facts(about: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if about.get("command"):
        yield "Command", about["command"]
    for name, value in {**about["identity"]["settings"], "scope": about["identity"]["scope"]}.items():
        if value is not None:
            yield name, str(value)
    for name, value in about.get("models", {}).items():
        yield name, str(value)
    for one in about["identity"]["questions"]:
        yield one["file"], f"SHA-256 {one['sha256']}"
    for name, digest in about.get("documents", {}).items():
        yield name, f"SHA-256 {digest}"
    for name, value in about.get("versions", {}).items():
        yield name, value
    if (seconds := about.get("seconds", {}).get("question")) is not None:
        yield "seconds a question", f"median {seconds['p50']:.2f}, 95th percentile {seconds['p95']:.2f}"


def icon(symbol: str) -> str:
    """A small picture from the page's symbols; the words beside it say the same."""
    return f'<svg width="12" height="12" aria-hidden="true"><use href="#{symbol}"/></svg>'

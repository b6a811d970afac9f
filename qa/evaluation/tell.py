"""A run and a comparison as short text for a terminal; makes strings and never prints.

What comes from documents and question sets goes through `safe`, a function that makes text harmless for a terminal.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from qa.evaluation.compare import Changed, Comparison

Safe = Callable[[str], str]
_HOLD_BACK = 300  # characters of one answer


def run_text(metrics: Mapping[str, Any], seconds: Mapping[str, Any]) -> str:
    """The headline figures of a run, each with its interval."""
    return "\n".join(_run_lines(metrics, seconds))


def _run_lines(found: Mapping[str, Any], seconds: Mapping[str, Any]) -> Iterator[str]:
    intervals = found["intervals"]

    def line(name: str, value: float | None, key: str = "", note: str = "", *, unit: str = "%") -> str:
        interval = intervals.get(key)
        between = f"{interval[0]:.1f} to {interval[1]:.1f}" if interval else ""
        shown = "-" if value is None else f"{value:.1f}"
        return f"{name:22}{shown:>6} {unit:1}  {between:15}  {note}".rstrip()

    total = found["total"]
    yield f"{total} question{'s' * (total != 1)}; 95 % intervals resample {intervals['resampled']}"
    yield line("Right, strict", found["strict"], "strict")
    yield line("Right, lenient", found["lenient"], "lenient")
    yield line("Exact match (SQuAD)", found["exact"], "exact")
    yield line("F1 (SQuAD)", found["f1"], "f1", unit="")
    yield line("Answered", found["answered"], "answered")
    yield line("Wrong when answered", found["wrong_when_answered"], "wrong_when_answered")
    silent, lists = found["abstention"], found["list"]
    if silent["total"]:
        note = f"{silent['right']} of {silent['total']} without an answer declined, and {silent['wrong']} that have one"
        yield line("Abstention recall", silent["recall"], "abstention.recall", note)
        yield line("Abstention precision", silent["precision"], "abstention.precision")
    if silent["auroc"] is not None:
        yield line("Abstention AUROC", 100 * silent["auroc"], unit="")
    if lists["total"]:
        note = f"{lists['complete']} of {lists['total']} complete, {lists['strict']} without one too many"
        yield line("List F1, exact", lists["exact_f1"], "list.exact_f1", note, unit="")
        yield line("List F1, partial", lists["partial_f1"], "list.partial_f1", unit="")
    yield line("Calibration error", found["calibration"]["ece"], "calibration.ece")
    if (given := found["given_passage"])["total"]:
        whole = f"{given['pipeline_lenient']:.1f} % through the whole pipeline, both without a threshold"
        yield line("Right given passage", given["lenient"], note=whole)
    if lost := found["lost"]:
        yield "Lost at: " + ", ".join(f"{stage} {count}" for stage, count in lost.items())
    if (whole := seconds["question"]) is not None:
        yield f"Seconds a question: median {whole['p50']:.2f}, 95th percentile {whole['p95']:.2f}"


def comparison_json(found: Comparison) -> str:
    """Everything about a comparison; what a terminal might obey is escaped, as JSON allows."""
    return json.dumps({**asdict(found), "regressed": found.regressed}, ensure_ascii=True, indent=2, default=dict)


def comparison_text(found: Comparison, *, show: int, safe: Safe) -> str:
    """Measures, kinds, and up to `show` questions won and lost with both answers."""
    return "\n".join(_comparison_lines(found, show, safe))


def _comparison_lines(found: Comparison, show: int, safe: Safe) -> Iterator[str]:
    yield f"{found.total} questions in both runs" + "".join(
        f"; {count} {what}"
        for count, what in (
            (found.only_a, "only in A"),
            (found.only_b, "only in B"),
            (found.differing, "with other words or right answers, left out"),
        )
        if count
    )
    yield f"{'':10}{'A':>7}{'B':>7}{'B - A':>8}   {'95 % interval':17}{'p':>7}"
    for name, one in found.measures.items():
        interval = "" if one.interval is None else f"{one.interval[0]:+.1f} to {one.interval[1]:+.1f}"
        sure = "worse" if one.worse else "better" if one.interval is not None and one.interval[0] > 0 else "not sure"
        p = f"{one.p:.3f}" if one.p >= 0.001 else "<.001"
        yield f"{name:10}{one.a:7.1f}{one.b:7.1f}{one.difference:+8.1f}   {interval:17}{p:>7}  {sure}, by {one.test}"
    yield ""
    yield f"{'kind':28}{'questions':>10}{'won':>6}{'lost':>6}"
    for kind, (total, won, lost) in found.slices.items():
        yield f"{safe(kind)[:27]:28}{total:10}{won:6}{lost:6}"
    for title, changed in (("Won", found.won), ("Lost", found.lost)):
        yield ""
        yield f"{title}: {len(changed)}"
        yield from _changed_lines(changed[:show], safe)
        if len(changed) > show:
            yield f"  and {len(changed) - show} more"


def _changed_lines(changed: Sequence[Changed], safe: Safe) -> Iterator[str]:
    for one in changed:
        yield f"  {safe(one.id)}  {safe(one.question)[:_HOLD_BACK]}"
        gold = one.golds[0] if one.golds else "(no answer)"
        yield f"    right  {safe(gold)[:_HOLD_BACK]}"
        for name, items, confidence in (("A", one.a, one.confidence_a), ("B", one.b, one.confidence_b)):
            said = safe("; ".join(items))[:_HOLD_BACK] or "(declined)"
            yield f"    {name:5}  {said}  {100 * confidence:.0f} %"

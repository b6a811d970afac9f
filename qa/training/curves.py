"""A run's log as one SVG: loss, learning rate and development figures over the steps, stages marked."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence
from typing import Any

from qa.training.recipe import STAGES

Points = list[tuple[float, float]]
LEFT, RIGHT, TALL, GAP = 72.0, 700.0, 150.0, 60.0
STYLE = """
svg { background: #fff; font: 12px system-ui, sans-serif; }
text { fill: #444; } .quiet { font-size: 11px; } .title { font-size: 15px; font-weight: 600; fill: #111; }
.grid { stroke: #ddd; } .stage { stroke: #888; stroke-dasharray: 3 3; }
.line { fill: none; stroke-width: 1.8; stroke-linejoin: round; }
.a { stroke: #0b63ce; } .b { stroke: #b3541e; } .c { stroke: #2a7a3b; } .d { stroke: #7a3a9a; }
circle { stroke: none; } circle.a { fill: #0b63ce; } circle.b { fill: #b3541e; } circle.c { fill: #2a7a3b; }
circle.d { fill: #7a3a9a; } text.a { fill: #0b63ce; } text.b { fill: #b3541e; } text.c { fill: #2a7a3b; }
text.d { fill: #7a3a9a; } text.a, text.b, text.c, text.d { stroke: none; }
@media (prefers-color-scheme: dark) {
  svg { background: #16181c; } text { fill: #bbb; } .title { fill: #eee; } .grid { stroke: #333; }
  .a { stroke: #6aaeff; } .b { stroke: #ffa066; } .c { stroke: #6fd086; } .d { stroke: #cf9be8; }
  text.a { fill: #6aaeff; } text.b { fill: #ffa066; } text.c { fill: #6fd086; } text.d { fill: #cf9be8; }
}
"""


def draw(lines: Sequence[Mapping[str, Any]], *, title: str) -> str:
    """One panel for each thing that the log tells; an empty log gives an empty picture."""
    told = [line for line in lines if line.get("loss") is not None]
    looked = [line for line in lines if line.get("dev")]
    most = max((line["step"] for line in lines), default=0)
    panels: list[tuple[str, list[tuple[str, Points]]]] = []
    if told:
        parts = [("all", "loss"), ("spans", "span_loss"), ("tags", "tag_loss")]
        panels.append(("loss", [(label, _points(told, name)) for label, name in parts]))
        panels.append(("learning rate", [("", _points(told, "lr"))]))
    if looked:
        figures = [{"step": line["step"], **line["dev"]} for line in looked]
        scaled = [{**line, "auroc": None if line["auroc"] is None else 100 * line["auroc"]} for line in figures]
        named = [("F1", "f1"), ("exact", "exact"), ("AUROC, %", "auroc"), ("lists, F1", "lists")]
        panels.append(("development sample", [(label, _points(scaled, name)) for label, name in named]))
    parts_ = [f'<text class="title" x="{LEFT}" y="24">{html.escape(title)}</text>']
    top = 70.0
    for name, series in panels:
        parts_.append(_panel(name, [one for one in series if one[1]], most, top, _stages(lines)))
        top += TALL + GAP
    summary = f"{most} steps" + (f", last loss {told[-1]['loss']:.3f}" if told else "")
    size = f'viewBox="0 0 780 {top:.0f}" width="780" height="{top:.0f}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">'
        f"<title>{html.escape(title)}: {summary}</title><style>{STYLE}</style>{''.join(parts_)}</svg>\n"
    )


def _points(lines: Sequence[Mapping[str, Any]], name: str) -> Points:
    return [(float(line["step"]), float(line[name])) for line in lines if line.get(name) is not None]


def _stages(lines: Sequence[Mapping[str, Any]]) -> Points:
    """The first step told of in each stage, with the number of the stage."""
    found: dict[str, float] = {}
    for line in lines:
        if line.get("stage") in STAGES:
            found.setdefault(str(line["stage"]), float(line["step"]))
    return [(step, float(list(STAGES).index(stage))) for stage, step in found.items()]


def _panel(name: str, series: list[tuple[str, Points]], most: float, top: float, stages: Points) -> str:
    values = [value for _, points in series for _, value in points]
    if not values:
        return ""
    low, high = min(0.0, *values) if min(values) < 0.5 * max(values) else min(values), max(values)
    span = (high - low) or 1.0
    bottom = top + TALL

    def x(step: float) -> float:
        return LEFT + (RIGHT - LEFT) * step / (most or 1)

    def y(value: float) -> float:
        return bottom - TALL * (value - low) / span

    parts = [f'<text x="{LEFT}" y="{top - 22:.1f}">{name}</text>']
    for n in range(5):
        value = low + span * n / 4
        parts.append(
            f'<path class="grid" d="M{LEFT} {y(value):.1f}H{RIGHT}"/>'
            f'<text x="{LEFT - 6}" y="{y(value) + 4:.1f}" text-anchor="end">{value:.3g}</text>'
        )
    for n in range(5):
        anchor = ("start", "middle", "middle", "middle", "end")[n]
        parts.append(
            f'<text x="{x(most * n / 4):.1f}" y="{bottom + 16:.1f}" text-anchor="{anchor}">{most * n / 4:.0f}</text>'
        )
    for step, number in stages:
        label = list(STAGES.values())[int(number)]
        parts.append(
            f'<path class="stage" d="M{x(step):.1f} {top}V{bottom}"/>'
            f'<text class="quiet" x="{x(step):.1f}" y="{top - 5:.1f}">{label}</text>'
        )
    lowest = -math.inf
    for kind, (label, points) in sorted(zip("abcd", series, strict=False), key=lambda one: y(one[1][1][-1][1])):
        path = "L".join(f"{x(step):.1f} {y(value):.1f}" for step, value in points)
        parts.append(f'<path class="line {kind}" d="M{path}"/>')
        if len(points) < 60:
            parts += [f'<circle class="{kind}" cx="{x(s):.1f}" cy="{y(v):.1f}" r="2.2"/>' for s, v in points]
        lowest = max(y(points[-1][1]) + 4, lowest + 13)  # labels of lines that meet stand below each other
        parts.append(f'<text class="{kind}" x="{x(points[-1][0]) + 6:.1f}" y="{lowest:.1f}">{label}</text>')
    return "".join(parts)

"""Figures as inline SVG, drawn with classes of `assets/report.css`: whiskers, reliability, risk and coverage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from qa.evaluation.intervals import wilson

_LEFT, _RIGHT, _TOP = 48.0, 464.0, 14.0
_WIDE = _RIGHT - _LEFT


def whisker(value: float, interval: Sequence[float] | None, *, width: int = 148) -> str:
    """A figure from 0 to 100 and its interval on a line; the words beside it say the same."""
    place = _scale(4, width - 4)
    span = f'<path class="range" d="M{place(interval[0])} 6H{place(interval[1])}"/>' if interval else ""
    return (
        f'<svg class="whisker" viewBox="0 0 {width} 12" width="{width}" height="12" aria-hidden="true">'
        f'<path class="axis" d="M4 6H{width - 4}"/>{span}<path class="mid" d="M{place(value)} 0v12"/></svg>'
    )


def reliability(bins: Sequence[Sequence[float]]) -> str:
    """Stated confidence against the share right, with 95 % intervals, and how many answers each bin holds."""
    bottom = 276.0
    x, y = _scale(_LEFT, _RIGHT), _scale(bottom, _TOP)
    parts = [
        _grid(y, (0, 25, 50, 75, 100)),
        _ticks(x, 338),
        f'<path class="ideal" d="M{x(0)} {y(0)}L{x(100)} {y(100)}"/>',
    ]
    most = max(count for *_, count in bins)
    points = [(x(100 * mean), y(100 * share)) for _, mean, share, _ in bins]
    for (_, mean, share, count), (left, _) in zip(bins, points, strict=True):
        low, high = wilson(share, count)
        parts.append(f'<path class="range" d="M{x(100 * mean)} {y(100 * low)}V{y(100 * high)}"/>')
        tall = 30 * count / most
        parts.append(
            f'<rect class="count" x="{float(left) - 12:.1f}" y="{320 - tall:.1f}" width="24" height="{tall:.1f}"/>'
        )
    parts.append(f'<path class="line" d="M{"L".join(f"{a} {b}" for a, b in points)}"/>')
    parts += [f'<circle cx="{a}" cy="{b}" r="4.5"/>' for a, b in points]
    parts.append(_labels("stated confidence, %", "right, %", (bottom + _TOP) / 2))
    parts.append('<text class="note" x="152" y="113.6" text-anchor="middle">too modest</text>')
    parts.append('<text class="note" x="372" y="196" text-anchor="middle">too sure</text>')
    told = "; ".join(
        f"at {100 * mean:.0f} % stated, {100 * share:.0f} % of {count} right" for _, mean, share, count in bins
    )
    return _figure("rel", "Reliability diagram", told, "".join(parts))


def risk_coverage(found: Mapping[str, Any], *, answered: float, wrong: float | None, total: int) -> str:
    """Wrong among answered as more is answered; the dot is the run itself, the dashes an order without a mistake."""
    curve = found["curve"]
    top = next((step for step in (10, 25, 50, 75) if step >= 105 * max(risk for _, risk in curve)), 100)
    x, y = _scale(_LEFT, _RIGHT), _scale(320.0, _TOP, top)
    bands = [(coverage, wilson(risk, coverage * total)) for coverage, risk in curve]
    upper = [f"{x(100 * c)} {y(min(top, 100 * high))}" for c, (_, high) in bands]
    lower = [f"{x(100 * c)} {y(100 * low)}" for c, (low, _) in bands]
    line = "L".join(f"{x(100 * c)} {y(min(top, 100 * risk))}" for c, risk in curve)
    last, risk = curve[-1]
    right = last * (1 - risk)  # the share of all questions that could be answered without a mistake
    steps = [right + (last - right) * i / 20 for i in range(21)]
    ideal = "L".join(f"{x(100 * c)} {y(min(top, 100 * (c - right) / c if c else 0.0))}" for c in steps)
    parts = [
        _grid(y, [top * i // 5 for i in range(6)] if top % 5 == 0 and top != 75 else (0, 25, 50, 75)),
        _ticks(x, 338),
        f'<path class="band" d="M{"L".join(upper)}L{"L".join(reversed(lower))}Z"/>',
        f'<path class="ideal" d="M{x(0)} {y(0)}H{x(100 * right)}L{ideal}"/>',
        f'<path class="line" d="M{line}"/>',
    ]
    told = f"At {100 * last:.0f} % answered, {100 * risk:.0f} % of the answers are wrong."
    if wrong is not None:
        told = f"The run answers {answered:.1f} % and {wrong:.1f} % of its answers are wrong. {told}"
        left, high = x(answered), y(min(top, wrong))
        anchor, beside = ("end", -12) if answered > 50 else ("start", 12)
        at = f'x="{float(left) + beside:.1f}" text-anchor="{anchor}"'
        up = max(34.0, float(high) - 28)
        parts += [
            f'<path class="drop" d="M{left} {high}V{y(0)}M{left} {high}H{_LEFT}"/>',
            f'<circle class="here" cx="{left}" cy="{high}" r="5.5"/>',
            f'<text class="tell" {at} y="{up:.1f}">this run</text>',
            f'<text class="note" {at} y="{up + 16:.1f}">answers {answered:.1f} %, wrong {wrong:.1f} %</text>',
        ]
    parts.append(_labels("answered, %", "wrong among answered, %", 167))
    return _figure("rc", "Risk-coverage curve", told, "".join(parts))


class _scale:  # noqa: N801 - used as a function
    """A number from 0 to `top` to a coordinate, as text."""

    def __init__(self, start: float, end: float, top: float = 100) -> None:
        self._start, self._step = start, (end - start) / top

    def __call__(self, value: float) -> str:
        return f"{self._start + self._step * value:.1f}"


def _grid(y: _scale, steps: Sequence[int]) -> str:
    return "".join(
        f'<path class="grid" d="M{_LEFT} {y(step)}H{_RIGHT}"/>'
        f'<text x="40" y="{float(y(step)) + 4:.1f}" text-anchor="end">{step}</text>'
        for step in steps
    )


def _ticks(x: _scale, low: float) -> str:
    return "".join(f'<text x="{x(step)}" y="{low}" text-anchor="middle">{step}</text>' for step in (0, 25, 50, 75, 100))


def _labels(across: str, up: str, middle: float) -> str:
    return (
        f'<text class="label" x="{_LEFT + _WIDE / 2}" y="360" text-anchor="middle">{across}</text>'
        f'<text class="label" transform="translate(13 {middle}) rotate(-90)" text-anchor="middle">{up}</text>'
    )


def _figure(name: str, title: str, told: str, inside: str) -> str:
    return (
        f'<svg viewBox="0 0 480 372" role="img" aria-labelledby="{name}-t {name}-d">'
        f'<title id="{name}-t">{title}</title>'
        f'<desc id="{name}-d">{told}</desc>{inside}</svg>'
    )

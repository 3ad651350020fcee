"""Plots of findings as inline SVG: learning curves, effects in order, bars side by side."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from evaluation.analysis.records import Ablation, Efficiency, Measured
from evaluation.report.axes import ticks
from pipeline.specs.ablation import part_words

__all__ = ["Bar", "Mark", "bar_chart", "effects_chart", "efficiency_chart", "mark_chart"]

_WIDTH = 560
_LEFT, _RIGHT, _TOP, _BOTTOM = 48, 18, 26, 46
_CURVE_HEIGHT = 340
_ROW, _AXIS = 30, 34
_LETTER = 7.4  # px of a letter of the charts' text, on average
_NAME_LETTERS = 34
LINE_OF_REGIME = {"real": 5, "synthetic": 0, "mixed": 1, "pretrain_finetune": 2}
"""Number of the colour of a regime's line, ``--line-N`` in report.css."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A number with its interval, under a name, as one row of a chart; grey if not strong."""

    name: str
    value: float
    low: float | None
    high: float | None
    text: str
    strong: bool = True
    color: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """Numbers of several series under one name; None where a series has none."""

    name: str
    values: tuple[float | None, ...]
    texts: tuple[str, ...]


def efficiency_chart(efficiency: Efficiency, *, title: str, ylabel: str) -> Markup:
    """Scores by the number of real photographs, one line a regime.

    Training without any photograph is a level across the chart; where it meets the line of
    photographs alone, a drop line shows how many photographs it is worth.

    Returns:
        An ``<svg>`` element; empty with fewer than two numbers of photographs.
    """
    counts = sorted({p.real_images for c in efficiency.curves for p in c.points if p.real_images})
    if len(counts) < 2:
        return Markup("")
    first, last = math.log(counts[0]), math.log(counts[-1])
    measured = [p.measured for c in efficiency.curves for p in c.points]
    top = max(m.high if m.high is not None else m.value or 0.0 for m in measured)
    marks = ticks(0.0, min(1.0, top) or 1.0)
    bottom = _CURVE_HEIGHT - _BOTTOM
    inner = _WIDTH - _LEFT - _RIGHT

    def x_of(count: float) -> float:
        return _LEFT + 26 + (inner - 52) * (math.log(count) - first) / (last - first)

    def y_of(value: float) -> float:
        return bottom - (bottom - _TOP) * min(value, marks[-1]) / marks[-1]

    parts = [_open(_CURVE_HEIGHT, title)]
    parts.append(_text(4, 14, ylabel, "tick"))
    for mark in marks:
        parts.append(_line(_LEFT, y_of(mark), _WIDTH - _RIGHT, y_of(mark), "grid"))
        parts.append(_text(_LEFT - 8, y_of(mark) + 4, f"{mark:g}", "tick", anchor="end"))
    shown: list[float] = []
    for count in counts:
        if all(abs(x_of(count) - x) > 34 for x in shown):
            shown.append(x_of(count))
            parts.append(_text(x_of(count), bottom + 20, f"{count:,}", "tick", anchor="middle"))
    parts.append(_text(_LEFT + inner / 2, bottom + 40, "real photographs", "tick", anchor="middle"))
    alone = next((c for c in efficiency.curves if c.regime == "synthetic"), None)
    for rate in efficiency.exchange if alone is not None else ():
        assert alone is not None
        shown_too = (rate.regime, rate.synthetic_images) == ("synthetic", alone.synthetic_images)
        if shown_too and rate.equals.photographs is not None:
            level = alone.points[0]
            if level.measured.value is not None:
                x = x_of(rate.equals.photographs)
                parts.append(_line(x, y_of(level.measured.value), x, bottom, "drop"))
                worth = f"{rate.equals.photographs:.0f}"
                parts.append(_text(x + 5, bottom - 6, worth, "value"))
    several = len([c for c in efficiency.curves if c.regime != "synthetic"])
    for number, curve in enumerate(efficiency.curves):
        color = f"line-{LINE_OF_REGIME[curve.regime]}"
        points = [p for p in curve.points if p.measured.value is not None]
        if curve.regime == "synthetic":
            parts += [_level(p.measured, y_of, color) for p in points]
            continue
        dodge = 3.0 * (number - (several - 1) / 2)
        places = [(x_of(p.real_images) + dodge, p.measured) for p in points]
        path = " ".join(f"{x:.1f},{y_of(m.value or 0.0):.1f}" for x, m in places)
        parts.append(Markup('<polyline class="{}" points="{}"/>').format(color, path))
        for x, m in places:
            if m.low is not None and m.high is not None:
                parts.append(_line(x, y_of(max(m.low, 0.0)), x, y_of(m.high), f"whisker {color}"))
            parts.append(_dot(x, y_of(m.value or 0.0), color))
    return Markup("").join([*parts, Markup("</svg>")])


def effects_chart(ablation: Ablation, *, title: str) -> Markup:
    """What each part brings, the largest first, in points (hundredths of the score)."""
    marks = [
        Mark(
            name=part_words(effect.name),
            value=100 * (effect.measured.value or 0.0),
            low=None if effect.measured.low is None else 100 * effect.measured.low,
            high=None if effect.measured.high is None else 100 * effect.measured.high,
            text=f"{100 * (effect.measured.value or 0.0):+.1f}".replace("-", "\N{MINUS SIGN}"),
            strong=effect.verdict != "undecided",
        )
        for effect in ablation.effects
    ]
    return mark_chart(marks, title=title, unit="points", zero=True)


def mark_chart(
    marks: Sequence[Mark],
    *,
    title: str,
    unit: str,
    zero: bool = False,
    span: tuple[float, float] = (0.0, 0.0),
) -> Markup:
    """Rows with a dot, its interval and its number.

    Args:
        marks: From the top.
        title: What is drawn, for people who cannot see it.
        unit: Under the axis.
        zero: Draw a line at 0.
        span: Numbers that the axis reaches at least.
    """
    if not marks:
        return Markup("")
    ends = [v for m in marks for v in (m.value, m.low, m.high) if v is not None]
    scale = ticks(min(*span, *ends), max(*span, *ends))
    left = 16 + _LETTER * min(_NAME_LETTERS, max(len(m.name) for m in marks))
    right = 16 + _LETTER * max(len(m.text) for m in marks)
    bottom = 10 + _ROW * len(marks)

    def x_of(value: float) -> float:
        share = (value - scale[0]) / (scale[-1] - scale[0])
        return left + (_WIDTH - left - right) * share

    parts = [_open(bottom + _AXIS + 14, title)]
    for number in scale:
        kind = "axis" if zero and number == 0 else "grid"
        parts.append(_line(x_of(number), 6, x_of(number), bottom, kind))
        label = f"{number:g}".replace("-", "\N{MINUS SIGN}")
        parts.append(_text(x_of(number), bottom + 18, label, "tick", anchor="middle"))
    middle = (left + _WIDTH - right) / 2
    parts.append(_text(middle, bottom + 38, unit, "tick", anchor="middle"))
    for row, mark in enumerate(marks):
        y = 10 + _ROW * (row + 0.5)
        tone = f"line-{mark.color}" if mark.strong else "quiet"
        parts.append(_text(0, y + 5, _shortened(mark.name), "name"))
        if mark.low is not None and mark.high is not None:
            parts.append(_line(x_of(mark.low), y, x_of(mark.high), y, f"whisker {tone}"))
        parts.append(_dot(x_of(mark.value), y, tone))
        parts.append(_text(_WIDTH, y + 5, mark.text, "value", anchor="end"))
    return Markup("").join([*parts, Markup("</svg>")])


def bar_chart(bars: Sequence[Bar], *, title: str, unit: str, colors: Sequence[int]) -> Markup:
    """Bars of several series side by side, a group to each name.

    Args:
        bars: From the top.
        title: What is drawn, for people who cannot see it.
        unit: Under the axis.
        colors: Number of each series' colour.
    """
    longest = max((v for bar in bars for v in bar.values if v is not None), default=0.0)
    scale = ticks(0.0, longest or 1.0)
    left = 16 + _LETTER * min(_NAME_LETTERS, max(len(bar.name) for bar in bars))
    right = 16 + _LETTER * max(len(text) for bar in bars for text in bar.texts)
    thick = 15
    group = thick * len(colors) + 14
    bottom = 6 + group * len(bars)

    def x_of(value: float) -> float:
        return left + (_WIDTH - left - right) * value / scale[-1]

    parts = [_open(bottom + _AXIS + 14, title)]
    for mark in scale:
        parts.append(_line(x_of(mark), 4, x_of(mark), bottom, "grid"))
        parts.append(_text(x_of(mark), bottom + 18, f"{mark:g}", "tick", anchor="middle"))
    middle = (left + _WIDTH - right) / 2
    parts.append(_text(middle, bottom + 38, unit, "tick", anchor="middle"))
    for row, bar in enumerate(bars):
        y = 6 + group * row + 7
        parts.append(_text(0, y + thick * len(colors) / 2 + 5, _shortened(bar.name), "name"))
        for number, (value, text) in enumerate(zip(bar.values, bar.texts, strict=True)):
            top = y + thick * number
            if value is None:
                continue
            parts.append(
                Markup(
                    '<rect class="fill-{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{}"/>'
                ).format(colors[number], left, top + 1, max(1.0, x_of(value) - left), thick - 2)
            )
            parts.append(_text(x_of(value) + 6, top + thick - 3, text, "bar"))
    return Markup("").join([*parts, Markup("</svg>")])


def _open(height: float, title: str) -> Markup:
    return Markup('<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}">').format(
        _WIDTH, f"{height:g}", title
    )


def _level(measured: Measured, y_of: Callable[[float], float], color: str) -> Markup:
    parts = []
    if measured.low is not None and measured.high is not None:
        top, low = y_of(measured.high), y_of(max(measured.low, 0.0))
        parts.append(
            Markup('<rect class="level {}" x="{}" y="{:.1f}" width="{}" height="{:.1f}"/>').format(
                color, _LEFT, top, _WIDTH - _LEFT - _RIGHT, low - top
            )
        )
    y = y_of(measured.value or 0.0)
    parts.append(_line(_LEFT, y, _WIDTH - _RIGHT, y, f"dashed {color}"))
    return Markup("").join(parts)


def _line(x1: float, y1: float, x2: float, y2: float, css_class: str) -> Markup:
    return Markup('<line class="{}" x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}"/>').format(
        css_class, x1, y1, x2, y2
    )


def _dot(x: float, y: float, css_class: str) -> Markup:
    return Markup('<circle class="dot {}" cx="{:.1f}" cy="{:.1f}" r="4.5"/>').format(
        css_class, x, y
    )


def _text(x: float, y: float, text: str, css_class: str, *, anchor: str = "start") -> Markup:
    return Markup('<text class="{}" x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>').format(
        css_class, x, y, anchor, text
    )


def _shortened(name: str) -> str:
    return (
        name
        if len(name) <= _NAME_LETTERS
        else f"{name[: _NAME_LETTERS - 1]}\N{HORIZONTAL ELLIPSIS}"
    )

"""Curves between two labelled axes, as inline SVG that takes its colours from the page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from evaluation.report.axes import ticks

__all__ = ["Line", "Point", "Rule", "line_chart"]

_WIDTH, _HEIGHT = 480, 400
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 16, 14, 54
_FIFTHS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
_RADII_PX = (3.0, 9.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A curve; it is broken where y is None.

    Attributes:
        color: Number of the page's colour; None for a quiet line among many.
    """

    x: Sequence[float]
    y: Sequence[float | None]
    color: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A measured point with its interval; the weight, up to 1, sets its size."""

    x: float
    y: float
    low: float
    high: float
    weight: float
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A value of x that is told apart, and what it is."""

    x: float
    words: str


def line_chart(
    lines: Sequence[Line],
    *,
    title: str,
    xlabel: str,
    ylabel: str,
    x_span: tuple[float, float] = (0.0, 1.0),
    points: Sequence[Point] = (),
    rules: Sequence[Rule] = (),
    diagonal: bool = False,
) -> Markup:
    """A chart whose y axis reaches from 0 to 1.

    Args:
        lines: The first is drawn last, over the others.
        title: What is drawn, for people who cannot see it.
        xlabel: Under the axis.
        ylabel: Along the axis.
        x_span: Ends of the x axis.
        points: Drawn with their intervals.
        rules: Drawn from bottom to top.
        diagonal: Draw the line y = x.

    Returns:
        An ``<svg>`` element.
    """
    right, bottom = _WIDTH - _RIGHT, _HEIGHT - _BOTTOM
    first, last = x_span

    def x_of(value: float) -> float:
        return _LEFT + (right - _LEFT) * (value - first) / (last - first)

    def y_of(value: float) -> float:
        return bottom - (bottom - _TOP) * value

    def parts() -> Iterator[Markup]:
        yield Markup('<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}">').format(
            _WIDTH, _HEIGHT, title
        )
        for value in _FIFTHS:
            yield _segment("grid", _LEFT, y_of(value), right, y_of(value))
            yield _words("tick", _LEFT - 9, y_of(value) + 4.5, f"{value:g}", "end")
        for value in _FIFTHS if x_span == (0.0, 1.0) else ticks(first, last):
            if first <= value <= last:
                yield _segment("axis", x_of(value), bottom, x_of(value), bottom + 5)
                yield _words("tick", x_of(value), bottom + 21, f"{value:g}", "middle")
        yield _segment("axis", _LEFT, bottom, right, bottom)
        yield _words("label", (_LEFT + right) / 2, _HEIGHT - 10, xlabel, "middle")
        middle = (_TOP + bottom) / 2
        yield Markup(
            '<text class="label" transform="translate(16 {:.1f}) rotate(-90)" '
            'text-anchor="middle">{}</text>'
        ).format(middle, ylabel)
        if diagonal:
            yield _segment("dashed quiet", x_of(0), y_of(0), x_of(1), y_of(1))
        for rule in rules:
            yield _segment("drop", x_of(rule.x), _TOP, x_of(rule.x), bottom)
            is_left = x_of(rule.x) < (_LEFT + right) / 2
            x = x_of(rule.x) + (7 if is_left else -7)
            yield _words("value", x, bottom - 10, rule.words, "start" if is_left else "end")
        for line in reversed(lines):
            kind = "curve quiet" if line.color is None else f"curve line-{line.color}"
            for run in _runs(line):
                path = " ".join(f"{x_of(x):.1f},{y_of(y):.1f}" for x, y in run)
                yield Markup('<polyline class="{}" points="{}"/>').format(kind, path)
        for point in points:
            x = x_of(point.x)
            yield _segment("whisker line-0", x, y_of(point.low), x, y_of(point.high))
            small, large = _RADII_PX
            yield Markup(
                '<circle class="dot line-0" cx="{:.1f}" cy="{:.1f}" r="{:.1f}">'
                "<title>{}</title></circle>"
            ).format(x, y_of(point.y), small + (large - small) * point.weight**0.5, point.words)
        yield Markup("</svg>")

    return Markup("").join(parts())


def _runs(line: Line) -> Iterator[list[tuple[float, float]]]:
    """Pieces without a gap."""
    run: list[tuple[float, float]] = []
    for x, y in zip(line.x, line.y, strict=True):
        if y is not None:
            run.append((x, y))
        elif run:
            yield run
            run = []
    if run:
        yield run


def _segment(css_class: str, x1: float, y1: float, x2: float, y2: float) -> Markup:
    return Markup('<line class="{}" x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}"/>').format(
        css_class, x1, y1, x2, y2
    )


def _words(css_class: str, x: float, y: float, text: str, anchor: str) -> Markup:
    return Markup('<text class="{}" x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>').format(
        css_class, x, y, anchor, text
    )

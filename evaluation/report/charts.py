"""Charts as inline SVG that takes its colours from the page, in light and in dark."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from markupsafe import Markup, escape

from evaluation.report.axes import log_ticks, ticks
from pipeline.geometry.boxes import FloatArray

__all__ = ["curve_chart"]

_WIDTH, _HEIGHT = 520, 260
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 14, 14, 34
_LOG_FROM = 20.0  # ratio of largest to smallest value above which the axis is logarithmic
_POINTS = 400  # a path needs no more than the chart has pixels
_SMOOTHING = 0.03  # share of the curve that the moving average spans


def curve_chart(
    curves: Mapping[str, tuple[FloatArray, FloatArray]], colors: Mapping[str, int], *, title: str
) -> Markup:
    """One panel of curves over training steps: faint as measured, strong as a moving average.

    Args:
        curves: (N,) steps and (N,) values by the name of a run; values that are not finite are
            left out.
        colors: Number of the colour of each run.
        title: What is drawn, for people who cannot see it.

    Returns:
        An ``<svg>`` element, empty if there is nothing to draw.
    """
    finite = {}
    for name, (steps, values) in curves.items():
        keep = np.isfinite(steps) & np.isfinite(values)
        if keep.sum() > 1:
            finite[name] = (steps[keep], values[keep])
    if not finite:
        return Markup("")
    last = max(float(steps.max()) for steps, _ in finite.values())
    values = np.concatenate([values for _, values in finite.values()])
    logarithmic = values.min() > 0 and values.max() / values.min() > _LOG_FROM
    marks = log_ticks(values) if logarithmic else ticks(min(0.0, values.min()), values.max())
    low, high = marks[0], marks[-1]

    def x_px(steps: FloatArray) -> FloatArray:
        return np.asarray(_LEFT + (_WIDTH - _LEFT - _RIGHT) * steps / last)

    def y_px(values: FloatArray) -> FloatArray:
        a, b, v = (low, high, values)
        if logarithmic:
            a, b, v = math.log(low), math.log(high), np.log(values)
        return np.asarray(_HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * (v - a) / (b - a))

    parts = [_axes(title, marks, last, y_px, x_px)]
    for name, (steps, measured) in finite.items():
        color = f"line-{colors[name]}"
        parts.append(_path(x_px(steps), y_px(measured), f"raw {color}"))
        parts.append(_path(x_px(steps), y_px(_smooth(measured)), f"smooth {color}"))
    return Markup("\n").join([*parts, Markup("</svg>")])


def _axes(
    title: str,
    marks: Sequence[float],
    last: float,
    y_px: Callable[[FloatArray], FloatArray],
    x_px: Callable[[FloatArray], FloatArray],
) -> Markup:
    parts = [
        Markup('<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}">').format(
            _WIDTH, _HEIGHT, title
        )
    ]
    for tick in marks:
        y = float(y_px(np.array(tick)))
        parts.append(
            Markup(
                '<line class="grid" x1="{}" x2="{}" y1="{:.1f}" y2="{:.1f}"/>'
                '<text class="tick" x="{}" y="{:.1f}" text-anchor="end">{}</text>'
            ).format(_LEFT, _WIDTH - _RIGHT, y, y, _LEFT - 8, y + 4, f"{tick:g}")
        )
    for tick in ticks(0.0, last):
        if tick <= last:
            parts.append(
                Markup(
                    '<text class="tick" x="{:.1f}" y="{}" text-anchor="middle">{}</text>'
                ).format(float(x_px(np.array(tick))), _HEIGHT - _BOTTOM + 18, f"{tick:,.0f}")
            )
    return Markup("").join(parts)


def _path(x: FloatArray, y: FloatArray, css_class: str) -> Markup:
    keep = np.unique(np.linspace(0, len(x) - 1, min(len(x), _POINTS)).astype(int))
    points = " ".join(f"{x[i]:.1f},{y[i]:.1f}" for i in keep)
    return Markup('<polyline class="{}" points="{}"/>').format(css_class, escape(points))


def _smooth(values: FloatArray) -> FloatArray:
    """Centred moving average, over what there is at the ends."""
    half = max(1, round(len(values) * _SMOOTHING / 2))
    total = np.concatenate([[0.0], np.cumsum(values)])
    index = np.arange(len(values))
    first, after = np.maximum(index - half, 0), np.minimum(index + half + 1, len(values))
    return np.asarray((total[after] - total[first]) / (after - first))

"""Clouds of points without axes, as inline SVG that takes its colours from the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from markupsafe import Markup

__all__ = ["scatter_chart"]

_WIDTH, _HEIGHT, _MARGIN = 560, 340, 12


def scatter_chart(clouds: Mapping[int, Sequence[tuple[float, float]]], *, title: str) -> Markup:
    """Points of several sets, at one scale for both axes.

    Args:
        clouds: x and y by the number of the set's colour; the last is drawn on top.
        title: What is drawn, for people who cannot see it.

    Returns:
        An ``<svg>`` element.
    """
    every = np.array([point for cloud in clouds.values() for point in cloud]).reshape(-1, 2)
    low, high = (every.min(axis=0), every.max(axis=0)) if len(every) else np.zeros((2, 2))
    inner = np.array([_WIDTH, _HEIGHT]) - 2 * _MARGIN
    scale = float((inner / np.maximum(high - low, 1e-9)).min())
    start = np.array([_WIDTH, _HEIGHT]) / 2 - scale * (low + high) / 2
    parts = [
        Markup('<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}">').format(
            _WIDTH, _HEIGHT, title
        )
    ]
    for color, cloud in clouds.items():
        places = start + scale * np.array(cloud).reshape(-1, 2)
        parts += [
            Markup('<circle class="dot line-{}" cx="{:.1f}" cy="{:.1f}" r="3.5"/>').format(
                color, x, _HEIGHT - y
            )
            for x, y in places
        ]
    return Markup("").join([*parts, Markup("</svg>")])

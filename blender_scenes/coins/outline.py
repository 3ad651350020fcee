"""Outlines of hand-made flans."""

from __future__ import annotations

import numpy as np

from blender_scenes.coins.scene import Coin
from pipeline.geometry.boxes import FloatArray

__all__ = ["flan_outline"]


def flan_outline(coin: Coin, *, points: int) -> FloatArray:
    """The outline in polar form: a star-shaped, dented oval.

    Args:
        coin: Whose outline.
        points: How many.

    Returns:
        (points,) radii as fractions of ``radius_m``, the largest 1, at equal angles from 0.
    """
    rng = np.random.default_rng(coin.outline_seed)
    angle = np.arange(points) * (2 * np.pi / points)
    outline = 1 + coin.ovalness * np.cos(2 * (angle - rng.uniform(0, np.pi)))
    orders = np.arange(3, 15)
    waves = np.cos(np.outer(angle, orders) + rng.uniform(0, 2 * np.pi, orders.size))
    outline += waves @ (0.045 * coin.irregularity * rng.normal(size=orders.size) / (orders - 1))
    for _ in range(coin.cuts):
        away = np.cos(angle - rng.uniform(0, 2 * np.pi))
        depth = 1 - rng.uniform(0.03, 0.06 + 0.12 * coin.irregularity)
        outline = np.minimum(outline, depth / np.maximum(away, 1e-3))
    for _ in range(coin.nicks):
        turn = np.angle(np.exp(1j * (angle - rng.uniform(0, 2 * np.pi))))
        height, width = rng.uniform(-0.05, 0.03), rng.uniform(0.03, 0.1)
        outline += height * np.exp(-((turn / width) ** 2))
    return np.asarray(outline / outline.max())

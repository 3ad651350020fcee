"""A clear plastic tray and a glass dish as open shells. Without Blender."""

from __future__ import annotations

import numpy as np

from blender_scenes.blocks.shapes import Shape, joined, lathed, sheet
from blender_scenes.nuts.scene import Vessel

__all__ = ["FLOOR_M", "vessel_shape"]

FLOOR_M = 0.0012
"""Height of what lies in it above what it stands on."""

_CLEAR = (1.0, 1.0, 1.0)


def vessel_shape(vessel: Vessel) -> Shape:
    """The vessel on z = 0 around the origin; reflecting only, so that one wall is enough."""
    return _tray(vessel) if vessel.kind == "tray" else _dish(vessel)


def _tray(vessel: Vessel) -> Shape:
    # A rounded rectangle, its walls flaring and ribbed, its floor with raised bars.
    points = 480
    turn = np.linspace(0, 2 * np.pi, points + 1)[:-1]
    power = 0.22
    flat = np.column_stack(
        [np.sign(np.cos(turn)) * np.abs(np.cos(turn)) ** power,
         np.sign(np.sin(turn)) * np.abs(np.sin(turn)) ** power]
    )  # fmt: skip
    outline = flat * vessel.half_m
    length = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(outline, axis=0).T))])
    ribs = np.sin(2 * np.pi * length / 0.009)
    levels = np.array([[0.0, 0.0], [0.12, 0.02], [0.2, 0.1], [0.75, 0.85], [0.82, 1.0],
                       [1.0, 1.0], [1.02, 0.97]])  # fmt: skip
    rings = []
    for out, up in levels:
        grown = outline * (1 + out * 0.55 * vessel.height_m / np.array(vessel.half_m))
        wave = 0.0009 * ribs * (0.1 < up < 0.9)
        grown = grown * (1 + wave / np.linalg.norm(outline, axis=1))[:, None]
        rings.append(np.column_stack([grown, np.full(points, FLOOR_M + up * vessel.height_m)]))
    net = np.stack(rings)[:, np.r_[0:points, 0]]
    walls = sheet(net[::-1], _CLEAR)
    bars = []
    around = np.linspace(np.pi, 0, 7)
    for side in (-1, 1):
        y = np.sort(side * np.array([0.55, 0.92])) * vessel.half_m[1]
        for x in np.arange(-0.75, 0.8, 0.09) * vessel.half_m[0]:
            net = np.empty((2, len(around), 3))
            net[..., 0] = x + 0.0009 * np.cos(around)
            net[..., 1] = y[:, None]
            net[..., 2] = FLOOR_M * (0.1 + 0.5 * np.sin(around))
            bars.append(sheet(net, _CLEAR))
    return joined([walls, *bars])


def _dish(vessel: Vessel) -> Shape:
    # Seen from above only: the inner wall and a round rim.
    radius, height = vessel.half_m[0], vessel.height_m
    up = np.linspace(0, 1, 14)
    wall = np.column_stack([radius * (0.9 + 0.3 * up**1.6), FLOOR_M + (height - FLOOR_M) * up])
    wall[0] = (0.86 * radius, 0.2 * FLOOR_M)
    turn = np.linspace(np.pi, 0, 7)[1:, None]
    rim = wall[-1] + 0.025 * radius * np.column_stack([1 + np.cos(turn), np.sin(turn)])
    profile = np.concatenate([wall, rim])
    return lathed(profile[::-1], _CLEAR, segments=96)

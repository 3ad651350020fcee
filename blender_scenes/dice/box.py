"""Tray and flap as painted surfaces. No Blender."""

from __future__ import annotations

import colorsys

import numpy as np

from blender_scenes.blocks.shapes import Shape, joined, sheet
from blender_scenes.dice.scene import Strip, Tray
from pipeline.geometry.boxes import FloatArray

__all__ = ["flap_shape", "rim_shape", "tray_walls"]

_PRINT_M = 0.0012  # length of one patch of the print
_RIM_RINGS = 4
_MAGNET_AT = 0.84  # of the way from a flap's middle to its end
_MAGNET_RIM = (0.86, 0.97, 1.12, 1.5)  # where a magnet's grey blurs into the flap, over its radius
_MAGNET_LIFT_M = 0.0004
_INSIDE = 0.95  # shade of a flap within its edges, over that of these
_FLAP_CELLS = (120, 24)


def tray_walls(tray: Tray) -> Shape:
    """The inner sides of a tray, in its frame."""
    corners = _corners(np.array(tray.inner_m) / 2)
    sides = []
    for one, other in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        foot = np.array([[*other, 0.0], [*one, 0.0]])
        net = np.stack([foot, foot + np.array([0, 0, tray.height_m])])
        sides.append(sheet(net, tray.walls))
    return joined(sides)


def rim_shape(tray: Tray) -> Shape:
    """The rim of a tray and its outside, printed in many colours, in its frame."""
    rng = np.random.default_rng(tray.seed)
    half = np.array(tray.inner_m) / 2
    top, bottom = tray.height_m, -0.0015
    rings = [
        (_corners(half), top),
        (_corners(half + 0.5 * tray.rim_m), top + 0.0003),
        (_corners(half + tray.rim_m), top - 0.0004),
        (_corners(half + tray.rim_m), bottom),
    ]
    sides = []
    for here in range(4):
        after = (here + 1) % 4
        length_m = float(np.linalg.norm(rings[0][0][here] - rings[0][0][after]))
        share = np.linspace(0, 1, max(4, round(length_m / _PRINT_M)))[:, None]
        net = np.array(
            [
                np.column_stack(
                    [
                        (1 - share) * corners[after] + share * corners[here],
                        np.full(len(share), height),
                    ]
                )
                for corners, height in rings
            ]
        )
        paint = _print(rng, net.shape[1], tray)
        # Top and outside apart, so that the edge between them is sharp.
        sides += [sheet(net[part][::-1], paint[part][::-1]) for part in (slice(3), slice(2, 4))]
    return joined(sides)


def flap_shape(strip: Strip) -> Shape:
    """A flap with raised edges, darker at its ends, its magnets as blurred grey discs."""
    half_x, half_y = np.array(strip.size_m) / 2
    columns, rows = _FLAP_CELLS
    x, y = np.meshgrid(
        np.linspace(-half_x, half_x, columns + 1), np.linspace(-half_y, half_y, rows + 1)
    )
    to_edge = np.minimum(half_x - np.abs(x), half_y - np.abs(y))
    radius = 0.4 * half_y
    # Rounded corners: what lies beyond is drawn in to the arc.
    out = np.stack([np.abs(x) - (half_x - radius), np.abs(y) - (half_y - radius)])
    beyond = np.hypot(*np.maximum(out, 0))
    pull = np.where((out > 0).all(axis=0) & (beyond > radius), radius / np.maximum(beyond, 1e-9), 1)
    x = np.where(pull < 1, np.sign(x) * (half_x - radius + out[0] * pull), x)
    y = np.where(pull < 1, np.sign(y) * (half_y - radius + out[1] * pull), y)
    z = strip.curl_m * (np.abs(y) / half_y) ** 4
    shade = _shade(strip, x / half_x) * np.where(to_edge < 0.1 * half_y, 1.0, _INSIDE)
    net = np.stack([x, y, z], axis=-1)
    flap = sheet(net, np.repeat(shade[..., None], 3, axis=-1))
    return joined([flap, *(_magnet(strip, side * _MAGNET_AT) for side in (-1, 1))])


def _shade(strip: Strip, along: FloatArray) -> FloatArray:
    # Of the flap's edge; ``along`` is 0 in its middle and -1 and 1 at its ends.
    return strip.shade * (1 - strip.end_shade * along**6)


def _magnet(strip: Strip, along: float) -> Shape:
    # A polar net; the clear flap over the disc blurs its rim.
    angle = np.linspace(2 * np.pi, 0, 41)
    radii_m = strip.magnet_m / 2 * np.array([0.0, *_MAGNET_RIM])
    x, y = (np.outer(radii_m, wave) for wave in (np.cos(angle), np.sin(angle)))
    disc, flap = strip.magnet_shade, _INSIDE * float(_shade(strip, np.array(along)))
    blur = np.array([disc, disc, 0.75 * disc + 0.25 * flap, 0.1 * disc + 0.9 * flap, flap])
    net = np.stack([x + along * strip.size_m[0] / 2, y, np.full_like(x, _MAGNET_LIFT_M)], axis=-1)
    paint = blur[:, None, None] * np.array([1.0, 0.99, 0.97])
    return sheet(net, np.broadcast_to(paint, net.shape))


def _corners(half_m: FloatArray) -> FloatArray:
    return np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]]) * half_m


def _print(rng: np.random.Generator, along: int, tray: Tray) -> FloatArray:
    # Black with patches that shimmer in purple, blue, green and pink.
    paint = np.tile(np.array(tray.rim), (_RIM_RINGS, along, 1))
    coloured = rng.random(along) < 0.3 * rng.random()
    for column in np.flatnonzero(coloured):
        hue = float(rng.choice([0.3, 0.5, 0.6, 0.75, 0.85]) + rng.normal(0, 0.03)) % 1.0
        colour = colorsys.hsv_to_rgb(hue, 0.6, float(rng.uniform(0.03, 0.5)))
        paint[rng.random(_RIM_RINGS) < 0.6, column] = colour
    return paint

"""Everyday things in their real sizes, lying on z = 0 around the origin. Without Blender."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np

from blender_scenes.blocks.colours import Rgb, shifted_hue
from blender_scenes.blocks.shapes import Shape, ball, joined, lathed, moved, sheet, slab, tube
from pipeline.geometry.boxes import FloatArray

__all__ = ["LARGE", "SMALL", "ThingKind", "thing_shape"]

ThingKind = Literal[
    "pen", "coin", "stone", "stick", "leaf", "paper", "clip", "cap", "crumb", "cable", "eraser",
    "ring", "cup", "bottle", "can", "book", "box", "glass",
]  # fmt: skip

SMALL: tuple[ThingKind, ...] = (
    "pen", "coin", "stone", "stick", "leaf", "paper", "clip", "cap", "crumb", "eraser", "cable",
)  # fmt: skip
"""Things up to a hand's length."""

LARGE: tuple[ThingKind, ...] = ("cup", "bottle", "can", "book", "box")
"""Things that stand about on tables."""

_GREY: Rgb = (0.45, 0.45, 0.46)
_WHITE: Rgb = (0.8, 0.79, 0.76)


def thing_shape(kind: ThingKind, *, colour: Rgb, accent: Rgb, seed: int) -> Shape:
    """One thing.

    Args:
        kind: What it is.
        colour: Of most of it, linear RGB.
        accent: Of its second part.
        seed: Of its proportions.
    """
    return _MAKERS[kind](np.random.default_rng(seed), colour, accent)


def _pen(rng: np.random.Generator, colour: Rgb, accent: Rgb) -> Shape:
    radius, length = float(rng.uniform(0.0035, 0.0055)), float(rng.uniform(0.12, 0.15))
    profile = [(0, 0), (0.0006, 0), (0.8 * radius, 0.013), (radius, 0.016), (radius, 0.1 * length),
               (radius, 0.1 * length), (radius, 0.62 * length), (radius, 0.62 * length),
               (1.12 * radius, 0.62 * length), (1.12 * radius, 0.62 * length),
               (1.12 * radius, length), (1.12 * radius, length), (0, length)]  # fmt: skip
    paint = [_GREY] * 5 + [colour] * 2 + [accent] * 6
    upright = lathed(profile, paint, segments=16)
    return moved(upright, _lying(1.12 * radius, -length / 2))


def _coin(rng: np.random.Generator, colour: Rgb, accent: Rgb) -> Shape:
    del accent
    radius, height = float(rng.uniform(0.008, 0.014)), float(rng.uniform(0.0014, 0.0022))
    rim = 0.9 * radius
    profile = [(0, 0), (radius, 0), (radius, 0), (radius, height), (radius, height),
               (rim, height), (rim, height), (0.97 * rim, 0.85 * height),
               (0.97 * rim, 0.85 * height), (0, 0.85 * height)]  # fmt: skip
    return lathed(profile, colour, segments=40)


def _stone(rng: np.random.Generator, colour: Rgb, accent: Rgb) -> Shape:
    del accent
    radii = float(rng.uniform(0.006, 0.025)) * rng.uniform([0.7, 0.7, 0.4], [1.0, 1.0, 0.7])
    bumps = np.column_stack([rng.normal(0, 2.5, size=(6, 3)), rng.uniform(0.02, 0.1, size=6)])
    return _grounded(ball(radii, colour, bumps=bumps), sink=0.08)


def _crumb(rng: np.random.Generator, colour: Rgb, accent: Rgb) -> Shape:
    del accent
    pieces = []
    for _ in range(int(rng.integers(1, 7))):
        radii = float(rng.uniform(0.0006, 0.0025)) * rng.uniform(0.5, 1.0, size=3)
        bumps = np.column_stack([rng.normal(0, 3, size=(4, 3)), rng.uniform(0.05, 0.2, size=4)])
        crumb = _grounded(ball(radii, colour, bumps=bumps, segments=12), sink=0.1)
        place = np.eye(4)
        place[:2, 3] = rng.normal(0, 0.008, size=2)
        pieces.append(moved(crumb, place))
    return joined(pieces)


def _stick(rng: np.random.Generator, colour: Rgb, accent: Rgb) -> Shape:
    del accent
    length, radius = float(rng.uniform(0.05, 0.16)), float(rng.uniform(0.001, 0.004))
    t = np.linspace(-0.5, 0.5, 14)
    bow = rng.uniform(-0.12, 0.12) * t**2 + 0.01 * rng.normal(0, 1, size=14)
    radii = radius * (1 - 0.5 * (t + 0.5)) * rng.uniform(0.85, 1.1, size=14)
    path = np.column_stack([length * t, length * bow, radii])
    shade = rng.uniform(0.7, 1.1, size=(14, 1))
    return tube(path, radii, shade * np.array(colour))


def _cable(rng: np.random.Generator, colour: Rgb, accent: Rgb) -> Shape:
    del accent
    radius = float(rng.uniform(0.0012, 0.003))
    count = 90
    turn = np.cumsum(np.repeat(rng.normal(0, 0.22, size=count // 9), 9))
    turn = np.convolve(np.pad(turn, 4, mode="edge"), np.ones(9) / 9, mode="valid")
    step = float(rng.uniform(0.004, 0.006))
    path = np.cumsum(step * np.column_stack([np.cos(turn), np.sin(turn)]), axis=0)
    path -= path.mean(axis=0)
    lift = radius * (1.0 + 1.2 * np.abs(np.sin(np.linspace(0, 9, count))))
    return tube(np.column_stack([path, lift]), radius, colour, segments=8)


def _clip(rng: np.random.Generator, colour: Rgb, accent: Rgb) -> Shape:
    # Wire in three bends, each narrower than the last.
    del rng, accent
    wire = 0.0005
    bends = []
    for x, y, radius, first in (
        (0.0100, 0.0, 0.0040, -0.5),
        (-0.0110, 0.0006, 0.0034, 0.5),
        (0.0075, 0.0, 0.0028, -0.5),
    ):
        angle = np.pi * np.linspace(first, first + 1, 12)
        bends.append(np.column_stack([x + radius * np.cos(angle), y + radius * np.sin(angle)]))
    flat = np.concatenate([[[-0.004, -0.004]], *bends, [[-0.006, 0.0028]]])
    return tube(np.column_stack([flat, np.full(len(flat), wire)]), wire, colour, segments=8)


def _ring(rng: np.random.Generator, colour: Rgb, accent: Rgb) -> Shape:
    del accent
    radius, wire = float(rng.uniform(0.008, 0.016)), float(rng.uniform(0.0004, 0.0014))
    turn = np.linspace(0, 2 * np.pi, 49)
    path = np.column_stack([radius * np.cos(turn), radius * np.sin(turn), np.full(49, wire)])
    return tube(path, wire, colour, segments=8)


def _cap(rng: np.random.Generator, colour: Rgb, accent: Rgb) -> Shape:
    radius, height = float(rng.uniform(0.011, 0.018)), float(rng.uniform(0.006, 0.014))
    profile = [(radius, 0), (radius, 0.85 * height), (0.93 * radius, height),
               (0.93 * radius, height), (0.7 * radius, height), (0.7 * radius, height),
               (0, height)]  # fmt: skip
    return lathed(profile, [colour] * 5 + [accent] * 2, segments=40)


def _eraser(rng: np.random.Generator, colour: Rgb, accent: Rgb) -> Shape:
    x, y, z = rng.uniform([0.03, 0.014, 0.008], [0.05, 0.022, 0.014])
    share = float(rng.uniform(0.3, 0.7))
    left = slab(_rectangle(x * share, 0.96 * y, 0.001), 0.96 * z, _WHITE)
    right = slab(_rectangle(x * (1 - share), y, 0.0005), z, colour, sides=accent)
    away = np.eye(4)
    away[0, 3] = x / 2
    return joined([left, moved(right, away)])


def _leaf(rng: np.random.Generator, colour: Rgb, accent: Rgb) -> Shape:
    length, width = float(rng.uniform(0.04, 0.1)), float(rng.uniform(0.3, 0.55))
    along, across = np.linspace(0, 1, 26), np.linspace(-1, 1, 15)
    half = width / 2 * np.sin(np.pi * along**0.8) ** 0.9
    points = np.empty((15, 26, 3))
    points[..., 0] = along - 0.5
    points[..., 1] = across[:, None] * half + 0.1 * rng.normal() * (along - 0.5) ** 2
    curl = rng.uniform(0.05, 0.3) * (across[:, None] * half) ** 2 / width
    points[..., 2] = curl + 0.12 * rng.random() * (along - 0.4) ** 2
    points[..., 2] += 0.008 * np.sin(rng.uniform(8, 14) * points[..., 0] + 3 * across[:, None])
    points[..., 2] -= points[..., 2].min()
    veins = np.abs(np.sin(np.pi * (9 * along[None, :] - 3 * np.abs(across)[:, None]))) ** 6
    share = np.maximum(0.35 * veins, np.exp(-((across / 0.1) ** 2))[:, None])[..., None]
    paint = (1 - share) * np.array(colour) + share * np.array(accent)
    return sheet(length * points, paint)


def _paper(rng: np.random.Generator, colour: Rgb, accent: Rgb) -> Shape:
    # A note or receipt with lines of print, one corner lifted.
    wide, tall = rng.uniform([0.03, 0.04], [0.1, 0.15])
    rows, columns = 57, 41
    x, y = np.meshgrid(np.linspace(-0.5, 0.5, columns), np.linspace(-0.5, 0.5, rows))
    lift = np.clip((x + y) * rng.choice([-1, 1]) - 0.4, 0, None) ** 2 * rng.uniform(0, 0.08)
    wave = 0.0015 * (1 + np.sin(rng.uniform(2, 6) * x + rng.uniform(0, 6)))
    points = np.stack([wide * x, tall * y, 0.0003 + wave + lift], axis=-1)
    print_ = np.zeros((rows, columns), bool)
    for row in range(5, rows - 5, int(rng.integers(3, 6))):
        ends = np.sort(rng.integers(4, columns - 4, size=2))
        print_[row, ends[0] : ends[1]] = rng.random(ends[1] - ends[0]) < 0.75
    pale = np.maximum(np.array(colour), 0.45)
    return sheet(points, np.where(print_[..., None], 0.15 * np.array(accent), pale))


def _cup(rng: np.random.Generator, colour: Rgb, accent: Rgb) -> Shape:
    radius, height = float(rng.uniform(0.036, 0.045)), float(rng.uniform(0.07, 0.11))
    foot, wall = float(rng.uniform(0.7, 1.0)) * radius, 0.003
    profile = [(0, 0), (foot, 0), (foot, 0), (radius, 0.3 * height), (radius, height),
               (radius - wall / 2, height + 0.001), (radius - wall, height),
               (radius - wall, height), (radius - wall, 0.75 * height),
               (radius - wall, 0.75 * height), (0, 0.75 * height)]  # fmt: skip
    inside = shifted_hue(accent, turn=0.0, brightness=0.9)
    drink = (0.03, 0.012, 0.005) if rng.random() < 0.6 else inside
    body = lathed(profile, [colour] * 6 + [inside] * 3 + [drink] * 2, segments=48)
    angle = np.linspace(-0.5, 0.5, 14) * np.pi
    handle = np.column_stack(
        [radius - 0.002 + 0.025 * np.cos(angle), 0 * angle, height * (0.55 + 0.3 * np.sin(angle))]
    )
    return joined([body, tube(handle, 0.0045, colour)])


def _bottle(rng: np.random.Generator, colour: Rgb, accent: Rgb) -> Shape:
    radius, height = float(rng.uniform(0.028, 0.04)), float(rng.uniform(0.16, 0.25))
    low, high = 0.25 * height, 0.55 * height
    profile = [(0, 0), (radius, 0.0), (radius, 0.0), (radius, low), (radius, low),
               (1.01 * radius, low), (1.01 * radius, high), (radius, high), (radius, high),
               (radius, 0.64 * height), (0.8 * radius, 0.74 * height),
               (0.38 * radius, 0.86 * height), (0.36 * radius, 0.92 * height),
               (0.36 * radius, 0.92 * height), (0.42 * radius, 0.92 * height),
               (0.42 * radius, height), (0.42 * radius, height), (0, height)]  # fmt: skip
    label = [_WHITE] * 3
    paint = [colour] * 4 + [accent, *label] + [colour] * 5 + [accent] * 5
    return lathed(profile, paint, segments=40)


def _can(rng: np.random.Generator, colour: Rgb, accent: Rgb) -> Shape:
    radius, height = float(rng.uniform(0.026, 0.033)), float(rng.uniform(0.1, 0.16))
    band = float(rng.uniform(0.3, 0.6)) * height
    profile = [(0, 0.002), (0.75 * radius, 0.002), (0.78 * radius, 0), (radius, 0.012),
               (radius, 0.012), (radius, band), (radius, band), (radius, height - 0.012),
               (radius, height - 0.012), (0.84 * radius, height), (0.84 * radius, height),
               (0.8 * radius, height - 0.003), (0, height - 0.003)]  # fmt: skip
    paint = [_GREY] * 4 + [colour] * 2 + [accent] * 2 + [_GREY] * 5
    return lathed(profile, paint, segments=40)


def _book(rng: np.random.Generator, colour: Rgb, accent: Rgb) -> Shape:
    wide, tall, thick = rng.uniform([0.1, 0.15, 0.008], [0.17, 0.24, 0.03])
    cover = slab(_rectangle(wide, tall, 0.001), 0.0015, colour)
    pages = slab(_rectangle(wide - 0.006, tall - 0.006, 0.001), thick, _WHITE)
    title = slab(_rectangle(0.6 * wide, 0.15 * tall, 0.001), 0.0003, accent)
    lift, raised, on_top = np.eye(4), np.eye(4), np.eye(4)
    lift[2, 3], raised[2, 3] = 0.0015, thick + 0.0015
    on_top[:3, 3] = (0, 0.25 * tall, thick + 0.003)
    return joined([cover, moved(pages, lift), moved(cover, raised), moved(title, on_top)])


def _box(rng: np.random.Generator, colour: Rgb, accent: Rgb) -> Shape:
    x, y, z = rng.uniform([0.05, 0.04, 0.02], [0.16, 0.11, 0.1])
    return slab(_rectangle(x, y, 0.001), z, colour, sides=accent)


def _glass(rng: np.random.Generator, colour: Rgb, accent: Rgb) -> Shape:
    del accent
    radius, height, wall = float(rng.uniform(0.03, 0.04)), float(rng.uniform(0.08, 0.14)), 0.002
    profile = [(0, 0), (0.85 * radius, 0), (0.85 * radius, 0), (radius, height),
               (radius - wall, height), (0.85 * radius - wall, 0.008),
               (0.85 * radius - wall, 0.008), (0, 0.008)]  # fmt: skip
    return lathed(profile, colour, segments=48)


_MAKERS: dict[ThingKind, Callable[[np.random.Generator, Rgb, Rgb], Shape]] = {
    "pen": _pen,
    "coin": _coin,
    "stone": _stone,
    "stick": _stick,
    "leaf": _leaf,
    "paper": _paper,
    "clip": _clip,
    "cap": _cap,
    "crumb": _crumb,
    "cable": _cable,
    "eraser": _eraser,
    "ring": _ring,
    "cup": _cup,
    "bottle": _bottle,
    "can": _can,
    "book": _book,
    "box": _box,
    "glass": _glass,
}


def _lying(height_m: float, shift_m: float) -> FloatArray:
    # Upright about z to lying along x.
    return np.array(
        [[0, 0, 1, shift_m], [0, 1, 0, 0], [-1, 0, 0, height_m], [0, 0, 0, 1]], dtype=float
    )


def _grounded(shape: Shape, *, sink: float) -> Shape:
    low, high = shape.vertices_m[:, 2].min(), shape.vertices_m[:, 2].max()
    lift = np.eye(4)
    lift[2, 3] = -low - sink * (high - low)
    return moved(shape, lift)


def _rectangle(wide_m: float, tall_m: float, radius_m: float) -> FloatArray:
    angle = np.linspace(0, np.pi / 2, 4)
    arc = radius_m * np.column_stack([np.cos(angle), np.sin(angle)])
    half = np.array([wide_m, tall_m]) / 2 - radius_m
    corners = []
    for turn, sign in enumerate(((1, 1), (-1, 1), (-1, -1), (1, -1))):
        quarter = np.linalg.matrix_power(np.array([[0, -1], [1, 0]]), turn)
        corners.append(arc @ quarter.T + half * sign)
    return np.concatenate(corners)

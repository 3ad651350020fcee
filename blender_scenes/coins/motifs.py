"""Motifs of ancient coins, built from rounded parts with jittered proportions."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from blender_scenes.blocks.noise import band_noise
from blender_scenes.coins.carving import BoolMask, Tablet, smooth_curve
from blender_scenes.coins.scene import Motif
from pipeline.geometry.boxes import FloatArray

__all__ = ["MOTIFS"]

_Carver = Callable[[Tablet, np.random.Generator], None]

# Outline of a head and neck that looks to the right, from the neck's front over face and
# crown to the neck's back; (x, y) with the coin's field as [-1, 1].
# fmt: off
_PROFILE = np.array(
    [
        [0.16, -0.62], [0.10, -0.40], [0.20, -0.36], [0.34, -0.37], [0.39, -0.30], [0.36, -0.23],
        [0.41, -0.19], [0.37, -0.14], [0.42, -0.10], [0.40, -0.05], [0.50, 0.00], [0.46, 0.08],
        [0.38, 0.20], [0.37, 0.30], [0.36, 0.42], [0.25, 0.58], [0.04, 0.66], [-0.20, 0.62],
        [-0.40, 0.46], [-0.48, 0.22], [-0.42, -0.02], [-0.30, -0.20], [-0.28, -0.40],
        [-0.40, -0.62], [-0.12, -0.70],
    ]
)
# fmt: on


def _portrait(tablet: Tablet, rng: np.random.Generator) -> None:
    size = rng.uniform(0.95, 1.25)
    outline = _PROFILE * [rng.uniform(0.9, 1.15), 1.0] + rng.normal(scale=0.018, size=(25, 2))
    outline = outline * size
    head = tablet.polygon(smooth_curve(outline, closed=True), bevel=0.30, rise=0.75)
    tablet.polygon(  # cheek and jaw
        _ellipse([0.14 * size, -0.12 * size], [0.2 * size, 0.24 * size]), bevel=0.2, rise=0.2
    )
    tablet.strokes(  # brow, eye, mouth
        [
            np.array([[0.2, 0.16], [0.36, 0.15]]) * size,
            np.array([[0.24, 0.08], [0.34, 0.07]]) * size,
            np.array([[0.28, -0.19], [0.38, -0.19]]) * size,
        ],
        width=0.05,
        rise=0.22,
    )
    _hair(tablet, rng, head, size)
    headdress = rng.random()
    if headdress < 0.3:
        _helmet(tablet, rng, size)
    elif headdress < 0.6:
        _wreath(tablet, rng, size)


def _hair(tablet: Tablet, rng: np.random.Generator, head: BoolMask, size: float) -> None:
    x, y = tablet.x / size, tablet.y / size
    scalp = head & (x < 0.16 - 0.5 * np.maximum(0.2 - y, 0) + 0.35 * np.maximum(y - 0.3, 0))
    scalp &= y > -0.35
    if rng.random() < 0.3:  # a beard
        scalp |= head & (y < -0.2) & (y > -0.5) & (x > 0.0) & (x < 0.36)
    warp = band_noise(rng, tablet.cells, scale=0.2)
    style = rng.random()
    if style < 0.4:  # curls
        locks = 1 - 1.6 * np.abs(band_noise(rng, tablet.cells, scale=rng.uniform(0.05, 0.09)))
    elif style < 0.7:  # combed back
        turn = rng.uniform(0.2, 1.4)
        locks = np.sin(rng.uniform(24, 44) * (x * np.cos(turn) + y * np.sin(turn)) + 1.5 * warp)
    else:  # combed from the crown
        locks = np.sin(rng.uniform(24, 40) * np.hypot(x - 0.15, y + 0.1) + 1.5 * warp)
    tablet.height += scalp * (0.16 + 0.24 * np.clip(locks, -1, 1)).astype(np.float32)
    if rng.random() < 0.4:  # a knot at the back
        tablet.polygon(
            _ellipse([-0.5 * size, rng.uniform(-0.1, 0.15)], [0.17, 0.14]), bevel=0.15, rise=0.5
        )


def _helmet(tablet: Tablet, rng: np.random.Generator, size: float) -> None:
    tablet.polygon(
        _ellipse([-0.04 * size, 0.28 * size], [0.46 * size, 0.4 * size]), bevel=0.3, rise=0.45
    )
    turn = np.linspace(0.15, rng.uniform(1.0, 1.4), 24) * np.pi
    dome = np.column_stack([0.54 * np.cos(turn) - 0.02, 0.16 + 0.56 * np.sin(turn)]) * size
    tablet.strokes([dome], width=0.06, rise=0.35)
    plume = 1 + rng.uniform(0.15, 0.4)
    crest = [np.array([p, p * plume - [0.02, 0.02]]) for p in dome[2 :: int(rng.integers(1, 4))]]
    tablet.strokes(crest, width=0.05, rise=0.3)
    brim = smooth_curve(
        np.array([[0.44, 0.3], [0.2, 0.2], [-0.1, 0.1], [-0.32, -0.15]]) * size, closed=False
    )
    tablet.strokes([brim], width=0.06, rise=0.3)


def _wreath(tablet: Tablet, rng: np.random.Generator, size: float) -> None:
    band = smooth_curve(
        np.array([[0.32, 0.36], [0.1, 0.34], [-0.2, 0.22], [-0.42, 0.02]]) * size, closed=False
    )
    tablet.strokes([band], width=0.05, rise=0.2)
    leaves = [
        np.array([p, p + size * np.array([rng.uniform(0.02, 0.1), side * rng.uniform(0.08, 0.14)])])
        for p in band[1::3]
        for side in (-1, 1)
    ]
    tablet.strokes(leaves, width=0.06, rise=0.22)


def _face(tablet: Tablet, rng: np.random.Generator) -> None:
    wide, tall = rng.uniform(0.34, 0.46), rng.uniform(0.44, 0.56)
    angle = rng.uniform(0, 2 * np.pi, 46)
    reach = rng.uniform(0.42, 0.82, 46)
    roots = np.column_stack([np.cos(angle), np.sin(angle)])
    curls = [
        smooth_curve(
            [
                r * d,
                (r + 0.1) * d + rng.normal(scale=0.07, size=2),
                (r + 0.16) * d + rng.normal(scale=0.1, size=2),
            ],
            closed=False,
            steps=3,
        )
        for r, d in zip(reach, roots, strict=True)
    ]
    tablet.strokes(curls, width=0.075, rise=0.5)
    tablet.polygon(_ellipse([0, -0.05], [wide, tall]), bevel=0.3, rise=0.7)
    tablet.strokes([[[0, 0.15], [0, -0.12]], [[-0.06, -0.14], [0.06, -0.14]]], width=0.09, rise=0.3)
    tablet.strokes(
        [[[s * 0.08, 0.2], [s * 0.28, 0.18]] for s in (-1, 1)] + [[[-0.13, -0.3], [0.13, -0.3]]],
        width=0.06,
        rise=0.25,
    )
    tablet.dots([[-0.17, 0.08], [0.17, 0.08]], radius=0.065, rise=0.25)


def _figure(tablet: Tablet, rng: np.random.Generator) -> None:
    def near(*points: tuple[float, float]) -> FloatArray:
        return np.asarray(points + rng.normal(scale=0.035, size=(len(points), 2)))

    seated = rng.random() < 0.5
    hip = (-0.08, -0.12) if seated else (0.0, -0.05)
    tablet.strokes([near((0.0, 0.38), hip)], width=rng.uniform(0.22, 0.32), rise=0.75)
    tablet.dots(near((0.03, 0.58)), radius=0.12, rise=0.8)
    legs = (
        [near(hip, (0.24, -0.1), (0.26, -0.6)), near(hip, (0.16, -0.16), (0.14, -0.6))]
        if seated
        else [near(hip, (0.14, -0.38), (0.1, -0.74)), near(hip, (-0.12, -0.36), (-0.2, -0.74))]
    )
    arms = [
        near((0.0, 0.32), (0.25, 0.2), (0.46, 0.32)),
        near((0.0, 0.32), (-0.24, 0.2), (-0.36, rng.uniform(-0.1, 0.4))),
    ]
    tablet.strokes(legs, width=0.14, rise=0.6)
    tablet.strokes(arms, width=0.1, rise=0.5)
    rods = [near((-0.4, 0.66), (-0.42, -0.7))]
    if seated:
        rods += [
            near((-0.3, -0.2), (0.05, -0.22)),
            near((-0.28, -0.2), (-0.28, -0.66)),
            near((0.0, -0.2), (0.0, -0.66)),
            near((-0.32, 0.2), (-0.3, -0.2)),
        ]
    tablet.strokes(rods, width=0.05, rise=0.4)
    folds = [near((x, 0.3), (x * 1.4, -0.3)) for x in np.linspace(-0.1, 0.12, 5)]
    tablet.strokes(folds, width=0.03, rise=0.15)
    tablet.strokes([near((-0.5, -0.72), (0.5, -0.72))], width=0.04, rise=0.35)


def _animal(tablet: Tablet, rng: np.random.Generator) -> None:
    def near(*points: tuple[float, float]) -> FloatArray:
        return np.asarray(points + rng.normal(scale=0.05, size=(len(points), 2)))

    tablet.polygon(
        _ellipse([-0.02, 0.02], [rng.uniform(0.34, 0.46), rng.uniform(0.17, 0.26)]),
        bevel=0.2,
        rise=0.75,
    )
    tablet.strokes([near((0.28, 0.1), (0.4, 0.36))], width=0.22, rise=0.55)
    tablet.strokes([near((0.4, 0.42), (0.58, 0.32))], width=0.16, rise=0.6)
    legs = [
        near((x, -0.1), (x + rng.uniform(-0.1, 0.15), -0.35), (x, -0.6))
        for x in (-0.34, -0.2, 0.2, 0.34)
    ]
    tablet.strokes(legs, width=0.09, rise=0.5)
    tablet.strokes([near((-0.4, 0.08), (-0.56, 0.2), (-0.6, -0.15))], width=0.07, rise=0.45)
    if rng.random() < 0.4:  # wings
        feathers = [near((-0.05, 0.1), (-0.25 - 0.1 * k, 0.62 - 0.09 * k)) for k in range(4)]
        tablet.strokes(feathers, width=0.08, rise=0.35)
    tablet.strokes([near((-0.6, -0.64), (0.6, -0.64))], width=0.04, rise=0.35)


def _symbol(tablet: Tablet, rng: np.random.Generator) -> None:
    if rng.random() < 0.6:
        _plant(tablet, rng)
    else:
        _star(tablet, rng)


def _plant(tablet: Tablet, rng: np.random.Generator) -> None:
    # A stem with leaves, as an ear of corn, a palm or a silphium plant.
    stem = smooth_curve(
        np.column_stack([rng.normal(scale=0.06, size=4), np.linspace(-0.6, 0.62, 4)]), closed=False
    )
    tablet.strokes([stem], width=0.09, rise=0.6)
    reach, rising = rng.uniform(0.2, 0.5), rng.uniform(-0.1, 0.35)
    leaves = []
    for x, y in stem[2 :: int(rng.integers(2, 5))]:
        for side in (-1, 1):
            bend = [x + side * reach * 0.6, y + rng.uniform(-0.05, 0.15)]
            tip = [x + side * reach * rng.uniform(0.7, 1.2), y + rising]
            leaves.append(smooth_curve([[x, y], bend, tip], closed=False, steps=4))
    tablet.strokes(leaves, width=rng.uniform(0.07, 0.14), rise=0.55)


def _star(tablet: Tablet, rng: np.random.Generator) -> None:
    rays = int(rng.integers(4, 17))
    angle = np.arange(rays) * 2 * np.pi / rays + rng.uniform(0, np.pi)
    away = np.column_stack([np.cos(angle), np.sin(angle)])
    inner, outer = rng.uniform(0.05, 0.2), rng.uniform(0.4, 0.7)
    tablet.strokes([np.array([inner * d, outer * d]) for d in away], width=0.1, rise=0.6)
    if rng.random() < 0.5:
        tablet.dots(away * min(outer + 0.1, 0.75), radius=0.07, rise=0.5)
    if rng.random() < 0.6:
        tablet.polygon(_ellipse([0, 0], [inner + 0.12] * 2), bevel=0.15, rise=0.5)


def _worn(tablet: Tablet, rng: np.random.Generator) -> None:
    coarse = band_noise(rng, tablet.cells, scale=rng.uniform(0.12, 0.3))
    fine = band_noise(rng, tablet.cells, scale=0.06)
    field = np.clip(1.2 - 1.4 * np.hypot(tablet.x, tablet.y), 0, 1)
    tablet.height += 0.35 * field * np.clip(coarse + 0.5 * fine, -1, 1.5)


def _ellipse(centre: list[float], axes: list[float]) -> FloatArray:
    angle = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    return np.asarray(np.column_stack([np.cos(angle), np.sin(angle)]) * axes + centre)


MOTIFS: dict[Motif, _Carver] = {
    "portrait": _portrait,
    "face": _face,
    "figure": _figure,
    "animal": _animal,
    "symbol": _symbol,
    "worn": _worn,
}

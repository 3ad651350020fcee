"""Who and what holds the board: a person's shape, hands and clips at its edge."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from blender_scenes.blocks.colours import Rgb
from blender_scenes.blocks.shapes import Shape, ball, joined, lathed, moved, slab, tube
from blender_scenes.checkerboard.scene import Board, Grip, Person
from blender_scenes.checkerboard.target import bent_m
from pipeline.geometry.boxes import FloatArray

__all__ = ["arm_shape", "grip_shape", "person_shape", "shoulders_m", "wrist_m"]

_SHOULDER_M = 0.19  # from the middle
_FINGER_M = 0.0085
_EYE = (0.04, 0.035, 0.03)
_CUFF = 0.4  # of the way from shoulder to wrist that a sleeve covers
_COLLAR_M = 0.045  # over the shoulders
_TORSO = (  # height over the shoulders, half width
    (-0.75, 0.17), (-0.6, 0.175), (-0.45, 0.17), (-0.25, 0.185), (-0.12, 0.205), (-0.05, 0.2),
    (-0.01, 0.165), (0.02, 0.105), (0.04, 0.066), (0.06, 0.056), (0.1, 0.054),
)  # fmt: skip


def person_shape(person: Person) -> Shape:
    """Torso, neck and head in the world."""
    rng = np.random.default_rng(person.seed)
    heights, widths = np.array(_TORSO).T
    period_m, share = (
        float(rng.uniform(0.03, 0.09)),
        float(rng.choice([0.0, 0.12, 0.12, 0.25, 0.5])),
    )
    starts = np.arange(heights[0], _COLLAR_M - period_m, period_m)
    # A ring twice, with two paints, is the sharp edge of a stripe.
    edges = np.concatenate([starts + 0.5 * period_m, starts + (0.5 + share) * period_m])
    z = np.sort(np.concatenate([heights, edges, edges, [_COLLAR_M, _COLLAR_M]]))
    between = z + 1e-6 * np.where(np.append(np.diff(z) == 0, False), -1, 1)
    stripe = ((between - heights[0]) / period_m - 0.5) % 1 < share
    paint = np.where(stripe[:, None], np.array(person.stripe), np.array(person.shirt))
    paint[between > _COLLAR_M] = person.skin
    torso = lathed(np.column_stack([np.interp(z, heights, widths), z]), paint, segments=24)
    folds = 1 + 0.03 * np.sin(torso.vertices_m @ rng.normal(0, 20, size=3))
    torso = replace(torso, vertices_m=torso.vertices_m * folds[:, None] * [1.0, 0.6, 1.0])
    return moved(joined([torso, *_head(person, rng)]), _world_from_person(person))


def _head(person: Person, rng: np.random.Generator) -> list[Shape]:
    lips = (0.8 * person.skin[0], 0.5 * person.skin[1], 0.5 * person.skin[2])
    full = float(rng.uniform(0.0, 0.02))  # of the hair
    parts = [
        ((0.072, 0.092, 0.112), person.skin, (0.0, -0.01, 0.2)),
        ((0.082 + full, 0.095 + full, 0.1), person.hair, (0.0, 0.026, 0.238)),
        ((0.012, 0.016, 0.024), person.skin, (0.0, -0.094, 0.19)),  # nose
        ((0.02, 0.008, 0.005), lips, (0.0, -0.089, 0.15)),
    ]
    for side in (-1, 1):
        parts += [
            ((0.009, 0.006, 0.004), _EYE, (0.03 * side, -0.09, 0.215)),
            ((0.016, 0.006, 0.0025), person.hair, (0.031 * side, -0.091, 0.232)),  # brow
            ((0.01, 0.022, 0.032), person.skin, (0.075 * side, 0.0, 0.2)),  # ear
        ]
    shapes = [moved(ball(r, c, segments=16), _shifted(*place)) for r, c, place in parts]
    # Locks: hair is nowhere smooth.
    points = shapes[1].vertices_m
    locks = np.sin(points @ rng.normal(0, 90, size=(3, 3))).sum(axis=1)
    middle = points.mean(axis=0)
    shapes[1] = replace(
        shapes[1], vertices_m=middle + (1 + 0.025 * locks[:, None]) * (points - middle)
    )
    return shapes


def shoulders_m(person: Person) -> FloatArray:
    """(2, 3) the shoulder joints in the world."""
    pose = _world_from_person(person)
    own = np.array([[-_SHOULDER_M, 0, -0.05], [_SHOULDER_M, 0, -0.05]])
    return np.asarray(own @ pose[:3, :3].T + pose[:3, 3])


def arm_shape(shoulder_m: FloatArray, wrist_m: FloatArray, *, sleeve: Rgb, skin: Rgb) -> Shape:
    """From a shoulder to a wrist in the world, the elbow hanging."""
    elbow_m = 0.5 * (shoulder_m + wrist_m) - [0, 0, 0.15]
    t = np.sort(np.concatenate([np.linspace(0, 1, 12), [_CUFF, _CUFF]]))[:, None]
    path = (1 - t) ** 2 * shoulder_m + 2 * t * (1 - t) * elbow_m + t**2 * wrist_m
    covered = t <= _CUFF
    covered[np.flatnonzero(t[:, 0] == _CUFF)[1:]] = False  # the second of the cuff's two rings
    radius = np.interp(t[:, 0], [0, 0.5, 1], [0.05, 0.038, 0.023]) + 0.014 * covered[:, 0]
    paint = np.where(covered, np.array(sleeve), np.array(skin))
    return tube(path, radius, paint, segments=12)


def wrist_m(grip: Grip, board: Board) -> FloatArray:
    """(3,) in the board's frame."""
    edge, outwards, _, towards = _frame(grip, board)
    out_m, behind_m = (0.085, 0.025) if grip.kind == "thumb" else (0.06, 0.07)
    return np.asarray(edge + out_m * outwards - behind_m * towards)


def grip_shape(grip: Grip, board: Board) -> Shape:
    """A hand or a clip in the board's frame."""
    edge, outwards, along, towards = _frame(grip, board)
    axes = np.stack([outwards, along, towards])
    rng = np.random.default_rng(grip.seed)
    if grip.kind == "clip":
        return _clip(edge, axes, grip.reach_m, rng)
    skin = np.array(grip.skin)
    thumb = grip.kind == "thumb"
    palm = ball((0.04, 0.04, 0.02), grip.skin, segments=16)
    palm_pose = np.eye(4)
    palm_pose[:3, :3] = axes.T
    palm_pose[:3, 3] = edge + axes.T @ ([0.046, 0.0, -0.016] if thumb else [0.03, 0.0, -0.046])
    parts = [moved(palm, palm_pose)]
    for k in range(4):
        y, reach_m = 0.019 * (k - 1.5), grip.reach_m * float(rng.uniform(0.7, 1.25))
        spread = float(rng.normal(0, 0.12))
        front = [  # of a fist around the edge, the knuckles outside
            (0.025, y, -0.045), (0.05, 1.05 * y, -0.03), (0.044, y, -0.002), (0.018, y, 0.012),
            (-reach_m, y + spread * reach_m, 0.0092),
        ]  # fmt: skip
        behind = [(0.06, y, -0.014), (0.036, 1.1 * y, -0.012), (0.01, y, -0.017),
                  (-0.03, y, -0.02)]  # fmt: skip
        parts.append(_finger(edge, axes, behind if thumb else front, _FINGER_M, skin, rng))
    if thumb:
        tip = (-grip.reach_m, float(rng.uniform(-0.01, 0.01)), 0.0102)
        path = [(0.07, 0.02, -0.01), (0.035, 0.012, 0.004), (0.008, 0.004, 0.0105), tip]
        parts.append(_finger(edge, axes, path, 1.15 * _FINGER_M, skin, rng))
    return joined(parts)


def _frame(grip: Grip, board: Board) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    # The place at the edge and three directions: outwards, along the edge, towards the viewer.
    edge = bent_m(board, np.array([grip.place]))[0]
    out = np.array([np.cos(grip.outwards_rad), np.sin(grip.outwards_rad), 0.0])
    towards = np.array([0.0, 0.0, -1.0])
    return edge, out, np.cross(towards, out), towards


def _finger(
    edge: FloatArray,
    axes: FloatArray,
    joints: list[tuple[float, float, float]],
    radius_m: float,
    skin: npt.NDArray[np.float64],
    rng: np.random.Generator,
) -> Shape:
    knots = np.arange(len(joints), dtype=float)
    t = np.linspace(0, len(joints) - 1, 16)
    path = np.column_stack([np.interp(t, knots, column) for column in np.array(joints).T])
    path[1:-1] = (path[:-2] + path[1:-1] + path[2:]) / 3
    radius = radius_m * (1 + 0.06 * np.sin(2.2 * t)) * np.interp(t, [0, knots[-1]], [1.1, 0.85])
    radius[-2:] *= [0.95, 0.7]  # round at the tip
    shade = float(rng.uniform(0.9, 1.08))
    return tube(edge + path @ axes, radius, shade * skin, segments=10)


def _clip(edge: FloatArray, axes: FloatArray, reach_m: float, rng: np.random.Generator) -> Shape:
    half_m, grey = float(rng.uniform(0.006, 0.013)), float(rng.uniform(0.02, 0.3))
    outline = np.array([[-reach_m, -half_m], [0.006, -half_m], [0.006, half_m], [-reach_m, half_m]])
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = axes.T, edge - 0.0065 * axes[2]
    turn = np.linspace(-1.2, 1.2, 12)
    loop = np.column_stack([0.006 + 0.02 * np.cos(turn), 0.5 * half_m * np.sin(turn),
                            np.zeros(12)])  # fmt: skip
    wire = tube(edge + loop @ axes, 0.001, (0.4, 0.4, 0.42), segments=6)
    return joined([moved(slab(outline, 0.011, (grey, grey, grey)), pose), wire])


def _world_from_person(person: Person) -> FloatArray:
    pose = np.eye(4)
    c, s = np.cos(person.turn_rad), np.sin(person.turn_rad)
    a, b = np.cos(person.lean_rad), np.sin(person.lean_rad)
    pose[:3, :3] = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]) @ [[a, 0, b], [0, 1, 0], [-b, 0, a]]
    pose[:3, 3] = person.position_m
    return pose


def _shifted(x_m: float, y_m: float, z_m: float) -> FloatArray:
    shift = np.eye(4)
    shift[:3, 3] = x_m, y_m, z_m
    return shift

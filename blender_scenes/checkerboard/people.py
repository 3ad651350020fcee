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
_TORSO = (  # height over the shoulders, half width
    (-0.75, 0.16), (-0.6, 0.17), (-0.45, 0.155), (-0.25, 0.18), (-0.12, 0.2), (-0.04, 0.19),
    (0.0, 0.15), (0.03, 0.08), (0.05, 0.06), (0.1, 0.055),
)  # fmt: skip


def person_shape(person: Person) -> Shape:
    """Torso, neck and head in the world."""
    rng = np.random.default_rng(person.seed)
    heights, widths = np.array(_TORSO).T
    z = np.linspace(heights[0], heights[-1], 70)
    period_m, share = float(rng.uniform(0.03, 0.09)), float(rng.choice([0.0, 0.25, 0.35, 0.5]))
    striped = ((z / period_m) % 1 < share)[:, None]
    paint = np.where(striped, np.array(person.stripe), np.array(person.shirt))
    paint[z > 0.045] = person.skin
    torso = lathed(np.column_stack([np.interp(z, heights, widths), z]), paint, segments=28)
    folds = 1 + 0.025 * np.sin(torso.vertices_m @ rng.normal(0, 14, size=3))
    torso = replace(torso, vertices_m=torso.vertices_m * folds[:, None] * [1.0, 0.6, 1.0])
    return moved(joined([torso, *_head(person, rng)]), _world_from_person(person))


def _head(person: Person, rng: np.random.Generator) -> list[Shape]:
    lips = (0.8 * person.skin[0], 0.5 * person.skin[1], 0.5 * person.skin[2])
    full = float(rng.uniform(0.0, 0.02))  # of the hair
    parts = [
        ((0.072, 0.092, 0.112), person.skin, (0.0, -0.01, 0.2)),
        ((0.082 + full, 0.095 + full, 0.1), person.hair, (0.0, 0.026, 0.238)),
        ((0.011, 0.016, 0.02), person.skin, (0.0, -0.1, 0.19)),  # nose
        ((0.02, 0.008, 0.005), lips, (0.0, -0.089, 0.15)),
    ]
    for side in (-1, 1):
        parts += [
            ((0.009, 0.006, 0.004), _EYE, (0.03 * side, -0.09, 0.215)),
            ((0.016, 0.006, 0.0025), person.hair, (0.031 * side, -0.091, 0.232)),  # brow
            ((0.01, 0.022, 0.032), person.skin, (0.075 * side, 0.0, 0.2)),  # ear
        ]
    return [moved(ball(r, c, segments=20), _shifted(*place)) for r, c, place in parts]


def shoulders_m(person: Person) -> FloatArray:
    """(2, 3) the shoulder joints in the world."""
    pose = _world_from_person(person)
    own = np.array([[-_SHOULDER_M, 0, -0.05], [_SHOULDER_M, 0, -0.05]])
    return np.asarray(own @ pose[:3, :3].T + pose[:3, 3])


def arm_shape(shoulder_m: FloatArray, wrist_m: FloatArray, *, sleeve: Rgb, skin: Rgb) -> Shape:
    """From a shoulder to a wrist in the world, the elbow hanging."""
    elbow_m = 0.5 * (shoulder_m + wrist_m) - [0, 0, 0.15]
    t = np.linspace(0, 1, 14)[:, None]
    path = (1 - t) ** 2 * shoulder_m + 2 * t * (1 - t) * elbow_m + t**2 * wrist_m
    radius = np.interp(t[:, 0], [0, 0.5, 1], [0.055, 0.042, 0.023])
    paint = np.where(t < 0.45, np.array(sleeve), np.array(skin))
    return tube(path, radius, paint, segments=14)


def wrist_m(grip: Grip, board: Board) -> FloatArray:
    """(3,) in the board's frame."""
    edge, outwards, _, towards = _frame(grip, board)
    return np.asarray(edge + 0.085 * outwards - 0.03 * towards)


def grip_shape(grip: Grip, board: Board) -> Shape:
    """A hand or a clip in the board's frame."""
    edge, outwards, along, towards = _frame(grip, board)
    axes = np.stack([outwards, along, towards])
    rng = np.random.default_rng(grip.seed)
    if grip.kind == "clip":
        return _clip(edge, axes, grip.reach_m, rng)
    skin = np.array(grip.skin)
    palm = ball((0.046, 0.038, 0.022), grip.skin, segments=20)
    palm_pose = np.eye(4)
    palm_pose[:3, :3], palm_pose[:3, 3] = axes.T, edge + axes.T @ [0.05, 0.0, -0.022]
    parts = [moved(palm, palm_pose)]
    thumb = grip.kind == "thumb"
    for k in range(4):
        y, reach_m = 0.019 * (k - 1.5), grip.reach_m * float(rng.uniform(0.7, 1.25))
        spread = float(rng.normal(0, 0.12))
        front = [
            (0.06, y, -0.02), (0.035, 1.05 * y, -0.006), (0.014, y, 0.006), (0.002, y, 0.009),
            (-reach_m, y + spread * reach_m, 0.0092),
        ]  # fmt: skip
        behind = [(0.065, y, -0.02), (0.04, 1.1 * y, -0.006), (0.014, y, -0.014),
                  (-0.03, y, -0.018)]  # fmt: skip
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
    return tube(edge + path @ axes, radius, shade * skin, segments=12)


def _clip(edge: FloatArray, axes: FloatArray, reach_m: float, rng: np.random.Generator) -> Shape:
    half_m, grey = float(rng.uniform(0.008, 0.022)), float(rng.uniform(0.02, 0.3))
    outline = np.array([[-reach_m, -half_m], [0.006, -half_m], [0.006, half_m], [-reach_m, half_m]])
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = axes.T, edge - 0.009 * axes[2]
    turn = np.linspace(-1.2, 1.2, 12)
    loop = np.column_stack([0.006 + 0.02 * np.cos(turn), 0.5 * half_m * np.sin(turn),
                            np.zeros(12)])  # fmt: skip
    wire = tube(edge + loop @ axes, 0.001, (0.4, 0.4, 0.42), segments=6)
    return joined([moved(slab(outline, 0.016, (grey, grey, grey)), pose), wire])


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

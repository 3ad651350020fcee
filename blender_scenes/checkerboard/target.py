"""The calibration target: its corners, and the bent surfaces of print, margin and plate."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from blender_scenes.blocks.noise import band_noise
from blender_scenes.checkerboard.scene import Bend, Board
from pipeline.geometry.boxes import FloatArray
from pipeline.records.keypoints import KeypointLayout
from pipeline.records.scene import Vector3

__all__ = ["Net", "bent_m", "corner_layout", "corners_m", "margin_net", "plate_net", "print_net"]

# Half a pixel where squares are 35 px: what a careful person's clicks scatter by.
_SIGMA = 0.002
_STEPS = 3  # facets along a square: a bend of millimetres is smooth over that
_THICK_M = 0.003
_GAP_M = 0.0004  # between paper and plate
_CORNER_STEPS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Net:
    """A painted surface whose colours may change from face to face.

    Attributes:
        vertices_m: (N, 3) in the board's frame.
        quads: (F, 4) vertex numbers, anticlockwise for the camera.
        paint: (F, 4) reflectance at the faces' corners.
    """

    vertices_m: FloatArray
    quads: npt.NDArray[np.int32]
    paint: FloatArray


def corner_layout(columns: int, rows: int) -> KeypointLayout:
    """Names, grid lines and sigmas of the inner corners of ``columns`` x ``rows`` squares."""
    across, down = columns - 1, rows - 1
    number = np.arange(across * down).reshape(down, across)
    lines = [*zip(number[:, :-1].flat, number[:, 1:].flat, strict=True)]
    lines += zip(number[:-1].flat, number[1:].flat, strict=True)
    return KeypointLayout(
        names=tuple(f"c{k}" for k in range(across * down)),
        skeleton=tuple((int(a), int(b)) for a, b in lines),
        sigmas=(_SIGMA,) * (across * down),
    )


def corners_m(board: Board) -> tuple[Vector3, ...]:
    """The inner corners on the bent surface, row by row."""
    x, y = np.meshgrid(np.arange(board.columns - 1.0), np.arange(board.rows - 1.0))
    points = bent_m(board, np.column_stack([x.ravel(), y.ravel()]))
    return tuple((float(a), float(b), float(c)) for a, b, c in points)


def bent_m(board: Board, places: FloatArray) -> FloatArray:
    """(N, 3) points of the bent surface over (N, 2) places, in squares from the first corner."""
    middle = np.array([board.columns - 2, board.rows - 2]) / 2
    # Longer than the print by the margin, so that the bend of a plate is that of its paper.
    u, v = ((np.asarray(places, float) - middle) / (max(board.columns, board.rows) / 2)).T
    return np.column_stack([np.asarray(places, float) * board.square_m, _lift_m(board.bend, u, v)])


def _lift_m(bend: Bend, u: FloatArray, v: FloatArray) -> FloatArray:
    w = u * math.cos(bend.direction_rad) + v * math.sin(bend.direction_rad)
    return np.asarray(bend.amount_m * (w * w - bend.twist * u * v))


def print_net(board: Board) -> Net:
    """The squares; where black meets white no vertex is shared between two colours of paint."""
    x, y = (_lines(count, board.margin) for count in (board.columns, board.rows))
    net = _net(board, x, y)
    middle = (net.vertices_m[net.quads].mean(axis=1)[:, :2] / board.square_m) + 1
    black = np.floor(middle).astype(int).sum(axis=1) % 2 == 0
    shade = np.where(black, board.black, board.white)[:, None]
    return Net(vertices_m=net.vertices_m, quads=net.quads, paint=shade * net.paint)


def margin_net(board: Board) -> Net | None:
    """The white paper around the squares; None where it is cut off."""
    if board.margin <= 0:
        return None
    x, y = (
        np.array([-1 - board.margin, *_lines(count, 0), count - 1 + board.margin])
        for count in (board.columns, board.rows)
    )
    net = _net(board, x, y)
    middle = net.vertices_m[net.quads].mean(axis=1)[:, :2] / board.square_m
    outside = ((middle < -1) | (middle > [board.columns - 1, board.rows - 1])).any(axis=1)
    return Net(
        vertices_m=net.vertices_m,
        quads=net.quads[outside],
        paint=board.white * net.paint[outside],
    )


def plate_net(board: Board) -> Net:
    """The plate behind the paper with round corners; as paper alone it is the paper's back."""
    reach = 1 + max(board.margin, -0.5) + board.plate
    half = np.array([board.columns, board.rows]) / 2 - 1 + reach
    radius = max(min(0.6, board.plate), 0.02)
    turn = np.linspace(0, np.pi / 2, _CORNER_STEPS)
    arc = radius * np.column_stack([np.cos(turn), np.sin(turn)])
    corners = []
    for quarter, sign in enumerate(((1, 1), (-1, 1), (-1, -1), (1, -1))):
        spin = np.linalg.matrix_power(np.array([[0, -1], [1, 0]]), quarter)
        corners.append(arc @ spin.T + (half - radius) * sign)
    outline = np.concatenate(corners)
    # Long sides are cut up, so that the plate bends with its paper.
    ring = np.concatenate(
        [
            a + (b - a) * np.linspace(0, 1, 1 + _STEPS * 4, endpoint=False)[:, None]
            for a, b in zip(outline, np.roll(outline, -1, axis=0), strict=True)
        ]
    )
    middle = np.array([board.columns - 2, board.rows - 2]) / 2
    rings = [middle + share * ring for share in (0.0, 0.35, 0.7, 1.0)]
    front = [bent_m(board, places) + np.array([0, 0, _GAP_M]) for places in rings]
    thick_m = _THICK_M if board.plate > 0 else _GAP_M / 2
    back = [points + np.array([0, 0, thick_m]) for points in front]
    # The edge has its points twice, so that it is shaded sharp.
    levels = [*front, front[-1], back[-1], *back[::-1]]
    count = len(ring)
    here = np.arange(count)
    after = (here + 1) % count
    quads = np.concatenate(
        [
            np.column_stack([here, after, after + count, here + count]) + level * count
            for level in range(len(levels) - 1)
            if level not in (len(front) - 1, len(front) + 1)
        ]
    ).astype(np.int32)
    return Net(
        vertices_m=np.concatenate(levels), quads=quads, paint=np.ones((len(quads), 4), float)
    )


def _lines(count: int, margin: float) -> FloatArray:
    # Where facets meet along one side, from -1 to count - 1 or cut narrower.
    lines = np.arange(count * _STEPS + 1) / _STEPS - 1
    cut = min(margin, 0.0)
    lines[0], lines[-1] = -1 - cut, count - 1 + cut
    inside = (lines >= lines[0]) & (lines <= lines[-1])
    return np.asarray(np.unique(lines[inside]))


def _net(board: Board, x: FloatArray, y: FloatArray) -> Net:
    columns, rows = np.meshgrid(x, y)
    place = np.arange(columns.size).reshape(columns.shape)
    quads = np.stack(
        [place[:-1, :-1], place[1:, :-1], place[1:, 1:], place[:-1, 1:]], axis=-1
    ).reshape(-1, 4)
    noise = band_noise(np.random.default_rng(board.seed), 64, scale=0.2)
    at = np.stack([(a - a.min()) / (a.max() - a.min()) * 63 for a in (rows, columns)])
    shade = 1 + board.stain * np.clip(noise[tuple(at.astype(int))], -2, 2)
    return Net(
        vertices_m=bent_m(board, np.column_stack([columns.ravel(), rows.ravel()])),
        quads=quads.astype(np.int32),
        paint=shade.ravel()[quads],
    )

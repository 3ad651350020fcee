"""From a sampled glyph to flat triangles, without Blender."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from blender_scenes.digits.family import Glyph
from blender_scenes.digits.styles import STYLES
from pipeline.geometry.boxes import FloatArray

__all__ = ["FlatMesh", "font_glyph", "pen_mesh", "smooth_curve", "stroke_glyph"]

# Corners of the round pen tip: at 3 px stroke width ten differ from a circle by 0.07 px.
_TIP_CORNERS = 10
_WARP_ORDER = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class FlatMesh:
    """Triangles in the paper's plane; they may overlap.

    Attributes:
        vertices: (V, 2), +y up.
        triangles: (F, 3) vertex indices.
    """

    vertices: FloatArray
    triangles: npt.NDArray[np.int32]


def stroke_glyph(glyph: Glyph) -> FlatMesh:
    """The ink of a pen-written glyph in its own frame, metres."""
    rng = np.random.default_rng(glyph.seed)
    strokes = _shaken(STYLES[glyph.style].control_points(), glyph.jitter, rng)
    curves = [smooth_curve(stroke) for stroke in strokes]
    lengths = np.cumsum([len(curve) for curve in curves])[:-1]
    path = _bent(np.vstack(curves), glyph, rng)
    radii = glyph.stroke_width / 2 * np.exp(glyph.pressure * _slow_noise(len(path), rng))
    return pen_mesh(
        np.split(path * glyph.height_m, lengths), np.split(radii * glyph.height_m, lengths)
    )


def font_glyph(glyph: Glyph, printed: FlatMesh) -> FlatMesh:
    """The ink of a printed glyph in its own frame, metres; ``printed`` is the font's digit."""
    path = _bent(printed.vertices, glyph, np.random.default_rng(glyph.seed))
    return FlatMesh(vertices=path * glyph.height_m, triangles=printed.triangles)


def smooth_curve(control_points: FloatArray, *, steps: int = 6) -> FloatArray:
    """A curve through all control points (centripetal Catmull-Rom).

    Args:
        control_points: (N, 2), N >= 2; neighbours must differ.
        steps: Pieces between two control points.

    Returns:
        ((N - 1) * steps + 1, 2); for N = 2 a straight line of two points.

    Source: Yuksel, Schaefer, Keyser, CAD 2011 (centripetal knots: no cusps, no loops).
    """
    if len(control_points) == 2:
        return control_points
    first = 2 * control_points[0] - control_points[1]
    last = 2 * control_points[-1] - control_points[-2]
    padded = np.vstack([first, control_points, last])
    knots = np.concatenate(
        [[0.0], np.cumsum(np.sqrt(np.linalg.norm(np.diff(padded, axis=0), axis=1)))]
    )
    # (N - 1, 1, 1) knots and (N - 1, 1, 2) points of every piece, evaluated at (1, steps, 1).
    pieces = len(control_points) - 1
    t0, t1, t2, t3 = (knots[i : i + pieces, None, None] for i in range(4))
    p0, p1, p2, p3 = (padded[i : i + pieces, None, :] for i in range(4))
    t = t1 + (t2 - t1) * (np.arange(steps) / steps)[None, :, None]
    a1 = ((t1 - t) * p0 + (t - t0) * p1) / (t1 - t0)
    a2 = ((t2 - t) * p1 + (t - t1) * p2) / (t2 - t1)
    a3 = ((t3 - t) * p2 + (t - t2) * p3) / (t3 - t2)
    b1 = ((t2 - t) * a1 + (t - t0) * a2) / (t2 - t0)
    b2 = ((t3 - t) * a2 + (t - t1) * a3) / (t3 - t1)
    curve = ((t2 - t) * b1 + (t - t1) * b2) / (t2 - t1)
    return np.vstack([curve.reshape(-1, 2), control_points[-1:]])


def pen_mesh(curves: list[FloatArray], radii: list[FloatArray]) -> FlatMesh:
    """What a round pen tip covers along polylines.

    Args:
        curves: Per stroke (N, 2) points.
        radii: Per stroke (N,) radius of the tip, same unit.

    Returns:
        A disc for every point and a quadrilateral for every piece between two.
    """
    angles = 2 * np.pi * np.arange(_TIP_CORNERS) / _TIP_CORNERS
    tip = np.column_stack([np.cos(angles), np.sin(angles)])
    points, tip_radii = np.vstack(curves), np.concatenate(radii)
    discs = points[:, None] + tip_radii[:, None, None] * tip
    starts, ends, start_radii, end_radii = (
        np.concatenate(parts)
        for parts in zip(
            *((c[:-1], c[1:], r[:-1], r[1:]) for c, r in zip(curves, radii, strict=True)),
            strict=True,
        )
    )
    along = ends - starts
    length = np.linalg.norm(along, axis=1, keepdims=True)
    across = np.column_stack([-along[:, 1], along[:, 0]]) / np.maximum(length, 1e-12)
    from_start, from_end = across * start_radii[:, None], across * end_radii[:, None]
    pieces = np.stack(
        [starts - from_start, ends - from_end, ends + from_end, starts + from_start], axis=1
    )
    return FlatMesh(
        vertices=np.vstack([discs.reshape(-1, 2), pieces.reshape(-1, 2)]),
        triangles=np.vstack(
            [
                _fans(len(discs), _TIP_CORNERS),
                _fans(len(pieces), 4) + len(discs) * _TIP_CORNERS,
            ]
        ).astype(np.int32),
    )


def _fans(count: int, corners: int) -> npt.NDArray[np.int64]:
    fan = np.array([[0, k, k + 1] for k in range(1, corners - 1)])
    return np.asarray(np.arange(count)[:, None, None] * corners + fan).reshape(-1, 3)


def _shaken(strokes: list[FloatArray], sigma: float, rng: np.random.Generator) -> list[FloatArray]:
    # Strokes that meet in a point still meet after it has moved.
    unique, inverse = np.unique(np.vstack(strokes), axis=0, return_inverse=True)
    moved = (unique + sigma * rng.standard_normal(unique.shape))[inverse.reshape(-1)]
    return np.split(moved, np.cumsum([len(stroke) for stroke in strokes])[:-1])


def _bent(points: FloatArray, glyph: Glyph, rng: np.random.Generator) -> FloatArray:
    # One unit high around (0, 0), then distorted, stretched and slanted.
    unit = _standing(points)
    warped = unit + glyph.warp * _smooth_field(unit, rng)
    stretched = _standing(warped) * [glyph.aspect, 1.0]
    stretched[:, 0] += glyph.slant * stretched[:, 1]
    return stretched


def _smooth_field(points: FloatArray, rng: np.random.Generator) -> FloatArray:
    # Cosine waves of up to one and a half periods over the box, the longer the stronger.
    counts = np.arange(_WARP_ORDER + 1)
    orders = np.add.outer(counts, counts)
    weights = rng.standard_normal((*orders.shape, 2)) / np.maximum(orders, 1)[..., None]
    weights[(orders < 1) | (orders > _WARP_ORDER)] = 0
    waves = np.cos(np.pi * (points[..., None] + 0.5) * counts)
    return np.asarray(np.einsum("ni,nj,ijd->nd", waves[:, 0], waves[:, 1], weights))


def _slow_noise(count: int, rng: np.random.Generator) -> FloatArray:
    knots = rng.standard_normal(count // 6 + 2)
    return np.interp(np.linspace(0, len(knots) - 1, count), np.arange(len(knots)), knots)


def _standing(points: FloatArray) -> FloatArray:
    low, high = points.min(axis=0), points.max(axis=0)
    return np.asarray((points - (low + high) / 2) / (high[1] - low[1]))

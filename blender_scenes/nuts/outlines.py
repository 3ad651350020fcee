"""Outlines of dates, figs, hazelnuts and chocolates, turned about their axes to closed nets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from blender_scenes.blocks.grids import ring_quads
from blender_scenes.blocks.noise import smoothstep
from blender_scenes.nuts.scene import Form, Kind
from pipeline.geometry.boxes import FloatArray

__all__ = ["Net", "net_of", "net_triangles"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Net:
    """A round body before it shrinks; N points, ring by ring, each pole once.

    Attributes:
        x: (N,) place along the axis, -1 ... 1; a stalk goes on beyond.
        radius: (N,) over the widest.
        cos: (N,) of the angle about the axis, 0 at the poles.
        sin: (N,) of the angle about the axis.
        outwards: (N, 3) unit normals.
    """

    x: FloatArray
    radius: FloatArray
    cos: FloatArray
    sin: FloatArray
    outwards: FloatArray

    def around(self, features: float, along: float) -> FloatArray:
        """(N, 3) points where solid noise has so many features around, and meets itself there.

        Args:
            features: Around the axis.
            along: From the middle to an end.
        """
        circle = features / (2 * np.pi)
        return np.column_stack([along * self.x, circle * self.cos, circle * self.sin])


def net_of(form: Form, *, rings: int, segments: int) -> Net:
    """The smooth body of a piece, its outline walked in steps of equal length."""
    outline = _OUTLINES[form.kind](form)
    step = np.hypot(*np.diff(outline, axis=0).T)
    walked = np.concatenate([[0], np.cumsum(step)]) / step.sum()
    u = np.linspace(0, 1, rings)
    x, radius = (np.interp(u, walked, column) for column in outline.T)
    slope = np.column_stack([-np.gradient(radius, u), np.gradient(x, u)])
    slope /= np.maximum(np.linalg.norm(slope, axis=1, keepdims=True), 1e-9)
    turn = np.arange(segments) * 2 * np.pi / segments

    def spread(values: FloatArray) -> FloatArray:
        middle = np.repeat(values[1:-1], segments)
        return np.concatenate([values[:1], middle, values[-1:]])

    cos, sin = (
        np.concatenate([[0.0], np.tile(wave, rings - 2), [0.0]])
        for wave in (np.cos(turn), np.sin(turn))
    )
    lean, rise = spread(slope[:, 0]), spread(slope[:, 1])
    outwards = np.column_stack([lean, rise * cos, rise * sin])
    outwards[0], outwards[-1] = (-1, 0, 0), (1, 0, 0)
    return Net(x=spread(x), radius=spread(radius), cos=cos, sin=sin, outwards=outwards)


def net_triangles(rings: int, segments: int) -> npt.NDArray[np.int32]:
    """(T, 3) point numbers of a net, anticlockwise seen from outside."""
    inner = rings - 2
    quads = ring_quads(inner, segments) + 1
    here = np.arange(segments, dtype=np.int32)
    after = (here + 1) % segments
    last = 1 + (inner - 1) * segments
    first_pole, last_pole = np.zeros_like(here), np.full_like(here, last + segments)
    faces = np.concatenate(
        [
            np.column_stack([first_pole, after + 1, here + 1]),
            quads[:, [0, 2, 1]],
            quads[:, [0, 3, 2]],
            np.column_stack([last_pole, last + here, last + after]),
        ]
    )
    return np.asarray(faces, dtype=np.int32)


def _oval(power: float, *, points: int = 240) -> FloatArray:
    angle = np.linspace(np.pi, 0, points)
    x = np.cos(angle)
    return np.column_stack([x, np.maximum(1 - np.abs(x) ** power, 0) ** (1 / power)])


def _date_outline(form: Form) -> FloatArray:
    outline = _oval(2.35)
    x = outline[:, 0]
    outline[:, 1] *= 1 + form.taper * x - form.waist * np.exp(-(((x - 0.15) / 0.35) ** 2))
    outline[:, 1] *= 1 / max(outline[:, 1].max(), 1e-9)
    return outline


def _fig_outline(form: Form) -> FloatArray:
    # A bulb that runs out into a neck and a stalk with a swollen end.
    neck = 0.55 + 0.5 * form.taper
    x = np.linspace(-1, 1, 160)
    bulb = np.sqrt(np.maximum(1 - ((x + 0.15) / 0.85) ** 2, 0))
    shoulder = 0.95 * (1 - smoothstep(x, -0.1, neck + 0.4)) ** 1.15
    thick = 0.085
    radius = np.where(x < -0.15, bulb, np.maximum(bulb, shoulder))
    radius = np.where(x > -0.1, np.minimum(radius, np.maximum(shoulder, thick)), radius)
    radius[x > 0.75] = np.maximum(np.minimum(radius[x > 0.75], 0.3), thick)
    end = 1 + 2 * form.stalk
    stalk = np.column_stack([np.linspace(1, end, 24)[1:], np.full(23, thick)])
    stalk[-6:, 1] *= [1.1, 1.25, 1.4, 1.5, 1.5, 1.2]
    outline = np.concatenate([np.column_stack([x, radius]), stalk, [[end, 0.0]]])
    outline[0] = (-1.0, 0.0)
    return outline


def _nut_outline(form: Form) -> FloatArray:
    # A flat scar at one end, a nib at the other.
    body = _oval(2.35)
    body[:, 1] *= 1 + form.taper * body[:, 0]
    body[:, 1] /= body[:, 1].max()
    scar = 0.52
    start = int(np.argmax(body[:, 1] > scar))
    cut = body[start, 0]
    disc = np.column_stack([np.full(20, cut) - 0.04 * (1 - np.linspace(0, 1, 20) ** 2),
                            np.linspace(0, scar, 20)])  # fmt: skip
    stop = len(body) - int(np.argmax(body[::-1, 1] > 0.07))
    nib = np.array([[1.0, 0.075], [1.05, 0.06], [1.075, 0.03], [1.08, 0.0]])
    outline = np.concatenate([disc, body[start:stop], nib])
    outline[:, 0] = np.interp(outline[:, 0], [outline[0, 0], 1.08], [-1, 1])
    return np.asarray(outline)


def _sweet_outline(form: Form) -> FloatArray:
    del form
    return _oval(3.2)


_OUTLINES: dict[Kind, Callable[[Form], FloatArray]] = {
    "date": _date_outline,
    "fig": _fig_outline,
    "hazelnut": _nut_outline,
    "chocolate": _sweet_outline,
}

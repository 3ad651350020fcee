"""Bent sheets with round corners: cards, leaflets, books. Without Blender."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from blender_scenes.blocks.grids import ring_quads
from blender_scenes.cards.deck import CARD_MM, CORNER_MM, THICK_M
from blender_scenes.cards.scene import Bend
from pipeline.geometry.boxes import FloatArray
from pipeline.records.scene import Vector3

__all__ = [
    "CARD_M",
    "CORNER_M",
    "PRINT_CORNER_M",
    "Surface",
    "card_surface",
    "corners_m",
    "lift_m",
    "sheet_surface",
]

CARD_M = (CARD_MM[0] / 1000, CARD_MM[1] / 1000)
CORNER_M = CORNER_MM / 1000
PRINT_CORNER_M = 0.001
_RINGS = (0.0, 0.22, 0.44, 0.62, 0.76, 0.87, 0.95, 1.0)  # shares of the way from middle to rim
_CORNER_STEPS = 5
_SIDE_STEPS = 8
_SIGNS = np.array([(1, 1), (-1, 1), (-1, -1), (1, -1)])


@dataclass(frozen=True, slots=True, kw_only=True)
class Surface:
    """A closed surface.

    Attributes:
        vertices_m: (N, 3) in the sheet's frame.
        quads: (F, 4) vertex numbers, anticlockwise seen from outside; around the middle two
            of their corners coincide.
        uv: (N, 2) place on the print, (0, 0) at the lower left; sides and underside show the
            margin of the print.
    """

    vertices_m: FloatArray
    quads: npt.NDArray[np.int32]
    uv: FloatArray

    @property
    def underside_m(self) -> FloatArray:
        """(M, 3) the vertices that can touch what is below."""
        faces = (len(self.vertices_m) * len(_RINGS)) // (2 * len(_RINGS) + 2)
        return self.vertices_m[faces : 2 * faces]

    @property
    def triangles(self) -> npt.NDArray[np.int32]:
        """(2 F, 3) the quads cut in two."""
        return np.concatenate([self.quads[:, [0, 1, 2]], self.quads[:, [0, 2, 3]]])


def card_surface(bend: Bend, *, thick_m: float = THICK_M) -> Surface:
    """A card, or a pile of them."""
    return sheet_surface(CARD_M, bend, corner_m=CORNER_M, thick_m=thick_m)


def sheet_surface(
    size_m: tuple[float, float], bend: Bend, *, corner_m: float, thick_m: float
) -> Surface:
    """A bent sheet whose print is at z = 0 in its middle.

    Args:
        size_m: Along x and y.
        bend: Of the print; the underside runs parallel.
        corner_m: Radius of its round corners.
        thick_m: Downwards.
    """
    outline = _outline(size_m, corner_m)
    flat_m = np.concatenate([share * outline for share in _RINGS])
    top = np.column_stack([flat_m, lift_m(bend, flat_m, size_m)])
    below = top - [0, 0, thick_m]
    count = len(outline)
    face = ring_quads(len(_RINGS), count)
    # The rim has its points twice, so that it is shaded sharp.
    side = ring_quads(2, count)[:, ::-1] + 2 * len(top)
    vertices_m = np.concatenate([top, below, below[-count:], top[-count:]])
    margin = np.tile(outline * 0.985, (len(vertices_m) // count, 1))
    margin[: len(top)] = flat_m
    return Surface(
        vertices_m=vertices_m,
        quads=np.concatenate([face, face[:, ::-1] + len(top), side]).astype(np.int32),
        uv=margin / size_m + 0.5,
    )


def corners_m(bend: Bend) -> tuple[Vector3, ...]:
    """The four corners on a card's bent print, anticlockwise from the largest x and y.

    A corner is the middle of its round part.
    """
    inset_m = CORNER_M * (1 - np.sqrt(0.5))
    flat_m = _SIGNS * (np.array(CARD_M) / 2 - inset_m)
    points = np.column_stack([flat_m, lift_m(bend, flat_m, CARD_M)])
    return tuple((float(x), float(y), float(z)) for x, y, z in points)


def lift_m(bend: Bend, places_m: FloatArray, size_m: tuple[float, float]) -> FloatArray:
    """(N,) height of the print at (N, 2) places x, y over its middle."""
    half_m = np.array(size_m) / 2
    u, v = (places_m / half_m.max()).T
    along = u * np.cos(bend.direction_rad) + v * np.sin(bend.direction_rad)
    saddle = np.prod(places_m / half_m, axis=1)
    towards = (places_m / half_m) @ _SIGNS[bend.ear_corner] / 2
    ear = np.clip((towards - bend.ear_reach) / (1 - bend.ear_reach), 0, None)
    return np.asarray(bend.curl_m * along**2 + bend.twist_m * saddle + bend.ear_m * ear**2)


def _outline(size_m: tuple[float, float], corner_m: float) -> FloatArray:
    # (P, 2) anticlockwise; long sides are cut up so that they bend.
    turn = np.linspace(0, np.pi / 2, _CORNER_STEPS)
    arc = corner_m * np.column_stack([np.cos(turn), np.sin(turn)])
    corners = []
    for quarter, sign in enumerate(_SIGNS):
        spin = np.linalg.matrix_power(np.array([[0, -1], [1, 0]]), quarter)
        corners.append(arc @ spin.T + (np.array(size_m) / 2 - corner_m) * sign)
    pieces = []
    for corner, after in zip(corners, corners[1:] + corners[:1], strict=True):
        share = np.linspace(0, 1, _SIDE_STEPS + 1)[1:-1, None]
        pieces += [corner, corner[-1] + share * (after[0] - corner[-1])]
    return np.concatenate(pieces)

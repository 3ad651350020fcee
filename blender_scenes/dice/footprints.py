"""Rectangles on a table that may touch and must not overlap. No Blender."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.geometry.boxes import FloatArray

__all__ = ["Footprint", "contact_distance", "overlap", "reach"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Footprint:
    """A rectangle seen from above.

    Attributes:
        centre_m: (2,) x and y.
        half_m: (2,) half its sides.
        turn_rad: Of its first side from x.
    """

    centre_m: FloatArray
    half_m: FloatArray
    turn_rad: float

    @property
    def axes(self) -> FloatArray:
        """(2, 2) directions of its sides as rows."""
        cos, sin = np.cos(self.turn_rad), np.sin(self.turn_rad)
        return np.array([[cos, sin], [-sin, cos]])


def reach(footprint: Footprint, directions: FloatArray) -> FloatArray:
    """(N,) how far a footprint reaches from its centre along (N, 2) unit vectors."""
    return np.asarray(np.abs(directions @ footprint.axes.T) @ footprint.half_m)


def overlap(one: Footprint, other: Footprint, *, gap_m: float = 0.0) -> bool:
    """Whether two footprints are closer than ``gap_m``, seen along any of their sides."""
    axes = np.concatenate([one.axes, other.axes])
    apart_m = np.abs(axes @ (other.centre_m - one.centre_m))
    return bool((apart_m < reach(one, axes) + reach(other, axes) + gap_m).all())


def contact_distance(one: Footprint, other: Footprint, direction: FloatArray) -> float:
    """How far from ``one``'s centre ``other``'s must be, along a (2,) unit vector, to touch it."""
    axes = np.concatenate([one.axes, other.axes])
    along = np.abs(axes @ direction)
    apart_m = reach(one, axes) + reach(other, axes)
    return float((apart_m / np.maximum(along, 1e-9)).min())

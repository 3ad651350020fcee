"""Anchors and zoom of a detector, from the sizes of the objects that it is to find."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from torchvision.models.detection.anchor_utils import AnchorGenerator

from trainers.networks.sizes import ObjectSizes

__all__ = ["Layout", "lay_out"]

_CELLS = (4.0, 16.0)
"""The smallest objects cover so many cells of the finest map, side by side."""
_ZOOM = (0.25, 4.0)
_ASPECT_STEP = 1.25
_UNKNOWN = ObjectSizes(small_px=32.0, large_px=128.0, aspects=(0.5, 1.0, 2.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What a detector looks for where.

    Attributes:
        zoom: Pictures are resized by this.
        sizes: Anchor sizes of every map, finest first; px after the zoom.
        aspects: Height over width of the anchors, the same everywhere.
    """

    zoom: float
    sizes: tuple[tuple[float, ...], ...]
    aspects: tuple[float, ...]

    def anchors(self) -> AnchorGenerator:
        """Torchvision's generator of them."""
        return AnchorGenerator(self.sizes, (self.aspects,) * len(self.sizes))


def lay_out(
    objects: ObjectSizes | None,
    strides: Sequence[int],
    *,
    per_octave: int,
    zoom: float | None = None,
) -> Layout:
    """Anchors that fit the objects.

    The finest map gets anchors as small as the smallest objects, every further map those of its
    stride; a single map gets all sizes up to the largest objects.

    Args:
        objects: Their sizes; None: torchvision's usual range.
        strides: Of the detector's maps, finest first.
        per_octave: Anchor sizes between one size and its double.
        zoom: None: enlarge or shrink until the smallest objects cover 4 to 16 cells of the finest
            map, at most fourfold.
    """
    known = objects or _UNKNOWN
    if zoom is None:
        cells = known.small_px / strides[0]
        fitting = min(max(1.0, _CELLS[0] / cells), _CELLS[1] / cells)
        zoom = round(min(max(fitting, _ZOOM[0]), _ZOOM[1]), 3)
    base = known.small_px * zoom
    octaves = [math.log2(stride / strides[0]) for stride in strides]
    steps = [i / per_octave for i in range(per_octave)]
    if len(strides) == 1:
        span = max(1, math.ceil(math.log2(known.large_px / known.small_px) + 1e-6))
        steps = [i / per_octave for i in range(span * per_octave + 1)]
    return Layout(
        zoom=zoom,
        sizes=tuple(
            tuple(round(base * 2 ** (octave + step), 2) for step in steps) for octave in octaves
        ),
        aspects=_distinct(known.aspects),
    )


def _distinct(aspects: Sequence[float]) -> tuple[float, ...]:
    """Those that differ enough from the middle one to deserve anchors of their own."""
    low, middle, high = aspects
    narrow = (low,) if middle / low >= _ASPECT_STEP else ()
    tall = (high,) if high / middle >= _ASPECT_STEP else ()
    return (*narrow, middle, *tall)

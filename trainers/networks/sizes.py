"""How large the objects of a training set are: what anchors and input size follow from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.geometry.boxes import FloatArray

__all__ = ["ObjectSizes", "measure_objects"]

_TAIL = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectSizes:
    """Sizes of boxes at the pictures' own scale; size is the root of the area.

    Attributes:
        small_px: 5 % are smaller.
        large_px: 5 % are larger.
        aspects: Height over width: of narrow, middling and tall boxes (5, 50, 95 %).
    """

    small_px: float
    large_px: float
    aspects: tuple[float, float, float]


def measure_objects(boxes_xyxy: FloatArray) -> ObjectSizes | None:
    """Sizes of (N, 4) boxes, px; None where there is no box with an area."""
    sides = boxes_xyxy.reshape(-1, 4)[:, 2:] - boxes_xyxy.reshape(-1, 4)[:, :2]
    sides = sides[(sides > 0).all(axis=1)]
    if len(sides) == 0:
        return None
    small, large = np.quantile(np.sqrt(sides.prod(axis=1)), [_TAIL, 1 - _TAIL])
    low, middle, high = np.quantile(sides[:, 1] / sides[:, 0], [_TAIL, 0.5, 1 - _TAIL])
    return ObjectSizes(
        small_px=round(float(small), 2),
        large_px=round(float(large), 2),
        aspects=(round(float(low), 3), round(float(middle), 3), round(float(high), 3)),
    )

"""How far two methods may be apart, per kind of label. One table, printed with every audit.

The limits are the same for pictures with lens distortion, depth of field and motion blur: labels
are those of a sharp picture. What the second method cannot see is left out and counted instead:
hair, point clouds and volumes, what a shader makes transparent, and all that lies behind them;
and pixels at which two surfaces lie closer together than float32 can tell.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["LIMITS", "SAME_DEPTH", "Limit"]

SAME_DEPTH = 2e-6
"""Share of the distance within which two surfaces are one: a few steps of float32."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """When two values agree, and how many of them must.

    Attributes:
        unit: IoU has to reach ``value``; every other difference must not exceed it.
        slack_px: Masks, or what comes from them, that differ in so few pixels agree anyway.
        share: Of all values, and of each frame's where they are pixels, that must agree.
        mean: IoU that must be reached on average.
    """

    unit: Literal["IoU", "px", "degrees", "mm", "fraction", "differs"]
    value: float
    slack_px: int = 0
    share: float = 1.0
    mean: float | None = None

    def __str__(self) -> str:
        """As a person reads it."""
        sign = "≥" if self.unit == "IoU" else "≤"
        text = "equal" if self.unit == "differs" else f"{sign} {self.value:g} {self.unit}"
        if self.slack_px:
            text += f" or ≤ {self.slack_px} px"
        if self.share < 1:
            text += f" on {100 * self.share:g} %"
        if self.mean is not None:
            text += f", mean {sign} {self.mean:g}"
        return text


_EQUAL = Limit(unit="differs", value=0)
_EQUAL_PIXELS = Limit(unit="differs", value=0, share=0.999)
_SILHOUETTE = Limit(unit="IoU", value=0.97, slack_px=3, mean=0.995)
_SHARE_OF_SILHOUETTE = Limit(unit="fraction", value=0.01, slack_px=3)
_PLACE = Limit(unit="px", value=0.5)

LIMITS: dict[str, Limit] = {
    "instances": _EQUAL,
    "categories": _EQUAL,
    "tracks": _EQUAL,
    "masks": _SILHOUETTE,
    "boxes": _PLACE,
    "areas": _PLACE,
    "crowds": _EQUAL,
    "amodal_masks": _SILHOUETTE,
    "amodal_boxes": Limit(unit="px", value=1.0),
    "visible_fractions": _SHARE_OF_SILHOUETTE,
    "truncations": _SHARE_OF_SILHOUETTE,
    "keypoints": _PLACE,
    "keypoint_visibility": Limit(unit="differs", value=0, share=0.995),
    "poses": _PLACE,
    "rotations": Limit(unit="degrees", value=0.1),
    "translations": Limit(unit="mm", value=1.0),
    "boxes_3d": _PLACE,
    "models": Limit(unit="mm", value=0.1),
    "ids": _EQUAL_PIXELS,
    "semantic": _EQUAL_PIXELS,
    "depth": Limit(unit="mm", value=1.0, share=0.999),
    "normals": Limit(unit="degrees", value=1.0, share=0.999),
    "flow": Limit(unit="px", value=0.5, share=0.999),
}

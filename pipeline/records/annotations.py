"""What is known of the objects in one frame, in memory and in its frame record."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from pipeline.geometry.masks import Rle

__all__ = ["FrameRecord", "InstanceLabel"]


class InstanceLabel(BaseModel):
    """The visible part of one object.

    Attributes:
        box_xyxy: Tight box of the visible pixels, px.
        area_px: Visible pixels.
        iscrowd: Too little of it to count (``labels.min_visible_px`` in the spec).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    instance_id: int
    category: str
    box_xyxy: tuple[float, float, float, float]
    area_px: int
    rle: Rle
    iscrowd: bool


class FrameRecord(BaseModel):
    """``frames/000017.json``: written last; a frame with a record is done.

    Attributes:
        scene: The sampled scene, with its family's own fields.
        labels: Visible instances by ``instance_id``.
        image: Path of the picture inside the dataset.
        files: SHA-256 of the frame's files by path inside the dataset.
        seconds: Wall time by stage (build, render, labels, write) and ``cpu``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    scene: dict[str, object]
    labels: tuple[InstanceLabel, ...]
    image: str
    image_hw: tuple[int, int]
    files: dict[str, str]
    seconds: dict[str, float]

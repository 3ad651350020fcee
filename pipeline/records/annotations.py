"""What is known of the objects in one frame, in memory and in its frame record."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from pipeline.geometry.camera import Matrix4
from pipeline.geometry.masks import Rle

__all__ = ["Box", "FrameRecord", "InstanceLabel", "KeypointLabel"]

Box = tuple[float, float, float, float]
KeypointLabel = tuple[float, float, int]


class InstanceLabel(BaseModel):
    """One object of which at least a pixel is visible; optional kinds are None where off.

    Attributes:
        box_xyxy: Tight box of the visible pixels, px.
        area_px: Visible pixels.
        rle: The visible pixels.
        iscrowd: Too little of it to count (``labels.min_visible_*`` in the spec).
        visible_fraction: Visible pixels over those of the whole silhouette, which may go on
            outside the picture (BOP's ``visib_fract``).
        truncation: Share of the whole silhouette that lies outside the picture.
        amodal_box_xyxy: Tight box of the whole silhouette, px; may leave the picture.
        amodal_rle: The silhouette inside the picture, hidden parts included.
        keypoints: x, y [px] and visibility (0 outside the picture, 1 hidden, 2 visible) each.
        cam_from_obj: 6D pose, metres.
        box_3d_m: Smallest and largest x, y, z of the surface in the object's frame.
        model: Name of the object's surface in ``models/``.
        track_id: The same object's in all pictures of a sequence, from 1 in each.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    instance_id: int
    category: str
    box_xyxy: Box
    area_px: int
    rle: Rle
    iscrowd: bool
    visible_fraction: float | None = None
    truncation: float | None = None
    amodal_box_xyxy: Box | None = None
    amodal_rle: Rle | None = None
    keypoints: tuple[KeypointLabel, ...] | None = None
    cam_from_obj: Matrix4 | None = None
    box_3d_m: tuple[float, float, float, float, float, float] | None = None
    model: str | None = None
    track_id: int | None = None


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

"""Labelled pictures in memory: what every format that we read or write is turned into."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from pycocotools.cocoeval import Params

from pipeline.errors import DatasetError
from pipeline.formats.ply import scale_ply
from pipeline.geometry.boxes import FloatArray
from pipeline.geometry.camera import Distortion, Matrix3, Matrix4
from pipeline.geometry.masks import Rle
from pipeline.records.annotations import Box, KeypointLabel
from pipeline.records.passes import NO_DEPTH_M
from pipeline.records.scene import Vector3

__all__ = [
    "OTHER_SIGMA",
    "Category",
    "CocoDataset",
    "CocoImage",
    "CocoInstance",
    "DepthFile",
    "ModelFile",
    "Video",
]

OTHER_SIGMA = 0.05
"""Of keypoints that neither their file nor COCO's persons have one for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    """A class of objects, as in the file.

    Attributes:
        keypoints: Their names, in the order of the annotations; empty where there are none.
        skeleton: Pairs of positions in ``keypoints``, from 0.
        sigmas: Per keypoint, of COCO's OKS; empty where the file has none.
        points_m: Per keypoint, its place in the object's frame; empty where the file has none.
    """

    category_id: int
    name: str
    supercategory: str | None = None
    keypoints: tuple[str, ...] = ()
    skeleton: tuple[tuple[int, int], ...] = ()
    sigmas: tuple[float, ...] = ()
    points_m: tuple[Vector3, ...] = ()

    @property
    def oks_sigmas(self) -> tuple[float, ...]:
        """``sigmas``; where the file has none COCO's for persons of 17 keypoints, else 0.05."""
        persons = tuple(Params(iouType="keypoints").kpt_oks_sigmas.tolist())
        if not self.sigmas and self.name == "person" and len(self.keypoints) == len(persons):
            return persons
        return self.sigmas or (OTHER_SIGMA,) * len(self.keypoints)


@dataclass(frozen=True, slots=True, kw_only=True)
class DepthFile:
    """A depth pass on disk.

    Attributes:
        path: ``.npy`` of floats, or a 16-bit PNG in which 0 is nothing.
        unit_m: Metres in one unit of the file.
    """

    path: Path
    unit_m: float = 1.0

    def read_m(self) -> npt.NDArray[np.float32]:
        """(H, W) metres along the camera's z, ``NO_DEPTH_M`` where nothing is.

        Raises:
            DatasetError: If the file cannot be read.
        """
        try:
            if self.path.suffix == ".npy":
                return np.asarray(np.load(self.path, allow_pickle=False), dtype=np.float32)
            counts = cv2.imread(str(self.path), cv2.IMREAD_UNCHANGED)
        except (OSError, ValueError) as error:
            raise DatasetError(f"{self.path}: not a depth pass; restore or remove it.") from error
        if counts is None or counts.ndim != 2:
            raise DatasetError(f"{self.path}: not a depth pass; restore or remove it.")
        return np.where(counts > 0, counts * np.float32(self.unit_m), np.float32(NO_DEPTH_M))


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFile:
    """An object's surface on disk.

    Attributes:
        path: A PLY file.
        unit_m: Metres in one unit of the file.
        info: BOP's facts about it, in BOP's keys and mm (``symmetries_discrete``, ...).
    """

    path: Path
    unit_m: float = 1.0
    info: Mapping[str, object] = field(default_factory=dict)

    def content(self, *, unit_m: float) -> bytes:
        """The file, its vertices in another unit.

        Raises:
            DatasetError: If it is missing or no PLY file.
        """
        try:
            content = self.path.read_bytes()
            return content if unit_m == self.unit_m else scale_ply(content, self.unit_m / unit_m)
        except (OSError, ValueError) as error:
            raise DatasetError(f"{self.path}: {error}; restore the model or remove it.") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Video:
    """A sequence; the file's ``videos`` list."""

    video_id: int
    name: str
    fps: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CocoImage:
    """An image entry; ``path`` is where its file is.

    Attributes:
        video_id: The sequence it belongs to.
        frame_index: Its number in the sequence, from 0.
        K: 3 x 3 intrinsics, px, pixel (0, 0) centred at (0.5, 0.5).
        dist: Brown-Conrady k1, k2, p1, p2, k3.
        cam_from_world: 4 x 4, metres, OpenCV axes.
        depth: The depth pass, where there is one.
    """

    image_id: int
    file_name: str
    path: Path
    width: int
    height: int
    video_id: int | None = None
    frame_index: int | None = None
    K: Matrix3 | None = None
    dist: Distortion | None = None
    cam_from_world: Matrix4 | None = None
    depth: DepthFile | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CocoInstance:
    """An annotation; what the file does not say is None.

    Attributes:
        area_px: Of the mask; of the box in sets that have boxes only.
        rle: The visible pixels.
        visible_fraction: Visible pixels over those of the whole silhouette.
        truncation: Share of the whole silhouette outside the picture.
        amodal_box_xyxy: Of the whole silhouette, px; may leave the picture.
        amodal_rle: The silhouette inside the picture, hidden parts included.
        keypoints: x, y [px, pixel (0, 0) centred at (0.5, 0.5)] and COCO visibility each.
        cam_from_obj: 6D pose, metres.
        box_3d_m: Smallest and largest x, y, z in the object's frame.
        model: Name of the object's surface in the dataset's ``models``.
        track_id: The same object's in all pictures of a sequence.
    """

    annotation_id: int
    image_id: int
    category_id: int
    box_xyxy: Box
    area_px: float
    rle: Rle | None
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


@dataclass(frozen=True, slots=True, kw_only=True)
class CocoDataset:
    """Labelled pictures, every claim checked.

    Attributes:
        annotations_path: The file (of other formats: the folder) that was read.
        images_dir: The folder that ``file_name`` is relative to.
        instances: By image id, in file order; images without objects have an empty tuple.
        videos: Empty where the pictures are no sequences.
        models: By name.
    """

    annotations_path: Path
    images_dir: Path
    categories: tuple[Category, ...]
    images: tuple[CocoImage, ...]
    instances: Mapping[int, tuple[CocoInstance, ...]]
    videos: tuple[Video, ...] = ()
    models: Mapping[str, ModelFile] = field(default_factory=dict)

    @property
    def has_masks(self) -> bool:
        """Whether every annotation carries a mask."""
        return all(i.rle is not None for group in self.instances.values() for i in group)

    def boxes_xyxy(self, image_id: int) -> FloatArray:
        """(N, 4) boxes of one image in px, crowds included."""
        group = self.instances[image_id]
        return np.array([i.box_xyxy for i in group], dtype=np.float64).reshape(-1, 4)

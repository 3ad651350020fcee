"""A dataset's labels as any client would read them: plain JSON, PNG and npy files."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from pycocotools import mask as coco_mask

from blender_scenes.audit.job import FrameLabels
from pipeline.errors import DatasetError

__all__ = [
    "FrameFiles",
    "Instance",
    "decoded",
    "instance_id_of",
    "read_labels",
]

_INSTANCES_PER_IMAGE = 32768  # docs/formats.md: annotation id = image id * 32768 + instance id


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """One annotation beside what was put into the scene.

    Attributes:
        name: For messages.
        sampled: The instance's entry in the sampled scene.
        image: The image's entry in ``instances.json``.
    """

    name: str
    annotation: dict[str, Any]
    sampled: dict[str, Any]
    image: dict[str, Any]


def read_labels(path: Path, frames: Iterable[int]) -> list[FrameLabels]:
    """The labels of some frames.

    Raises:
        DatasetError: If the file is no COCO file.
    """
    try:
        coco = json.loads(path.read_bytes())
        images = {entry["id"]: entry for entry in coco["images"]}
        annotations = defaultdict(list)
        for entry in coco["annotations"]:
            annotations[entry["image_id"]].append(entry)
        categories = {entry["id"]: entry["name"] for entry in coco["categories"]}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DatasetError(
            f"{path}: not a COCO file ({type(error).__name__}: {error}); run `blendgap render` "
            "again to write it anew."
        ) from error
    return [
        FrameLabels(
            frame=frame,
            image=images.get(frame + 1),
            annotations=tuple(annotations[frame + 1]),
            categories=categories,
        )
        for frame in frames
    ]


def instance_id_of(annotation: dict[str, Any]) -> int:
    """Which of the scene's instances an annotation is about."""
    return int(annotation["id"]) % _INSTANCES_PER_IMAGE


def decoded(rle: dict[str, Any]) -> npt.NDArray[np.bool_]:
    """(H, W) mask."""
    return np.asarray(coco_mask.decode(rle), dtype=bool)


class FrameFiles:
    """The other files of one frame."""

    def __init__(self, folder: Path, frame: int) -> None:
        self._folder = folder
        self._frame = frame

    def scene(self, *, later: int = 0) -> dict[str, Any] | None:
        """The sampled scene of the frame, or of one after it; None if there is no such frame."""
        path = self._folder / "frames" / f"{self._frame + later:06d}.json"
        if not path.is_file():
            return None
        scene: dict[str, Any] = json.loads(path.read_bytes())["scene"]
        return scene

    def png(self, kind: str) -> npt.NDArray[np.int64] | None:
        """(H, W) values of a pass; None where it was not written."""
        path = self._folder / "passes" / f"{self._frame:06d}.{kind}.png"
        picture = cv2.imread(str(path), cv2.IMREAD_UNCHANGED) if path.is_file() else None
        return None if picture is None else picture.astype(np.int64)

    def model(self, name: str) -> npt.NDArray[np.float64]:
        """(N, 3) vertices of a binary PLY file with x, y, z as float32, metres."""
        content = (self._folder / "models" / f"{name}.ply").read_bytes()
        header, _, body = content.partition(b"end_header\n")
        count = int(header.partition(b"element vertex ")[2].split()[0])
        return np.frombuffer(body, "<f4", 3 * count).reshape(-1, 3).astype(np.float64)

    def npy(self, kind: str) -> npt.NDArray[np.float64] | None:
        """Values of a pass; None where it was not written."""
        path = self._folder / "passes" / f"{self._frame:06d}.{kind}.npy"
        return np.load(path).astype(np.float64) if path.is_file() else None

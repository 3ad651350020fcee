"""Entries of the COCO file, each from one frame's record."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.dataset.manifest import Manifest
from pipeline.geometry.camera import Camera, cam_from_world, opencv_intrinsics
from pipeline.records.annotations import Box, FrameRecord, InstanceLabel
from pipeline.records.keypoints import KeypointLayout
from pipeline.specs.scene import SceneSpec

__all__ = [
    "Entry",
    "annotation_entries",
    "annotation_id",
    "head_entries",
    "image_entry",
    "image_id",
]

Entry = dict[str, Any]

_INSTANCES_PER_FRAME = 2**15  # pass_index is a 16-bit signed integer


def image_id(frame: int) -> int:
    """COCO image id of a frame: ids start at 1."""
    return frame + 1


def annotation_id(frame: int, instance_id: int) -> int:
    """COCO annotation id, from frame and instance alone: a resumed run gives the same ones."""
    return image_id(frame) * _INSTANCES_PER_FRAME + instance_id


def head_entries(manifest: Manifest) -> Entry:
    """Everything but images and annotations."""
    return {
        "info": {
            "description": f"blendgap scene '{manifest.spec.scene}', seed {manifest.spec.seed}",
            "version": manifest.versions["blendgap"],
        },
        "licenses": [],
        "categories": [
            {"id": i, "name": name, "supercategory": manifest.spec.scene}
            | _keypoint_entries(manifest.keypoints.get(name))
            for i, name in enumerate(manifest.categories, start=1)
        ],
        "videos": _video_entries(manifest.spec),
    }


def image_entry(frame: int, record: FrameRecord, spec: SceneSpec) -> Entry:
    """The picture of a frame."""
    height, width = record.image_hw
    entry: Entry = {
        "id": image_id(frame),
        "file_name": Path(record.image).name,
        "width": width,
        "height": height,
    }
    if spec.sequence is not None:
        index, frame_index = divmod(frame, spec.sequence.frames)
        entry |= {"video_id": index + 1, "frame_index": frame_index}
    if spec.labels.poses:
        camera = Camera.model_validate(record.scene["camera"])
        view = cam_from_world(camera)
        entry |= {
            "cam_K": opencv_intrinsics(camera),
            "dist_coeffs": list(camera.dist),
            "cam_R_w2c": view[:3, :3].ravel().tolist(),
            "cam_t_w2c": (1000 * view[:3, 3]).tolist(),  # BOP: millimetres
        }
    return entry


def annotation_entries(frame: int, record: FrameRecord, manifest: Manifest) -> list[Entry]:
    """The labels of a frame, by ascending id."""
    category_ids = {name: i for i, name in enumerate(manifest.categories, start=1)}
    return [_annotation_entry(frame, label, category_ids) for label in record.labels]


def _annotation_entry(frame: int, label: InstanceLabel, category_ids: dict[str, int]) -> Entry:
    entry: Entry = {
        "id": annotation_id(frame, label.instance_id),
        "image_id": image_id(frame),
        "category_id": category_ids[label.category],
        "bbox": _bbox(label.box_xyxy),
        "area": label.area_px,  # COCO: the mask's area, not w * h
        "segmentation": label.rle,
        "iscrowd": int(label.iscrowd),
    }
    if label.amodal_box_xyxy is not None:
        entry |= {
            "visible_fraction": label.visible_fraction,
            "truncation": label.truncation,
            "amodal_bbox": _bbox(label.amodal_box_xyxy),
            "amodal_segmentation": label.amodal_rle,
        }
    if label.keypoints is not None:
        entry |= {
            # COCO's keypoints have pixel centres at whole numbers.
            "keypoints": [
                value
                for x, y, v in label.keypoints
                for value in ((x - 0.5, y - 0.5, v) if v else (0, 0, 0))
            ],
            "num_keypoints": sum(v > 0 for _, _, v in label.keypoints),
        }
    if label.cam_from_obj is not None and label.box_3d_m is not None:
        pose = np.array(label.cam_from_obj)
        entry |= {
            "cam_R_m2c": pose[:3, :3].ravel().tolist(),
            "cam_t_m2c": (1000 * pose[:3, 3]).tolist(),  # BOP: millimetres
            "bbox_3d": [1000 * value for value in label.box_3d_m],
        }
    if label.model is not None:
        entry["model"] = label.model
    if label.track_id is not None:
        entry["track_id"] = label.track_id
    return entry


def _keypoint_entries(layout: KeypointLayout | None) -> Entry:
    if layout is None:
        return {}
    return {
        "keypoints": list(layout.names),
        "skeleton": [[start + 1, end + 1] for start, end in layout.skeleton],
        "sigmas": list(layout.sigmas),
    }


def _video_entries(spec: SceneSpec) -> list[Entry]:
    if spec.sequence is None:
        return []
    count = math.ceil(spec.frames / spec.sequence.frames)
    return [{"id": i, "name": f"{i:06d}", "fps": spec.sequence.fps} for i in range(1, count + 1)]


def _bbox(box_xyxy: Box) -> list[float]:
    x0, y0, x1, y1 = box_xyxy
    return [x0, y0, x1 - x0, y1 - y0]

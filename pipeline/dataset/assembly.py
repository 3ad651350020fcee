"""From frame records to the COCO file, the manifest and the card."""

from __future__ import annotations

import json
import math
import os
import shutil
import tempfile
from collections import Counter
from pathlib import Path
from typing import IO, Any

import numpy as np

from pipeline.dataset.card import card_text
from pipeline.dataset.frames import read_record
from pipeline.dataset.layout import DatasetLayout
from pipeline.dataset.manifest import Manifest, write_manifest
from pipeline.formats.storage import write_text_atomic
from pipeline.geometry.camera import Camera, opencv_intrinsics
from pipeline.records.annotations import Box, FrameRecord, InstanceLabel
from pipeline.records.keypoints import KeypointLayout
from pipeline.records.predictions import sha256_of
from pipeline.specs.scene import SceneSpec

__all__ = ["annotation_id", "assemble", "image_id"]

_INSTANCES_PER_FRAME = 2**15  # pass_index is a 16-bit signed integer


def image_id(frame: int) -> int:
    """COCO image id of a frame: ids start at 1."""
    return frame + 1


def annotation_id(frame: int, instance_id: int) -> int:
    """COCO annotation id, from frame and instance alone: a resumed run gives the same ones."""
    return image_id(frame) * _INSTANCES_PER_FRAME + instance_id


def assemble(folder: Path, manifest: Manifest, *, wall_seconds: float) -> Manifest:
    """Write instances.json, manifest.json and card.md from the frame records.

    Reads one record at a time, so memory does not grow with the dataset.

    Args:
        folder: The dataset.
        manifest: As at the start of the run, with quarantined frames filled in.
        wall_seconds: Of this run, or of all runs so far.

    Returns:
        The finished manifest.

    Raises:
        DatasetError: If a frame that is not quarantined has no readable record.
    """
    layout = DatasetLayout(folder)
    category_ids = {name: i for i, name in enumerate(manifest.categories, start=1)}
    counts: Counter[str] = Counter()
    seconds: Counter[str] = Counter()
    files: dict[str, str] = {}
    temporary = layout.annotations.with_name(f".instances.json.{os.getpid()}.tmp")
    try:
        with temporary.open("w", encoding="utf-8") as out, _spool(folder) as annotations:
            out.write(_head(manifest))
            for frame in range(manifest.spec.frames):
                if frame in manifest.quarantined:
                    continue
                record = read_record(layout, frame)
                out.write(",\n" if counts["frames"] else "\n")
                out.write(json.dumps(_image_entry(frame, record, manifest.spec)))
                for label in record.labels:
                    entry = _annotation_entry(frame, label, category_ids)
                    annotations.write(",\n" if counts["instances"] else "\n")
                    annotations.write(json.dumps(entry))
                    counts["instances"] += 1
                    counts["crowds"] += entry["iscrowd"]
                counts["frames"] += 1
                seconds.update(record.seconds)
                files |= record.files
            out.write('\n],\n"annotations": [')
            annotations.seek(0)
            shutil.copyfileobj(annotations, out)
            out.write("\n]}\n")
            out.flush()
            os.fsync(out.fileno())
        temporary.replace(layout.annotations)
    finally:
        temporary.unlink(missing_ok=True)
    finished = manifest.model_copy(
        update={
            "complete": True,
            "counts": {
                **{key: counts[key] for key in ("frames", "instances", "crowds")},
                "quarantined": len(manifest.quarantined),
            },
            "seconds": {"wall": round(wall_seconds, 3)}
            | {key: round(value, 3) for key, value in sorted(seconds.items())},
            "files": files | {layout.relative(layout.annotations): sha256_of(layout.annotations)},
        }
    )
    write_text_atomic(layout.card, card_text(folder, finished))
    write_manifest(folder, finished)
    return finished


def _spool(folder: Path) -> IO[str]:
    return tempfile.TemporaryFile("w+", encoding="utf-8", dir=folder)


def _head(manifest: Manifest) -> str:
    categories = [
        {"id": i, "name": name, "supercategory": manifest.spec.scene}
        | _keypoint_entries(manifest.keypoints.get(name))
        for i, name in enumerate(manifest.categories, start=1)
    ]
    info = {
        "description": f"blendgap scene '{manifest.spec.scene}', seed {manifest.spec.seed}",
        "version": manifest.versions["blendgap"],
    }
    return (
        f'{{"info": {json.dumps(info)},\n"licenses": [],\n'
        f'"categories": {json.dumps(categories)},\n'
        f'"videos": {json.dumps(_video_entries(manifest))},\n"images": ['
    )


def _keypoint_entries(layout: KeypointLayout | None) -> dict[str, Any]:
    if layout is None:
        return {}
    return {
        "keypoints": list(layout.names),
        "skeleton": [[start + 1, end + 1] for start, end in layout.skeleton],
        "sigmas": list(layout.sigmas),
    }


def _video_entries(manifest: Manifest) -> list[dict[str, Any]]:
    sequence = manifest.spec.sequence
    if sequence is None:
        return []
    count = math.ceil(manifest.spec.frames / sequence.frames)
    return [{"id": i, "name": f"{i:06d}", "fps": sequence.fps} for i in range(1, count + 1)]


def _image_entry(frame: int, record: FrameRecord, spec: SceneSpec) -> dict[str, Any]:
    height, width = record.image_hw
    entry: dict[str, Any] = {
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
        entry |= {"cam_K": opencv_intrinsics(camera), "dist_coeffs": list(camera.dist)}
    return entry


def _annotation_entry(
    frame: int, label: InstanceLabel, category_ids: dict[str, int]
) -> dict[str, Any]:
    entry = {
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


def _bbox(box_xyxy: Box) -> list[float]:
    x0, y0, x1, y1 = box_xyxy
    return [x0, y0, x1 - x0, y1 - y0]

"""COCO files and folders, written from records with every optional key that is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pipeline.dataset.instances import open_instances
from pipeline.formats.claims import Entry
from pipeline.formats.coco import safe_path
from pipeline.formats.conventions import bop_from_pose, opencv_from_intrinsics
from pipeline.formats.export import Export, npy_bytes, place_file, write_file
from pipeline.formats.labelled import Category, CocoDataset, CocoImage, CocoInstance, Video
from pipeline.formats.storage import write_json_atomic
from pipeline.geometry.boxes import xywh_from_xyxy
from pipeline.records.annotations import Box

__all__ = ["annotation_entry", "category_entry", "image_entry", "video_entry", "write_coco"]


def write_coco(export: Export, folder: Path) -> None:
    """Write ``images/``, ``annotations/``, and where there are some ``passes/`` and ``models/``.

    A split goes to ``annotations/instances_{split}.json``, what has no split to
    ``annotations/instances.json``. A picture keeps its name; one of another split with the same
    name goes into a folder named after its split.
    """
    (folder / "annotations").mkdir()
    for split, dataset in export.splits.items():
        name = f"instances_{split}.json" if split else "instances.json"
        head: Entry = {
            "info": {"description": "exported by blendgap"},
            "licenses": [],
            "categories": [category_entry(category) for category in dataset.categories],
            "videos": [video_entry(video) for video in dataset.videos],
        }
        with open_instances(folder / "annotations" / name, head) as out:
            for image, instances in export.pictures(dataset):
                entry = image_entry(image)
                entry["file_name"] = _place_picture(image, folder, split or "")
                out.add(entry, [annotation_entry(instance) for instance in instances])
        _write_models(dataset, folder / "models")


def _place_picture(image: CocoImage, folder: Path, split: str) -> str:
    name = image.file_name
    there = folder / "images" / name
    if (
        there.exists()
        and not there.samefile(image.path)
        and (there.read_bytes() != image.path.read_bytes())
    ):
        name = f"{split}/{name}"
    place_file(image.path, safe_path(folder / "images", name, source=image.path))
    if image.depth is not None:
        target = folder / "passes" / Path(name).with_suffix(".depth.npy")
        if image.depth.path.suffix == ".npy" and image.depth.unit_m == 1:
            place_file(image.depth.path, target)
        else:
            write_file(target, npy_bytes(image.depth.read_m()))
    return name


def _write_models(dataset: CocoDataset, folder: Path) -> None:
    for name, model in dataset.models.items():
        target = folder / f"{name}.ply"
        if model.unit_m == 1:
            place_file(model.path, target)
        else:
            write_file(target, model.content(unit_m=1))
    facts = {name: dict(model.info) for name, model in dataset.models.items() if model.info}
    if facts:
        write_json_atomic(folder / "models_info.json", facts)


def category_entry(category: Category) -> Entry:
    """An entry of ``categories``."""
    entry: Entry = {"id": category.category_id, "name": category.name}
    if category.supercategory is not None:
        entry["supercategory"] = category.supercategory
    if category.keypoints:
        entry |= {
            "keypoints": list(category.keypoints),
            "skeleton": [[start + 1, end + 1] for start, end in category.skeleton],
        }
    if category.sigmas:
        entry["sigmas"] = list(category.sigmas)
    if category.points_m:
        entry["keypoints_3d"] = [1000 * value for point in category.points_m for value in point]
    return entry


def video_entry(video: Video) -> Entry:
    """An entry of ``videos``."""
    return _known({"id": video.video_id, "name": video.name, "fps": video.fps})


def image_entry(image: CocoImage) -> Entry:
    """An entry of ``images``."""
    entry: Entry = {
        "id": image.image_id,
        "file_name": image.file_name,
        "width": image.width,
        "height": image.height,
        "video_id": image.video_id,
        "frame_index": image.frame_index,
        "cam_K": None if image.K is None else opencv_from_intrinsics(image.K),
        "dist_coeffs": None if image.dist is None else list(image.dist),
    }
    if image.cam_from_world is not None:
        entry["cam_R_w2c"], entry["cam_t_w2c"] = bop_from_pose(image.cam_from_world)
    return _known(entry)


def annotation_entry(instance: CocoInstance) -> Entry:
    """An entry of ``annotations``."""
    entry: Entry = {
        "id": instance.annotation_id,
        "image_id": instance.image_id,
        "category_id": instance.category_id,
        "bbox": _bbox(instance.box_xyxy),
        "area": _plain(instance.area_px),
        "segmentation": instance.rle,
        "iscrowd": int(instance.iscrowd),
        "visible_fraction": instance.visible_fraction,
        "truncation": instance.truncation,
        "amodal_segmentation": instance.amodal_rle,
        "model": instance.model,
        "track_id": instance.track_id,
    }
    if instance.amodal_box_xyxy is not None:
        entry["amodal_bbox"] = _bbox(instance.amodal_box_xyxy)
    if instance.keypoints is not None:
        entry |= {
            # COCO's keypoints have pixel centres at whole numbers.
            "keypoints": [
                value
                for x, y, v in instance.keypoints
                for value in ((x - 0.5, y - 0.5, v) if v else (0, 0, 0))
            ],
            "num_keypoints": sum(v > 0 for _, _, v in instance.keypoints),
        }
    if instance.cam_from_obj is not None:
        entry["cam_R_m2c"], entry["cam_t_m2c"] = bop_from_pose(instance.cam_from_obj)
    if instance.box_3d_m is not None:
        entry["bbox_3d"] = [1000 * value for value in instance.box_3d_m]
    return _known(entry)


def _known(entry: Entry) -> Entry:
    return {key: value for key, value in entry.items() if value is not None}


def _bbox(box_xyxy: Box) -> list[float]:
    return [_plain(value) for value in xywh_from_xyxy(np.array(box_xyxy)).tolist()]


def _plain(value: float) -> float:
    # Whole numbers are written as such: files are smaller, and read by people.
    return int(value) if float(value).is_integer() else value

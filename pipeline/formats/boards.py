"""Calibrated pictures of a checkerboard: ``poses.json`` beside a COCO file.

``{"cameras": {name: {"K": 3 x 3, "dist_k1k2p1p2k3": 5, "pattern_inner_corners": [columns, rows],
"square_size"?}}, "images": {file_name: {"camera", "R": 3 x 3, "t": 3}}}``, as OpenCV's calibration
has them: pixel centres at integers, lengths in units of ``square_size``, by default one square.
Corners are numbered row by row. One square counts as one metre where nobody knows its size.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import numpy as np

from pipeline.formats.claims import Claims, Entry, load_json
from pipeline.formats.conventions import intrinsics_from_opencv
from pipeline.formats.labelled import Category, CocoDataset, CocoImage, CocoInstance
from pipeline.geometry.camera import Distortion, Matrix4, matrix4
from pipeline.records.scene import Vector3

__all__ = ["BOARDS_FILE", "with_boards"]

BOARDS_FILE = "poses.json"


def with_boards(dataset: CocoDataset) -> CocoDataset:
    """A dataset with the cameras, poses and corners of the file beside it, if there is one.

    Poses are given to the only object of a picture; pictures without labels get none.

    Raises:
        DatasetError: Naming the entry that is wrong.
    """
    path = dataset.annotations_path.parent / BOARDS_FILE
    if not path.is_file():
        return dataset
    document, at = load_json(path), Claims(path)
    cameras, pictures = at.entry(document, "cameras"), at.entry(document, "images")
    pattern: tuple[Vector3, ...] = ()
    images: list[CocoImage] = []
    instances = dict(dataset.instances)
    for image in dataset.images:
        what = f"image {image.file_name!r}"
        entry = at.entry(pictures, image.file_name)
        camera = at.entry(cameras, at.text(entry, "camera"))
        pattern = pattern or _corners(at, camera, what)
        dist = at.numbers(camera, "dist_k1k2p1p2k3", what, count=5)
        images.append(
            replace(
                image,
                K=intrinsics_from_opencv(_flat(at, camera, "K", what)),
                dist=cast(Distortion, dist),
            )
        )
        if len(group := instances[image.image_id]) == 1:
            instances[image.image_id] = (_posed(group[0], _pose(at, entry, what)),)
    return replace(
        dataset,
        images=tuple(images),
        instances=instances,
        categories=tuple(_with_points(category, pattern) for category in dataset.categories),
    )


def _corners(at: Claims, camera: Entry, what: str) -> tuple[Vector3, ...]:
    columns, rows = (int(n) for n in at.numbers(camera, "pattern_inner_corners", what, count=2))
    size = float(camera.get("square_size", 1.0))
    return tuple((x * size, y * size, 0.0) for y in range(rows) for x in range(columns))


def _with_points(category: Category, pattern: tuple[Vector3, ...]) -> Category:
    fits = len(category.keypoints) == len(pattern) and not category.points_m
    return replace(category, points_m=pattern) if fits else category


def _posed(instance: CocoInstance, pose: Matrix4) -> CocoInstance:
    return instance if instance.cam_from_obj else replace(instance, cam_from_obj=pose)


def _pose(at: Claims, entry: Entry, what: str) -> Matrix4:
    pose = np.eye(4)
    pose[:3, :3] = np.reshape(_flat(at, entry, "R", what), (3, 3))
    pose[:3, 3] = at.numbers(entry, "t", what, count=3)
    return matrix4(pose)


def _flat(at: Claims, entry: Entry, key: str, what: str) -> tuple[float, ...]:
    """The nine numbers of a 3 x 3 matrix that is written row by row."""
    rows: Any = entry.get(key)
    numbers = [n for row in rows for n in row] if _is_nested(rows) else rows
    return at.numbers({key: numbers}, key, what, count=9)


def _is_nested(rows: object) -> bool:
    return isinstance(rows, list) and all(isinstance(row, list) for row in rows)

"""The pictures to predict on, with the ids that the predictions must use."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.errors import DatasetError
from pipeline.formats.coco import find_annotations, read_coco
from pipeline.formats.imagefolder import find_class_folders, folder_sha256, read_image_folder
from pipeline.geometry.camera import Distortion, Matrix3
from pipeline.records.keypoints import RigidPoints
from pipeline.records.predictions import Task, sha256_of

__all__ = ["Picture", "PictureSet", "is_labelled", "list_pictures", "open_pictures"]

_SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One file, and what its COCO entry says; None where there is none.

    Attributes:
        scene_id: BOP's: the ``video_id``, else 0.
        K: Intrinsics, px.
        dist: Of the lens.
    """

    image_id: int
    path: Path
    image_hw: tuple[int, int] | None = None
    scene_id: int = 0
    K: Matrix3 | None = None
    dist: Distortion | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureSet:
    """What to predict on.

    Attributes:
        sha256: Of the annotation file or ImageFolder; of the file names where there are no labels.
        categories: Category id to name; empty for pictures without labels.
        keypoints: Names of the keypoints, by category that has some.
        rigid_points: Where they are on the object, by category of which that is known.
    """

    pictures: tuple[Picture, ...]
    categories: dict[int, str]
    sha256: str
    keypoints: dict[str, tuple[str, ...]] = field(default_factory=dict)
    rigid_points: dict[str, RigidPoints] = field(default_factory=dict)


def open_pictures(target: Path, *, task: Task, split: str | None = None) -> PictureSet:
    """Open a dataset, a benchmark, a folder of pictures or one picture; labels stay unread.

    Raises:
        DatasetError: If there is no such thing, or no picture in it.
    """
    if target.is_file():
        return _bare([target])
    if not target.is_dir():
        raise DatasetError(
            f"{target}: no such file or folder; expected a dataset, a benchmark or pictures."
        )
    labelled = is_labelled(target, task=task)
    if task == "classification" and labelled:
        return _image_folder(find_class_folders(target, split))
    if task != "classification" and (split or labelled):
        return _coco(find_annotations(target, split))
    return _bare(list_pictures(target))


def list_pictures(folder: Path) -> tuple[Path, ...]:
    """Picture files of a folder, by name.

    Raises:
        DatasetError: If there is no such folder, or no picture in it.
    """
    paths = folder.iterdir() if folder.is_dir() else ()
    found = sorted(path for path in paths if path.suffix.lower() in _SUFFIXES)
    if not found:
        raise DatasetError(f"{folder}: no pictures; expected at least one.")
    return tuple(found)


def is_labelled(folder: Path, *, task: Task) -> bool:
    """Whether a folder is a dataset or benchmark, not merely pictures."""
    if task == "classification":
        return any(path.is_dir() for path in folder.iterdir())
    return any(any(parent.glob("instances*.json")) for parent in (folder, folder / "annotations"))


def _coco(annotations: Path) -> PictureSet:
    dataset = read_coco(annotations, labels=False)
    if not dataset.images:
        raise DatasetError(f"{annotations}: no images; expected at least one to predict on.")
    return PictureSet(
        pictures=tuple(
            Picture(
                image_id=image.image_id,
                path=image.path,
                image_hw=(image.height, image.width),
                scene_id=image.video_id or 0,
                K=image.K,
                dist=image.dist,
            )
            for image in dataset.images
        ),
        categories={category.category_id: category.name for category in dataset.categories},
        sha256=sha256_of(annotations),
        keypoints={c.name: c.keypoints for c in dataset.categories if c.keypoints},
        rigid_points={
            c.name: RigidPoints(points_m=c.points_m) for c in dataset.categories if c.points_m
        },
    )


def _image_folder(folder: Path) -> PictureSet:
    dataset = read_image_folder(folder)
    pictures = (Picture(image_id=image.image_id, path=image.path) for image in dataset.images)
    return PictureSet(
        pictures=tuple(pictures), categories=dataset.categories, sha256=folder_sha256(folder)
    )


def _bare(paths: Sequence[Path]) -> PictureSet:
    names = "".join(f"{path.name}\n" for path in paths)
    return PictureSet(
        pictures=tuple(Picture(image_id=i, path=path) for i, path in enumerate(paths, start=1)),
        categories={},
        sha256=hashlib.sha256(names.encode()).hexdigest(),
    )

"""Objects cut out of a COCO dataset's pictures: one picture per object, one folder per class."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from pipeline.errors import DatasetError
from pipeline.formats.bitmaps import block_means, find_ink, normalise_character
from pipeline.formats.coco import CocoDataset, CocoImage, CocoInstance
from pipeline.formats.imagefolder import grey_of_ink
from pipeline.formats.storage import write_json_atomic
from pipeline.geometry.masks import mask_of_rle
from pipeline.progress import Progress, silent
from pipeline.records.predictions import sha256_of
from pipeline.specs.experiment import CropSpec

__all__ = ["crop_bitmap", "crop_square", "fill_with_crops", "whole_objects", "write_crops"]

Picture = npt.NDArray[np.uint8]
Box = tuple[float, float, float, float]

_MARKER = "crops.json"
# Antialiasing and the lens spread ink beyond its mask by up to two pixels.
_BLEED = np.ones((5, 5), np.uint8)


def write_crops(
    dataset: CocoDataset, out: Path, crops: CropSpec, *, progress: Progress = silent
) -> Path:
    """Write ``out/<class>/<image>_<annotation>.png`` for every whole object of a dataset.

    Crowds and objects that touch their picture's border are left out. ``out`` appears whole or
    not at all; where it already holds these very crops nothing is done.

    Args:
        dataset: Rendered or real.
        out: Becomes an ImageFolder, with ``crops.json`` beside its class folders.
        crops: How to cut.
        progress: Counts pictures.

    Returns:
        ``out``.

    Raises:
        DatasetError: If a class name cannot be a folder's name, a picture cannot be read or has
            another size than the COCO file says, no object is left, or ``out`` holds other files.
    """
    key = _key(dataset, crops)
    if out.exists():
        marker = out / _MARKER
        if marker.is_file() and f'"{key}"' in marker.read_text(encoding="utf-8"):
            return out
        raise DatasetError(f"{out}: holds something else; remove it or choose another folder.")
    part = out.with_name(f".{out.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    count = fill_with_crops(part, dataset, crops, progress=progress)
    write_json_atomic(
        part / _MARKER, {"key": key, "count": count, "crops": crops.model_dump(mode="json")}
    )
    part.replace(out)
    return out


def fill_with_crops(
    folder: Path, dataset: CocoDataset, crops: CropSpec, *, progress: Progress = silent
) -> int:
    """Write the class folders of :func:`write_crops` into a folder; returns how many crops.

    Raises:
        DatasetError: As :func:`write_crops` does.
    """
    folders = _class_folders(dataset)
    for name in folders.values():
        (folder / name).mkdir(parents=True)
    count = 0
    for done, image in enumerate(dataset.images, start=1):
        for instance, crop in _crops_of_image(dataset, image, crops):
            name = f"{Path(image.file_name).stem}_{instance.annotation_id}.png"
            encoded = cv2.imencode(".png", crop)[1]
            (folder / folders[instance.category_id] / name).write_bytes(encoded.tobytes())
            count += 1
        progress(done, len(dataset.images), f"{count} crops")
    if count == 0:
        raise DatasetError(f"{dataset.annotations_path}: no object lies whole inside its picture.")
    for name in folders.values():
        if not any((folder / name).iterdir()):
            (folder / name).rmdir()  # an ImageFolder has no empty classes
    return count


def whole_objects(dataset: CocoDataset, image: CocoImage) -> Iterator[CocoInstance]:
    """Objects of a picture that can be cut out: no crowds, none that touch its border."""
    for instance in dataset.instances[image.image_id]:
        x0, y0, x1, y1 = instance.box_xyxy
        inside = x0 > 0 and y0 > 0 and x1 < image.width and y1 < image.height
        if inside and not instance.iscrowd:
            yield instance


def crop_square(picture: Picture, box_xyxy: Box, crops: CropSpec) -> Picture:
    """Cut a square around a box and resize it.

    Args:
        picture: (H, W) or (H, W, 3); beyond its border its outermost pixels go on.
        box_xyxy: The object's box, px.
        crops: ``margin`` and ``size``.

    Returns:
        (size, size) or (size, size, 3).
    """
    window = _window(picture, box_xyxy, crops.margin)
    shrinks = len(window) > crops.size
    return np.asarray(
        cv2.resize(
            window,
            (crops.size, crops.size),
            interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR,
        ),
        dtype=np.uint8,
    )


def crop_bitmap(
    grey: Picture, ids: npt.NDArray[np.int32], box_xyxy: Box, crops: CropSpec, *, own_id: int
) -> Picture:
    """Turn one character into a small grey picture of its ink, as UCI's digits were made.

    Args:
        grey: (H, W).
        ids: (H, W) which object's mask a pixel is in, 0 for none.
        box_xyxy: The character's box, px.
        crops: ``bitmap``, ``margin`` and ``size``.
        own_id: The character's value in ``ids``; without a pixel there all ink is its own that
            is no other's.

    Returns:
        (size, size), 255 where a block is full of ink, whatever the ink's colour.
    """
    if crops.bitmap is None:
        raise ValueError("crop_bitmap needs a spec with a bitmap.")
    window = _window(grey, box_xyxy, crops.margin)
    ids_window = _window(ids, box_xyxy, crops.margin)
    own = ids_window == own_id
    others = _spread((ids_window != 0) & ~own) & ~own
    paper = window[ids_window == 0]
    if paper.size:
        window = np.where(others, np.uint8(np.median(paper)), window)
    ink = find_ink(window) * (_spread(own) if own.any() else ~others)
    bitmap = normalise_character(ink, side=crops.bitmap)
    return grey_of_ink(block_means(bitmap, blocks=crops.size))


def _crops_of_image(
    dataset: CocoDataset, image: CocoImage, crops: CropSpec
) -> Iterator[tuple[CocoInstance, Picture]]:
    picture = _read_picture(dataset, image, grey=crops.bitmap is not None)
    instances = dataset.instances[image.image_id]
    # Column by column in memory, as decoded masks are: four times as fast to write into.
    ids = np.zeros((image.height, image.width), np.int32, order="F")
    if crops.bitmap is not None:
        for own_id, instance in enumerate(instances, start=1):
            if instance.rle is not None:
                np.copyto(ids, own_id, where=mask_of_rle(instance.rle))
    for instance in whole_objects(dataset, image):
        box = instance.box_xyxy
        if crops.bitmap is None:
            yield instance, crop_square(picture, box, crops)
        else:
            own_id = 1 + instances.index(instance)
            yield instance, crop_bitmap(picture, ids, box, crops, own_id=own_id)


def _window(picture: npt.NDArray[Any], box_xyxy: Box, margin: float) -> npt.NDArray[Any]:
    """The square around a box; beyond the picture its outermost pixels go on."""
    x0, y0, x1, y1 = box_xyxy
    side = max(1, round(margin * max(x1 - x0, y1 - y0)))
    height, width = picture.shape[:2]
    columns = round((x0 + x1 - side) / 2) + np.arange(side)
    rows = round((y0 + y1 - side) / 2) + np.arange(side)
    window = picture[np.ix_(rows.clip(0, height - 1), columns.clip(0, width - 1))]
    return np.asarray(window)


def _spread(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    return np.asarray(cv2.dilate(mask.astype(np.uint8), _BLEED), dtype=bool)


def _read_picture(dataset: CocoDataset, image: CocoImage, *, grey: bool) -> Picture:
    picture = cv2.imread(str(image.path), cv2.IMREAD_GRAYSCALE if grey else cv2.IMREAD_ANYCOLOR)
    if picture is None:
        raise DatasetError(f"{image.path}: not a picture that OpenCV can read.")
    if picture.shape[:2] != (image.height, image.width):
        height, width = picture.shape[:2]
        raise DatasetError(
            f"{image.path}: {width} x {height} px; expected {image.width} x {image.height} as in "
            f"{dataset.annotations_path.name}."
        )
    return np.asarray(picture, dtype=np.uint8)


def _class_folders(dataset: CocoDataset) -> dict[int, str]:
    for category in dataset.categories:
        if Path(category.name).name != category.name or category.name.startswith("."):
            raise DatasetError(
                f"{dataset.annotations_path}: category {category.name!r} cannot be the name of a "
                "folder; rename it."
            )
    return {category.category_id: category.name for category in dataset.categories}


def _key(dataset: CocoDataset, crops: CropSpec) -> str:
    digest = hashlib.sha256(crops.model_dump_json().encode())
    for path in [dataset.annotations_path, *(image.path for image in dataset.images)]:
        digest.update(sha256_of(path).encode())
    return digest.hexdigest()

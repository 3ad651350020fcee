"""Ultralytics' YOLO folders: written for detection, segmentation and pose."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import yaml

from pipeline.errors import DatasetError
from pipeline.formats.export import Export, place_file, unique_stems, write_file
from pipeline.formats.labelled import Category, CocoImage, CocoInstance
from pipeline.formats.outlines import outline_of_mask
from pipeline.geometry.masks import mask_of_rle

__all__ = ["YoloTask", "mirrored_keypoints", "write_yolo"]

YoloTask = Literal["detect", "segment", "pose"]

_SIDES = {"left": "right", "right": "left", "l": "r", "r": "l"}
_WORDS = re.compile(r"[a-z]+|[^a-z]+")


def write_yolo(export: Export, folder: Path, *, task: YoloTask = "detect") -> None:
    """Write ``images/{split}``, ``labels/{split}`` and ``data.yaml``.

    What has no split goes to ``train``. Crowds are left out: YOLO would take them for objects.

    Raises:
        DatasetError: If an object lacks the mask or the keypoints that the task needs.
    """
    categories = export.categories
    index_of = {category.name: index for index, category in enumerate(categories)}
    longest = max((len(category.keypoints) for category in categories), default=0)
    if task == "pose" and not longest:
        raise DatasetError(
            f"{_source(export)}: no category has keypoints; render with labels: "
            "{keypoints: true}, or export to yolo."
        )
    for split, dataset in export.splits.items():
        stems = unique_stems(dataset)
        by_id = {category.category_id: category for category in dataset.categories}
        for image, instances in export.pictures(dataset):
            stem, part = stems[image.image_id], split or "train"
            lines = []
            for instance in instances:
                if instance.iscrowd:
                    export.leave_out("crowds")
                    continue
                category = by_id[instance.category_id]
                what = f"{dataset.annotations_path}: annotation {instance.annotation_id}"
                values = _values(what, image, instance, category, task, longest)
                numbers = " ".join(f"{value:.9g}" for value in values)
                lines.append(f"{index_of[category.name]} {numbers}\n")
            picture = folder / "images" / part / f"{stem}{image.path.suffix.lower()}"
            place_file(image.path, picture)
            write_file(folder / "labels" / part / f"{stem}.txt", "".join(lines).encode())
    _write_data_yaml(export, folder, categories, task, longest)


def mirrored_keypoints(names: Sequence[str]) -> list[int] | None:
    """Where each keypoint is found in a mirrored picture, by the words left and right (l, r).

    Returns:
        Positions in ``names``; None where no name has a side, so that nobody knows.

    >>> mirrored_keypoints(["nose", "left_eye", "right_eye"])
    [0, 2, 1]
    """
    position = {name.lower(): index for index, name in enumerate(names)}
    swapped = [
        "".join(_SIDES.get(word, word) for word in _WORDS.findall(name)) for name in position
    ]
    pairs = [position.get(name, index) for index, name in enumerate(swapped)]
    return pairs if pairs != list(range(len(names))) else None


def _values(
    what: str,
    image: CocoImage,
    instance: CocoInstance,
    category: Category,
    task: YoloTask,
    longest: int,
) -> Iterator[float]:
    scale = np.array([image.width, image.height], dtype=np.float64)
    if task == "segment":
        if instance.rle is None:
            raise DatasetError(f"{what}: has no mask; export to yolo, which needs boxes only.")
        outline = outline_of_mask(mask_of_rle(instance.rle))
        if len(outline) == 0:
            raise DatasetError(f"{what}: its mask is empty; remove it.")
        yield from (outline / scale).ravel().tolist()
        return
    box = np.reshape(instance.box_xyxy, (2, 2))
    low, high = np.clip(box / scale, 0, 1)
    yield from ((low + high) / 2).tolist()
    yield from (high - low).tolist()
    if task == "detect":
        return
    if instance.keypoints is None and category.keypoints:
        raise DatasetError(
            f"{what}: has no keypoints; render with labels: {{keypoints: true}}, or export to yolo."
        )
    points = instance.keypoints or ()
    for x, y, visibility in points:
        inside = 0 <= x <= image.width and 0 <= y <= image.height
        yield from (x / image.width, y / image.height, visibility) if inside else (0, 0, 0)
    yield from [0] * (3 * (longest - len(points)))


def _write_data_yaml(
    export: Export, folder: Path, categories: tuple[Category, ...], task: YoloTask, longest: int
) -> None:
    parts = [split or "train" for split in export.splits]
    data: dict[str, object] = {part: f"images/{part}" for part in parts}
    # Ultralytics refuses a file without these two.
    data.setdefault("train", data[parts[0]])
    data.setdefault("val", data.get("test", data["train"]))
    data["names"] = {index: category.name for index, category in enumerate(categories)}
    if task == "pose":
        data["kpt_shape"] = [longest, 3]
        data["kpt_names"] = {i: list(category.keypoints) for i, category in enumerate(categories)}
        mirrors = [mirrored_keypoints(c.keypoints) for c in categories if c.keypoints]
        # One permutation serves all classes; without it Ultralytics mirrors no pictures.
        if all(mirror == mirrors[0] for mirror in mirrors) and len(mirrors[0] or ()) == longest:
            data["flip_idx"] = mirrors[0]
    text = yaml.safe_dump(data, sort_keys=False, allow_unicode=True)
    write_file(folder / "data.yaml", text.encode())


def _source(export: Export) -> Path:
    return next(iter(export.splits.values())).annotations_path

"""Ultralytics' YOLO folders, read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path

import numpy as np
import yaml

from pipeline.errors import DatasetError
from pipeline.formats.coco import safe_path
from pipeline.formats.labelled import Category, CocoDataset, CocoImage, CocoInstance
from pipeline.formats.pictures import find_pictures, picture_hw
from pipeline.geometry.boxes import FloatArray
from pipeline.geometry.masks import rle_area_px, rle_of_polygons
from pipeline.records.annotations import KeypointLabel

__all__ = ["read_yolo", "yolo_splits"]

_SPLITS = ("train", "val", "test")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Data:
    # What data.yaml says; `values` are the numbers of each keypoint, 2 or 3.
    path: Path
    root: Path
    pictures: Mapping[str, str | Sequence[str]]
    categories: tuple[Category, ...]
    keypoints: int
    values: int


def yolo_splits(folder: Path) -> tuple[str | None, ...]:
    """Splits of a YOLO folder; empty where there is no ``data.yaml`` with names.

    Raises:
        DatasetError: If there is one with mistakes.
    """
    path = _find_yaml(folder)
    if path is None:
        return ()
    pictures = _read_yaml(path).pictures
    return tuple(
        split
        for split in pictures
        if split in ("train", "test") or pictures[split] != pictures.get("train")
    )


def read_yolo(folder: Path, split: str | None) -> CocoDataset:
    """Read one split: boxes, polygons or boxes with keypoints, line by line as they come.

    Raises:
        DatasetError: Naming the file, the line, what was got and what was expected.
    """
    path = _find_yaml(folder)
    if path is None:
        raise DatasetError(f"{folder}: no data.yaml with 'names'; expected a YOLO folder.")
    data = _read_yaml(path)
    if split is None or split not in data.pictures:
        raise DatasetError(
            f"{path}: no split {split!r}; expected one of {', '.join(data.pictures)}."
        )
    images: list[CocoImage] = []
    instances: dict[int, tuple[CocoInstance, ...]] = {}
    annotation_id = 0
    root, pictures = _pictures(data, split)
    for image_id, picture in enumerate(pictures, start=1):
        height, width = picture_hw(picture)
        image = CocoImage(
            image_id=image_id,
            file_name=picture.relative_to(root).as_posix(),
            path=picture,
            width=width,
            height=height,
        )
        found = []
        for where, values in _rows(_label_path(picture)):
            annotation_id += 1
            found.append(_instance(where, values, data, image, annotation_id))
        images.append(image)
        instances[image_id] = tuple(found)
    return CocoDataset(
        annotations_path=path,
        images_dir=root,
        categories=data.categories,
        images=tuple(images),
        instances=instances,
    )


def _find_yaml(folder: Path) -> Path | None:
    found = sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")])
    found.sort(key=lambda path: path.stem != "data")
    return next((path for path in found if _names_classes(path)), None)


def _names_classes(path: Path) -> bool:
    try:
        data = yaml.safe_load(path.read_bytes())
    except (yaml.YAMLError, OSError, UnicodeDecodeError, RecursionError):
        return False
    return isinstance(data, dict) and "names" in data and any(key in data for key in _SPLITS)


def _read_yaml(path: Path) -> _Data:
    data = yaml.safe_load(path.read_bytes())
    names = data["names"]
    listed = dict(enumerate(names)) if isinstance(names, list) else names
    if not isinstance(listed, dict) or sorted(map(str, listed)) != sorted(
        map(str, range(len(listed)))
    ):
        raise DatasetError(f"{path}: key 'names': expected a list, or a mapping from 0, 1, ...")
    shape = data.get("kpt_shape") or [0, 0]
    if (
        not isinstance(shape, list)
        or len(shape) != 2
        or not all(isinstance(value, int) for value in shape)
        or (shape != [0, 0] and (shape[0] < 1 or shape[1] not in (2, 3)))
    ):
        raise DatasetError(f"{path}: key 'kpt_shape' is {shape!r}; expected [count, 2 or 3].")
    keypoint_names = data.get("kpt_names") or {}
    return _Data(
        path=path,
        root=_root(path, data.get("path")),
        pictures={key: _places(path, key, data[key]) for key in _SPLITS if data.get(key)},
        categories=tuple(
            Category(
                category_id=index + 1,
                name=str(listed[index]),
                keypoints=_keypoint_names(path, keypoint_names, index, shape[0]),
            )
            for index in range(len(listed))
        ),
        keypoints=shape[0],
        values=shape[1],
    )


def _root(path: Path, claimed: object) -> Path:
    # Often a place on the machine where the file was written; then its own folder it is.
    if isinstance(claimed, str) and not Path(claimed).is_absolute():
        root = (path.parent / claimed).resolve()
        if root.is_dir() and root.is_relative_to(path.parent.resolve()):
            return root
    return path.parent


def _keypoint_names(path: Path, names: object, index: int, count: int) -> tuple[str, ...]:
    found = names.get(index) if isinstance(names, dict) else None
    if found is None:
        return tuple(f"keypoint_{i}" for i in range(count))
    if not isinstance(found, list) or len(found) > count:
        raise DatasetError(f"{path}: key 'kpt_names.{index}': expected at most {count} words.")
    return tuple(str(name) for name in found)


def _places(path: Path, key: str, value: object) -> str | Sequence[str]:
    if isinstance(value, str) or (
        isinstance(value, list) and all(isinstance(each, str) for each in value)
    ):
        return value
    raise DatasetError(f"{path}: key '{key}': got {value!r}; expected a folder or a list of them.")


def _pictures(data: _Data, split: str) -> tuple[Path, list[Path]]:
    """The folder that file names are relative to, and the pictures of a split."""
    places = data.pictures[split]
    named = [places] if isinstance(places, str) else places
    found = [_inside(data.root, place, data.path) for place in named]
    pictures: list[Path] = []
    for place in found:
        if place.is_dir():
            pictures.extend(find_pictures(place))
            continue
        lines = place.read_text(encoding="utf-8", errors="replace").splitlines()
        pictures.extend(_inside(data.root, line.strip(), place) for line in lines if line.strip())
    root = found[0] if len(found) == 1 and found[0].is_dir() else data.root
    return root, sorted(pictures)


def _inside(root: Path, name: str, source: Path) -> Path:
    # Roboflow begins every folder with "../"; as in Ultralytics, it is the rest that counts.
    while name.startswith(("./", "../")):
        name = name.split("/", 1)[1]
    path = safe_path(root, name, source=source)
    if not path.exists():
        raise DatasetError(f"{source}: {name!r} is not in {root}; restore it.")
    return path


def _label_path(picture: Path) -> Path:
    # As Ultralytics has it: the last folder called "images" becomes "labels".
    parts = list(picture.with_suffix(".txt").parts)
    if "images" in parts[:-1]:
        parts[len(parts) - 2 - parts[-2::-1].index("images")] = "labels"
    return Path(*parts)


def _rows(path: Path) -> Iterator[tuple[str, list[float]]]:
    """Line by line where it stands and its numbers; a picture without a file has no objects."""
    if not path.is_file():
        return
    for number, line in enumerate(
        path.read_text(encoding="utf-8", errors="replace").splitlines(), start=1
    ):
        if not line.strip():
            continue
        try:
            values = [float(word) for word in line.split()]
        except ValueError:
            values = [float("nan")]
        if not all(isfinite(value) for value in values):
            raise DatasetError(f"{path}: line {number}: {line[:60]!r}; expected numbers.")
        yield f"{path}: line {number}", values


def _instance(
    where: str, values: Sequence[float], data: _Data, image: CocoImage, annotation_id: int
) -> CocoInstance:
    index, numbers = int(values[0]), values[1:]
    if index != values[0] or not 0 <= index < len(data.categories):
        raise DatasetError(
            f"{where}: class {values[0]:g}; expected 0 to {len(data.categories) - 1}."
        )
    category = data.categories[index]
    with_points = 4 + data.keypoints * data.values
    rle = None
    if (data.keypoints and len(numbers) == with_points) or len(numbers) == 4:
        box = _box(numbers, image)
    elif not data.keypoints and len(numbers) >= 6 and len(numbers) % 2 == 0:
        polygon = np.reshape(numbers, (-1, 2)) * [image.width, image.height]
        box = np.concatenate([polygon.min(axis=0), polygon.max(axis=0)])
        rle = rle_of_polygons([polygon.ravel().tolist()], image_hw=(image.height, image.width))
    else:
        expected = with_points if data.keypoints else "4, or x y of at least three points"
        raise DatasetError(f"{where}: {len(numbers)} numbers after the class; expected {expected}.")
    x0, y0, x1, y1 = (float(value) for value in box)
    if x1 <= x0 or y1 <= y0:
        raise DatasetError(f"{where}: a box without width or height; remove the line.")
    points = numbers[4:] if category.keypoints and len(numbers) == with_points else None
    return CocoInstance(
        annotation_id=annotation_id,
        image_id=image.image_id,
        category_id=category.category_id,
        box_xyxy=(x0, y0, x1, y1),
        area_px=float((x1 - x0) * (y1 - y0) if rle is None else rle_area_px(rle)),
        rle=rle,
        iscrowd=False,
        keypoints=_keypoints(points, data, image, category) if points else None,
    )


def _box(numbers: Sequence[float], image: CocoImage) -> FloatArray:
    centre = np.array(numbers[:2]) * [image.width, image.height]
    half = np.array(numbers[2:4]) * [image.width, image.height] / 2
    return np.concatenate([centre - half, centre + half])


def _keypoints(
    numbers: Sequence[float], data: _Data, image: CocoImage, category: Category
) -> tuple[KeypointLabel, ...]:
    points = np.reshape(numbers, (data.keypoints, data.values))[: len(category.keypoints)]
    labels: list[KeypointLabel] = []
    for x, y, *rest in points.tolist():
        # Without a visibility a point at (0, 0) is one that is not there.
        visibility = int(rest[0]) if rest else 2 * (x > 0 or y > 0)
        labels.append((x * image.width, y * image.height, visibility) if visibility else (0, 0, 0))
    return tuple(labels)

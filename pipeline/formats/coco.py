"""COCO instance files, read with every claim checked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.errors import DatasetError
from pipeline.geometry.boxes import FloatArray
from pipeline.geometry.masks import Rle, rle_area_px, rle_of_polygons

__all__ = [
    "Category",
    "CocoDataset",
    "CocoImage",
    "CocoInstance",
    "find_annotations",
    "read_coco",
    "safe_path",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    """A class of objects, as in the file."""

    category_id: int
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CocoImage:
    """An image entry; ``path`` is where its file is."""

    image_id: int
    file_name: str
    path: Path
    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CocoInstance:
    """An annotation; ``rle`` is None in sets that have boxes only."""

    annotation_id: int
    image_id: int
    category_id: int
    box_xyxy: tuple[float, float, float, float]
    area_px: float
    rle: Rle | None
    iscrowd: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CocoDataset:
    """A validated COCO file.

    Attributes:
        annotations_path: The JSON file.
        images_dir: The folder that ``file_name`` is relative to.
        instances: By image id, in file order; images without objects have an empty tuple.
    """

    annotations_path: Path
    images_dir: Path
    categories: tuple[Category, ...]
    images: tuple[CocoImage, ...]
    instances: Mapping[int, tuple[CocoInstance, ...]]

    @property
    def has_masks(self) -> bool:
        """Whether every annotation carries a mask."""
        return all(i.rle is not None for group in self.instances.values() for i in group)

    def boxes_xyxy(self, image_id: int) -> FloatArray:
        """(N, 4) boxes of one image in px, crowds included."""
        group = self.instances[image_id]
        return np.array([i.box_xyxy for i in group], dtype=np.float64).reshape(-1, 4)


def find_annotations(folder: Path, split: str | None = None) -> Path:
    """The annotation file of a dataset or benchmark folder.

    Looks for ``instances_{split}.json``, then ``annotations/instances_{split}.json``, then
    ``annotations/instances.json`` (our own datasets, which have no splits). Without a split:
    ``test`` if there is one, else ``val``, else whatever single file there is.

    Raises:
        DatasetError: If the folder holds no such file.
    """
    if not folder.is_dir():
        raise DatasetError(f"{folder}: no such folder; expected a dataset or benchmark.")
    whole = folder / "annotations" / "instances.json"
    for name in [split] if split else ["test", "val", "train"]:
        for parent in (folder, folder / "annotations"):
            candidate = parent / f"instances_{name}.json"
            if candidate.is_file():
                return candidate
    if whole.is_file():
        return whole
    found = sorted(path.name for path in folder.glob("**/instances*.json"))
    wanted = f"instances_{split}.json" if split else "instances_*.json"
    raise DatasetError(
        f"{folder}: got {', '.join(found) or 'no annotation file'}; "
        f"expected {wanted} or annotations/instances.json."
    )


def safe_path(folder: Path, name: str, *, source: Path) -> Path:
    """``folder / name``, refused where it would leave the folder.

    Raises:
        DatasetError: For absolute names and names that climb out, symlinks followed.
    """
    path = folder / name
    if Path(name).is_absolute() or not path.resolve().is_relative_to(folder.resolve()):
        raise DatasetError(f"{source}: file_name {name!r} leaves {folder}; expected a path inside.")
    return path


def read_coco(
    annotations_path: Path, *, images_dir: Path | None = None, labels: bool = True
) -> CocoDataset:
    """Read and validate a COCO file.

    Args:
        annotations_path: The JSON file.
        images_dir: Where its images lie; by default the ``images`` folder beside the file or
            beside its folder.
        labels: False leaves ``annotations`` unread, as a prediction must; all images are then
            without instances.

    Raises:
        DatasetError: Naming the file, the entry, what was got and what was expected.
    """
    document = _load(annotations_path)
    images_dir = images_dir or _images_dir(annotations_path)
    at = _Reader(annotations_path)
    categories = tuple(
        Category(category_id=at.integer(entry, "id", "category"), name=at.text(entry, "name"))
        for entry in at.entries(document, "categories")
    )
    at.unique("category id", [category.category_id for category in categories])
    at.unique("category name", [category.name for category in categories])
    images = []
    for entry in at.entries(document, "images"):
        name = at.text(entry, "file_name")
        path = safe_path(images_dir, name, source=annotations_path)
        if not path.is_file():
            raise DatasetError(
                f"{annotations_path}: image {name!r} is not in {images_dir}; "
                "restore it or remove its entry."
            )
        images.append(
            CocoImage(
                image_id=at.integer(entry, "id", "image"),
                file_name=name,
                path=path,
                width=at.integer(entry, "width", f"image {name!r}", minimum=1),
                height=at.integer(entry, "height", f"image {name!r}", minimum=1),
            )
        )
    at.unique("image id", [image.image_id for image in images])
    sizes = {image.image_id: (image.height, image.width) for image in images}
    category_ids = {category.category_id for category in categories}
    groups: dict[int, list[CocoInstance]] = {image.image_id: [] for image in images}
    annotation_ids = []
    for entry in at.entries(document, "annotations") if labels else ():
        instance = at.instance(entry, sizes, category_ids)
        annotation_ids.append(instance.annotation_id)
        groups[instance.image_id].append(instance)
    at.unique("annotation id", annotation_ids)
    return CocoDataset(
        annotations_path=annotations_path,
        images_dir=images_dir,
        categories=categories,
        images=tuple(images),
        instances={image_id: tuple(group) for image_id, group in groups.items()},
    )


def _load(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read ({error.strerror}).") from error
    except ValueError as error:
        raise DatasetError(f"{path}: not a JSON file ({error}).") from error
    if not isinstance(document, dict):
        raise DatasetError(f"{path}: got a {type(document).__name__}; expected a COCO object.")
    return document


def _images_dir(annotations_path: Path) -> Path:
    beside = annotations_path.parent / "images"
    above = annotations_path.parent.parent / "images"
    return above if not beside.is_dir() and above.is_dir() else beside


class _Reader:
    """Reads typed values out of one COCO file; every failure names the file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def entries(self, document: dict[str, Any], key: str) -> list[dict[str, Any]]:
        entries = document.get(key)
        if not isinstance(entries, list) or not all(isinstance(e, dict) for e in entries):
            raise DatasetError(f"{self._path}: key '{key}': expected a list of objects.")
        return entries

    def integer(
        self, entry: dict[str, Any], key: str, what: str, minimum: int | None = None
    ) -> int:
        value = entry.get(key)
        if (
            not isinstance(value, int)
            or isinstance(value, bool)
            or (minimum is not None and value < minimum)
        ):
            least = "" if minimum is None else f" >= {minimum}"
            raise DatasetError(
                f"{self._path}: {what}: '{key}' is {value!r}; expected a whole number{least}."
            )
        return value

    def text(self, entry: dict[str, Any], key: str) -> str:
        value = entry.get(key)
        if not isinstance(value, str) or not value:
            raise DatasetError(f"{self._path}: '{key}' is {value!r}; expected a word.")
        return value

    def unique(self, what: str, values: list[Any]) -> None:
        if len(values) != len(set(values)):
            twice = next(value for value in values if values.count(value) > 1)
            raise DatasetError(f"{self._path}: {what} {twice!r} appears twice; must be unique.")

    def instance(
        self,
        entry: dict[str, Any],
        sizes: dict[int, tuple[int, int]],
        category_ids: set[int],
    ) -> CocoInstance:
        annotation_id = self.integer(entry, "id", "annotation", minimum=1)
        what = f"annotation {annotation_id}"
        image_id = self.integer(entry, "image_id", what)
        category_id = self.integer(entry, "category_id", what)
        if image_id not in sizes:
            raise DatasetError(f"{self._path}: {what}: no image has id {image_id}.")
        if category_id not in category_ids:
            raise DatasetError(f"{self._path}: {what}: no category has id {category_id}.")
        bbox = entry.get("bbox")
        if (
            not isinstance(bbox, list)
            or len(bbox) != 4
            or not all(isinstance(v, int | float) and np.isfinite(v) for v in bbox)
            or bbox[2] <= 0
            or bbox[3] <= 0
        ):
            raise DatasetError(
                f"{self._path}: {what}: bbox is {bbox!r}; expected [x, y, w, h] with w, h > 0."
            )
        x, y, w, h = (float(value) for value in bbox)
        rle = self._rle(entry.get("segmentation"), sizes[image_id], what)
        default_area = w * h if rle is None else rle_area_px(rle)
        return CocoInstance(
            annotation_id=annotation_id,
            image_id=image_id,
            category_id=category_id,
            box_xyxy=(x, y, x + w, y + h),
            area_px=float(entry.get("area", default_area)),
            rle=rle,
            iscrowd=bool(entry.get("iscrowd", 0)),
        )

    def _rle(self, segmentation: Any, image_hw: tuple[int, int], what: str) -> Rle | None:  # noqa: ANN401
        if not segmentation:
            return None
        if isinstance(segmentation, list):
            return rle_of_polygons(segmentation, image_hw=image_hw)
        size, counts = segmentation.get("size"), segmentation.get("counts")
        if size != list(image_hw) or not isinstance(counts, str):
            raise DatasetError(
                f"{self._path}: {what}: mask of size {size}; expected a compressed RLE of "
                f"{list(image_hw)}."
            )
        return {"size": [int(side) for side in size], "counts": counts}

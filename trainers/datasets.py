"""Dataset folders as sources of training examples, decoded once and kept in memory."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Generic, Protocol, TypeVar

import numpy as np

from pipeline.drawing import read_rgb
from pipeline.errors import DatasetError
from pipeline.formats.coco import (
    Category,
    CocoDataset,
    CocoImage,
    CocoInstance,
    find_annotations,
    read_coco,
)
from pipeline.formats.imagefolder import (
    find_class_folders,
    folder_sha256,
    read_image_folder,
)
from pipeline.formats.yolo import mirrored_keypoints
from pipeline.geometry.boxes import FloatArray
from pipeline.geometry.masks import mask_of_rle
from pipeline.records.predictions import sha256_of
from pipeline.specs.training import DataSource
from trainers.augmentation.geometry import fit_square
from trainers.examples import ByteImage, DetectionExample, ObjectExample

__all__ = [
    "CocoSource",
    "ExampleCache",
    "FolderSource",
    "merge_categories",
    "read_picture",
    "subset",
]

_CACHE_BYTES = 2 * 2**30

ExampleT = TypeVar("ExampleT")


class ExampleCache(Generic[ExampleT]):
    """Keeps examples by index until a budget is full; the rest is decoded every time."""

    def __init__(self, budget_bytes: int = _CACHE_BYTES) -> None:
        self._left_bytes = budget_bytes
        self._examples: dict[int, ExampleT] = {}

    def get(self, index: int) -> ExampleT | None:
        """The example, if it is kept."""
        return self._examples.get(index)

    def put(self, index: int, example: ExampleT, size_bytes: int) -> ExampleT:
        """Keep the example if there is room; returns it."""
        if size_bytes <= self._left_bytes:
            self._left_bytes -= size_bytes
            self._examples[index] = example
        return example


class _Source(Protocol):
    """A source before its classes are numbered."""

    @property
    def categories(self) -> tuple[str, ...]: ...


class CocoSource:
    """Pictures with boxes and masks, from a dataset or a COCO benchmark.

    Without a split it is ``train``: a test split is never trained on unless it is named.

    Attributes:
        sha256: Of the annotation file.
    """

    def __init__(self, source: DataSource) -> None:
        path = find_annotations(source.path, source.split or "train")
        self._dataset: CocoDataset = read_coco(path)
        self._images = subset(self._dataset.images, source.fraction, source.subset_seed)
        if not self._images:
            raise DatasetError(f"{path}: no images; expected at least one to train on.")
        self._names = {c.category_id: c.name for c in self._dataset.categories}
        self._mirrored = {c.category_id: _mirrored(c) for c in self._dataset.categories}
        self._cache = ExampleCache[DetectionExample]()
        self.sha256 = sha256_of(path)

    def __len__(self) -> int:
        return len(self._images)

    @property
    def categories(self) -> tuple[str, ...]:
        """Names, in the order of the file."""
        return tuple(self._names.values())

    @property
    def has_masks(self) -> bool:
        """Whether any object has a mask."""
        return any(i.rle for group in self._dataset.instances.values() for i in group)

    def boxes_xyxy(self) -> FloatArray:
        """(N, 4) px, of all single objects."""
        groups = (self._dataset.instances[image.image_id] for image in self._images)
        boxes = [item.box_xyxy for group in groups for item in group if not item.iscrowd]
        return np.array(boxes, dtype=float).reshape(-1, 4)

    def example(self, index: int, class_of: dict[str, int]) -> DetectionExample:
        """Decode a picture; ``class_of`` gives each category's class index."""
        kept = self._cache.get(index)
        if kept is not None:
            return kept
        image = self._images[index]
        picture = read_picture(image)
        objects = tuple(
            item
            for instance in self._dataset.instances[image.image_id]
            if (item := self._object(instance, class_of)) is not None
        )
        masks_bytes = sum(item.mask.nbytes for item in objects if item.mask is not None)
        example = DetectionExample(image=picture, objects=objects)
        return self._cache.put(index, example, picture.nbytes + masks_bytes)

    def _object(self, instance: CocoInstance, class_of: dict[str, int]) -> ObjectExample | None:
        category_id = instance.category_id
        return _object(
            instance, class_of[self._names[category_id]], mirrored=self._mirrored[category_id]
        )


class FolderSource:
    """Square pictures of one object each, from an ImageFolder; the split as in CocoSource.

    Attributes:
        sha256: Of names and pictures.
    """

    def __init__(self, source: DataSource, *, side_px: int) -> None:
        folder = find_class_folders(source.path, source.split or "train")
        dataset = read_image_folder(folder)
        self._categories = dataset.categories
        self._images = subset(dataset.images, source.fraction, source.subset_seed)
        self._side_px = side_px
        self._cache = ExampleCache[ByteImage]()
        self.sha256 = folder_sha256(folder)

    def __len__(self) -> int:
        return len(self._images)

    @property
    def categories(self) -> tuple[str, ...]:
        """Names of the class folders, sorted."""
        return tuple(self._categories.values())

    def example(self, index: int, class_of: dict[str, int]) -> tuple[ByteImage, int]:
        """The picture, (side_px, side_px, 3), and its class index."""
        image = self._images[index]
        class_index = class_of[self._categories[image.category_id]]
        kept = self._cache.get(index)
        if kept is None:
            kept = fit_square(read_rgb(image.path), side_px=self._side_px)
            self._cache.put(index, kept, kept.nbytes)
        return kept, class_index


def merge_categories(sources: Sequence[_Source]) -> tuple[str, ...]:
    """Every name once, in order of appearance: sources are matched by name, never by id."""
    return tuple(dict.fromkeys(name for source in sources for name in source.categories))


def subset(items: Sequence[ExampleT], fraction: float, seed: int) -> tuple[ExampleT, ...]:
    """``ceil(fraction * n)`` items in their order; of one seed, smaller subsets lie in larger."""
    count = math.ceil(fraction * len(items) - 1e-9)  # 0.1 * 30 is a hair above 3
    chosen = np.random.default_rng(seed).permutation(len(items))[:count]
    return tuple(items[i] for i in sorted(chosen))


def read_picture(image: CocoImage) -> ByteImage:
    """Decode a picture of a COCO file.

    Raises:
        DatasetError: If it is no picture, or not of the size that the file says.
    """
    picture = read_rgb(image.path)
    if picture.shape[:2] != (image.height, image.width):
        raise DatasetError(
            f"{image.path}: got {picture.shape[1]} x {picture.shape[0]} px; "
            f"its COCO entry says {image.width} x {image.height}. Correct one of them."
        )
    return picture


def _mirrored(category: Category) -> tuple[int, ...] | None:
    found = mirrored_keypoints(category.keypoints)
    return None if found is None else tuple(found)


def _object(
    instance: CocoInstance, class_index: int, *, mirrored: tuple[int, ...] | None
) -> ObjectExample | None:
    box = np.array(instance.box_xyxy)
    mask, corner = None, (0, 0)
    if instance.rle is not None:
        whole = mask_of_rle(instance.rle)
        rows, columns = np.flatnonzero(whole.any(axis=1)), np.flatnonzero(whole.any(axis=0))
        if rows.size == 0:
            return None
        corner = (int(columns[0]), int(rows[0]))
        mask = whole[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].copy()
        box = np.array([*corner, columns[-1] + 1, rows[-1] + 1], dtype=float)
    return ObjectExample(
        class_index=class_index,
        box_xyxy=box,
        mask=mask,
        mask_corner=corner,
        crowd=instance.iscrowd,
        ignored=instance.iscrowd,
        keypoints=None if instance.keypoints is None else np.array(instance.keypoints),
        mirrored=mirrored,
    )

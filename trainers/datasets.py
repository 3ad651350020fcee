"""Dataset folders as sources of training examples."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol, TypeVar

import numpy as np

from pipeline.dataset.objects import recorded_points
from pipeline.drawing import read_rgb
from pipeline.errors import DatasetError
from pipeline.formats.annotated import labels_sha256, read_to_learn, recognise
from pipeline.formats.crops import crop_square, whole_objects
from pipeline.formats.imagefolder import folder_sha256
from pipeline.formats.labelled import Category, CocoImage, CocoInstance
from pipeline.formats.yolo import mirrored_keypoints
from pipeline.geometry.boxes import FloatArray
from pipeline.geometry.masks import mask_of_rle
from pipeline.records.keypoints import RigidPoints
from pipeline.specs.experiment import CropSpec
from pipeline.specs.training import DataSource
from trainers.augmentation.geometry import fit_square
from trainers.balance import equal_classes, repeat_factors
from trainers.examples import ByteImage, ClassExample, DetectionExample, ObjectExample, one_class

__all__ = [
    "ObjectSource",
    "PictureSource",
    "merge_categories",
    "read_picture",
    "subset",
]

ExampleT = TypeVar("ExampleT")


class _Source(Protocol):
    """A source before its classes are numbered."""

    @property
    def categories(self) -> tuple[str, ...]: ...


class _LabelledFolder:
    """A folder in any layout that we read; see ``DataSource``.

    Attributes:
        sha256: Of its labels; of an ImageFolder, of names and pictures.
    """

    def __init__(self, source: DataSource) -> None:
        self._dataset = read_to_learn(source.path, source.split)
        self._source = source
        self._names = {c.category_id: c.name for c in self._dataset.categories}
        self._is_image_folder = recognise(source.path) == "imagefolder"
        folder = self._dataset.images_dir
        self.sha256 = (
            folder_sha256(folder) if self._is_image_folder else labels_sha256(self._dataset)
        )

    @property
    def categories(self) -> tuple[str, ...]:
        """Names, in the order of the labels."""
        return tuple(self._names.values())

    def _subset(self, items: Sequence[ExampleT], what: str) -> tuple[ExampleT, ...]:
        chosen = subset(items, self._source.fraction, self._source.subset_seed)
        if not chosen:
            path = self._dataset.annotations_path
            raise DatasetError(f"{path}: no {what}; expected at least one to train on.")
        return chosen


class PictureSource(_LabelledFolder):
    """Pictures with boxes, masks and keypoints."""

    def __init__(self, source: DataSource) -> None:
        super().__init__(source)
        self._images = self._subset(self._dataset.images, "images")
        self._mirrored = {c.category_id: _mirrored(c) for c in self._dataset.categories}

    def __len__(self) -> int:
        return len(self._images)

    @property
    def has_masks(self) -> bool:
        """Whether any object has a mask."""
        return any(i.rle for group in self._dataset.instances.values() for i in group)

    @property
    def keypoints(self) -> dict[str, tuple[str, ...]]:
        """Names of the keypoints, by category that has some."""
        return {c.name: c.keypoints for c in self._dataset.categories if c.keypoints}

    @property
    def mirrors(self) -> dict[str, tuple[int, ...] | None]:
        """Which keypoint a mirrored object has at each place, by category; None: not known."""
        return {self._names[i]: mirror for i, mirror in self._mirrored.items()}

    def rigid_points(self) -> dict[str, RigidPoints]:
        """Where keypoints are on the objects, by category of which that is known."""
        return recorded_points(self._dataset.annotations_path.parent.parent) | {
            c.name: RigidPoints(points_m=c.points_m) for c in self._dataset.categories if c.points_m
        }

    @property
    def has_keypoints(self) -> bool:
        """Whether any keypoint of the pictures is labelled."""
        groups = (self._dataset.instances[image.image_id] for image in self._images)
        return any(v > 0 for group in groups for item in group for *_, v in item.keypoints or ())

    def boxes_xyxy(self) -> FloatArray:
        """(N, 4) px, of all single objects."""
        groups = (self._dataset.instances[image.image_id] for image in self._images)
        boxes = [item.box_xyxy for group in groups for item in group if not item.iscrowd]
        return np.array(boxes, dtype=float).reshape(-1, 4)

    def factors(self) -> FloatArray | None:
        """How often each picture comes; None: once."""
        if self._source.balance == "none":
            return None
        groups = (self._dataset.instances[image.image_id] for image in self._images)
        classes = [{item.category_id for item in group if not item.iscrowd} for group in groups]
        return repeat_factors(classes, rare_below=self._source.rare_below)

    def example(self, index: int, class_of: dict[str, int]) -> DetectionExample:
        """Decode a picture; ``class_of`` gives each category's class index."""
        image = self._images[index]
        picture = read_picture(image)
        objects = (
            self._object(instance, class_of) for instance in self._dataset.instances[image.image_id]
        )
        return DetectionExample(
            image=picture, objects=tuple(item for item in objects if item is not None)
        )

    def _object(self, instance: CocoInstance, class_of: dict[str, int]) -> ObjectExample | None:
        category_id = instance.category_id
        return _object(
            instance, class_of[self._names[category_id]], mirrored=self._mirrored[category_id]
        )


class ObjectSource(_LabelledFolder):
    """Square pictures of one object each: of an ImageFolder, or cut out of larger pictures.

    Cut out are whole objects, as by ``blendgap export --to imagefolder``.
    """

    def __init__(self, source: DataSource, *, side_px: int) -> None:
        super().__init__(source)
        objects = [
            (image, instance)
            for image in self._dataset.images
            for instance in (
                self._dataset.instances[image.image_id]
                if self._is_image_folder
                else whole_objects(self._dataset, image)
            )
        ]
        self._objects = self._subset(objects, "whole objects")
        self._side_px = side_px

    def __len__(self) -> int:
        return len(self._objects)

    def factors(self) -> FloatArray | None:
        """How often each object comes; None: once."""
        if self._source.balance == "none":
            return None
        return equal_classes([instance.category_id for _, instance in self._objects])

    def example(self, index: int, class_of: dict[str, int]) -> ClassExample:
        """Decode the picture of one object, (side_px, side_px, 3)."""
        image, instance = self._objects[index]
        class_index = class_of[self._names[instance.category_id]]
        if self._is_image_folder:
            square = fit_square(read_rgb(image.path), side_px=self._side_px)
        else:
            crops = CropSpec(size=self._side_px)
            square = crop_square(read_picture(image), instance.box_xyxy, crops)
        return ClassExample(image=square, classes=one_class(class_index, count=len(class_of)))


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

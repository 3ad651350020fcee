"""The Oxford-IIIT Pet folder, read: pets outlined by trimaps, classes are breeds.

Source: Parkhi et al., Cats and Dogs, CVPR 2012; the layout is that of its two archives.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pipeline.errors import DatasetError
from pipeline.formats.class_masks import class_regions, read_indices
from pipeline.formats.coco import safe_path
from pipeline.formats.labelled import Category, CocoDataset, CocoImage, CocoInstance
from pipeline.formats.pictures import picture_hw

__all__ = ["pet_splits", "read_pet"]

_LISTS = {"train": "trainval.txt", "test": "test.txt"}
_SPECIES = {1: "cat", 2: "dog"}
_PET, _BORDER = 1, 3  # of a trimap


def pet_splits(folder: Path) -> tuple[str | None, ...]:
    """``train`` (the set's own ``trainval``) and ``test``; empty where it is another folder."""
    if not (folder / "annotations" / "trimaps").is_dir():
        return ()
    return tuple(s for s, name in _LISTS.items() if (folder / "annotations" / name).is_file())


def read_pet(folder: Path, split: str | None) -> CocoDataset:
    """Read one split: a pet a picture, the trimap's border not labelled.

    Raises:
        DatasetError: Naming the file, what was got and what was expected.
    """
    if split is None or split not in pet_splits(folder):
        raise DatasetError(f"{folder}: no split {split!r}; found {pet_splits(folder)}.")
    labels = folder / "annotations"
    names: dict[int, Category] = {}
    images: list[CocoImage] = []
    instances: dict[int, tuple[CocoInstance, ...]] = {}
    next_id = 1
    for image_id, (stem, breed, species) in enumerate(_entries(labels / _LISTS[split]), start=1):
        name = " ".join(word.title() for word in stem.rsplit("_", 1)[0].split("_"))
        names.setdefault(
            breed, Category(category_id=breed, name=name, supercategory=_SPECIES.get(species))
        )
        path = safe_path(folder / "images", f"{stem}.jpg", source=labels / _LISTS[split])
        height, width = picture_hw(path)
        mask = safe_path(labels / "trimaps", f"{stem}.png", source=labels / _LISTS[split])
        trimap = read_indices(mask)
        if trimap.shape != (height, width):
            raise DatasetError(f"{mask}: {trimap.shape}; expected {height} x {width} px.")
        images.append(
            CocoImage(image_id=image_id, file_name=path.name, path=path, width=width, height=height)
        )
        pet = np.where(trimap == _PET, breed, 0)
        found = tuple(class_regions(pet, [breed], trimap == _BORDER, image_id, next_id))
        instances[image_id] = found
        next_id += len(found)
    return CocoDataset(
        annotations_path=labels,
        images_dir=folder / "images",
        categories=tuple(names[breed] for breed in sorted(names)),
        images=tuple(images),
        instances=instances,
    )


def _entries(path: Path) -> list[tuple[str, int, int]]:
    """Stem, breed and species of every line."""
    entries = []
    for line in path.read_text(encoding="utf-8").splitlines():
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if len(words) != 4 or not all(word.isdecimal() for word in words[1:]):
            raise DatasetError(f"{path}: {line!r}; expected picture, breed, species and a number.")
        entries.append((words[0], int(words[1]), int(words[2])))
    if not entries:
        raise DatasetError(f"{path}: lists no picture; restore it.")
    return entries

"""Folders of labelled pictures in any layout that we know, read into the same records."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from pipeline.dataset.layout import DatasetLayout
from pipeline.dataset.manifest import read_manifest
from pipeline.errors import DatasetError
from pipeline.formats.bop_reader import bop_splits, read_bop
from pipeline.formats.class_masks import mask_splits, read_class_masks
from pipeline.formats.coco import coco_splits, find_annotations, read_coco
from pipeline.formats.imagefolder import image_folder_splits, read_labelled_folder
from pipeline.formats.labelled import CocoDataset
from pipeline.formats.pet_reader import pet_splits, read_pet
from pipeline.formats.voc_reader import read_voc, voc_splits
from pipeline.formats.yolo_reader import read_yolo, yolo_splits
from pipeline.records.predictions import sha256_of

__all__ = [
    "LAYOUTS",
    "Splits",
    "labels_sha256",
    "read_annotated",
    "read_splits",
    "read_to_learn",
    "recognise",
]

Splits = Mapping[str | None, CocoDataset]


@dataclass(frozen=True, slots=True)
class _Layout:
    splits: Callable[[Path], tuple[str | None, ...]]
    read: Callable[[Path, str | None], CocoDataset]


def _read_coco_folder(folder: Path, split: str | None) -> CocoDataset:
    if DatasetLayout(folder).manifest.is_file() and not read_manifest(folder).complete:
        raise DatasetError(f"{folder}: not finished; run `blendgap render` again first.")
    return read_coco(find_annotations(folder, split))


_LAYOUTS = {
    "coco": _Layout(coco_splits, _read_coco_folder),
    "yolo": _Layout(yolo_splits, read_yolo),
    "voc": _Layout(voc_splits, read_voc),
    "bop": _Layout(bop_splits, read_bop),
    "pet": _Layout(pet_splits, read_pet),
    "masks": _Layout(mask_splits, read_class_masks),  # looks like an ImageFolder of two classes
    "imagefolder": _Layout(image_folder_splits, read_labelled_folder),
}
_NAMES = ", ".join(_LAYOUTS)
LAYOUTS = tuple(_LAYOUTS)
"""Names of the layouts, the one that counts first where a folder has two."""


def recognise(folder: Path) -> str | None:
    """Which layout a folder has; None for one that we do not know.

    Raises:
        DatasetError: If what names its splits has mistakes.
    """
    return next((name for name, layout in _LAYOUTS.items() if layout.splits(folder)), None)


def read_splits(folder: Path, *, split: str | None = None, layout: str | None = None) -> Splits:
    """Every split of a folder, or one.

    Args:
        folder: Of labelled pictures.
        split: The only one to read.
        layout: One of ``LAYOUTS``; by default what the folder looks like.

    Raises:
        DatasetError: If the folder or the split is not there, or anything in it is wrong.
    """
    kind, found = _open(folder, layout)
    if split is not None and split not in found:
        names = ", ".join(name or "one without a name" for name in found)
        raise DatasetError(f"{folder}: no split {split!r}; found {names}.")
    return {name: kind.read(folder, name) for name in found if split in (None, name)}


def read_annotated(
    folder: Path, split: str | None = None, *, layout: str | None = None
) -> CocoDataset:
    """One split; by default ``test`` if there is one, else ``val``, else the first.

    Raises:
        DatasetError: As :func:`read_splits` does.
    """
    _, found = _open(folder, layout)
    usual = next((name for name in ("test", "val") if name in found), found[0])
    splits = read_splits(folder, split=split or usual, layout=layout)
    return splits[split or usual]


def read_to_learn(folder: Path, split: str | None = None) -> CocoDataset:
    """One split to train on: what is not for training must be named.

    By default ``train``, else pictures that belong to no split, else the only split whose name
    begins with ``train_`` (BOP's ``train_pbr``). A folder without splits is one for any name.

    Raises:
        DatasetError: As :func:`read_splits` does, or if nothing there is meant for training.
    """
    kind, found = _open(folder, None)
    wanted = [split] if split else ["train"]
    chosen = [name for name in (*wanted, None) if name in found][:1] or [
        name for name in found if not split and str(name).startswith("train_")
    ]
    if len(chosen) != 1:
        names = ", ".join(map(str, found))
        raise DatasetError(f"{folder}: got splits {names}; expected {wanted[0]}, or key 'split'.")
    return kind.read(folder, chosen[0])


def labels_sha256(dataset: CocoDataset) -> str:
    """SHA-256 of the annotation file; of folders without one, of all that was read of them."""
    if dataset.annotations_path.is_file():
        return sha256_of(dataset.annotations_path)
    digest = hashlib.sha256(repr(dataset.categories).encode())
    for image in dataset.images:
        record = replace(image, path=Path(), depth=None)
        digest.update(repr((record, dataset.instances[image.image_id])).encode())
    return digest.hexdigest()


def _open(folder: Path, name: str | None) -> tuple[_Layout, tuple[str | None, ...]]:
    if not folder.is_dir():
        raise DatasetError(f"{folder}: no such folder; expected labelled pictures.")
    found = name or recognise(folder)
    if found is None or not (splits := _LAYOUTS[found].splits(folder)):
        raise DatasetError(
            f"{folder}: no labelled pictures in the layout of {name or 'any of ' + _NAMES} "
            "(docs/formats.md)."
        )
    return _LAYOUTS[found], splits

"""Benchmarks divided anew: folds for cross-validation, and a part of ``train`` to tune on.

Both are written as benchmarks of their own, pictures included, so that every step that reads a
benchmark reads them too.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence, Set
from pathlib import Path
from typing import Any

import numpy as np

from evaluation.measurement import task_of
from pipeline.errors import DatasetError
from pipeline.formats.claims import load_json
from pipeline.formats.coco import find_annotations, read_coco
from pipeline.formats.imagefolder import find_class_folders, read_image_folder
from pipeline.formats.storage import write_files

__all__ = ["WHOLE", "cut_train", "fold_splits", "write_folds"]

WHOLE = "all"
"""The split that holds the pictures of all folds."""

_SEED = 0  # one division for all training seeds: only then are they compared on the same pictures
_FEWEST_GROUPS = 4
_CROP_NUMBER = re.compile(r"_\d+$")

_Document = dict[str, Any]
_Files = Iterator[tuple[str, bytes]]


def fold_splits(fold: int) -> tuple[str, str]:
    """Splits of a fold, from 1: what is trained on, and what is tested."""
    return f"rest{fold}", f"fold{fold}"


def write_folds(benchmark: Path, out: Path, *, splits: Sequence[str], folds: int) -> Path:
    """Cut the pictures of some splits into parts of equal size, by lot.

    Args:
        benchmark: With boxes or masks.
        out: Gets the splits ``fold1`` ..., ``rest1`` ... (all others) and ``all``.
        splits: To be put together; ids count anew.
        folds: How many parts.

    Returns:
        ``out``.

    Raises:
        DatasetError: If the benchmark is wrong, or has fewer pictures than folds.
    """
    document, pictures = _pooled(benchmark, splits)
    ids = [image["id"] for image in document["images"]]
    if len(ids) < folds:
        raise DatasetError(f"{benchmark}: got {len(ids)} pictures; expected at least {folds}.")
    drawn = np.random.default_rng(_SEED).permutation(ids)
    named = {WHOLE: set(ids)}
    for fold in range(1, folds + 1):
        rest, tested = fold_splits(fold)
        named[tested] = set(drawn[fold - 1 :: folds].tolist())
        named[rest] = set(ids) - named[tested]
    write_files(out, _coco_files(document, pictures, named))
    return out


def cut_train(benchmark: Path, out: Path, *, share: float) -> Path:
    """Make a benchmark of the ``train`` split alone: a part of it, drawn by lot, is its ``val``.

    Crops of the same picture (``write_crops`` numbers them ``_1``, ``_2``) stay together.

    Args:
        benchmark: With a ``train`` split.
        out: Gets the splits ``train`` and ``val``.
        share: Of ``train``, for ``val``; rounded up.

    Returns:
        ``out``.

    Raises:
        DatasetError: If the benchmark is wrong, or nothing is left to train on.
    """
    if task_of(benchmark) == "classification":
        write_files(out, _cut_folders(benchmark, share))
        return out
    document, pictures = _pooled(benchmark, ["train"])
    ids = [image["id"] for image in document["images"]]
    held_out = {ids[i] for i in _lot(len(ids), share, benchmark)}
    named = {"train": set(ids) - held_out, "val": held_out}
    write_files(out, _coco_files(document, pictures, named))
    return out


def _pooled(benchmark: Path, splits: Sequence[str]) -> tuple[_Document, dict[int, Path]]:
    """COCO files put together: ids count anew, categories are matched by name.

    Returns:
        The document, and where each picture lies by image id.
    """
    images: list[_Document] = []
    annotations: list[_Document] = []
    categories: dict[str, _Document] = {}
    pictures: dict[int, Path] = {}
    for split in splits:
        path = find_annotations(benchmark, split)
        coco, document = read_coco(path), load_json(path)
        image_ids, category_ids = {}, {}
        for entry in document["categories"]:
            known = categories.setdefault(entry["name"], entry | {"id": len(categories) + 1})
            category_ids[entry["id"]] = known["id"]
        for entry, image in zip(document["images"], coco.images, strict=True):
            image_id = image_ids[image.image_id] = len(images) + 1
            pictures[image_id] = image.path
            name = f"{split}/{image.file_name}"
            images.append(entry | {"id": image_id, "file_name": name})
        for entry in document["annotations"]:
            ids = {"image_id": image_ids[entry["image_id"]]}
            ids |= {"id": len(annotations) + 1, "category_id": category_ids[entry["category_id"]]}
            annotations.append(entry | ids)
    document = {"images": images, "annotations": annotations}
    return document | {"categories": list(categories.values())}, pictures


def _coco_files(
    document: _Document, pictures: Mapping[int, Path], named: Mapping[str, Set[int]]
) -> _Files:
    for image in document["images"]:
        yield f"images/{image['file_name']}", pictures[image["id"]].read_bytes()
    for split, ids in named.items():
        part = document | {
            "images": [image for image in document["images"] if image["id"] in ids],
            "annotations": [a for a in document["annotations"] if a["image_id"] in ids],
        }
        yield f"instances_{split}.json", json.dumps(part, allow_nan=False).encode()


def _cut_folders(benchmark: Path, share: float) -> _Files:
    folder = find_class_folders(benchmark, "train")
    paths = [image.path for image in read_image_folder(folder).images]
    groups = [_CROP_NUMBER.sub("", path.stem) for path in paths]
    if len(set(groups)) < _FEWEST_GROUPS:
        groups = [str(path) for path in paths]
    names = sorted(set(groups))
    held_out = {names[i] for i in _lot(len(names), share, benchmark)}
    for path, group in zip(paths, groups, strict=True):
        split = "val" if group in held_out else "train"
        yield f"{split}/{path.parent.name}/{path.name}", path.read_bytes()


def _lot(count: int, share: float, benchmark: Path) -> list[int]:
    """Which of so many are held out."""
    held_out = math.ceil(share * count - 1e-9)
    if held_out >= count:
        raise DatasetError(
            f"{benchmark}: got {count} pictures to train on; with a share of {share:g} to tune on "
            "none is left."
        )
    return [int(i) for i in np.random.default_rng(_SEED).permutation(count)[:held_out]]

"""ImageFolder datasets: one folder per class, one picture per example."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pipeline.errors import DatasetError
from pipeline.formats.labelled import Category, CocoDataset, CocoImage, CocoInstance
from pipeline.formats.pictures import picture_hw
from pipeline.geometry.boxes import FloatArray
from pipeline.records.predictions import sha256_of

__all__ = [
    "FolderDataset",
    "FolderImage",
    "find_class_folders",
    "folder_sha256",
    "grey_of_ink",
    "image_folder_splits",
    "read_image_folder",
    "read_labelled_folder",
]

_SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".webp"}


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderImage:
    """One example; ``image_id`` counts from 1 in the order of (class, file name)."""

    image_id: int
    category_id: int
    path: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderDataset:
    """A validated ImageFolder; category ids count from 1 in alphabetical order."""

    folder: Path
    categories: dict[int, str]
    images: tuple[FolderImage, ...]


def find_class_folders(folder: Path, split: str | None = None) -> Path:
    """The folder that holds the class folders of a split.

    ``folder/{split}`` if there is one; without a split ``test``, else ``val``, else ``folder``.

    Raises:
        DatasetError: If there is no such folder.
    """
    if not folder.is_dir():
        raise DatasetError(f"{folder}: no such folder; expected one folder per class.")
    for name in [split] if split else ["test", "val"]:
        if (folder / name).is_dir():
            return folder / name
    return folder


def read_image_folder(folder: Path) -> FolderDataset:
    """Read an ImageFolder.

    Raises:
        DatasetError: If there is no class folder, or one without pictures.
    """
    classes = sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
    if not classes:
        raise DatasetError(f"{folder}: no class folders; expected one folder per class.")
    images: list[FolderImage] = []
    for category_id, class_dir in enumerate(classes, start=1):
        paths = sorted(p for p in class_dir.iterdir() if p.suffix.lower() in _SUFFIXES)
        if not paths:
            raise DatasetError(f"{class_dir}: no pictures; expected at least one.")
        first_id = len(images) + 1
        images.extend(
            FolderImage(image_id=image_id, category_id=category_id, path=path)
            for image_id, path in enumerate(paths, start=first_id)
        )
    return FolderDataset(
        folder=folder,
        categories={i: path.name for i, path in enumerate(classes, start=1)},
        images=tuple(images),
    )


def image_folder_splits(folder: Path) -> tuple[str | None, ...]:
    """Splits of an ImageFolder: its folders that hold class folders.

    None stands for class folders that lie here; empty where there are none.
    """
    subfolders = [path for path in folder.iterdir() if path.is_dir()]
    splits = sorted(path.name for path in subfolders if any(map(_is_class, path.iterdir())))
    return tuple(splits) or ((None,) if any(map(_is_class, subfolders)) else ())


def read_labelled_folder(folder: Path, split: str | None) -> CocoDataset:
    """Read an ImageFolder like a set for detection: each picture is one whole object.

    Raises:
        DatasetError: If there is no class folder, one without pictures, or no picture in a file.
    """
    root = folder / split if split else folder
    dataset = read_image_folder(root)
    images, instances = [], {}
    for each in dataset.images:
        height, width = picture_hw(each.path)
        images.append(
            CocoImage(
                image_id=each.image_id,
                file_name=each.path.relative_to(root).as_posix(),
                path=each.path,
                width=width,
                height=height,
            )
        )
        instances[each.image_id] = (
            CocoInstance(
                annotation_id=each.image_id,
                image_id=each.image_id,
                category_id=each.category_id,
                box_xyxy=(0.0, 0.0, float(width), float(height)),
                area_px=float(width * height),
                rle=None,
                iscrowd=False,
            ),
        )
    return CocoDataset(
        annotations_path=root,
        images_dir=root,
        categories=tuple(
            Category(category_id=i, name=name) for i, name in dataset.categories.items()
        ),
        images=tuple(images),
        instances=instances,
    )


def folder_sha256(folder: Path) -> str:
    """SHA-256 over class, file name and bytes of every picture; other files do not count.

    This stands for the annotation file of an ImageFolder in ``predictions.meta.json``.

    Args:
        folder: The folder that holds the class folders.

    Raises:
        DatasetError: If it holds none, or one without pictures.
    """
    digest = hashlib.sha256()
    for image in read_image_folder(folder).images:
        name = image.path.relative_to(folder).as_posix()
        digest.update(f"{name}\0{sha256_of(image.path)}\n".encode())
    return digest.hexdigest()


def _is_class(path: Path) -> bool:
    return path.is_dir() and any(p.suffix.lower() in _SUFFIXES for p in path.iterdir())


def grey_of_ink(fraction: FloatArray) -> npt.NDArray[np.uint8]:
    """The grey that stands for a share of inked pixels: 0 is paper, 1 is ink.

    Real and rendered digits must share this mapping. Shares of n pixels (n <= 255) survive it:
    ``rint(grey * (n / 255))`` gives the count back.

    Args:
        fraction: Any shape, in [0, 1].

    >>> grey_of_ink(np.array([0, 1, 8, 16]) / 16)
    array([  0,  16, 128, 255], dtype=uint8)
    """
    return np.asarray(np.rint(255 * fraction), dtype=np.uint8)

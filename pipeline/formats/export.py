"""What every writer of a format is given, and what it writes with."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from pipeline.formats.labelled import Category, CocoDataset, CocoImage, CocoInstance
from pipeline.progress import Progress, silent
from pipeline.specs.experiment import CropSpec

__all__ = [
    "Export",
    "npy_bytes",
    "place_file",
    "png_bytes",
    "safe_word",
    "unique_stems",
    "write_file",
]

_UNSAFE = re.compile(r"[^\w\-]+", re.ASCII)


@dataclass(slots=True, kw_only=True)
class Export:
    """One run of a writer.

    Attributes:
        splits: What to write; None stands for a dataset that has no splits.
        progress: Told of every picture.
        crops: How objects are cut out, for formats of single objects.
        left_out: What the format cannot hold, and how many times that happened.
    """

    splits: Mapping[str | None, CocoDataset]
    progress: Progress = silent
    crops: CropSpec = field(default_factory=CropSpec)
    left_out: dict[str, int] = field(default_factory=dict)
    _done: int = 0

    @property
    def categories(self) -> tuple[Category, ...]:
        """Of all splits, by name, in the order of their first appearance."""
        by_name: dict[str, Category] = {}
        for dataset in self.splits.values():
            for category in dataset.categories:
                by_name.setdefault(category.name, category)
        return tuple(by_name.values())

    def pictures(
        self, dataset: CocoDataset
    ) -> Iterator[tuple[CocoImage, tuple[CocoInstance, ...]]]:
        """The pictures of one of the splits; progress is told as they are done."""
        total = sum(len(each.images) for each in self.splits.values())
        for image in dataset.images:
            yield image, dataset.instances[image.image_id]
            self._done += 1
            self.progress(self._done, total)

    def leave_out(self, what: str, count: int = 1) -> None:
        """Count what the format cannot hold."""
        self.left_out[what] = self.left_out.get(what, 0) + count


def write_file(path: Path, content: bytes) -> None:
    """Write a file of an export; the export as a whole is what appears at once or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def place_file(source: Path, target: Path) -> None:
    """Hard-link a file; copy it where the file system cannot. What is there already stays."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source.resolve(), target)
    except FileExistsError:
        return
    except OSError:
        shutil.copyfile(source, target)


def png_bytes(picture: npt.NDArray[np.uint8] | npt.NDArray[np.uint16]) -> bytes:
    """A greyscale or 16-bit PNG."""
    return bytes(cv2.imencode(".png", picture)[1].tobytes())


def npy_bytes(array: npt.NDArray[Any]) -> bytes:
    """A NumPy file."""
    stream = BytesIO()
    np.save(stream, array, allow_pickle=False)
    return stream.getvalue()


def safe_word(text: str) -> str:
    """A name that is safe as a file's on every system: letters, digits, ``_`` and ``-``."""
    return _UNSAFE.sub("_", text).strip("_") or "_"


def unique_stems(dataset: CocoDataset, taken: set[str] | None = None) -> dict[int, str]:
    """A file name without folder and suffix for every image id, as close to its own as can be.

    Args:
        dataset: The pictures.
        taken: Names, in lower case, of other pictures in the same folder; grows.
    """
    stems: dict[int, str] = {}
    taken = set() if taken is None else taken
    for image in dataset.images:
        stem = safe_word(Path(image.file_name).with_suffix("").as_posix())
        while stem.lower() in taken:
            stem = f"{stem}-{image.image_id}"
        taken.add(stem.lower())
        stems[image.image_id] = stem
    return stems

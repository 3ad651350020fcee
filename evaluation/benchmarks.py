"""Real benchmarks: the two embedded ones, finding one by name, and what one holds."""

# scikit-image ships no types.
# mypy: untyped-calls-exclude=skimage

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt
from skimage.data import coins
from sklearn.datasets import load_digits

from pipeline.dataset.histograms import summarise
from pipeline.dataset.statistics import LabelStatistics, label_statistics
from pipeline.drawing import read_rgb
from pipeline.errors import DatasetError
from pipeline.formats.annotated import recognise
from pipeline.formats.coco import find_annotations, read_coco
from pipeline.formats.exports import convert_to_coco
from pipeline.formats.imagefolder import grey_of_ink, read_image_folder
from pipeline.formats.storage import write_files

__all__ = [
    "EMBEDDED",
    "BenchmarkKind",
    "BenchmarkSummary",
    "SplitSummary",
    "describe_benchmark",
    "open_benchmark",
    "split_names",
]

BenchmarkKind = Literal["coco", "imagefolder"]

_DATA = Path(__file__).with_name("embedded")
_DIGITS_SPLITS = {"train": range(100), "test": range(897, 1797), "all": range(1797)}
_DIGITS_INK = 16  # pixels in a 4 x 4 block
_SPLIT_ORDER = ("train", "val", "test")


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitSummary:
    """What one split holds.

    Attributes:
        split: None where a folder has no splits.
        labels: Of an ImageFolder every picture is one instance without a box.
        image_hw: How many pictures have which (height, width) [px].
        has_masks: Whether every annotation carries a mask.
    """

    split: str | None
    labels: LabelStatistics
    image_hw: Mapping[tuple[int, int], int]
    has_masks: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchmarkSummary:
    """What a benchmark holds; ``train``, ``val``, ``test`` come first, in this order."""

    folder: Path
    kind: BenchmarkKind
    splits: tuple[SplitSummary, ...]


def open_benchmark(
    name_or_dir: str,
    *,
    cache: Path,
    search: Sequence[Path] = (),
    published: Mapping[str, Callable[[], Path]] = MappingProxyType({}),
) -> Path:
    """The folder of a benchmark.

    An embedded benchmark is written into ``cache``; a second call compares and writes only what
    is missing or altered. So is, as COCO, one in YOLO, VOC or BOP layout, one with a class map
    beside each picture, and the Oxford-IIIT Pets.

    Args:
        name_or_dir: Name of an embedded benchmark, else a folder, else a NAME inside one of
            ``search``.
        cache: Where embedded benchmarks are written, as ``cache/NAME``, and others as COCO.
        search: Folders of benchmarks (``--benchmarks DIR``, ``BLENDGAP_BENCHMARKS``).
        published: How to get sets by other names, where no folder is called so.

    Raises:
        DatasetError: If there is no such benchmark.
    """
    if name_or_dir in _EMBEDDED:
        return write_files(cache / name_or_dir, _EMBEDDED[name_or_dir]())
    for folder in (Path(name_or_dir), *(parent / name_or_dir for parent in search)):
        if folder.is_dir():
            return _readable(folder, cache)
    if name_or_dir in published:
        return published[name_or_dir]()
    beside = {
        path.name
        for parent in search
        if parent.is_dir()
        for path in parent.iterdir()
        if path.is_dir()
    }
    known = ", ".join([*EMBEDDED, *sorted(beside - set(EMBEDDED)), *published])
    raise DatasetError(
        f"benchmark {name_or_dir!r}: no such folder and no such name; known names: {known}. "
        "Give a folder, or the folder of benchmarks with --benchmarks."
    )


def describe_benchmark(folder: Path) -> BenchmarkSummary:
    """Count what a benchmark holds, reading every label and every picture.

    Raises:
        DatasetError: If the folder is no benchmark, a label is wrong, or a picture is missing,
            cannot be read, or has another size than its entry says.
    """
    if not folder.is_dir():
        raise DatasetError(f"{folder}: no such folder; expected a benchmark.")
    kind: BenchmarkKind = "imagefolder"
    describe = _describe_image_folder
    splits = _class_splits(folder)
    if coco_splits := _coco_splits(folder):
        kind, describe, splits = "coco", _describe_coco, coco_splits
    if not splits:
        raise DatasetError(
            f"{folder}: no benchmark; expected instances_SPLIT.json with images/, "
            "or one folder of pictures per class."
        )
    return BenchmarkSummary(
        folder=folder, kind=kind, splits=tuple(describe(folder, split) for split in splits)
    )


def split_names(folder: Path) -> tuple[str | None, ...]:
    """Names of a benchmark's splits, ``train``, ``val``, ``test`` first.

    ``None`` stands for pictures that belong to no split; empty where there is no benchmark.
    """
    return tuple(_coco_splits(folder) or _class_splits(folder))


def _coins_files() -> Iterator[tuple[str, bytes]]:
    yield "images/coins.png", _png(coins())
    for name in ("instances_test.json", "SOURCE.md"):
        yield name, (_DATA / "coins" / name).read_bytes()


def _digits_files() -> Iterator[tuple[str, bytes]]:
    digits = load_digits()
    greys = grey_of_ink(digits.images / _DIGITS_INK)
    for split, indices in _DIGITS_SPLITS.items():
        for index in indices:
            yield f"{split}/{digits.target[index]}/{index:04d}.png", _png(greys[index])
    yield "SOURCE.md", (_DATA / "digits" / "SOURCE.md").read_bytes()


_EMBEDDED: Mapping[str, Callable[[], Iterator[tuple[str, bytes]]]] = {
    "coins": _coins_files,
    "digits": _digits_files,
}
EMBEDDED = tuple(_EMBEDDED)
"""Names of the benchmarks that need no files: their pixels come with scikit-image and -learn."""


def _readable(folder: Path, cache: Path) -> Path:
    """A folder that we score on as it is, or what it is in COCO."""
    if recognise(folder) in ("yolo", "voc", "bop", "pet", "masks"):
        return convert_to_coco(folder, cache=cache)
    return folder


def _png(grey: npt.NDArray[np.uint8]) -> bytes:
    return bytes(cv2.imencode(".png", grey)[1].tobytes())


def _coco_splits(folder: Path) -> list[str | None]:
    parents = (folder, folder / "annotations")
    names = {
        path.stem.removeprefix("instances_")
        for parent in parents
        for path in parent.glob("instances_*.json")
    }
    whole = (folder / "annotations" / "instances.json").is_file()
    return [*_in_order(names), *([None] if whole else [])]


def _class_splits(folder: Path) -> list[str | None]:
    """Subfolders with class folders; [None] where the class folders lie here, [] without any."""
    subfolders = [path for path in folder.iterdir() if path.is_dir()]
    splits = [path.name for path in subfolders if any(p.is_dir() for p in path.iterdir())]
    return [*_in_order(splits)] or ([None] if subfolders else [])


def _in_order(splits: Iterable[str]) -> list[str]:
    usual = [split for split in _SPLIT_ORDER if split in splits]
    return usual + sorted(set(splits) - set(usual))


def _describe_coco(folder: Path, split: str | None) -> SplitSummary:
    dataset = read_coco(find_annotations(folder, split))
    image_hw: Counter[tuple[int, int]] = Counter()
    for image in dataset.images:
        hw = _picture_hw(image.path)
        if hw != (image.height, image.width):
            raise DatasetError(
                f"{image.path}: got {hw[1]} x {hw[0]} px; "
                f"{dataset.annotations_path.name} says {image.width} x {image.height}."
            )
        image_hw[hw] += 1
    return SplitSummary(
        split=split,
        labels=label_statistics(dataset),
        image_hw=dict(image_hw),
        has_masks=dataset.has_masks,
    )


def _describe_image_folder(folder: Path, split: str | None) -> SplitSummary:
    dataset = read_image_folder(folder / split if split else folder)
    counts = Counter(image.category_id for image in dataset.images)
    return SplitSummary(
        split=split,
        labels=LabelStatistics(
            images=len(dataset.images),
            instances=len(dataset.images),
            crowds=0,
            per_category={name: counts[i] for i, name in dataset.categories.items()},
            per_image=summarise([1] * len(dataset.images)),
        ),
        image_hw=dict(Counter(_picture_hw(image.path) for image in dataset.images)),
        has_masks=False,
    )


def _picture_hw(path: Path) -> tuple[int, int]:
    height, width = read_rgb(path).shape[:2]
    return height, width

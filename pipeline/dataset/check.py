"""Whether a dataset on disk is what it claims to be."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from pipeline.dataset.agreement import label_problems
from pipeline.dataset.entries import Entry, annotation_entries, image_entry, image_id
from pipeline.dataset.frames import read_record
from pipeline.dataset.hashes import hash_lines
from pipeline.dataset.instances import Picture, read_head, read_pictures
from pipeline.dataset.layout import DatasetLayout
from pipeline.dataset.manifest import Manifest, read_manifest
from pipeline.dataset.pictures import PictureStatistics, PictureStatisticsBuilder
from pipeline.dataset.statistics import LabelStatistics, StatisticsBuilder
from pipeline.errors import DatasetError
from pipeline.progress import Progress, silent
from pipeline.records.annotations import FrameRecord
from pipeline.records.predictions import sha256_of

__all__ = ["DatasetReport", "check_dataset"]

_NAMES = {"bbox": "box", "segmentation": "mask", "category_id": "category"}


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetReport:
    """What a check found.

    Attributes:
        statistics: Of the labels in the frame records.
        pictures: Of those that could be read.
        problems: One line each; empty when all is well.
    """

    manifest: Manifest
    statistics: LabelStatistics
    pictures: PictureStatistics
    problems: tuple[str, ...]


def check_dataset(folder: Path, *, progress: Progress = silent) -> DatasetReport:
    """Check structure, hashes and labels of a finished dataset, frame by frame.

    Every file is compared with its hash, every label with what can be derived without Blender,
    every entry of instances.json with the frame's record. Memory does not grow with the dataset.

    Raises:
        DatasetError: If the folder is no finished dataset, or its COCO file cannot be read.
    """
    layout = DatasetLayout(folder)
    manifest = read_manifest(folder)
    if not manifest.complete:
        raise DatasetError(
            f"{folder}: rendering has not finished; run `blendgap render` again to go on."
        )
    statistics = StatisticsBuilder(manifest.categories, keypoints=manifest.keypoints)
    sequence = manifest.spec.sequence
    looks = PictureStatisticsBuilder(sequence_frames=sequence.frames if sequence else None)
    pictures = _Pictures(read_pictures(layout.annotations))
    listing = hashlib.sha256()
    problems: list[str] = []
    total = manifest.spec.frames - len(manifest.quarantined)
    for done, frame in enumerate(manifest.present_frames(), start=1):
        picture = pictures.take(image_id(frame))
        try:
            record = read_record(layout, frame)
            problems += (
                f"frame {frame}: {what}"
                for what in _entry_problems(picture, frame, record, manifest)
            )
            problems += _hash_problems(layout, record.files)
            problems += (
                f"frame {frame}: {what}" for what in label_problems(layout, manifest, frame, record)
            )
            for line in hash_lines(layout, frame, record):
                listing.update(line)
            statistics.add(record)
            looks.add(frame, _read_picture(layout.folder / record.image, record))
        except DatasetError as error:
            problems.append(str(error))
        progress(done, total)
    problems += _whole_problems(layout, manifest, pictures)
    if not problems and listing.hexdigest() != sha256_of(layout.hashes):
        name = layout.relative(layout.hashes)
        problems.append(f"{name} lists other hashes than the frames; delete it and render again.")
    return DatasetReport(
        manifest=manifest,
        statistics=statistics.statistics(),
        pictures=looks.statistics(),
        problems=tuple(dict.fromkeys(problems)),
    )


class _Pictures:
    """Looks up the pictures of the COCO file by ascending id."""

    def __init__(self, pictures: Iterator[Picture]) -> None:
        self._pictures = pictures
        self._upcoming = next(pictures, None)
        self.count = 0
        self.annotations = 0
        self.strange: list[int] = []

    def take(self, wanted: float) -> Picture | None:
        """The picture of an id; those before it that nobody asked for are strange."""
        while self._upcoming is not None and self._upcoming.image["id"] < wanted:
            self.strange.append(self._advance().image["id"])
        found = self._upcoming is not None and self._upcoming.image["id"] == wanted
        return self._advance() if found else None

    def _advance(self) -> Picture:
        picture = self._upcoming
        assert picture is not None
        self.count += 1
        self.annotations += len(picture.annotations)
        self._upcoming = next(self._pictures, None)
        return picture


def _entry_problems(
    picture: Picture | None, frame: int, record: FrameRecord, manifest: Manifest
) -> Iterator[str]:
    if picture is None:
        yield f"lost; instances.json has no image {image_id(frame)}."
        return
    for what in _differing(picture.image, image_entry(frame, record, manifest.spec)):
        yield f"image: {what} differs from the record."
    found = {entry.get("id"): entry for entry in picture.annotations}
    for expected in annotation_entries(frame, record, manifest):
        entry = found.pop(expected["id"], None)
        if entry is None:
            yield f"annotation {expected['id']} is missing."
            continue
        for what in _differing(entry, expected):
            yield f"annotation {expected['id']}: {what} differs from the record."
    for extra in found:
        yield f"annotation {extra} belongs to no labelled instance."


def _differing(entry: Entry, expected: Entry) -> Iterable[str]:
    keys = dict.fromkeys([*expected, *entry])
    return (_NAMES.get(key, key) for key in keys if entry.get(key) != expected.get(key))


def _hash_problems(layout: DatasetLayout, files: dict[str, str]) -> Iterator[str]:
    for name, expected in files.items():
        path = layout.folder / name
        if not path.is_file():
            yield f"{name} is missing; render again to restore it."
        elif sha256_of(path) != expected:
            yield f"{name} has changed since it was written; delete it and render again."


def _whole_problems(
    layout: DatasetLayout, manifest: Manifest, pictures: _Pictures
) -> Iterator[str]:
    pictures.take(float("inf"))
    for strange in pictures.strange:
        yield f"instances.json: image {strange} belongs to no frame."
    for what, found, expected in (
        ("images", pictures.count, manifest.counts.get("frames")),
        ("annotations", pictures.annotations, manifest.counts.get("instances")),
    ):
        if found != expected:
            yield f"instances.json has {found} {what}; the manifest says {expected}."
    names = tuple(entry.get("name") for entry in read_head(layout.annotations)["categories"])
    if names != manifest.categories:
        yield f"instances.json has categories {names}; the manifest says {manifest.categories}."
    yield from _hash_problems(layout, manifest.files)


def _read_picture(path: Path, record: FrameRecord) -> npt.NDArray[np.uint8]:
    picture = cv2.imread(str(path), cv2.IMREAD_UNCHANGED) if path.is_file() else None
    if picture is None:
        raise DatasetError(f"{path}: cannot be read as a picture; render again to restore it.")
    if picture.shape[:2] != record.image_hw:
        raise DatasetError(
            f"{path}: got {picture.shape[:2]} (height, width); the record says {record.image_hw}."
        )
    return np.asarray(picture, np.uint8)

"""Whether a dataset on disk is what it claims to be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from pipeline.annotate.instances import label_instances
from pipeline.dataset.assembly import annotation_id, image_id
from pipeline.dataset.frames import read_ids, read_record
from pipeline.dataset.layout import DatasetLayout
from pipeline.dataset.manifest import Manifest, read_manifest
from pipeline.dataset.statistics import LabelStatistics, label_statistics
from pipeline.errors import DatasetError
from pipeline.formats.coco import CocoDataset, CocoInstance, read_coco
from pipeline.progress import Progress, silent
from pipeline.records.annotations import FrameRecord, InstanceLabel
from pipeline.records.predictions import sha256_of
from pipeline.records.scene import SampledInstance

__all__ = ["DatasetReport", "check_dataset"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetReport:
    """What a check found.

    Attributes:
        problems: One line each; empty when all is well.
        brightness: Mean and standard deviation of all pixels, fraction of full scale.
    """

    manifest: Manifest
    statistics: LabelStatistics
    problems: tuple[str, ...]
    brightness: tuple[float, float]


def check_dataset(folder: Path, *, progress: Progress = silent) -> DatasetReport:
    """Check structure, hashes and labels of a finished dataset.

    Every label in instances.json is compared with one derived anew from the id pass, every
    file with its hash in the manifest, every picture with its size.

    Raises:
        DatasetError: If the folder is no finished dataset, or its COCO file cannot be read.
    """
    layout = DatasetLayout(folder)
    manifest = read_manifest(folder)
    if not manifest.complete:
        raise DatasetError(
            f"{folder}: rendering has not finished; run `blendgap render` again to go on."
        )
    coco = read_coco(layout.annotations)
    problems = list(_count_problems(manifest, coco)) + list(_hash_problems(layout, manifest))
    sums = np.zeros(3)
    frames = [i for i in range(manifest.spec.frames) if i not in manifest.quarantined]
    for done, frame in enumerate(frames, start=1):
        try:
            record = read_record(layout, frame)
            problems += _frame_problems(layout, manifest, coco, frame, record)
            picture = _read_picture(layout.folder / record.image, record) / 255.0
            sums += (picture.size, picture.sum(), (picture**2).sum())
        except DatasetError as error:
            problems.append(str(error))
        progress(done, len(frames))
    count, total, squares = sums
    mean = total / count if count else float("nan")
    deviation = float(np.sqrt(max(squares / count - mean**2, 0.0))) if count else float("nan")
    return DatasetReport(
        manifest=manifest,
        statistics=label_statistics(coco),
        problems=tuple(dict.fromkeys(problems)),
        brightness=(float(mean), deviation),
    )


def _count_problems(manifest: Manifest, coco: CocoDataset) -> Iterator[str]:
    expected = manifest.spec.frames - len(manifest.quarantined)
    if len(coco.images) != expected:
        yield f"instances.json has {len(coco.images)} images; the manifest says {expected}."
    found = sum(len(group) for group in coco.instances.values())
    if found != manifest.counts.get("instances"):
        yield (
            f"instances.json has {found} annotations; "
            f"the manifest says {manifest.counts.get('instances')}."
        )
    names = tuple(category.name for category in coco.categories)
    if names != manifest.categories:
        yield f"instances.json has categories {names}; the manifest says {manifest.categories}."


def _hash_problems(layout: DatasetLayout, manifest: Manifest) -> Iterator[str]:
    for name, expected in manifest.files.items():
        path = layout.folder / name
        if not path.is_file():
            yield f"{name} is missing."
        elif sha256_of(path) != expected:
            yield f"{name} has changed since it was rendered."


def _frame_problems(
    layout: DatasetLayout, manifest: Manifest, coco: CocoDataset, frame: int, record: FrameRecord
) -> list[str]:
    if image_id(frame) not in coco.instances:
        return [f"frame {frame}: lost; instances.json has no image {image_id(frame)}."]
    in_scene = _scene_instances(layout, frame, record)
    try:
        expected = label_instances(
            read_ids(layout.ids(frame)),
            in_scene,
            min_visible_px=manifest.spec.labels.min_visible_px,
        )
    except ValueError as error:
        return [f"frame {frame}: {error}"]
    found = {i.annotation_id: i for i in coco.instances[image_id(frame)]}
    category_ids = {category.name: category.category_id for category in coco.categories}
    problems = []
    for label in expected:
        instance = found.pop(annotation_id(frame, label.instance_id), None)
        if instance is None:
            problems.append(f"frame {frame}: instance {label.instance_id} has no annotation.")
        else:
            problems += [
                f"frame {frame}: instance {label.instance_id}: {what} differs from the id pass."
                for what in _differences(label, instance, category_ids)
            ]
    problems += [
        f"frame {frame}: annotation {extra} belongs to no visible pixel." for extra in found
    ]
    return problems


def _scene_instances(
    layout: DatasetLayout, frame: int, record: FrameRecord
) -> list[SampledInstance]:
    entries = record.scene.get("instances")
    if not isinstance(entries, list):
        raise DatasetError(f"{layout.record(frame)}: the sampled scene lists no instances.")
    keys = SampledInstance.model_fields
    return [SampledInstance(**{key: entry[key] for key in keys}) for entry in entries]


def _differences(
    label: InstanceLabel, instance: CocoInstance, category_ids: dict[str, int]
) -> Iterator[str]:
    if instance.category_id != category_ids.get(label.category):
        yield "category"
    if instance.rle != label.rle:
        yield "mask"
    if instance.box_xyxy != label.box_xyxy:
        yield "box"
    if instance.area_px != label.area_px:
        yield "area"
    if instance.iscrowd != label.iscrowd:
        yield "iscrowd"


def _read_picture(
    path: Path, record: FrameRecord
) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    picture = cv2.imread(str(path), cv2.IMREAD_UNCHANGED) if path.is_file() else None
    if picture is None:
        raise DatasetError(f"{path}: cannot be read as a picture; render again to restore it.")
    if picture.shape[:2] != record.image_hw:
        raise DatasetError(
            f"{path}: got {picture.shape[:2]} (height, width); the record says {record.image_hw}."
        )
    return np.asarray(picture)

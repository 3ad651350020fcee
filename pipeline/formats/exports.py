"""Labelled pictures written in any of the formats that others read."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from pipeline.dataset.lock import writer_lock
from pipeline.errors import DatasetError
from pipeline.formats.annotated import Splits, read_splits
from pipeline.formats.bop import write_bop
from pipeline.formats.coco_writer import write_coco
from pipeline.formats.crops import fill_with_crops
from pipeline.formats.export import Export
from pipeline.formats.mot import write_mot
from pipeline.formats.shards import write_webdataset
from pipeline.formats.storage import write_json_atomic
from pipeline.formats.voc import write_voc
from pipeline.formats.yolo import write_yolo
from pipeline.progress import Progress, silent
from pipeline.specs.experiment import CropSpec

__all__ = ["FORMATS", "ExportReport", "convert_to_coco", "export_pictures"]

_MARKER = "export.json"


class ExportReport(BaseModel):
    """``export.json``: what an export holds.

    Attributes:
        format: One of ``FORMATS``.
        key: SHA-256 of what it was made from.
        left_out: What the format cannot hold, and how often that happened.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: str
    key: str
    images: int
    instances: int
    left_out: dict[str, int]


def _write_imagefolder(export: Export, folder: Path) -> None:
    for split, dataset in export.splits.items():
        count = fill_with_crops(
            folder / split if split else folder, dataset, export.crops, progress=export.progress
        )
        lost = sum(map(len, dataset.instances.values())) - count
        if lost:
            export.leave_out("crowds and objects at their picture's border", lost)


_WRITERS: Mapping[str, Callable[[Export, Path], None]] = {
    "coco": write_coco,
    "yolo": write_yolo,
    "yolo-segment": partial(write_yolo, task="segment"),
    "yolo-pose": partial(write_yolo, task="pose"),
    "voc": write_voc,
    "bop": write_bop,
    "mot": write_mot,
    "imagefolder": _write_imagefolder,
    "webdataset": write_webdataset,
}
FORMATS = tuple(_WRITERS)


def export_pictures(
    splits: Splits,
    out: Path,
    *,
    to: str,
    crops: CropSpec | None = None,
    progress: Progress = silent,
) -> ExportReport:
    """Write labelled pictures in another format.

    ``out`` appears whole or not at all; where it already holds this very export nothing is done.
    Pictures are hard-linked, copied where the file system cannot, and encoded anew only where
    the format demands it.

    Args:
        splits: The pictures; None stands for a dataset that has no splits.
        out: A new or empty folder.
        to: One of ``FORMATS``.
        crops: How to cut objects out, for ``imagefolder``.
        progress: Counts pictures.

    Raises:
        DatasetError: If the format cannot hold the dataset, a name cannot be written, or ``out``
            holds other files.
    """
    if to not in _WRITERS:
        raise DatasetError(f"format {to!r}: expected one of {', '.join(FORMATS)}.")
    _check_names(splits)
    export = Export(splits=splits, progress=progress, crops=crops or CropSpec())
    key = _key(export, to)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        there = _read_marker(out)
        if there is not None and there.key == key:
            return there
        raise DatasetError(f"{out}: holds something else; remove it or choose another folder.")
    part = out.with_name(f".{out.name}.part")
    with writer_lock(part):
        for path in part.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            elif path.name != ".lock":
                path.unlink()
        _WRITERS[to](export, part)
        report = ExportReport(
            format=to,
            key=key,
            images=sum(len(dataset.images) for dataset in splits.values()),
            instances=sum(len(g) for d in splits.values() for g in d.instances.values()),
            left_out=export.left_out,
        )
        write_json_atomic(part / _MARKER, report.model_dump(mode="json"))
        (part / ".lock").unlink()
        part.replace(out)
    return report


def convert_to_coco(folder: Path, *, cache: Path, layout: str | None = None) -> Path:
    """Labelled pictures in any layout as a COCO folder.

    Args:
        folder: Read every time, so that what is returned is never out of date.
        layout: As :func:`pipeline.formats.annotated.read_splits` takes it.
        cache: Where the COCO folder is written, under a name of its own for every state of
            ``folder``.

    Raises:
        DatasetError: If there is anything wrong in the folder.
    """
    splits = read_splits(folder, layout=layout)
    export = Export(splits=splits)
    cache.mkdir(parents=True, exist_ok=True)
    out = cache / f"{folder.resolve().name}-{_key(export, 'coco')[:16]}"
    export_pictures(splits, out, to="coco")
    return out


def _read_marker(out: Path) -> ExportReport | None:
    try:
        return ExportReport.model_validate_json((out / _MARKER).read_bytes())
    except (OSError, ValidationError):
        return None


def _check_names(splits: Splits) -> None:
    for dataset in splits.values():
        names = [category.name for category in dataset.categories]
        for name in (*names, *(image.file_name for image in dataset.images)):
            if not name or not name.isprintable() or name != name.strip():
                raise DatasetError(
                    f"{dataset.annotations_path}: name {name!r}: expected printable characters "
                    "and no space at its ends; rename it."
                )


def _key(export: Export, to: str) -> str:
    """SHA-256 of the records, and of the size and time of every file; not of where they lie."""
    digest = hashlib.sha256(f"{to} {export.crops.model_dump_json()}".encode())
    for split, dataset in export.splits.items():
        models = [(n, m.unit_m, m.info, _facts(m.path)) for n, m in dataset.models.items()]
        digest.update(repr((split, dataset.categories, dataset.videos, models)).encode())
        for image in dataset.images:
            depth = image.depth and (image.depth.unit_m, _facts(image.depth.path))
            record = replace(image, path=Path(), depth=None)
            entry = (record, dataset.instances[image.image_id], _facts(image.path), depth)
            digest.update(repr(entry).encode())
    return digest.hexdigest()


def _facts(path: Path) -> tuple[int, int]:
    facts = path.stat()
    return facts.st_size, facts.st_mtime_ns

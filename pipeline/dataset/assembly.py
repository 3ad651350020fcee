"""From frame records to the COCO file, the manifest and the card."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections import Counter
from pathlib import Path
from typing import IO, Any

from pipeline.dataset.card import card_text
from pipeline.dataset.frames import read_record
from pipeline.dataset.layout import DatasetLayout
from pipeline.dataset.manifest import Manifest, write_manifest
from pipeline.formats.storage import write_text_atomic
from pipeline.records.annotations import FrameRecord
from pipeline.records.predictions import sha256_of

__all__ = ["annotation_id", "assemble", "image_id"]

_INSTANCES_PER_FRAME = 2**15  # pass_index is a 16-bit signed integer


def image_id(frame: int) -> int:
    """COCO image id of a frame: ids start at 1."""
    return frame + 1


def annotation_id(frame: int, instance_id: int) -> int:
    """COCO annotation id, from frame and instance alone: a resumed run gives the same ones."""
    return image_id(frame) * _INSTANCES_PER_FRAME + instance_id


def assemble(folder: Path, manifest: Manifest, *, wall_seconds: float) -> Manifest:
    """Write instances.json, manifest.json and card.md from the frame records.

    Reads one record at a time, so memory does not grow with the dataset.

    Args:
        folder: The dataset.
        manifest: As at the start of the run, with quarantined frames filled in.
        wall_seconds: Of this run, or of all runs so far.

    Returns:
        The finished manifest.

    Raises:
        DatasetError: If a frame that is not quarantined has no readable record.
    """
    layout = DatasetLayout(folder)
    category_ids = {name: i for i, name in enumerate(manifest.categories, start=1)}
    counts: Counter[str] = Counter()
    seconds: Counter[str] = Counter()
    files: dict[str, str] = {}
    temporary = layout.annotations.with_name(f".instances.json.{os.getpid()}.tmp")
    try:
        with temporary.open("w", encoding="utf-8") as out, _spool(folder) as annotations:
            out.write(_head(manifest))
            for frame in range(manifest.spec.frames):
                if frame in manifest.quarantined:
                    continue
                record = read_record(layout, frame)
                out.write(",\n" if counts["frames"] else "\n")
                out.write(json.dumps(_image_entry(frame, record)))
                for entry in _annotation_entries(frame, record, category_ids):
                    annotations.write(",\n" if counts["instances"] else "\n")
                    annotations.write(json.dumps(entry))
                    counts["instances"] += 1
                    counts["crowds"] += entry["iscrowd"]
                counts["frames"] += 1
                seconds.update(record.seconds)
                files |= record.files
            out.write('\n],\n"annotations": [')
            annotations.seek(0)
            shutil.copyfileobj(annotations, out)
            out.write("\n]}\n")
            out.flush()
            os.fsync(out.fileno())
        temporary.replace(layout.annotations)
    finally:
        temporary.unlink(missing_ok=True)
    finished = manifest.model_copy(
        update={
            "complete": True,
            "counts": {
                **{key: counts[key] for key in ("frames", "instances", "crowds")},
                "quarantined": len(manifest.quarantined),
            },
            "seconds": {"wall": round(wall_seconds, 3)}
            | {key: round(value, 3) for key, value in sorted(seconds.items())},
            "files": files | {layout.relative(layout.annotations): sha256_of(layout.annotations)},
        }
    )
    write_text_atomic(layout.card, card_text(folder, finished))
    write_manifest(folder, finished)
    return finished


def _spool(folder: Path) -> IO[str]:
    return tempfile.TemporaryFile("w+", encoding="utf-8", dir=folder)


def _head(manifest: Manifest) -> str:
    categories = [
        {"id": i, "name": name, "supercategory": manifest.spec.scene}
        for i, name in enumerate(manifest.categories, start=1)
    ]
    info = {
        "description": f"blendgap scene '{manifest.spec.scene}', seed {manifest.spec.seed}",
        "version": manifest.versions["blendgap"],
    }
    return (
        f'{{"info": {json.dumps(info)},\n"licenses": [],\n'
        f'"categories": {json.dumps(categories)},\n"images": ['
    )


def _image_entry(frame: int, record: FrameRecord) -> dict[str, Any]:
    height, width = record.image_hw
    return {
        "id": image_id(frame),
        "file_name": Path(record.image).name,
        "width": width,
        "height": height,
    }


def _annotation_entries(
    frame: int, record: FrameRecord, category_ids: dict[str, int]
) -> list[dict[str, Any]]:
    entries = []
    for label in record.labels:
        x0, y0, x1, y1 = label.box_xyxy
        entries.append(
            {
                "id": annotation_id(frame, label.instance_id),
                "image_id": image_id(frame),
                "category_id": category_ids[label.category],
                "bbox": [x0, y0, x1 - x0, y1 - y0],
                "area": label.area_px,  # COCO: the mask's area, not w * h
                "segmentation": label.rle,
                "iscrowd": int(label.iscrowd),
            }
        )
    return entries

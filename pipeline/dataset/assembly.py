"""From frame records to the COCO file, the hashes, the statistics, the card, the manifest."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from pipeline.dataset.card import write_card
from pipeline.dataset.entries import annotation_entries, head_entries, image_entry
from pipeline.dataset.frames import read_record
from pipeline.dataset.hashes import hash_lines
from pipeline.dataset.instances import open_instances
from pipeline.dataset.layout import DatasetLayout
from pipeline.dataset.manifest import Manifest, write_manifest
from pipeline.dataset.statistics import DatasetStatistics, StatisticsBuilder, write_statistics
from pipeline.formats.storage import open_atomic, write_json_atomic
from pipeline.records.annotations import FrameRecord
from pipeline.records.predictions import sha256_of

__all__ = ["assemble"]


def assemble(folder: Path, manifest: Manifest, *, wall_seconds: float) -> Manifest:
    """Write the files of the whole dataset from the frame records.

    These are instances.json, files.sha256, statistics.json, card.md and manifest.json, and
    models/models_info.json where something is known of the models, as their symmetries.

    Reads one record at a time, so memory does not grow with the dataset. The manifest, written
    last, says that the dataset is complete.

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
    counts: Counter[str] = Counter()
    seconds: Counter[str] = Counter()
    facts: dict[str, object] = {}
    statistics = StatisticsBuilder(manifest.categories, keypoints=manifest.keypoints)
    with (
        open_atomic(layout.hashes) as hashes,
        open_instances(layout.annotations, head_entries(manifest)) as instances,
    ):
        for frame in manifest.present_frames():
            record = read_record(layout, frame)
            annotations = annotation_entries(frame, record, manifest)
            instances.add(image_entry(frame, record, manifest.spec), annotations)
            hashes.writelines(hash_lines(layout, frame, record))
            statistics.add(record)
            facts |= _model_facts(record)
            counts["frames"] += 1
            counts["instances"] += len(annotations)
            counts["crowds"] += sum(label.iscrowd for label in record.labels)
            seconds.update(record.seconds)
    whole = [layout.annotations, layout.hashes]
    if facts:
        write_json_atomic(layout.models_info, dict(sorted(facts.items())))
        whole.append(layout.models_info)
    finished = manifest.model_copy(
        update={
            "complete": True,
            "counts": {
                **{key: counts[key] for key in ("frames", "instances", "crowds")},
                "quarantined": len(manifest.quarantined),
            },
            "seconds": {"wall": round(wall_seconds, 3)}
            | {key: round(value, 3) for key, value in sorted(seconds.items())},
            "files": {layout.relative(path): sha256_of(path) for path in whole},
        }
    )
    write_statistics(layout, DatasetStatistics(labels=statistics.statistics()))
    write_card(folder, finished)
    write_manifest(folder, finished)
    return finished


def _model_facts(record: FrameRecord) -> dict[str, object]:
    # BOP's facts by name of the model, of instances whose family knows some.
    instances: Any = record.scene["instances"]
    known = {instance["instance_id"]: instance.get("model_info") for instance in instances}
    return {
        label.model: facts
        for label in record.labels
        if label.model is not None and (facts := known.get(label.instance_id))
    }

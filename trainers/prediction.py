"""Prediction: run folder and pictures in, predictions file out."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from pipeline.drawing import read_rgb
from pipeline.errors import DatasetError
from pipeline.formats.storage import write_bytes_atomic, write_json_atomic
from pipeline.geometry.boxes import xywh_from_xyxy
from pipeline.geometry.masks import rle_of_mask
from pipeline.progress import Progress, silent
from pipeline.records.predictions import PredictionsMeta, meta_path
from trainers.augmentation import fit_square
from trainers.checkpoints import Checkpoint, read_checkpoint
from trainers.classifier import CompactClassifier
from trainers.compact.decoding import DetectedObject, detect
from trainers.compact.network import CompactDetector
from trainers.devices import open_device, use_all_cores
from trainers.examples import ByteImage
from trainers.pictures import Picture, PictureSet, open_pictures

__all__ = ["predict"]

_CLASSIFY_AT_ONCE = 256


def predict(
    run_dir: Path,
    target: Path,
    out: Path,
    *,
    split: str | None = None,
    progress: Progress = silent,
) -> Path:
    """Predict with a trained network, at the pictures' own scale.

    Writes a COCO results file and ``*.meta.json`` beside it (pipeline/records/predictions.py);
    a detector also writes its semantic maps into ``{stem of out}_semantic``.

    Args:
        run_dir: A finished run, or its checkpoint.
        target: Our dataset, a COCO or ImageFolder benchmark, a folder of pictures, one picture.
            Pictures without labels get ids from 1 in the order of their names, and the ids of
            the categories count from 1 in the network's order.
        out: The predictions file to write.
        split: Of a benchmark.
        progress: Told of every picture.

    Returns:
        ``out``.

    Raises:
        CheckpointError: If ``run_dir`` holds no finished run.
        DatasetError: If a picture cannot be read, or no category is one that the network knows.
    """
    checkpoint = read_checkpoint(run_dir)
    pictures = open_pictures(target, task=checkpoint.task, split=split)
    categories = pictures.categories or dict(enumerate(checkpoint.categories, start=1))
    ids = _category_ids(checkpoint, categories, target)
    network = checkpoint.network(open_device("auto"))
    out.parent.mkdir(parents=True, exist_ok=True)
    semantic_dir = out.with_name(f"{out.stem}_semantic") if checkpoint.has_masks else None
    with use_all_cores():
        if isinstance(network, CompactDetector):
            done = _detect_all(network, pictures, ids, semantic_dir, progress)
        else:
            done = _classify_all(network, pictures, ids, checkpoint.input_px, progress)
    write_json_atomic(out, done.entries)
    meta = PredictionsMeta(
        annotations_sha256=pictures.sha256,
        categories=categories,
        image_ids=[picture.image_id for picture in pictures.pictures],
        task=checkpoint.task,
        model=checkpoint.model.name,
        run=(run_dir if run_dir.is_dir() else run_dir.parent).name,
        seed=checkpoint.seed,
        semantic_dir=semantic_dir.name if semantic_dir else None,
        seconds_per_image=done.seconds / len(pictures.pictures),
    )
    write_bytes_atomic(meta_path(out), meta.model_dump_json(indent=1).encode() + b"\n")
    return out


@dataclass(slots=True, kw_only=True)
class _Done:
    """Entries of the results file, and the seconds spent in networks and post-processing."""

    entries: list[dict[str, Any]]
    seconds: float = 0.0


def _category_ids(
    checkpoint: Checkpoint, categories: dict[int, str], target: Path
) -> dict[int, int]:
    """Class index to category id, matched by name; classes that the target lacks are left out."""
    id_of = {name: category_id for category_id, name in categories.items()}
    ids = {i: id_of[name] for i, name in enumerate(checkpoint.categories) if name in id_of}
    if not ids:
        raise DatasetError(
            f"{target}: its categories are {', '.join(categories.values())}; "
            f"the network knows {', '.join(checkpoint.categories)}. They are matched by name."
        )
    return ids


def _detect_all(
    network: CompactDetector,
    pictures: PictureSet,
    ids: dict[int, int],
    semantic_dir: Path | None,
    progress: Progress,
) -> _Done:
    done = _Done(entries=[])
    pixel_of = np.zeros(1 + network.class_count, np.uint8 if max(ids.values()) < 256 else np.uint16)
    for class_index, category_id in ids.items():
        pixel_of[1 + class_index] = category_id
    for count, picture in enumerate(pictures.pictures, start=1):
        image = _read(picture)
        started = time.perf_counter()
        result = detect(network, image, with_masks=semantic_dir is not None)
        done.seconds += time.perf_counter() - started
        done.entries += [
            _entry(item, picture.image_id, ids[item.class_index])
            for item in result.objects
            if item.class_index in ids
        ]
        if semantic_dir is not None:
            semantic_dir.mkdir(exist_ok=True)
            _, data = cv2.imencode(".png", np.take(pixel_of, result.class_map))
            write_bytes_atomic(semantic_dir / f"{picture.image_id}.png", data.tobytes())
        progress(count, len(pictures.pictures))
    return done


def _entry(item: DetectedObject, image_id: int, category_id: int) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "image_id": image_id,
        "category_id": category_id,
        "bbox": [round(float(v), 3) for v in xywh_from_xyxy(item.box_xyxy)],
        "score": round(item.score, 6),
    }
    if item.mask is not None:
        entry["segmentation"] = rle_of_mask(item.mask)
    return entry


def _classify_all(
    network: CompactClassifier,
    pictures: PictureSet,
    ids: dict[int, int],
    side_px: int,
    progress: Progress,
) -> _Done:
    done = _Done(entries=[])
    total = len(pictures.pictures)
    for start in range(0, total, _CLASSIFY_AT_ONCE):
        chunk = pictures.pictures[start : start + _CLASSIFY_AT_ONCE]
        images = [fit_square(_read(picture), side_px=side_px) for picture in chunk]
        started = time.perf_counter()
        probabilities = network.probabilities(np.stack(images))
        done.seconds += time.perf_counter() - started
        for picture, values in zip(chunk, probabilities.tolist(), strict=True):
            scores = {category_id: round(values[i], 6) for i, category_id in ids.items()}
            best = max(scores, key=lambda category_id: scores[category_id])
            done.entries.append(
                {
                    "image_id": picture.image_id,
                    "category_id": best,
                    "score": scores[best],
                    "scores": scores,
                }
            )
        progress(start + len(chunk), total)
    return done


def _read(picture: Picture) -> ByteImage:
    image = read_rgb(picture.path)
    if picture.image_hw not in (None, image.shape[:2]):
        raise DatasetError(
            f"{picture.path}: got {image.shape[1]} x {image.shape[0]} px; its COCO entry says "
            f"{picture.image_hw[1]} x {picture.image_hw[0]}. Correct one of them."
        )
    return image

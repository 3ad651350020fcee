"""What is measured of one predictions file on one test set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from evaluation.alignment import OTHER_CLASS, Alignment, align_answers, align_detections
from evaluation.bootstrap import Estimate, Units, bootstrap
from evaluation.class_maps import class_indices, map_reader
from evaluation.metrics.classification import classification_statistic, confusion_matrix
from evaluation.metrics.detection import MatchKind, ap_statistic, match_detections
from evaluation.metrics.semantic import (
    confusion_counts,
    semantic_statistic,
    semantic_units,
    truth_map,
)
from evaluation.sheet import ConfusionTable, MetricKey
from pipeline.errors import DatasetError
from pipeline.formats.coco import CocoDataset, find_annotations, read_coco
from pipeline.formats.imagefolder import find_class_folders, folder_sha256, read_image_folder
from pipeline.records.predictions import Task, sha256_of

__all__ = ["Measurement", "measure_classification", "measure_detection", "task_of"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Measurement:
    """Scores of one predictions file and the files behind them.

    Attributes:
        task: What was measured.
        split: The split read; None where the test set has none.
        truth_file: The truth, relative to the test set's folder.
        truth_sha256: Of the truth.
        image_ids: Images scored.
        estimates: By metric and class.
        notes: What a reader must know.
        confusion: Of a classification.
    """

    task: Task
    split: str | None
    truth_file: str
    truth_sha256: str
    image_ids: tuple[int, ...]
    estimates: Mapping[MetricKey, Estimate]
    notes: tuple[str, ...]
    confusion: ConfusionTable | None = None


def task_of(folder: Path) -> Task:
    """What a dataset or benchmark folder tests: detection if it holds a COCO file.

    Raises:
        DatasetError: If there is no such folder.
    """
    if not folder.is_dir():
        raise DatasetError(f"{folder}: no such folder; expected a dataset or benchmark.")
    places = (folder, folder / "annotations")
    has_coco = any(any(place.glob("instances*.json")) for place in places)
    return "detection" if has_coco else "classification"


def measure_detection(predictions: Path, benchmark: Path, *, split: str | None) -> Measurement:
    """Boxes, and masks and class maps where truth and predictions have them.

    Raises:
        PredictionsError: If the predictions are wrong or do not fit the test set.
        DatasetError: If the test set is wrong.
    """
    annotations_path = find_annotations(benchmark, split)
    truth = read_coco(annotations_path)
    aligned = align_detections(predictions, truth)
    notes = list(aligned.notes)
    estimates = _ap_estimates(truth, aligned, "bbox")
    if truth.has_masks:
        if aligned.has_masks:
            estimates |= _ap_estimates(truth, aligned, "segm")
        else:
            notes.append("The predictions have no masks: only their boxes are scored.")
        estimates |= _map_estimates(predictions, truth, aligned, notes)
    return Measurement(
        task="detection",
        split=annotations_path.stem.removeprefix("instances").removeprefix("_") or None,
        truth_file=annotations_path.relative_to(benchmark).as_posix(),
        truth_sha256=sha256_of(annotations_path),
        image_ids=aligned.image_ids,
        estimates=estimates,
        notes=tuple(notes),
    )


def measure_classification(predictions: Path, benchmark: Path, *, split: str | None) -> Measurement:
    """Accuracy, macro F1, Matthews correlation, accuracy within each class.

    Raises:
        PredictionsError: If the predictions are wrong or do not fit the test set.
        DatasetError: If the test set is wrong.
    """
    folder = find_class_folders(benchmark, split)
    truth = read_image_folder(folder)
    aligned = align_answers(predictions, truth)
    categories = dict(sorted(truth.categories.items()))
    if OTHER_CLASS in aligned.answers.values():  # a wrong answer, whatever it is called
        categories[OTHER_CLASS] = "(other)"
    index_of = {category_id: i for i, category_id in enumerate(categories)}
    names = tuple(categories.values())
    scored = [image for image in truth.images if image.image_id in aligned.answers]
    true = np.array([index_of[image.category_id] for image in scored], dtype=np.int64)
    answered = np.array([index_of[aligned.answers[i.image_id]] for i in scored], dtype=np.int64)
    statistic = classification_statistic(predicted=answered, truth=true, n_classes=len(names))
    keys: list[MetricKey] = [("accuracy", None), ("macro_f1", None), ("mcc", None)]
    keys += [("accuracy", name) for name in names]
    units = Units(drawn=len(scored), name="images")
    counts = confusion_matrix(predicted=answered, truth=true, n_classes=len(names))
    return Measurement(
        task="classification",
        split=folder.name if folder != benchmark else None,
        truth_file=folder.relative_to(benchmark).as_posix(),
        truth_sha256=folder_sha256(folder),
        image_ids=aligned.image_ids,
        estimates=dict(zip(keys, bootstrap(statistic, units), strict=True)),
        notes=aligned.notes,
        confusion=ConfusionTable(
            predictions_sha256=sha256_of(predictions),
            classes=names,
            counts=tuple(tuple(row) for row in counts.tolist()),
        ),
    )


def _ap_estimates(
    truth: CocoDataset, aligned: Alignment, kind: MatchKind
) -> dict[MetricKey, Estimate]:
    names = {category.category_id: category.name for category in truth.categories}
    matches = match_detections(
        detections=aligned.detections,
        truth={image_id: truth.instances[image_id] for image_id in aligned.image_ids},
        category_ids=sorted(names),
        kind=kind,
    )
    word = "box" if kind == "bbox" else "mask"
    metrics = [f"{word}_ap", f"{word}_ap50", f"{word}_ap75"]
    keys: list[MetricKey] = [(metric, None) for metric in metrics]
    if len(names) > 1:  # of a single class, the mean over classes says it all
        keys += [(metric, names[c]) for c in matches.categories for metric in metrics]
    return dict(zip(keys, bootstrap(ap_statistic(matches), matches.units), strict=False))


def _map_estimates(
    predictions: Path, truth: CocoDataset, aligned: Alignment, notes: list[str]
) -> dict[MetricKey, Estimate]:
    predicted_map, note = map_reader(predictions, aligned, truth)
    if predicted_map is None:
        return {}
    notes += [note] if note else []
    class_of = class_indices(truth)
    n_classes = len(class_of) + 1
    wanted = set(aligned.image_ids)
    images = [image for image in truth.images if image.image_id in wanted]
    counts = np.zeros((len(images), n_classes, n_classes), dtype=np.int64)
    units = Units(drawn=len(images), name="images")
    for row, image in enumerate(sorted(images, key=lambda image: image.image_id)):
        classes, objects = truth_map(
            truth.instances[image.image_id],
            image_hw=(image.height, image.width),
            class_of=class_of,
        )
        predicted = predicted_map(image)
        if len(images) == 1:
            counts, units = semantic_units(predicted, classes, objects, n_classes=n_classes)
        else:
            counts[row] = confusion_counts(predicted, classes, n_classes=n_classes)[0]
    category_names = {category.category_id: category.name for category in truth.categories}
    names = [category_names[category_id] for category_id in class_of]
    keys: list[MetricKey] = [("miou", None), ("pixel_accuracy", None)]
    keys += [("iou", name) for name in ["background", *names]]
    keys += [("dice", name) for name in names]
    return dict(zip(keys, bootstrap(semantic_statistic(counts), units), strict=True))

"""Predictions and truth of one test set, opened together for people to look at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from evaluation.alignment import Alignment, align_answers, align_detections
from evaluation.matching import Finds, find_objects
from evaluation.measurement import task_of
from evaluation.metrics.detection import Detection
from pipeline.dataset.layout import DatasetLayout
from pipeline.formats.coco import CocoDataset, CocoImage, find_annotations, read_coco
from pipeline.formats.imagefolder import (
    FolderDataset,
    FolderImage,
    find_class_folders,
    read_image_folder,
)
from pipeline.records.predictions import read_results, sha256_of

__all__ = ["ClassificationCase", "DetectionCase", "PredictedSet", "open_case"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictedSet:
    """A predictions file to show.

    Attributes:
        name: What to call the model, as ``compact_detector`` or ``Otsu + watershed``.
        predictions: The file.
        benchmark: Folder of the test set it was made for.
        split: Of the benchmark.
    """

    name: str
    predictions: Path
    benchmark: Path
    split: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectionCase:
    """Objects found and missed.

    Attributes:
        finds: By image id, of the images scored.
    """

    name: str
    predictions_sha256: str
    test_set: Path
    dataset: CocoDataset
    alignment: Alignment
    finds: Mapping[int, Finds]

    @property
    def is_rendered(self) -> bool:
        """Whether the test set shows rendered frames, not photographs."""
        return DatasetLayout(self.test_set).manifest.is_file()

    @property
    def by_quality(self) -> list[CocoImage]:
        """Images scored, worst first."""
        images = [image for image in self.dataset.images if image.image_id in self.finds]
        return sorted(images, key=lambda image: self.finds[image.image_id].quality)

    @property
    def category_names(self) -> dict[int, str] | None:
        """By id; None where there is only one, which needs no mention."""
        names = {c.category_id: c.name for c in self.dataset.categories}
        return names if len(names) > 1 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassificationCase:
    """Pictures and the answers to them.

    Attributes:
        scores: Confidence of the answer by image id.
    """

    name: str
    predictions_sha256: str
    test_set: Path
    dataset: FolderDataset
    alignment: Alignment
    scores: Mapping[int, float]

    @property
    def is_rendered(self) -> bool:
        """Whether the test set shows rendered frames, not photographs."""
        return DatasetLayout(self.test_set).manifest.is_file()

    @property
    def answered(self) -> list[FolderImage]:
        """Pictures with an answer, in the order of the folder."""
        return [image for image in self.dataset.images if image.image_id in self.alignment.answers]

    @property
    def mistakes(self) -> list[FolderImage]:
        """Pictures answered wrongly, most confident first."""
        answers = self.alignment.answers
        wrong = [i for i in self.answered if answers[i.image_id] != i.category_id]
        return sorted(wrong, key=lambda image: -self.scores[image.image_id])


def open_case(shown: PredictedSet, *, min_score: float) -> DetectionCase | ClassificationCase:
    """Read predictions and truth.

    Args:
        shown: What to open.
        min_score: Detections below it count as not made.

    Raises:
        PredictionsError: If the predictions are wrong or do not fit the test set.
        DatasetError: If the test set is wrong.
    """
    predictions_sha256 = sha256_of(shown.predictions)
    if task_of(shown.benchmark) == "classification":
        folder = find_class_folders(shown.benchmark, shown.split)
        pictures = read_image_folder(folder)
        results = read_results(shown.predictions)
        return ClassificationCase(
            name=shown.name,
            predictions_sha256=predictions_sha256,
            test_set=shown.benchmark,
            dataset=pictures,
            alignment=align_answers(shown.predictions, pictures),
            scores={int(entry["image_id"]): float(entry["score"]) for entry in results},
        )
    dataset = read_coco(find_annotations(shown.benchmark, shown.split))
    alignment = align_detections(shown.predictions, dataset)
    by_image: dict[int, list[Detection]] = {image_id: [] for image_id in alignment.image_ids}
    for detection in alignment.detections:
        by_image[detection.image_id].append(detection)
    finds = {
        image_id: find_objects(
            by_image[image_id],
            dataset.instances[image_id],
            min_score=min_score,
        )
        for image_id in alignment.image_ids
    }
    return DetectionCase(
        name=shown.name,
        predictions_sha256=predictions_sha256,
        test_set=shown.benchmark,
        dataset=dataset,
        alignment=alignment,
        finds=finds,
    )

"""What is measured of answers, one per picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from evaluation.alignment import OTHER_CLASS, align_answers
from evaluation.bootstrap import Estimate, bootstrap
from evaluation.clusters import singly
from evaluation.measurement import Measurement
from evaluation.measuring.curves import CurveMaker
from evaluation.metrics.classification import (
    CLASS_METRICS,
    METRICS,
    classification_statistic,
    confusion_matrix,
)
from evaluation.metrics.probabilities import ranking_statistic, top_statistic
from evaluation.sheet import ConfusionTable, Curve, MetricKey
from pipeline.formats.imagefolder import find_class_folders, folder_sha256, read_image_folder
from pipeline.records.predictions import sha256_of

__all__ = ["measure_classification"]

_TOP = 5


def measure_classification(predictions: Path, benchmark: Path, *, split: str | None) -> Measurement:
    """Accuracy and its kin; with probabilities also top-5, ROC, PR and calibration.

    Raises:
        PredictionsError: If the predictions are wrong or do not fit the test set.
        DatasetError: If the test set is wrong.
    """
    folder = find_class_folders(benchmark, split)
    truth = read_image_folder(folder)
    aligned = align_answers(predictions, truth)
    categories = dict(sorted(truth.categories.items()))
    known = tuple(categories.values())
    if OTHER_CLASS in aligned.answers.values():  # a wrong answer, whatever it is called
        categories[OTHER_CLASS] = "(other)"
    index_of = {category_id: i for i, category_id in enumerate(categories)}
    names = tuple(categories.values())
    scored = [image for image in truth.images if image.image_id in aligned.answers]
    true = np.array([index_of[image.category_id] for image in scored], dtype=np.int64)
    answered = np.array([index_of[aligned.answers[i.image_id]] for i in scored], dtype=np.int64)
    units = singly(image.image_id for image in scored).units
    statistic = classification_statistic(predicted=answered, truth=true, n_classes=len(names))
    keys: list[MetricKey] = [(metric, None) for metric in METRICS]
    keys += [(metric, name) for name in names for metric in CLASS_METRICS]
    estimates: dict[MetricKey, Estimate] = dict(zip(keys, bootstrap(statistic, units), strict=True))
    curves: list[Curve] = []
    if aligned.probabilities:
        probabilities = np.array(
            [
                [aligned.probabilities[i.image_id].get(c, 0.0) for c in truth.categories]
                for i in scored
            ]
        )
        top, ece = bootstrap(top_statistic(probabilities, true), units)
        if len(known) > _TOP:  # of five classes, all are among the top five
            estimates["top5_accuracy", None] = top
        estimates["ece", None] = ece
        keys = [(metric, name) for name in (None, *known) for metric in ("roc_auc", "pr_auc")]
        found = bootstrap(ranking_statistic(probabilities, true), units)
        estimates |= dict(zip(keys, found, strict=True))
        curves += CurveMaker(sha256_of(predictions)).classes(probabilities, true, known)
    counts = confusion_matrix(predicted=answered, truth=true, n_classes=len(names))
    return Measurement(
        task="classification",
        split=folder.name if folder != benchmark else None,
        truth_file=folder.relative_to(benchmark).as_posix(),
        truth_sha256=folder_sha256(folder),
        image_ids=aligned.image_ids,
        estimates=estimates,
        notes=aligned.notes,
        confusion=ConfusionTable(
            predictions_sha256=sha256_of(predictions),
            classes=names,
            counts=tuple(tuple(row) for row in counts.tolist()),
        ),
        curves=tuple(curves),
    )

"""Logistic regression on pixels, as a classifier."""

from __future__ import annotations

import time
import warnings
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from evaluation.baselines.writing import write_predictions
from pipeline.drawing import read_rgb
from pipeline.errors import DatasetError
from pipeline.formats.imagefolder import (
    FolderImage,
    find_class_folders,
    folder_sha256,
    read_image_folder,
)
from pipeline.geometry.boxes import FloatArray
from pipeline.records.predictions import PredictionsMeta

__all__ = ["linear_baseline"]

_LONGEST_SIDE_PX = 32  # more pixels overfit and take minutes


def linear_baseline(train: Path, benchmark: Path, out: Path, *, split: str | None = None) -> Path:
    """Logistic regression on pixels, on a classification benchmark.

    Classes are matched by name; training pictures of other classes are left out, and a class
    without training pictures gets probability 0.

    Args:
        train: ImageFolder to learn from: class folders, or a benchmark with a ``train`` split.
        benchmark: ImageFolder to predict.
        out: ``predictions.json``; its meta file is written beside it.
        split: Of the benchmark; by default ``test``, else ``val``.

    Returns:
        ``out``.

    Raises:
        DatasetError: If a folder is wrong or fewer than two classes are shared.
    """
    learnt = read_image_folder(find_class_folders(train, "train"))
    target = read_image_folder(find_class_folders(benchmark, split))
    target_ids = {name: category_id for category_id, name in target.categories.items()}
    examples = [i for i in learnt.images if learnt.categories[i.category_id] in target_ids]
    labels = [target_ids[learnt.categories[image.category_id]] for image in examples]
    if len(set(labels)) < 2:
        raise DatasetError(
            f"{learnt.folder}: classes {', '.join(learnt.categories.values())} share fewer than "
            f"two with {target.folder} ({', '.join(target_ids)}); expected the same names."
        )
    side_px = min(_LONGEST_SIDE_PX, max(read_rgb(examples[0].path).shape[:2]))
    model = LogisticRegression(max_iter=1000)
    with warnings.catch_warnings():
        # Cut off after so many steps it is a fair baseline still.
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(_pixels(examples, side_px), labels)
    start = time.perf_counter()
    probabilities = model.predict_proba(_pixels(target.images, side_px))
    seconds = time.perf_counter() - start
    results = []
    for image, row in zip(target.images, probabilities, strict=True):
        known = dict(zip(model.classes_.tolist(), row.tolist(), strict=True))
        best = max(known, key=known.__getitem__)
        results.append(
            {
                "image_id": image.image_id,
                "category_id": best,
                "score": known[best],
                "scores": {str(i): known.get(i, 0.0) for i in target.categories},
            }
        )
    meta = PredictionsMeta(
        annotations_sha256=folder_sha256(target.folder),
        categories=target.categories,
        image_ids=[image.image_id for image in target.images],
        task="classification",
        model="logistic_regression",
        seconds_per_image=seconds / len(target.images),
    )
    return write_predictions(out, results, meta)


def _pixels(images: Sequence[FolderImage], side_px: int) -> FloatArray:
    """(N, 3 * side_px ** 2) in [0, 1]."""
    return np.stack([_row(read_rgb(image.path), side_px) for image in images])


def _row(picture: npt.NDArray[np.uint8], side_px: int) -> FloatArray:
    small = cv2.resize(picture, (side_px, side_px), interpolation=cv2.INTER_AREA)
    return small.ravel() / 255.0

"""Predictions: COCO results JSON, and the meta file beside it.

``predictions.json`` is a list. For instances an entry is
``{"image_id", "category_id", "bbox": [x, y, w, h], "score", "segmentation"?: RLE,
"keypoints"?: [x, y, confidence, ...]}``, keypoints with pixel centres at whole numbers as in
COCO; for
classification it is ``{"image_id", "category_id", "score", "scores": {category_id: p}}``.
Semantic maps lie as PNGs, pixel = category id and 0 = background, in ``semantic_dir``, named
``{image_id}.png``. ``predictions.meta.json`` says what they were made for and by whom.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from pipeline.errors import PredictionsError

__all__ = [
    "PredictionsMeta",
    "Task",
    "meta_path",
    "poses_path",
    "read_meta",
    "read_results",
    "sha256_of",
]

Task = Literal["detection", "classification", "semantic", "keypoints"]


class PredictionsMeta(BaseModel):
    """What a predictions file was made for, and by what.

    Attributes:
        annotations_sha256: Of the annotation file whose ids the predictions use.
        categories: Category id to name, as in that file.
        image_ids: Images that were predicted, also those without any detection.
        semantic_dir: Folder of semantic PNGs beside the file, if any.
        poses: BOP results file beside it, made of the keypoints, if any.
        seconds_per_image: Wall time of the network and its post-processing.
        unknown_categories: Of these, the ones that the network never learned and cannot find.
        dropped_classes: The network's classes that have no category here; their finds are left out.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    annotations_sha256: str
    categories: dict[int, str]
    image_ids: list[int]
    task: Task = "detection"
    model: str | None = None
    run: str | None = None
    seed: int | None = None
    semantic_dir: str | None = None
    poses: str | None = None
    seconds_per_image: float | None = None
    unknown_categories: list[str] = []
    dropped_classes: list[str] = []


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def meta_path(predictions_path: Path) -> Path:
    """``predictions.json`` -> ``predictions.meta.json``."""
    return predictions_path.with_suffix(".meta.json")


def poses_path(predictions_path: Path) -> Path:
    """``predictions.json`` -> ``predictions_poses.csv``."""
    return predictions_path.with_name(f"{predictions_path.stem}_poses.csv")


def read_meta(predictions_path: Path) -> PredictionsMeta | None:
    """The meta file beside a predictions file; None where there is none.

    Raises:
        PredictionsError: If it is there and wrong.
    """
    path = meta_path(predictions_path)
    if not path.is_file():
        return None
    try:
        return PredictionsMeta.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, ValidationError) as error:
        raise PredictionsError(f"{path}: not a predictions meta file ({error}).") from error


def read_results(predictions_path: Path) -> list[dict[str, Any]]:
    """The entries of a predictions file, each a dict with image_id, category_id and score.

    Raises:
        PredictionsError: If the file is not such a list.
    """
    try:
        results = json.loads(predictions_path.read_text(encoding="utf-8"))
    except OSError as error:
        raise PredictionsError(f"{predictions_path}: cannot be read ({error.strerror}).") from error
    except ValueError as error:
        raise PredictionsError(f"{predictions_path}: not a JSON file ({error}).") from error
    if not isinstance(results, list):
        raise PredictionsError(
            f"{predictions_path}: got a {type(results).__name__}; "
            "expected a list of COCO results (image_id, category_id, bbox, score)."
        )
    for index, entry in enumerate(results):
        if not isinstance(entry, dict):
            raise PredictionsError(f"{predictions_path}: entry {index}: expected an object.")
        for key in ("image_id", "category_id", "score"):
            value = entry.get(key)
            if not isinstance(value, int | float) or isinstance(value, bool):
                raise PredictionsError(
                    f"{predictions_path}: entry {index}: '{key}' is {value!r}; expected a number."
                )
    return results

"""Predictions put into the ids of the truth they are scored on, every claim checked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from pycocotools import mask as coco_mask

from evaluation.metrics.detection import Detection, KeypointScore
from pipeline.errors import PredictionsError
from pipeline.formats.coco import Category, CocoDataset, CocoImage
from pipeline.formats.imagefolder import FolderDataset, folder_sha256
from pipeline.geometry.boxes import xyxy_from_xywh
from pipeline.geometry.masks import Rle, mask_of_rle, rle_of_polygons
from pipeline.records.predictions import PredictionsMeta, read_meta, read_results, sha256_of

__all__ = ["OTHER_CLASS", "Alignment", "align_answers", "align_detections"]

OTHER_CLASS = 0  # ids in files start at 1
_SHOWN = 5  # ids or names listed in a message


@dataclass(frozen=True, slots=True, kw_only=True)
class Alignment:
    """What of a predictions file is scored.

    Attributes:
        image_ids: Images scored, ascending: those predicted, as far as that is known.
        detections: Predicted objects in those images (detection).
        answers: Category id by image id (classification); ``OTHER_CLASS`` where the answer is a
            class that the test set does not have.
        probabilities: By image id, then by category id of the truth (classification); empty where
            an entry lacks ``scores``.
        has_masks: Whether the detections carry masks; true of a file without any detection.
        has_keypoints: Whether every detection of a category with keypoints carries them; false
            of a file without any such detection.
        category_of: The truth's category id by the predictions' own; unknown ones are absent.
        meta: The meta file, if there is one.
        notes: What a reader of the scores must know.
    """

    image_ids: tuple[int, ...]
    detections: tuple[Detection, ...] = ()
    answers: Mapping[int, int]
    probabilities: Mapping[int, Mapping[int, float]] = field(default_factory=dict)
    has_masks: bool = False
    has_keypoints: bool = False
    category_of: Mapping[int, int]
    meta: PredictionsMeta | None
    notes: tuple[str, ...]


def align_detections(predictions: Path, truth: CocoDataset) -> Alignment:
    """Read predicted objects against a COCO dataset.

    Raises:
        PredictionsError: Naming the entry that refers to an unknown image or category, or has a
            bad box, mask or score.
    """
    meta = read_meta(predictions)
    categories = {category.category_id: category for category in truth.categories}
    names = {category_id: category.name for category_id, category in categories.items()}
    images = {image.image_id: image for image in truth.images}
    reader = _Entries(
        predictions, meta, names, images, truth_sha256=sha256_of(truth.annotations_path)
    )
    detections = [
        reader.detection(index, entry, images[int(entry["image_id"])], categories)
        for index, entry in reader.entries()
        if reader.known(entry)
    ]
    with_mask = sum(detection.rle is not None for detection in detections)
    if 0 < with_mask < len(detections):
        raise PredictionsError(
            f"{predictions}: {with_mask} of {len(detections)} entries have a segmentation; "
            "expected all or none."
        )
    pointed = [d.keypoints is not None for d in detections if categories[d.category_id].keypoints]
    image_ids, notes = _scored(meta, images, {d.image_id for d in detections})
    wanted = set(image_ids)
    return Alignment(
        image_ids=image_ids,
        detections=tuple(d for d in detections if d.image_id in wanted),
        answers={},
        has_masks=with_mask == len(detections),
        has_keypoints=bool(pointed) and all(pointed),
        category_of=reader.category_of,
        meta=meta,
        notes=(*reader.notes(), *notes),
    )


def align_answers(predictions: Path, truth: FolderDataset) -> Alignment:
    """Read classifications against an ImageFolder.

    Raises:
        PredictionsError: Naming the entry that refers to an unknown image or category, or
            answers for an image a second time.
    """
    meta = read_meta(predictions)
    images = {image.image_id: image for image in truth.images}
    reader = _Entries(
        predictions, meta, truth.categories, images, truth_sha256=folder_sha256(truth.folder)
    )
    answers: dict[int, int] = {}
    probabilities: dict[int, Mapping[int, float]] = {}
    for index, entry in reader.entries():
        image_id = int(entry["image_id"])
        if image_id in answers:
            raise PredictionsError(
                f"{predictions}: entry {index}: a second answer for image {image_id}; "
                "expected one per image."
            )
        known = reader.known(entry)
        answers[image_id] = reader.category_of[int(entry["category_id"])] if known else OTHER_CLASS
        if entry.get("scores") is not None:
            probabilities[image_id] = reader.probabilities(index, entry["scores"])
    missing = sorted(set(images) - set(answers))
    notes = list(reader.notes())
    if missing:
        notes.append(f"{len(missing)} of {len(images)} pictures have no answer and are not scored.")
    return Alignment(
        image_ids=tuple(sorted(answers)),
        answers=answers,
        probabilities=probabilities if len(probabilities) == len(answers) else {},
        category_of=reader.category_of,
        meta=meta,
        notes=tuple(notes),
    )


class _Entries:
    """The entries of one predictions file; every failure names the file and the entry."""

    def __init__(
        self,
        path: Path,
        meta: PredictionsMeta | None,
        names: Mapping[int, str],
        images: Mapping[int, object],
        *,
        truth_sha256: str,
    ) -> None:
        self._path, self._meta, self._names, self._images = path, meta, names, images
        self._dropped: Counter[str] = Counter()
        self._elsewhere = meta is not None and meta.annotations_sha256 != truth_sha256
        self._own_names = meta.categories if meta is not None and self._elsewhere else names
        ids = {name: category_id for category_id, name in names.items()}
        self.category_of = {
            own_id: ids[name] for own_id, name in self._own_names.items() if name in ids
        }

    def entries(self) -> Iterable[tuple[int, dict[str, Any]]]:
        for index, entry in enumerate(read_results(self._path)):
            for key in ("image_id", "category_id"):
                if not float(entry[key]).is_integer():
                    raise self._wrong(index, key, entry[key], "a whole number")
            if entry["image_id"] not in self._images:
                raise self._wrong(index, "image_id", entry["image_id"], self._listed(self._images))
            if entry["category_id"] not in self._own_names:
                known = self._listed(f"{i} ({name})" for i, name in self._own_names.items())
                raise self._wrong(index, "category_id", entry["category_id"], known)
            if not np.isfinite(entry["score"]):
                raise self._wrong(index, "score", entry["score"], "a finite number")
            yield index, entry

    def known(self, entry: dict[str, Any]) -> bool:
        """Whether the truth has the entry's category; what it lacks is counted."""
        category_id = int(entry["category_id"])
        if category_id in self.category_of:
            return True
        self._dropped[self._own_names[category_id]] += 1
        return False

    def probabilities(self, index: int, scores: Any) -> dict[int, float]:  # noqa: ANN401
        """Probability by the truth's category id; classes that it lacks are left out."""
        if not isinstance(scores, dict) or not all(
            key.isdecimal() and isinstance(p, int | float) and 0 <= p <= 1
            for key, p in scores.items()
        ):
            raise self._wrong(index, "scores", scores, "{category id: probability in [0, 1]}")
        own = {int(key): float(p) for key, p in scores.items()}
        return {self.category_of[i]: p for i, p in own.items() if i in self.category_of}

    def detection(
        self,
        index: int,
        entry: dict[str, Any],
        image: CocoImage,
        categories: Mapping[int, Category],
    ) -> Detection:
        rle = self._rle(index, entry.get("segmentation"), (image.height, image.width))
        category_id = self.category_of[int(entry["category_id"])]
        keypoints = self._keypoints(index, entry.get("keypoints"), categories[category_id])
        bbox = entry.get("bbox")
        if bbox is None and rle is not None:
            bbox = coco_mask.toBbox({**rle, "counts": rle["counts"].encode()}).tolist()
        elif bbox is None and keypoints:  # as COCO's loadRes does
            low, high = (end(np.array(keypoints)[:, :2], axis=0) for end in (np.min, np.max))
            bbox = [*low.tolist(), *(high - low).tolist()]
        if (
            not isinstance(bbox, list)
            or len(bbox) != 4
            or not all(isinstance(v, int | float) and np.isfinite(v) for v in bbox)
            or min(bbox[2:]) < 0
        ):
            raise self._wrong(index, "bbox", bbox, "[x, y, w, h] in px with w, h >= 0")
        x0, y0, x1, y1 = xyxy_from_xywh(np.array(bbox)).tolist()
        return Detection(
            image_id=image.image_id,
            category_id=category_id,
            score=float(entry["score"]),
            box_xyxy=(x0, y0, x1, y1),
            rle=rle,
            keypoints=keypoints,
        )

    def notes(self) -> tuple[str, ...]:
        notes = []
        if self._meta is None:
            notes.append(
                f"{self._path.name} has no meta file: its image and category ids are assumed to "
                "be those of the test set."
            )
        elif self._elsewhere:
            notes.append(
                f"{self._path.name} was made for another annotation file: categories are matched "
                "by name, image ids are assumed to be those of the test set."
            )
        if self._dropped:
            names = ", ".join(f"{name} ({n})" for name, n in sorted(self._dropped.items()))
            notes.append(f"Predictions of classes that the test set does not have: {names}.")
        return tuple(notes)

    def _rle(self, index: int, segmentation: Any, image_hw: tuple[int, int]) -> Rle | None:  # noqa: ANN401
        if segmentation is None:
            return None
        expected = f"a compressed RLE of size {list(image_hw)} or polygons"
        try:
            if isinstance(segmentation, list):
                return rle_of_polygons(segmentation, image_hw=image_hw)
            rle: Rle = {"size": list(segmentation["size"]), "counts": segmentation["counts"]}
            if rle["size"] != list(image_hw):
                raise self._wrong(index, "segmentation", f"of size {rle['size']}", expected)
            mask_of_rle(rle)  # runs that do not fill the picture
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            raise self._wrong(index, "segmentation", "not readable", expected) from error
        return rle

    def _keypoints(
        self,
        index: int,
        values: Any,  # noqa: ANN401
        category: Category,
    ) -> tuple[KeypointScore, ...] | None:
        """Pixel (0, 0) centred at (0.5, 0.5), COCO's file at (0, 0); None where not asked for."""
        count = 3 * len(category.keypoints)
        if not count or values is None:
            return None
        if (
            not isinstance(values, list)
            or len(values) != count
            or not all(isinstance(v, int | float) and np.isfinite(v) for v in values)
        ):
            got = f"{len(values)} numbers" if isinstance(values, list) else values
            raise self._wrong(index, "keypoints", got, f"{count} numbers, x, y, score of each")
        triples = zip(values[::3], values[1::3], values[2::3], strict=True)
        return tuple((x + 0.5, y + 0.5, score) for x, y, score in triples)

    def _wrong(self, index: int, key: str, got: object, expected: str) -> PredictionsError:
        return PredictionsError(
            f"{self._path}: entry {index}: '{key}' is {got!r}; expected {expected}."
        )

    @staticmethod
    def _listed(values: Iterable[object]) -> str:
        words = [str(value) for value in values]
        more = f" and {len(words) - _SHOWN} more" if len(words) > _SHOWN else ""
        return f"one of {', '.join(words[:_SHOWN])}{more}" if words else "none at all"


def _scored(
    meta: PredictionsMeta | None, images: Mapping[int, object], seen: set[int]
) -> tuple[tuple[int, ...], list[str]]:
    """Images to score, and notes about those that are not."""
    if meta is None:
        return tuple(sorted(images)), []
    predicted = (set(meta.image_ids) | seen) & set(images)
    missing = len(images) - len(predicted)
    notes = [f"{missing} of {len(images)} images were not predicted and are not scored."]
    return tuple(sorted(predicted)), notes if missing else []

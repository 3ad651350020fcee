"""Where a detector's average precision is lost: TIDE's six types of error.

Source: Bolya, Foley, Hays & Hoffman, "TIDE: A General Toolbox for Identifying Object Detection
Errors", ECCV 2020; in the order of its own code (tidecv 1.0.1).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from evaluation.analysis.overlaps import OverlapKind, overlaps
from evaluation.bootstrap import Estimate, Units, bootstrap
from evaluation.metrics.average_precision import RECALLS
from evaluation.metrics.detection import Detection
from pipeline.formats.coco import CocoInstance
from pipeline.geometry.boxes import FloatArray

__all__ = ["ERROR_KINDS", "ErrorAnalysis", "ErrorKind", "Mistake", "analyse_errors"]

ErrorKind = Literal["cls", "loc", "both", "dupe", "bkg", "miss"]
ERROR_KINDS: tuple[ErrorKind, ...] = get_args(ErrorKind)
"""Wrong class, wrong place, both, seen twice, background, missed."""

_FOREGROUND, _BACKGROUND = 0.5, 0.1  # t_f and t_b of the paper
_MOST_DETECTIONS = 100  # of a picture

_RESAMPLES = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """One error.

    Attributes:
        prediction: None for what was missed.
        truth: The object it is about; None for background and ``both``.
        iou: Of the two; 0 without both.
        recovers: Whether the prediction, put right, would find its object: that is free, and no
            other mistaken prediction about it has a higher score.
    """

    kind: ErrorKind
    image_id: int
    prediction: Detection | None
    truth: CocoInstance | None
    iou: float = 0.0
    recovers: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ErrorAnalysis:
    """What each type of error costs.

    Attributes:
        ap50: Average precision at IoU 0.5, with its interval over images.
        losses: By type: what AP50 would gain if every error of it were put right, the others
            left as they are. Types do not add up.
        mistakes: All errors, the highest scores first, missed objects by falling area.
    """

    ap50: Estimate
    losses: Mapping[ErrorKind, Estimate]
    mistakes: tuple[Mistake, ...]

    def of_kind(self, kind: ErrorKind) -> tuple[Mistake, ...]:
        """The errors of one type."""
        return tuple(mistake for mistake in self.mistakes if mistake.kind == kind)


@dataclass(frozen=True, slots=True)
class _Entry:
    """A detection as average precision sees it; ``kind`` is None for a hit."""

    category_id: int
    score: float
    unit: int
    hit: bool
    kind: ErrorKind | None = None
    fixed_category_id: int | None = None  # None: put right, it is gone


def analyse_errors(
    detections: Iterable[Detection],
    truth: Mapping[int, Sequence[CocoInstance]],
    *,
    overlap: OverlapKind,
) -> ErrorAnalysis:
    """Sort every error into TIDE's types and say what each type costs.

    Matching is at IoU 0.5, best scores first; an error is of the first type that fits:
    localisation (right class, IoU 0.1 to 0.5), classification (wrong class, IoU from 0.5 on),
    duplicate (the object is found already), background (IoU up to 0.1), else both; an object is
    missed that no hit, localisation or classification error is about. Predictions in crowds
    count as nothing.

    Args:
        detections: Of the images in ``truth``; at most 100 of each are looked at.
        truth: By image id.
        overlap: Of boxes or of masks.
    """
    by_image: dict[int, list[Detection]] = {image_id: [] for image_id in truth}
    for detection in detections:
        by_image[detection.image_id].append(detection)
    entries: list[_Entry] = []
    mistakes: list[Mistake] = []
    for unit, image_id in enumerate(sorted(truth)):
        found = _judge_image(by_image[image_id], truth[image_id], overlap)
        for prediction, mistake in found:
            if mistake is not None:
                mistakes.append(mistake)
            if prediction is not None:
                entries.append(_entry(prediction, mistake, unit))
    statistic = _Losses(entries, mistakes, truth)
    units = Units(drawn=len(truth), name="images")
    ap50, *losses = bootstrap(statistic, units, resamples=_RESAMPLES)
    mistakes.sort(key=_importance)
    return ErrorAnalysis(
        ap50=ap50, losses=dict(zip(ERROR_KINDS, losses, strict=True)), mistakes=tuple(mistakes)
    )


def _judge_image(
    detections: Sequence[Detection], instances: Sequence[CocoInstance], overlap: OverlapKind
) -> Iterator[tuple[Detection | None, Mistake | None]]:
    """Every prediction with its mistake, None for a hit; every missed object."""
    preds = sorted(detections, key=lambda d: -d.score)[:_MOST_DETECTIONS]
    objects = [g for g in instances if not g.iscrowd]
    crowds = [g for g in instances if g.iscrowd]
    iou = overlaps(preds, objects, overlap, crowd=False)
    in_crowd = overlaps(preds, crowds, overlap, crowd=True)
    same = np.array([[d.category_id == g.category_id for g in objects] for d in preds], bool)
    same = same.reshape(iou.shape)
    hit_of = _matches(iou * same)
    used = set(hit_of.values())
    found: list[tuple[Detection, Mistake]] = []
    for d, prediction in enumerate(preds):
        if d in hit_of:
            yield prediction, None
        elif not any(
            in_crowd[d, c] > _FOREGROUND and crowd.category_id == prediction.category_id
            for c, crowd in enumerate(crowds)
        ):
            found.append((prediction, _mistake(prediction, objects, iou[d], same[d], used)))
    best: dict[int, Mistake] = {}  # of the wrong predictions about a free object, the first one
    free = {objects[g].annotation_id for g in range(len(objects)) if g not in used}
    for _, mistake in found:
        gt = mistake.truth
        if gt is not None and gt.annotation_id in free and mistake.kind in ("cls", "loc"):
            best.setdefault(gt.annotation_id, mistake)
    for prediction, mistake in found:
        recovers = any(mistake is one for one in best.values())
        yield prediction, replace(mistake, recovers=recovers)
    for gt in objects:
        if gt.annotation_id in free and gt.annotation_id not in best:
            yield None, Mistake(kind="miss", image_id=gt.image_id, prediction=None, truth=gt)


def _matches(iou: FloatArray) -> dict[int, int]:
    """Object by prediction, of (D, G) overlaps within classes; best scores choose first."""
    left = iou.copy()
    found: dict[int, int] = {}
    for d in range(len(left) if left.shape[1] else 0):
        g = int(left[d].argmax())
        if left[d, g] >= _FOREGROUND:
            found[d] = g
            left[:, g] = 0
    return found


def _mistake(
    prediction: Detection,
    objects: Sequence[CocoInstance],
    iou: FloatArray,
    same: npt.NDArray[np.bool_],
    used: set[int],
) -> Mistake:
    def made(kind: ErrorKind, g: int | None) -> Mistake:
        return Mistake(
            kind=kind,
            image_id=prediction.image_id,
            prediction=prediction,
            truth=None if g is None else objects[g],
            iou=0.0 if g is None else float(iou[g]),
        )

    if not objects:
        return made("bkg", None)
    own, other = iou * same, iou * ~same
    taken = own * np.array([g in used for g in range(len(objects))])
    if _BACKGROUND <= own.max() <= _FOREGROUND:
        return made("loc", int(own.argmax()))
    if other.max() >= _FOREGROUND:
        return made("cls", int(other.argmax()))
    if taken.max() >= _FOREGROUND:
        return made("dupe", int(taken.argmax()))
    return made("bkg" if iou.max() <= _BACKGROUND else "both", None)


def _entry(prediction: Detection, mistake: Mistake | None, unit: int) -> _Entry:
    fixed = None
    if mistake is not None and mistake.recovers and mistake.truth is not None:
        fixed = mistake.truth.category_id
    return _Entry(
        category_id=prediction.category_id,
        score=prediction.score,
        unit=unit,
        hit=mistake is None,
        kind=None if mistake is None else mistake.kind,
        fixed_category_id=fixed,
    )


class _Losses:
    """AP50 and, for each type of error, what putting it right would gain, on weighted images."""

    def __init__(
        self,
        entries: Sequence[_Entry],
        mistakes: Sequence[Mistake],
        truth: Mapping[int, Sequence[CocoInstance]],
    ) -> None:
        unit_of = {image_id: unit for unit, image_id in enumerate(sorted(truth))}
        self._entries = sorted(entries, key=lambda entry: -entry.score)
        objects = [g for group in truth.values() for g in group if not g.iscrowd]
        self._categories = sorted({g.category_id for g in objects})
        self._n_gt = self._counted(objects, unit_of)
        missed = [m.truth for m in mistakes if m.kind == "miss" and m.truth is not None]
        self._n_found = self._n_gt - self._counted(missed, unit_of)

    def __call__(self, weights: FloatArray) -> FloatArray:
        ap50 = self._mean_ap(weights, None)
        gains = [np.maximum(self._mean_ap(weights, kind) - ap50, 0) for kind in ERROR_KINDS]
        return np.stack([ap50, *gains], axis=1)

    def _counted(
        self, objects: Iterable[CocoInstance], unit_of: Mapping[int, int]
    ) -> npt.NDArray[np.int64]:
        """(K, U) objects of each category in each image."""
        counts = np.zeros((len(self._categories), len(unit_of)), np.int64)
        for gt in objects:
            counts[self._categories.index(gt.category_id), unit_of[gt.image_id]] += 1
        return counts

    def _mean_ap(self, weights: FloatArray, put_right: ErrorKind | None) -> FloatArray:
        objects = self._n_found if put_right == "miss" else self._n_gt
        table = []
        for k, category_id in enumerate(self._categories):
            shown = [
                (entry.unit, entry.hit or right)
                for entry in self._entries
                for right in [entry.kind is not None and entry.kind == put_right]
                if (entry.fixed_category_id if right else entry.category_id) == category_id
            ]
            table.append(_average_precision(shown, weights, weights @ objects[k]))
        stacked = np.array(table).reshape(-1, len(weights))  # (K, B)
        present = np.isfinite(stacked).sum(axis=0)
        with np.errstate(invalid="ignore"):
            return np.asarray(np.nansum(stacked, axis=0) / present)


def _average_precision(
    shown: Sequence[tuple[int, bool]], weights: FloatArray, n_gt: FloatArray
) -> FloatArray:
    """(B,) COCO's 101 points under the falling envelope; nan where there is nothing."""
    found = np.where(n_gt > 0, 0.0, np.nan)
    if not shown:
        return found
    units = np.array([unit for unit, _ in shown])
    made = weights[:, units]
    hits = np.cumsum(made * np.array([hit for _, hit in shown]), axis=1)
    precision = hits / np.maximum(np.cumsum(made, axis=1), 1e-12)
    envelope = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    for b in np.flatnonzero(n_gt > 0):
        at = np.searchsorted(hits[b] / n_gt[b], RECALLS, side="left")
        found[b] = envelope[b, at[at < envelope.shape[1]]].sum() / len(RECALLS)
    return found


def _importance(mistake: Mistake) -> tuple[int, float]:
    if mistake.prediction is not None:
        return (0, -mistake.prediction.score)
    return (1, -(mistake.truth.area_px if mistake.truth is not None else 0.0))

"""How real boxes are drawn: offset and scale of predictions against truth, class by class.

People draw boxes looser or tighter than masks, and cut objects off elsewhere than a renderer
does. A network that learned from rendered frames has learned the renderer's convention; what
differs systematically is no error of seeing, and can be taken out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from evaluation.bootstrap import Estimate, Units, bootstrap, contrast
from evaluation.matching import Find, Finds
from evaluation.metrics.average_precision import ap_metrics, ap_statistic
from evaluation.metrics.detection import Detection
from evaluation.metrics.detection_matching import match_detections
from pipeline.formats.coco import CocoInstance
from pipeline.geometry.boxes import FloatArray

__all__ = [
    "BoxConvention",
    "Correction",
    "corrected",
    "correction_gain",
    "fit_conventions",
]

_FEWEST_PAIRS = 5
_RESAMPLES = 400


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BoxConvention:
    """Predicted against true boxes of one class, means over matched pairs.

    Attributes:
        shift_x: Of the predicted centre to the right, share of the true width.
        shift_y: Of it downwards, share of the true height.
        width: Predicted over true one (geometric mean).
        height: Predicted over true one (geometric mean).
        pairs: How many.
    """

    shift_x: Estimate
    shift_y: Estimate
    width: Estimate
    height: Estimate
    pairs: int

    @property
    def is_systematic(self) -> bool:
        """Whether any of them lies off its neutral value."""
        neutral = {"shift_x": 0.0, "shift_y": 0.0, "width": 1.0, "height": 1.0}
        ends = [(getattr(self, name).interval, value) for name, value in neutral.items()]
        return any(low > value or high < value for (low, high), value in ends)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Correction:
    """A box metric as it is, with corrected boxes, and what that brings on the same images."""

    metric: str
    before: Estimate
    after: Estimate
    gain: Estimate


def fit_conventions(finds: Mapping[int, Finds]) -> dict[int, BoxConvention]:
    """Systematic offset and scale by category id; classes with fewer than five pairs left out.

    Args:
        finds: Matched predictions by image id; images are resampled for the intervals.
    """
    pairs: dict[int, list[tuple[int, Find]]] = {}
    for image_id, found in finds.items():
        for find in found.found:
            pairs.setdefault(find.truth.category_id, []).append((image_id, find))
    return {
        category_id: _convention(members)
        for category_id, members in sorted(pairs.items())
        if len(members) >= _FEWEST_PAIRS
    }


def corrected(
    detections: Iterable[Detection], conventions: Mapping[int, BoxConvention]
) -> list[Detection]:
    """Detections with boxes as the truth would draw them; masks stay, unknown classes too."""
    changed = []
    for detection in detections:
        own = conventions.get(detection.category_id)
        if own is not None:
            x0, y0, x1, y1 = detection.box_xyxy
            width, height = (x1 - x0) / own.width.value, (y1 - y0) / own.height.value
            x = (x0 + x1) / 2 - own.shift_x.value * width
            y = (y0 + y1) / 2 - own.shift_y.value * height
            box = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
            detection = replace(detection, box_xyxy=box)
        changed.append(detection)
    return changed


def correction_gain(
    detections: Sequence[Detection],
    truth: Mapping[int, Sequence[CocoInstance]],
    conventions: Mapping[int, BoxConvention],
    *,
    metrics: Sequence[str] = ("box_ap", "box_ap50"),
) -> list[Correction]:
    """What a correction brings on a test set; fit it on another one.

    Args:
        detections: Of the test set.
        truth: Of the test set, by image id.
        conventions: Fitted on real ``train`` labels.
        metrics: Box metrics to compare.
    """
    before, after = (
        _box_metrics(each, truth) for each in (detections, corrected(detections, conventions))
    )
    return [
        Correction(
            metric=metric,
            before=before[metric],
            after=after[metric],
            gain=contrast(after[metric], before[metric], paired=True),
        )
        for metric in metrics
    ]


def _convention(pairs: Sequence[tuple[int, Find]]) -> BoxConvention:
    ids = sorted({image_id for image_id, _ in pairs})
    unit_of = {image_id: unit for unit, image_id in enumerate(ids)}
    units = np.array([unit_of[image_id] for image_id, _ in pairs])
    preds = np.array([find.prediction.box_xyxy for _, find in pairs])
    truth = np.array([find.truth.box_xyxy for _, find in pairs])
    sides_preds, sides = preds[:, 2:] - preds[:, :2], truth[:, 2:] - truth[:, :2]
    shifts = ((preds[:, :2] + preds[:, 2:]) - (truth[:, :2] + truth[:, 2:])) / (2 * sides)
    values = np.concatenate([shifts, np.log(sides_preds / sides)], axis=1)  # (P, 4)
    sums = np.stack([np.bincount(units, column, len(ids)) for column in values.T])  # (4, U)
    counts = np.bincount(units, minlength=len(ids))

    def means(weights: FloatArray) -> FloatArray:
        found = (weights @ sums.T) / (weights @ counts)[:, None]
        return np.concatenate([found[:, :2], np.exp(found[:, 2:])], axis=1)

    name = Units(drawn=len(ids), name="images")
    shift_x, shift_y, width, height = bootstrap(means, name, resamples=_RESAMPLES)
    return BoxConvention(
        shift_x=shift_x, shift_y=shift_y, width=width, height=height, pairs=len(pairs)
    )


def _box_metrics(
    detections: Iterable[Detection], truth: Mapping[int, Sequence[CocoInstance]]
) -> dict[str, Estimate]:
    categories = sorted({g.category_id for group in truth.values() for g in group})
    matches = match_detections(
        detections=detections, truth=truth, category_ids=categories, kind="bbox", areas=("all",)
    )
    found = bootstrap(ap_statistic(matches), matches.units, resamples=_RESAMPLES)
    return dict(zip(ap_metrics(matches), found, strict=False))

"""Curves as a score file holds them."""

from __future__ import annotations

from collections.abc import Iterable
from math import isfinite
from typing import Literal

import numpy as np
import numpy.typing as npt

from evaluation.metrics.average_precision import RECALLS, precision_recall
from evaluation.metrics.detection import DetectionMatches
from evaluation.metrics.keypoints import KeypointErrors, pck_curve
from evaluation.metrics.probabilities import ranking_curves, reliability
from evaluation.metrics.score_thresholds import threshold_statistic
from evaluation.sheet import Curve
from pipeline.geometry.boxes import FloatArray

__all__ = ["CurveMaker"]

_AT_50 = 0  # of IOU_THRESHOLDS
_MOST_POINTS = 200
_DIGITS = 6
_PCK_FRACTIONS = np.linspace(0, 0.1, 101)


class CurveMaker:
    """Turns what was matched into curves of one predictions file."""

    def __init__(self, predictions_sha256: str) -> None:
        self._sha256 = predictions_sha256

    def detections(
        self, matches: DetectionMatches, names: dict[int, str], thresholds: FloatArray, of: str
    ) -> Iterable[Curve]:
        """Precision at every recall at IoU 0.5, and F1 against the score threshold.

        Args:
            matches: Of boxes, masks or keypoints.
            names: By category id.
            thresholds: (S,) where F1 is told.
            of: ``box``, ``mask`` or ``keypoint``.
        """
        by_class = {
            names[category_id]: precision_recall(found, threshold=_AT_50)
            for category_id, found in matches.categories.items()
            if found.unit_gt.size
        }
        if by_class:
            mean = np.mean(list(by_class.values()), axis=0)
            yield self._curve("precision_recall", of, None, RECALLS, mean)
        for name, precision in by_class.items() if len(names) > 1 else ():
            yield self._curve("precision_recall", of, name, RECALLS, precision)
        if thresholds.size and by_class:
            width = matches.units.drawn + matches.units.strays
            at_all = threshold_statistic(matches, thresholds)(np.ones((1, width)))[0]
            yield self._curve("f1", of, None, thresholds, at_all[2 * len(thresholds) :])

    def keypoints(self, errors: tuple[KeypointErrors, ...]) -> Iterable[Curve]:
        """PCK at every fraction of the box's diagonal up to a tenth."""
        if errors:
            pck = pck_curve(errors, _PCK_FRACTIONS)
            yield self._curve("pck", "keypoint", None, _PCK_FRACTIONS, pck)

    def classes(
        self, probabilities: FloatArray, truth: npt.NDArray[np.int64], names: tuple[str, ...]
    ) -> Iterable[Curve]:
        """ROC and PR curve of every class against the rest, and the reliability diagram.

        Args:
            probabilities: (N, C), N >= 1.
            truth: (N,) class index.
            names: (C,).
        """
        for index, name in enumerate(names):
            false_rate, recall, precision = ranking_curves(probabilities[:, index], truth == index)
            if np.isfinite(recall).all() and np.isfinite(false_rate).all():
                shown = _thinned(len(recall))
                start = ([0.0], [0.0])
                x, y = (
                    np.append(zero, v[shown])
                    for zero, v in zip(start, (false_rate, recall), strict=True)
                )
                yield self._curve("roc", "class", name, x, y)
                yield self._curve(
                    "precision_recall", "class", name, recall[shown], precision[shown]
                )
        diagram = reliability(probabilities, truth)
        full = diagram.counts > 0
        yield self._curve(
            "reliability",
            "class",
            None,
            diagram.confidence[full],
            diagram.accuracy[full],
            diagram.counts[full],
        )

    def _curve(
        self,
        kind: Literal["precision_recall", "f1", "roc", "reliability", "pck"],
        of: str,
        class_name: str | None,
        x: FloatArray,
        y: FloatArray,
        counts: npt.NDArray[np.int64] | None = None,
    ) -> Curve:
        return Curve(
            predictions_sha256=self._sha256,
            kind=kind,
            of=of,
            class_name=class_name,
            x=tuple(round(v, _DIGITS) for v in x.tolist()),
            y=tuple(round(v, _DIGITS) if isfinite(v) else None for v in y.tolist()),
            counts=() if counts is None else tuple(counts.tolist()),
        )


def _thinned(count: int) -> npt.NDArray[np.intp]:
    """At most 200 of so many points, the first and the last among them."""
    return np.unique(np.linspace(0, count - 1, min(count, _MOST_POINTS)).round().astype(np.intp))

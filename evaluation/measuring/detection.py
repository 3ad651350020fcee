"""What is measured of boxes, masks, keypoints and class maps."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from evaluation.alignment import Alignment, align_detections
from evaluation.bootstrap import Estimate, bootstrap
from evaluation.clusters import ImageUnits, image_units
from evaluation.measurement import Measurement
from evaluation.measuring.class_maps import map_estimates
from evaluation.measuring.curves import CurveMaker
from evaluation.metrics.average_precision import ap_metrics, ap_statistic
from evaluation.metrics.detection import DetectionMatches, MatchKind
from evaluation.metrics.detection_matching import match_detections
from evaluation.metrics.keypoints import PCK_FRACTIONS, keypoint_errors, pck_statistic
from evaluation.metrics.score_thresholds import (
    best_threshold_statistic,
    candidate_thresholds,
    threshold_statistic,
)
from evaluation.sheet import Curve, MetricKey
from pipeline.formats.coco import CocoDataset, find_annotations, read_coco
from pipeline.formats.labelled import OTHER_SIGMA
from pipeline.records.predictions import sha256_of

__all__ = ["measure_detection"]

_WORDS: Mapping[MatchKind, str] = {"bbox": "box", "segm": "mask", "keypoints": "keypoint"}


def measure_detection(
    predictions: Path,
    benchmark: Path,
    *,
    split: str | None,
    thresholds: Mapping[str, float] | None = None,
) -> Measurement:
    """Boxes, and masks, keypoints and class maps where truth and predictions have them.

    Args:
        predictions: COCO results.
        benchmark: COCO folder.
        split: By default ``test``, else ``val``.
        thresholds: Score below which a detection is dropped, by metric name
            (``box_best_threshold``), chosen elsewhere.

    Raises:
        PredictionsError: If the predictions are wrong or do not fit the test set.
        DatasetError: If the test set is wrong.
    """
    annotations_path = find_annotations(benchmark, split)
    truth = read_coco(annotations_path)
    aligned = align_detections(predictions, truth)
    meter = _Meter(
        truth,
        aligned,
        curves=CurveMaker(sha256_of(predictions)),
        split=annotations_path.stem.removeprefix("instances").removeprefix("_") or None,
        thresholds=thresholds or {},
    )
    if aligned.meta is None or aligned.meta.task != "semantic":
        meter.measure("bbox")
        if truth.has_masks and aligned.has_masks:
            meter.measure("segm")
        elif truth.has_masks:
            meter.notes.append("The predictions have no masks: only their boxes are scored.")
        if aligned.has_keypoints and any(category.keypoints for category in truth.categories):
            meter.measure("keypoints")
            meter.measure_pck()
    if truth.has_masks:
        meter.estimates |= map_estimates(predictions, truth, aligned, meter.units, meter.notes)
    return Measurement(
        task="detection",
        split=meter.split,
        truth_file=annotations_path.relative_to(benchmark).as_posix(),
        truth_sha256=sha256_of(annotations_path),
        image_ids=aligned.image_ids,
        estimates=meter.estimates,
        notes=tuple(meter.notes),
        curves=tuple(meter.drawn),
    )


class _Meter:
    """Measures one predictions file, one kind of object after the other."""

    def __init__(
        self,
        truth: CocoDataset,
        aligned: Alignment,
        *,
        curves: CurveMaker,
        split: str | None,
        thresholds: Mapping[str, float],
    ) -> None:
        self._truth, self._aligned, self._curves = truth, aligned, curves
        self._thresholds = thresholds
        self.split = split
        wanted = set(aligned.image_ids)
        self.units: ImageUnits = image_units(i for i in truth.images if i.image_id in wanted)
        self.estimates: dict[MetricKey, Estimate] = {}
        self.notes = list(aligned.notes)
        self.drawn: list[Curve] = []

    def measure(self, kind: MatchKind) -> None:
        """AP and AR, F1 at a threshold, and their curves."""
        names = {
            category.category_id: category.name
            for category in self._truth.categories
            if kind != "keypoints" or category.keypoints
        }
        matches = match_detections(
            detections=self._aligned.detections,
            truth={i: self._truth.instances[i] for i in self._aligned.image_ids},
            category_ids=sorted(names),
            kind=kind,
            sigmas=self._sigmas() if kind == "keypoints" else None,
            units=self.units,
        )
        metrics = ap_metrics(matches)
        keys: list[MetricKey] = [(metric, None) for metric in metrics]
        if len(names) > 1:  # of a single class, the mean over classes says it all
            keys += [(metric, names[c]) for c in matches.categories for metric in metrics]
        found = bootstrap(ap_statistic(matches), matches.units)
        self.estimates |= dict(zip(keys, found, strict=False))
        self._measure_f1(matches, _WORDS[kind])
        candidates = candidate_thresholds(matches)
        self.drawn += self._curves.detections(matches, names, candidates, _WORDS[kind])

    def measure_pck(self) -> None:
        """PCK of every class and of all."""
        categories = {c.category_id: c.name for c in self._truth.categories if c.keypoints}
        errors = keypoint_errors(
            self._aligned.detections, {i: self._truth.instances[i] for i in self._aligned.image_ids}
        )
        statistic = pck_statistic(errors, category_ids=list(categories), units=self.units)
        metrics = [f"{word}@{a:g}" for word in ("pck", "pck_span") for a in PCK_FRACTIONS]
        classes = [None, *(categories.values() if len(categories) > 1 else ())]
        keys: list[MetricKey] = [(metric, name) for name in classes for metric in metrics]
        self.estimates |= dict(zip(keys, bootstrap(statistic, self.units.units), strict=False))
        self.drawn += self._curves.keypoints(errors)

    def _measure_f1(self, matches: DetectionMatches, word: str) -> None:
        """At a threshold from elsewhere, or the best one here unless this is a test split."""
        name = f"{word}_best_threshold"
        if name in self._thresholds:
            chosen = np.array([self._thresholds[name]])
            found = bootstrap(threshold_statistic(matches, chosen), matches.units)
            keys = [(f"{word}_{metric}", None) for metric in ("precision", "recall", "f1")]
            self.estimates |= dict(zip(keys, found, strict=True))
            self.notes.append(
                f"{word}_f1, {word}_precision and {word}_recall count detections with a score of "
                f"at least {chosen[0]:.4g}, chosen on other pictures."
            )
        elif self.split != "test" and (candidates := candidate_thresholds(matches)).size:
            found = bootstrap(best_threshold_statistic(matches, candidates), matches.units)
            self.estimates |= dict(
                zip([(f"{word}_best_f1", None), (name, None)], found, strict=True)
            )

    def _sigmas(self) -> dict[int, tuple[float, ...]]:
        without = [c.name for c in self._truth.categories if c.keypoints and not c.sigmas]
        if without:
            self.notes.append(
                f"{self._truth.annotations_path.name} has no 'sigmas' for the keypoints of "
                f"{', '.join(without)}: OKS uses COCO's for persons of 17 keypoints, else "
                f"{OTHER_SIGMA}."
            )
        return {c.category_id: c.oks_sigmas for c in self._truth.categories if c.keypoints}

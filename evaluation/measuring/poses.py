"""What is measured of 6D poses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np
from scipy.optimize import linear_sum_assignment

from evaluation.bootstrap import Estimate, Statistic, Units, bootstrap
from evaluation.measurement import Measurement, digest_of
from evaluation.metrics.overlaps import IndexArray
from evaluation.metrics.pose import add_m, add_s_m, mspd_px, mssd_m, reprojection_px
from evaluation.pose_truth import PoseTarget, PoseTruth, read_pose_truth
from evaluation.sheet import MetricKey
from pipeline.errors import PredictionsError
from pipeline.geometry.boxes import FloatArray
from pipeline.geometry.camera import Matrix4
from pipeline.geometry.masks import BoolArray
from pipeline.records.poses import PosePrediction, read_poses

__all__ = ["POSE_METRICS", "PoseErrors", "measure_poses", "pose_errors", "pose_statistic"]

_AUC_LIMIT_M = 0.1  # Xiang et al., PoseCNN, RSS 2018
_STEPS = np.arange(0.05, 0.51, 0.05)  # of the diameter, BOP 2020; times 100 px
_REFERENCE_WIDTH_PX = 640  # of a picture in which MSPD's thresholds are 5, 10, ..., 50 px


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PoseErrors:
    """(N,) errors of the targets, infinite where there is no estimate.

    Attributes:
        diameter_m: Of the object.
        px_scale: The picture's width over 640.
    """

    add_m: FloatArray
    add_s_m: FloatArray
    mssd_m: FloatArray
    mspd_px: FloatArray
    reprojection_px: FloatArray
    diameter_m: FloatArray
    px_scale: FloatArray


_SHARES: dict[str, Callable[[PoseErrors], FloatArray | BoolArray]] = {
    "add_recall@0.1d": lambda e: e.add_m <= 0.1 * e.diameter_m,
    "add_s_recall@0.1d": lambda e: e.add_s_m <= 0.1 * e.diameter_m,
    "add_auc": lambda e: np.maximum(0, 1 - e.add_m / _AUC_LIMIT_M),
    "add_s_auc": lambda e: np.maximum(0, 1 - e.add_s_m / _AUC_LIMIT_M),
    "mssd_ar": lambda e: (e.mssd_m[:, None] < _STEPS * e.diameter_m[:, None]).mean(axis=1),
    "mspd_ar": lambda e: (e.mspd_px[:, None] < 100 * _STEPS * e.px_scale[:, None]).mean(axis=1),
    "reprojection_recall@5px": lambda e: e.reprojection_px <= 5,
}
_MEDIANS: dict[str, Callable[[PoseErrors], FloatArray]] = {
    "add_median_m": lambda e: e.add_m,
    "add_s_median_m": lambda e: e.add_s_m,
    "mssd_median_m": lambda e: e.mssd_m,
    "mspd_median_px": lambda e: e.mspd_px,
    "reprojection_median_px": lambda e: e.reprojection_px,
}
POSE_METRICS = (*_SHARES, *_MEDIANS)


def measure_poses(predictions: Path, benchmark: Path, *, split: str | None) -> Measurement:
    """ADD, ADD-S, MSSD, MSPD and reprojection error of a BOP results file.

    Raises:
        PredictionsError: If the predictions are wrong or name a picture that is not there.
        DatasetError: If the test set is wrong.
    """
    truth = read_pose_truth(benchmark, split)
    poses = read_poses(predictions)
    known = set(truth.images)
    for pose in poses:
        if (pose.scene_id, pose.im_id) not in known:
            raise PredictionsError(
                f"{predictions}: scene {pose.scene_id}, image {pose.im_id} is not in "
                f"{truth.source}; expected one of its {len(known)} pictures."
            )
    targets = truth.targets
    errors = pose_errors(poses, targets)
    unit, units, notes = _units(truth)
    unit_of_target = np.array([unit[t.scene_id, t.im_id] for t in targets], dtype=np.intp)
    names = sorted({target.name for target in targets})
    estimates: dict[MetricKey, Estimate] = {}
    for name in (None, *(names if len(names) > 1 else ())):
        chosen = np.array([name in (None, target.name) for target in targets], dtype=bool)
        statistic = pose_statistic(errors, chosen, unit_of_target, n_units=units.drawn)
        keys: list[MetricKey] = [(metric, name) for metric in POSE_METRICS]
        estimates |= dict(zip(keys, bootstrap(statistic, units), strict=True))
    wanted = {(t.scene_id, t.im_id, t.obj_id) for t in targets}
    extra = sum((p.scene_id, p.im_id, p.obj_id) not in wanted for p in poses)
    if extra:
        notes.append(f"{extra} of {len(poses)} poses are of objects that are no targets.")
    return Measurement(
        task="pose",
        split=truth.split,
        truth_file=truth.source,
        truth_sha256=digest_of(truth.files),
        image_ids=tuple(range(1, len(truth.images) + 1)),
        estimates=estimates,
        notes=tuple(notes),
    )


def pose_errors(poses: Sequence[PosePrediction], targets: Sequence[PoseTarget]) -> PoseErrors:
    """Errors of every target.

    Of every picture and object the estimates with the best scores, as many as there are
    instances, are given to the instances so that MSSD adds up to the least.

    Args:
        poses: Estimates in any order; those of other objects are left out.
        targets: What was to be found.
    """
    table = np.full((5, len(targets)), np.inf)
    estimates: dict[tuple[int, int, int], list[PosePrediction]] = {}
    for pose in sorted(poses, key=lambda p: -p.score):
        estimates.setdefault((pose.scene_id, pose.im_id, pose.obj_id), []).append(pose)

    def key(index: int) -> tuple[int, int, int]:
        target = targets[index]
        return (target.scene_id, target.im_id, target.obj_id)

    for group, members in groupby(sorted(range(len(targets)), key=key), key=key):
        instances = list(members)
        best = estimates.get(group, [])[: len(instances)]
        cost = np.array([[_mssd_m(p.cam_from_obj, targets[i]) for i in instances] for p in best])
        for row, column in zip(
            *linear_sum_assignment(cost.reshape(len(best), len(instances))), strict=True
        ):
            index = instances[column]
            table[:, index] = _errors(best[row].cam_from_obj, targets[index], cost[row, column])
    return PoseErrors(
        add_m=table[0],
        add_s_m=table[1],
        mssd_m=table[2],
        mspd_px=table[3],
        reprojection_px=table[4],
        diameter_m=np.array([t.shape.diameter_m for t in targets]),
        px_scale=np.array([t.width_px / _REFERENCE_WIDTH_PX for t in targets]),
    )


def pose_statistic(
    errors: PoseErrors, chosen: BoolArray, unit: IndexArray, *, n_units: int
) -> Statistic:
    """``POSE_METRICS`` of some targets.

    Args:
        errors: Of all targets.
        chosen: (N,) bool.
        unit: (N,) unit of each target.
        n_units: U.

    Returns:
        Statistic with M = 12. Medians are infinite, and so undefined, where half of the targets
        or more have no estimate.
    """
    shares = np.column_stack([share(errors) for share in _SHARES.values()]).astype(np.float64)
    sums = np.zeros((n_units, shares.shape[1] + 1))
    np.add.at(sums, unit[chosen], np.column_stack([shares, np.ones(len(shares))])[chosen])
    columns = [(each(errors)[chosen], unit[chosen]) for each in _MEDIANS.values()]
    ordered = [(values[o], units[o]) for values, units in columns for o in [np.argsort(values)]]

    def statistic(weights: FloatArray) -> FloatArray:
        totals = weights @ sums
        with np.errstate(invalid="ignore"):
            means = totals[:, :-1] / totals[:, -1:]
        medians = [_medians(values, weights[:, units]) for values, units in ordered]
        return np.column_stack([means, *medians])

    return statistic


def _medians(values: FloatArray, weights: FloatArray) -> FloatArray:
    """(B,) weighted medians of ascending values; of an even number the mean of the middle two."""
    if not len(values):
        return np.full(len(weights), np.nan)
    upto = np.cumsum(weights, axis=1)
    half = upto[:, -1:] / 2
    low, high = (upto < half).sum(axis=1), (upto <= half).sum(axis=1)
    last = len(values) - 1
    with np.errstate(invalid="ignore"):
        middle = (values[np.minimum(low, last)] + values[np.minimum(high, last)]) / 2
    return np.where((half[:, 0] > 0) & np.isfinite(middle), middle, np.nan)


def _errors(pose: Matrix4, target: PoseTarget, mssd: float) -> tuple[float, ...]:
    pred, gt, K = np.array(pose), np.array(target.cam_from_obj), np.array(target.K)
    points_m = target.shape.points_m
    return (
        add_m(pred, gt, points_m),
        add_s_m(pred, gt, points_m),
        mssd,
        mspd_px(pred, gt, K, points_m, target.shape.symmetries),
        reprojection_px(pred, gt, K, points_m),
    )


def _mssd_m(pose: Matrix4, target: PoseTarget) -> float:
    shape = target.shape
    return mssd_m(np.array(pose), np.array(target.cam_from_obj), shape.points_m, shape.symmetries)


def _units(truth: PoseTruth) -> tuple[dict[tuple[int, int], int], Units, list[str]]:
    """Scenes are units where there are several: their pictures share what lies around."""
    scenes = sorted({scene_id for scene_id, _ in truth.images})
    if len(scenes) > 1:
        number = {scene_id: unit for unit, scene_id in enumerate(scenes)}
        unit = {image: number[image[0]] for image in truth.images}
        return unit, Units(drawn=len(scenes), name="scenes"), []
    unit = {image: unit for unit, image in enumerate(sorted(truth.images))}
    if not truth.has_scenes:
        return unit, Units(drawn=len(unit), name="images"), []
    notes = ["All pictures are of one scene: the intervals resample its pictures only."]
    return unit, Units(drawn=len(unit), name="images, this scene only"), notes

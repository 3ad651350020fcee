"""Scores set against each other: means over seeds, the gap to real training, the domain drop."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from evaluation.bootstrap import Estimate, contrast, pool_seeds
from evaluation.sheet import MetricKey, Score, ScoreSheet, score_row
from pipeline.geometry.boxes import FloatArray

__all__ = ["compare_sheets", "seed_means"]

_UNDEFINED = Estimate(
    value=float("nan"), replicates=np.zeros(0), count=0, unit_of_count="no real training set"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Arm:
    """The same training with several seeds, on one test set."""

    sheets: tuple[ScoreSheet, ...]

    @property
    def first(self) -> ScoreSheet:
        return self.sheets[0]

    def pooled(self, key: MetricKey) -> Estimate | None:
        estimates = [sheet.estimates[key] for sheet in self.sheets if key in sheet.estimates]
        return pool_seeds(estimates) if estimates else None

    def same_units(self, other: _Arm) -> bool:
        tests = {
            (sheet.test_sha256, sheet.image_ids) for arm in (self, other) for sheet in arm.sheets
        }
        return len(tests) == 1


def seed_means(sheets: Sequence[ScoreSheet]) -> list[Score]:
    """One row per metric for every training that was repeated with other seeds; ``seed`` None."""
    rows = []
    for arm in _arms(sheets):
        for metric, class_name in arm.first.estimates if len(arm.sheets) > 1 else ():
            pooled = arm.pooled((metric, class_name))
            if pooled is not None:
                rows.append(score_row(arm.first, pooled, metric=metric, class_name=class_name))
    return rows


def compare_sheets(sheets: Sequence[ScoreSheet]) -> list[Score]:
    """``sim_to_real_gap``, ``transfer_ratio`` and ``domain_drop`` of every synthetic training.

    The first two compare with training on real images (one row per share of them) on the same
    test set, resampled together; their value is None where nothing was trained on real images.
    The third compares two test sets, resampled apart. Seeds are resampled with the images.
    """
    arms = _arms(sheets)
    synthetic = [arm for arm in arms if arm.first.context.regime == "synthetic"]
    rows: list[Score] = []
    for arm in (arm for arm in synthetic if arm.first.domain == "real"):
        rivals: list[_Arm | None] = []
        rivals += [a for a in arms if a.first.context.regime == "real" and _same_test(a, arm)]
        for rival in rivals or [None]:
            rows += _rows("sim_to_real_gap", rival, arm, np.subtract)
            rows += _rows("transfer_ratio", rival, arm, lambda real, ours: ours / real)
        for home in (arm for arm in synthetic if arm.first.domain == "synthetic"):
            if home.first.context.trained_on == arm.first.context.trained_on:
                rows += _rows("domain_drop", home, arm, np.subtract)
    return rows


def _rows(
    name: str,
    other: _Arm | None,
    arm: _Arm,
    operation: Callable[[FloatArray, FloatArray], FloatArray],
) -> Iterable[Score]:
    for metric, class_name in arm.first.estimates:
        if class_name is not None and metric != "dice":  # Dice is defined per class only
            continue
        ours = arm.pooled((metric, class_name))
        theirs = other.pooled((metric, class_name)) if other is not None else None
        estimate = _UNDEFINED
        if ours is not None and theirs is not None and other is not None:
            paired = arm.same_units(other)
            estimate = contrast(theirs, ours, operation, paired=paired)
        elif other is not None:
            continue
        yield score_row(
            arm.first,
            estimate,
            metric=name,
            of=metric,
            class_name=class_name,
            seed=arm.first.context.seed if len(arm.sheets) == 1 else None,
            real_fraction=None if other is None else other.first.context.real_fraction,
        )


def _arms(sheets: Sequence[ScoreSheet]) -> list[_Arm]:
    groups: dict[tuple[object, ...], dict[int | None, ScoreSheet]] = {}
    for sheet in sheets:
        context = sheet.context
        key = (
            sheet.task,
            context.regime,
            context.real_fraction,
            context.trained_on,
            context.tested_on,
            sheet.split,
        )
        groups.setdefault(key, {})[context.seed] = sheet
    return [_Arm(sheets=tuple(group.values())) for group in groups.values()]


def _same_test(a: _Arm, b: _Arm) -> bool:
    return (a.first.context.tested_on, a.first.split) == (b.first.context.tested_on, b.first.split)

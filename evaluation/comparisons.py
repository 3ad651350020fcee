"""Scores set against each other: means over seeds, the gap to real training, the domain drop."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from evaluation.analysis.arms import Arm, group_arms
from evaluation.analysis.differences import Operation, difference
from evaluation.bootstrap import Estimate
from evaluation.sheet import MetricKey, Score, ScoreSheet, score_row

__all__ = ["RATIO", "compare_sheets", "seed_means", "transfer_pairs"]

RATIO: Operation = lambda real, ours: ours / real  # noqa: E731  # score(real) comes first


def seed_means(sheets: Sequence[ScoreSheet]) -> list[Score]:
    """One row per metric for every training that was repeated with other seeds; ``seed`` None."""
    rows = []
    for arm in group_arms(sheets):
        for metric, class_name in arm.first.estimates if len(arm.sheets) > 1 else ():
            pooled = arm.pooled((metric, class_name))
            if pooled is not None:
                rows.append(score_row(arm.first, pooled, metric=metric, class_name=class_name))
    return rows


def compare_sheets(sheets: Sequence[ScoreSheet]) -> list[Score]:
    """``sim_to_real_gap``, ``transfer_ratio`` and ``domain_drop`` of every synthetic training.

    The first two compare with training on real images (one row per share of them) on the same
    test set, resampled together; their value is None where nothing was trained on real images.
    The third compares two test sets, resampled apart. Seeds are compared one by one; see
    :func:`evaluation.analysis.differences.difference`.
    """
    rows: list[Score] = []
    for name, other, arm in transfer_pairs(group_arms(sheets)):
        for key in arm.first.estimates:
            if key[1] is None or key[0] == "dice":  # Dice is defined per class only
                rows += _row(name, other, arm, key)
    return rows


def transfer_pairs(arms: Sequence[Arm]) -> Iterable[tuple[str, Arm | None, Arm]]:
    """Every comparison there is: its name, the other arm, the synthetic training's arm."""
    synthetic = [arm for arm in arms if arm.context.regime == "synthetic"]
    for arm in (arm for arm in synthetic if arm.is_real):
        rivals: list[Arm | None] = []
        rivals += [a for a in arms if a.context.regime == "real" and a.test_set == arm.test_set]
        for rival in rivals or [None]:
            yield "sim_to_real_gap", rival, arm
            yield "transfer_ratio", rival, arm
        for home in (arm for arm in synthetic if not arm.is_real):
            if home.context.trained_on == arm.context.trained_on:
                yield "domain_drop", home, arm


def _row(name: str, other: Arm | None, arm: Arm, key: MetricKey) -> Iterable[Score]:
    row = score_row(
        arm.first,
        Estimate(
            value=float("nan"),
            replicates=np.zeros(0),
            count=0,
            unit_of_count="no real training set",
        ),
        metric=name,
        of=key[0],
        class_name=key[1],
        seed=arm.seed,
        real_fraction=None if other is None else other.context.real_fraction,
    )
    if other is None:
        yield row
        return
    ratio = name == "transfer_ratio"
    found = difference(other, arm, key, RATIO if ratio else np.subtract, neutral=float(ratio))
    if found is not None:
        value, low, high = (
            float(number) if np.isfinite(number) else None
            for number in (found.value, found.low, found.high)
        )
        yield row.model_copy(
            update={
                "value": value,
                "low": low,
                "high": high,
                "count": 0 if value is None else found.spread.units,
                "unit_of_count": found.unit_of_count,
            }
        )

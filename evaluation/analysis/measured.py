"""Arms and differences as they are written."""

from __future__ import annotations

import math

from evaluation.analysis.arms import Arm
from evaluation.analysis.differences import Difference, spread_of
from evaluation.analysis.records import Measured, Training
from evaluation.sheet import MetricKey, ScoreContext

__all__ = ["measured_arm", "measured_difference", "training_of"]


def training_of(context: ScoreContext) -> Training:
    """What a context says of the training."""
    return Training(**context.model_dump(exclude={"seed", "tested_on"}))


def measured_difference(found: Difference) -> Measured:
    """A difference as it is written."""
    return Measured(
        value=_finite(found.value),
        low=_finite(found.low),
        high=_finite(found.high),
        images_sd=_finite(found.spread.images_sd),
        seeds_sd=_finite(found.spread.seeds_sd),
        seeds=found.spread.seeds,
        count=found.spread.units,
        unit_of_count=found.unit_of_count,
        p_value=_finite(found.p_value),
    )


def measured_arm(arm: Arm, key: MetricKey) -> Measured | None:
    """An arm's mean over seeds; None where it was not measured."""
    estimates = list(arm.estimates(key).values())
    pooled = arm.pooled(key)
    if pooled is None or not estimates:
        return None
    low, high = pooled.interval
    spread = spread_of(estimates)
    return Measured(
        value=_finite(pooled.value),
        low=_finite(low),
        high=_finite(high),
        images_sd=_finite(spread.images_sd),
        seeds_sd=_finite(spread.seeds_sd),
        seeds=spread.seeds,
        count=pooled.count,
        unit_of_count=pooled.unit_of_count,
    )


def _finite(number: float) -> float | None:
    """Nan and infinities as None, which JSON can hold."""
    return number if math.isfinite(number) else None

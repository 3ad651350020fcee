"""Differences between two arms, with both sources of chance: the test pictures and the seeds."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import optimize, stats

from evaluation.analysis.arms import Arm
from evaluation.bootstrap import Estimate, contrast
from evaluation.sheet import MetricKey
from pipeline.geometry.boxes import FloatArray

__all__ = ["Difference", "Operation", "Spread", "difference", "holm", "seeds_error", "spread_of"]

Operation = Callable[[FloatArray, FloatArray], FloatArray]

_CONFIDENCE = 0.95
_SHARES = {True: (-1.0, 1.0), False: (0.0, math.inf)}  # what differences, else ratios, can be
_LEAST_P = 1e-9  # smaller ones are not told apart


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """The two sources of chance in a mean over seeds.

    What other seeds would do to single pictures is part of the first: it is in the resamples.

    Attributes:
        images_sd: Standard error that comes from the test pictures (bootstrap); nan with fewer
            than two of them.
        seeds_sd: Standard error that comes from the training seeds; nan with fewer than two.
        units: Test pictures, or what else was resampled.
        seeds: Training seeds.
        seeds_freedom: Degrees of freedom behind ``seeds_sd``.
    """

    images_sd: float
    seeds_sd: float
    units: int
    seeds: int
    seeds_freedom: int

    @property
    def sd(self) -> float:
        """Of both together: nan where the pictures' is."""
        seeds_sd = 0.0 if math.isnan(self.seeds_sd) else self.seeds_sd
        return math.hypot(self.images_sd, seeds_sd)

    def critical(self, p_value: float) -> float:
        """How many ``sd`` a difference must be away from none for a two-sided p-value.

        Student's t of both sources, weighted by their variances: where seeds are few and their
        luck is most of it, they count as few.

        Source: Cochran, Biometrics 20, 1964.
        """
        parts = [(self.images_sd**2, self.units - 1)]
        if self.seeds_freedom > 0:
            parts.append((self.seeds_sd**2, self.seeds_freedom))
        total = sum(variance for variance, _ in parts)
        quantiles = [
            variance * float(stats.t.isf(p_value / 2, max(freedom, 1)))
            for variance, freedom in parts
        ]
        return sum(quantiles) / total


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One score against another.

    Attributes:
        value: By default the first minus the second; nan where one of them is.
        low: End of the 95 % interval; nan where none can be told.
        high: The other end.
        p_value: Of no difference, two-sided, of Student's t; nan where it cannot be told.
        spread: Where the chance comes from.
        unit_of_count: What ``spread.units`` counts.
    """

    value: float
    low: float
    high: float
    p_value: float
    spread: Spread
    unit_of_count: str


def spread_of(estimates: Sequence[Estimate]) -> Spread:
    """Where the chance in a mean over seeds comes from.

    Args:
        estimates: One per seed, on the same units.
    """
    return _spread(estimates)


def difference(
    ours: Arm,
    theirs: Arm,
    key: MetricKey,
    operation: Operation = np.subtract,
    *,
    neutral: float = 0.0,
    seeds_error: tuple[float, int] | None = None,
) -> Difference | None:
    """One arm's score against another's, seed against the same seed, picture against picture.

    The interval is Student's, around the mean over seeds, with the standard errors of pictures
    and seeds added in quadrature (:meth:`Spread.critical`): a percentile interval of two or three
    resampled seeds would be too narrow. It ends where nothing further is possible: of shares at a
    difference of 1 and a ratio of 0. Arms without a common seed are compared by their means.

    Args:
        ours: First arm.
        theirs: Second arm; on another test set the pictures are resampled apart.
        key: What to compare.
        operation: As ``np.divide`` for a ratio.
        neutral: Its value where both arms are alike.
        seeds_error: Standard error that comes from the seeds, with its degrees of freedom, where
            more trainings than these two tell it (:func:`seeds_error`).

    Returns:
        None where one of them was not measured.
    """
    ours_by_seed, theirs_by_seed = ours.estimates(key), theirs.estimates(key)
    if not ours_by_seed or not theirs_by_seed:
        return None
    common = [seed for seed in ours_by_seed if seed in theirs_by_seed]
    left = [ours_by_seed[seed] for seed in common] or list(ours_by_seed.values())
    right = [theirs_by_seed[seed] for seed in common] or list(theirs_by_seed.values())
    paired = ours.same_units(theirs)
    overall = contrast(_mean(left), _mean(right), operation, paired=paired)
    if common:
        pairs = zip(left, right, strict=True)
        spread = _spread(
            [contrast(a, b, operation, paired=paired) for a, b in pairs], seeds_error=seeds_error
        )
    else:
        spread = _unpaired_spread(overall, left, right)
    low, high, p_value = _student(overall.value, spread, neutral)
    if all(estimate.is_share for estimate in (*left, *right)):
        low, high = np.clip([low, high], *_SHARES[operation is np.subtract]).tolist()
    seeds = f"; {spread.seeds} seeds" if spread.seeds > 1 else ""
    return Difference(
        value=overall.value,
        low=low,
        high=high,
        p_value=p_value,
        spread=spread,
        unit_of_count=f"{overall.unit_of_count}{seeds}",
    )


def seeds_error(arms: Sequence[Arm], key: MetricKey) -> tuple[float, int] | None:
    """What seeds add to a difference of any two arms, told by all of them together.

    The residual of a randomised block design with the seeds as blocks: what is left when each
    training's mean and each seed's mean are taken away. Three seeds of two trainings leave two
    degrees of freedom, those of seven trainings twelve.

    Args:
        arms: Trainings with common seeds.
        key: What was measured.

    Returns:
        Standard error of a difference of two means, and its degrees of freedom; None with fewer
        than two common seeds or two arms.

    Source: Box, Hunter & Hunter, Statistics for Experimenters, 2005, section 4.2.
    """
    by_seed = [arm.estimates(key) for arm in arms]
    common = [s for s in (by_seed[0] if by_seed else {}) if all(s in one for one in by_seed)]
    freedom = (len(arms) - 1) * (len(common) - 1)
    if freedom < 1:
        return None
    scores = np.array([[one[seed].value for seed in common] for one in by_seed])
    residual = scores - scores.mean(axis=1, keepdims=True) - scores.mean(axis=0) + scores.mean()
    variance = float((residual**2).sum()) / freedom
    return (math.sqrt(2 * variance / len(common)), freedom)


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values of a family of tests, adjusted so that any false alarm in it has its probability.

    Args:
        p_values: In any order; nan counts as 1.

    Returns:
        In the same order.

    Source: Holm, Scandinavian Journal of Statistics 6, 1979.
    """
    p = np.nan_to_num(np.asarray(p_values, dtype=np.float64), nan=1.0)
    order = np.argsort(p, kind="stable")
    steps = (len(p) - np.arange(len(p))) * p[order]
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return [float(value) for value in adjusted]


def _mean(estimates: Sequence[Estimate]) -> Estimate:
    return replace(
        estimates[0],
        value=float(np.mean([e.value for e in estimates])),
        replicates=_mean_replicates(estimates),
        count=min(e.count for e in estimates),
    )


def _mean_replicates(estimates: Sequence[Estimate]) -> FloatArray:
    return np.asarray(np.mean([e.replicates for e in estimates], axis=0))


def _spread(estimates: Sequence[Estimate], seeds_error: tuple[float, int] | None = None) -> Spread:
    """Of a mean over seeds, the variance split into that of pictures and that of seeds."""
    units, n_seeds = min(e.count for e in estimates), len(estimates)
    images_var = _variance(_mean_replicates(estimates)) if units > 1 else math.nan
    error, freedom = seeds_error or (_standard_error([e.value for e in estimates]), n_seeds - 1)
    shared = 0.0
    if n_seeds > 1 and units > 1:
        # Pictures on which seeds differ are in both variances. They are taken out of the seeds',
        # but at most half of it: the rest of so few numbers would too often be nothing.
        single_var = float(np.mean([_variance(e.replicates) for e in estimates]))
        shared = max(0.0, single_var - images_var) / (n_seeds - 1)
    return Spread(
        images_sd=math.sqrt(images_var),
        seeds_sd=error if math.isnan(error) else math.sqrt(max(error**2 - shared, error**2 / 2)),
        units=units,
        seeds=n_seeds,
        seeds_freedom=freedom,
    )


def _unpaired_spread(
    overall: Estimate, left: Sequence[Estimate], right: Sequence[Estimate]
) -> Spread:
    sides = [_spread(side) for side in (left, right)]
    known = [side for side in sides if math.isfinite(side.seeds_sd)]
    return Spread(
        images_sd=math.sqrt(_variance(overall.replicates)) if overall.count > 1 else math.nan,
        seeds_sd=math.hypot(*(side.seeds_sd for side in known)) if known else math.nan,
        units=overall.count,
        seeds=min(side.seeds for side in sides),
        seeds_freedom=min((side.seeds_freedom for side in known), default=0),
    )


def _variance(replicates: FloatArray) -> float:
    finite = replicates[np.isfinite(replicates)]
    return float(finite.var(ddof=1)) if finite.size > 1 else math.nan


def _standard_error(values: Sequence[float]) -> float:
    finite = [value for value in values if math.isfinite(value)]
    return float(np.std(finite, ddof=1)) / math.sqrt(len(finite)) if len(finite) > 1 else math.nan


def _student(value: float, spread: Spread, neutral: float) -> tuple[float, float, float]:
    sd = spread.sd
    if not math.isfinite(value) or not math.isfinite(sd):
        return (math.nan, math.nan, math.nan)
    if sd == 0:  # no resample differs: nothing to judge by
        return (value, value, math.nan)
    half = spread.critical(1 - _CONFIDENCE) * sd
    wanted = abs(value - neutral) / sd
    if spread.critical(_LEAST_P) <= wanted:
        return (value - half, value + half, _LEAST_P)
    p_value = optimize.brentq(lambda p: spread.critical(p) - wanted, _LEAST_P, 1.0)
    return (value - half, value + half, float(p_value))

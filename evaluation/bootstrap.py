"""Intervals by resampling the units that a score was measured on.

A score is written as a function of unit weights: how often each image, or each object of a
single photograph, occurs in a resample. Weights all 1 give the score itself. The weights of
resample b depend on (seed, number of units, b) alone, so two models scored on the same units
are resampled together and their replicates can be subtracted one by one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special, stats

from pipeline.geometry.boxes import FloatArray

__all__ = [
    "Estimate",
    "Statistic",
    "Units",
    "bootstrap",
    "contrast",
    "pool_seeds",
    "unit_weights",
]

Statistic = Callable[[FloatArray], FloatArray]
"""(B, U) weights of U units in B resamples -> (B, M) values of M metrics, nan where undefined."""

_RESAMPLES = 1000
_CONFIDENCE = 0.95
_AT_ONCE = 10  # resamples whose mean weights still vary, with a tenth of a resample's variance
_SHOWN_LIFT = 1 / (math.sqrt(2) - math.sqrt(1 + 1 / _AT_ONCE))
_CHUNK_WEIGHTS = 1_000_000  # weights held at once, 8 MB
_DRAWN, _STRAY, _SEEDS, _UNPAIRED = 0, 1, 2, 3  # child generators, never renumbered


@dataclass(frozen=True, slots=True, kw_only=True)
class Units:
    """What is resampled.

    Attributes:
        drawn: Images, or objects of one photograph: drawn with replacement, as many as there are.
        strays: Units that belong to no drawn one (detections matched to nothing on a single
            photograph). They come and go as a Poisson process does, with weights of mean 1, so
            that their number varies and the weights of the drawn units do not depend on them.
        name: What a drawn unit is called in a score, for ``unit_of_count``.
    """

    drawn: int
    name: str
    strays: int = 0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Estimate:
    """A score and what it would have been on resampled units.

    Attributes:
        value: nan if there is nothing to score.
        replicates: (B,) the score on each resample; nan where undefined.
        count: Units scored; 0 where the value is nan.
        unit_of_count: What they are.
        lift: By how much noise raises the value on average.
        is_share: Whether it lies between 0 and 1, as all of its replicates do.
    """

    value: float
    replicates: FloatArray
    count: int
    unit_of_count: str
    lift: float = 0.0
    is_share: bool = False

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval; nan without a value or with fewer than two units.

        It lies around the value less its lift. Of a share it is Student's on the scale of log
        odds, where shares near 0 or 1 vary as others do; of another number it is made of the
        replicates' percentiles, further out the fewer units there are, and never leaves their
        range. The lift counts as uncertain by as much as it is. The value is never left out.

        Source: Hesterberg, The American Statistician 69, 2015, for the percentiles; Agresti,
        Categorical Data Analysis, 2013, section 3.1 for the odds with half a unit added to each
        side, which keeps them finite.
        """
        finite = self.replicates[np.isfinite(self.replicates)]
        if not np.isfinite(self.value) or self.count < 2 or finite.size == 0:
            return (float("nan"), float("nan"))
        n, error = self.count, float(finite.std())
        if error == 0:
            low = high = float(finite[0])
        else:
            reach = float(stats.t.isf((1 - _CONFIDENCE) / 2, n - 1)) * math.sqrt(n / (n - 1))
            wider = math.hypot(error, self.lift) / error
            if self.is_share:
                half = reach * wider * float(_log_odds(finite, n).std())
                middle = float(_log_odds(np.array(self.value - self.lift), n))
                low, high = (_share(middle + side * half, n) for side in (-1, 1))
            else:
                tail = 100 * float(stats.norm.sf(reach))
                middle, *ends = np.percentile(finite, [50, tail, 100 - tail]).tolist()
                low, high = np.clip(
                    [middle + (end - middle) * wider - self.lift for end in ends],
                    finite.min(),
                    finite.max(),
                ).tolist()
        return (min(low, self.value), max(high, self.value))


def unit_weights(
    units: Units, *, resamples: int = _RESAMPLES, seed: int = 0
) -> Iterator[FloatArray]:
    """Weights of all units in every resample, in chunks.

    Returns:
        Chunks (b, drawn + strays), together ``resamples`` rows, all but the last of a multiple of
        ten; the drawn units come first.
    """
    drawn_rng, stray_rng = _generator(seed, _DRAWN), _generator(seed, _STRAY)
    width = max(1, units.drawn + units.strays)
    chunk = max(1, _CHUNK_WEIGHTS // width // _AT_ONCE) * _AT_ONCE
    for start in range(0, resamples, chunk):
        rows = min(chunk, resamples - start)
        weights = np.zeros((rows, units.drawn + units.strays))
        if units.drawn:
            picks = drawn_rng.integers(units.drawn, size=(rows, units.drawn))
            picks += units.drawn * np.arange(rows)[:, None]
            counts = np.bincount(picks.ravel(), minlength=rows * units.drawn)
            weights[:, : units.drawn] = counts.reshape(rows, units.drawn)
        weights[:, units.drawn :] = stray_rng.poisson(1.0, size=(rows, units.strays))
        yield weights


def bootstrap(
    statistic: Statistic, units: Units, *, resamples: int = _RESAMPLES, seed: int = 0
) -> tuple[Estimate, ...]:
    """Score every metric of a statistic on all units and on resamples of them.

    Scores that are made of maxima (the envelope of precision, a best threshold) are lifted by
    noise, in proportion to its standard deviation. In a resample its variance is twice that of
    the sample, in the mean of ten resamples 1.1 times: the difference between their mean scores
    shows 0.37 of the lift. (Bias is usually told from the score at the mean weights of all
    resamples: Efron, JASA 85, 1990. But a score moves in steps, as at the last points of recall
    that are reached, and a step at one place would be taken for a lift.)

    Args:
        statistic: Metrics as a function of unit weights.
        units: What is resampled.
        resamples: How often.
        seed: Same seed and units, same weights.

    Returns:
        One estimate per metric, in the statistic's order; nan with count 0 where there is
        nothing to score.
    """
    width = units.drawn + units.strays
    values = statistic(np.ones((1, width)))[0]
    chunks, calmer = [], []
    for weights in unit_weights(units, resamples=resamples, seed=seed):
        chunks.append(statistic(weights))
        whole = len(weights) // _AT_ONCE * _AT_ONCE
        if whole:
            calmer.append(statistic(weights[:whole].reshape(-1, _AT_ONCE, width).mean(axis=1)))
    replicates = np.concatenate(chunks)
    lifts = np.zeros(len(values))
    if calmer:
        lifts = _SHOWN_LIFT * (_mean(replicates) - _mean(np.concatenate(calmer)))
    return tuple(
        Estimate(
            value=float(value),
            replicates=replicates[:, m],
            count=units.drawn if np.isfinite(value) else 0,
            unit_of_count=units.name,
            lift=float(lifts[m]),
            is_share=_all_shares(np.append(replicates[:, m], value)),
        )
        for m, value in enumerate(values)
    )


def pool_seeds(estimates: Sequence[Estimate], *, seed: int = 0) -> Estimate:
    """The mean over training seeds, with the seeds resampled too.

    Args:
        estimates: One per training seed, on the same test units.
        seed: Of the resampling of seeds; equal numbers of seeds are resampled alike.
    """
    first = estimates[0]
    if len(estimates) == 1:
        return first
    replicates = np.stack([estimate.replicates for estimate in estimates])  # (S, B)
    n_seeds, n_resamples = replicates.shape
    picks = _generator(seed, _SEEDS).integers(n_seeds, size=(n_seeds, n_resamples))
    return Estimate(
        value=float(np.mean([estimate.value for estimate in estimates])),
        replicates=np.take_along_axis(replicates, picks, axis=0).mean(axis=0),
        count=min(estimate.count for estimate in estimates),
        unit_of_count=f"{first.unit_of_count}; {n_seeds} seeds",
        lift=float(np.mean([estimate.lift for estimate in estimates])),
        is_share=all(estimate.is_share for estimate in estimates),
    )


def contrast(
    a: Estimate,
    b: Estimate,
    operation: Callable[[FloatArray, FloatArray], FloatArray] = np.subtract,
    *,
    paired: bool,
    seed: int = 0,
) -> Estimate:
    """Two scores compared; what lifts one lifts the other alike, so no lift is taken off.

    Args:
        a: First score.
        b: Second score.
        operation: Difference by default; ``np.divide`` gives a ratio, nan where b is 0.
        paired: Whether both were measured on the same units, which were resampled together.
            If not, the replicates are matched at random.
        seed: Of that matching.
    """
    replicates_b = b.replicates
    if not paired:
        replicates_b = _generator(seed, _UNPAIRED).permutation(replicates_b)
    with np.errstate(divide="ignore", invalid="ignore"):
        value = float(operation(np.float64(a.value), np.float64(b.value)))  # type: ignore[arg-type]  # 0-d arrays
        replicates = operation(a.replicates, replicates_b)
    defined = bool(np.isfinite(value))
    return Estimate(
        value=value if defined else float("nan"),
        replicates=np.where(np.isfinite(replicates), replicates, np.nan),
        count=min(a.count, b.count) if defined else 0,
        unit_of_count=a.unit_of_count if paired else f"{a.unit_of_count} | {b.unit_of_count}",
    )


def _log_odds(share: FloatArray, n: int) -> FloatArray:
    inside = np.clip(share, 0.0, 1.0)
    return np.log((inside * n + 0.5) / ((1 - inside) * n + 0.5))


def _share(log_odds: float, n: int) -> float:
    """The share that has these log odds, 0 or 1 beyond them."""
    return float(np.clip((special.expit(log_odds) * (n + 1) - 0.5) / n, 0.0, 1.0))


def _all_shares(numbers: FloatArray) -> bool:
    finite = numbers[np.isfinite(numbers)]
    return bool(finite.size and finite.min() >= 0 and finite.max() <= 1)


def _mean(table: FloatArray) -> FloatArray:
    """(B, M) -> (M,) over the rows where defined; 0 where there are none."""
    defined = np.isfinite(table)
    counts = np.maximum(defined.sum(axis=0), 1)
    return np.asarray(np.where(defined, table, 0.0).sum(axis=0) / counts)


def _generator(seed: int, stream: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(stream,)))

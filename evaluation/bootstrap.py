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
from scipy import stats

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
_SHOWN_BIAS = 1 / (math.sqrt(2) - 1)
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
        centre: The score where every unit counts as often as in the mean of all resamples; what
            the replicates lie beside it is bias, not luck. None where it is not known.
    """

    value: float
    replicates: FloatArray
    count: int
    unit_of_count: str
    centre: float | None = None

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval; nan without a value or with fewer than two units.

        Percentiles of the replicates, further out the fewer units there are, less the bias that
        the replicates show; it never leaves their range, nor the value out.

        Scores that are made of maxima (the envelope of precision, a best threshold) are lifted by
        noise. In a resample the noise is sqrt(2) times that of the sample, so that resampling
        shows only sqrt(2) - 1 of the lift.

        Source: Hesterberg, The American Statistician 69, 2015, for the percentiles; Efron, JASA
        85, 1990, for the centre.
        """
        finite = self.replicates[np.isfinite(self.replicates)]
        if not np.isfinite(self.value) or self.count < 2 or finite.size == 0:
            return (float("nan"), float("nan"))
        n = self.count
        reach = float(stats.t.isf((1 - _CONFIDENCE) / 2, n - 1)) * math.sqrt(n / (n - 1))
        tail = 100 * float(stats.norm.sf(reach))
        bias = 0.0
        if self.centre is not None and np.isfinite(self.centre):
            bias = (float(finite.mean()) - self.centre) * _SHOWN_BIAS
        low, high = np.clip(
            np.percentile(finite, [tail, 100 - tail]) - bias, finite.min(), finite.max()
        )
        return (min(float(low), self.value), max(float(high), self.value))


def unit_weights(
    units: Units, *, resamples: int = _RESAMPLES, seed: int = 0
) -> Iterator[FloatArray]:
    """Weights of all units in every resample, in chunks.

    Returns:
        Chunks (b, drawn + strays), together ``resamples`` rows; the drawn units come first.
    """
    drawn_rng, stray_rng = _generator(seed, _DRAWN), _generator(seed, _STRAY)
    width = max(1, units.drawn + units.strays)
    chunk = max(1, _CHUNK_WEIGHTS // width)
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

    Args:
        statistic: Metrics as a function of unit weights.
        units: What is resampled.
        resamples: How often.
        seed: Same seed and units, same weights.

    Returns:
        One estimate per metric, in the statistic's order; nan with count 0 where there is
        nothing to score.
    """
    values = statistic(np.ones((1, units.drawn + units.strays)))[0]
    chunks, drawn = [], np.zeros(units.drawn + units.strays)
    for weights in unit_weights(units, resamples=resamples, seed=seed):
        chunks.append(statistic(weights))
        drawn += weights.sum(axis=0)
    replicates = np.concatenate(chunks)
    centres = statistic(drawn[None] / resamples)[0]
    return tuple(
        Estimate(
            value=float(value),
            replicates=replicates[:, m],
            count=units.drawn if np.isfinite(value) else 0,
            unit_of_count=units.name,
            centre=float(centres[m]),
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
    centres = [estimate.centre for estimate in estimates]
    picks = _generator(seed, _SEEDS).integers(n_seeds, size=(n_seeds, n_resamples))
    return Estimate(
        value=float(np.mean([estimate.value for estimate in estimates])),
        replicates=np.take_along_axis(replicates, picks, axis=0).mean(axis=0),
        count=min(estimate.count for estimate in estimates),
        unit_of_count=f"{first.unit_of_count}; {n_seeds} seeds",
        centre=None if None in centres else float(np.mean(centres)),  # type: ignore[arg-type]
    )


def contrast(
    a: Estimate,
    b: Estimate,
    operation: Callable[[FloatArray, FloatArray], FloatArray] = np.subtract,
    *,
    paired: bool,
    seed: int = 0,
) -> Estimate:
    """Two scores compared.

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
        centre = None
        if a.centre is not None and b.centre is not None:
            centre = float(operation(np.float64(a.centre), np.float64(b.centre)))  # type: ignore[arg-type]  # 0-d arrays
    defined = bool(np.isfinite(value))
    return Estimate(
        value=value if defined else float("nan"),
        replicates=np.where(np.isfinite(replicates), replicates, np.nan),
        count=min(a.count, b.count) if defined else 0,
        unit_of_count=a.unit_of_count if paired else f"{a.unit_of_count} | {b.unit_of_count}",
        centre=centre,
    )


def _generator(seed: int, stream: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(stream,)))

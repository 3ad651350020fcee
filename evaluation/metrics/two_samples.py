"""How far two sets of feature vectors lie apart: Fréchet, kernel distance, a classifier."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from evaluation.bootstrap import Units, bootstrap
from pipeline.geometry.boxes import FloatArray

__all__ = [
    "FrechetAtEqualSize",
    "WithInterval",
    "frechet_at_equal_size",
    "frechet_distance",
    "kernel_distance",
    "two_sample_accuracy",
]

_CONFIDENCE = 0.95
_FOLDS = 5
_COMPONENTS = 32
_SPLITS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class WithInterval:
    """A number and its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FrechetAtEqualSize:
    """Fréchet distances of sets of ``pictures`` each, so that small numbers lift both alike.

    Attributes:
        between: From half of the real set to as many of the other one.
        within: From one half of the real set to its other half.
        pictures: In each of the sets compared.
    """

    between: float
    within: float
    pictures: int


def frechet_distance(a: FloatArray, b: FloatArray) -> float:
    """Squared Fréchet distance of the normal distributions that have two sets' moments.

    ``|mean a - mean b|^2 + tr(A + B - 2 (A B)^(1/2))`` for covariances A and B. The last trace is
    the sum of singular values of the product of the centred sets: no root of a matrix is taken.
    Of few vectors it is far too large.

    Args:
        a: (N, D), N >= 2.
        b: (M, D), M >= 2.

    Source: Dowson & Landau, Journal of Multivariate Analysis 12, 1982; Heusel et al., NeurIPS
    2017 (of Inception features: FID).
    """
    centred = [(x - x.mean(axis=0)) / math.sqrt(len(x) - 1) for x in (a, b)]
    shift = float(((a.mean(axis=0) - b.mean(axis=0)) ** 2).sum())
    traces = sum(float((x**2).sum()) for x in centred)
    common = float(np.linalg.svd(centred[0] @ centred[1].T, compute_uv=False).sum())
    return max(0.0, shift + traces - 2 * common)


def frechet_at_equal_size(
    *, real: FloatArray, other: FloatArray, seed: int = 0
) -> FrechetAtEqualSize | None:
    """Distances between sets and within the real one, means over ten random halves.

    Args:
        real: (N, D).
        other: (M, D).
        seed: Of the halves.

    Returns:
        None with fewer than four real vectors or two others.
    """
    size = min(len(real) // 2, len(other))
    if size < 2:
        return None
    rng = np.random.default_rng(seed)
    between, within = [], []
    for _ in range(_SPLITS):
        order = rng.permutation(len(real))
        half, rest = real[order[:size]], real[order[size : 2 * size]]
        between.append(frechet_distance(half, other[rng.permutation(len(other))[:size]]))
        within.append(frechet_distance(half, rest))
    return FrechetAtEqualSize(
        between=float(np.mean(between)), within=float(np.mean(within)), pictures=size
    )


def kernel_distance(a: FloatArray, b: FloatArray) -> WithInterval | None:
    """Squared maximum mean discrepancy under ``(x y / D + 1)^3``, without bias, so it may be < 0.

    The interval is Student's with the jackknife's standard error, one vector of either set left
    out in turn.

    Args:
        a: (N, D).
        b: (M, D).

    Returns:
        None with fewer than three vectors in a set.

    Source: Binkowski et al., ICLR 2018 (of Inception features: KID); Arvesen, Annals of
    Mathematical Statistics 40, 1969, for the jackknife of such statistics.
    """
    n, m = len(a), len(b)
    if min(n, m) < 3:
        return None
    within_a, within_b, between = _kernel(a, a), _kernel(b, b), _kernel(a, b)
    np.fill_diagonal(within_a, 0.0)
    np.fill_diagonal(within_b, 0.0)
    rows_a, rows_b = within_a.sum(axis=1), within_b.sum(axis=1)
    mean_a, mean_b = rows_a.sum() / (n * (n - 1)), rows_b.sum() / (m * (m - 1))
    total = between.sum()
    value = float(mean_a + mean_b - 2 * total / (n * m))
    without_a = (
        (rows_a.sum() - 2 * rows_a) / ((n - 1) * (n - 2))
        + mean_b
        - 2 * (total - between.sum(axis=1)) / ((n - 1) * m)
    )
    without_b = (
        mean_a
        + (rows_b.sum() - 2 * rows_b) / ((m - 1) * (m - 2))
        - 2 * (total - between.sum(axis=0)) / (n * (m - 1))
    )
    variance = sum((len(x) - 1) * float(x.var()) for x in (without_a, without_b))
    reach = float(stats.t.isf((1 - _CONFIDENCE) / 2, min(n, m) - 1)) * math.sqrt(variance)
    return WithInterval(value=value, low=value - reach, high=value + reach)


def two_sample_accuracy(
    a: FloatArray, b: FloatArray, *, groups: Sequence[object] | None = None
) -> WithInterval | None:
    """How often a classifier tells which set a vector is from, that it has not learned from.

    Logistic regression on 32 principal components, five folds; the mean of both sets' shares of
    right answers, so 0.5 is guessing whatever their sizes. The interval is Student's; the standard
    error that resampled answers have is enlarged 1.5 times, as folds learn from each other's
    pictures and so err together.

    Args:
        a: (N, D).
        b: (M, D).
        groups: N + M keys; vectors of one key (frames of a video) stay in one fold and are
            resampled together. By default every vector is by itself.

    Returns:
        None with fewer than ten groups in a set.

    Source: Lopez-Paz & Oquab, ICLR 2017; Nadeau & Bengio, Machine Learning 52, 2003, for the
    factor (1 + K / (K - 1))^(1/2) of K folds.
    """
    keys = list(groups) if groups is not None else list(range(len(a) + len(b)))
    number = {key: unit for unit, key in enumerate(dict.fromkeys(keys))}
    unit = np.array([number[key] for key in keys])
    is_b = np.arange(len(keys)) >= len(a)
    if min(len(set(unit[is_b])), len(set(unit[~is_b]))) < 2 * _FOLDS:
        return None
    vectors = np.concatenate([a, b])
    fewest = len(vectors) * (_FOLDS - 1) // _FOLDS - _FOLDS
    model = make_pipeline(
        StandardScaler(),
        PCA(min(_COMPONENTS, vectors.shape[1], fewest), svd_solver="full"),
        StandardScaler(),
        LogisticRegression(C=0.1, class_weight="balanced", max_iter=1000),
    )
    folds = StratifiedGroupKFold(_FOLDS, shuffle=True, random_state=0)
    right = cross_val_predict(model, vectors, is_b, groups=unit, cv=folds) == is_b
    counts = np.zeros((len(number), 4))
    np.add.at(counts, unit, np.column_stack([right & ~is_b, ~is_b, right & is_b, is_b]))

    def statistic(weights: FloatArray) -> FloatArray:
        right_a, all_a, right_b, all_b = (weights @ counts).T
        with np.errstate(invalid="ignore"):
            return np.asarray((right_a / all_a + right_b / all_b) / 2)[:, None]

    (found,) = bootstrap(statistic, Units(drawn=len(number), name="pictures"))
    error = float(np.nanstd(found.replicates)) * math.sqrt(1 + _FOLDS / (_FOLDS - 1))
    reach = float(stats.t.isf((1 - _CONFIDENCE) / 2, len(number) - 1)) * error
    return WithInterval(
        value=found.value, low=max(0.0, found.value - reach), high=min(1.0, found.value + reach)
    )


def _kernel(a: FloatArray, b: FloatArray) -> FloatArray:
    return np.asarray((a @ b.T / a.shape[1] + 1.0) ** 3)

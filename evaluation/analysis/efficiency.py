"""Label efficiency: what synthetic frames are worth in real photographs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
from sklearn.isotonic import isotonic_regression

from evaluation.analysis.arms import HEADLINES, Arm
from evaluation.analysis.differences import difference, holm
from evaluation.analysis.measured import measured_arm, measured_difference
from evaluation.analysis.records import (
    BreakEven,
    Curve,
    CurvePoint,
    Efficiency,
    ExchangeRate,
    PhotoCount,
    SizeStep,
)
from evaluation.bootstrap import Estimate
from evaluation.sheet import MetricKey
from pipeline.geometry.boxes import FloatArray

__all__ = ["efficiencies", "photographs_for", "seed_replicates"]

_TAILS = (0.025, 0.975)
_WITH_SYNTHETIC = ("synthetic", "mixed", "pretrain_finetune")


def efficiencies(arms: Sequence[Arm]) -> Iterator[Efficiency]:
    """One per real test set and headline metric, where anything was trained on real pictures.

    Several sizes of the synthetic training set suffice too, for ``sizes``.
    """
    known = [arm for arm in arms if arm.is_real and arm.context.real_images is not None]
    for test in dict.fromkeys(arm.test_set for arm in known):
        here = [arm for arm in known if arm.test_set == test]
        for metric in HEADLINES:
            key = (metric, None)
            measured = [arm for arm in here if arm.estimates(key)]
            sizes = _size_steps(measured, key)
            if sizes or any(arm.context.regime == "real" for arm in measured):
                yield Efficiency(
                    metric=metric,
                    test=test,
                    curves=tuple(_curves(measured, key)),
                    exchange=tuple(_exchange_rates(measured, key)),
                    break_even=tuple(_break_evens(measured, key)),
                    sizes=sizes,
                )


def photographs_for(counts: FloatArray, scores: FloatArray, wanted: FloatArray) -> FloatArray:
    """Invert a learning curve: how many photographs reach a score.

    A curve is made monotone (isotonic regression) and is a straight line between its points in
    the logarithm of the number of photographs.

    Args:
        counts: (K,) photographs, ascending.
        scores: (B, K) curves.
        wanted: (B,) scores.

    Returns:
        (B,) photographs; -inf where the fewest already score more, inf where the most score
        less, nan where a number is missing.
    """
    logs = np.log(counts)
    found = np.full(len(wanted), np.nan)
    for b in np.flatnonzero(np.isfinite(scores).all(axis=1) & np.isfinite(wanted)):
        curve, target = isotonic_regression(scores[b]), wanted[b]
        k = int(np.searchsorted(curve, target, side="left"))
        if k == len(curve):
            found[b] = math.inf
        elif k == 0:
            found[b] = counts[0] if curve[0] == target else -math.inf
        else:
            share = (target - curve[k - 1]) / (curve[k] - curve[k - 1])
            found[b] = math.exp(logs[k - 1] + share * (logs[k] - logs[k - 1]))
            found[b] = np.clip(found[b], counts[0], counts[-1])  # against rounding
    return found


def seed_replicates(arm: Arm, key: MetricKey) -> Estimate | None:
    """An arm's mean over seeds, the spread of its resampled seeds corrected for their number.

    The variance of means of S resampled seeds is (S - 1) / S of what it should be.
    """
    estimates = list(arm.estimates(key).values())
    pooled = arm.pooled(key)
    n_seeds = len(estimates)
    if pooled is None or n_seeds < 2:
        return pooled
    middle = np.mean([estimate.replicates for estimate in estimates], axis=0)
    wider = middle + math.sqrt(n_seeds / (n_seeds - 1)) * (pooled.replicates - middle)
    return Estimate(
        value=pooled.value,
        replicates=np.asarray(wider),
        count=pooled.count,
        unit_of_count=pooled.unit_of_count,
    )


def _curves(arms: Sequence[Arm], key: MetricKey) -> Iterator[Curve]:
    alone = {arm.context.real_images: arm for arm in arms if arm.context.regime == "real"}
    for regime in ("real", *_WITH_SYNTHETIC):
        members = _members(arms, regime)
        found = [(arm, measured_arm(arm, key)) for arm in members]
        points = [(arm, m) for arm, m in found if m is not None]
        gains = []
        for arm, _ in points:
            rival = None if regime == "real" else alone.get(arm.context.real_images)
            gain = None if rival is None else difference(arm, rival, key)
            gains.append(None if gain is None else measured_difference(gain))
        if points:
            yield Curve(
                regime=regime,
                synthetic_images=points[-1][0].context.synthetic_images,
                points=tuple(
                    CurvePoint(real_images=arm.context.real_images or 0, measured=measured)
                    for arm, measured in points
                ),
                gains=tuple(gains),
            )


def _members(arms: Sequence[Arm], regime: str) -> list[Arm]:
    """Of one regime by rising number of photographs; of synthetic sizes the largest only."""
    members = [arm for arm in arms if arm.context.regime == regime]
    if regime == "synthetic":
        members = sorted(members, key=lambda arm: arm.context.synthetic_images or 0)[-1:]
    return sorted(members, key=lambda arm: arm.context.real_images or 0)


def _real_curve(arms: Sequence[Arm], key: MetricKey) -> tuple[FloatArray, FloatArray] | None:
    """(K,) photographs and (B + 1, K) scores, the measured ones first; None below two points."""
    members = _members(arms, "real")
    found = [(arm, e) for arm in members if (e := seed_replicates(arm, key)) is not None]
    if len(found) < 2:
        return None
    counts = np.array([arm.context.real_images for arm, _ in found], dtype=np.float64)
    return counts, np.stack([_with_value(estimate) for _, estimate in found], axis=1)


def _exchange_rates(arms: Sequence[Arm], key: MetricKey) -> Iterator[ExchangeRate]:
    curve = _real_curve(arms, key)
    if curve is None:
        return
    counts, scores = curve
    for arm in arms:
        context, estimate = arm.context, seed_replicates(arm, key)
        if context.regime not in _WITH_SYNTHETIC or estimate is None:
            continue
        found = photographs_for(counts, scores, _with_value(estimate))
        low, high = _ends(found[1:])
        yield ExchangeRate(
            regime=context.regime,
            synthetic_images=context.synthetic_images or 0,
            beside=context.real_images or 0,
            equals=_count(found[0]),
            low=_count(low),
            high=_count(high),
            measured_from=int(counts[0]),
            measured_to=int(counts[-1]),
        )


def _break_evens(arms: Sequence[Arm], key: MetricKey) -> Iterator[BreakEven]:
    alone = {arm.context.real_images: arm for arm in arms if arm.context.regime == "real"}
    for regime in ("mixed", "pretrain_finetune"):
        counts, leads = [], []
        for arm in _members(arms, regime):
            rival = alone.get(arm.context.real_images)
            ours = seed_replicates(arm, key)
            theirs = None if rival is None else seed_replicates(rival, key)
            if ours is not None and theirs is not None:
                counts.append(float(arm.context.real_images or 0))
                leads.append(_with_value(ours) - _with_value(theirs))
        if len(counts) > 1:
            # The lead falls with the number of photographs: where it reaches 0.
            lead = np.stack(leads, axis=1)
            found = photographs_for(np.array(counts), -lead, np.zeros(len(lead)))
            low, high = _ends(found[1:])
            yield BreakEven(
                regime=regime,
                at=_count(found[0]),
                low=_count(low),
                high=_count(high),
                measured_from=int(counts[0]),
                measured_to=int(counts[-1]),
            )


def _size_steps(arms: Sequence[Arm], key: MetricKey) -> tuple[SizeStep, ...]:
    """What the largest synthetic set brings over each smaller one, Holm-corrected."""
    members = sorted(
        (arm for arm in arms if arm.context.regime == "synthetic"),
        key=lambda arm: arm.context.synthetic_images or 0,
    )
    found = [
        (arm.context.synthetic_images or 0, gain)
        for arm in members[:-1]
        if (gain := difference(members[-1], arm, key)) is not None
    ]
    adjusted = holm([gain.p_value for _, gain in found])
    return tuple(
        SizeStep(
            smaller=smaller,
            larger=members[-1].context.synthetic_images or 0,
            gain=measured_difference(gain),
            p_adjusted=p,
        )
        for (smaller, gain), p in zip(found, adjusted, strict=True)
    )


def _with_value(estimate: Estimate) -> FloatArray:
    return np.concatenate([[estimate.value], estimate.replicates])


def _ends(found: FloatArray) -> tuple[float, float]:
    """95 % interval of numbers some of which are infinite."""
    known = np.sort(found[~np.isnan(found)])
    if not known.size:
        return (math.nan, math.nan)
    low, high = np.quantile(known, _TAILS, method="inverted_cdf")
    return (float(low), float(high))


def _count(photographs: float) -> PhotoCount:
    if math.isfinite(photographs):
        return PhotoCount(photographs=photographs)
    if math.isnan(photographs):
        return PhotoCount()
    return PhotoCount(off="below" if photographs < 0 else "above")

"""Which parts of a recipe matter: each taken away in turn, against the full recipe."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from evaluation.analysis.arms import HEADLINES, Arm
from evaluation.analysis.differences import Difference, difference, holm, seeds_error
from evaluation.analysis.measured import measured_arm, measured_difference
from evaluation.analysis.records import Ablation, Effect

__all__ = ["ablations"]

_SIGNIFICANCE = 0.05


def ablations(arms: Sequence[Arm]) -> Iterator[Ablation]:
    """Effects by every headline metric on every test set, the largest first.

    An effect is the score of the full recipe minus the score of the recipe without the part;
    what seeds add to it is told by all recipes together
    (:func:`evaluation.analysis.differences.seeds_error`). P-values are corrected over all
    parts of one test set and metric (Holm). Nothing without an arm whose context says
    ``without``.
    """
    partial = [arm for arm in arms if arm.context.without is not None]
    for test in dict.fromkeys(arm.test_set for arm in partial):
        rivals = [arm for arm in partial if arm.test_set == test]
        full = next(
            (a for a in arms if a.test_set == test and _is_full(a, rivals[0])),
            None,
        )
        for metric in HEADLINES if full is not None else ():
            assert full is not None
            key = (metric, None)
            measured = measured_arm(full, key)
            error = seeds_error([full, *rivals], key)
            found = [
                (arm.context.without or "", effect)
                for arm in rivals
                if (effect := difference(full, arm, key, seeds_error=error)) is not None
            ]
            if measured is None or not found:
                continue
            effects = [
                Effect(
                    name=name,
                    measured=measured_difference(effect),
                    p_adjusted=p,
                    verdict="undecided"
                    if p >= _SIGNIFICANCE
                    else "helps"
                    if effect.value > 0
                    else "harms",
                )
                for (name, effect), p in zip(
                    found, holm([e.p_value for _, e in found]), strict=True
                )
            ]
            effects.sort(key=lambda effect: -(effect.measured.value or 0.0))
            yield Ablation(metric=metric, test=test, full=measured, effects=tuple(effects))


def _verdict(effect: Difference, p_adjusted: float) -> Literal["helps", "harms", "undecided"]:
    if p_adjusted >= _SIGNIFICANCE:
        return "undecided"
    return "helps" if effect.value > 0 else "harms"


def _is_full(arm: Arm, partial: Arm) -> bool:
    return arm.context.without is None and arm.context.regime == partial.context.regime

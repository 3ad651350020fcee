"""Whether photographs alone were trained on long enough for a fair comparison."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from evaluation.analysis.arms import HEADLINES, Arm
from evaluation.analysis.differences import difference
from evaluation.analysis.measured import measured_arm, measured_difference
from evaluation.analysis.records import Plateau, PlateauPoint

__all__ = ["PLATEAU", "plateaus"]

PLATEAU = "plateau"
"""Regime of trainings on photographs alone whose steps are not the experiment's."""


def plateaus(arms: Sequence[Arm]) -> Iterator[Plateau]:
    """One per real test set, number of photographs and headline metric, where there are any."""
    longer = [arm for arm in arms if arm.context.regime == PLATEAU and arm.is_real]
    for test, images in dict.fromkeys((a.test_set, a.context.real_images) for a in longer):
        here = [
            arm
            for arm in arms
            if arm.test_set == test
            and arm.context.real_images == images
            and arm.context.regime in ("real", PLATEAU)
        ]
        here.sort(key=lambda arm: arm.context.steps or 0)
        own = next((arm for arm in here if arm.context.regime == "real"), None)
        for metric in HEADLINES if own is not None else ():
            measured = [(arm, m) for arm in here if (m := measured_arm(arm, (metric, None)))]
            if own is None or not measured:
                continue
            steps = own.context.steps or 0
            gain = None
            if (here[-1].context.steps or 0) > steps:
                gain = difference(here[-1], own, (metric, None))
            yield Plateau(
                metric=metric,
                test=test,
                real_images=images or 0,
                steps=steps,
                points=tuple(
                    PlateauPoint(steps=arm.context.steps or 0, measured=m) for arm, m in measured
                ),
                gain=None if gain is None else measured_difference(gain),
            )

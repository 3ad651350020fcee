"""Ablations on simulated domains where one part of the recipe matters and others do not."""

from __future__ import annotations

import numpy as np
from simulated import SimulatedTest

from evaluation.analysis.ablation import ablations
from evaluation.analysis.arms import group_arms

FACTORS = ("background", "camera", "lighting", "material", "pose", "shape")


def ablation_of(rng, effects: dict[str, float], *, images: int = 60):
    test = SimulatedTest(rng, images=images)
    sheets = test.sheets(0.6, regime="synthetic", trained_on="full")
    for name in FACTORS:
        sheets += test.sheets(
            0.6 - effects.get(name, 0.0),
            regime="synthetic",
            trained_on=f"full without {name}",
            without=name,
        )
    (found,) = ablations(group_arms(sheets))
    return found


def test_one_factor_that_matters_is_found_and_the_others_are_undecided():
    rng = np.random.default_rng(0)
    right = 0
    for _ in range(20):
        found = ablation_of(rng, {"lighting": 0.08})
        first, *others = found.effects
        right += (
            first.name == "lighting"
            and first.measured.low > 0
            and first.verdict == "helps"
            and all(effect.verdict == "undecided" for effect in others)
        )
    assert right >= 19


def test_without_any_effect_alarms_are_rare():
    rng = np.random.default_rng(1)
    alarms = 0
    for _ in range(60):
        found = ablation_of(rng, {}, images=30)
        alarms += any(effect.verdict != "undecided" for effect in found.effects)
    assert alarms / 60 <= 0.1, "5 % over the whole family"


def test_effects_come_in_order_with_their_sign():
    rng = np.random.default_rng(2)
    found = ablation_of(rng, {"lighting": 0.1, "camera": -0.1})
    values = [effect.measured.value for effect in found.effects]
    assert values == sorted(values, reverse=True)
    assert (found.effects[0].name, found.effects[0].verdict) == ("lighting", "helps")
    assert (found.effects[-1].name, found.effects[-1].verdict) == ("camera", "harms")
    assert all(e.p_adjusted >= (e.measured.p_value or 0) for e in found.effects)
    assert found.full.seeds == 3


def test_no_ablation_without_a_full_recipe():
    test = SimulatedTest(np.random.default_rng(3), images=20)
    alone = test.sheets(0.5, regime="synthetic", without="lighting")
    assert list(ablations(group_arms(alone))) == []
    assert list(ablations(group_arms(test.sheets(0.5, regime="synthetic")))) == []

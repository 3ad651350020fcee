"""Recipes of which one part is taken away: a factor of the scene."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pipeline.sampling.factors import BoundFactor, Factor, bind_factors
from pipeline.sampling.variation import RESERVED, parameters_of
from pipeline.specs.scene import FactorName, SceneSpec

__all__ = ["varied_factors", "without_factor"]


def varied_factors(
    spec: SceneSpec, factors: Sequence[Factor], *, source: Path
) -> tuple[FactorName, ...]:
    """Factors that differ from frame to frame, and would not if they were switched off.

    Args:
        spec: A scene.
        factors: All that its family has.
        source: File named in errors.
    """
    bound = _bound(spec, factors, source)
    return tuple(
        factor.name
        for factor in factors
        if bound[factor.name].frozen_at is None
        and bound[factor.name] != _bound(without_factor(spec, factor), factors, source)[factor.name]
    )


def without_factor(spec: SceneSpec, factor: Factor) -> SceneSpec:
    """The scene with one factor at its off values; frames and seed stay.

    What the spec fixes at a value stays there. Parameters that categories hang on go on varying,
    or there would be nothing to learn.
    """
    setting = parameters_of(spec.factors.get(factor.name, {}))
    essential = {p.name for p in factor.parameters if p.essential}
    kept = {
        name: value
        for name, value in setting.items()
        if name in essential or (name not in RESERVED and not isinstance(value, list | dict))
    }
    if essential:  # these keep what the factor as a whole is set to
        kept |= {name: setting[name] for name in RESERVED if name in setting}
        kept = {p.name: p.off for p in factor.parameters if p.name not in essential} | kept
    else:
        kept = {"vary": 0.0} | kept
    return spec.model_copy(update={"factors": {**spec.factors, factor.name: kept}})


def _bound(
    spec: SceneSpec, factors: Sequence[Factor], source: Path
) -> dict[FactorName, BoundFactor]:
    return bind_factors(
        tuple(factors), spec.factors, source=source, randomisation=spec.randomisation
    )

"""Every family's factors: off, wild and essential values, and scenes of every kind."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from pathlib import Path

import pytest
from families import ready

from blender_scenes.family import SceneFamily
from blender_scenes.lens import through_lens
from blender_scenes.registry import FAMILIES
from pipeline.records.scene import SampledScene
from pipeline.sampling.factors import FactorDraws, Parameter, bind_factors
from pipeline.sampling.seeds import FrameSeeds
from pipeline.specs.scene import Randomisation

SOURCE = Path("spec.yaml")
PARAMETERS = [
    pytest.param(parameter, id=f"{name}-{factor.name}-{parameter.name}")
    for name, family in FAMILIES.items()
    for factor in family.factors
    for parameter in factor.parameters
]


def scenes(
    family: SceneFamily,
    kind: Randomisation = "structured",
    frames: Iterable[int] = range(6),
    **factors: object,
) -> list[SampledScene]:
    bound = bind_factors(family.factors, factors, source=SOURCE, randomisation=kind)
    made = []
    for frame in frames:
        draws = FactorDraws(bound, FrameSeeds(seed=3, frame=frame))
        made.append(through_lens(family.sample(draws, image=family.image), draws))
    return made


@pytest.mark.parametrize("parameter", PARAMETERS)
def test_off_default_and_wild_values_may_be_set_by_a_spec(parameter: Parameter) -> None:
    low, high = parameter.bounds
    values = [parameter.off]
    for distribution in (parameter.distribution, parameter.varied("wild"), parameter.varied(0.5)):
        values += [distribution.at(u) for u in (0.0, 0.25, 0.5, 0.75, 1 - 1e-9)]
    for value in values:
        if parameter.domain.options:
            assert value in parameter.domain.options
        else:
            assert low <= value <= high
            assert isinstance(value, int) == isinstance(parameter.off, int)


@pytest.mark.parametrize("name", FAMILIES)
def test_wild_scenes_can_be_sampled_and_differ(name: str) -> None:
    wild, usual = scenes(ready(name), "domain"), scenes(ready(name))
    assert sum(len(scene.instances) for scene in wild) > 0
    assert all(a.factors != b.factors for a, b in zip(wild, usual, strict=True))


@pytest.mark.parametrize("name", FAMILIES)
def test_fixed_scenes_differ_only_in_what_the_task_needs(name: str) -> None:
    fixed = scenes(ready(name), "fixed")
    off = {
        factor.name: {p.name: p.off for p in factor.parameters} for factor in ready(name).factors
    }
    for scene in fixed:
        for factor, drawn in scene.factors.items():
            if factor not in ("count", "placement", "pose"):
                assert drawn == {key: off[factor][key] for key in drawn}
    # All that are labelled otherwise are labelled here too.
    shown, usual = (
        {instance.category for scene in made for instance in scene.instances}
        for made in (fixed, scenes(ready(name)))
    )
    assert shown == usual


@pytest.mark.parametrize("name", FAMILIES)
def test_nothing_moves_of_a_factor_that_is_off(name: str) -> None:
    family = ready(name)
    frozen = {factor.name: "frozen" for factor in family.factors}
    for factor in frozen.keys() - {"count", "placement", "pose", "sensor"}:
        made = scenes(family, frames=(0, 7), **(frozen | {factor: "off"}))
        first, later = (scene.model_copy(update={"frame": 0}) for scene in made)
        assert first == later, factor


@pytest.mark.parametrize("name", FAMILIES)
def test_more_or_less_of_one_factor_moves_no_draw_of_another(name: str) -> None:
    family = ready(name)
    [usual] = scenes(family, frames=[2])
    for factor in family.factors:
        [moved] = scenes(family, frames=[2], **{factor.name: "wild"})
        assert usual.factors | {factor.name: {}} == moved.factors | {factor.name: {}}


def test_parameters_are_told_once() -> None:
    for family in FAMILIES.values():
        names = [factor.name for factor in family.factors]
        assert len(set(names)) == len(names)
        for factor in family.factors:
            fields = [parameter.name for parameter in factor.parameters]
            assert len(set(fields)) == len(fields)
            assert all(dataclasses.asdict(p)["meaning"] for p in factor.parameters)
            assert set(factor.dependants) <= set(names)

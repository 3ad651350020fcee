"""A smaller experiment than the file says: what its main comparison shows in half an hour."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Literal

from blender_scenes.registry import family_of
from flows.plan import Plan
from flows.record import Purpose
from pipeline.sampling.distributions import Fixed, LogUniform, Normal, Uniform
from pipeline.sampling.factors import bind_factors
from pipeline.sampling.variation import parameters_of
from pipeline.specs.experiment import ExperimentSpec, Regime
from pipeline.specs.scene import ImageSpec, ParameterValue, SceneSpec

__all__ = ["Budget", "small_budget"]

Budget = Literal["small"]

_FRAMES = 300
_TEST_FRAMES = 12
_SIDE_PX = 320
_SIZE = "object_px"


def small_budget(plan: Plan) -> Plan:
    """One seed, two regimes, half of the steps, 300 frames of 320 px.

    The regimes are ``real`` and the claim (without one ``synthetic``), with all photographs.
    Frames are smaller where the factor ``camera`` can show objects at the size that they have in
    the larger ones; elsewhere they stay as they are.
    """
    experiment = plan.experiment
    small = experiment.model_copy(
        update={
            "regimes": _two_regimes(experiment),
            "real_fractions": (max(experiment.real_fractions),),
            "synthetic_fractions": (max(experiment.synthetic_fractions),),
            "synthetic_test_frames": min(_TEST_FRAMES, experiment.synthetic_test_frames),
            "seeds": experiment.seeds[:1],
            "seeds_at": {},
            "plateau": None,
            "folds": None,
            "steps": math.ceil(experiment.steps / 2),
        }
    )
    purpose: Purpose = "tuning" if plan.purpose == "tuning" else "indicative"
    return replace(plan, experiment=small, scene=_small_scene(plan), purpose=purpose)


def _two_regimes(experiment: ExperimentSpec) -> tuple[Regime, ...]:
    ours = experiment.claim or "synthetic"
    wanted: tuple[Regime, ...] = ("real", ours)
    return tuple(r for r in wanted if r in experiment.regimes) or experiment.regimes[:1]


def _small_scene(plan: Plan) -> SceneSpec:
    scene = plan.scene.model_copy(update={"frames": min(_FRAMES, plan.scene.frames)})
    family = family_of(scene, source=plan.scene_source)
    image = scene.image or family.image
    shrink = max(image.width, image.height) / _SIDE_PX
    camera = bind_factors(
        family.factors,
        scene.factors,
        source=plan.scene_source,
        randomisation=scene.randomisation,
    ).get("camera")
    sizes = [p.distribution for p in camera.factor.parameters if p.name == _SIZE] if camera else []
    if shrink <= 1 or not sizes:
        return scene
    larger: ParameterValue
    match sizes[0]:
        case Fixed(value) if isinstance(value, int | float):
            larger = shrink * value
        case LogUniform(low=low, high=high) | Uniform(low=low, high=high):
            larger = [shrink * low, shrink * high]
        case Normal(mean=mean, sd=sd):
            larger = {"normal": [shrink * mean, shrink * sd]}
        case _:
            return scene
    setting = parameters_of(scene.factors.get("camera", {})) | {_SIZE: larger}
    size = {"width": round(image.width / shrink), "height": round(image.height / shrink)}
    return scene.model_copy(
        update={
            "image": ImageSpec.model_validate(image.model_dump() | size),
            "factors": {**scene.factors, "camera": setting},
        }
    )

"""Distributions and what specs may write for them."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import truncnorm

from pipeline.dataset.manifest import check_same_dataset, write_manifest
from pipeline.errors import DatasetError, SpecError
from pipeline.sampling.captions import draw_captions
from pipeline.sampling.factors import (
    Choice,
    Factor,
    FactorDraws,
    Fixed,
    Integers,
    LogUniform,
    Normal,
    Parameter,
    Uniform,
    bind_factors,
)
from pipeline.sampling.seeds import FrameSeeds
from pipeline.sampling.variation import vary_only
from pipeline.specs.document import parse_spec
from pipeline.specs.scene import SceneSpec

SOURCE = Path("spec.yaml")
FACTORS = (
    Factor(
        name="lighting",
        meaning="the lamp",
        parameters=(
            Parameter(
                name="strength",
                distribution=LogUniform(0.5, 2.0),
                off=1.0,
                meaning="of the lamp",
                bounds=(0.1, 4),
                wild=LogUniform(0.1, 4.0),
            ),
            Parameter(
                name="turn_rad", distribution=Uniform(-math.pi, math.pi), off=0.0, meaning=""
            ),
            Parameter(
                name="kind",
                distribution=Choice(("sun", "sun", "sun", "lamp")),
                off="sun",
                meaning="",
                wild=Choice(("sun", "lamp", "laser")),
            ),
            Parameter(
                name="height_m",
                distribution=Normal(2.0, 0.5, 1.0, 4.0),
                off=2.0,
                meaning="",
                bounds=(1, 4),
            ),
        ),
    ),
    Factor(
        name="count",
        meaning="how many",
        parameters=(
            Parameter(
                name="objects", distribution=Integers(4, 8), off=5, meaning="", bounds=(0, 9)
            ),
        ),
    ),
    Factor(
        name="shape",
        meaning="of each object",
        parameters=(
            Parameter(
                name="solid",
                distribution=Choice(("box", "ball")),
                off="box",
                meaning="category",
                per_object=True,
                essential=True,
            ),
            Parameter(
                name="size_m",
                distribution=Uniform(0.1, 0.3),
                off=0.2,
                meaning="",
                per_object=True,
                bounds=(0.05, 0.35),
            ),
        ),
    ),
)


def spec(**changes: object) -> SceneSpec:
    return parse_spec({"scene": "toy", "frames": 4} | changes, SceneSpec, source=SOURCE)


def draws(frame: int = 3, **changes: object) -> FactorDraws:
    made = spec(**changes)
    bound = bind_factors(FACTORS, made.factors, source=SOURCE, randomisation=made.randomisation)
    return FactorDraws(bound, FrameSeeds(seed=1, frame=frame))


def distribution(value: object, factor: str = "lighting", name: str = "strength"):
    bound = draws(factors={factor: {name: value}}).bound[factor]
    return next(p.distribution for p in bound.factor.parameters if p.name == name)


@pytest.mark.parametrize(("low", "high"), [(-math.inf, math.inf), (1.0, 2.5), (2.0, 2.0), (-9, 2)])
def test_a_cut_normal_is_scipys(low: float, high: float) -> None:
    mean, sd = 2.0, 0.5
    shares = np.linspace(0.001, 0.999, 41)
    ours = [Normal(mean, sd, low, high).at(u) for u in shares]
    theirs = truncnorm.ppf(shares, (low - mean) / sd, (high - mean) / sd, loc=mean, scale=sd)
    if low < high:
        np.testing.assert_allclose(ours, theirs, rtol=1e-9)
    else:
        assert ours == [2.0] * 41


def test_the_ends_of_a_normal_are_finite() -> None:
    assert math.isfinite(Normal(0, 1).at(0.0))
    assert Normal(3, 0).at(0.7) == 3
    assert Normal(0, 1, 0, 50).at(1 - 1e-17) <= 50


def test_weights_are_frequencies() -> None:
    drawn = Counter(Choice(("a", "b"), (3, 1)).at(u) for u in np.arange(4000) / 4000)
    assert drawn == {"a": 3000, "b": 1000}
    assert {Choice(("a", "b", "c"), (1, 0, 1)).at(u) for u in np.linspace(0, 1, 99)} == {"a", "c"}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (2, Fixed(2.0)),
        ({"fixed": 0.3}, Fixed(0.3)),
        ([0.3, 3], LogUniform(0.3, 3)),
        ({"uniform": [0.3, 3]}, Uniform(0.3, 3)),
        ({"log_uniform": [0.3, 3]}, LogUniform(0.3, 3)),
        ({"normal": [1, 0.2]}, Normal(1, 0.2, 0.1, 4)),
        ({"normal": [1, 0.2], "within": [0.5, 2]}, Normal(1, 0.2, 0.5, 2)),
        ({"integers": [1, 3]}, Integers(1, 3)),
        ({"choice": [0.5, 2]}, Choice((0.5, 2.0))),
        ({"choice": {"0.5": 2, "2": 1}}, Choice((0.5, 2.0), (2, 1))),
    ],
)
def test_what_a_spec_may_write_for_a_number(value: object, expected: object) -> None:
    assert distribution(value) == expected


def test_what_a_spec_may_write_for_words_and_whole_numbers() -> None:
    assert distribution("laser", name="kind") == Fixed("laser")
    assert distribution(["lamp", "sun"], name="kind") == Choice(("lamp", "sun"))
    assert distribution({"choice": {"sun": 2, "lamp": 0}}, name="kind") == Choice(("sun",), (2,))
    assert distribution([1.5, 3], name="height_m") == Normal(2.25, 0.375, 1.5, 3)
    assert distribution([1, 3], "count", "objects") == Integers(1, 3)
    rounded = distribution({"normal": [4, 2]}, "count", "objects")
    values = [rounded.at(u) for u in np.linspace(0, 0.999, 500)]
    assert all(isinstance(value, int) for value in values)
    assert (min(values), max(values)) == (0, 9)
    assert {distribution({"log_uniform": [1, 9]}, "count", "objects").at(0.0)} == {1}


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"gaussian": [1, 2]}, ["gaussian", "log_uniform", "normal"]),
        ({"normal": [1, 2], "uniform": [1, 2]}, ["expected one of"]),
        ({"normal": 1}, ["strength.normal'", "[mean, standard deviation]"]),
        ({"normal": [9, 1]}, ["mean 9", "0.1 <= mean <= 4"]),
        ({"normal": [1, -1]}, ["standard deviation"]),
        ({"uniform": [1, 2], "within": [1, 2]}, ["'within'", "normal only"]),
        ({"uniform": [2, 1]}, ["low <= high"]),
        ({"uniform": [0, 9]}, ["0.1 <= low"]),
        ({"integers": [0.5, 2]}, ["whole numbers"]),
        ({"choice": {"soft": 1}}, ["soft", "number"]),
        ({"choice": {"1": -1}}, ["weight"]),
        ({"choice": {"1": 0}}, ["weight"]),
        ({"choice": []}, ["choice'"]),
        (True, ["True", "number"]),
    ],
)
def test_what_does_not_fit_is_refused_by_name(value: object, words: list[str]) -> None:
    with pytest.raises(SpecError) as caught:
        distribution(value)
    for word in ["spec.yaml: key 'factors.lighting.strength", *words]:
        assert word in str(caught.value)


def test_numbers_to_choose_from_are_examples_where_there_are_bounds() -> None:
    bars = Parameter(
        name="bars",
        distribution=Choice((0, 0, 2)),
        off=0,
        meaning="",
        bounds=(0, 9),
        wild=Integers(0, 5),
    )
    factor = Factor(name="occlusion", meaning="", parameters=(bars,))

    def read(value: object) -> object:
        bound = bind_factors((factor,), {"occlusion": {"bars": value}}, source=SOURCE)
        return bound["occlusion"].factor.parameters[0].distribution

    assert read(3) == Fixed(3)
    assert read([0, 3]) == Choice((0, 3))
    assert read({"integers": [0, 3]}) == Integers(0, 3)
    with pytest.raises(SpecError, match="<= 9"):
        read(10)
    with pytest.raises(SpecError, match="whole number"):
        read(0.5)


def test_words_take_no_numbers() -> None:
    with pytest.raises(SpecError, match="expected one of fixed, choice"):
        distribution({"uniform": [1, 2]}, name="kind")
    with pytest.raises(SpecError, match="sun, lamp, laser"):
        distribution(["moon"], name="kind")


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ({"vary": -1}, "from 0 on"),
        ({"vary": True}, "from 0 on"),
        ({"vary": "wide"}, "wild"),
        ({"frozen": 1.5}, "number of a frame"),
        ({"frozen": -1}, "number of a frame"),
        ("sometimes", "expected on, off, frozen, wild"),
        (-0.5, "expected on, off, frozen, wild"),
        (True, "expected on, off, frozen, wild"),
    ],
)
def test_wrong_amounts_are_refused(setting: object, words: str) -> None:
    with pytest.raises(SpecError, match=words):
        draws(factors={"lighting": setting})


def test_no_parameter_may_be_called_like_a_word_of_the_spec() -> None:
    parameter = Parameter(name="vary", distribution=Uniform(0, 1), off=0.0, meaning="")
    with pytest.raises(ValueError, match="vary"):
        Factor(name="shape", meaning="", parameters=(parameter,))


def test_a_normal_default_is_cut_off_within_its_bounds() -> None:
    with pytest.raises(ValueError, match="not cut off"):
        Parameter(name="size_m", distribution=Normal(1, 1), off=1.0, meaning="", bounds=(0, 2))


PARAMETERS = [parameter for factor in FACTORS for parameter in factor.parameters]


@given(st.sampled_from(PARAMETERS), st.floats(0.01, 5), st.floats(0, 1, exclude_max=True))
def test_varied_values_stay_within_bounds(parameter: Parameter, amount: float, u: float) -> None:
    value = parameter.varied(amount).at(u)
    if isinstance(value, str):
        assert value in parameter.domain.options
    else:
        assert parameter.bounds[0] <= value <= parameter.bounds[1] * (1 + 1e-12)
        assert isinstance(value, int) == isinstance(parameter.off, int)


@pytest.mark.parametrize("parameter", PARAMETERS, ids=lambda p: p.name)
def test_from_off_to_default_to_wide(parameter: Parameter) -> None:
    assert parameter.varied(0) == Fixed(parameter.off)
    assert parameter.varied(1) == parameter.distribution
    if isinstance(parameter.off, str):
        return
    widths = [
        parameter.varied(amount).at(0.999) - parameter.varied(amount).at(0.001)
        for amount in (0.25, 0.5, 1, 1.5, 3)
    ]
    assert widths == sorted(widths)
    near = parameter.varied(0.01).at(0.3)
    assert near == pytest.approx(parameter.off, abs=0.05 * (1 + widths[2]))


def test_a_range_widens_about_its_middle_within_its_bounds() -> None:
    size = PARAMETERS[-1]
    assert size.varied(0.5) == Uniform(pytest.approx(0.15), pytest.approx(0.25))
    assert size.varied(1.2) == Uniform(pytest.approx(0.08), pytest.approx(0.32))
    assert size.varied(9) == Uniform(0.05, 0.35)
    strength = PARAMETERS[0].varied(2)
    assert (strength.low, strength.high) == (pytest.approx(0.25), pytest.approx(4))
    turn = PARAMETERS[1]
    assert turn.varied(3) == turn.distribution


def test_towards_zero_a_logarithmic_range_shrinks_in_proportion() -> None:
    grain = Parameter(name="grain", distribution=LogUniform(0.01, 0.1), off=0.0, meaning="")
    assert grain.varied(0.5) == LogUniform(0.005, 0.05)
    assert grain.varied(0) == Fixed(0.0)


def test_a_choice_shrinks_towards_off_and_widens_to_even() -> None:
    kind = PARAMETERS[2]
    half = kind.varied(0.5)
    assert dict(zip(half.options, half.weights, strict=True)) == {"sun": 0.875, "lamp": 0.125}
    wide = kind.varied(1e9)
    assert wide.weights[0] == pytest.approx(wide.weights[1])


def test_whatever_is_set_all_other_draws_stay() -> None:
    free = draws().frame("lighting")
    for value in (1, [1, 2], {"normal": [1, 0.1]}, {"choice": {"1": 1}}):
        other = draws(factors={"lighting": {"strength": value}}).frame("lighting")
        assert other | {"strength": 0} == free | {"strength": 0}
    explicit = draws(factors={"lighting": {"vary": 0, "strength": [0.5, 2]}}).frame("lighting")
    assert explicit == {
        "strength": free["strength"], "turn_rad": 0.0, "kind": "sun", "height_m": 2.0,
    }  # fmt: skip


def test_domain_randomisation_draws_what_structured_never_would() -> None:
    kinds = {draws(i, randomisation="domain").frame("lighting")["kind"] for i in range(40)}
    assert kinds == {"sun", "lamp", "laser"}
    strengths = [draws(i, randomisation="domain").frame("lighting")["strength"] for i in range(40)]
    assert min(strengths) < 0.5
    assert max(strengths) > 2
    sizes = [draws(i, randomisation="domain").object("shape", 1)["size_m"] for i in range(40)]
    assert min(sizes) < 0.1  # without a wild range, a wider one


def test_fixed_draws_only_what_the_task_needs() -> None:
    drawn = [draws(i, randomisation="fixed") for i in range(20)]
    assert {str(each.frame("lighting")) for each in drawn} == {
        str({"strength": 1.0, "turn_rad": 0.0, "kind": "sun", "height_m": 2.0})
    }
    assert {each.object("shape", 1)["size_m"] for each in drawn} == {0.2}
    assert {each.object("shape", 1)["solid"] for each in drawn} == {"box", "ball"}
    free = [draws(i).frame("count") for i in range(20)]
    assert [each.frame("count") for each in drawn] == free


def test_a_factor_named_in_the_spec_goes_its_own_way() -> None:
    free = draws().frame("lighting")
    for kind in ("fixed", "domain"):
        assert draws(randomisation=kind, factors={"lighting": "on"}).frame("lighting") == free
    assert draws(randomisation="fixed", factors={"lighting": "wild"}).frame("lighting") == (
        draws(randomisation="domain").frame("lighting")
    )
    off = draws(randomisation="domain", factors={"shape": "off"}).object("shape", 2)
    assert off == {"solid": "box", "size_m": 0.2}


def test_frozen_at_a_frame() -> None:
    setting = {"lighting": {"frozen": 7, "height_m": 3}}
    frozen = [draws(i, factors=setting).frame("lighting") for i in range(3)]
    assert frozen[0] == frozen[1] == frozen[2] == draws(7).frame("lighting") | {"height_m": 3.0}


@pytest.mark.parametrize("setting", ["on", "off", "frozen", {"frozen": 9}])
def test_vary_only_moves_one_factor(setting: object) -> None:
    made = spec(factors={"lighting": setting, "count": {"objects": [4, 5]}})
    names = [factor.name for factor in FACTORS]
    alone = vary_only(made, "lighting", factors=names, frame=2)
    bound = bind_factors(FACTORS, alone.factors, source=SOURCE)
    frames = [FactorDraws(bound, FrameSeeds(seed=1, frame=i)) for i in range(6)]
    assert [each.frame("lighting") for each in frames] == [
        draws(i).frame("lighting") for i in range(6)
    ]
    assert all(
        each.frame("count") == draws(2, factors=made.factors).frame("count") for each in frames
    )
    assert all(each.object("shape", 1) == draws(2).object("shape", 1) for each in frames)


def test_captions_say_what_was_drawn() -> None:
    made = draws(factors={"lighting": {"kind": "sun"}})
    seeds = [FrameSeeds(seed=1, frame=i) for i in range(2)]
    first, second = draw_captions(made.bound["lighting"], seeds)
    drawn = draws(0).frame("lighting")
    assert first.splitlines()[0] == f"strength {drawn['strength']:.3g}"
    assert "kind" not in first
    assert first != second
    [shape] = draw_captions(made.bound["shape"], seeds[:1])
    assert shape.startswith("object 1: solid ")
    off = draws(factors={"lighting": "off"}).bound["lighting"]
    assert draw_captions(off, seeds) == ["nothing varies"] * 2


def test_specs_survive_their_own_json() -> None:
    made = spec(
        randomisation="domain",
        factors={
            "lighting": {"strength": {"normal": [1, 0.2], "within": [0.5, 2]}, "vary": 0.5},
            "shape": {"solid": {"choice": {"box": 2, "ball": 1}}},
            "camera": 0.5,
            "count": "frozen",
        },
    )
    assert SceneSpec.model_validate_json(made.model_dump_json()) == made


def test_kinds_of_randomisation_are_not_mixed(tmp_path: Path) -> None:
    from painting import painted_manifest

    manifest = painted_manifest(4)
    write_manifest(tmp_path, manifest)
    other = manifest.spec.model_copy(update={"randomisation": "domain"})
    with pytest.raises(DatasetError, match=r'spec.randomisation "structured" -> "domain"'):
        check_same_dataset(tmp_path, manifest.model_copy(update={"spec": other}))

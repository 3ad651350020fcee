import ast
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import SpecError
from pipeline.sampling.factors import (
    Choice,
    Factor,
    FactorDraws,
    Integers,
    LogUniform,
    Parameter,
    Uniform,
    bind_factors,
)
from pipeline.sampling.seeds import PURPOSES, FrameSeeds

FACTORS = (
    Factor(
        name="lighting",
        meaning="the lamp",
        parameters=(
            Parameter(
                name="strength",
                distribution=LogUniform(0.3, 3.0),
                off=1.0,
                meaning="of the lamp",
                bounds=(0.01, 100),
            ),
            Parameter(name="kind", distribution=Choice(("sun", "area")), off="sun", meaning="kind"),
            Parameter(name="tilt", distribution=Uniform(-1, 1), off=0.0, meaning="of the lamp"),
        ),
    ),
    Factor(
        name="count",
        meaning="how many",
        parameters=(
            Parameter(name="objects", distribution=Integers(1, 6), off=3, meaning="how many"),
        ),
    ),
    Factor(
        name="shape",
        meaning="of each object",
        parameters=(
            Parameter(
                name="radius_m",
                distribution=Uniform(0.1, 0.2),
                off=0.15,
                meaning="of one",
                per_object=True,
            ),
        ),
    ),
)
SOURCE = Path("spec.yaml")


def draws(settings, *, seed=1, frame=5):
    return FactorDraws(
        bind_factors(FACTORS, settings, source=SOURCE), FrameSeeds(seed=seed, frame=frame)
    )


def test_same_seed_and_frame_same_draw():
    assert draws({}).frame("lighting") == draws({}).frame("lighting")
    assert draws({}).frame("lighting") != draws({}, frame=6).frame("lighting")
    assert draws({}).frame("lighting") != draws({}, seed=2).frame("lighting")


def test_fixing_one_parameter_leaves_the_others_where_they_were():
    free = draws({}).frame("lighting")
    fixed = draws({"lighting": {"strength": 2.0}}).frame("lighting")
    assert fixed["strength"] == pytest.approx(2.0)
    assert (fixed["kind"], fixed["tilt"]) == (free["kind"], free["tilt"])


def test_a_factor_switched_off_takes_its_off_values_and_moves_no_other():
    off = draws({"lighting": "off"})
    assert off.frame("lighting") == {"strength": 1.0, "kind": "sun", "tilt": 0.0}
    assert off.frame("count") == draws({}).frame("count")
    assert off.object("shape", 3) == draws({}).object("shape", 3)


def test_frozen_draws_the_same_in_every_frame():
    frozen = [draws({"lighting": "frozen"}, frame=i).frame("lighting") for i in range(3)]
    assert frozen[0] == frozen[1] == frozen[2]
    assert draws({"lighting": "frozen"}, seed=9).frame("lighting") != frozen[0]


def test_noise_of_what_is_off_is_the_same_in_every_frame_of_the_task_it_is_not():
    def seeds(setting, name="lighting", index=0, randomisation="structured"):
        bound = bind_factors(FACTORS, setting, source=SOURCE, randomisation=randomisation)
        return {
            FactorDraws(bound, FrameSeeds(seed=1, frame=frame)).noise_seed(name, index)
            for frame in range(5)
        }

    assert len(seeds({})) == 5
    for off in ("off", 0, {"vary": 0, "strength": [1, 2]}, "frozen"):
        assert len(seeds({"lighting": off})) == 1
    assert len(seeds({"shape": "off"}, "shape", 1)) == 1
    assert seeds({"shape": "off"}, "shape", 1) != seeds({"shape": "off"}, "shape", 2)
    assert len(seeds({}, randomisation="fixed")) == 1
    assert len(seeds({"lighting": 0.5}, randomisation="fixed")) == 5
    assert len(seeds({"count": "off"}, "count")) == 5  # who is where is the task
    assert len(seeds({}, "count", randomisation="fixed")) == 5
    assert len(seeds({"count": "frozen"}, "count")) == 1


def test_one_object_more_leaves_the_others_where_they_were():
    few = [draws({}).object("shape", i) for i in (1, 2)]
    many = [draws({}).object("shape", i) for i in (1, 2, 3)]
    assert many[:2] == few
    assert many[2] != many[1]


def test_noise_is_independent_of_the_parameters():
    assert draws({}).noise_seed("shape", 2) == draws({}).noise_seed("shape", 2)
    assert draws({}).noise_seed("shape", 2) != draws({}).noise_seed("shape", 3)
    first = draws({}).noise("lighting").random(4)
    named = FrameSeeds(seed=1, frame=5).generator("lighting").random(4)
    assert not np.allclose(first, named)


@given(st.floats(0, 1, exclude_max=True), st.integers(-5, 5), st.integers(0, 9))
def test_distributions_stay_in_range(u, low, width):
    assert low <= Integers(low, low + width).at(u) <= low + width
    assert low <= Uniform(low, low + width).at(u) <= low + width
    assert 0.1 <= LogUniform(0.1, 0.1 + width).at(u) <= (0.1 + width) * (1 + 1e-12)
    assert Choice(("a", "b", "c")).at(u) in "abc"


def test_integers_reach_both_ends_equally():
    counts = np.bincount([Integers(0, 3).at(u) for u in np.linspace(0, 1, 4000, endpoint=False)])
    assert counts.tolist() == [1000] * 4


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"pose": "off"}, ["factors.pose", "no such factor", "lighting"]),
        ({"lighting": {"power": 2}}, ["factors.lighting.power", "unknown parameter", "strength"]),
        ({"lighting": {"strength": [3, 1]}}, ["factors.lighting.strength", "low <= high"]),
        ({"lighting": {"strength": -1}}, ["strength", "-1"]),
        ({"lighting": {"strength": "big"}}, ["strength", "big", "number"]),
        ({"lighting": {"kind": "moon"}}, ["kind", "moon", "sun, area"]),
        ({"count": {"objects": 1.5}}, ["objects", "1.5", "whole number"]),
        ({"count": {"objects": True}}, ["objects", "True"]),
    ],
)
def test_wrong_settings_are_refused_by_name(settings, words):
    with pytest.raises(SpecError) as caught:
        bind_factors(FACTORS, settings, source=SOURCE)
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize(
    ("written", "often"),
    [(0.25, 0.25), (1, 1), (0, 0), (True, 1), (False, 0), ([True, False], 0.5),
     ({"choice": {"true": 1, "false": 3}}, 0.25)],
)  # fmt: skip
def test_yes_or_no_is_drawn_as_often_as_a_spec_says(written, often):
    own = Parameter(name="own", distribution=Choice((True,)), off=False, meaning="one's own")
    factor = Factor(name="background", meaning="ground", parameters=(own,))
    bound = bind_factors((factor,), {"background": {"own": written}}, source=SOURCE)
    drawn = [
        FactorDraws(bound, FrameSeeds(seed=2, frame=frame)).frame("background")["own"]
        for frame in range(1000)
    ]
    assert {type(value) for value in drawn} == {bool}
    assert np.mean(drawn) == pytest.approx(often, abs=0.05 * (0 < often < 1))
    for wrong in (1.5, -1, "yes"):
        with pytest.raises(SpecError, match="true, false, or how often it is true, from 0 to 1"):
            bind_factors((factor,), {"background": {"own": wrong}}, source=SOURCE)


def test_purposes_are_distinct():
    assert len(set(PURPOSES.values())) == len(PURPOSES)


def test_sampling_code_takes_no_chance_from_elsewhere():
    root = Path(__file__).parents[2]
    files = [*root.glob("pipeline/sampling/*.py"), *root.glob("blender_scenes/**/*.py")]
    banned = {"random", "uuid", "secrets"}
    for path in files:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = {a.name.split(".")[0] for a in node.names}
                module = getattr(node, "module", None)
                names |= {module.split(".")[0]} if module else set()
                assert not names & banned, f"{path} imports {names & banned}"
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Attribute):
                is_global = node.value.attr == "random" and node.attr in {
                    "seed", "rand", "randn", "uniform", "normal", "randint", "choice", "random",
                }  # fmt: skip
                assert not is_global, f"{path}:{node.lineno} draws from numpy's global state"

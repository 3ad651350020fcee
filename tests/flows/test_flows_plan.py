"""Plans: which runs an experiment consists of, and what each trains on."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.plan import DEMO, TrainingData, load_plan
from pipeline.errors import SpecError

REGIMES = "[real, synthetic, mixed, pretrain_finetune]"
DATA = TrainingData(synthetic=Path("/frames"), real=Path("/photos"))


def plan_of(folder: Path, *, seed: int | None = None, **keys: str):
    (folder / "scene.yaml").write_text("scene: coins\nframes: 4\nseed: 9\n")
    document = {
        "task": "detection",
        "synthetic": "scene.yaml",
        "benchmark": "coins",
        "model": "{name: compact_detector}",
        "steps": "11",
    } | keys
    path = folder / "experiment.yaml"
    path.write_text("".join(f"{key}: {value}\n" for key, value in document.items()))
    return load_plan(path, seed=seed)


def test_grid_is_regimes_by_fractions_by_seeds_without_fractions_for_synthetic(tmp_path):
    plan = plan_of(tmp_path, regimes=REGIMES, real_fractions="[0.2, 1.0]", seeds="[0, 1]")
    runs = [(run.seed, run.regime, run.real_fraction) for run in plan.runs()]
    assert len(runs) == len(set(runs)) == 2 * (3 * 2 + 1)
    assert runs == sorted(runs, key=lambda run: run[0])
    assert {fraction for _, regime, fraction in runs if regime == "synthetic"} == {0.0}


def test_every_regime_gets_the_same_number_of_steps(tmp_path):
    plan = plan_of(tmp_path, regimes=REGIMES)
    for run in plan.runs():
        before = plan.pretraining(run, DATA)
        spec = plan.training(run, DATA, pretrained=Path("/run"))
        assert spec.steps + (before.steps if before else 0) == 11
        assert spec.seed == run.seed


def test_what_each_regime_trains_on(tmp_path):
    plan = plan_of(tmp_path, regimes=REGIMES, real_fractions="[0.2]", seeds="[5]", real_share="0.3")
    specs = {run.regime: plan.training(run, DATA, pretrained=Path("/run")) for run in plan.runs()}

    def seen(regime):
        return [(str(s.path), s.split, s.weight, s.fraction) for s in specs[regime].data]

    assert seen("synthetic") == [("/frames", None, 1.0, 1.0)]
    assert seen("real") == [("/photos", "train", 1.0, 0.2)]
    assert seen("mixed") == [("/photos", "train", 0.3, 0.2), ("/frames", None, 0.7, 1.0)]
    assert seen("pretrain_finetune") == [("/photos", "train", 1.0, 0.2)]
    assert specs["real"].data[0].subset_seed == 5
    assert {regime: spec.model.weights for regime, spec in specs.items() if spec.model.weights} == {
        "pretrain_finetune": Path("/run")
    }


def test_pretraining_is_the_same_for_all_fractions(tmp_path):
    plan = plan_of(tmp_path, regimes="[pretrain_finetune]", real_fractions="[0.1, 0.5, 1.0]")
    specs = [plan.pretraining(run, DATA) for run in plan.runs()]
    assert specs[0] is not None
    assert all(spec == specs[0] for spec in specs)


def test_test_frames_come_from_another_seed(tmp_path):
    plan = plan_of(tmp_path, synthetic_test_frames="3")
    assert plan.test_scene.frames == 3
    assert plan.test_scene.seed != plan.scene.seed
    assert plan.test_scene.model_copy(update={"frames": 4, "seed": 9}) == plan.scene


def test_seed_takes_the_place_of_all_seeds(tmp_path):
    plan = plan_of(tmp_path, seed=3, seeds="[0, 1]")
    assert plan.scene.seed == 3
    assert [run.seed for run in plan.runs()] == [3]


def test_only_what_the_regimes_want(tmp_path):
    real = plan_of(tmp_path, regimes="[real]")
    assert real.wants_real
    assert not real.wants_synthetic
    assert not real.wants_synthetic_test
    synthetic = plan_of(tmp_path)
    assert not synthetic.wants_real
    assert synthetic.wants_synthetic
    assert synthetic.wants_synthetic_test


@pytest.mark.parametrize(
    ("keys", "complaint"),
    [
        ({"seeds": "[0, 0]"}, "key 'seeds'.*no value twice"),
        ({"regimes": "[real, real]"}, "key 'regimes'.*no value twice"),
        ({"real_fractions": "[0.0, 1.0]"}, "key 'real_fractions'.*above 0"),
        ({"real_fractions": "[1.5]"}, "key 'real_fractions'.*up to 1"),
        ({"regimes": "[pretrain_finetune]", "steps": "1"}, "key 'steps'.*at least 2"),
        ({"synthetic": "gone.yaml"}, "gone.yaml: cannot be read"),
        ({"stepz": "1"}, "unknown key 'stepz'"),
    ],
)
def test_wrong_experiments_are_refused(tmp_path, keys, complaint):
    with pytest.raises(SpecError, match=complaint):
        plan_of(tmp_path, **keys)


def test_demo_is_the_example_that_users_copy():
    examples = Path(__file__).parents[2] / "examples"
    assert DEMO.resolve() == examples / "coins-experiment.yaml"
    plan = load_plan(DEMO, seed=2)
    assert plan.scene_source.resolve() == examples / "coins.yaml"
    assert plan.experiment.benchmark == "coins"
    assert plan.scene.frames >= 200
    assert plan.experiment.notes  # says that the scene was modelled after the photograph

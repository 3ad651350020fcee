"""Plans: which runs an experiment consists of, and what each trains on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from blender_scenes.registry import family_of
from flows.budget import small_budget
from flows.plan import DEMO, TrainingData, load_plan
from pipeline.errors import SpecError
from pipeline.sampling.factors import FactorDraws, bind_factors
from pipeline.sampling.seeds import FrameSeeds
from pipeline.specs.experiment import ExperimentSpec
from pipeline.specs.scene import ImageSpec

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


def test_frames_can_be_augmented_in_their_own_way(tmp_path):
    keys = {"augment": "{hue: 0.01, flip: true}", "augment_frames": "{hue: 0.2}"}
    plan = plan_of(tmp_path, regimes=REGIMES, **keys)
    for run in plan.runs():
        spec = plan.training(run, DATA, pretrained=Path("/run"))
        before = plan.pretraining(run, DATA)
        for each in filter(None, (spec, before)):
            for source, augment in zip(each.data, each.augmentations, strict=True):
                assert augment.hue == (0.2 if source.path == Path("/frames") else 0.01)
                assert augment.flip, "as augment says"
    again = ExperimentSpec.model_validate(plan.experiment.model_dump(mode="json"))
    assert again == plan.experiment
    with pytest.raises(SpecError, match="'copy_paste' mixes pictures of all sources"):
        plan_of(tmp_path, augment_frames="{copy_paste: {chance: 0.1}}")
    with pytest.raises(SpecError, match=r"augment_frames\.hew"):
        plan_of(tmp_path, augment_frames="{hew: 0.1}")


def test_names_of_cells_tell_of_an_augmentation_of_ones_own_only_where_there_is_one(tmp_path):
    alike = plan_of(tmp_path, augment="{hue: 0.2}", augment_frames="{hue: 0.2}")
    (run,) = alike.runs()
    (source,) = alike.training(run, DATA).model_dump(mode="json")["data"]
    assert "augment" not in source, "or trainings of older versions would be done again"
    own = plan_of(tmp_path, augment_frames="{hue: 0.2}")
    (source,) = own.training(run, DATA).model_dump(mode="json")["data"]
    assert source["augment"]["hue"] == 0.2


def test_pretraining_is_the_same_for_all_fractions(tmp_path):
    plan = plan_of(tmp_path, regimes="[pretrain_finetune]", real_fractions="[0.1, 0.5, 1.0]")
    specs = [plan.pretraining(run, DATA) for run in plan.runs()]
    assert specs[0] is not None
    assert all(spec == specs[0] for spec in specs)


def test_one_pretraining_can_be_shared_by_all_seeds(tmp_path):
    keys = {"regimes": "[pretrain_finetune]", "seeds": "[3, 4]", "finetune_learning_rate": "5e-4"}
    plan = plan_of(tmp_path, **keys, shared_pretraining="true")
    before = [plan.pretraining(run, DATA) for run in plan.runs()]
    after = [plan.training(run, DATA, pretrained=Path("/run")) for run in plan.runs()]
    assert before[0] == before[1]
    assert before[0].seed == 3
    assert [spec.seed for spec in after] == [3, 4]
    assert before[0].learning_rate == 2e-3
    assert {spec.learning_rate for spec in after} == {5e-4}
    apart = plan_of(tmp_path, **keys)
    assert [apart.pretraining(run, DATA).seed for run in apart.runs()] == [3, 4]


@pytest.mark.parametrize(
    ("share", "before", "after"), [("0.5", 5, 6), ("0.25", 2, 9), ("0.01", 1, 10), ("0.99", 10, 1)]
)
def test_frames_take_their_share_of_the_steps_and_photographs_the_rest(
    tmp_path, share, before, after
):
    plan = plan_of(tmp_path, regimes="[pretrain_finetune]", steps="11", pretrain_share=share)
    (run,) = plan.runs()
    assert plan.pretraining(run, DATA).steps == before
    assert plan.training(run, DATA, pretrained=Path("/run")).steps == after


def test_small_fractions_can_have_more_seeds(tmp_path):
    plan = plan_of(
        tmp_path,
        regimes="[real, synthetic]",
        real_fractions="[0.05, 1.0]",
        seeds="[0, 1]",
        seeds_at='{"0.05": [0, 1, 2, 7]}',
    )
    seeds = {}
    for run in plan.runs():
        seeds.setdefault((run.regime, run.real_fraction), []).append(run.seed)
    assert seeds == {
        ("real", 0.05): [0, 1, 2, 7],
        ("real", 1.0): [0, 1],
        ("synthetic", 0.0): [0, 1],
    }


def test_longer_training_on_photographs_alone_comes_last(tmp_path):
    plan = plan_of(
        tmp_path,
        regimes="[real, synthetic]",
        real_fractions="[0.2, 1.0]",
        seeds="[0, 1]",
        plateau="{times: [0.5, 2], real_fractions: [1.0]}",
    )
    runs = list(plan.runs())
    longer = [run for run in runs if run.times != 1]
    assert runs[-4:] == longer
    assert {(run.regime, run.real_fraction) for run in longer} == {("real", 1.0)}
    steps = [(run.seed, plan.training(run, DATA).steps) for run in longer]
    assert steps == [(0, 6), (0, 22), (1, 6), (1, 22)]  # 5.5 is rounded to even
    assert longer[-1].label == "real 1 2x steps seed 1"


def test_folds_are_trained_apart_but_for_frames_alone(tmp_path):
    plan = plan_of(tmp_path, regimes=REGIMES, folds="3")
    for run in plan.runs():
        folds = plan.folds_of(run)
        assert folds == ((None,) if run.regime == "synthetic" else (1, 2, 3))
        specs = [plan.training(run, DATA, pretrained=Path("/run"), fold=fold) for fold in folds]
        real = [s.split for spec in specs for s in spec.data if s.path == Path("/photos")]
        assert real == ([] if run.regime == "synthetic" else ["rest1", "rest2", "rest3"])


def test_the_small_budget_shows_objects_at_their_size(tmp_path):
    plan = plan_of(
        tmp_path,
        regimes="[real, synthetic, mixed]",
        claim="mixed",
        real_fractions="[0.2, 1.0]",
        seeds="[4, 5, 6]",
        plateau="{times: [2]}",
    )
    scene = plan.scene.model_copy(
        update={
            "scene": "dice",
            "frames": 900,
            "image": ImageSpec(width=800, height=600),
            "factors": {"camera": {"object_px": [20, 40], "roll_rad": 0.0}},
        }
    )
    small = small_budget(replace(plan, scene=scene))
    labels = [run.label for run in small.runs()]
    assert labels == ["real 1 seed 4", "mixed 1 seed 4"]
    assert small.experiment.steps == 6
    assert small.purpose == "indicative"
    assert small.scene.frames == 300
    assert (small.scene.image.width, small.scene.image.height) == (320, 240)
    # Sizes count in pictures of 640: 20 to 40 are 25 to 50 px here, and still are in 320.
    assert small.scene.factors["camera"] == {"object_px": [50.0, 100.0], "roll_rad": 0.0}
    assert size_px(small.scene) == pytest.approx(size_px(scene))


def test_the_small_budget_leaves_pictures_alone_that_cannot_shrink(tmp_path):
    plan = plan_of(tmp_path)
    scene = plan.scene.model_copy(update={"scene": "digits", "frames": 60})
    assert small_budget(replace(plan, scene=scene)).scene == scene


def size_px(scene):
    """How large a die of 14 mm in the middle of frame 5 is shown."""
    family = family_of(scene, source=Path("scene.yaml"))
    bound = bind_factors(family.factors, scene.factors, source=Path("scene.yaml"))
    draws = FactorDraws(bound, FrameSeeds(seed=scene.seed, frame=5))
    camera = family.sample(draws, image=scene.image).camera
    return camera.K[0][0] * 0.014 / np.linalg.norm(np.array(camera.world_from_cam)[:3, 3])


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
        ({"regimes": "[real, synthetic]", "claim": "mixed"}, "claim is mixed; expected one of"),
        ({"regimes": "[real]", "claim": "real"}, "and not real"),
        ({"plateau": "{times: [2]}"}, "regime real, which is not among"),
        ({"regimes": "[real]", "plateau": "{times: [1, 2]}"}, "that is the experiment itself"),
        ({"log": "gone.md"}, "key 'log': .*gone.md is no file"),
        ({"seeds_at": '{"0.3": [1]}'}, "key 'seeds_at'.*some of real_fractions"),
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

"""Ablations: what is taken away, in which order, what is shared, and one from end to end."""

from __future__ import annotations

import functools
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from blender_scenes.generate import render_dataset
from blender_scenes.registry import find_family
from evaluation.analysis.records import read_analysis
from flows import steps
from flows.ablation import recipes, run_ablation
from flows.cli import app
from flows.record import read_record
from flows.steps import PLAIN_STEPS
from flows.street import run_experiment
from pipeline.errors import DatasetError, SpecError, TrainingError
from pipeline.sampling.ablation import varied_factors, without_factor
from pipeline.sampling.factors import bind_factors
from pipeline.specs.scene import SceneSpec

TWO = ["lighting", "augment.noise"]


def varied(**keys: object) -> tuple[str, ...]:
    spec = SceneSpec.model_validate({"scene": "coins", "frames": 2, **keys})
    factors = find_family("coins", source=Path("s.yaml")).factors
    return varied_factors(spec, factors, source=Path("s.yaml"))


def test_factors_that_are_off_or_frozen_are_no_parts():
    whole = varied()
    assert "lighting" in whole
    less = varied(factors={"lighting": "off", "background": "frozen"})
    assert set(whole) - set(less) == {"lighting", "background"}
    assert set(varied(randomisation="fixed")) <= {"count", "placement", "pose"}


@pytest.mark.parametrize("name", ["coins", "dice", "digits", "nuts", "primitives", "checkerboard"])
def test_what_decides_the_category_goes_on_varying(name):
    family = find_family(name, source=Path("s.yaml"))
    for factor in family.factors:
        spec = without_factor(SceneSpec(scene=name, frames=2), factor)
        bound = bind_factors(family.factors, spec.factors, source=Path("s.yaml"))[factor.name]
        for before, after in zip(factor.parameters, bound.factor.parameters, strict=True):
            changes = len({str(after.distribution.at(u)) for u in (0.01, 0.3, 0.6, 0.99)}) > 1
            assert changes == before.essential


def test_what_a_spec_fixes_stays_fixed():
    factor = next(f for f in find_family("coins", source=Path("s")).factors if f.name == "sensor")
    spec = SceneSpec(scene="coins", frames=2, factors={"sensor": {"grey": True}})
    assert without_factor(spec, factor).factors == {"sensor": {"vary": 0.0, "grey": True}}


def test_recipes_differ_in_one_part_only(write_experiment):
    source = write_experiment(
        regimes="[synthetic, real]", augment="{flip: true, noise: 0, copy_paste: {chance: 0.2}}"
    )
    full, *others = recipes(source)
    names = [recipe.without for recipe in others]
    assert {"lighting", "background", "augment.flip", "augment.copy_paste"} <= set(names)
    assert "augment.noise" not in names, "it is off"
    assert full.plan.experiment.regimes == ("synthetic",)
    for recipe in others:
        same_scene = recipe.plan.scene == full.plan.scene
        same_training = recipe.plan.experiment == full.plan.experiment
        assert same_scene != same_training
        assert same_scene != recipe.renders
        assert recipe.plan.scene.frames == full.plan.scene.frames
        assert recipe.plan.scene.seed == full.plan.scene.seed
        assert recipe.plan.experiment.seeds == full.plan.experiment.seeds
        assert recipe.plan.experiment.steps == full.plan.experiment.steps


def test_what_is_about_photographs_alone_is_left_aside(write_experiment):
    source = write_experiment(
        regimes="[real, mixed, synthetic]", claim="mixed", plateau="{times: [2.0]}"
    )
    full, _ = recipes(source, parts=["lighting"])
    assert full.plan.experiment.claim is None
    assert full.plan.experiment.plateau is None


def test_augmentations_are_those_of_frames(write_experiment):
    source = write_experiment(
        augment="{flip: true, noise: 0}", augment_frames="{hue: 0.1, flip: false}"
    )
    _, *others = recipes(source)
    names = [recipe.without for recipe in others]
    assert "augment.hue" in names
    assert "augment.flip" not in names, "frames are not mirrored"
    without_hue = next(recipe for recipe in others if recipe.without == "augment.hue")
    assert without_hue.plan.experiment.augment.hue == 0
    with pytest.raises(SpecError, match="changes nothing"):
        recipes(source, parts=["augment.hue=0.3"])
    _, more = recipes(source, parts=["augment_frames.hue=0.3"])
    assert more.plan.experiment.augment.hue == 0.3


def test_any_key_of_the_experiment_can_be_a_part(write_experiment):
    _, thin = recipes(write_experiment(), parts=["model.width=0.5"])
    assert thin.plan.experiment.model.width == 0.5
    assert not thin.renders


def test_networks_are_chosen_by_name(write_experiment):
    source = write_experiment(model="{name: faster_rcnn, backbone: mobilenet_v3_small}")
    full, other = recipes(source, parts=["model.backbone=resnet18"])
    assert full.plan.experiment.model.backbone == "mobilenet_v3_small"
    assert other.plan.experiment.model.backbone == "resnet18"
    assert (other.without, other.renders) == ("model.backbone=resnet18", False)
    with pytest.raises(SpecError, match="torchvision has no 'resnet19'"):
        recipes(source, parts=["model.backbone=resnet19"])
    (_, retinanet) = recipes(source, parts=["model.name=retinanet"])
    assert retinanet.plan.experiment.model.name == "retinanet"


@pytest.mark.parametrize(
    ("part", "complaint"),
    [
        ("weather", "part 'weather': expected one that is on"),
        ("sensor.grain", "expected one that is on"),
        ("augment.flip", "expected one that is on"),
        ("model.depth=3", "unknown key"),
        ("steps=many", "key 'steps'"),
        ("=3", "expected KEY=VALUE"),
        ("steps.deep=3", "expected a mapping"),
        ("steps=[", "expected a YAML value"),
    ],
)
def test_wrong_parts_are_refused(write_experiment, part, complaint):
    with pytest.raises(SpecError, match=complaint):
        recipes(write_experiment(), parts=[part])


def test_all_is_rendered_first_and_frames_are_shared(tmp_path, standins, write_experiment):
    source = write_experiment()
    report = run_ablation(source, tmp_path / "out", parts=TWO, steps=standins.steps)
    assert report == tmp_path / "out" / "report.html"
    assert standins.said == [
        "render dataset",
        "render dataset without lighting",
        "train synthetic seed 0",
        "predict coins/real, synthetic seed 0",
        "train synthetic seed 0 without lighting",
        "predict coins/real, synthetic seed 0 without lighting",
        "train synthetic seed 0 without augment.noise",
        "predict coins/real, synthetic seed 0 without augment.noise",
        "evaluate 3",
        "report",
    ]
    assert [work for work in standins.worked if work.startswith("render")] == ["render dataset"] * 2
    assert [t.context.without for t in standins.tested] == [None, *TWO]
    record = read_record(tmp_path / "out")
    assert list(record.rendered) == ["dataset", "dataset without lighting"]
    assert "--part lighting" in record.command


def test_a_second_call_does_only_what_is_missing(tmp_path, standins, write_experiment):
    source = write_experiment(seeds="[0, 1]")
    standins.fail_at = {"train synthetic seed 1 without lighting": KeyboardInterrupt()}
    with pytest.raises(KeyboardInterrupt):
        run_ablation(source, tmp_path / "out", parts=TWO, steps=standins.steps)
    standins.fail_at, standins.worked = {}, []
    run_ablation(source, tmp_path / "out", parts=TWO, steps=standins.steps)
    assert [work for work in standins.worked if work.startswith("train")] == [
        "train synthetic seed 1 without lighting",
        "train synthetic seed 0 without augment.noise",
        "train synthetic seed 1 without augment.noise",
    ]
    standins.worked = []
    run_ablation(source, tmp_path / "out", parts=TWO, steps=standins.steps)
    assert standins.worked == []


def test_networks_of_all_parts_are_trained_side_by_side(
    tmp_path, standins, write_experiment, monkeypatch
):
    waves = []

    def fleet(trainings, cells, *, at_once, progress):
        waves.append([training.label for training in trainings])

    monkeypatch.setattr(steps, "train_fleet", fleet)
    source = write_experiment(seeds="[0, 1, 2]")
    run_ablation(source, tmp_path / "out", parts=TWO, steps=standins.steps, trainings=2)
    assert waves == [
        [
            f"synthetic seed {seed}{part}"
            for part in ("", " without lighting", " without augment.noise")
            for seed in (0, 1, 2)
        ]
    ]


def test_one_failed_part_does_not_stop_the_others(tmp_path, standins, write_experiment):
    standins.fail_at = {"train synthetic seed 0 without lighting": TrainingError("loss is nan.")}
    with pytest.raises(TrainingError.__base__, match="1 parts of the ablation failed"):
        run_ablation(write_experiment(), tmp_path / "out", parts=TWO, steps=standins.steps)
    assert [t.context.without for t in standins.tested] == [None, "augment.noise"]


def test_an_ablation_and_an_experiment_do_not_share_a_folder(tmp_path, standins, write_experiment):
    source = write_experiment()
    run_experiment(source, tmp_path / "e", steps=standins.steps)
    with pytest.raises(DatasetError, match="holds an experiment"):
        run_ablation(source, tmp_path / "e", parts=TWO, steps=standins.steps)
    run_ablation(source, tmp_path / "a", parts=TWO, steps=standins.steps)
    with pytest.raises(DatasetError, match="holds an ablation"):
        run_experiment(source, tmp_path / "a", steps=standins.steps)


def test_from_end_to_end_with_painted_frames(tmp_path, monkeypatch):
    """Painting, training, scoring and the report are the real ones; only Blender is not."""
    painted = functools.partial(render_dataset, worker_module="painting_worker")
    monkeypatch.setattr(steps, "render_dataset", painted)
    (tmp_path / "scene.yaml").write_text(
        "scene: coins\nframes: 4\nimage: {width: 96, height: 64}\nrender: {samples: 1}\n"
    )
    source = tmp_path / "experiment.yaml"
    source.write_text(
        "task: detection\nsynthetic: scene.yaml\nbenchmark: coins\nseeds: [3]\nsteps: 2\n"
        "model: {name: compact_detector, width: 0.25}\nbatch_size: 1\ninput_px: 64\n"
    )
    out = tmp_path / "out"
    report = run_ablation(source, out, parts=["lighting"], steps=PLAIN_STEPS)
    html = report.read_text()
    assert "Which parts of the recipe matter" in html
    assert "lighting: " in html
    ablation = read_analysis(out / "analysis.json").ablations[0]
    assert {effect.name for effect in ablation.effects} == {"lighting"}
    assert ablation.full.seeds == 1
    manifest = json.loads((out / "without-lighting" / "dataset" / "manifest.json").read_text())
    assert manifest["spec"]["factors"] == {"lighting": {"vary": 0.0}}
    before = {path: path.stat().st_mtime_ns for path in (out / "cells").rglob("*")}
    run_ablation(source, out, parts=["lighting"], steps=PLAIN_STEPS)
    assert {path: path.stat().st_mtime_ns for path in (out / "cells").rglob("*")} == before
    told = CliRunner().invoke(app, ["report", str(out), "--format", "md", "-o", f"{tmp_path}/md"])
    assert told.exit_code == 0
    text = (tmp_path / "md" / "report.md").read_text()
    assert "Which parts of the recipe matter" in text
    assert str(tmp_path) not in text, "it is for other machines"
    assert not list(tmp_path.glob("md/figures/picture*")), "the photograph stays out"

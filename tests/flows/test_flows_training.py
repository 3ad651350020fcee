"""`blendgap train` on whatever its configuration names."""

import json

import pytest

from flows.networks import train_network
from flows.training_cells import training_cell
from pipeline.errors import DatasetError, SpecError
from pipeline.formats.annotated import read_splits
from pipeline.formats.exports import export_pictures
from pipeline.specs.augmentation import AugmentSpec, CopyPasteSpec
from pipeline.specs.training import DataSource, ModelSpec, TrainSpec

CONFIG = """
task: {task}
data: [{{path: {path}{more}}}]
model: {{name: {model}, width: 0.25}}
input_px: 32
steps: 1
batch_size: 2
device: cpu
"""


def write_config(folder, **words):
    path = folder / "training.yaml"
    path.write_text(CONFIG.format(**{"more": "", **words}))
    return path


def trained_on(folder, config, **options):
    outcome = train_network(config, folder / "run", benchmarks=options.get("benchmarks"))
    return json.loads((folder / "run" / "train.json").read_text())["data"][0]["path"], outcome


def test_an_embedded_benchmark_is_found_by_name(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    words = {"task": "classification", "model": "compact_classifier", "path": "digits"}
    path, outcome = trained_on(tmp_path, write_config(tmp_path, **words))
    assert path == str(tmp_path / "cache" / "blendgap" / "benchmarks" / "digits")
    assert outcome.summary["steps"] == 1


def test_what_is_for_scores_alone_is_not_trained_on(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    words = {"task": "detection", "model": "compact_detector", "path": "coins"}
    with pytest.raises(DatasetError, match="got splits test; expected train"):
        trained_on(tmp_path, write_config(tmp_path, **words))
    with pytest.raises(SpecError, match="got 'test'; expected train or val"):
        trained_on(tmp_path, write_config(tmp_path, **words, more=", split: test"))


def test_exports_and_benchmarks_of_others_are_trained_on(painted_dataset, tmp_path):
    """A YOLO folder by its path, and by its name."""
    splits = read_splits(painted_dataset)
    export_pictures(splits, tmp_path / "sets" / "mine", to="yolo-segment")
    words = {"task": "detection", "model": "compact_detector"}
    (tmp_path / "by-path").mkdir()
    path, _ = trained_on(tmp_path / "by-path", write_config(tmp_path, **words, path="sets/mine"))
    assert path == str(tmp_path / "sets" / "mine")
    (tmp_path / "by-name").mkdir()
    config = write_config(tmp_path / "by-name", **words, path="mine")
    with pytest.raises(DatasetError, match="'mine': no such folder and no such name"):
        trained_on(tmp_path, config)
    trained_on(tmp_path / "by-name", config, benchmarks=tmp_path / "sets")
    curves = [
        json.loads((tmp_path / name / "run" / "curve.json").read_text())
        for name in ("by-path", "by-name")
    ]
    assert curves[0]["loss"] == pytest.approx(curves[1]["loss"], rel=1e-5)


def test_a_folder_of_backgrounds_may_move(tmp_path):
    (tmp_path / "data").mkdir()
    names = []
    for place in ("here", "there"):
        (tmp_path / place).mkdir()
        (tmp_path / place / "ground.png").write_bytes(b"the same")
        augment = AugmentSpec(copy_paste=CopyPasteSpec(backgrounds=tmp_path / place))
        source = DataSource(path=tmp_path / "data", augment=augment.model_copy(update={"hue": 0.1}))
        spec = TrainSpec(
            task="detection",
            data=(source,),
            model=ModelSpec(name="compact_detector"),
            steps=1,
            augment=augment,
        )
        names.append(training_cell(spec).key)
    assert names[0] == names[1]

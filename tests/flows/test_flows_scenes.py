"""The commands scenes, preview --vary and compare, Blender replaced by a painter."""

from __future__ import annotations

import functools
import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from blender_scenes.generate import render_dataset
from blender_scenes.registry import FAMILIES
from flows import realism, scenes
from flows.cli import app

SPEC = "scene: primitives\nframes: 4\nimage: {width: 64, height: 48}\n"


def run(*words: object):
    return CliRunner().invoke(app, [str(word) for word in words])


def summary(*words: object) -> dict:
    result = run(*words, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout.splitlines()[-1])


@pytest.fixture
def painted(monkeypatch: pytest.MonkeyPatch) -> list:
    """Specs of what is rendered, by a painter."""
    specs = []

    def paint(spec, out, **options):
        specs.append(spec)
        return render_dataset(spec, out, worker_module="painting_worker", **options)

    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
    monkeypatch.setattr(scenes, "render_dataset", functools.wraps(render_dataset)(paint))
    monkeypatch.setattr(realism, "render_dataset", paint)
    return specs


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    path = tmp_path / "spec.yaml"
    path.write_text(SPEC)
    return path


@pytest.mark.parametrize("name", FAMILIES)
def test_every_parameter_is_listed_in_100_columns(name: str) -> None:
    result = run("scenes", name)
    assert result.exit_code == 0
    table = result.stdout.splitlines()[3:]
    assert max(map(len, table)) <= 100
    words = result.stdout.split()
    for factor in FAMILIES[name].factors:
        assert f"{factor.name}:" in words
        assert {parameter.name for parameter in factor.parameters} <= set(words)


def test_scenes_tell_machines_everything() -> None:
    [family] = summary("scenes", "primitives")["scenes"]
    found = {(p["factor"], p["name"]): p for p in family["parameters"]}
    assert found["count", "solids"]["range"] == "8 … 16"
    assert found["count", "solids"]["off"] == 12
    assert found["material", "hue"]["per_object"] is True
    assert family["factors"]["lighting"]["fill"] == "0.15 … 0.5"
    assert "placement too" in run("scenes", "primitives").stdout


def test_preview_lets_one_factor_move(spec: Path, painted: list, tmp_path: Path) -> None:
    sheet = tmp_path / "new" / "sheet.png"
    words = ("preview", spec, "-o", sheet, "--frames", 3, "--workers", 1)
    assert summary(*words, "--vary", "lighting", "--frame", 5)["frames"] == 3
    [made] = painted
    assert made.factors["camera"] == {"frozen": 5}
    assert made.factors["lighting"] == {}
    tall = cv2.imread(str(sheet)).shape[0]
    assert summary(*words)["frames"] == 3
    assert tall > 300 + 7 * 14  # pictures of 400 x 300 px, seven lines below


def test_preview_of_a_video_lets_a_factor_move_in_single_pictures(
    spec: Path, painted: list, tmp_path: Path
) -> None:
    spec.write_text(f"{SPEC}sequence: {{frames: 2}}\nlabels: {{flow: true}}\n")
    words = ("preview", spec, "-o", tmp_path / "sheet.png", "--frames", 2, "--workers", 1)
    summary(*words, "--vary", "camera")
    assert painted[0].sequence is None


def test_preview_refuses_what_cannot_be_varied(spec: Path, tmp_path: Path) -> None:
    for words, complaint in [
        (("--vary", "weather"), "--vary: got 'weather'; expected one of count, shape"),
        (("--frame", 3), "add --vary"),
    ]:
        result = run("preview", spec, "-o", tmp_path / "sheet.png", *words)
        assert result.exit_code == 2
        assert complaint in result.stderr


@pytest.fixture
def benchmark(make_painted_dataset, tmp_path: Path) -> Path:
    """A COCO benchmark with the splits train and test, of painted frames."""
    folder = tmp_path / "real"
    for split, seed in (("train", 1), ("test", 2)):
        painted = make_painted_dataset(tmp_path / split, frames=6, seed=seed)
        document = json.loads((painted / "annotations" / "instances.json").read_text())
        for image in document["images"]:
            image["file_name"] = f"{split}-{Path(image['file_name']).name}"
        for path in (painted / "images").iterdir():
            (folder / "images").mkdir(parents=True, exist_ok=True)
            shutil.copy(path, folder / "images" / f"{split}-{path.name}")
        (folder / f"instances_{split}.json").write_text(json.dumps(document))
    return folder


def test_compare_a_dataset_with_itself_and_with_another(
    benchmark: Path, make_painted_dataset, tmp_path: Path
) -> None:
    same = make_painted_dataset(tmp_path / "same", frames=6, seed=1)
    sheet = tmp_path / "sheet.jpg"
    found = summary("compare", same, "--with", benchmark, "-o", sheet)
    assert found["split"] == "train"  # never test unless it is named
    assert found["passed"]
    assert {measure["relative_width"] for measure in found["measures"].values()} == {1.0}
    assert sheet.is_file()
    assert summary("compare", same, "--with", benchmark, "--split", "test")["split"] == "test"
    bright = tmp_path / "same" / "images"
    for path in bright.iterdir():
        cv2.imwrite(str(path), np.minimum(cv2.imread(str(path)).astype(int) + 100, 255))
    result = run("compare", same, "--with", benchmark)
    assert result.exit_code == 0
    assert "not as real ones: " in result.stdout
    assert "brightness" in result.stdout.split("not as real ones: ")[1]


def test_compare_a_spec(spec: Path, benchmark: Path, painted: list) -> None:
    found = summary("compare", spec, "--with", benchmark, "--frames", 3, "--workers", 1)
    assert painted[0].frames == 3
    assert found["measures"]["objects"]["synthetic"]["0.5"] > 0


def test_compare_with_an_image_folder(painted_dataset: Path, tmp_path: Path) -> None:
    for name in ("disc", "square"):
        folder = tmp_path / "real" / "train" / name
        folder.mkdir(parents=True)
        cv2.imwrite(str(folder / "a.png"), np.full((24, 24, 3), 90, np.uint8))
    found = summary("compare", painted_dataset, "--with", tmp_path / "real")
    assert found["side_px"] == 24
    assert found["measures"]["box size"]["covered"] is None
    assert found["measures"]["brightness"]["covered"] is not None


def test_compare_leaves_test_sets_alone(painted_dataset: Path, benchmark: Path) -> None:
    (benchmark / "instances_train.json").unlink()
    result = run("compare", painted_dataset, "--with", benchmark)
    assert result.exit_code == 2
    assert "name it with --split" in result.stderr

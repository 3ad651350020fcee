"""The command line: help, exit codes, one clear line instead of a traceback."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from flows.cli import app
from flows.commands import experiments
from flows.commands.options import finish
from flows.terminal import Outcome
from pipeline.errors import RenderError, SpecError

COMMANDS = (
    "demo", "scenes", "preview", "render", "rerender", "check", "export", "benchmark", "compare",
    "train", "predict", "evaluate", "experiment", "ablate", "report", "serve", "doctor",
)  # fmt: skip
PIXEL = cv2.imencode(".png", np.zeros((1, 1, 3), np.uint8))[1].tobytes()


def run(*words: object):
    return CliRunner().invoke(app, [str(word) for word in words])


def refused(*words: object) -> str:
    """The one line on stderr of a command that ends with exit code 2."""
    result = run(*words)
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("blendgap: ")
    return lines[0]


def test_commands_are_those_of_the_design():
    assert tuple(
        command.name or command.callback.__name__ for command in app.registered_commands
    ) == (COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_says_what_is_read_and_written(command):
    result = run(command, "--help")
    assert result.exit_code == 0
    words = " ".join(result.stdout.split())
    assert "eads" in words
    assert "rites" in words


def test_help_waits_for_nothing_heavy():
    heavy = ["torch", "prefect", "lightning", "cv2", "sklearn", "bpy"]
    code = f"import sys, flows.cli; sys.exit(str(set({heavy}) & set(sys.modules)).strip('set()'))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.strip() in ("", "set()"), done.stderr


@pytest.mark.parametrize("words", [[], ["nonsense"], ["render"], ["render", "a", "b", "c"]])
def test_wrong_words_are_wrong_input(words):
    assert run(*words).exit_code == 2


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [
        ("scene: coins\nframes: 2\ncolour: red\n", "unknown key 'colour'"),
        ("scene: coins\nframes: many\n", "key 'frames': got \"many\""),
        ("scene: coins\nframes: -3\n", "key 'frames': got -3"),
        ("scene: coin\nframes: 2\n", "expected one of"),
        ("scene: coins\nframes: 2\nfactors: {weather: off}\n", "factors"),
        ("scene: coins\nframes: 2\nfactors: {count: {number: 3}}\n", "unknown parameter"),
        ("scene: [coins\n", "spec.yaml:2"),
        ("- scene\n", "expected a mapping"),
    ],
)
def test_bad_spec(tmp_path, lines, complaint):
    spec = tmp_path / "spec.yaml"
    spec.write_text(lines)
    out = tmp_path / "out"
    line = refused("render", spec, "-o", out)
    assert complaint in line
    assert "spec.yaml" in line
    assert not (out / "manifest.json").exists()


def test_missing_spec(tmp_path):
    assert "cannot be read" in refused("render", tmp_path / "gone.yaml", "-o", tmp_path / "out")


@pytest.mark.parametrize("frames", ["0", "-1", "x"])
def test_wrong_frames_option(tmp_path, frames):
    result = run("render", tmp_path / "spec.yaml", "-o", tmp_path / "out", "--frames", frames)
    assert result.exit_code == 2
    assert "Traceback" not in result.stderr


def benchmark_folder(folder: Path, **changes: object) -> Path:
    (folder / "images").mkdir(parents=True)
    (folder / "images" / "a.png").write_bytes(PIXEL)
    document = {
        "images": [{"id": 1, "file_name": "a.png", "width": 1, "height": 1}],
        "categories": [{"id": 1, "name": "coin"}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [0, 0, 1, 1]}],
    }
    (folder / "instances_test.json").write_text(json.dumps(document | changes))
    return folder


def test_benchmark_says_what_it_holds(tmp_path):
    result = run("benchmark", benchmark_folder(tmp_path / "b"), "--json")
    assert result.exit_code == 0, result.output
    summary = json.loads(result.stdout.splitlines()[-1])
    assert summary["splits"]["test"]["per_category"] == {"coin": 1}


def test_benchmark_of_class_maps_is_read_and_drawn(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder, sheet = tmp_path / "b", tmp_path / "sheet.png"
    for kind, values in (("images", 90), ("masks", 1)):
        for split in ("train", "val"):
            path = folder / split / kind / "a.png"
            path.parent.mkdir(parents=True)
            cv2.imwrite(str(path), np.full((20, 30), values, np.uint8))
    result = run("benchmark", folder, "-o", sheet, "--json")
    assert result.exit_code == 0, result.output
    summary = json.loads(result.stdout.splitlines()[-1])
    assert {name: s["has_masks"] for name, s in summary["splits"].items()} == {
        "train": True,
        "val": True,
    }
    assert summary["sheet"] == str(sheet)
    drawn = cv2.imread(str(sheet)).astype(int)
    assert (drawn.max(axis=2) - drawn.min(axis=2)).max() > 30, "labels are in colour"
    assert "expected .png or .jpg" in refused("benchmark", folder, "-o", "sheet.gif")


def test_nothing_is_trained_on_test_pictures(tmp_path):
    config = tmp_path / "train.yaml"
    config.write_text(
        "task: detection\ndata: [{path: b, split: train}, {path: b, split: test}]\n"
        "model: {name: compact_detector}\nsteps: 1\n"
    )
    line = refused("train", config, "-o", tmp_path / "run")
    assert "key 'data.1.split': got 'test'; expected train or val" in line
    assert not (tmp_path / "run").exists()


def test_benchmark_is_found_by_name(tmp_path, monkeypatch):
    benchmark_folder(tmp_path / "all" / "mine")
    assert run("benchmark", "mine", "--benchmarks", tmp_path / "all").exit_code == 0
    monkeypatch.setenv("BLENDGAP_BENCHMARKS", str(tmp_path / "all"))
    assert run("benchmark", "mine").exit_code == 0
    assert "known names: coins, digits, mine" in refused("benchmark", "yours")


IMAGE = {"id": 1, "file_name": "a.png", "width": 1, "height": 1}
BOX = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [0, 0, 1, 1]}


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"images": [IMAGE | {"file_name": "b.png"}]}, "'b.png' is not in"),
        ({"images": [IMAGE, IMAGE]}, "image id 1 appears twice"),
        ({"images": [IMAGE | {"file_name": "../../a.png"}]}, "leaves"),
        ({"annotations": [BOX, BOX]}, "annotation id 1 appears twice"),
        ({"annotations": [BOX | {"category_id": 7}]}, "no category has id 7"),
        ({"annotations": [BOX | {"bbox": [0, 0, -1, 1]}]}, "bbox is [0, 0, -1, 1]"),
        ({"images": "all of them"}, "expected a list"),
    ],
)
def test_bad_coco(tmp_path, changes, complaint):
    folder = benchmark_folder(tmp_path / "b", **changes)
    assert complaint in refused("benchmark", folder)
    predictions = tmp_path / "predictions.json"
    predictions.write_text("[]")
    out = tmp_path / "scores.json"
    assert complaint in refused("evaluate", "--predictions", predictions, "--on", folder, "-o", out)
    assert not out.exists()


def test_unreadable_image(tmp_path):
    folder = benchmark_folder(tmp_path / "b")
    (folder / "images" / "a.png").write_bytes(PIXEL[:20])
    assert "a.png: cannot be read as a picture" in refused("benchmark", folder)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("{", "not a JSON file"),
        ("{}", "expected a list of COCO results"),
        ('[{"image_id": 1, "category_id": 1, "bbox": [0, 0, 1, 1]}]', "'score' is None"),
        ('[{"image_id": 4, "category_id": 1, "bbox": [0, 0, 1, 1], "score": 1}]', "4"),
    ],
)
def test_bad_predictions(tmp_path, content, complaint):
    folder = benchmark_folder(tmp_path / "b")
    predictions = tmp_path / "predictions.json"
    predictions.write_text(content)
    line = refused("evaluate", "--predictions", predictions, "--on", folder, "-o", "scores.json")
    assert complaint in line


def test_outside_predictions_are_scored(tmp_path):
    folder = benchmark_folder(tmp_path / "b")
    entry = {"image_id": 1, "category_id": 1, "bbox": [0, 0, 1, 1], "score": 0.9}
    predictions = tmp_path / "predictions.json"
    predictions.write_text(json.dumps([entry]))
    out = tmp_path / "new" / "scores.json"
    result = run("evaluate", "--predictions", predictions, "--on", folder, "-o", out, "--json")
    assert result.exit_code == 0, result.output
    summary = json.loads(result.stdout.splitlines()[-1])
    assert summary["results"][0]["scores"]["box_ap50"][0] == pytest.approx(1.0)
    assert out.is_file()


def test_check_of_a_good_and_of_a_broken_dataset(painted_dataset):
    assert run("check", painted_dataset).exit_code == 0
    picture = min((painted_dataset / "images").iterdir())
    picture.unlink()
    broken = run("check", painted_dataset)
    assert broken.exit_code == 1
    assert f"images/{picture.name} is missing" in broken.stdout
    assert "manifest.json: cannot be read" in refused("check", painted_dataset.parent)


def test_check_counts_problems(painted_dataset):
    annotations = painted_dataset / "annotations" / "instances.json"
    annotations.write_text(annotations.read_text() + " ")
    result = run("check", painted_dataset, "--json")
    assert result.exit_code == 1
    assert "instances.json has changed" in result.stdout
    assert json.loads(result.stdout.splitlines()[-1])["problems"]


def test_scenes_are_listed_with_their_factors():
    result = run("scenes", "coins", "--json")
    assert result.exit_code == 0
    summary = json.loads(result.stdout.splitlines()[-1])["scenes"]
    assert [family["name"] for family in summary] == ["coins"]
    assert "lighting" in summary[0]["factors"]
    assert "lighting" in result.stdout
    assert "expected one of" in refused("scenes", "spoons")


def test_preview_refuses_strange_formats_before_it_renders(tmp_path):
    assert "expected .png or .jpg" in refused("preview", tmp_path / "s.yaml", "-o", "sheet.tiff")


def test_report_of_no_experiment(tmp_path):
    assert "experiment.json: cannot be read" in refused("report", tmp_path)


def test_experiment_is_checked_before_anything_starts(tmp_path):
    (tmp_path / "e.yaml").write_text("task: detection\n")
    line = refused("experiment", tmp_path / "e.yaml", "-o", tmp_path / "out")
    assert "is missing" in line
    assert not (tmp_path / "out").exists()


def test_serve_refuses_a_wrong_schedule():
    assert "expected minute, hour" in refused("serve", "--cron", "every night")


@pytest.mark.parametrize(
    ("error", "exit_code", "line"),
    [
        (SpecError("a.yaml: [bold]wrong[/bold].\nTry again."), 2, "[bold]wrong[/bold]. Try again."),
        (RenderError("3 frames failed."), 1, "blendgap: 3 frames failed."),
        (KeyboardInterrupt(), 130, "Run the same command again"),
        (OSError(28, "No space left on device"), 1, "output: No space left on device."),
        (PermissionError(13, "Permission denied", "/locked"), 2, "/locked: Permission denied."),
    ],
)
def test_errors_become_one_line(monkeypatch, error, exit_code, line):
    def fail(module: str) -> None:
        raise error

    monkeypatch.setattr(experiments, "load", fail)
    result = run("doctor")
    assert result.exit_code == exit_code
    assert line in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_unexpected_errors_keep_their_traceback(monkeypatch):
    def fail(module: str) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(experiments, "load", fail)
    result = run("doctor")
    assert result.exit_code == 1
    assert isinstance(result.exception, ZeroDivisionError)


def test_json_line_comes_last(capsys):
    outcome = Outcome(shown=("done",), summary={"frames": 3}, exit_code=1)
    with pytest.raises(typer.Exit):
        finish(outcome, as_json=True)
    assert capsys.readouterr().out == 'done\n{"frames": 3}\n'

"""`blendgap export`, and benchmarks in layouts other than COCO."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flows.cli import app


def run(*words: object):
    return CliRunner().invoke(app, [str(word) for word in words])


def summary(result) -> dict:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout.splitlines()[-1])


def test_export_says_what_it_wrote_and_what_it_left_out(painted_dataset: Path, tmp_path: Path):
    out = tmp_path / "out"
    found = summary(run("export", painted_dataset, "--to", "yolo", "-o", out, "--json"))
    assert found["export"] == str(out)
    assert found["images"] == 4
    assert set(found["left_out"]) <= {"crowds"}
    assert (out / "data.yaml").is_file()


@pytest.mark.parametrize("layout", ["yolo-segment", "voc"])
def test_any_export_is_a_benchmark(painted_dataset, tmp_path, monkeypatch, layout):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    run("export", painted_dataset, "--to", layout, "-o", tmp_path / "real")
    before = summary(run("benchmark", painted_dataset, "--json"))["splits"]["whole"]
    for words in ([tmp_path / "real"], ["real", "--benchmarks", tmp_path]):
        found = summary(run("benchmark", *words, "--json"))
        assert found["kind"] == "coco"
        assert found["splits"]["train"] == before


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--to", "pdf"], "format 'pdf': expected one of coco, yolo"),
        (["--to", "coco", "--from", "pdf"], "--from 'pdf': expected one of coco, yolo, voc"),
        (["--to", "coco", "--split", "val"], "no split 'val'"),
        (["--to", "mot"], "render with sequence"),
    ],
)
def test_wrong_words(painted_dataset, tmp_path, words, complaint):
    result = run("export", painted_dataset, *words, "-o", tmp_path / "out")
    assert result.exit_code == 2
    assert complaint in result.stderr
    assert len([line for line in result.stderr.splitlines() if "export: " not in line]) == 1
    assert not (tmp_path / "out").exists()

"""The renderer under disturbance: real Blender, small frames; more of it with a painter."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from disturbance import children_of, start_render, wait_for_frames, wait_until_gone

from blender_scenes.generate import render_dataset
from blender_scenes.pool import WORKER_MODULE
from pipeline.dataset.check import check_dataset
from pipeline.dataset.layout import DatasetLayout
from pipeline.errors import DatasetError, SpecError
from pipeline.specs.scene import SceneSpec

pytestmark = pytest.mark.blender

SPEC = SceneSpec.model_validate(
    {
        "scene": "coins",
        "frames": 6,
        "seed": 5,
        "image": {"width": 96, "height": 64},
        "render": {"samples": 1, "device": "cpu"},
    }
)
SOURCE = Path("spec.yaml")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset rendered in one go by one worker."""
    return render_dataset(
        SPEC, tmp_path_factory.mktemp("undisturbed") / "dataset", source=SOURCE, workers=1
    )


def labels_of(folder: Path) -> bytes:
    return DatasetLayout(folder).annotations.read_bytes()


def test_labels_agree_with_the_passes_and_the_files_with_the_manifest(undisturbed: Path) -> None:
    report = check_dataset(undisturbed)
    assert report.problems == ()
    assert report.statistics.images == SPEC.frames
    assert report.statistics.instances > SPEC.frames


def test_nothing_in_the_labels_tells_when_or_where(undisturbed: Path, tmp_path: Path) -> None:
    again = render_dataset(SPEC, tmp_path / "again", source=SOURCE, workers=2)
    assert labels_of(again) == labels_of(undisturbed)
    text = labels_of(undisturbed).decode()
    assert str(undisturbed) not in text
    assert os.uname().nodename not in text


def test_a_killed_worker_is_replaced_and_leaves_no_trace(
    undisturbed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, temporary = tmp_path / "dataset", tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    process = start_render(SPEC, out, WORKER_MODULE)
    wait_for_frames(out, 1, process)
    os.kill(children_of(process.pid)[0], signal.SIGKILL)
    assert list(temporary.rglob("blender_*"))
    assert process.wait(timeout=180) == 0
    assert labels_of(out) == labels_of(undisturbed)
    assert list(temporary.iterdir()) == []


def test_a_killed_parent_takes_its_workers_along_and_can_go_on(
    undisturbed: Path, tmp_path: Path
) -> None:
    out = tmp_path / "dataset"
    process = start_render(SPEC, out, WORKER_MODULE)
    wait_for_frames(out, 1, process)
    workers = children_of(process.pid)
    process.kill()
    process.wait(timeout=60)
    wait_until_gone(workers)
    assert not DatasetLayout(out).annotations.exists()
    with pytest.raises(DatasetError, match="has not finished"):
        check_dataset(out)
    render_dataset(SPEC, out, source=SOURCE, workers=2)
    assert labels_of(out) == labels_of(undisturbed)
    assert check_dataset(out).problems == ()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"scene": "moon"}, "'moon'; expected one of"),
        ({"factors": {"lighting": {"stength": 1}}}, "stength"),
    ],
)
def test_a_wrong_spec_is_refused_before_anything_is_written(
    tmp_path: Path, change: dict[str, object], words: str
) -> None:
    spec = SceneSpec.model_validate(SPEC.model_dump() | change)
    with pytest.raises(SpecError, match=words):
        render_dataset(spec, tmp_path / "dataset", source=SOURCE)
    assert not (tmp_path / "dataset").exists()


def test_the_parent_never_loads_blender() -> None:
    code = "import sys, blender_scenes.generate; sys.exit('bpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_records_hold_every_number_of_the_scene(undisturbed: Path) -> None:
    record = json.loads(DatasetLayout(undisturbed).record(0).read_text())
    assert record["scene"]["frame"] == 0
    assert set(record["scene"]["factors"]) >= {"lighting", "background", "count"}
    assert record["seconds"].keys() >= {"build", "render", "labels"}

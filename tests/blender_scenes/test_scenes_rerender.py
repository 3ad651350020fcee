"""A frame again, from its record alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from blender_scenes.generate import render_dataset
from blender_scenes.rerender import rerender_frame
from pipeline.dataset.frames import read_record, write_record
from pipeline.dataset.layout import DatasetLayout
from pipeline.dataset.manifest import read_manifest, write_manifest
from pipeline.errors import DatasetError
from pipeline.specs.scene import ImageSpec, LabelSpec, RenderSpec, SceneSpec, SequenceSpec

SPEC = SceneSpec(
    scene="primitives",
    frames=3,
    seed=4,
    image=ImageSpec(width=64, height=48),
    render=RenderSpec(samples=1),
    labels=LabelSpec(amodal=True, keypoints=True, poses=True, depth=True, flow=True),
    sequence=SequenceSpec(frames=2, fps=10),
    factors={
        "camera": {"k1": -0.15, "shutter_s": 0.05},
        "sensor": {"full_well_e": 2000, "jpeg_quality": 80},
    },
)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("bpy")
    out = tmp_path_factory.mktemp("rerender") / "dataset"
    return render_dataset(SPEC, out, source=Path("spec.yaml"), workers=1)


@pytest.mark.blender
def test_a_frame_of_a_video_comes_out_the_same(dataset: Path, tmp_path: Path) -> None:
    again = rerender_frame(dataset, 1, tmp_path / "again")
    assert again.same_labels
    assert again.largest_step <= 1
    assert again.pixels_changed < 1e-3
    before, after = (read_record(DatasetLayout(d), 1) for d in (dataset, tmp_path / "again"))
    assert before.scene == after.scene
    passes = {name: sha for name, sha in before.files.items() if name.startswith("passes/")}
    assert passes == {name: after.files[name] for name in passes}


@pytest.mark.blender
def test_it_is_the_record_that_is_replayed_not_the_spec(dataset: Path, tmp_path: Path) -> None:
    layout, copy = DatasetLayout(dataset), DatasetLayout(tmp_path / "copy")
    copy.create()
    write_manifest(copy.folder, read_manifest(dataset))
    record = read_record(layout, 0)
    instances = [dict(entry) for entry in record.scene["instances"]]
    shown = record.labels[0].instance_id
    kept = [entry for entry in instances if entry["instance_id"] == shown]
    write_record(copy, 0, record.model_copy(update={"scene": record.scene | {"instances": kept}}))
    again = rerender_frame(copy.folder, 0, tmp_path / "again")
    assert not again.same_labels
    assert [i.instance_id for i in read_record(DatasetLayout(tmp_path / "again"), 0).labels] == [
        shown
    ]


def test_bad_requests_are_refused(painted_dataset: Path, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="is the dataset itself"):
        rerender_frame(painted_dataset, 0, painted_dataset)
    with pytest.raises(DatasetError, match=r"not a manifest|cannot be read"):
        rerender_frame(tmp_path, 0, tmp_path / "out")

"""Labels that contradict their passes, their scene or one another are found without Blender."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from painting import EVERY_LABEL, paint_dataset
from pycocotools.coco import COCO

from pipeline.dataset.assembly import assemble
from pipeline.dataset.check import check_dataset
from pipeline.dataset.frames import read_record, write_record
from pipeline.dataset.layout import DatasetLayout
from pipeline.dataset.manifest import read_manifest
from pipeline.geometry.camera import matrix4
from pipeline.records.annotations import InstanceLabel
from pipeline.records.predictions import sha256_of
from pipeline.specs.scene import SequenceSpec

SEQUENCE = SequenceSpec(frames=2)


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """Four painted frames with every kind of label."""
    return paint_dataset(tmp_path / "painted", labels=EVERY_LABEL, sequence=SEQUENCE)


def relabel(folder: Path, change: Callable[[InstanceLabel], dict[str, object]]) -> list[str]:
    """Change the first label of frame 0 with keypoints, assemble anew, check."""
    layout = DatasetLayout(folder)
    record = read_record(layout, 0)
    labels = list(record.labels)
    index = next(i for i, label in enumerate(labels) if label.keypoints is not None)
    labels[index] = labels[index].model_copy(update=change(labels[index]))
    write_record(layout, 0, record.model_copy(update={"labels": tuple(labels)}))
    return problems_anew(folder)


def rewrite(folder: Path, path: Path, write: Callable[[Path], object]) -> list[str]:
    """Write a pass anew, with its hash in the record; assemble, check."""
    layout = DatasetLayout(folder)
    record = read_record(layout, 0)
    write(path)
    files = record.files | {layout.relative(path): sha256_of(path)}
    write_record(layout, 0, record.model_copy(update={"files": files}))
    return problems_anew(folder)


def problems_anew(folder: Path) -> list[str]:
    assemble(folder, read_manifest(folder), wall_seconds=1.0)
    return list(check_dataset(folder).problems)


@pytest.mark.parametrize("seed", range(5))
def test_right_labels_of_every_kind_pass(tmp_path: Path, seed: int) -> None:
    folder = paint_dataset(
        tmp_path / "painted", frames=6, seed=seed, labels=EVERY_LABEL, sequence=SEQUENCE
    )
    assert check_dataset(folder).problems == ()
    annotations = COCO(str(DatasetLayout(folder).annotations)).anns.values()
    # The painter hides and cuts enough for the check to mean something.
    assert any(a["truncation"] > 0 for a in annotations)
    assert any(0 < a["visible_fraction"] < 1 and a["truncation"] == 0 for a in annotations)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda label: {"iscrowd": not label.iscrowd}, "iscrowd differs"),
        (lambda label: {"area_px": label.area_px + 1}, "area differs"),
        (lambda label: {"amodal_rle": None}, "amodal labels missing"),
        (
            lambda label: {
                "visible_fraction": 0.9 * label.visible_fraction,
                "truncation": label.truncation,
            },
            "visible fraction does not fit",
        ),
        (lambda label: {"truncation": 0.5}, "amodal box does not fit"),
        (lambda label: {"amodal_box_xyxy": (*label.box_xyxy[:2], 99.0, 99.0)}, "amodal box"),
        (lambda label: {"keypoints": ((96.5, 3.5, 2), (0.0, 0.0, 0))}, "outside the picture"),
        (lambda label: {"keypoints": ((3.5, 3.5, 2),)}, "1 keypoints; the category has 2"),
        (lambda label: {"keypoints": None}, "keypoints missing"),
        (
            lambda label: {"cam_from_obj": matrix4(1.001 * np.array(label.cam_from_obj))},
            "pose differs",
        ),
        (lambda label: {"box_3d_m": label.box_3d_m[3:] + label.box_3d_m[:3]}, "inside out"),
        (lambda label: {"model": None}, "model missing"),
        (lambda label: {"track_id": None}, "track ids"),
        (lambda label: {"track_id": 1 if label.instance_id != 1 else 2}, "track ids"),
    ],
)
def test_a_wrong_label_is_told(dataset: Path, change, said: str) -> None:
    problems = relabel(dataset, change)
    assert any(said in problem for problem in problems), problems
    assert all(problem.startswith("frame 0: ") for problem in problems)


def test_an_amodal_mask_that_misses_visible_pixels_is_told(dataset: Path) -> None:
    others = read_record(DatasetLayout(dataset), 1).labels
    problems = relabel(dataset, lambda label: {"amodal_rle": others[0].rle})
    assert any("amodal mask does not contain" in problem for problem in problems)


def test_wrong_passes_are_told(dataset: Path) -> None:
    layout = DatasetLayout(dataset)
    wrong = {
        layout.semantic(0): (
            lambda path: cv2.imwrite(str(path), np.zeros((64, 96), np.uint16)),
            "semantic pass differs",
        ),
        layout.depth(0): (
            lambda path: np.save(path, np.ones((64, 96), np.float64)),
            "depth pass is not (64, 96) float32",
        ),
        layout.normals(0): (
            lambda path: np.save(path, np.full((64, 96, 3), 0.3, np.float16)),
            "normal pass is not (64, 96, 3) float16 of unit vectors",
        ),
        layout.flow(0): (lambda path: path.write_bytes(b"\x93NUMPY"), "flow pass is not"),
    }
    for path, (write, said) in wrong.items():
        before = path.read_bytes()
        problems = rewrite(dataset, path, write)
        assert [said in problem for problem in problems] == [True], problems
        assert rewrite(dataset, path, lambda path, before=before: path.write_bytes(before)) == []


def test_a_missing_or_changed_model_is_told(dataset: Path) -> None:
    (model,) = (dataset / "models").iterdir()
    content = model.read_bytes()
    model.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert any(f"{model.name} has changed" in p for p in check_dataset(dataset).problems)
    model.unlink()
    assert any(f"{model.name} is missing" in p for p in check_dataset(dataset).problems)

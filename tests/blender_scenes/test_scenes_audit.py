"""The audit must pass what is right, and must see each thing that is made wrong."""

from __future__ import annotations

import ast
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycocotools import mask as coco_mask

import blender_scenes.audit
from blender_scenes.audit.audit import audit_dataset, spread_frames
from blender_scenes.audit.findings import Findings
from blender_scenes.audit.lens import Lens
from blender_scenes.audit.limits import LIMITS
from blender_scenes.generate import render_dataset
from flows.datasets import check
from pipeline.dataset.check import check_dataset
from pipeline.dataset.manifest import Manifest, read_manifest
from pipeline.errors import DatasetError, InputError
from pipeline.geometry.camera import Camera, project_cam
from pipeline.records.audit import AuditRecord, read_audit
from pipeline.specs.scene import SceneSpec

PARENT_SIDE = {"audit.py", "children.py"}
SHARED_WITH_THE_CHILD = {"blender_scenes.registry", "pipeline.errors", "pipeline.specs.scene"}


def imports_of(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
    return names | {n.module or "" for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}


def test_nothing_that_makes_labels_is_used() -> None:
    folder = Path(blender_scenes.audit.__file__).parent
    for path in folder.glob("*.py"):
        ours = {n for n in imports_of(path) if n.startswith(("pipeline.", "blender_scenes."))}
        ours = {n for n in ours if not n.startswith("blender_scenes.audit.")}
        assert not {n for n in ours if n.startswith(("pipeline.annotate", "pipeline.geometry"))}
        assert "embreex" not in imports_of(path)
        if path.name not in PARENT_SIDE:
            assert ours <= SHARED_WITH_THE_CHILD, path.name


coefficient = st.floats(-0.2, 0.2)


@given(
    dist=st.tuples(coefficient, coefficient, *[st.floats(-0.01, 0.01)] * 2, coefficient),
    points=st.lists(st.tuples(*[st.floats(-0.4, 0.4)] * 2, st.floats(0.5, 3)), min_size=1),
)
def test_two_camera_models_agree(dist, points) -> None:
    K = ((300.0, 0.0, 158.0), (0.0, 300.0, 121.0), (0.0, 0.0, 1.0))
    camera = Camera(
        width_px=320, height_px=240, K=K, dist=dist, world_from_cam=tuple(map(tuple, np.eye(4)))
    )
    centred = np.array(K) - [[0, 0, 0.5], [0, 0, 0.5], [0, 0, 0]]
    lens, points_cam = Lens(centred, dist), np.array(points) * [1, 1, 1]
    points_cam[:, :2] *= points_cam[:, 2:]
    pixels = lens.project(points_cam)
    np.testing.assert_allclose(pixels + 0.5, project_cam(camera, points_cam), atol=1e-6)
    good = lens.unfolded(points_cam)
    back = lens.rays(pixels[good])
    seen = np.isfinite(back[:, 0])
    expected = (points_cam / points_cam[:, 2:])[good][seen]
    np.testing.assert_allclose(back[seen], expected, atol=1e-4)
    x0, y0, x1, y1 = lens.window(points_cam, (-320, -240, 640, 480))
    inside = (pixels >= [-320, -240]).all(axis=1) & (pixels < [640, 480]).all(axis=1) & good
    assert ((pixels[inside] >= [x0, y0]) & (pixels[inside] < [x1, y1])).all()


def test_what_reaches_behind_the_camera_may_be_anywhere() -> None:
    lens = Lens(np.diag([100.0, 100.0, 1.0]), (0, 0, 0, 0, 0))
    assert lens.window(np.array([[0, 0, -1.0], [0, 0, 1.0]]), (0, 0, 9, 7)) == (0, 0, 9, 7)


def test_a_frame_disagrees_when_too_many_of_its_pixels_do() -> None:
    found = Findings(3)
    found.pixels("depth", np.array([0.0] * 999 + [5.0]))
    assert found.result().disagreements == ()
    found.pixels("depth", np.array([0.0] * 998 + [5.0] * 2))
    assert found.result().disagreements == ("depth: 2 of 1000 pixels",)
    tally = found.result().tallies["depth"]
    assert (tally.compared, tally.agreeing, tally.worst) == (2000, 1997, 5.0)


def test_frames_are_evenly_spread() -> None:
    spec = SceneSpec(scene="primitives", frames=12)
    manifest = Manifest(spec=spec, categories=(), versions={}, quarantined={0: "died"})
    assert spread_frames(manifest, 3) == [1, 6, 11]
    assert spread_frames(manifest, 100) == list(range(1, 12))


# Blender from here on: one dataset with every kind of label, audited right and audited wrong.

FRAMES = 14
SPEC = {
    "scene": "primitives",
    "frames": FRAMES,
    "seed": 8,
    "image": {"width": 128, "height": 96},
    "render": {"samples": 1},
    "sequence": {"frames": 7, "fps": 15},
    "labels": dict.fromkeys(
        ("semantic", "amodal", "keypoints", "poses", "models", "depth", "normals", "flow"), True
    ),
    "factors": {"camera": {"k1": [-0.1, 0.1]}, "count": {"solids": 5}},
}


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("audit") / "good"
    return render_dataset(SceneSpec.model_validate(SPEC), folder, source=Path("spec"))


@pytest.fixture(scope="module")
def audited(good: Path) -> AuditRecord:
    return audit_dataset(good, frames=FRAMES)


@pytest.mark.blender
def test_true_labels_pass(good: Path, audited: AuditRecord) -> None:
    assert audited.passed
    assert not audited.disagreements
    assert not audited.not_compared
    assert audited.frames == tuple(range(FRAMES))
    assert audited.kinds.keys() == LIMITS.keys()
    assert all(kind.compared > 0 for kind in audited.kinds.values())
    assert read_audit(good / "audit.json") == audited
    assert "udit" in (good / "card.md").read_text()


Annotations = list[dict[str, Any]]


def _largest(annotations: Annotations) -> dict[str, Any]:
    return max(annotations, key=lambda annotation: annotation["area"])


def _shift_mask(annotations: Annotations) -> None:
    annotation = _largest(annotations)
    moved = np.roll(coco_mask.decode(annotation["segmentation"]), 1, axis=1)
    rle = coco_mask.encode(np.asfortranarray(moved))
    annotation["segmentation"] = {"size": rle["size"], "counts": rle["counts"].decode()}


def _shorten_box(annotations: Annotations) -> None:
    _largest(annotations)["bbox"][2] -= 1


def _swap_categories(annotations: Annotations) -> None:
    a = _largest(annotations)
    b = next(other for other in annotations if other["category_id"] != a["category_id"])
    a["category_id"], b["category_id"] = b["category_id"], a["category_id"]


def _lose(annotations: Annotations) -> None:
    annotations.remove(_largest(annotations))


def _double(annotations: Annotations) -> None:
    annotations.append(dict(_largest(annotations)))


def _hide_keypoint(annotations: Annotations) -> None:
    keypoints = next(a["keypoints"] for a in annotations if 2 in a["keypoints"][2::3])
    keypoints[3 * keypoints[2::3].index(2) + 2] = 1


def _move_keypoint(annotations: Annotations) -> None:
    keypoints = next(a["keypoints"] for a in annotations if 2 in a["keypoints"][2::3])
    keypoints[3 * keypoints[2::3].index(2)] += 0.6


def _turn(annotations: Annotations) -> None:
    annotation = _largest(annotations)
    turn = cv2.Rodrigues(np.radians([0.0, 2.0, 0.0]))[0]
    annotation["cam_R_m2c"] = (np.reshape(annotation["cam_R_m2c"], (3, 3)) @ turn).ravel().tolist()


def _stretch_box(annotations: Annotations) -> None:
    annotation = _largest(annotations)
    annotation["bbox_3d"] = [1.2 * value for value in annotation["bbox_3d"]]


def _show_more(annotations: Annotations) -> None:
    _largest(annotations)["visible_fraction"] *= 0.9


def _swap_tracks(annotations: Annotations) -> None:
    a, b, *_ = annotations
    a["track_id"], b["track_id"] = b["track_id"], a["track_id"]


SABOTAGE: dict[int, tuple[Callable[[Annotations], None], set[str]]] = {
    1: (_shift_mask, {"masks"}),
    2: (_shorten_box, {"boxes"}),
    3: (_swap_categories, {"categories"}),
    4: (_lose, {"instances"}),
    5: (_double, {"instances"}),
    6: (_hide_keypoint, {"keypoint_visibility"}),
    7: (_move_keypoint, {"keypoints"}),
    8: (_turn, {"rotations", "poses"}),
    9: (_stretch_box, {"boxes_3d"}),
    10: (_show_more, {"visible_fractions"}),
    11: (_swap_tracks, {"tracks"}),
}
DEPTH_FRAME, RECORD_FRAME = 12, 13


@pytest.fixture
def sabotaged(good: Path, tmp_path: Path) -> Path:
    folder = shutil.copytree(good, tmp_path / "bad")
    path = folder / "annotations" / "instances.json"
    coco = json.loads(path.read_text())
    by_image: dict[int, Annotations] = {}
    for annotation in coco["annotations"]:
        by_image.setdefault(annotation["image_id"], []).append(annotation)
    for frame, (spoil, _) in SABOTAGE.items():
        spoil(by_image[frame + 1])
    coco["annotations"] = [a for annotations in by_image.values() for a in annotations]
    path.write_text(json.dumps(coco))
    depth = folder / "passes" / f"{DEPTH_FRAME:06d}.depth.npy"
    np.save(depth, np.load(depth) * np.float32(1.001))
    (folder / "frames" / f"{RECORD_FRAME:06d}.json").write_text('{"scene": {"instances": []}}')
    return folder


def kinds_in(lines: tuple[str, ...]) -> set[str]:
    words = {word for line in lines for word in re.findall(r"\w+", line)}
    return words & LIMITS.keys()


@pytest.mark.blender
def test_every_sabotage_is_seen_and_nothing_else(sabotaged: Path) -> None:
    record = audit_dataset(sabotaged, frames=FRAMES, quarantine=True)
    assert record.disagreements == {}
    expected = {frame: kinds for frame, (_, kinds) in SABOTAGE.items()} | {DEPTH_FRAME: {"depth"}}
    found = dict(record.quarantined)
    assert "cannot be compared" in found.pop(RECORD_FRAME)[0]
    assert {frame: kinds_in(lines) for frame, lines in found.items()} == expected
    assert record.frames == (0,)
    assert record.passed
    manifest = read_manifest(sabotaged)
    assert manifest.quarantined.keys() == record.quarantined.keys()
    assert manifest.quarantined[2].startswith("audit: ")
    coco = json.loads((sabotaged / "annotations" / "instances.json").read_text())
    assert [image["id"] for image in coco["images"]] == [1]
    assert (sabotaged / "images" / "000002.png").is_file()
    assert check_dataset(sabotaged).problems == ()
    # Rendering on mends the files that were changed, and brings back no other frame.
    render_dataset(SceneSpec.model_validate(SPEC), sabotaged, source=Path("spec"))
    assert read_manifest(sabotaged).quarantined.keys() == SABOTAGE.keys()
    assert audit_dataset(sabotaged, frames=FRAMES).frames == (0, DEPTH_FRAME, RECORD_FRAME)


@pytest.mark.blender
def test_without_quarantine_nothing_is_taken_out(sabotaged: Path) -> None:
    before = (sabotaged / "annotations" / "instances.json").read_bytes()
    record = audit_dataset(sabotaged, frames=3)
    assert record.frames == (0, 6, 13)  # evenly spread over 14
    assert record.disagreements.keys() == {6, 13}
    assert not record.passed
    assert (sabotaged / "annotations" / "instances.json").read_bytes() == before


def test_quarantine_needs_an_audit(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--audit N"):
        check(tmp_path, quarantine=True)


def test_an_unfinished_dataset_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="manifest"):
        audit_dataset(tmp_path, frames=1)

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from evaluation.metrics.pose import (
    add_m,
    add_s_m,
    mspd_px,
    mssd_m,
    projected_px,
    reprojection_px,
)
from evaluation.scores import evaluate, write_scores
from pipeline.errors import DatasetError, PredictionsError
from pipeline.formats.ply import encode_ply
from pipeline.geometry.symmetries import symmetry_transforms

K = np.array([[500.0, 0, 320], [0, 500, 240], [0, 0, 1]])
# A flat square of 0.2 m: turning it by 90 degrees changes nothing.
SQUARE = np.array([[x, y, 0.0] for x in (-0.1, 0.1) for y in (-0.1, 0.1)])
NONE = np.eye(4)[None]
QUARTERS = np.array(
    [np.block([[Rotation.from_euler("z", 90 * i, degrees=True).as_matrix(), np.zeros((3, 1))],
               [np.zeros((1, 3)), np.ones((1, 1))]]) for i in range(4)]
)  # fmt: skip


def pose(*, rotvec=(0, 0, 0), t=(0, 0, 1)):
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_rotvec(rotvec).as_matrix()
    matrix[:3, 3] = t
    return matrix


def turned(degrees):
    return pose(rotvec=(0, 0, np.deg2rad(degrees)))


def test_a_shift_counted_by_hand():
    gt, moved = pose(), pose(t=(0.01, 0, 1))
    assert add_m(moved, gt, SQUARE) == pytest.approx(0.01)
    assert add_s_m(moved, gt, SQUARE) == pytest.approx(0.01)
    assert mssd_m(moved, gt, SQUARE, QUARTERS) == pytest.approx(0.01)
    assert reprojection_px(moved, gt, K, SQUARE) == pytest.approx(5)  # 500 px * 0.01 m / 1 m
    assert mspd_px(moved, gt, K, SQUARE, QUARTERS) == pytest.approx(5)


def test_a_turn_of_a_symmetric_object_counted_by_hand():
    # A corner moves by one side, 0.2 m; for those that know the symmetry nothing has moved.
    assert add_m(turned(90), pose(), SQUARE) == pytest.approx(0.2)
    assert add_s_m(turned(90), pose(), SQUARE) == pytest.approx(0, abs=1e-12)
    assert mssd_m(turned(90), pose(), SQUARE, NONE) == pytest.approx(0.2)
    assert mssd_m(turned(90), pose(), SQUARE, QUARTERS) == pytest.approx(0, abs=1e-12)
    assert mspd_px(turned(90), pose(), K, SQUARE, NONE) == pytest.approx(100)
    assert mspd_px(turned(90), pose(), K, SQUARE, QUARTERS) == pytest.approx(0, abs=1e-9)
    # 80 degrees are 10 short of a symmetry: a corner at 0.1414 m moves by 2 sin(5 deg) of it.
    chord = 2 * np.sin(np.deg2rad(5)) * 0.1 * np.sqrt(2)
    assert mssd_m(turned(80), pose(), SQUARE, QUARTERS) == pytest.approx(chord)


def test_the_farthest_point_counts_in_mssd_the_mean_in_add():
    line = np.array([[0.0, 0, 0], [0.3, 0, 0]])
    tilted = pose(rotvec=(0, 0, np.pi / 2))
    assert mssd_m(tilted, pose(), line, NONE) == pytest.approx(0.3 * np.sqrt(2))
    assert add_m(tilted, pose(), line) == pytest.approx(0.3 * np.sqrt(2) / 2)


def test_behind_the_camera_is_infinitely_far():
    assert np.isinf(projected_px(pose(t=(0, 0, -1)), K, SQUARE)).all()
    assert np.isinf(mspd_px(pose(t=(0, 0, -1)), pose(), K, SQUARE, NONE))


POSES = st.builds(
    lambda r, t: pose(rotvec=r, t=(t[0], t[1], 1 + abs(t[2]))),
    st.tuples(*[st.floats(-3, 3)] * 3),
    st.tuples(*[st.floats(-0.5, 0.5)] * 3),
)


@settings(max_examples=40)
@given(pred=POSES, gt=POSES, moved=POSES)
def test_properties(pred, gt, moved):
    add, add_s = add_m(pred, gt, SQUARE), add_s_m(pred, gt, SQUARE)
    assert add_s <= add + 1e-9
    assert add <= mssd_m(pred, gt, SQUARE, NONE) + 1e-9
    assert mssd_m(pred, gt, SQUARE, QUARTERS) <= mssd_m(pred, gt, SQUARE, NONE) + 1e-9
    assert add_m(gt, gt, SQUARE) == 0
    # Both moved together: nothing changes in 3D.
    assert add_m(moved @ pred, moved @ gt, SQUARE) == pytest.approx(add, abs=1e-9)


def test_symmetries_of_bops_files():
    flip = [-1, 0, 0, 0, 0, -1, 0, 0, 0, 0, 1, 50, 0, 0, 0, 1]
    info = {
        "symmetries_discrete": [flip],
        "symmetries_continuous": [{"axis": [0, 0, 2], "offset": [10, 0, 0]}],
    }
    assert symmetry_transforms({}, unit_m=0.001).tolist() == [np.eye(4).tolist()]
    discrete = symmetry_transforms({"symmetries_discrete": [flip]}, unit_m=0.001)
    assert discrete.shape == (2, 4, 4)
    assert discrete[1][2, 3] == pytest.approx(0.05), "metres"
    every = symmetry_transforms(info, unit_m=0.001)
    assert len(every) == 2 * int(np.ceil(np.pi / 0.01))
    on_axis = np.array([0.01, 0, 0.3, 1])
    np.testing.assert_allclose((every[: len(every) // 2] @ on_axis), on_axis[None].repeat(315, 0))
    # No point of a body of diameter 2 moves by more than the step times the diameter.
    near = every[1][:3, :3] @ [1, 0, 0] - [1, 0, 0]
    assert np.linalg.norm(near) <= 0.01 * 2 + 1e-12


HEADER = "scene_id,im_id,obj_id,score,R,t,time"


def csv_line(matrix, *, scene=1, image=0, obj=1, score=0.9):
    rotation = " ".join(f"{v:.9g}" for v in np.ravel(matrix[:3, :3]))
    t_mm = " ".join(f"{1000 * v:.9g}" for v in matrix[:3, 3])
    return f"{scene},{image},{obj},{score},{rotation},{t_mm},-1"


@pytest.fixture
def bop(tmp_path: Path) -> Path:
    """Two scenes of three pictures with one square each, 1 m away."""
    folder = tmp_path / "squares"
    (folder / "models").mkdir(parents=True)
    corners_mm = encode_ply(1000 * SQUARE, np.array([[0, 1, 2]], np.int32))
    (folder / "models" / "obj_000001.ply").write_bytes(corners_mm)
    flips = [m.ravel().tolist() for m in QUARTERS[1:]]
    info = {"1": {"diameter": 1000 * 0.2 * np.sqrt(2), "symmetries_discrete": flips}}
    (folder / "models" / "models_info.json").write_text(json.dumps(info))
    camera = {"cam_K": (K - [[0, 0, 0.5], [0, 0, 0.5], [0, 0, 0]]).ravel().tolist()}
    entry = {"obj_id": 1, "cam_R_m2c": np.eye(3).ravel().tolist(), "cam_t_m2c": [0, 0, 1000]}
    for scene in (1, 2):
        at = folder / "test" / f"{scene:06d}"
        (at / "rgb").mkdir(parents=True)
        for image in range(3):
            picture = np.zeros((480, 640, 3), np.uint8)
            cv2.imwrite(str(at / "rgb" / f"{image:06d}.png"), picture)
        numbers = [str(i) for i in range(3)]
        (at / "scene_gt.json").write_text(json.dumps({n: [entry] for n in numbers}))
        (at / "scene_camera.json").write_text(json.dumps(dict.fromkeys(numbers, camera)))
    return folder


def write(path: Path, lines) -> Path:
    path.write_text("\n".join([HEADER, *lines]) + "\n")
    return path


def values(sheet):
    return {metric: e.value for (metric, name), e in sheet.estimates.items() if name is None}


def test_a_bop_file_is_scored(bop: Path, tmp_path: Path):
    lines = [csv_line(pose(t=(0.01, 0, 1)), scene=1, image=i) for i in range(3)]
    lines += [
        csv_line(turned(90), scene=2, image=0),
        csv_line(turned(45), scene=2, image=0, score=0.1),
    ]
    lines += [csv_line(pose(t=(0.05, 0, 1)), scene=2, image=1)]  # the sixth is missing
    sheet = evaluate(write(tmp_path / "p.csv", lines), bop)
    found = values(sheet)
    # 10 % of the diameter are 28 mm. Three are off by 10 mm, one by 50 mm, one is turned.
    assert found["add_recall@0.1d"] == pytest.approx(3 / 6)
    assert found["add_s_recall@0.1d"] == pytest.approx(4 / 6)
    assert found["add_auc"] == pytest.approx((3 * 0.9 + 0.5) / 6)
    assert found["add_s_auc"] == pytest.approx((3 * 0.9 + 0.5 + 1) / 6)
    # Thresholds 14, 28, 42, 57, ... 141 mm: 50 mm pass seven of ten, 10 and 0 mm all.
    assert found["mssd_ar"] == pytest.approx((3 + 1 + 7 / 10) / 6)
    # 5 px are not under 5 px, 25 px under six of ten thresholds.
    assert found["mspd_ar"] == pytest.approx((3 * 0.9 + 1 + 5 / 10) / 6, abs=0.03)
    assert found["add_median_m"] == pytest.approx((0.01 + 0.05) / 2)
    assert found["reprojection_median_px"] == pytest.approx((5 + 25) / 2)
    estimate = sheet.estimates["add_s_recall@0.1d", None]
    assert (estimate.count, estimate.unit_of_count) == (2, "scenes")
    document = write_scores([sheet], tmp_path / "scores.json")
    assert {row.task for row in document.scores} == {"pose"}
    assert document.test_reads[0].file == "squares/test"


def test_perfect_is_best_and_nothing_is_worst(bop: Path, tmp_path: Path):
    lines = [csv_line(pose(), scene=s, image=i) for s in (1, 2) for i in range(3)]
    found = values(evaluate(write(tmp_path / "p.csv", lines), bop))
    assert {v for k, v in found.items() if "median" not in k} == {1.0}
    assert max(v for k, v in found.items() if "median" in k) == pytest.approx(0, abs=1e-9)
    nothing = values(evaluate(write(tmp_path / "q.csv", []), bop))
    assert {v for k, v in nothing.items() if "median" not in k} == {0.0}
    assert np.isnan([v for k, v in nothing.items() if "median" in k]).all()


def test_hidden_objects_are_no_targets(bop: Path, tmp_path: Path):
    at = bop / "test" / "000001" / "scene_gt_info.json"
    at.write_text(json.dumps({str(i): [{"visib_fract": 0.05 * i}] for i in range(3)}))
    lines = [csv_line(pose(), scene=1, image=2)]
    found = values(evaluate(write(tmp_path / "p.csv", lines), bop))
    assert found["add_recall@0.1d"] == pytest.approx(1 / 4)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("1,0,1,0.9,1 0 0", "line 2: got 5 columns"),
        (csv_line(2 * np.eye(4)), "line 2: 'R' is no rotation"),
        (csv_line(pose()).replace("0.9,", "high,"), "line 2: 'score' is 'high'"),
        (csv_line(pose(), image=9), "scene 1, image 9 is not in test"),
        (csv_line(pose()).replace("1,0,1", "1,0.5,1"), "line 2: 'im_id' is '0.5'"),
    ],
)
def test_wrong_lines_get_one_line(bop: Path, tmp_path: Path, line, message):
    with pytest.raises(PredictionsError, match=message):
        evaluate(write(tmp_path / "p.csv", [line]), bop)


def test_without_poses_there_is_nothing_to_score_on(painted_dataset: Path, tmp_path: Path):
    with pytest.raises(DatasetError, match="cam_R_m2c"):
        evaluate(write(tmp_path / "p.csv", []), painted_dataset)


def test_an_object_without_a_model_is_measured_on_its_keypoints(tmp_path: Path):
    """A shift by 10 mm moves every corner by that; the diagonal of the square is its diameter."""
    (tmp_path / "a.png").write_bytes(cv2.imencode(".png", np.zeros((480, 640), np.uint8))[1])
    opencv_K = (K - [[0, 0, 0.5], [0, 0, 0.5], [0, 0, 0]]).ravel().tolist()
    places_mm = (1000 * SQUARE).ravel().tolist()
    document = {
        "images": [{"id": 4, "file_name": "a.png", "width": 640, "height": 480, "cam_K": opencv_K}],
        "categories": [
            {"id": 2, "name": "square", "keypoints": ["a", "b", "c", "d"]}
            | {"keypoints_3d": places_mm}
        ],
        "annotations": [
            {"id": 1, "image_id": 4, "category_id": 2, "bbox": [270, 190, 100, 100]}
            | {"cam_R_m2c": np.eye(3).ravel().tolist(), "cam_t_m2c": [0, 0, 1000]}
        ],
    }
    (tmp_path / "instances_val.json").write_text(json.dumps(document))
    line = csv_line(pose(t=(0.01, 0, 1)), scene=0, image=4, obj=2)
    found = values(evaluate(write(tmp_path / "p.csv", [line]), tmp_path))
    assert found["add_median_m"] == pytest.approx(0.01)
    assert found["add_recall@0.1d"] == 1  # of 283 mm
    assert found["mssd_ar"] == 1
    del document["categories"][0]["keypoints_3d"]
    (tmp_path / "instances_val.json").write_text(json.dumps(document))
    with pytest.raises(DatasetError, match="a pose without a model or keypoints_3d"):
        evaluate(write(tmp_path / "p.csv", [line]), tmp_path)

"""Poses from keypoints, and files that say where keypoints are."""

import json

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.dataset.objects import recorded_points
from pipeline.errors import DatasetError
from pipeline.formats.boards import BOARDS_FILE
from pipeline.formats.coco import read_coco
from pipeline.geometry.camera import Camera, matrix4, project_cam
from pipeline.geometry.pnp import solve_pnp
from pipeline.records.poses import PosePrediction, read_poses, write_poses

K = ((600.0, 0.0, 320.0), (0.0, 590.0, 250.0), (0.0, 0.0, 1.0))
LENS = (-0.3, 0.12, 0.001, -0.0005, -0.02)
CUBE = np.array([[x, y, z] for x in (-1.0, 1) for y in (-1, 1) for z in (-1, 1)]) * 0.05
BOARD = np.array([[x, y, 0.0] for y in range(6) for x in range(9)]) * 0.03
HALF_TURN = np.diag([-1.0, -1, 1, 1])


def pose_of(rotvec, t=(0.02, -0.03, 0.6)):
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = cv2.Rodrigues(np.array(rotvec, float))[0], t
    return pose


def seen(points, pose, dist):
    """Pixels by our own camera, which is not OpenCV's."""
    camera = Camera(width_px=640, height_px=500, K=K, dist=dist, world_from_cam=matrix4(np.eye(4)))
    return project_cam(camera, points @ pose[:3, :3].T + pose[:3, 3])


@settings(max_examples=40)
@given(
    rotvec=st.tuples(*[st.floats(-1, 1)] * 3),
    points=st.sampled_from([CUBE, BOARD]),
    dist=st.sampled_from([(0.0,) * 5, LENS]),
)
def test_exact_keypoints_give_the_exact_pose(rotvec, points, dist):
    pose = pose_of(rotvec)
    found = solve_pnp(points, seen(points, pose, dist), K, dist)
    np.testing.assert_allclose(found.cam_from_obj, pose, atol=1e-6)
    assert found.inliers.all()
    assert found.error_px < 1e-4


@settings(max_examples=20)
@given(seed=st.integers(0, 2**32))
def test_a_third_of_wrong_keypoints_does_not_matter(seed):
    rng = np.random.default_rng(seed)
    pose = pose_of(rng.uniform(-0.8, 0.8, 3))
    pixels = seen(BOARD, pose, LENS)
    wrong = rng.permutation(len(BOARD))[:18]
    pixels[wrong] = rng.uniform(0, 500, (18, 2))
    found = solve_pnp(BOARD, pixels, K, LENS)
    np.testing.assert_allclose(found.cam_from_obj, pose, atol=2e-3)
    assert found.inliers[np.setdiff1d(np.arange(len(BOARD)), wrong)].all()


def test_noise_of_a_pixel_moves_the_pose_as_little_as_opencvs_own_fit():
    rng = np.random.default_rng(1)
    pose = pose_of((0.4, -0.3, 0.2))
    pixels = seen(BOARD, pose, LENS) + rng.normal(0, 1, (len(BOARD), 2))
    found = solve_pnp(BOARD, pixels, K, LENS, tolerance_px=6).cam_from_obj
    opencv_K = np.array(K) - [[0, 0, 0.5], [0, 0, 0.5], [0, 0, 0]]
    _, rvec, tvec = cv2.solvePnP(BOARD, pixels - 0.5, opencv_K, np.array(LENS))
    np.testing.assert_allclose(found[:3, 3], tvec[:, 0], atol=1e-6)
    np.testing.assert_allclose(found[:3, :3], cv2.Rodrigues(rvec)[0], atol=1e-5)


@pytest.mark.parametrize("mixed", [False, True])
def test_either_of_two_equal_poses_of_a_symmetric_object_is_found(mixed):
    """Some keypoints may be seen at one end, some at the other; the object looks the same."""
    pose = pose_of((0.5, 0.2, -0.3))
    pixels = seen(CUBE, pose, LENS)
    turned = seen(CUBE @ HALF_TURN[:3, :3].T, pose, LENS)
    swapped = np.arange(len(CUBE)) % 3 == 0 if mixed else np.ones(len(CUBE), bool)
    pixels[swapped] = turned[swapped]
    found = solve_pnp(CUBE, pixels, K, LENS, symmetries=np.array([np.eye(4), HALF_TURN]))
    assert found.inliers.all()
    gap = min(np.abs(found.cam_from_obj - pose @ each).max() for each in (np.eye(4), HALF_TURN))
    assert gap < 1e-6
    alone = solve_pnp(CUBE, pixels, K, LENS)
    assert mixed == (alone is None or not alone.inliers.all())


def test_nonsense_has_no_pose():
    rng = np.random.default_rng(0)
    assert solve_pnp(BOARD, rng.uniform(0, 500, (54, 2)), K, tolerance_px=0.5) is None
    assert solve_pnp(CUBE[:3], seen(CUBE[:3], pose_of((0, 0, 0)), LENS), K, LENS) is None


@settings(max_examples=25)
@given(
    seed=st.integers(0, 2**32),
    spread_px=st.sampled_from([0.0, 1e-6, 0.1, 3.0, 300.0]),
    points=st.sampled_from([CUBE, BOARD]),
)
def test_whatever_a_network_says_is_no_error(seed, spread_px, points):
    pixels = 200 + spread_px * np.random.default_rng(seed).normal(size=(len(points), 2))
    symmetries = np.array([np.eye(4), HALF_TURN])
    for each in (None, symmetries):
        found = solve_pnp(points, pixels, K, LENS, symmetries=each)
        assert found is None or np.isfinite(found.cam_from_obj).all()


def test_poses_are_read_as_they_were_written(tmp_path):
    pose = PosePrediction(
        scene_id=0,
        im_id=3,
        obj_id=1,
        score=0.5,
        cam_from_obj=matrix4(pose_of((0.1, 2, -1))),
        seconds=None,
    )
    write_poses(tmp_path / "p.csv", [pose])
    (found,) = read_poses(tmp_path / "p.csv")
    np.testing.assert_allclose(found.cam_from_obj, pose.cam_from_obj, atol=1e-8)
    assert (found.im_id, found.obj_id, found.score, found.seconds) == (3, 1, 0.5, None)


def write_board(folder, **camera):
    (folder / "images").mkdir(parents=True)
    pose = pose_of((0.3, -0.2, 0.1), t=(-4, -2, 15))
    corners = np.array([[x, y, 0.0] for y in range(3) for x in range(4)])
    pixels = seen(corners, pose, LENS) - 0.5
    cv2.imwrite(str(folder / "images" / "a.png"), np.zeros((500, 640), np.uint8))
    annotation = {
        "id": 1,
        "image_id": 7,
        "category_id": 2,
        "bbox": [100, 100, 200, 100],
        "keypoints": np.column_stack([pixels, np.full(12, 2)]).ravel().tolist(),
    }
    coco = {
        "images": [{"id": 7, "file_name": "a.png", "width": 640, "height": 500}],
        "categories": [{"id": 2, "name": "board", "keypoints": [f"c{i}" for i in range(12)]}],
        "annotations": [annotation],
    }
    opencv_K = np.array(K) - [[0, 0, 0.5], [0, 0, 0.5], [0, 0, 0]]
    camera = {
        "K": opencv_K.tolist(),
        "dist_k1k2p1p2k3": LENS,
        "pattern_inner_corners": [4, 3],
    } | camera
    image = {"camera": "left", "R": pose[:3, :3].tolist(), "t": pose[:3, 3].tolist()}
    poses = {"cameras": {"left": camera}, "images": {"a.png": image}}
    (folder / "instances_val.json").write_text(json.dumps(coco))
    (folder / BOARDS_FILE).write_text(json.dumps(poses))
    return pose


def test_a_calibrated_board_has_camera_corners_and_pose(tmp_path):
    pose = write_board(tmp_path / "a")
    dataset = read_coco(tmp_path / "a" / "instances_val.json")
    (image,), (instance,) = dataset.images, dataset.instances[7]
    assert (image.K, image.dist) == (K, LENS)
    np.testing.assert_allclose(instance.cam_from_obj, pose)
    points = np.array(dataset.categories[0].points_m)
    found = solve_pnp(points, np.array(instance.keypoints)[:, :2], image.K, image.dist)
    np.testing.assert_allclose(found.cam_from_obj, pose, atol=1e-5)
    write_board(tmp_path / "b", square_size=0.5)
    unseen = read_coco(tmp_path / "b" / "instances_val.json", labels=False)
    assert unseen.categories[0].points_m[5] == (0.5, 0.5, 0)
    assert unseen.images[0].K == K


def test_a_wrong_board_file_gets_one_line(tmp_path):
    write_board(tmp_path / "a", K=[1, 2])
    with pytest.raises(DatasetError, match=r"poses.json: image 'a.png': .*'K'.*9"):
        read_coco(tmp_path / "a" / "instances_val.json")


@pytest.mark.parametrize(("spread", "known"), [(0.001, True), (0.05, False)])
def test_points_of_records_are_known_where_they_stay_where_they_are(tmp_path, spread, known):
    rng = np.random.default_rng(0)
    (tmp_path / "frames").mkdir()
    for frame in range(3):
        points = CUBE + rng.normal(0, spread, CUBE.shape)
        flip = (HALF_TURN * np.array([1, 1, 1, 1.0])).ravel().tolist()
        instance = {
            "category": "box",
            "keypoints_m": points.tolist(),
            "model_info": {"symmetries_discrete": [flip]},
        }
        record = {"scene": {"instances": [instance, {"category": "other"}]}}
        (tmp_path / "frames" / f"{frame:06d}.json").write_text(json.dumps(record))
    found = recorded_points(tmp_path)
    assert set(found) == ({"box"} if known else set())
    if known:
        np.testing.assert_allclose(found["box"].points_m, CUBE, atol=4 * spread)
        np.testing.assert_allclose(found["box"].symmetries, [HALF_TURN])

"""OpenCV's corner finder as a baseline, on boards that are drawn here."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from evaluation.baselines.corners import board_of, corners_baseline, find_corners
from evaluation.scores import evaluate
from pipeline.errors import DatasetError
from pipeline.formats.labelled import Category
from pipeline.records.poses import read_poses
from pipeline.records.predictions import poses_path, read_meta

COLUMNS, ROWS = 9, 6
K = np.array([[600.0, 0, 320], [0, 600, 240], [0, 0, 1]])  # OpenCV's: pixel centres at integers
GRID = np.array([(x, y, 0.0) for y in range(ROWS) for x in range(COLUMNS)])


def pose_of(turn_deg, tilt_deg=25.0):
    """A board that faces the camera, turned in its plane and tilted; R, t."""
    turn = cv2.Rodrigues(np.radians([0, 0, turn_deg]))[0]
    tilt = cv2.Rodrigues(np.radians([tilt_deg, -tilt_deg / 2, 0]))[0]
    rotation = tilt @ turn
    return rotation, np.array([0, 0, 17.0]) - rotation @ GRID.mean(axis=0)


def seen(points, rotation, t):
    """(N, 2) px, pixel centres at integers."""
    camera = (rotation @ points.T).T + t
    return (camera @ K.T)[:, :2] / camera[:, 2:]


def photograph(rotation, t):
    """A board on light grey, 3 x 3 rays a pixel; the square of corners 0, 1, 9, 10 is black."""
    rays = (np.arange(640 * 3) - 1) / 3, (np.arange(480 * 3) - 1) / 3
    pixels = np.stack([*np.meshgrid(*rays), np.ones((480 * 3, 640 * 3))])
    plane = np.linalg.inv(K @ np.c_[rotation[:, :2], t])  # pixels to the board's own plane
    x, y, scale = np.tensordot(plane, pixels, axes=1)
    column, row = np.floor(x / scale), np.floor(y / scale)
    tones = np.where((row + column) % 2 == 0, 20.0, 235.0)
    outside = (column < -1) | (column >= COLUMNS) | (row < -1) | (row >= ROWS)
    tones[outside] = 150
    grey = tones.reshape(480, 3, 640, 3).mean(axis=(1, 3)).round().astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)


@pytest.mark.parametrize("turn_deg", [0, 40, 90, 150, 180, 270, 335])
def test_corners_come_in_the_boards_own_order(turn_deg):
    rotation, t = pose_of(turn_deg)
    found = find_corners(photograph(rotation, t), COLUMNS, ROWS)
    assert found is not None
    away = found - (seen(GRID, rotation, t) + 0.5)
    assert np.abs(away).max() < 0.5  # squares are some 35 px wide
    assert np.abs(away.mean(axis=0)).max() < 0.1


def test_nothing_is_found_where_nothing_is():
    assert find_corners(np.full((480, 640, 3), 90, np.uint8), COLUMNS, ROWS) is None


@pytest.fixture
def boards(tmp_path):
    """A benchmark of two boards and a picture without one."""
    (tmp_path / "images").mkdir()
    images, annotations, about = [], [], {}
    for number, turn_deg in enumerate((0, 200), start=1):
        rotation, t = pose_of(turn_deg)
        name = f"{number}.png"
        cv2.imwrite(str(tmp_path / "images" / name), photograph(rotation, t))
        images.append({"id": number, "file_name": name, "width": 640, "height": 480})
        points = seen(GRID, rotation, t)
        outline = seen(GRID + np.sign(GRID - GRID.mean(axis=0)) * (1, 1, 0), rotation, t) + 0.5
        low, high = outline.min(axis=0), outline.max(axis=0)
        annotations.append(
            {
                "id": number,
                "image_id": number,
                "category_id": 1,
                "bbox": [*low, *(high - low)],
                "area": float(np.prod(high - low)),
                "iscrowd": 0,
                "keypoints": np.c_[points, np.full(len(points), 2)].ravel().tolist(),
                "num_keypoints": len(points),
            }
        )
        about[name] = {"camera": "only", "R": rotation.tolist(), "t": t.tolist()}
    names = [f"c{i}" for i in range(len(GRID))]
    document = {
        "images": images,
        "annotations": annotations,
        "categories": [{"id": 1, "name": "board", "keypoints": names, "skeleton": []}],
    }
    (tmp_path / "instances_val.json").write_text(json.dumps(document))
    camera = {
        "K": K.tolist(),
        "dist_k1k2p1p2k3": [0.0] * 5,
        "pattern_inner_corners": [COLUMNS, ROWS],
    }
    poses = {"cameras": {"only": camera}, "images": about}
    (tmp_path / "poses.json").write_text(json.dumps(poses))
    return tmp_path


def test_the_baseline_is_scored_like_a_network(boards, tmp_path):
    out = corners_baseline(boards, tmp_path / "out" / "predictions.json")
    assert read_meta(out).poses == "predictions_poses.csv"
    assert len(read_poses(poses_path(out))) == 2
    scores = {row.metric: row.value for row in evaluate(out, boards).scores if not row.class_name}
    assert scores["pck@0.005"] == scores["keypoint_ap"] == scores["box_ap50"] == 1
    # Its poses are scored along: half a pixel at 17 squares is a fortieth of a square.
    assert scores["add_median_m"] < 0.03
    assert scores["add_recall@0.1d"] == 1


def test_poses_of_a_network_without_any_are_not_asked_for(boards, tmp_path):
    out = corners_baseline(boards, tmp_path / "predictions.json")
    meta = json.loads(out.with_suffix(".meta.json").read_text())
    out.with_suffix(".meta.json").write_text(json.dumps(meta | {"poses": None}))
    assert not any("add" in row.metric for row in evaluate(out, boards).scores)


@pytest.mark.parametrize(
    ("points", "board"),
    [
        (GRID, (9, 6)),
        (GRID * 0.025 + 0.1, (9, 6)),
        (GRID[:-1], None),
        (GRID[::-1], None),
        (GRID + np.random.default_rng(0).normal(0, 0.1, GRID.shape), None),
        (GRID[:9], None),
        (GRID[:0], None),
    ],
)
def test_a_board_is_a_whole_grid_row_by_row(points, board):
    names = tuple(str(i) for i in range(len(points)))
    category = Category(
        category_id=1, name="b", keypoints=names, points_m=tuple(map(tuple, points))
    )
    assert board_of(category) == board


def test_other_benchmarks_are_refused(boards, tmp_path):
    (boards / "poses.json").unlink()
    with pytest.raises(DatasetError, match="no category has a board's inner corners"):
        corners_baseline(boards, tmp_path / "predictions.json")

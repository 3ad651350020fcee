"""OpenCV's corner finder on pictures of a checkerboard."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from evaluation.baselines.writing import write_predictions
from pipeline.drawing import read_rgb
from pipeline.errors import DatasetError
from pipeline.formats.coco import find_annotations, read_coco
from pipeline.formats.labelled import Category, CocoImage
from pipeline.geometry.boxes import FloatArray
from pipeline.geometry.camera import matrix4
from pipeline.geometry.pnp import solve_pnp
from pipeline.records.poses import PosePrediction, write_poses
from pipeline.records.predictions import PredictionsMeta, poses_path, sha256_of

__all__ = ["board_of", "corners_baseline", "find_corners"]

_FLAGS = cv2.CALIB_CB_NORMALIZE_IMAGE | cv2.CALIB_CB_EXHAUSTIVE | cv2.CALIB_CB_ACCURACY


def board_of(category: Category) -> tuple[int, int] | None:
    """Columns and rows of inner corners, where keypoints are those of a board row by row."""
    points = np.array(category.points_m).reshape(-1, 3)
    if len(points) < 2:
        return None
    columns, rows = len(np.unique(points[:, 0].round(9))), len(np.unique(points[:, 1].round(9)))
    if min(columns, rows) < 3 or columns * rows != len(points) or np.ptp(points[:, 2]) > 1e-9:
        return None
    x, y = points[:, 0].reshape(rows, columns), points[:, 1].reshape(rows, columns)
    regular = (np.diff(x, axis=1) > 0).all() and (np.diff(y, axis=0) > 0).all()
    return (columns, rows) if regular else None


def corners_baseline(benchmark: Path, out: Path, *, split: str | None = None) -> Path:
    """Find the corners of the one board of every picture, and its pose where K is known.

    Args:
        benchmark: COCO folder of which a category has the inner corners of a board as keypoints,
            with their places.
        out: ``predictions.json``; its meta file and, with poses, ``<stem>_poses.csv`` are written
            beside it.
        split: By default ``test``, else ``val``.

    Returns:
        ``out``. A picture has all corners, with score 1, or none.

    Raises:
        DatasetError: If the benchmark is wrong or has no such category.
    """
    dataset = read_coco(find_annotations(benchmark, split))
    boards = [(category, board_of(category)) for category in dataset.categories]
    category, board = next(((c, b) for c, b in boards if b is not None), (None, None))
    if category is None or board is None:
        raise DatasetError(
            f"{dataset.annotations_path}: no category has a board's inner corners, row by row, as "
            "keypoints with their places. Leave the key `baseline` out of the experiment."
        )
    results: list[dict[str, Any]] = []
    poses: list[PosePrediction] = []
    seconds = 0.0
    for image in dataset.images:
        picture = read_rgb(image.path)
        start = time.perf_counter()
        corners = find_corners(picture, *board)
        if corners is not None:
            poses += _poses(corners, category, image)
        seconds += time.perf_counter() - start
        if corners is None:
            continue
        # COCO's keypoints have pixel centres at whole numbers.
        points = np.concatenate([corners - 0.5, np.ones((len(corners), 1))], axis=1)
        results.append(
            {
                "image_id": image.image_id,
                "category_id": category.category_id,
                "bbox": [round(v, 3) for v in _box(corners, *board)],
                "score": 1.0,
                "keypoints": points.round(4).ravel().tolist(),
            }
        )
    if poses:
        out.parent.mkdir(parents=True, exist_ok=True)
        write_poses(poses_path(out), poses)
    meta = PredictionsMeta(
        annotations_sha256=sha256_of(dataset.annotations_path),
        categories={c.category_id: c.name for c in dataset.categories},
        image_ids=[image.image_id for image in dataset.images],
        task="keypoints",
        model="find_chessboard_corners_sb",
        poses=poses_path(out).name if poses else None,
        seconds_per_image=seconds / len(dataset.images) if dataset.images else None,
    )
    return write_predictions(out, results, meta)


def find_corners(picture: npt.NDArray[np.uint8], columns: int, rows: int) -> FloatArray | None:
    """The inner corners of a checkerboard, row by row; None where none is found.

    Rows and columns turn clockwise in the picture, as those of a board that is seen from its
    printed side, and the square between the first corners of the first two rows is dark.

    Args:
        picture: (H, W, 3) RGB.
        columns: Inner corners in a row.
        rows: Rows of them.

    Returns:
        (rows * columns, 2) x, y px, pixel (0, 0) centred at (0.5, 0.5).

    Source: Duda & Frese, "Accurate Detection and Localization of Checkerboard Corners for
        Calibration", BMVC 2018; OpenCV's findChessboardCornersSB.
    """
    grey = np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.uint8)
    found, corners = cv2.findChessboardCornersSB(grey, (columns, rows), flags=_FLAGS)
    if not found:
        return None
    grid = np.asarray(corners, np.float64).reshape(rows, columns, 2)
    return max(_orders(grid), key=lambda g: _contrast(grey, g)).reshape(-1, 2) + 0.5


def _orders(grid: FloatArray) -> Iterator[FloatArray]:
    along, down = grid[0, -1] - grid[0, 0], grid[-1, 0] - grid[0, 0]
    clockwise = along[0] * down[1] - along[1] * down[0] > 0
    first = grid if clockwise else grid[:, ::-1]
    yield first
    yield first[::-1, ::-1]


def _contrast(grey: npt.NDArray[np.uint8], grid: FloatArray) -> float:
    """How much darker the squares are that ought to be black."""
    centres = (grid[:-1, :-1] + grid[1:, :-1] + grid[:-1, 1:] + grid[1:, 1:]) / 4
    row, column = np.indices(centres.shape[:2])
    x, y = (np.rint(centres[..., i]).astype(int) for i in (0, 1))
    levels = grey[y.clip(0, grey.shape[0] - 1), x.clip(0, grey.shape[1] - 1)].astype(float)
    black = (row + column) % 2 == 0
    return float(levels[~black].mean() - levels[black].mean())


def _box(corners: FloatArray, columns: int, rows: int) -> list[float]:
    """x, y, width, height around the board with the squares outside its inner corners."""
    inner = np.array([[0, 0], [columns - 1, 0], [columns - 1, rows - 1], [0, rows - 1]])
    outer = inner + np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
    grid = corners.reshape(rows, columns, 2)
    seen = np.array([grid[y, x] for x, y in inner], np.float32)
    plane = cv2.getPerspectiveTransform(inner.astype(np.float32), seen)
    points = cv2.perspectiveTransform(outer[None].astype(np.float64), plane)[0]
    low, high = points.min(axis=0), points.max(axis=0)
    return [float(v) for v in (*low, *(high - low))]


def _poses(corners: FloatArray, category: Category, image: CocoImage) -> Iterator[PosePrediction]:
    if image.K is None:
        return
    pose = solve_pnp(np.array(category.points_m), corners, image.K, image.dist)
    if pose is not None:
        yield PosePrediction(
            scene_id=image.video_id or 0,
            im_id=image.image_id,
            obj_id=category.category_id,
            score=1.0,
            cam_from_obj=matrix4(pose.cam_from_obj),
            seconds=None,
        )

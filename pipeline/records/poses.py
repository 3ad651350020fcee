"""Predicted 6D poses: BOP's results file.

Source: github.com/thodan/bop_toolkit, BOP challenge format for 6D localisation and detection.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline.errors import PredictionsError
from pipeline.formats.conventions import bop_from_pose, pose_from_bop
from pipeline.formats.storage import write_text_atomic
from pipeline.geometry.camera import Matrix4

__all__ = ["PosePrediction", "read_poses", "write_poses"]

_COLUMNS = ("scene_id", "im_id", "obj_id", "score", "R", "t", "time")
_ROTATION_TOLERANCE = 1e-2


@dataclass(frozen=True, slots=True, kw_only=True)
class PosePrediction:
    """One estimated pose.

    Attributes:
        cam_from_obj: 4 x 4, metres.
        seconds: Run time for the image; None where the file says -1.
    """

    scene_id: int
    im_id: int
    obj_id: int
    score: float
    cam_from_obj: Matrix4
    seconds: float | None


def read_poses(path: Path) -> tuple[PosePrediction, ...]:
    """Read ``scene_id,im_id,obj_id,score,R,t,time``: R row by row, t in mm, blanks between.

    The line of headings may be missing.

    Raises:
        PredictionsError: Naming the line, the column, what was got and what was expected.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise PredictionsError(f"{path}: cannot be read ({error.strerror}).") from error
    except UnicodeDecodeError as error:
        raise PredictionsError(f"{path}: not a CSV file ({error.reason}).") from error
    rows = enumerate(csv.reader(text.splitlines()), start=1)
    return tuple(
        _pose(path, number, row) for number, row in rows if row and row[0].strip() != _COLUMNS[0]
    )


def write_poses(path: Path, poses: Iterable[PosePrediction]) -> None:
    """Write what :func:`read_poses` reads, whole or not at all."""
    lines = [",".join(_COLUMNS)]
    for pose in poses:
        rotation, translation_mm = bop_from_pose(pose.cam_from_obj)
        seconds = -1.0 if pose.seconds is None else pose.seconds
        cells = (
            f"{pose.scene_id},{pose.im_id},{pose.obj_id},{pose.score:.6f}",
            " ".join(f"{value:.9g}" for value in rotation),
            " ".join(f"{value:.9g}" for value in translation_mm),
            f"{seconds:.4f}",
        )
        lines.append(",".join(cells))
    write_text_atomic(path, "\n".join(lines) + "\n")


def _pose(path: Path, line: int, row: list[str]) -> PosePrediction:
    if len(row) != len(_COLUMNS):
        raise PredictionsError(
            f"{path}: line {line}: got {len(row)} columns; expected {','.join(_COLUMNS)}."
        )
    cells = dict(zip(_COLUMNS, row, strict=True))

    def numbers(column: str, count: int) -> list[float]:
        try:
            values = [float(word) for word in cells[column].split()]
        except ValueError:
            values = []
        if len(values) != count or not np.isfinite(values).all():
            what = "a number" if count == 1 else f"{count} numbers with blanks between"
            raise PredictionsError(
                f"{path}: line {line}: '{column}' is {cells[column]!r}; expected {what}."
            )
        return values

    def identity(column: str) -> int:
        (value,) = numbers(column, 1)
        if not value.is_integer() or value < 0:
            raise PredictionsError(
                f"{path}: line {line}: '{column}' is {cells[column]!r}; expected a whole number."
            )
        return int(value)

    rotation = numbers("R", 9)
    matrix = np.reshape(rotation, (3, 3))
    near = np.allclose(matrix @ matrix.T, np.eye(3), atol=_ROTATION_TOLERANCE)
    if not near or np.linalg.det(matrix) < 0:
        raise PredictionsError(
            f"{path}: line {line}: 'R' is no rotation; expected R R^T = 1 and det R = 1."
        )
    seconds = numbers("time", 1)[0]
    return PosePrediction(
        scene_id=identity("scene_id"),
        im_id=identity("im_id"),
        obj_id=identity("obj_id"),
        score=numbers("score", 1)[0],
        cam_from_obj=pose_from_bop(rotation, numbers("t", 3)),
        seconds=None if seconds < 0 else seconds,
    )

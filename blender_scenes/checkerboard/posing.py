"""Where the camera is and how the board is held before it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from pipeline.geometry.boxes import FloatArray
from pipeline.geometry.camera import Camera, Matrix4, matrix4, pinhole_camera, project_cam
from pipeline.sampling.factors import FactorDraws
from pipeline.specs.scene import ImageSpec

__all__ = ["Posed", "pose_board"]

_ROUNDS = 12  # of fitting the board into the picture: far below a pixel by then
# Level camera that looks along the world's +y, its +x to the right.
_WORLD_FROM_LEVEL_CAM = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])


@dataclass(frozen=True, slots=True, kw_only=True)
class Posed:
    """Camera and board; the world's origin is the board's middle.

    Attributes:
        distance_m: From the camera to the board.
    """

    camera: Camera
    world_from_board: Matrix4
    distance_m: float


def pose_board(
    draws: FactorDraws, *, image: ImageSpec, columns: int, rows: int, square_m: float
) -> Posed:
    """Hold a board of that many squares where the factors want it in the picture.

    The lens is left out: a barrel one makes the board a little smaller.
    """
    view: dict[str, Any] = draws.frame("camera")
    pinhole = pinhole_camera(
        width_px=image.width,
        height_px=image.height,
        hfov_rad=view["hfov_rad"],
        world_from_cam=np.eye(4),
    )
    (focal_px, _, cx), (_, _, cy), last = pinhole.K
    cx, cy = cx + view["centre_x"] * image.width, cy + view["centre_y"] * image.height
    pinhole = pinhole.model_copy(
        update={"K": ((focal_px, 0.0, cx), (0.0, focal_px, cy), last)}
    )  # fmt: skip
    turn = _cam_from_board(draws)
    middle_m = np.array([columns - 2, rows - 2, 0]) * square_m / 2
    half_m = np.array([columns, rows]) * square_m / 2
    flat_m = np.array([[x, y, 0] for x in (-1, 1) for y in (-1, 1)]) * [*half_m, 0.0]
    place_m = _fitted(draws, pinhole, flat_m @ turn.T)
    world_from_cam = np.eye(4)
    world_from_cam[:3, :3] = (
        _WORLD_FROM_LEVEL_CAM
        @ cv2.Rodrigues(np.array([-view["pitch_rad"], 0, 0]))[0]
        @ cv2.Rodrigues(np.array([0, 0, view["roll_rad"]]))[0]
    )
    world_from_cam[:3, 3] = -world_from_cam[:3, :3] @ place_m
    cam_from_board = np.eye(4)
    cam_from_board[:3, :3] = turn
    cam_from_board[:3, 3] = place_m - turn @ middle_m
    return Posed(
        camera=pinhole.model_copy(update={"world_from_cam": matrix4(world_from_cam)}),
        world_from_board=matrix4(world_from_cam @ cam_from_board),
        distance_m=float(place_m[2]),
    )


def _cam_from_board(draws: FactorDraws) -> FloatArray:
    pose: dict[str, Any] = draws.frame("pose")
    azimuth = pose["tilt_azimuth_rad"]
    axis = np.array([math.cos(azimuth), math.sin(azimuth), 0.0])
    tilt = cv2.Rodrigues(pose["tilt_rad"] * axis)[0]
    return np.asarray(tilt @ cv2.Rodrigues(np.array([0, 0, pose["turn_rad"]]))[0])


def _fitted(draws: FactorDraws, camera: Camera, corners_m: FloatArray) -> FloatArray:
    # (3,) where the middle of turned corners, (4, 3), is, in the camera's axes.
    placement: dict[str, Any] = draws.frame("placement")
    size_px = np.array([camera.width_px, camera.height_px], dtype=float)
    focal_px = camera.K[0][0]
    spread_m = float(np.abs(corners_m).max())
    place_m = np.array([0.0, 0.0, 4 * spread_m])
    for _ in range(_ROUNDS):
        pixels = project_cam(camera, corners_m + place_m)
        low, high = pixels.min(axis=0), pixels.max(axis=0)
        share = float(((high - low) / size_px).max()) / placement["fill"]
        slack = np.maximum(size_px - (high - low) / share, 0) / 2
        wanted = size_px / 2 + slack * [placement["across"], -placement["up"]]
        place_m[2] = max(place_m[2] * share, 1.2 * spread_m)
        place_m[:2] += (wanted - (low + high) / 2) * place_m[2] / focal_px
    return place_m

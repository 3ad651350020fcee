"""Passes, pixel by pixel, against what the second method sees."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from blender_scenes.audit.findings import Findings
from blender_scenes.audit.labels import FrameFiles
from blender_scenes.audit.lens import Lens
from blender_scenes.audit.shading import smooth_normals
from blender_scenes.audit.sight import Sight

__all__ = ["compare_passes", "lens_of"]

_Array = npt.NDArray[np.float64]
_BoolArray = npt.NDArray[np.bool_]

_NOTHING_M = 1e9  # passes have 1e10 where nothing is


def lens_of(camera: dict[str, Any]) -> Lens:
    """The lens of a frame record's camera, whose pixel centres are at halves."""
    K = np.array(camera["K"], float)
    K[:2, 2] -= 0.5
    return Lens(K, camera["dist"])


def compare_passes(
    files: FrameFiles,
    *,
    scene: dict[str, Any],
    category_ids: dict[str, int],
    sight: Sight,
    found: Findings,
) -> None:
    """Compare the passes that there are.

    Args:
        files: Of the frame.
        scene: The sampled scene.
        category_ids: By category name.
        sight: What the second method sees.
        found: Is told.
    """
    clear = ~sight.undecided
    ids, semantic = files.png("ids"), files.png("semantic")
    if ids is not None:
        found.pixels("ids", (ids != sight.ids)[clear].astype(float))
    inner = clear & _more_than_a_pixel_from_edges(sight.ids)
    if ids is not None:
        inner &= _more_than_a_pixel_from_edges(ids)
    if semantic is not None:
        categories = {i["instance_id"]: category_ids[i["category"]] for i in scene["instances"]}
        table = np.array([categories.get(i, 0) for i in range(int(sight.ids.max()) + 1)])
        found.pixels("semantic", (semantic != table[sight.ids])[clear].astype(float))
    depth = files.npy("depth")
    if depth is not None:
        nothing = (depth > _NOTHING_M) & ~np.isfinite(sight.depth)
        apart_mm = 1000 * np.abs(np.minimum(sight.depth, 10 * _NOTHING_M) - depth)
        found.pixels("depth", np.where(nothing, 0.0, apart_mm)[inner])
    normals, flow = files.npy("normals"), files.npy("flow")
    if normals is not None:
        found.pixels("normals", _normal_angles(normals, sight, inner))
    following = scene if flow is None else _following(files, scene)
    if flow is not None and following is not None:
        expected = _flow(scene, following, sight)
        usable = inner & np.isfinite(expected).all(axis=2)
        apart_px = np.abs(expected - np.nan_to_num(flow, nan=1e9)).max(axis=2)
        found.pixels("flow", apart_px[usable])


def _more_than_a_pixel_from_edges(ids: npt.NDArray[np.int64]) -> _BoolArray:
    values, around = ids.astype(np.float32), np.ones((3, 3), np.uint8)
    return np.asarray(cv2.erode(values, around) == cv2.dilate(values, around))


def _normal_angles(labels: _Array, sight: Sight, inner: _BoolArray) -> _Array:
    # (N,) degrees.
    angles = []
    for number, piece in enumerate(sight.pieces):
        chosen = inner & (sight.piece == number)
        if piece.shading is None or not chosen.any():
            continue
        to_piece = np.linalg.inv(piece.world_from_piece)
        points = sight.points_world[chosen] @ to_piece[:3, :3].T + to_piece[:3, 3]
        normals = np.stack(
            smooth_normals(piece.shading, polygons=sight.polygon[chosen], points=points)
        )
        # Normals turn by the inverse transpose; the flat one says which side is seen.
        cam_from_piece = sight.cam_from_world @ piece.world_from_piece
        smooth, flat = normals @ np.linalg.inv(cam_from_piece[:3, :3])
        eye = sight.points_world[chosen] @ sight.cam_from_world[:3, :3].T
        eye += sight.cam_from_world[:3, 3]
        smooth[(flat * eye).sum(axis=1) > 0] *= -1
        # An arccosine would show the half-precision labels' lengths, not their directions.
        sine = np.linalg.norm(np.cross(smooth, labels[chosen]), axis=1)
        cosine = (smooth * labels[chosen]).sum(axis=1)
        angles.append(np.degrees(np.arctan2(sine, cosine)))
    return np.concatenate(angles) if angles else np.empty(0)


def _following(files: FrameFiles, scene: dict[str, Any]) -> dict[str, Any] | None:
    # The next picture of the same sequence, as it was sampled: not the motion, its outcome.
    following = files.scene(later=1)
    position, next_position = scene["position"], (following or {}).get("position")
    if position is None or next_position is None or next_position["index"] != position["index"]:
        return None
    return following


def _flow(scene: dict[str, Any], following: dict[str, Any], sight: Sight) -> _Array:
    # (H, W, 2) px; nan where there is nothing or it is not in front of the next camera.
    before, after = (
        {i["instance_id"]: np.array(i["world_from_obj"], float) for i in at["instances"]}
        for at in (scene, following)
    )
    later = sight.points_world.copy()
    for instance_id in before.keys() & after.keys():
        moved = after[instance_id] @ np.linalg.inv(before[instance_id])
        own = sight.ids == instance_id
        later[own] = later[own] @ moved[:3, :3].T + moved[:3, 3]
    cam_from_world = np.linalg.inv(np.array(following["camera"]["world_from_cam"], float))
    points_cam = (later @ cam_from_world[:3, :3].T + cam_from_world[:3, 3]).reshape(-1, 3)
    in_front = np.nan_to_num(points_cam[:, 2], nan=-1.0) > 0
    pixels = np.full((len(points_cam), 2), np.nan)
    pixels[in_front] = lens_of(following["camera"]).project(points_cam[in_front])
    height, width = sight.ids.shape
    columns, rows = np.meshgrid(np.arange(width), np.arange(height))
    return np.asarray(pixels.reshape(height, width, 2) - np.stack([columns, rows], axis=2))

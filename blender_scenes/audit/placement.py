"""Keypoints, poses and 3D boxes against OpenCV's projection of what Blender holds."""

from __future__ import annotations

from itertools import product

import cv2
import numpy as np
import numpy.typing as npt

from blender_scenes.audit.findings import Findings
from blender_scenes.audit.labels import FrameFiles, Instance
from blender_scenes.audit.lens import Lens
from blender_scenes.audit.sight import Sight
from pipeline.specs.scene import LabelSpec

__all__ = ["compare_keypoints", "compare_pose"]

_Array = npt.NDArray[np.float64]

_NEAR_M = 1e-3
_ON_THE_EDGE_PX = 1e-2


def compare_keypoints(instance: Instance, sight: Sight, spec: LabelSpec, found: Findings) -> None:
    """Compare places and visibility of an instance's keypoints."""
    points = np.array(instance.sampled.get("keypoints_m", []), float).reshape(-1, 3)
    if not spec.keypoints or len(points) == 0:
        return
    points_world = _moved(points, _observed_pose(instance, sight))
    points_cam = _moved(points_world, sight.cam_from_world)
    in_front = points_cam[:, 2] > _NEAR_M
    pixels = np.full((len(points), 2), np.nan)
    pixels[in_front] = sight.lens.project(points_cam[in_front])
    height, width = sight.ids.shape
    # Pixel centres are whole numbers here, so that the picture starts at -0.5.
    margin = np.minimum(pixels + 0.5, np.array([width, height]) - 0.5 - pixels).min(axis=1)
    unfolded, hidden = sight.lens.unfolded(points_cam), sight.hidden(points_world)
    labels = np.array(instance.annotation["keypoints"], float).reshape(-1, 3)
    if len(labels) != len(points) or instance.annotation["num_keypoints"] != (
        np.count_nonzero(labels[:, 2])
    ):
        found.value("keypoint_visibility", 1, what=f"{instance.name} has another number of points")
        return
    for number, (label, pixel) in enumerate(zip(labels, pixels, strict=True)):
        what = f"{instance.name} keypoint {number + 1}"
        inside = bool(margin[number] >= 0 and unfolded[number])
        if label[2] > 0 and in_front[number]:
            found.value("keypoints", float(np.abs(label[:2] - pixel).max()), what=what)
        if abs(margin[number]) < _ON_THE_EDGE_PX:
            continue
        column, row = (np.round(pixel).astype(int)) if inside else (0, 0)
        if inside and sight.undecided[row, column]:
            continue
        expected = 0 if not inside else 1 if hidden[number] else 2
        found.value(
            "keypoint_visibility",
            label[2] != expected,
            what=f"{what} is {label[2]:.0f}, not {expected}",
        )


def compare_pose(
    instance: Instance, files: FrameFiles, sight: Sight, spec: LabelSpec, found: Findings
) -> None:
    """Compare 6D pose, 3D box and model of an instance."""
    if not spec.poses:
        return
    annotation, name = instance.annotation, instance.name
    cam_from_obj = sight.cam_from_world @ _observed_pose(instance, sight)
    label_pose = np.eye(4)
    label_pose[:3, :3] = np.reshape(annotation["cam_R_m2c"], (3, 3))
    label_pose[:3, 3] = np.array(annotation["cam_t_m2c"]) / 1000
    turn = cv2.Rodrigues(label_pose[:3, :3].T @ cam_from_obj[:3, :3])[0]
    found.value("rotations", float(np.degrees(np.linalg.norm(turn))), what=name)
    away_m = np.linalg.norm(label_pose[:3, 3] - cam_from_obj[:3, 3])
    found.value("translations", 1000 * float(away_m), what=name)
    obj_from_cam = np.linalg.inv(cam_from_obj)
    vertices = [
        piece.in_frame(piece.vertices, obj_from_cam @ sight.cam_from_world)
        for piece in sight.pieces
        if piece.instance_id == instance.sampled["instance_id"]
    ]
    surface = np.concatenate(vertices)
    low, high = surface.min(axis=0), surface.max(axis=0)
    corners = _corners(low, high)
    label_box = np.array(annotation["bbox_3d"]) / 1000
    label_corners = _corners(label_box[:3], label_box[3:])
    label_lens = Lens(instance.image["cam_K"], instance.image["dist_coeffs"])
    seen = _moved(corners, cam_from_obj)
    compared = {
        "poses": (label_lens, _moved(corners, label_pose)),
        "boxes_3d": (sight.lens, _moved(label_corners, cam_from_obj)),
    }
    for kind, (lens, labelled) in compared.items():
        # What the lens bends back into the picture, or what is behind it, has no place there.
        usable = (np.minimum(seen[:, 2], labelled[:, 2]) > _NEAR_M) & sight.lens.unfolded(seen)
        if usable.any():
            apart = lens.project(labelled[usable]) - sight.lens.project(seen[usable])
            found.value(kind, float(np.abs(apart).max()), what=name)
    if spec.models:
        model = files.model(annotation["model"])
        apart_m = np.abs([model.min(axis=0) - low, model.max(axis=0) - high]).max()
        found.value("models", 1000 * float(apart_m), what=name)


def _observed_pose(instance: Instance, sight: Sight) -> _Array:
    # An instance may consist of several objects; its frame is that of one of them, or of
    # what they hang on: the one nearest to what was sampled.
    sampled = np.array(instance.sampled["world_from_obj"], float)
    poses = [
        pose
        for piece in sight.pieces
        if piece.instance_id == instance.sampled["instance_id"]
        for pose in piece.poses
    ]
    return min(poses, key=lambda pose: float(np.abs(pose - sampled).max()))


def _moved(points: _Array, transform: _Array) -> _Array:
    return np.asarray(points @ transform[:3, :3].T + transform[:3, 3])


def _corners(low: _Array, high: _Array) -> _Array:
    return np.array(list(product(*zip(low, high, strict=True))))

"""What the frame records of a rendered dataset say of its objects."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from pipeline.geometry.boxes import FloatArray
from pipeline.geometry.camera import Matrix4, matrix4
from pipeline.geometry.symmetries import symmetry_transforms
from pipeline.records.keypoints import RigidPoints
from pipeline.records.scene import Vector3

__all__ = ["recorded_points"]

_MM_M = 0.001
_FRAMES = 100
_SPREAD = 0.05  # of the diameter, root mean square


def recorded_points(folder: Path) -> dict[str, RigidPoints]:
    """Keypoints in the objects' frames, metres, by category: their means over up to 100 frames.

    Categories whose points lie elsewhere from object to object (by more than 5 % of the diameter,
    as where objects differ in size, or points are numbered as the picture shows them) are left out:
    no pose follows from them. Folders without records have none.
    """
    found: dict[str, list[FloatArray]] = {}
    facts: dict[str, dict[str, object]] = {}
    for path in sorted((folder / "frames").glob("*.json"))[:_FRAMES]:
        scene = json.loads(path.read_text(encoding="utf-8")).get("scene", {})
        for instance in scene.get("instances", ()):
            if instance.get("keypoints_m"):
                points = np.array(instance["keypoints_m"], dtype=np.float64)
                found.setdefault(instance["category"], []).append(points)
                facts[instance["category"]] = instance.get("model_info") or {}
    return {
        category: RigidPoints(points_m=mean, symmetries=_flips(facts[category]))
        for category, objects in found.items()
        if (mean := _mean(objects)) is not None
    }


def _flips(info: Mapping[str, object]) -> tuple[Matrix4, ...]:
    discrete = {"symmetries_discrete": info.get("symmetries_discrete")}
    return tuple(matrix4(flip) for flip in symmetry_transforms(discrete, unit_m=_MM_M)[1:])


def _mean(objects: list[FloatArray]) -> tuple[Vector3, ...] | None:
    if len({points.shape for points in objects}) > 1 or len(objects[0]) < 2:
        return None
    stacked = np.stack(objects)
    mean = stacked.mean(axis=0)
    spread = np.sqrt(((stacked - mean) ** 2).sum(axis=-1).mean())
    if spread > _SPREAD * np.linalg.norm(mean[:, None] - mean, axis=-1).max():
        return None
    return tuple((float(x), float(y), float(z)) for x, y, z in mean)

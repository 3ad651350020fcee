"""From what one render shows to all labels that the spec asks for. No bpy."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from blender_scenes.rays import Hits, RayScene
from blender_scenes.triangles import Surface, merged_surface
from pipeline.annotate.flow import forward_flow
from pipeline.annotate.instances import label_instances
from pipeline.dataset.layout import DatasetLayout
from pipeline.formats.ply import encode_ply
from pipeline.formats.storage import write_bytes_atomic
from pipeline.geometry.boxes import box_of_mask
from pipeline.geometry.camera import cam_from_world, matrix4, project_cam
from pipeline.geometry.masks import rle_of_mask
from pipeline.records.annotations import InstanceLabel, KeypointLabel
from pipeline.records.passes import FramePasses
from pipeline.records.scene import SampledInstance, SampledScene
from pipeline.specs.scene import LabelSpec

__all__ = ["FrameLabels", "label_frame", "needs_surfaces"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameLabels:
    """All labels of one frame."""

    passes: FramePasses
    instances: tuple[InstanceLabel, ...]


def needs_surfaces(labels: LabelSpec, scene: SampledScene) -> bool:
    """Whether labels need more than the render's own passes."""
    wanted = labels.amodal or labels.keypoints or labels.poses or labels.normals
    return wanted or not scene.camera.is_pinhole


def label_frame(
    scene: SampledScene,
    *,
    ids: npt.NDArray[np.uint16],
    depth_m: npt.NDArray[np.float32],
    surfaces: Sequence[Surface],
    labels: LabelSpec,
    categories: tuple[str, ...],
    layout: DatasetLayout,
) -> FrameLabels:
    """Label one frame.

    Args:
        scene: What was rendered.
        ids: (H, W) id pass of a sharp pinhole view; replaced by rays where the lens distorts.
        depth_m: (H, W) depth pass, likewise.
        surfaces: Of the scene; may be empty unless :func:`needs_surfaces`.
        labels: Which kinds.
        categories: In the order of their ids 1, 2, ...
        layout: Of the dataset, into whose ``models`` new surfaces are written.
    """
    rays = RayScene(surfaces, scene.camera) if needs_surfaces(labels, scene) else None
    hits: Hits | None = None
    if rays is not None and (labels.normals or not scene.camera.is_pinhole):
        hits = rays.first_hits(normals=labels.normals)
    if hits is not None and not scene.camera.is_pinhole:
        ids = hits.ids.reshape(scene.camera.image_hw)
        depth_m = hits.depth_m.reshape(scene.camera.image_hw)
    instances = label_instances(ids, scene.instances, min_visible_px=labels.min_visible_px)
    in_scene = {instance.instance_id: instance for instance in scene.instances}
    if rays is not None:
        details = _Details(scene, rays, surfaces, labels, layout)
        instances = tuple(
            details.add(label, in_scene[label.instance_id], ids == label.instance_id)
            for label in instances
        )
    if scene.position is not None:
        instances = tuple(
            label.model_copy(update={"track_id": label.instance_id}) for label in instances
        )
    return FrameLabels(
        passes=FramePasses(
            ids=ids,
            depth_m=depth_m if labels.depth else None,
            semantic=_semantic(ids, scene, categories) if labels.semantic else None,
            normals=(
                hits.normals.reshape(*ids.shape, 3)
                if hits is not None and hits.normals is not None
                else None
            ),
            flow_px=(
                forward_flow(scene, ids=ids, depth_m=depth_m, dt_s=scene.position.frame_s)
                if labels.flow and scene.position is not None
                else None
            ),
        ),
        instances=instances,
    )


class _Details:
    """What is known of an instance beyond its visible pixels."""

    def __init__(
        self,
        scene: SampledScene,
        rays: RayScene,
        surfaces: Sequence[Surface],
        labels: LabelSpec,
        layout: DatasetLayout,
    ) -> None:
        self._scene, self._rays, self._labels, self._layout = scene, rays, labels, layout
        self._view = cam_from_world(scene.camera)
        self._surfaces: dict[int, list[Surface]] = {}
        for surface in surfaces:
            self._surfaces.setdefault(surface.instance_id, []).append(surface)

    def add(
        self, label: InstanceLabel, instance: SampledInstance, visible: npt.NDArray[np.bool_]
    ) -> InstanceLabel:
        """The label with every kind that the spec asks for; ``visible`` is its (H, W) mask."""
        found: dict[str, object] = {}
        if self._labels.amodal:
            found |= self._amodal(label, visible)
        if self._labels.keypoints and instance.keypoints_m:
            found["keypoints"] = self._keypoints(instance)
        if self._labels.poses:
            found |= self._pose(instance)
        return label.model_copy(update=found)

    def _amodal(self, label: InstanceLabel, visible: npt.NDArray[np.bool_]) -> dict[str, object]:
        silhouette = self._rays.silhouette(label.instance_id, known=visible)
        x0, y0 = silhouette.origin
        height, width = visible.shape
        # The window may end before the picture's edge and begin outside it.
        window = silhouette.window[max(-y0, 0) : max(height - y0, 0)]
        window = window[:, max(-x0, 0) : max(width - x0, 0)]
        whole = visible.copy()
        top, left = max(y0, 0), max(x0, 0)
        whole[top : top + window.shape[0], left : left + window.shape[1]] |= window
        inside_px = int(whole.sum())
        outside_px = int(silhouette.window.sum()) - int(window.sum())
        box = box_of_mask(silhouette.window) + np.array([x0, y0, x0, y0])
        visible_box = np.array(label.box_xyxy)
        low = np.fmin(box[:2], visible_box[:2])
        high = np.fmax(box[2:], visible_box[2:])
        visible_fraction = label.area_px / (inside_px + outside_px)
        return {
            "visible_fraction": visible_fraction,
            "truncation": outside_px / (inside_px + outside_px),
            "amodal_box_xyxy": (float(low[0]), float(low[1]), float(high[0]), float(high[1])),
            "amodal_rle": rle_of_mask(whole),
            "iscrowd": label.iscrowd or visible_fraction < self._labels.min_visible_fraction,
        }

    def _keypoints(self, instance: SampledInstance) -> tuple[KeypointLabel, ...]:
        pose = np.array(instance.world_from_obj)
        points_m = np.array(instance.keypoints_m) @ pose[:3, :3].T + pose[:3, 3]
        pixels = project_cam(
            self._scene.camera, points_m @ self._view[:3, :3].T + self._view[:3, 3]
        )
        height, width = self._scene.camera.image_hw
        inside = ((pixels >= 0) & (pixels < (width, height))).all(axis=1)
        hidden = self._rays.hidden(points_m)
        return tuple(
            (float(x), float(y), 1 if covered else 2) if shown else (0.0, 0.0, 0)
            for (x, y), shown, covered in zip(pixels, inside, hidden, strict=True)
        )

    def _pose(self, instance: SampledInstance) -> dict[str, object]:
        world_from_obj = np.array(instance.world_from_obj)
        parts = self._surfaces.get(instance.instance_id, [])
        vertices_m, triangles = merged_surface(parts, np.linalg.inv(world_from_obj))
        low, high = vertices_m.min(axis=0), vertices_m.max(axis=0)
        found: dict[str, object] = {
            "cam_from_obj": matrix4(self._view @ world_from_obj),
            "box_3d_m": tuple(float(value) for value in (*low, *high)),
        }
        if self._labels.models:
            content = encode_ply(vertices_m, triangles)
            found["model"] = _keep_model(self._layout, content, instance.model_info)
        return found


def _keep_model(layout: DatasetLayout, content: bytes, info: dict[str, Any]) -> str:
    # Named by its contents and by what is known of it (paint can take a symmetry away), so that
    # workers may write the same one side by side.
    facts = json.dumps(info, sort_keys=True).encode() if info else b""
    name = hashlib.sha256(content + facts).hexdigest()[:16]
    path = layout.model(name)
    if not path.is_file():
        path.parent.mkdir(exist_ok=True)
        write_bytes_atomic(path, content)
    return name


def _semantic(
    ids: npt.NDArray[np.uint16], scene: SampledScene, categories: tuple[str, ...]
) -> npt.NDArray[np.uint16]:
    category_of = np.zeros(int(ids.max(initial=0)) + 1, np.uint16)
    for instance in scene.instances:
        if instance.instance_id < len(category_of):
            category_of[instance.instance_id] = 1 + categories.index(instance.category)
    return np.asarray(category_of[ids])

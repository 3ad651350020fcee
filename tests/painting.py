"""Painted datasets: exact ids, and every other label, without Blender.

A scene is a stack of discs and squares that face the camera; each one's silhouette is painted on
a canvas wider than the picture, so that also what is hidden or cut off is known exactly.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from pipeline.annotate.instances import label_instances
from pipeline.dataset.assembly import assemble
from pipeline.dataset.frames import write_frame
from pipeline.dataset.layout import DatasetLayout
from pipeline.dataset.manifest import Manifest
from pipeline.formats.ply import encode_ply
from pipeline.formats.storage import write_bytes_atomic
from pipeline.geometry.boxes import box_of_mask
from pipeline.geometry.camera import cam_from_world, look_at, matrix4, pinhole_camera
from pipeline.geometry.masks import rle_of_mask
from pipeline.records.annotations import InstanceLabel
from pipeline.records.keypoints import KeypointLayout
from pipeline.records.passes import NO_DEPTH_M, FramePasses
from pipeline.records.scene import SampledInstance, SampledScene, SensorSettings
from pipeline.specs.scene import ImageSpec, LabelSpec, SceneSpec, SequenceSpec

CATEGORIES = ("disc", "square")
KEYPOINTS = {
    "square": KeypointLayout(names=("left", "right"), skeleton=((0, 1),), sigmas=(0.05, 0.05))
}
VERSIONS = {"blendgap": "0.1.0", "bpy": "5.0.1", "numpy": "1", "opencv": "4"}
EVERY_LABEL = LabelSpec(
    semantic=True, amodal=True, keypoints=True, poses=True, models=True, depth=True,
    normals=True, flow=True,
)  # fmt: skip

_MARGIN = 12  # of the canvas around the picture: the largest radius
_FARTHEST_M = 1.0


@dataclass(frozen=True)
class Shape:
    """One painted thing, nearer than those before it."""

    category: str
    x: int
    y: int
    radius: int
    colour: npt.NDArray[np.uint8]

    def silhouette(self, canvas_hw: tuple[int, int]) -> npt.NDArray[np.bool_]:
        """(H, W) on the canvas."""
        canvas = np.zeros(canvas_hw, np.uint8)
        x, y, radius = self.x + _MARGIN, self.y + _MARGIN, self.radius
        if self.category == "square":
            cv2.rectangle(canvas, (x - radius, y - radius), (x + radius, y + radius), 1, -1)
        else:
            cv2.circle(canvas, (x, y), radius, 1, -1)
        return canvas > 0


def painted_manifest(
    frames: int,
    *,
    width: int = 96,
    height: int = 64,
    seed: int = 0,
    labels: LabelSpec | None = None,
    sequence: SequenceSpec | None = None,
) -> Manifest:
    spec = SceneSpec(
        scene="painted",
        frames=frames,
        seed=seed,
        image=ImageSpec(width=width, height=height),
        labels=labels or LabelSpec(),
        sequence=sequence,
    )
    return Manifest(spec=spec, categories=CATEGORIES, keypoints=KEYPOINTS, versions=VERSIONS)


def paint_frame(folder: Path, manifest: Manifest, frame: int) -> None:
    """Write one frame of bright discs and squares on dark ground; some overlap, some are cut."""
    image, kinds = manifest.spec.image, manifest.spec.labels
    assert image is not None
    hw = (image.height, image.width)
    rng = np.random.default_rng([manifest.spec.seed, frame])
    picture = rng.integers(10, 40, (*hw, 3)).astype(np.uint8)
    shapes = _draw_shapes(rng, hw, manifest.categories)
    canvas_hw = (hw[0] + 2 * _MARGIN, hw[1] + 2 * _MARGIN)
    inside = np.s_[_MARGIN:-_MARGIN, _MARGIN:-_MARGIN]
    silhouettes = [shape.silhouette(canvas_hw) for shape in shapes]
    ids = np.zeros(hw, np.uint16)
    for instance_id, (shape, silhouette) in enumerate(zip(shapes, silhouettes, strict=True), 1):
        ids[silhouette[inside]] = instance_id
        picture[silhouette[inside]] = shape.colour
    scene = _scene(frame, shapes, hw)
    labels = label_instances(ids, scene.instances, min_visible_px=kinds.min_visible_px)
    layout = DatasetLayout(folder)
    write_frame(
        layout,
        scene=scene,
        image=picture,
        image_format=image.format,
        passes=_passes(ids, shapes, kinds, manifest.categories),
        labels=tuple(
            label.model_copy(
                update=_amodal(label, silhouettes[label.instance_id - 1], kinds)
                | _keypoints(label, ids, shapes[label.instance_id - 1], kinds)
                | _pose(label, scene, kinds, layout)
                | ({"track_id": label.instance_id} if manifest.spec.sequence else {})
            )
            for label in labels
        ),
        seconds={"render": 0.01},
    )


def paint_dataset(
    folder: Path,
    *,
    frames: int = 4,
    seed: int = 0,
    labels: LabelSpec | None = None,
    sequence: SequenceSpec | None = None,
) -> Path:
    manifest = painted_manifest(frames, seed=seed, labels=labels, sequence=sequence)
    DatasetLayout(folder).create()
    for frame in range(frames):
        paint_frame(folder, manifest, frame)
    assemble(folder, manifest, wall_seconds=1.0)
    return folder


def _draw_shapes(
    rng: np.random.Generator, hw: tuple[int, int], categories: tuple[str, ...]
) -> list[Shape]:
    return [
        Shape(
            category=categories[int(rng.integers(len(categories)))],
            x=int(rng.integers(0, hw[1])),
            y=int(rng.integers(0, hw[0])),
            radius=int(rng.integers(5, _MARGIN)),
            colour=rng.integers(120, 255, 3).astype(np.uint8),
        )
        for _ in range(1 + int(rng.integers(3, 7)))
    ]


def _depth_m(index: int) -> float:
    return _FARTHEST_M - 0.01 * index


def _scene(frame: int, shapes: list[Shape], hw: tuple[int, int]) -> SampledScene:
    view = look_at(eye_m=np.array([0, 0, 1]), target_m=np.zeros(3), up=np.array([0, 1, 0]))
    camera = pinhole_camera(width_px=hw[1], height_px=hw[0], hfov_rad=0.8, world_from_cam=view)
    K = np.array(camera.K)
    instances = []
    for index, shape in enumerate(shapes):
        ray = np.linalg.solve(K, [shape.x + 0.5, shape.y + 0.5, 1.0])
        cam_from_obj = np.eye(4)
        cam_from_obj[:3, 3] = _depth_m(index) * ray
        pose = matrix4(np.array(camera.world_from_cam) @ cam_from_obj)
        instances.append(
            SampledInstance(instance_id=index + 1, category=shape.category, world_from_obj=pose)
        )
    return SampledScene(
        family="painted",
        frame=frame,
        camera=camera,
        instances=tuple(instances),
        factors={},
        sensor=SensorSettings(),
    )


def _passes(
    ids: npt.NDArray[np.uint16],
    shapes: list[Shape],
    kinds: LabelSpec,
    categories: tuple[str, ...],
) -> FramePasses:
    # Tables by id, 0 being the background.
    category_ids = np.array([0, *(1 + categories.index(s.category) for s in shapes)], np.uint16)
    depth_m = np.array([NO_DEPTH_M, *map(_depth_m, range(len(shapes)))], np.float32)
    towards = np.array([(0, 0, 0)] + [(0, 0, -1)] * len(shapes), np.float32)
    still = np.array([(np.nan, np.nan)] + [(0, 0)] * len(shapes), np.float32)
    return FramePasses(
        ids=ids,
        semantic=category_ids[ids] if kinds.semantic else None,
        depth_m=depth_m[ids] if kinds.depth else None,
        normals=towards[ids] if kinds.normals else None,
        flow_px=still[ids] if kinds.flow else None,
    )


def _amodal(
    label: InstanceLabel, silhouette: npt.NDArray[np.bool_], kinds: LabelSpec
) -> dict[str, object]:
    if not kinds.amodal:
        return {}
    whole = silhouette[_MARGIN:-_MARGIN, _MARGIN:-_MARGIN]
    total = int(silhouette.sum())
    fraction = label.area_px / total
    return {
        "visible_fraction": fraction,
        "truncation": 1 - int(whole.sum()) / total,
        "amodal_box_xyxy": tuple((box_of_mask(silhouette) - _MARGIN).tolist()),
        "amodal_rle": rle_of_mask(whole),
        "iscrowd": label.iscrowd or fraction < kinds.min_visible_fraction,
    }


def _keypoints(
    label: InstanceLabel, ids: npt.NDArray[np.uint16], shape: Shape, kinds: LabelSpec
) -> dict[str, object]:
    if not kinds.keypoints or shape.category not in KEYPOINTS:
        return {}
    points = []
    for x in (shape.x - shape.radius, shape.x + shape.radius):
        if 0 <= x < ids.shape[1]:
            shown = ids[shape.y, x] == label.instance_id
            points.append((x + 0.5, shape.y + 0.5, 2 if shown else 1))
        else:
            points.append((0.0, 0.0, 0))
    return {"keypoints": tuple(points)}


def _pose(
    label: InstanceLabel, scene: SampledScene, kinds: LabelSpec, layout: DatasetLayout
) -> dict[str, object]:
    if not kinds.poses:
        return {}
    world_from_obj = np.array(scene.instances[label.instance_id - 1].world_from_obj)
    found: dict[str, object] = {
        "cam_from_obj": matrix4(cam_from_world(scene.camera) @ world_from_obj),
        "box_3d_m": (-0.1, -0.1, 0.0, 0.1, 0.1, 0.0),
    }
    if kinds.models:
        corners_m = np.array([(-0.1, -0.1, 0), (0.1, -0.1, 0), (0.1, 0.1, 0), (-0.1, 0.1, 0)])
        content = encode_ply(corners_m, np.array([(0, 1, 2), (0, 2, 3)]))
        found["model"] = hashlib.sha256(content).hexdigest()[:16]
        path = layout.model(str(found["model"]))
        path.parent.mkdir(exist_ok=True)
        write_bytes_atomic(path, content)
    return found

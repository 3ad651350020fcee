"""Painted datasets: exact ids without Blender."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from pipeline.annotate.instances import label_instances
from pipeline.dataset.assembly import assemble
from pipeline.dataset.frames import write_frame
from pipeline.dataset.layout import DatasetLayout
from pipeline.dataset.manifest import Manifest
from pipeline.geometry.camera import look_at, matrix4, pinhole_camera
from pipeline.records.passes import FramePasses
from pipeline.records.scene import SampledInstance, SampledScene, SensorSettings
from pipeline.specs.scene import ImageSpec, SceneSpec

CATEGORIES = ("disc", "square")
VERSIONS = {"blendgap": "0.1.0", "bpy": "5.0.1", "numpy": "1", "opencv": "4"}


def painted_manifest(frames: int, *, width: int = 96, height: int = 64, seed: int = 0) -> Manifest:
    spec = SceneSpec(
        scene="painted", frames=frames, seed=seed, image=ImageSpec(width=width, height=height)
    )
    return Manifest(spec=spec, categories=CATEGORIES, versions=VERSIONS)


def paint_frame(folder: Path, manifest: Manifest, frame: int) -> None:
    """Write one frame of bright discs and squares on dark ground; some overlap, some are cut."""
    image = manifest.spec.image
    assert image is not None
    rng = np.random.default_rng([manifest.spec.seed, frame])
    ids = np.zeros((image.height, image.width), np.uint16)
    picture = rng.integers(10, 40, (image.height, image.width, 3)).astype(np.uint8)
    instances = []
    for instance_id in range(1, 2 + int(rng.integers(3, 7))):
        category = CATEGORIES[int(rng.integers(2))]
        x, y = (int(v) for v in rng.integers(0, [image.width, image.height]))
        radius = int(rng.integers(5, 12))
        shape = np.zeros_like(ids, dtype=np.uint8)
        if category == "disc":
            cv2.circle(shape, (x, y), radius, 1, -1)
        else:
            cv2.rectangle(shape, (x - radius, y - radius), (x + radius, y + radius), 1, -1)
        ids[shape > 0] = instance_id
        picture[shape > 0] = rng.integers(120, 255, 3)
        instances.append(
            SampledInstance(
                instance_id=instance_id, category=category, world_from_obj=matrix4(np.eye(4))
            )
        )
    view = look_at(eye_m=np.array([0, 0, 1]), target_m=np.zeros(3), up=np.array([0, 1, 0]))
    scene = SampledScene(
        family="painted",
        frame=frame,
        camera=pinhole_camera(
            width_px=image.width, height_px=image.height, hfov_rad=0.8, world_from_cam=view
        ),
        instances=tuple(instances),
        factors={},
        sensor=SensorSettings(),
    )
    write_frame(
        DatasetLayout(folder),
        scene=scene,
        image=picture,
        image_format=image.format,
        passes=FramePasses(ids=ids),
        labels=label_instances(ids, instances, min_visible_px=manifest.spec.labels.min_visible_px),
        seconds={"render": 0.01},
    )


def paint_dataset(folder: Path, *, frames: int = 4, seed: int = 0) -> Path:
    manifest = painted_manifest(frames, seed=seed)
    DatasetLayout(folder).create()
    for frame in range(frames):
        paint_frame(folder, manifest, frame)
    assemble(folder, manifest, wall_seconds=1.0)
    return folder

"""Forward optical flow from depth, ids and the motion that was put in."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pipeline.geometry.camera import cam_from_world, picture_rays_cam, project_cam
from pipeline.geometry.masks import pixel_centres
from pipeline.geometry.motion import displacement, scene_after
from pipeline.records.passes import NO_DEPTH_M
from pipeline.records.scene import SampledScene

__all__ = ["forward_flow"]


def forward_flow(
    scene: SampledScene,
    *,
    ids: npt.NDArray[np.uint16],
    depth_m: npt.NDArray[np.float32],
    dt_s: float,
) -> npt.NDArray[np.float32]:
    """Where every visible point will be in the picture ``dt_s`` later.

    Exact for rigid motion, with any lens; what has no id rests in the world.

    Args:
        scene: At the moment of the picture.
        ids: (H, W) instance ids.
        depth_m: (H, W) along the camera's z.
        dt_s: Time to the next picture.

    Returns:
        (H, W, 2) x, y in px; nan where nothing is, or where the point leaves the camera's front.
    """
    height, width = ids.shape
    points_cam_m = picture_rays_cam(scene.camera) * depth_m.reshape(-1, 1)
    world_from_cam = np.array(scene.camera.world_from_cam)
    later = scene_after(scene, dt_s)
    later_from_world = cam_from_world(later.camera)
    transforms = {0: later_from_world @ world_from_cam} | {
        instance.instance_id: later_from_world
        @ displacement(instance.motion, dt_s)
        @ world_from_cam
        for instance in scene.instances
        if instance.motion is not None
    }
    flat_ids = ids.ravel()
    moving = np.isin(flat_ids, list(transforms))
    later_cam_m = np.empty_like(points_cam_m)
    for key, transform in transforms.items():
        chosen = (flat_ids == key) if key else ~moving | (flat_ids == 0)
        later_cam_m[chosen] = points_cam_m[chosen] @ transform[:3, :3].T + transform[:3, 3]
    flow_px = project_cam(later.camera, later_cam_m) - pixel_centres((0, 0, width, height))
    flow_px[depth_m.ravel() >= NO_DEPTH_M / 2] = np.nan
    return flow_px.reshape(height, width, 2).astype(np.float32)

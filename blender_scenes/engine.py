"""Cycles, set up once per process, and its passes read from memory.

The only module besides ``build.py`` files, their building blocks and the worker that imports
bpy. ``Object Index`` and ``Depth`` are filled from sample 0 through the pixel's centre, so ids
are exact at any number of samples and no second render is needed (docs/adr/0005).
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np
import numpy.typing as npt
from mathutils import Matrix

from blender_scenes.axes import blender_lens, blender_matrix
from blender_scenes.devices import GPU_KINDS, choose_device
from blender_scenes.lens import overscan
from blender_scenes.shutter import open_shutter
from pipeline.geometry.camera import Camera
from pipeline.records.scene import LensSettings, SampledScene
from pipeline.specs.scene import RenderSpec

__all__ = ["Engine", "Passes", "clear_scene"]

_SENSOR_WIDTH_MM = 36.0
_FEW_LIGHTS = 4  # up to here a light tree costs a fifth of the time and finds nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Passes:
    """What one render gives.

    Attributes:
        light: (H, W, 3) float32, scene-linear, through the lens.
        ids: (H, W) uint16, ``pass_index`` of what the pixel's centre sees, 0 elsewhere; of a
            sharp view without distortion, whose size may be another.
        depth_m: Like ids, float32 along the camera's z, 1e10 where nothing is.
    """

    light: npt.NDArray[np.float32]
    ids: npt.NDArray[np.uint16]
    depth_m: npt.NDArray[np.float32]


def clear_scene() -> None:
    """Remove every data block but the scene, so that frames leave nothing behind.

    What has a fake user stays: Blender's own mark of what is kept though nothing uses it, which a
    family gives to large data that every frame shares and none changes.
    """
    data = bpy.data
    for blocks in (
        data.objects, data.meshes, data.curves, data.lights, data.cameras, data.materials,
        data.images, data.textures, data.node_groups, data.worlds, data.collections,
        data.pointclouds, data.volumes, data.hair_curves, data.actions,
    ):  # fmt: skip
        data.batch_remove([block for block in blocks if not block.use_fake_user])


class Engine:
    """Cycles in this process, with its passes captured."""

    def __init__(
        self, render: RenderSpec, *, max_bounces: tuple[int, int, int], denoise: bool
    ) -> None:
        bpy.ops.wm.read_factory_settings(use_empty=True)
        self._captured: dict[str, npt.NDArray[np.float32]] = {}
        self._capture_passes()
        scene = bpy.context.scene
        scene.render.engine = "CYCLES"
        scene.render.threads_mode = "FIXED"
        scene.render.threads = 1
        scene.render.resolution_percentage = 100
        scene.view_settings.view_transform = "Standard"
        cycles = scene.cycles
        cycles.samples = render.samples_per_pixel
        cycles.use_adaptive_sampling = False  # gains nothing at <= 32 samples
        cycles.sampling_pattern = "BLUE_NOISE"  # its errors suit the denoiser: docs/speed.md
        cycles.use_denoising = denoise
        cycles.denoiser = "OPENIMAGEDENOISE"
        cycles.denoising_input_passes = "RGB_ALBEDO_NORMAL"
        cycles.denoising_quality = "FAST" if render.preset == "draft" else "BALANCED"
        cycles.denoising_prefilter = "ACCURATE" if render.preset == "photo" else "FAST"
        cycles.max_bounces, cycles.diffuse_bounces, cycles.glossy_bounces = max_bounces
        layer = bpy.context.view_layer
        layer.use_pass_object_index = True
        layer.use_pass_z = True
        layer.pass_alpha_threshold = 0.05  # at 0.5 thin alpha becomes stochastic
        self.device = self._select_device(render.device)

    def render(self, scene: SampledScene, *, noise_seed: int) -> Passes:
        """Render what has been built.

        Args:
            scene: Whose camera, lens and motion are used; replaces any camera in the scene.
            noise_seed: Of Cycles' sampling pattern.

        Raises:
            RuntimeError: If Cycles gave no passes.
            ValueError: If the lens folds inside the picture.
        """
        bent = None if scene.camera.is_pinhole else overscan(scene.camera)
        camera = scene.camera if bent is None else bent.camera
        camera_object = self._place_camera(camera, scene.lens)
        cycles = bpy.context.scene.cycles
        cycles.seed = noise_seed % 2**31
        cycles.filter_width = scene.sensor.pixel_filter_px
        cycles.use_light_tree = len(bpy.data.lights) > _FEW_LIGHTS
        moving = scene.lens.shutter_s > 0 and open_shutter(scene, camera_object)
        passes = self._render()
        light = passes["Combined"][..., :3]
        if moving or scene.lens.aperture_m > 0:
            # Both jitter sample 0: ids come from a second, sharp render (docs/adr/0005).
            passes = self._render_sharp(camera_object)
        return Passes(
            light=np.ascontiguousarray(light) if bent is None else bent.bend(light),
            ids=passes["Object Index"][..., 0].astype(np.uint16),
            depth_m=passes["Depth"][..., 0].copy(),
        )

    def _render(self) -> dict[str, npt.NDArray[np.float32]]:
        self._captured.clear()
        bpy.ops.render.render()
        missing = {"Combined", "Object Index", "Depth"} - self._captured.keys()
        if missing:
            raise RuntimeError(f"Cycles gave no {', '.join(sorted(missing))} pass.")
        return dict(self._captured)

    def _render_sharp(self, camera_object: Any) -> dict[str, npt.NDArray[np.float32]]:  # noqa: ANN401
        scene, cycles = bpy.context.scene, bpy.context.scene.cycles
        samples, denoise = cycles.samples, cycles.use_denoising
        cycles.samples, cycles.use_denoising = 1, False
        scene.render.use_motion_blur = False
        camera_object.data.dof.use_dof = False
        try:
            return self._render()
        finally:
            cycles.samples, cycles.use_denoising = samples, denoise

    def _place_camera(self, camera: Camera, lens: LensSettings) -> Any:  # noqa: ANN401
        scene = bpy.context.scene
        data = bpy.data.cameras.new("camera")
        data.sensor_fit = "HORIZONTAL"
        data.sensor_width = _SENSOR_WIDTH_MM
        data.lens, data.shift_x, data.shift_y = blender_lens(
            camera, sensor_width_mm=_SENSOR_WIDTH_MM
        )
        data.clip_start, data.clip_end = 1e-3, 1e3
        if lens.aperture_m > 0:
            data.dof.use_dof = True
            data.dof.focus_distance = lens.focus_m
            data.dof.aperture_fstop = data.lens / 1000 / lens.aperture_m
        camera_object = bpy.data.objects.new("camera", data)
        camera_object.matrix_world = Matrix(blender_matrix(camera).tolist())
        scene.collection.objects.link(camera_object)
        scene.camera = camera_object
        scene.render.resolution_x, scene.render.resolution_y = camera.width_px, camera.height_px
        scene.render.use_motion_blur = False
        return camera_object

    def _capture_passes(self) -> None:
        # In background mode "Render Result" has no pixels; the engine's own result has.
        cycles = next(
            c for c in bpy.types.RenderEngine.__subclasses__() if c.__name__ == "CyclesRender"
        )
        original = getattr(cycles, "blendgap_original", cycles.render)
        captured = self._captured

        def render(engine: Any, depsgraph: Any) -> None:  # noqa: ANN401 - bpy has no types
            original(engine, depsgraph)
            result = engine.get_result()
            height, width = result.resolution_y, result.resolution_x
            for render_pass in result.layers[0].passes:
                if render_pass.name in {"Combined", "Object Index", "Depth"}:
                    flat = np.empty(width * height * render_pass.channels, np.float32)
                    render_pass.rect.foreach_get(flat)
                    captured[render_pass.name] = flat.reshape(height, width, -1)[::-1]

        cycles.blendgap_original = original
        cycles.render = render

    def _select_device(self, wanted: str) -> str:
        preferences = bpy.context.preferences.addons["cycles"].preferences
        found = []
        if wanted != "cpu":
            for kind in GPU_KINDS:
                try:
                    preferences.compute_device_type = kind
                    devices = preferences.get_devices_for_type(kind)
                except (TypeError, ValueError):  # this build of Cycles lacks the kind
                    continue
                found += [kind for device in devices if device.type == kind][:1]
        device = choose_device(wanted, found)
        preferences.compute_device_type = "NONE" if device == "CPU" else device
        bpy.context.scene.cycles.device = "CPU" if device == "CPU" else "GPU"
        if device != "CPU":
            for entry in preferences.get_devices_for_type(device):
                entry.use = entry.type == device
            bpy.context.scene.render.threads = os.cpu_count() or 1
        return device

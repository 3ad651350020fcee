"""The engine against geometry worked out by hand."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from blender_scenes.devices import choose_device
from pipeline.geometry.camera import Camera, look_at, pinhole_camera, project

# Spheres are seen as ellipses whose middle is not the projected centre; at this size and
# distance the two differ by less than 0.1 px.
MARKERS = np.array([[0.0, 0, 0], [0.5, 0.3, 0.1], [-0.6, 0.2, 0.0], [0.2, -0.5, 0.3]])
RADIUS_M = 0.06

SCRIPT = """
import json, sys
import bpy
import numpy as np
from blender_scenes.engine import Engine, clear_scene
from pipeline.geometry.camera import Camera
from blender_scenes.sensor import expose
from pipeline.records.scene import SampledScene, SensorSettings
from pipeline.specs.scene import RenderSpec

camera = Camera.model_validate_json(sys.argv[1])
scene = SampledScene(family="markers", frame=0, camera=camera, instances=(), factors={},
                     sensor=SensorSettings())
markers, radius_m, out = json.loads(sys.argv[2]), float(sys.argv[3]), sys.argv[4]
found = {}
for samples, denoise in ((1, False), (8, True)):
    engine = Engine(RenderSpec(samples=samples), max_bounces=(2, 1, 1), denoise=denoise)
    for round in range(2):  # the second round must not see the first one's objects
        clear_scene()
        material = bpy.data.materials.new("glow")
        tree = material.node_tree
        tree.nodes.clear()
        emission = tree.nodes.new("ShaderNodeEmission")
        emission.inputs["Color"].default_value = (0.2, 0.5, 0.8, 1)
        output = tree.nodes.new("ShaderNodeOutputMaterial")
        tree.links.new(emission.outputs[0], output.inputs["Surface"])
        for i, location in enumerate(markers, start=1):
            bpy.ops.mesh.primitive_uv_sphere_add(
                radius=radius_m, location=location, segments=64, ring_count=32)
            bpy.context.object.pass_index = i
            bpy.context.object.data.materials.append(material)
        passes = engine.render(scene, noise_seed=3)
    found |= {f"rgb{samples}": expose(passes.light, SensorSettings()), f"ids{samples}": passes.ids,
              f"depth{samples}": passes.depth_m}
for name, width_px in (("crisp", 0.5), ("soft", 3.0)):
    sensor = SensorSettings(pixel_filter_px=width_px)
    passes = engine.render(scene.model_copy(update={"sensor": sensor}), noise_seed=3)
    found |= {f"light_{name}": passes.light, f"ids_{name}": passes.ids}
np.savez(out, **found)
"""


@pytest.fixture(scope="module")
def camera() -> Camera:
    view = look_at(
        eye_m=np.array([0.4, -2.5, 1.6]), target_m=np.array([0.05, 0, 0]), up=np.array([0, 0, 1.0])
    )
    centred = pinhole_camera(width_px=200, height_px=140, hfov_rad=0.7, world_from_cam=view)
    (fx, _, cx), (_, fy, cy), last = centred.K
    # A principal point off the middle: shifts must have the right sign and unit.
    return centred.model_copy(update={"K": ((fx, 0.0, cx + 7.0), (0.0, fy, cy - 5.0), last)})


@pytest.fixture(scope="module")
def rendered(camera: Camera, tmp_path_factory: pytest.TempPathFactory) -> dict[str, np.ndarray]:
    out = tmp_path_factory.mktemp("engine") / "passes.npz"
    arguments = [camera.model_dump_json(), json.dumps(MARKERS.tolist()), str(RADIUS_M), str(out)]
    subprocess.run([sys.executable, "-c", SCRIPT, *arguments], check=False, stdout=subprocess.PIPE)
    with np.load(out) as stored:  # judged by its file: bpy may crash at exit
        return dict(stored)


@pytest.mark.blender
def test_ids_lie_where_the_camera_model_says(camera: Camera, rendered) -> None:
    ids = rendered["ids8"]
    assert set(np.unique(ids)) == {0, 1, 2, 3, 4}
    for instance_id, pixel in enumerate(project(camera, MARKERS), start=1):
        rows, columns = np.nonzero(ids == instance_id)
        middle = np.array([columns.mean() + 0.5, rows.mean() + 0.5])
        assert np.linalg.norm(middle - pixel) < 0.35


@pytest.mark.blender
def test_depth_is_along_z_in_metres(camera: Camera, rendered) -> None:
    cam_from_world = np.linalg.inv(np.array(camera.world_from_cam))
    for instance_id, centre in enumerate(MARKERS, start=1):
        depth_m = rendered["depth8"][rendered["ids8"] == instance_id].min()
        z_m = (cam_from_world @ [*centre, 1.0])[2]
        assert depth_m == pytest.approx(z_m - RADIUS_M, abs=4e-3)
    assert (rendered["depth8"][rendered["ids8"] == 0] > 1e9).all()


@pytest.mark.blender
def test_labels_do_not_depend_on_samples_or_denoiser(rendered) -> None:
    np.testing.assert_array_equal(rendered["ids1"], rendered["ids8"])
    np.testing.assert_array_equal(rendered["depth1"], rendered["depth8"])


@pytest.mark.blender
def test_a_wider_pixel_filter_softens_outlines_and_leaves_labels_alone(rendered) -> None:
    def blended(name: str) -> int:
        green = rendered[f"light_{name}"][..., 1]  # 0.5 on markers, 0 around them
        return int(((green > 0.05) & (green < 0.45)).sum())

    assert blended("soft") > 1.5 * blended("crisp") > 0
    for name in ("soft", "crisp"):
        moved = rendered[f"ids_{name}"] != rendered["ids8"]
        assert moved.sum() <= 2  # outlines that pass a pixel's centre by a rounding error


@pytest.mark.blender
def test_colours_follow_the_srgb_curve(rendered) -> None:
    inside = rendered["rgb1"][rendered["ids1"] == 2]  # without the denoiser
    # IEC 61966-2-1 of (0.2, 0.5, 0.8), by hand.
    np.testing.assert_allclose(np.median(inside, axis=0), [124, 188, 231], atol=1)


@pytest.mark.parametrize(
    ("wanted", "found", "chosen"),
    [
        ("auto", [], "CPU"),
        ("cpu", ["OPTIX"], "CPU"),
        ("auto", ["CUDA", "OPTIX"], "OPTIX"),
        ("gpu", ["CUDA"], "CUDA"),
        ("auto", ["HIP"], "HIP"),
        ("auto", ["METAL"], "METAL"),
    ],
)
def test_the_best_device_is_taken(wanted: str, found: list[str], chosen: str) -> None:
    assert choose_device(wanted, found) == chosen


def test_a_gpu_that_is_not_there_is_an_error() -> None:
    with pytest.raises(RuntimeError, match="finds none"):
        choose_device("gpu", [])

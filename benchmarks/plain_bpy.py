"""The yardstick: labelled pictures with nothing but bpy, as one would write it in an afternoon.

    python benchmarks/plain_bpy.py --out /tmp/plain --frames 24 --samples 4

Twelve primitives with simple materials on a plane under one area lamp, a new scene per frame,
denoised; passes go through files, the COCO file is written again after every frame. One process
with all cores, Blender's own settings except for light paths (those that BlenderProc sets).
Prints one JSON line with the rate, which leaves out Blender's start and the first frames.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path

import bpy
import cv2
import numpy as np
from mathutils import Vector
from pycocotools import mask as rle

os.environ["OPENCV_IO_ENABLE_OPENEXR"] = "1"  # read at the first EXR

SIZE_PX = 320
OBJECTS = 12
WARM_UP_FRAMES = 2


def set_up(samples: int, out: Path) -> bpy.types.Node:
    """Renderer, passes and the file output node, which is returned."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene, layer = bpy.context.scene, bpy.context.view_layer
    scene.render.engine = "CYCLES"
    scene.render.resolution_x = scene.render.resolution_y = SIZE_PX
    scene.view_settings.view_transform = "Standard"
    scene.render.image_settings.file_format = "PNG"
    cycles = scene.cycles
    cycles.samples, cycles.use_denoising = samples, True
    cycles.max_bounces, cycles.diffuse_bounces, cycles.glossy_bounces = 3, 3, 0
    layer.use_pass_object_index = layer.use_pass_z = True
    tree = bpy.data.node_groups.new("passes", "CompositorNodeTree")
    scene.compositing_node_group = tree
    layers = tree.nodes.new("CompositorNodeRLayers")
    files = tree.nodes.new("CompositorNodeOutputFile")
    files.format.media_type, files.format.file_format = "IMAGE", "OPEN_EXR"
    files.format.color_depth = "32"
    files.directory = str(out)
    for name in ("Object Index", "Depth"):
        files.file_output_items.new("FLOAT", name)
        tree.links.new(layers.outputs[name], files.inputs[name])
    output = tree.nodes.new("NodeGroupOutput")
    tree.interface.new_socket("Image", in_out="OUTPUT", socket_type="NodeSocketColor")
    tree.links.new(layers.outputs["Image"], output.inputs["Image"])
    return files


def material(rng: np.random.Generator) -> bpy.types.Material:
    """A Principled surface of one colour."""
    made = bpy.data.materials.new("paint")
    shader = made.node_tree.nodes["Principled BSDF"]
    shader.inputs["Base Color"].default_value = (*rng.uniform(0.05, 0.8, 3), 1)
    shader.inputs["Roughness"].default_value = rng.uniform(0.1, 0.8)
    shader.inputs["Metallic"].default_value = float(rng.random() < 0.2)
    return made


def build(rng: np.random.Generator) -> list[str]:
    """A new scene; returns the categories of the objects, whose pass index counts from 1."""
    bpy.ops.object.select_all(action="SELECT")
    bpy.ops.object.delete()
    bpy.ops.outliner.orphans_purge(do_recursive=True)
    makers = {
        "box": lambda r: bpy.ops.mesh.primitive_cube_add(size=1.4 * r),
        "sphere": lambda r: bpy.ops.mesh.primitive_uv_sphere_add(radius=r, segments=40),
        "cylinder": lambda r: bpy.ops.mesh.primitive_cylinder_add(radius=0.7 * r, depth=1.4 * r),
        "cone": lambda r: bpy.ops.mesh.primitive_cone_add(radius1=0.8 * r, depth=1.6 * r),
        "torus": lambda r: bpy.ops.mesh.primitive_torus_add(
            major_radius=0.7 * r, minor_radius=0.25 * r
        ),
        "monkey": lambda r: bpy.ops.mesh.primitive_monkey_add(size=1.4 * r),
    }
    bpy.ops.mesh.primitive_plane_add(size=100)
    bpy.context.object.data.materials.append(material(rng))
    names, places = [], []
    while len(names) < OBJECTS:
        place, radius = rng.uniform(-2, 2, 2), rng.uniform(0.3, 0.6)
        if any(np.hypot(*(place - other)) < radius + reach for other, reach in places):
            continue
        places.append((place, radius))
        names.append(str(rng.choice(list(makers))))
        makers[names[-1]](radius)
        made = bpy.context.object
        made.location = (*place, 0.8 * radius)
        made.rotation_euler = rng.uniform(0, 2 * np.pi, 3)
        made.pass_index = len(names)
        made.data.materials.append(material(rng))
    bpy.ops.object.light_add(type="AREA", location=(3, -2, 6))
    lamp = bpy.context.object
    lamp.data.energy, lamp.data.size = rng.uniform(300, 900), 2
    lamp.rotation_euler = Vector(lamp.location).to_track_quat("Z", "Y").to_euler()
    world = bpy.data.worlds.new("sky")
    world.node_tree.nodes["Background"].inputs["Color"].default_value = (0.2, 0.2, 0.2, 1)
    bpy.context.scene.world = world
    azimuth, elevation = rng.uniform(0, 2 * np.pi), rng.uniform(0.5, 1.2)
    eye = 9 * np.array(
        [
            np.cos(azimuth) * np.cos(elevation),
            np.sin(azimuth) * np.cos(elevation),
            np.sin(elevation),
        ]
    )
    bpy.ops.object.camera_add(location=eye)
    camera = bpy.context.object
    camera.rotation_euler = Vector(eye).to_track_quat("Z", "Y").to_euler()
    camera.data.angle = 0.7
    bpy.context.scene.camera = camera
    return names


def label(ids: np.ndarray, names: list[str], image_id: int, first: int) -> list[dict[str, object]]:
    """COCO annotations of what is visible."""
    annotations: list[dict[str, object]] = []
    for index, name in enumerate(names, start=1):
        mask = np.asfortranarray(ids == index, dtype=np.uint8)
        if not mask.any():
            continue
        encoded = rle.encode(mask)
        annotations.append(
            {
                "id": first + len(annotations),
                "image_id": image_id,
                "category": name,
                "bbox": rle.toBbox(encoded).tolist(),
                "area": int(mask.sum()),
                "segmentation": {"size": encoded["size"], "counts": encoded["counts"].decode()},
                "iscrowd": 0,
            }
        )
    return annotations


def main() -> None:
    """Render and report the rate."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--frames", type=int, default=24)
    parser.add_argument("--samples", type=int, default=4)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    files = set_up(arguments.samples, arguments.out)
    coco: dict[str, list[dict[str, object]]] = {"images": [], "annotations": []}
    started = cpu_started = 0.0
    for frame in range(arguments.frames + WARM_UP_FRAMES):
        if frame == WARM_UP_FRAMES:
            started, cpu_started = time.perf_counter(), time.process_time()
        names = build(np.random.default_rng(frame))
        picture = arguments.out / f"{frame:06}.png"
        files.file_name = f"{frame:06}"
        bpy.context.scene.render.filepath = str(picture)
        bpy.context.scene.cycles.seed = frame
        bpy.ops.render.render(write_still=True)
        (index_file,) = arguments.out.glob(f"{frame:06}*Object Index*.exr")
        flags = cv2.IMREAD_UNCHANGED
        ids = cv2.imread(str(index_file), flags).reshape(SIZE_PX, SIZE_PX, -1)[..., 0]
        ids = ids.astype(np.uint16)
        cv2.imwrite(str(arguments.out / f"{frame:06}.ids.png"), ids)
        coco["images"].append({"id": frame + 1, "file_name": picture.name})
        coco["annotations"] += label(ids, names, frame + 1, len(coco["annotations"]) + 1)
        (arguments.out / "instances.json").write_text(json.dumps(coco))
    rate = 60 * arguments.frames / (time.perf_counter() - started)
    report = {
        "frames_per_min": round(rate, 1),
        "cpu_s": round((time.process_time() - cpu_started) / arguments.frames, 3),
        "annotations": len(coco["annotations"]),
    }
    print(json.dumps(report), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()

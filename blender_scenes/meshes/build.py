"""Meshes scene to bpy data."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import bpy
import cv2
import numpy as np
from mathutils import Matrix

from blender_scenes.blocks.dropping import Body, drop
from blender_scenes.blocks.floors import hang_backdrop, lay_ground
from blender_scenes.blocks.lights import light_up
from blender_scenes.blocks.materials import image_material, painted_material
from blender_scenes.blocks.meshes import mesh_object, picture_mesh
from blender_scenes.blocks.props import set_out
from blender_scenes.meshes.boards import board_picture
from blender_scenes.meshes.prepared import MESH, Facts, blend_file, facts_file
from blender_scenes.meshes.scene import Look, MarkerBoard, MeshesScene, MeshInstance, Other
from pipeline.geometry.camera import Matrix4, matrix4

__all__ = ["build"]


def build(scene: MeshesScene, assets: Mapping[str, Path]) -> MeshesScene:
    """Make the scene; models of its categories carry their instance id, everything else 0.

    Returns:
        The scene, with what fell where it came to rest.
    """
    if scene.falling:
        scene = _fallen(scene)
    light_up(scene.light, files=assets)
    cells = max(256, scene.camera.width_px)
    if scene.ground is not None:
        lowered = np.eye(4)
        lowered[2, 3] = scene.ground_z_m
        lay_ground(
            scene.ground,
            size_m=(scene.ground_m, scene.ground_m),
            cells=cells,
            lit_from_rad=scene.light.azimuth_rad,
            world_from_ground=lowered,
            files=assets,
        )
    if scene.board is not None:
        _lay_board(scene.board, cells=cells)
    if scene.backdrop is not None:
        hang_backdrop(scene.backdrop, scene.camera, distance_m=scene.distance_m, files=assets)
    set_out(scene.things)

    @cache  # those that differ in numbers only share a material
    def plastic() -> bpy.types.Material:
        return painted_material("plastic", finish="plastic")

    models: list[MeshInstance | Other] = [*scene.instances, *scene.others]
    for each in models:
        placed = mesh_object(_surface(each.look), world_from_obj=each.world_from_obj)
        placed.color = (*each.look.colour, each.look.roughness)
        if each.look.finish == "bare":
            for slot in placed.material_slots:
                slot.link, slot.material = "OBJECT", plastic()
        if isinstance(each, MeshInstance):
            placed.pass_index = each.instance_id
    return scene


def _surface(look: Look) -> bpy.types.Mesh:
    # Loaded once in a process: clear_scene leaves what has a fake user.
    name = f"{look.surface} {look.unit_m:g}"
    if (known := bpy.data.meshes.get(name)) is not None:
        return known
    before = {name: set(getattr(bpy.data, name)) for name in ("materials", "images", "node_groups")}
    with bpy.data.libraries.load(str(blend_file(look.surface))) as (_, wanted):
        wanted.meshes = [MESH]
    mesh = wanted.meshes[0]
    mesh.name = name
    if look.unit_m != 1:
        mesh.transform(Matrix.Scale(look.unit_m, 4))
    mesh.use_fake_user = True
    for kind, known_blocks in before.items():
        for block in set(getattr(bpy.data, kind)) - known_blocks:
            block.use_fake_user = True
    return mesh


def _lay_board(board: MarkerBoard, *, cells: int) -> None:
    mesh = picture_mesh("board", width_m=board.side_m, height_m=board.side_m)
    mesh.materials.append(image_material("board", board_picture(board, cells=cells)))
    world_from_board = np.eye(4)
    world_from_board[:3, :3] = cv2.Rodrigues(np.array([0.0, 0.0, board.angle_rad]))[0]
    mesh_object(mesh, world_from_obj=world_from_board)


def _fallen(scene: MeshesScene) -> MeshesScene:
    falling: list[MeshInstance | Other] = [*scene.instances, *scene.others]
    bodies, shifts = [], []
    for each in falling:
        facts = _facts(each.look.surface)
        centre_m = np.array(facts.centre) * each.look.unit_m
        shift = np.eye(4)
        shift[:3, 3] = centre_m
        shifts.append(shift)
        bodies.append(
            Body(
                vertices_m=np.array(facts.hull) * each.look.unit_m - centre_m,
                triangles=np.array(facts.hull_triangles, np.int32),
                world_from_obj=np.array(each.world_from_obj) @ shift,
            )
        )
    poses = [
        matrix4(np.array(pose) @ np.linalg.inv(shift))
        for pose, shift in zip(drop(bodies), shifts, strict=True)
    ]
    count = len(scene.instances)
    return scene.model_copy(
        update={
            "falling": False,
            "instances": tuple(map(_moved, scene.instances, poses[:count])),
            "others": tuple(map(_moved, scene.others, poses[count:])),
        }
    )


def _moved(each: MeshInstance | Other, pose: Matrix4) -> MeshInstance | Other:
    return each.model_copy(update={"world_from_obj": pose})


@cache
def _facts(surface: str) -> Facts:
    return Facts.model_validate_json(facts_file(surface).read_bytes())

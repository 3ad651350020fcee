"""Checkerboard scene to bpy data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import bpy
import numpy as np

from blender_scenes.blocks.colours import Rgb
from blender_scenes.blocks.floors import hang_backdrop
from blender_scenes.blocks.lights import light_up
from blender_scenes.blocks.materials import vertex_material
from blender_scenes.blocks.meshes import face_mesh, mesh_object
from blender_scenes.blocks.props import painted_mesh, set_out
from blender_scenes.blocks.shapes import Shape, joined, moved
from blender_scenes.checkerboard.furniture import furnishing_shape, room_shape
from blender_scenes.checkerboard.people import (
    arm_shape,
    grip_shape,
    person_shape,
    shoulders_m,
    wrist_m,
)
from blender_scenes.checkerboard.scene import Board, CheckerboardScene, Person
from blender_scenes.checkerboard.target import Net, margin_net, plate_net, print_net
from pipeline.geometry.boxes import FloatArray

__all__ = ["build"]

_PAINT = "paint"
_KNEE_M = np.array([0.0, -0.2, -0.5])  # from the shoulder
_CLOTH = (0.12, 0.12, 0.13)  # of a sleeve whose owner is out of the picture


def build(scene: CheckerboardScene, assets: Mapping[str, Path]) -> None:
    """Make the scene; the printed squares carry their instance id, everything else 0."""
    light_up(scene.light, files=assets)
    if scene.backdrop:
        distance_m = float(np.linalg.norm(np.array(scene.camera.world_from_cam)[:3, 3]))
        hang_backdrop(scene.backdrop, scene.camera, distance_m=distance_m, files=assets)
    matt = vertex_material("matt", attribute=_PAINT, finish="matt")
    if surroundings := list(_surroundings(scene)):
        room = painted_mesh("surroundings", joined(surroundings))
        room.materials.append(matt)
        mesh_object(room, world_from_obj=np.eye(4)).color = (1, 1, 1, 1)
    set_out(scene.things)
    glossy = vertex_material("print", attribute=_PAINT, finish="plastic")
    for board in scene.instances:
        paper = matt if board.sheen >= 1 else glossy
        _add_net("print", print_net(board), board, paper, instance_id=board.instance_id)
        if margin := margin_net(board):
            _add_net("margin", margin, board, paper)
        plate = _add_net("plate", plate_net(board), board, matt)
        plate.color = (*board.plate_colour, 1) if board.plate > 0 else (*[board.white] * 3, 1)


def _surroundings(scene: CheckerboardScene) -> Iterator[Shape]:
    # All that is matt and none of the board's is one mesh.
    if scene.room:
        yield room_shape(scene.room)
    yield from map(furnishing_shape, scene.furnishings)
    wrists: list[tuple[FloatArray, Rgb]] = []
    for board in scene.instances:
        world_from_board = np.array(board.world_from_obj)
        for grip in scene.grips:
            yield moved(grip_shape(grip, board), world_from_board)
            if grip.kind != "clip":
                wrist = world_from_board[:3, :3] @ wrist_m(grip, board) + world_from_board[:3, 3]
                wrists.append((wrist, grip.skin))
    if scene.person:
        yield person_shape(scene.person)
        yield from _arms(scene.person, wrists)
    else:  # from so far below that the picture does not show it
        for wrist, skin in wrists:
            shoulder = wrist + np.array([np.sign(wrist[0]) * 0.25, 0.2, -1.2])
            yield arm_shape(shoulder, wrist, sleeve=_CLOTH, skin=skin)


def _arms(person: Person, wrists: list[tuple[FloatArray, Rgb]]) -> Iterator[Shape]:
    # Two of them; what does not hold the board rests on a knee.
    shoulders = shoulders_m(person)
    free = [0, 1]
    for wrist, skin in wrists:
        nearest = min(free or [0, 1], key=lambda k: np.linalg.norm(shoulders[k] - wrist))
        free = [k for k in free if k != nearest]
        yield arm_shape(shoulders[nearest], wrist, sleeve=person.shirt, skin=skin)
    for k in free:
        knee = shoulders[k] + _KNEE_M
        yield arm_shape(shoulders[k], knee, sleeve=person.shirt, skin=person.skin)


def _add_net(
    name: str, net: Net, board: Board, material: bpy.types.Material, *, instance_id: int = 0
) -> bpy.types.Object:
    mesh = face_mesh(name, net.vertices_m, net.quads)
    rgba = np.ones((*net.paint.shape, 4), np.float32)
    rgba[..., :3] = net.paint[..., None]
    mesh.attributes.new(_PAINT, "FLOAT_COLOR", "CORNER").data.foreach_set("color", rgba.ravel())
    mesh.materials.append(material)
    placed = mesh_object(mesh, world_from_obj=board.world_from_obj, instance_id=instance_id)
    placed.color = (1, 1, 1, board.sheen)
    return placed

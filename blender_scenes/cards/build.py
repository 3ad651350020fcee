"""Cards scene to bpy data."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from blender_scenes.blocks.floors import lay_ground
from blender_scenes.blocks.lights import light_up
from blender_scenes.blocks.materials import image_material
from blender_scenes.blocks.meshes import face_mesh, mesh_object
from blender_scenes.blocks.noise import Map
from blender_scenes.blocks.props import set_out
from blender_scenes.cards.deck import THICK_M
from blender_scenes.cards.printing import card_picture, print_picture
from blender_scenes.cards.scene import Bend, CardsScene
from blender_scenes.cards.sheets import PRINT_CORNER_M, Surface, card_surface, sheet_surface
from pipeline.geometry.camera import Camera, Matrix4

__all__ = ["build"]

_GROUND_M = 4.0
_MOST_CELLS = 800  # of the ground: painting it costs as much as rendering it
_FINER = 1.15  # texture over picture: a filter of its own would cost more


def build(scene: CardsScene, assets: Mapping[str, Path]) -> None:
    """Make the scene; labelled cards carry their instance id, everything else 0."""
    light_up(scene.light, files=assets)
    lay_ground(
        scene.ground,
        size_m=(_GROUND_M, _GROUND_M),
        cells=_cells(scene),
        lit_from_rad=scene.light.azimuth_rad,
        files=assets,
    )
    set_out(scene.things)
    for card in scene.instances:
        _place(
            f"card {card.instance_id}",
            card_surface(card.bend, thick_m=THICK_M),
            card_picture(card.look, px_per_mm=_detail(scene.camera, card.world_from_obj)),
            card.world_from_obj,
            roughness=card.look.roughness,
            instance_id=card.instance_id,
        )
    for other in scene.others:
        _place(
            "other card",
            card_surface(other.bend, thick_m=other.thick_m),
            card_picture(other.look, px_per_mm=_detail(scene.camera, other.world_from_card)),
            other.world_from_card,
            roughness=other.look.roughness,
        )
    for cover in scene.prints:
        _place(
            "print",
            sheet_surface(cover.size_m, Bend(), corner_m=PRINT_CORNER_M, thick_m=cover.thick_m),
            print_picture(cover, px_per_mm=_detail(scene.camera, cover.world_from_print)),
            cover.world_from_print,
            roughness=cover.roughness,
        )


def _cells(scene: CardsScene) -> int:
    distance_m = np.array(scene.camera.world_from_cam)[2, 3]
    wanted = scene.ground.tile_m * scene.camera.K[0][0] / max(float(distance_m), 0.01)
    return int(np.clip(wanted, 256, _MOST_CELLS))


def _detail(camera: Camera, world_from_obj: Matrix4) -> float:
    # Pixels of a millimetre.
    distance_m = np.linalg.norm(np.subtract(world_from_obj, camera.world_from_cam)[:3, 3])
    return _FINER * camera.K[0][0] / float(distance_m) / 1000


def _place(
    name: str,
    surface: Surface,
    picture: Map,
    world_from_obj: npt.ArrayLike,
    *,
    roughness: float,
    instance_id: int = 0,
) -> None:
    mesh = face_mesh(name, surface.vertices_m, surface.quads)
    uv = surface.uv[surface.quads.ravel()].astype(np.float32)
    mesh.uv_layers.new(name="uv").data.foreach_set("uv", uv.ravel())
    mesh.materials.append(image_material(name, picture, coat_roughness=roughness))
    mesh_object(mesh, world_from_obj=world_from_obj, instance_id=instance_id)

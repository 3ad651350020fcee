"""Unlabelled things as bpy data."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import cache

import bpy
import numpy as np

from blender_scenes.blocks.clutter import Thing
from blender_scenes.blocks.finishes import Finish
from blender_scenes.blocks.materials import clear_material, vertex_material
from blender_scenes.blocks.meshes import face_mesh, mesh_object
from blender_scenes.blocks.shapes import Shape
from blender_scenes.blocks.things import thing_shape

__all__ = ["painted_mesh", "set_out"]

_PAINT = "paint"


def set_out(things: Iterable[Thing]) -> None:
    """Put unlabelled things into the scene."""

    @cache  # things that differ in numbers only share a material
    def finished(finish: Finish) -> bpy.types.Material:
        return vertex_material(f"thing {finish}", attribute=_PAINT, finish=finish)

    glass = cache(lambda: clear_material("thing glass"))
    for thing in things:
        shape = thing_shape(thing.kind, colour=thing.colour, accent=thing.accent, seed=thing.seed)
        mesh = painted_mesh(thing.kind, replace(shape, vertices_m=thing.scale * shape.vertices_m))
        if thing.kind == "glass":
            mesh.materials.append(glass())
        elif thing.metal:
            mesh.materials.append(finished("metal"))
        else:
            mesh.materials.append(finished("matt" if thing.roughness >= 1 else "plastic"))
        placed = mesh_object(mesh, world_from_obj=thing.world_from_thing)
        placed.color = (1.0, 1.0, 1.0, thing.roughness)


def painted_mesh(name: str, shape: Shape, *, attribute: str = _PAINT) -> bpy.types.Mesh:
    """A mesh with the shape's paint as a vertex attribute, for ``vertex_material``."""
    mesh = face_mesh(name, shape.vertices_m, shape.triangles)
    rgba = np.ones((len(shape.paint), 4), np.float32)
    rgba[:, :3] = shape.paint
    mesh.attributes.new(attribute, "FLOAT_COLOR", "POINT").data.foreach_set("color", rgba.ravel())
    return mesh

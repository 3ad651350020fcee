"""A sampled sheet of digits as bpy data."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import bpy
import numpy as np

from blender_scenes.blocks.meshes import face_mesh, mesh_object, picture_mesh
from blender_scenes.digits.family import DigitsScene, Glyph
from blender_scenes.digits.fonts import FONTS, find_font
from blender_scenes.digits.outlines import FlatMesh, font_glyph, stroke_glyph

__all__ = ["build", "glyph_mesh"]


def build(scene: DigitsScene, assets: Mapping[str, Path]) -> None:
    """Put paper and glyphs into the current Blender scene."""
    lit = _lit_material(scene)
    paper = picture_mesh("paper", width_m=scene.sheet_m[0], height_m=scene.sheet_m[1])
    paper.materials.append(lit)
    mesh_object(paper, world_from_obj=np.eye(4)).color = (*scene.paper, 1)
    for glyph in scene.instances:
        flat = glyph_mesh(glyph)
        ink = face_mesh("ink", np.pad(flat.vertices, ((0, 0), (0, 1))), flat.triangles)
        ink.materials.append(lit)
        placed = mesh_object(
            ink, world_from_obj=glyph.world_from_obj, instance_id=glyph.instance_id
        )
        placed.color = (*glyph.ink, 1)


def glyph_mesh(glyph: Glyph) -> FlatMesh:
    """The ink of a glyph in its own frame, metres."""
    if glyph.style not in FONTS:
        return stroke_glyph(glyph)
    return font_glyph(glyph, _font_mesh(glyph.style, glyph.category))


@cache
def _font_mesh(font: str, text: str) -> FlatMesh:
    curve = bpy.data.curves.new(text, "FONT")
    curve.font = bpy.data.fonts.load(str(find_font(font)))
    curve.body = text
    curve.resolution_u = 4
    text_object = bpy.data.objects.new(text, curve)
    mesh = text_object.to_mesh()
    mesh.calc_loop_triangles()
    vertices = np.empty(len(mesh.vertices) * 3, np.float32)
    mesh.vertices.foreach_get("co", vertices)
    triangles = np.empty(len(mesh.loop_triangles) * 3, np.int32)
    mesh.loop_triangles.foreach_get("vertices", triangles)
    bpy.data.batch_remove([text_object, curve, curve.font])
    return FlatMesh(
        vertices=vertices.reshape(-1, 3)[:, :2].astype(np.float64),
        triangles=triangles.reshape(-1, 3),
    )


def _lit_material(scene: DigitsScene) -> bpy.types.Material:
    # Reflected light as emission: a flat matte sheet under a soft lamp, without noise at any
    # number of samples.
    material = bpy.data.materials.new("lit")
    nodes, links = material.node_tree.nodes, material.node_tree.links
    nodes.clear()
    position = nodes.new("ShaderNodeNewGeometry")
    slope = nodes.new("ShaderNodeVectorMath")
    slope.operation = "DOT_PRODUCT"
    slope.inputs[1].default_value = (*scene.light_slope_per_m, 0.0)
    strength = nodes.new("ShaderNodeMath")
    strength.operation = "MULTIPLY_ADD"
    strength.inputs[1].default_value = scene.light
    strength.inputs[2].default_value = scene.light
    reflectance = nodes.new("ShaderNodeObjectInfo")
    emission = nodes.new("ShaderNodeEmission")
    output = nodes.new("ShaderNodeOutputMaterial")
    links.new(position.outputs["Position"], slope.inputs[0])
    links.new(slope.outputs["Value"], strength.inputs[0])
    links.new(reflectance.outputs["Color"], emission.inputs["Color"])
    links.new(strength.outputs["Value"], emission.inputs["Strength"])
    links.new(emission.outputs["Emission"], output.inputs["Surface"])
    return material

"""A sampled sheet of digits as bpy data."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from mathutils import Matrix

from blender_scenes.digits.family import Colour, DigitsScene, Glyph
from blender_scenes.digits.fonts import FONTS, find_font
from blender_scenes.digits.outlines import FlatMesh, font_glyph, stroke_glyph

__all__ = ["build", "glyph_mesh"]


def build(scene: DigitsScene, assets: Mapping[str, Path]) -> None:
    """Put paper and glyphs into the current Blender scene."""
    collection = bpy.context.scene.collection
    lit = _lit_material(scene)
    width_m, height_m = scene.sheet_m
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) / 2 * [width_m, height_m]
    paper = FlatMesh(vertices=corners, triangles=np.array([[0, 1, 2], [0, 2, 3]], np.int32))
    collection.objects.link(_object("paper", paper, lit, scene.paper))
    for glyph in scene.instances:
        ink = _object(f"glyph {glyph.instance_id}", glyph_mesh(glyph), lit, glyph.ink)
        ink.pass_index = glyph.instance_id
        ink.matrix_world = Matrix(glyph.world_from_obj)
        collection.objects.link(ink)


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


def _object(name: str, flat: FlatMesh, material: Any, reflectance: Colour) -> Any:  # noqa: ANN401
    mesh = bpy.data.meshes.new(name)
    count = len(flat.triangles)
    mesh.vertices.add(len(flat.vertices))
    mesh.loops.add(3 * count)
    mesh.polygons.add(count)
    mesh.vertices.foreach_set(
        "co", np.pad(flat.vertices, ((0, 0), (0, 1))).astype(np.float32).ravel()
    )
    mesh.loops.foreach_set("vertex_index", flat.triangles.ravel())
    mesh.polygons.foreach_set("loop_start", np.arange(0, 3 * count, 3, dtype=np.int32))
    mesh.update(calc_edges=True)
    mesh.materials.append(material)
    flat_object = bpy.data.objects.new(name, mesh)
    flat_object.color = (*reflectance, 1.0)
    return flat_object


def _lit_material(scene: DigitsScene) -> Any:  # noqa: ANN401 - bpy has no types
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

"""Surfaces from as few closures as they need: what a shader costs, every sample pays."""

from __future__ import annotations

import bpy
import numpy as np
import numpy.typing as npt

__all__ = ["image_material", "plain_material", "vertex_metal"]


def plain_material(name: str, colour: tuple[float, float, float]) -> bpy.types.Material:
    """A matt surface of one colour (linear RGB reflectance)."""
    material, matt = _matt(name)
    matt.inputs["Color"].default_value = (*colour, 1)
    return material


def image_material(name: str, linear_rgb: npt.NDArray[np.float32]) -> bpy.types.Material:
    """A matt surface with a picture over the UV square, mirrored beyond it.

    Args:
        name: Of material and image.
        linear_rgb: (N, M, 3) reflectance, row 0 at v = 1.
    """
    material, matt = _matt(name)
    nodes, links = material.node_tree.nodes, material.node_tree.links
    height, width, _ = linear_rgb.shape
    image = bpy.data.images.new(name, width, height, float_buffer=True, is_data=True)
    pixels = np.ones((height, width, 4), np.float32)
    pixels[..., :3] = linear_rgb[::-1]
    image.pixels.foreach_set(pixels.ravel())
    texture = nodes.new("ShaderNodeTexImage")
    texture.image, texture.extension = image, "MIRROR"
    links.new(texture.outputs["Color"], matt.inputs["Color"])
    return material


def vertex_metal(name: str, *, attribute: str) -> bpy.types.Material:
    """Metal whose colour is a vertex attribute, a mix of a matt and a glossy surface.

    Red and green of ``Object.color`` are the share that is glossy and its roughness, so that
    one material serves all objects.
    """
    material, matt = _matt(name)
    nodes, links = material.node_tree.nodes, material.node_tree.links
    colour = nodes.new("ShaderNodeAttribute")
    colour.attribute_name = attribute
    setting = nodes.new("ShaderNodeSeparateColor")
    links.new(nodes.new("ShaderNodeObjectInfo").outputs["Color"], setting.inputs["Color"])
    gloss = nodes.new("ShaderNodeBsdfAnisotropic")
    mix = nodes.new("ShaderNodeMixShader")
    for shader in (matt, gloss):
        links.new(colour.outputs["Color"], shader.inputs["Color"])
    links.new(setting.outputs["Green"], gloss.inputs["Roughness"])
    links.new(setting.outputs["Red"], mix.inputs["Fac"])
    links.new(matt.outputs["BSDF"], mix.inputs[1])
    links.new(gloss.outputs["BSDF"], mix.inputs[2])
    links.new(mix.outputs["Shader"], nodes["Material Output"].inputs["Surface"])
    return material


def _matt(name: str) -> tuple[bpy.types.Material, bpy.types.ShaderNode]:
    # A material and the diffuse shader on its output.
    material = bpy.data.materials.new(name)
    nodes, links = material.node_tree.nodes, material.node_tree.links
    nodes.remove(nodes["Principled BSDF"])
    matt = nodes.new("ShaderNodeBsdfDiffuse")
    links.new(matt.outputs["BSDF"], nodes["Material Output"].inputs["Surface"])
    return material, matt

"""Surfaces."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np
import numpy.typing as npt

__all__ = ["image_material", "plain_material", "vertex_metal"]


def plain_material(name: str, colour: tuple[float, float, float], roughness: float) -> Any:  # noqa: ANN401
    """One colour, not metallic."""
    material, shader = _principled(name)
    shader.inputs["Base Color"].default_value = (*colour, 1)
    shader.inputs["Roughness"].default_value = roughness
    return material


def image_material(name: str, linear_rgb: npt.NDArray[np.float32], *, roughness: float) -> Any:  # noqa: ANN401
    """A picture over the UV square.

    Args:
        name: Of material and image.
        linear_rgb: (N, M, 3) reflectance, row 0 at v = 1.
        roughness: Everywhere.
    """
    material, shader = _principled(name)
    height, width, _ = linear_rgb.shape
    image = bpy.data.images.new(name, width, height, float_buffer=True, is_data=True)
    pixels = np.ones((height, width, 4), np.float32)
    pixels[..., :3] = linear_rgb[::-1]
    image.pixels.foreach_set(pixels.ravel())
    image.pack()
    texture = material.node_tree.nodes.new("ShaderNodeTexImage")
    texture.image, texture.extension = image, "MIRROR"
    material.node_tree.links.new(texture.outputs["Color"], shader.inputs["Base Color"])
    shader.inputs["Roughness"].default_value = roughness
    shader.inputs["Specular IOR Level"].default_value = 0.15
    return material


def vertex_metal(name: str, *, attribute: str) -> Any:  # noqa: ANN401
    """Metal whose colour is a vertex attribute; ``Object.color`` holds (metallic, roughness)."""
    material, shader = _principled(name)
    nodes, links = material.node_tree.nodes, material.node_tree.links
    colour = nodes.new("ShaderNodeAttribute")
    colour.attribute_name = attribute
    info = nodes.new("ShaderNodeObjectInfo")
    parts = nodes.new("ShaderNodeSeparateColor")
    links.new(colour.outputs["Color"], shader.inputs["Base Color"])
    links.new(info.outputs["Color"], parts.inputs["Color"])
    links.new(parts.outputs["Red"], shader.inputs["Metallic"])
    links.new(parts.outputs["Green"], shader.inputs["Roughness"])
    return material


def _principled(name: str) -> tuple[Any, Any]:
    material = bpy.data.materials.new(name)
    material.use_nodes = True
    return material, material.node_tree.nodes["Principled BSDF"]

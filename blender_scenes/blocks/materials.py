"""Surfaces from as few closures as they need: what a shader costs, every sample pays."""

from __future__ import annotations

import bpy
import numpy as np
import numpy.typing as npt

from blender_scenes.blocks.finishes import Finish

__all__ = [
    "clear_material",
    "glowing_material",
    "image_material",
    "lamp_material",
    "painted_material",
    "plain_material",
    "vertex_material",
    "vertex_metal",
]


def plain_material(name: str, colour: tuple[float, float, float]) -> bpy.types.Material:
    """A matt surface of one colour (linear RGB reflectance)."""
    material, matt = _matt(name)
    matt.inputs["Color"].default_value = (*colour, 1)
    return material


def image_material(
    name: str, linear_rgb: npt.NDArray[np.float32], *, coat_roughness: float = 0.0
) -> bpy.types.Material:
    """A surface with a picture over the UV square, mirrored beyond it.

    Args:
        name: Of material and image.
        linear_rgb: (N, M, 3) reflectance, row 0 at v = 1.
        coat_roughness: Of a clear coat; 0 is matt, without one.
    """
    material, matt = _matt(name)
    links = material.node_tree.links
    links.new(_picture(material, linear_rgb).outputs["Color"], matt.inputs["Color"])
    if coat_roughness > 0:
        _coat(material, matt).inputs["Roughness"].default_value = coat_roughness
    return material


def glowing_material(name: str, linear_rgb: npt.NDArray[np.float32]) -> bpy.types.Material:
    """A picture that is as bright as it says whatever light there is; like ``image_material``."""
    material, matt = _matt(name)
    nodes, links = material.node_tree.nodes, material.node_tree.links
    glow = nodes.new("ShaderNodeEmission")
    links.new(_picture(material, linear_rgb).outputs["Color"], glow.inputs["Color"])
    links.new(glow.outputs["Emission"], nodes["Material Output"].inputs["Surface"])
    nodes.remove(matt)
    material.cycles.emission_sampling = "NONE"
    return material


def lamp_material(name: str, radiance: tuple[float, float, float]) -> bpy.types.Material:
    """A surface that lights what is around it; linear RGB, W / (m^2 sr)."""
    material, matt = _matt(name)
    nodes, links = material.node_tree.nodes, material.node_tree.links
    glow = nodes.new("ShaderNodeEmission")
    glow.inputs["Color"].default_value = (*radiance, 1)
    links.new(glow.outputs["Emission"], nodes["Material Output"].inputs["Surface"])
    nodes.remove(matt)
    return material


def vertex_material(name: str, *, attribute: str, finish: Finish) -> bpy.types.Material:
    """A surface whose colour is a vertex attribute times each object's own.

    Red, green and blue of ``Object.color`` tint the attribute, alpha is the gloss's roughness,
    so that one material serves all objects of a finish.
    """
    material, matt = _matt(name)
    nodes, links = material.node_tree.nodes, material.node_tree.links
    paint = nodes.new("ShaderNodeObjectInfo")
    colour = nodes.new("ShaderNodeAttribute")
    colour.attribute_name = attribute
    tinted = nodes.new("ShaderNodeVectorMath")
    tinted.operation = "MULTIPLY"
    links.new(colour.outputs["Color"], tinted.inputs[0])
    links.new(paint.outputs["Color"], tinted.inputs[1])
    return _finished(material, matt, finish, tinted.outputs["Vector"], paint.outputs["Alpha"])


def clear_material(name: str) -> bpy.types.Material:
    """Thin glass or clear plastic that light passes straight, tinted and glossy as painted ones.

    Brighter at grazing angles; nothing is bent, so that it costs no more than a mirror.
    """
    material, matt = _matt(name)
    nodes, links = material.node_tree.nodes, material.node_tree.links
    paint = nodes.new("ShaderNodeObjectInfo")
    clear = nodes.new("ShaderNodeBsdfTransparent")
    links.new(paint.outputs["Color"], clear.inputs["Color"])
    links.new(paint.outputs["Alpha"], _coat(material, clear).inputs["Roughness"])
    nodes.remove(matt)
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


def painted_material(name: str, *, finish: Finish, spots_per_m: float = 0.0) -> bpy.types.Material:
    """A surface whose colour and roughness are each object's own.

    Red, green and blue of ``Object.color`` are the reflectance, alpha is the gloss's roughness,
    so that one material serves all objects of a finish.

    Args:
        name: Of the material.
        finish: Matt; matt under a clear coat; bare metal; or, like wax, half of the light
            going through, under a clear coat.
        spots_per_m: Noise that makes it brighter and darker, how fine; 0 is none. Its place
            comes from the object's property ``grain``.
    """
    material, matt = _matt(name)
    paint = material.node_tree.nodes.new("ShaderNodeObjectInfo")
    colour = paint.outputs["Color"]
    if spots_per_m > 0:
        colour = _mottled(material, colour, spots_per_m)
    return _finished(material, matt, finish, colour, paint.outputs["Alpha"])


def _mottled(
    material: bpy.types.Material, colour: bpy.types.NodeSocket, spots_per_m: float
) -> bpy.types.NodeSocket:
    nodes, links = material.node_tree.nodes, material.node_tree.links
    place = nodes.new("ShaderNodeTexCoord").outputs["Object"]
    grain = nodes.new("ShaderNodeAttribute")
    grain.attribute_type, grain.attribute_name = "OBJECT", "grain"
    shifted = nodes.new("ShaderNodeVectorMath")
    shifted.operation = "ADD"
    links.new(place, shifted.inputs[0])
    links.new(grain.outputs["Fac"], shifted.inputs[1])
    noise = nodes.new("ShaderNodeTexNoise")
    noise.inputs["Scale"].default_value = spots_per_m
    noise.inputs["Detail"].default_value = 1.0  # every octave is paid for in every sample
    links.new(shifted.outputs["Vector"], noise.inputs["Vector"])
    # Noise is around 0.5 +- 0.15: between half and 1.1 times the colour.
    strength = nodes.new("ShaderNodeMapRange")
    strength.inputs["From Min"].default_value, strength.inputs["From Max"].default_value = 0.3, 0.7
    strength.inputs["To Min"].default_value, strength.inputs["To Max"].default_value = 0.5, 1.1
    links.new(noise.outputs["Fac"], strength.inputs["Value"])
    scaled = nodes.new("ShaderNodeVectorMath")
    scaled.operation = "SCALE"
    links.new(colour, scaled.inputs[0])
    links.new(strength.outputs["Result"], scaled.inputs["Scale"])
    return scaled.outputs["Vector"]


def _picture(
    material: bpy.types.Material, linear_rgb: npt.NDArray[np.float32]
) -> bpy.types.ShaderNode:
    # A mirrored texture; row 0 of the picture is at v = 1.
    height, width, _ = linear_rgb.shape
    image = bpy.data.images.new(material.name, width, height, float_buffer=True, is_data=True)
    pixels = np.ones((height, width, 4), np.float32)
    pixels[..., :3] = linear_rgb[::-1]
    image.pixels.foreach_set(pixels.ravel())
    texture = material.node_tree.nodes.new("ShaderNodeTexImage")
    texture.image, texture.extension = image, "MIRROR"
    return texture


def _finished(
    material: bpy.types.Material,
    matt: bpy.types.ShaderNode,
    finish: Finish,
    colour: bpy.types.NodeSocket,
    roughness: bpy.types.NodeSocket,
) -> bpy.types.Material:
    nodes, links = material.node_tree.nodes, material.node_tree.links
    links.new(colour, matt.inputs["Color"])
    if finish == "metal":
        gloss = nodes.new("ShaderNodeBsdfAnisotropic")
        links.new(roughness, gloss.inputs["Roughness"])
        links.new(colour, gloss.inputs["Color"])
        links.new(gloss.outputs["BSDF"], nodes["Material Output"].inputs["Surface"])
        nodes.remove(matt)
        return material
    body = matt
    if finish == "translucent":
        through = nodes.new("ShaderNodeBsdfTranslucent")
        links.new(colour, through.inputs["Color"])
        body = nodes.new("ShaderNodeMixShader")
        links.new(matt.outputs["BSDF"], body.inputs[1])
        links.new(through.outputs["BSDF"], body.inputs[2])
    if finish != "matt":
        links.new(roughness, _coat(material, body).inputs["Roughness"])
    return material


def _coat(material: bpy.types.Material, body: bpy.types.ShaderNode) -> bpy.types.ShaderNode:
    # Puts a clear coat over a shader; returns the coat's.
    nodes, links = material.node_tree.nodes, material.node_tree.links
    gloss = nodes.new("ShaderNodeBsdfAnisotropic")
    gloss.inputs["Color"].default_value = (1, 1, 1, 1)
    fresnel = nodes.new("ShaderNodeFresnel")
    mix = nodes.new("ShaderNodeMixShader")
    links.new(fresnel.outputs["Fac"], mix.inputs["Fac"])
    links.new(body.outputs[0], mix.inputs[1])
    links.new(gloss.outputs["BSDF"], mix.inputs[2])
    links.new(mix.outputs["Shader"], nodes["Material Output"].inputs["Surface"])
    return gloss


def _matt(name: str) -> tuple[bpy.types.Material, bpy.types.ShaderNode]:
    # A material and the diffuse shader on its output.
    material = bpy.data.materials.new(name)
    nodes, links = material.node_tree.nodes, material.node_tree.links
    nodes.remove(nodes["Principled BSDF"])
    matt = nodes.new("ShaderNodeBsdfDiffuse")
    links.new(matt.outputs["BSDF"], nodes["Material Output"].inputs["Surface"])
    return material, matt

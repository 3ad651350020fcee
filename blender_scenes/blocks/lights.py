"""Lamps and the light from all around, in units of a white surface's brightness."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import bpy
import numpy as np
import numpy.typing as npt
from mathutils import Vector

from blender_scenes.blocks.lighting import Lamp, Light
from blender_scenes.blocks.materials import lamp_material
from blender_scenes.blocks.meshes import face_mesh, mesh_object
from blender_scenes.blocks.noise import Map
from blender_scenes.blocks.pictures import read_panorama
from blender_scenes.blocks.worlds import World, bake_world, fitted_world
from pipeline.records.scene import Vector3

__all__ = ["area_lamp", "even_sky", "hang_lamp", "light_up", "surround"]

_MAP_PX = 128  # an importance map of this width costs nothing and finds every softbox
_DIODES = 48  # of a ring
_DIODE_SIZE = 0.03  # side over the ring's diameter: half of the way to the next
_EVEN_ENOUGH = 6.0  # brightest over mean: below, sampling by brightness gains nothing
_NO_FILES: Mapping[str, Path] = MappingProxyType({})


def light_up(light: Light, *, files: Mapping[str, Path] = _NO_FILES) -> None:
    """Put all light of a scene into it.

    Args:
        light: As drawn.
        files: The family's assets, where the world is one of them.
    """
    surround(light.world, files=files)
    for lamp in light.lamps:
        hang_lamp(lamp)


def surround(world: World, *, files: Mapping[str, Path] = _NO_FILES) -> None:
    """Make a world; ``files`` has its picture if it needs one."""
    if world.kind == "even":
        _even(bake_world(world, height=2)[0, 0])  # the same in every direction
    elif world.kind == "picture":
        _panorama(fitted_world(world, read_panorama(files[world.picture])))
    else:
        _panorama(bake_world(world))


def hang_lamp(lamp: Lamp) -> None:
    """Put one lamp into the scene."""
    if lamp.kind == "ring":
        _ring(lamp)
        return
    if lamp.kind == "area":
        area_lamp(
            position_m=lamp.position_m,
            target_m=lamp.target_m,
            size_m=lamp.size_m,
            irradiance=lamp.irradiance,
            colour=lamp.colour,
        )
        return
    spot = bpy.data.lights.new("spot", "SPOT")
    spot.shadow_soft_size, spot.color = lamp.size_m / 2, lamp.colour
    spot.spot_size, spot.spot_blend = lamp.cone_rad, 0.4
    offset = np.subtract(lamp.position_m, lamp.target_m)
    # A ball of power P gives P cos(theta) / (4 pi d^2).
    distance_m = float(np.linalg.norm(offset))
    spot.energy = math.pi * lamp.irradiance * 4 * math.pi * distance_m**3 / float(offset[2])
    _aim(bpy.data.objects.new("spot", spot), lamp.position_m, lamp.target_m)


def area_lamp(
    *,
    position_m: tuple[float, float, float],
    size_m: float,
    irradiance: float,
    colour: tuple[float, float, float],
    target_m: Vector3 = (0.0, 0.0, 0.0),
) -> None:
    """A round lamp that looks at a point below it.

    Round, since Cycles samples a disk in a tenth less time than a square, with equal noise.

    Args:
        position_m: Of its middle.
        size_m: Side of a square of the same area.
        irradiance: On a level surface at that point; 1 shows a white one at full scale.
        colour: Linear RGB.
        target_m: The point.
    """
    lamp = bpy.data.lights.new("lamp", "AREA")
    lamp.shape, lamp.size, lamp.color = "DISK", 2 / math.sqrt(math.pi) * size_m, colour
    offset = np.subtract(position_m, target_m)
    # A small Lambertian lamp of power P gives P cos(theta) / (pi d^2).
    distance_m = float(np.linalg.norm(offset))
    lamp.energy = math.pi * irradiance * math.pi * distance_m**3 / float(offset[2])
    _aim(bpy.data.objects.new("lamp", lamp), position_m, target_m)


def _ring(lamp: Lamp) -> None:
    # Diodes are small and bright: what is smooth mirrors them as a dashed line. One mesh, since
    # that many lamps would need a light tree: a frame of dice would take a third longer.
    axis = Vector(np.subtract(lamp.position_m, lamp.target_m))
    turn = axis.to_track_quat("Z", "Y").to_matrix()
    radius_m, half_m = lamp.size_m / 2, _DIODE_SIZE * lamp.size_m / 2
    angles = np.arange(_DIODES) * 2 * np.pi / _DIODES
    middles = radius_m * np.stack([np.cos(angles), np.sin(angles), np.zeros(_DIODES)], axis=1)
    corners = half_m * np.array([[-1, -1, 0], [-1, 1, 0], [1, 1, 0], [1, -1, 0]])  # facing down
    vertices_m = (middles[:, None] + corners).reshape(-1, 3)
    mesh = face_mesh("ring", vertices_m, np.arange(len(vertices_m), dtype=np.int32).reshape(-1, 4))
    distance_m, area_m2 = axis.length, _DIODES * (2 * half_m) ** 2
    # Diodes of radiance L give L A cos(theta) H / d^3, seen at d from H below their plane.
    slant_m = math.hypot(distance_m, radius_m)
    level = axis.z * distance_m * area_m2 / slant_m**4
    red, green, blue = (channel * math.pi * lamp.irradiance / level for channel in lamp.colour)
    mesh.materials.append(lamp_material("diodes", (red, green, blue)))
    world_from_ring = np.eye(4)
    world_from_ring[:3, :3], world_from_ring[:3, 3] = turn, lamp.position_m
    mesh_object(mesh, world_from_obj=world_from_ring)


def even_sky(radiance: float) -> None:
    """Light of equal brightness from everywhere; 1 alone shows a white surface at full scale."""
    _even(np.full(3, radiance))


def _even(radiance: npt.NDArray[np.floating[Any]]) -> None:
    world = bpy.data.worlds.new("sky")
    background = world.node_tree.nodes["Background"]
    background.inputs["Color"].default_value = (*(float(channel) for channel in radiance), 1)
    background.inputs["Strength"].default_value = 1.0
    world.cycles.sampling_method = "NONE"  # an importance map costs more than it brings
    bpy.context.scene.world = world


def _panorama(light: Map) -> None:
    height, width, _ = light.shape
    world = bpy.data.worlds.new("surroundings")
    image = bpy.data.images.new("surroundings", width, height, float_buffer=True, is_data=True)
    pixels = np.ones((height, width, 4), np.float32)
    pixels[..., :3] = light[::-1]
    image.pixels.foreach_set(pixels.ravel())
    nodes, links = world.node_tree.nodes, world.node_tree.links
    texture = nodes.new("ShaderNodeTexEnvironment")
    texture.image = image
    links.new(texture.outputs["Color"], nodes["Background"].inputs["Color"])
    if float(light.max()) > _EVEN_ENOUGH * float(light.mean()):
        world.cycles.sampling_method = "MANUAL"
        world.cycles.sample_map_resolution = _MAP_PX
    else:
        world.cycles.sampling_method = "NONE"
    bpy.context.scene.world = world


def _aim(lamp_object: bpy.types.Object, position_m: Vector3, target_m: Vector3) -> None:
    place = Vector(position_m)
    lamp_object.location = place
    lamp_object.rotation_euler = (place - Vector(target_m)).to_track_quat("Z", "Y").to_euler()
    bpy.context.scene.collection.objects.link(lamp_object)

"""Shapes varied by a geometry-nodes tree, whatever mesh they come from."""

from __future__ import annotations

import bpy

__all__ = ["vary_shape"]

_TREE = "lumps"


def vary_shape(obj: bpy.types.Object, *, lumps_m: float, pitch_m: float, seed: int) -> None:
    """Raise and sink a mesh's surface along its normals by smooth noise.

    Named points of the surface move with it: what is labelled by keypoints wants lumps smaller
    than their sigmas. Objects share one tree.

    Args:
        obj: A mesh object with vertices closer together than the lumps; edges that have their
            points twice come apart.
        lumps_m: Half of the most by which the surface moves, in the object's frame.
        pitch_m: From one lump to the next.
        seed: Of where they are.
    """
    tree = bpy.data.node_groups.get(_TREE) or _lumps()
    modifier = obj.modifiers.new(_TREE, "NODES")
    modifier.node_group = tree
    values = {"Lumps": lumps_m, "Per metre": 1 / pitch_m, "Seed": float(seed % 1000)}
    for name, value in values.items():
        modifier[tree.interface.items_tree[name].identifier] = value


def _lumps() -> bpy.types.NodeTree:
    tree = bpy.data.node_groups.new(_TREE, "GeometryNodeTree")
    sockets = tree.interface
    sockets.new_socket("Geometry", in_out="INPUT", socket_type="NodeSocketGeometry")
    for name in ("Lumps", "Per metre", "Seed"):
        sockets.new_socket(name, in_out="INPUT", socket_type="NodeSocketFloat")
    sockets.new_socket("Surface", in_out="OUTPUT", socket_type="NodeSocketGeometry")
    nodes, links = tree.nodes, tree.links
    given, result = nodes.new("NodeGroupInput"), nodes.new("NodeGroupOutput")
    noise = nodes.new("ShaderNodeTexNoise")
    noise.noise_dimensions = "4D"
    noise.inputs["Detail"].default_value = 1.0
    links.new(given.outputs["Per metre"], noise.inputs["Scale"])
    links.new(given.outputs["Seed"], noise.inputs["W"])
    # Noise in 0 ... 1 to heights around 0.
    height = nodes.new("ShaderNodeMath")
    height.operation = "MULTIPLY_ADD"
    height.inputs[1].default_value, height.inputs[2].default_value = 2.0, -1.0
    links.new(noise.outputs["Fac"], height.inputs[0])
    scaled = nodes.new("ShaderNodeMath")
    scaled.operation = "MULTIPLY"
    links.new(height.outputs["Value"], scaled.inputs[0])
    links.new(given.outputs["Lumps"], scaled.inputs[1])
    along = nodes.new("ShaderNodeVectorMath")
    along.operation = "SCALE"
    links.new(nodes.new("GeometryNodeInputNormal").outputs["Normal"], along.inputs[0])
    links.new(scaled.outputs["Value"], along.inputs["Scale"])
    moved = nodes.new("GeometryNodeSetPosition")
    links.new(given.outputs["Geometry"], moved.inputs["Geometry"])
    links.new(along.outputs["Vector"], moved.inputs["Offset"])
    links.new(moved.outputs["Geometry"], result.inputs["Surface"])
    return tree

"""The child that reads models: ``python -m blender_scenes.meshes.preparation REPLIES_FD``.

Reads :class:`Preparation` lines on stdin. Needs bpy. Nothing that a model brings is run: a
``.blend`` is appended from, not opened, with scripts switched off, and its drivers and animation
are taken off before anything is evaluated.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import numpy.typing as npt
from mathutils import Matrix
from scipy.spatial import ConvexHull

from blender_scenes.blocks.materials import painted_material, vertex_material
from blender_scenes.meshes.prepared import (
    MESH,
    Facts,
    Finish,
    Preparation,
    PreparationReply,
)
from pipeline.formats.storage import write_text_atomic
from pipeline.geometry.boxes import FloatArray

__all__ = ["prepare_model"]

_LONGEST_PX = 2048
_SHARP_RAD = 0.7  # between faces of what comes without normals of its own
_YUP_FROM_BLENDER = Matrix(((1, 0, 0, 0), (0, 0, 1, 0), (0, -1, 0, 0), (0, 0, 0, 1)))
_AS_IT_IS = {"forward_axis": "Y", "up_axis": "Z", "global_scale": 1.0}


def prepare_model(order: Preparation) -> Facts:
    """Bring one model into our form, in its file's axes and unit.

    Raises:
        ValueError: Saying what is wrong with it.
    """
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.context.preferences.filepaths.use_scripts_auto_execute = False
    suffix = order.path.suffix.lower()
    try:
        _READERS[suffix](str(order.path))
    except (RuntimeError, OSError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise ValueError(f"Blender cannot read it ({_first_line(error)})") from error
    _refuse_outside(order.root)
    _stop_everything()
    mesh = _joined(_YUP_FROM_BLENDER if suffix in (".glb", ".gltf") else Matrix.Identity(4))
    finish = _finish(mesh)
    _pack_pictures(mesh)
    facts = _measured(mesh, finish)
    blend = order.cache / f"{order.key}.blend"
    temporary = blend.with_name(f".{blend.name}.{os.getpid()}.tmp")
    bpy.data.libraries.write(str(temporary), {mesh}, fake_user=True, compress=True)
    temporary.replace(blend)
    write_text_atomic(order.cache / f"{order.key}.json", facts.model_dump_json())
    return facts


def _first_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__).removeprefix("Error: ")[:200]


def _read_blend(path: str) -> None:
    with bpy.data.libraries.load(path) as (there, wanted):
        wanted.scenes = there.scenes[:1]
        if not there.scenes:
            wanted.objects = there.objects
    if wanted.scenes:
        bpy.context.window.scene = wanted.scenes[0]
        return
    for obj in wanted.objects:
        bpy.context.scene.collection.objects.link(obj)


_READERS: dict[str, Callable[[str], object]] = {
    ".blend": _read_blend,
    ".glb": lambda path: bpy.ops.import_scene.gltf(filepath=path),
    ".gltf": lambda path: bpy.ops.import_scene.gltf(filepath=path),
    ".obj": lambda path: bpy.ops.wm.obj_import(filepath=path, **_AS_IT_IS),
    ".ply": lambda path: bpy.ops.wm.ply_import(filepath=path, **_AS_IT_IS),
    ".stl": lambda path: bpy.ops.wm.stl_import(filepath=path, **_AS_IT_IS),
}


def _refuse_outside(root: Path) -> None:
    for path in bpy.utils.blend_paths(absolute=True, packed=False, local=False):
        if not Path(path).resolve().is_relative_to(root.resolve()):
            raise ValueError(
                f"names {path!r}, which is outside {root}; copy it beside the model and name it "
                "there, or pack it into the file"
            )
    for tree in bpy.data.node_groups:
        if any(node.bl_idname.startswith("GeometryNodeImport") for node in tree.nodes):
            raise ValueError(
                f"node group {tree.name!r} reads files as it is evaluated; apply its modifier"
            )


def _stop_everything() -> None:
    # Drivers and animation: values stay what they were when the file was saved.
    for collection in (getattr(bpy.data, name) for name in dir(bpy.data)):
        if not isinstance(collection, bpy.types.bpy_prop_collection):
            continue
        for block in collection:
            for owner in (block, getattr(block, "node_tree", None)):
                if owner is not None and getattr(owner, "animation_data", None) is not None:
                    owner.animation_data_clear()


def _joined(frame: Matrix) -> bpy.types.Mesh:
    parts = list(_parts(frame))
    if not parts:
        raise ValueError("has no surface that a render would show")
    scene = bpy.data.scenes.new("joined")
    objects = [bpy.data.objects.new("part", part) for part in parts]
    for obj in objects:
        scene.collection.objects.link(obj)
    if len(objects) > 1:
        bpy.context.window.scene = scene
        with bpy.context.temp_override(
            active_object=objects[0], object=objects[0], selected_editable_objects=objects
        ):
            bpy.ops.object.join()
    mesh = objects[0].data
    mesh.name = MESH
    return mesh


def _parts(frame: Matrix) -> Iterator[bpy.types.Mesh]:
    depsgraph = bpy.context.evaluated_depsgraph_get()
    for entry in depsgraph.object_instances:
        shown = entry.object
        # Text, curves and metaballs come twice, the second time as a mesh.
        if shown.type != "MESH" or shown.hide_render or not shown.data.polygons:
            continue
        mesh = bpy.data.meshes.new_from_object(
            shown, preserve_all_data_layers=True, depsgraph=depsgraph
        )
        model_from_part = frame @ entry.matrix_world
        mesh.transform(model_from_part)
        if model_from_part.determinant() < 0:
            mesh.flip_normals()
        for layer in mesh.uv_layers:
            if layer.active_render:
                layer.name = "UVMap"  # one name, or joining would keep them apart
                break
        yield mesh


def _finish(mesh: bpy.types.Mesh) -> Finish:
    if any(material is not None for material in mesh.materials):
        for material in {m.name: m for m in mesh.materials if m is not None}.values():
            _make_tintable(material)
        return "own"
    if not mesh.has_custom_normals:
        mesh.shade_smooth()
        mesh.set_sharp_from_angle(angle=_SHARP_RAD)
    mesh.materials.clear()
    colours = mesh.color_attributes.active_color
    if colours is not None:
        mesh.materials.append(vertex_material("paint", attribute=colours.name, finish="plastic"))
        return "vertex"
    mesh.materials.append(painted_material("plain", finish="plastic"))
    return "bare"


def _make_tintable(material: bpy.types.Material) -> None:
    # Each object's own colour multiplies the material's, its alpha the roughness.
    nodes, links = material.node_tree.nodes, material.node_tree.links
    surfaces = [node for node in nodes if node.type == "BSDF_PRINCIPLED"]
    if not surfaces:
        return
    paint = nodes.new("ShaderNodeObjectInfo")
    for surface in surfaces:
        for name, kind, socket in (
            ("Base Color", "ShaderNodeVectorMath", paint.outputs["Color"]),
            ("Roughness", "ShaderNodeMath", paint.outputs["Alpha"]),
        ):
            target = surface.inputs[name]
            product = nodes.new(kind)
            product.operation = "MULTIPLY"
            if target.is_linked:
                links.new(target.links[0].from_socket, product.inputs[0])
            elif name == "Base Color":
                product.inputs[0].default_value = target.default_value[:3]
            else:
                product.inputs[0].default_value = target.default_value
            if kind == "ShaderNodeMath":
                product.use_clamp = True
            links.new(socket, product.inputs[1])
            links.new(product.outputs[0], target)


def _pack_pictures(mesh: bpy.types.Mesh) -> None:
    for image in _pictures(mesh):
        if image.source not in {"FILE", "TILED"}:
            continue
        width, height = image.size
        if width == 0:
            raise ValueError(f"its picture {image.filepath!r} is missing or cannot be read")
        if max(width, height) > _LONGEST_PX and image.source == "FILE":
            share = _LONGEST_PX / max(width, height)
            image.scale(max(1, round(width * share)), max(1, round(height * share)))
        if image.packed_file is None or image.is_dirty:
            image.pack()


def _pictures(mesh: bpy.types.Mesh) -> set[Any]:
    todo = [material.node_tree for material in mesh.materials if material is not None]
    seen, found = set(), set()
    while todo:
        tree = todo.pop()
        if tree is None or tree in seen:
            continue
        seen.add(tree)
        for node in tree.nodes:
            if node.type == "GROUP":
                todo.append(node.node_tree)
            elif getattr(node, "image", None) is not None:
                found.add(node.image)
    return found


def _measured(mesh: bpy.types.Mesh, finish: Finish) -> Facts:
    vertices = np.empty(3 * len(mesh.vertices), np.float32)
    mesh.vertices.foreach_get("co", vertices)
    points = vertices.reshape(-1, 3).astype(np.float64)
    if not np.isfinite(points).all():
        raise ValueError("has vertices that are no numbers")
    hull, triangles = _hull(points)
    return Facts(
        finish=finish,
        low=tuple(points.min(axis=0).tolist()),
        high=tuple(points.max(axis=0).tolist()),
        centre=tuple(_centre(hull, triangles).tolist()),
        hull=tuple(map(tuple, hull.tolist())),
        hull_triangles=tuple(map(tuple, triangles.tolist())),
        faces=len(mesh.polygons),
    )


def _hull(points: FloatArray) -> tuple[FloatArray, npt.NDArray[np.int64]]:
    size = float(np.ptp(points, axis=0).max())
    if size == 0:
        raise ValueError("is a single point")
    middle = points.mean(axis=0)
    # In units of its size; joggled, so that what is flat has a hull, too.
    hull = ConvexHull((points - middle) / size, qhull_options="QJ")
    numbers = np.full(len(points), -1)
    numbers[hull.vertices] = np.arange(len(hull.vertices))
    return points[hull.vertices], numbers[hull.simplices]


def _centre(hull: FloatArray, triangles: npt.NDArray[np.int64]) -> FloatArray:
    inside = hull.mean(axis=0)
    corners = hull[triangles] - inside
    volumes = np.abs(np.linalg.det(corners))
    if volumes.sum() == 0:
        return np.asarray(inside)
    return np.asarray(
        inside + (volumes[:, None] * corners.sum(axis=1) / 4).sum(axis=0) / volumes.sum()
    )


def main(replies_fd: int) -> None:
    """Prepare model after model."""
    with open(replies_fd, "w", encoding="utf-8", buffering=1) as replies:
        for line in sys.stdin:
            order = Preparation.model_validate_json(line)
            error = None
            try:
                prepare_model(order)
            except ValueError as reason:
                error = f"{_first_line(reason)}."
            replies.write(PreparationReply(key=order.key, error=error).model_dump_json() + "\n")


if __name__ == "__main__":
    exit_code = 1
    try:
        main(int(sys.argv[1]))
        exit_code = 0
    except BaseException as failure:
        sys.stderr.write(f"{type(failure).__name__}: {failure}\n")
    finally:
        sys.stderr.flush()
        os._exit(exit_code)  # bpy can crash at exit after its work is done

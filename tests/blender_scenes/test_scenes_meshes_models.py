"""Models of every format: geometry, units, axes, names, keypoints; what is refused, and how."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from modelling import CORNERS, FORMATS, HIGH, LOW, in_blender, write_bop, write_box, write_boxes

from blender_scenes.meshes.family import MeshesFamily
from blender_scenes.meshes.prepared import Preparation, PreparationReply
from blender_scenes.meshes.references import check_references
from pipeline.errors import BlendgapError, SpecError
from pipeline.specs.document import parse_spec
from pipeline.specs.scene import SceneSpec

SOURCE = Path("spec.yaml")


def family(models: Path, *, categories: list[str] | None = None, **assets: object) -> MeshesFamily:
    document = {"scene": "meshes", "frames": 1, "assets": {"models": str(models)} | assets}
    if categories is not None:
        document["categories"] = categories
    spec = parse_spec(document, SceneSpec, source=SOURCE)
    return MeshesFamily().of(spec, source=SOURCE)


def refusal(models: Path, **assets: object) -> str:
    with pytest.raises(BlendgapError) as caught:
        family(models, **assets)
    message = str(caught.value)
    assert "\n" not in message
    assert caught.value.exit_code == 2
    return message


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    """A home without models in its cache."""
    with pytest.MonkeyPatch.context() as environment:
        home = tmp_path_factory.mktemp("home")
        environment.setenv("HOME", str(home))
        yield home


@pytest.fixture(scope="module")
def boxes(tmp_path_factory):
    return write_boxes(tmp_path_factory.mktemp("boxes"))


def test_a_box_is_where_its_file_says_in_every_format(boxes) -> None:
    made = family(boxes, unit="m")
    assert [model.name for model in made.models] == sorted(f"{name}_box" for name in FORMATS)
    assert made.categories == tuple(model.name for model in made.models)
    for model in made.models:
        np.testing.assert_allclose(model.low_m, LOW, atol=1e-7, err_msg=model.name)
        np.testing.assert_allclose(model.high_m, HIGH, atol=1e-7, err_msg=model.name)
        np.testing.assert_allclose(model.centre_m, (LOW + HIGH) / 2, atol=1e-6)
        # Its standing axis is z, or y by the custom of the format.
        y_up = model.name.startswith(("gl", "obj"))
        np.testing.assert_allclose(model.upright @ [0, y_up, not y_up], [0, 0, 1])
    finishes = {model.name.removesuffix("_box"): model.finish for model in made.models}
    assert finishes == dict.fromkeys(("blend", "glb", "gltf", "obj"), "own") | {
        "ply": "vertex",
        "stl": "bare",
    }
    names = set(made.assets)
    assert names >= {"models/obj_box.mtl", "models/obj_box_paint.png", "models/glb_box.glb"}


def test_a_model_is_prepared_once(boxes, cache) -> None:
    family(boxes, unit="m")
    prepared = {path: path.stat().st_mtime_ns for path in cache.rglob("*.blend")}
    assert len(prepared) == len(FORMATS)
    family(boxes, unit="cm")
    assert {path: path.stat().st_mtime_ns for path in cache.rglob("*.blend")} == prepared


def test_units_and_axes_are_the_spec_s_to_say(tmp_path) -> None:
    models = write_box(tmp_path / "box.stl", scale=100).parent
    message = refusal(models)
    assert "box.stl: is 12 units long" in message
    assert "mm (0.012 m)" in message
    [model] = family(models, unit="cm", up="x").models
    np.testing.assert_allclose(model.high_m, HIGH, atol=1e-7)
    np.testing.assert_allclose(model.upright @ [1, 0, 0], [0, 0, 1])
    assert np.linalg.det(model.upright) == pytest.approx(1)
    assert "is 12 m long; expected 1 mm to 10 m" in refusal(models, unit="m")


def test_bop_models_are_in_mm_and_keep_their_symmetries(tmp_path) -> None:
    made = family(write_bop(tmp_path), names={"obj_000002": "can"})
    assert made.categories == ("can", "obj_000011")
    first = made.models[0]
    np.testing.assert_allclose([first.low_m, first.high_m], [LOW, HIGH], atol=1e-7)
    assert len(first.info["symmetries_discrete"]) == 1
    assert "models/models_info.json" in made.assets
    assert family(tmp_path, categories=["obj_000011"]).categories == ("obj_000011",)
    assert "'obj_000003': no such model" in refusal(tmp_path, names={"obj_000003": "x"}).replace(
        "assets.names.", "'"
    )


def test_files_of_one_name_are_told_apart_by_their_folders(tmp_path) -> None:
    write_box(tmp_path / "mug" / "model.ply")
    write_box(tmp_path / "cup" / "model.ply")
    assert family(tmp_path, unit="m").categories == ("cup/model", "mug/model")
    names = {"cup/model": "vessel", "mug/model": "vessel"}
    made = family(tmp_path, unit="m", names=names)
    assert made.categories == ("vessel",)
    assert len(made.models) == 2
    write_box(tmp_path / "cup" / "model.stl")
    assert "several models are called 'cup/model'" in refusal(tmp_path, unit="m")


def test_keypoints_are_box_corners_z_fastest_and_the_centre(boxes) -> None:
    made = family(boxes, unit="m")
    for model in made.models:
        assert made.keypoints[model.category].names[-1] == "centre"
        expected = np.vstack([CORNERS, CORNERS.mean(axis=0)])
        np.testing.assert_allclose(made.points[model.name], expected, atol=1e-6)


def test_keypoints_come_from_a_file_in_the_model_s_unit(tmp_path) -> None:
    models = write_bop(tmp_path / "models")
    points = tmp_path / "points.json"
    points.write_text(json.dumps({"can": {"lid": [20, 10, 120], "foot": [20, 10, 0]}}))
    names = {"obj_000002": "can"}
    made = family(models, names=names, keypoints=str(points))
    assert {name: layout.names for name, layout in made.keypoints.items()} == {
        "can": ("lid", "foot")
    }
    np.testing.assert_allclose(
        made.points["obj_000002"], [[0.02, 0.01, 0.12], [0.02, 0.01, 0]], atol=1e-12
    )
    assert made.points["obj_000011"] == ()
    assert "keypoints.json" in made.assets
    for document, complaint in (
        ({"cup": {}}, "'cup' is no model and no category; known: can, obj_000002, obj_000011"),
        ({"can": {"lid": [1, 2]}}, "lid: got [1, 2]; expected [x, y, z]"),
        ({"can": [1, 2, 3]}, "can: expected points by name"),
    ):
        points.write_text(json.dumps(document))
        assert complaint in refusal(models, names=names, keypoints=str(points))
    both = {"obj_000002": "can", "obj_000011": "can"}
    points.write_text(json.dumps({"obj_000002": {"lid": [0, 0, 0]}, "obj_000011": {}}))
    assert "points of other names" in refusal(models, names=both, keypoints=str(points))


def test_nothing_in_a_blend_runs(tmp_path) -> None:
    models, ran = tmp_path / "models", tmp_path / "ran"
    models.mkdir()
    path = models / "trap.blend"
    write = f"open({str(ran)!r}, 'a').write('x')"
    in_blender(
        "text = bpy.data.texts.new('startup.py')\n"
        f'text.write("import bpy\\n{write}")\n'
        "text.use_module = True\n"
        "bpy.ops.mesh.primitive_cube_add(size=0.1)\n"
        "box = bpy.context.object\n"
        f'box.driver_add("location", 0).driver.expression = "({write}, 0.5)[1]"\n'
        "material = bpy.data.materials.new('paint')\n"
        "box.data.materials.append(material)\n"
        "value = material.node_tree.nodes['Principled BSDF'].inputs['Roughness']\n"
        f'value.driver_add("default_value").driver.expression = "({write}, 0.5)[1]"\n'
        f"bpy.ops.wm.save_as_mainfile(filepath={str(path)!r})\n"
    )
    ran.unlink(missing_ok=True)
    [model] = family(models).models
    assert not ran.exists()
    np.testing.assert_allclose(model.high_m - model.low_m, 0.1, atol=1e-6)
    # Opened by someone who trusts it, it does run: the trap works.
    in_blender(
        f"bpy.ops.wm.open_mainfile(filepath={str(path)!r}, use_scripts=True)\n"
        "bpy.context.view_layer.update()\n"
    )
    assert ran.exists()


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("box.obj", "mtllib box.mtl", "mtllib ../secret.mtl"),
        ("box.obj", "mtllib box.mtl", "mtllib \\\n ../secret.mtl"),
        ("box.mtl", "map_Kd box_paint.png", "map_Kd -s 1 1 1 ../secret.png"),
        ("box.mtl", "map_Kd box_paint.png", "map_Kd /etc/secret.png"),
        ("box.gltf", '"byteLength": 168}]', '"byteLength": 168, "uri": "../secret.bin"}]'),
        ("box.gltf", '"byteLength": 168}]', '"byteLength": 168, "uri": "%2e%2e/secret.bin"}]'),
        ("box.gltf", '"byteLength": 168}]', '"byteLength": 168, "uri": "http://x.org/a.bin"}]'),
    ],
)
def test_a_model_that_names_files_outside_its_folder_is_refused(
    tmp_path, name, before, after
) -> None:
    models = tmp_path / "models"
    write_box(models / ("box.gltf" if name == "box.gltf" else "box.obj"))
    path = models / name
    text = path.read_text()
    if name == "box.gltf":
        document = json.loads(text)
        del document["buffers"][0]["uri"]
        text = json.dumps(document)
    assert before in text
    path.write_text(text.replace(before, after))
    message = refusal(models, unit="m")
    assert "which is outside" in message
    assert str(models / name.replace(".mtl", ".obj")) in message


def test_a_blend_that_names_pictures_outside_its_folder_is_refused(tmp_path) -> None:
    models, secret = tmp_path / "models", tmp_path / "secret.png"
    write_box(tmp_path / "box.obj")
    (tmp_path / "box_paint.png").rename(secret)
    models.mkdir()
    in_blender(
        "bpy.ops.mesh.primitive_cube_add(size=0.1)\n"
        "material = bpy.data.materials.new('paint')\n"
        "bpy.context.object.data.materials.append(material)\n"
        "texture = material.node_tree.nodes.new('ShaderNodeTexImage')\n"
        f"texture.image = bpy.data.images.load({str(secret)!r})\n"
        f"bpy.ops.wm.save_as_mainfile(filepath={str(models / 'box.blend')!r})\n"
    )
    message = refusal(models)
    assert "box.blend: names" in message
    assert "secret.png', which is outside" in message


def test_broken_files_are_told_and_harm_no_other(tmp_path) -> None:
    paths = [tmp_path / f"broken.{ending}" for ending in FORMATS]
    for path in paths:
        path.write_bytes(b"\x00\x01 no model at all\n")
    with pytest.raises(SpecError, match=r"not a glTF file"):
        check_references(tmp_path / "broken.glb", root=tmp_path)
    paths.append(write_box(tmp_path / "good.ply"))
    orders = [
        Preparation(key=path.name, path=path, root=tmp_path, cache=tmp_path) for path in paths
    ]
    read, write = os.pipe()
    subprocess.run(
        [sys.executable, "-m", "blender_scenes.meshes.preparation", str(write)],
        input="".join(order.model_dump_json() + "\n" for order in orders),
        capture_output=True,
        pass_fds=(write,),
        text=True,
        check=True,
    )
    os.close(write)
    with os.fdopen(read) as answers:
        replies = [PreparationReply.model_validate_json(line) for line in answers]
    assert [reply.key for reply in replies] == [path.name for path in paths]
    for reply in replies[:-1]:
        assert reply.error is not None, reply
        assert reply.error.startswith(("Blender cannot read it", "has no surface")), reply
        assert "\n" not in reply.error
    assert replies[-1].error is None


def test_a_broken_file_is_named_in_one_line(tmp_path) -> None:
    (tmp_path / "broken.stl").write_bytes(b"no model at all")
    assert str(tmp_path / "broken.stl") in refusal(tmp_path, unit="m")


def test_folders_without_models_and_specs_without_folders_are_refused(tmp_path) -> None:
    assert f"{tmp_path}: no models here; expected files that end in .blend" in refusal(tmp_path)
    assert "is no folder" in refusal(tmp_path / "missing")
    spec = SceneSpec(scene="meshes", frames=1)
    with pytest.raises(SpecError, match=r"key 'assets\.models' is missing"):
        MeshesFamily().of(spec, source=SOURCE)
    write_box(tmp_path / "box.glb")
    with pytest.raises(SpecError, match="key 'categories': got 'mug'; expected some of box"):
        family(tmp_path, categories=["mug"])


def test_a_missing_picture_is_named(tmp_path) -> None:
    write_box(tmp_path / "box.obj")
    (tmp_path / "box_paint.png").unlink()
    assert "box_paint.png' is missing" in refusal(tmp_path, unit="m")

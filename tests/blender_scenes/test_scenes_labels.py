"""Labels of real renders against other ways to get them: solo renders, formulas, Blender's own."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.geometry.camera import (
    Camera,
    cam_from_world,
    look_at,
    matrix4,
    pinhole_camera,
    project,
)
from pipeline.geometry.motion import scene_after
from pipeline.records.scene import (
    LensSettings,
    Motion,
    SampledInstance,
    SampledScene,
    SensorSettings,
    SequencePosition,
)
from pipeline.specs.scene import LabelSpec, RenderSpec

bpy = pytest.importorskip("bpy")
pytestmark = pytest.mark.blender

VIEW = look_at(
    eye_m=np.array([0.5, -3.0, 2.0]), target_m=np.array([0, 0, 0.2]), up=np.array([0, 0, 1.0])
)
CAMERA = pinhole_camera(width_px=160, height_px=120, hfov_rad=0.8, world_from_cam=VIEW)
BARREL = (-0.5, 0.1, 0.002, -0.001, 0.0)


@pytest.fixture(scope="module")
def engine():
    from blender_scenes.engine import Engine

    return Engine(RenderSpec(samples=1), max_bounces=(2, 1, 1), denoise=False)


@pytest.fixture(autouse=True)
def empty_scene(engine):
    from blender_scenes.engine import clear_scene

    clear_scene()
    world = bpy.data.worlds.new("world")
    bpy.context.scene.world = world
    return engine


def _place(kind: str, instance_id: int, position, *, radius=0.3, turn=0.0):
    {
        "ball": lambda: bpy.ops.mesh.primitive_uv_sphere_add(
            radius=radius, segments=64, ring_count=32
        ),
        "cube": lambda: bpy.ops.mesh.primitive_cube_add(size=2 * radius),
        "plane": lambda: bpy.ops.mesh.primitive_plane_add(size=2 * radius),
    }[kind]()
    placed = bpy.context.object
    placed.location, placed.rotation_euler = position, (0.3 * turn, 0.0, turn)
    placed.pass_index = instance_id
    bpy.context.view_layer.update()
    return placed


def _scene(camera: Camera = CAMERA, **update) -> SampledScene:
    instances = tuple(
        SampledInstance(
            instance_id=o.pass_index,
            category="thing",
            world_from_obj=matrix4(np.array(o.matrix_world)),
            keypoints_m=((0.0, 0.0, 0.0), (0.0, 0.0, 0.3)),
        )
        for o in sorted(bpy.data.objects, key=lambda o: o.pass_index)
        if o.pass_index
    )
    values = {"camera": camera, "instances": instances, "factors": {}, "sensor": SensorSettings()}
    return SampledScene(family="test", frame=0, **(values | update))


def _rays(camera: Camera = CAMERA):
    from blender_scenes.rays import RayScene
    from blender_scenes.surfaces import visible_surfaces

    return RayScene(visible_surfaces(), camera)


def _labels(scene: SampledScene, passes, tmp_path, **kinds):
    from blender_scenes.labelling import label_frame
    from blender_scenes.surfaces import visible_surfaces
    from pipeline.dataset.layout import DatasetLayout

    return label_frame(
        scene,
        ids=passes.ids,
        depth_m=passes.depth_m,
        surfaces=visible_surfaces(),
        labels=LabelSpec(**kinds),
        categories=("other", "thing"),
        layout=DatasetLayout(tmp_path),
    )


def _zoo() -> None:
    _place("plane", 0, (0, 0, 0), radius=3)
    _place("ball", 1, (-0.6, 0.2, 0.3))
    _place("cube", 2, (0.5, 0.5, 0.4), turn=0.7)
    _place("cube", 3, (0.35, -0.4, 0.2), radius=0.2, turn=0.3)  # before 2
    _place("ball", 4, (-1.35, -0.4, 0.25))  # cut by the left edge
    unseen = _place("ball", 5, (0, -1, 0.5))
    unseen.hide_render = True


def test_rays_see_what_cycles_sees(engine):
    _zoo()
    passes = engine.render(_scene(), noise_seed=0)
    hits = _rays().first_hits()
    ids, depth_m = hits.ids.reshape(120, 160), hits.depth_m.reshape(120, 160)
    assert set(np.unique(passes.ids)) == {0, 1, 2, 3, 4}
    assert (ids != passes.ids).sum() <= 3
    same = ids == passes.ids
    assert np.percentile(np.abs(depth_m - passes.depth_m)[same], 99.9) < 1e-3


def test_instances_carry_the_ids_that_cycles_gives_them(engine):
    child = _place("cube", 7, (0, 0, 0), radius=0.15)
    collection = bpy.data.collections.new("group")
    bpy.context.scene.collection.objects.unlink(child)
    collection.objects.link(child)
    holder = bpy.data.objects.new("holder", None)
    holder.instance_type, holder.instance_collection = "COLLECTION", collection
    holder.location, holder.pass_index = (-0.5, 0, 0.2), 9
    bpy.context.scene.collection.objects.link(holder)
    scattered = _place("plane", 8, (0.5, 0, 0), radius=0.4)
    tree = bpy.data.node_groups.new("points", "GeometryNodeTree")
    tree.interface.new_socket("Geometry", in_out="INPUT", socket_type="NodeSocketGeometry")
    tree.interface.new_socket("Geometry", in_out="OUTPUT", socket_type="NodeSocketGeometry")
    source, target = tree.nodes.new("NodeGroupInput"), tree.nodes.new("NodeGroupOutput")
    balls, scatter = (
        tree.nodes.new("GeometryNodeMeshUVSphere"),
        tree.nodes.new("GeometryNodeInstanceOnPoints"),
    )
    balls.inputs["Radius"].default_value = 0.12
    tree.links.new(source.outputs[0], scatter.inputs["Points"])
    tree.links.new(balls.outputs["Mesh"], scatter.inputs["Instance"])
    tree.links.new(scatter.outputs["Instances"], target.inputs[0])
    scattered.modifiers.new("points", "NODES").node_group = tree
    stem = _place("cube", 6, (9, 9, 9), radius=0.1)
    shrub = _place("plane", 5, (-0.2, 0.9, 0), radius=0.3)
    copy = tree.copy()
    info = copy.nodes.new("GeometryNodeObjectInfo")
    info.inputs["Object"].default_value, info.inputs["As Instance"].default_value = stem, True
    again = next(node for node in copy.nodes if node.type == "INSTANCE_ON_POINTS")
    copy.links.new(info.outputs["Geometry"], again.inputs["Instance"])
    shrub.modifiers.new("stems", "NODES").node_group = copy
    passes = engine.render(_scene(), noise_seed=0)
    assert set(np.unique(passes.ids)) == {0, 6, 7, 8}  # instanced objects keep their own
    ids = _rays().first_hits().ids.reshape(120, 160)
    assert (ids != passes.ids).sum() <= 3


def test_silhouettes_are_those_of_solo_renders(engine, tmp_path):
    _zoo()
    scene = _scene()
    passes = engine.render(scene, noise_seed=0)
    found = _labels(scene, passes, tmp_path, amodal=True)
    from pipeline.geometry.masks import mask_of_rle

    labels = {label.instance_id: label for label in found.instances}
    assert sorted(labels) == [1, 2, 3, 4]
    for instance_id, label in labels.items():
        for other in bpy.data.objects:
            other.hide_render = other.pass_index != instance_id
        wide = pinhole_camera(
            width_px=3 * 160,
            height_px=3 * 120,
            hfov_rad=2 * np.arctan(3 * np.tan(0.4)),
            world_from_cam=VIEW,
        )
        solo = engine.render(_scene(wide), noise_seed=0).ids == instance_id
        inside = solo[120:240, 160:320]
        whole = mask_of_rle(label.amodal_rle)
        assert (whole != inside).sum() <= 3
        assert label.visible_fraction == pytest.approx(label.area_px / solo.sum(), abs=0.01)
        assert label.truncation == pytest.approx(1 - inside.sum() / solo.sum(), abs=0.01)
        rows, columns = np.nonzero(solo)
        box = [columns.min() - 160, rows.min() - 120, columns.max() - 159, rows.max() - 119]
        np.testing.assert_allclose(label.amodal_box_xyxy, box, atol=1)
    assert labels[2].visible_fraction < 0.97
    assert labels[4].truncation > 0.1
    assert labels[4].amodal_box_xyxy[0] < 0


def test_too_little_of_an_object_is_a_crowd(engine, tmp_path):
    _place("ball", 1, (0, 0.5, 0.3))
    _place("cube", 2, (0.1, -0.2, 0.35), radius=0.35)
    scene = _scene()
    passes = engine.render(scene, noise_seed=0)
    label = _labels(scene, passes, tmp_path, amodal=True, min_visible_px=1).instances[0]
    assert label.instance_id == 1
    assert 0 < label.visible_fraction < 0.6
    assert not label.iscrowd
    share = label.visible_fraction + 0.01
    kinds = {"amodal": True, "min_visible_px": 1, "min_visible_fraction": share}
    assert _labels(scene, passes, tmp_path, **kinds).instances[0].iscrowd


def test_an_object_hidden_entirely_has_no_label(engine, tmp_path):
    _place("ball", 1, (0, 0, 0.3), radius=0.1)
    _place("cube", 2, (0, 0, 0.3), radius=0.3)
    _place("ball", 3, (0, 20, 9))  # outside the picture
    scene = _scene()
    kinds = dict.fromkeys(("amodal", "keypoints", "poses", "semantic"), True)
    found = _labels(scene, engine.render(scene, noise_seed=0), tmp_path, **kinds)
    assert [label.instance_id for label in found.instances] == [2]
    assert set(np.unique(found.passes.semantic)) == {0, 2}


def test_normals_of_a_ball_point_from_its_middle(engine, tmp_path):
    _place("ball", 1, (0.1, 0.2, 0.3), radius=0.5)
    for face in bpy.context.object.data.polygons:
        face.use_smooth = True
    scene = _scene()
    passes = engine.render(scene, noise_seed=0)
    normals = _labels(scene, passes, tmp_path, normals=True).passes.normals
    from pipeline.geometry.camera import rays_cam
    from pipeline.geometry.masks import pixel_centres

    points = rays_cam(CAMERA, pixel_centres((0, 0, 160, 120))) * passes.depth_m.reshape(-1, 1)
    view = cam_from_world(CAMERA)
    middle = view[:3, :3] @ [0.1, 0.2, 0.3] + view[:3, 3]
    expected = (points - middle).reshape(120, 160, 3)
    ball = passes.ids == 1
    expected = expected[ball] / np.linalg.norm(expected[ball], axis=1, keepdims=True)
    assert (np.einsum("ij,ij->i", expected, normals[ball]) > np.cos(0.03)).mean() > 0.99
    assert (normals[~ball] == 0).all()
    np.testing.assert_allclose(np.linalg.norm(normals[ball], axis=1), 1, atol=1e-5)


def test_keypoints_boxes_and_poses_are_where_they_are(engine, tmp_path):
    _place("cube", 1, (0, 0.2, 0.3), turn=0.4)
    _place("ball", 2, (0.2, -1.2, 0.75), radius=0.25)  # before the cube's top, seen from above
    scene = _scene()
    passes = engine.render(scene, noise_seed=0)
    found = _labels(scene, passes, tmp_path, keypoints=True, poses=True, models=True)
    cube = found.instances[0]
    pose = np.array(scene.instances[0].world_from_obj)
    # The middle lies inside the cube; its top is behind the ball or not, as Blender's ray says.
    assert cube.keypoints[0][2] == 1
    top = pose[:3, :3] @ [0, 0, 0.3] + pose[:3, 3]
    eye = VIEW[:3, 3]
    depsgraph = bpy.context.evaluated_depsgraph_get()
    reach = np.linalg.norm(top - eye)
    hit = bpy.context.scene.ray_cast(depsgraph, eye, (top - eye) / reach, distance=reach * 0.999)
    assert cube.keypoints[1][2] == (1 if hit[0] else 2)
    np.testing.assert_allclose(cube.keypoints[1][:2], project(CAMERA, top[None])[0], atol=1e-6)
    np.testing.assert_allclose(cube.box_3d_m, [-0.3] * 3 + [0.3] * 3, atol=1e-6)
    np.testing.assert_allclose(cube.cam_from_obj, np.linalg.inv(VIEW) @ pose, atol=1e-6)
    from pipeline.formats.ply import decode_ply

    vertices, triangles = decode_ply((tmp_path / "models" / f"{cube.model}.ply").read_bytes())
    assert sorted(map(tuple, np.round(vertices / 0.3).tolist())) == [
        (x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)
    ]
    assert len(triangles) == 12


def test_a_distorting_lens_bends_picture_and_labels_alike(engine, tmp_path):
    bent = CAMERA.model_copy(update={"dist": BARREL})
    glow = bpy.data.materials.new("glow")
    glow.node_tree.nodes.clear()
    shine = glow.node_tree.nodes.new("ShaderNodeEmission")
    output = glow.node_tree.nodes.new("ShaderNodeOutputMaterial")
    glow.node_tree.links.new(shine.outputs[0], output.inputs["Surface"])
    places = [(-1.1, -0.2, 0), (1.0, 0.6, 0), (0.9, -0.7, 0), (0, 0, 0.2), (-0.8, 0.9, 0.1)]
    for number, place in enumerate(places, start=1):
        _place("ball", number, place, radius=0.08)
        bpy.context.object.data.materials.append(glow)
    scene = _scene(bent)
    passes = engine.render(scene, noise_seed=0)
    assert passes.light.shape == (120, 160, 3)
    found = _labels(scene, passes, tmp_path, depth=True)
    centres = project(bent, np.array(places))
    straight = project(CAMERA, np.array(places))
    assert np.linalg.norm(centres - straight, axis=1).max() > 2.5
    for number, centre in enumerate(centres, start=1):
        rows, columns = np.nonzero(found.passes.ids == number)
        np.testing.assert_allclose([columns.mean() + 0.5, rows.mean() + 0.5], centre, atol=0.5)
        x, y = (int(value) for value in centre)
        patch = passes.light[y - 8 : y + 9, x - 8 : x + 9].mean(axis=2)
        v, u = np.indices(patch.shape)
        seen = [
            (patch * u).sum() / patch.sum() + x - 7.5,
            (patch * v).sum() / patch.sum() + y - 7.5,
        ]
        np.testing.assert_allclose(seen, centre, atol=0.5)
    assert (found.passes.depth_m.shape, found.passes.ids.dtype) == ((120, 160), np.uint16)


def test_a_lens_that_folds_inside_the_picture_is_refused(engine):
    _place("ball", 1, (0, 0, 0))
    with pytest.raises(ValueError, match="folds inside the picture"):
        engine.render(_scene(CAMERA.model_copy(update={"dist": (-1.0, 0, 0, 0, 0)})), noise_seed=0)


def _glowing_ball_scene(**update):
    ball = _place("ball", 1, (0, 0, 0.3), radius=0.25)
    glow = bpy.data.materials.new("glow")
    glow.node_tree.nodes["Principled BSDF"].inputs["Emission Color"].default_value = (1, 1, 1, 1)
    glow.node_tree.nodes["Principled BSDF"].inputs["Emission Strength"].default_value = 1
    ball.data.materials.append(glow)
    return _scene(**update)


def test_motion_blur_smears_the_picture_but_not_the_labels(engine):
    from blender_scenes.engine import clear_scene

    bpy.context.scene.cycles.samples = 32
    clear_scene()  # a black sky
    scene = _glowing_ball_scene()
    still = engine.render(scene, noise_seed=0)
    clear_scene()
    motion = Motion(velocity_m_s=(2.0, 0.0, 0.0))
    scene = _glowing_ball_scene()
    instance = scene.instances[0].model_copy(update={"motion": motion})
    scene = scene.model_copy(update={"instances": (instance,), "lens": LensSettings(shutter_s=0.2)})
    moving = engine.render(scene, noise_seed=0)
    bpy.context.scene.cycles.samples = 1
    np.testing.assert_array_equal(moving.ids, still.ids)
    np.testing.assert_array_equal(moving.depth_m, still.depth_m)
    lit = [np.flatnonzero(p.light.mean(axis=2).max(axis=0) > 0.02) for p in (still, moving)]
    widths = [columns.max() - columns.min() + 1 for columns in lit]
    # 0.2 s at 2 m/s across the line of sight, which runs 0.16 rad beside the y axis.
    smear_px = 2 * 0.2 * np.cos(0.165) * CAMERA.K[0][0] / cam_depth(scene)
    assert widths[1] - widths[0] == pytest.approx(smear_px, abs=4)


def cam_depth(scene: SampledScene) -> float:
    place = np.array(scene.instances[0].world_from_obj)[:, 3]
    return float((cam_from_world(scene.camera) @ place)[2])


def test_depth_of_field_blurs_the_picture_but_not_the_labels(engine):
    scene = _glowing_ball_scene()
    sharp = engine.render(scene, noise_seed=0)
    wide_open = LensSettings(aperture_m=0.2, focus_m=1.0)
    soft = engine.render(scene.model_copy(update={"lens": wide_open}), noise_seed=0)
    np.testing.assert_array_equal(sharp.ids, soft.ids)
    np.testing.assert_array_equal(sharp.depth_m, soft.depth_m)
    assert ((sharp.light > 0.5) != (soft.light > 0.5)).mean() > 0.02
    in_focus = LensSettings(aperture_m=0.02, focus_m=cam_depth(scene))
    kept = engine.render(scene.model_copy(update={"lens": in_focus}), noise_seed=0)
    assert ((sharp.light > 0.5) != (kept.light > 0.5)).mean() < 0.01


def test_flow_is_blender_s_vector_pass(engine, tmp_path):
    _zoo()
    motion = Motion(
        velocity_m_s=(0.5, 0.2, 0.1), spin_rad_s=(0.0, 0.5, 1.0), pivot_m=(0.5, 0.5, 0.4)
    )
    scene = _scene(
        camera_motion=Motion(velocity_m_s=(0.3, 0.0, 0.0), spin_rad_s=(0.0, 0.0, 0.2)),
        position=SequencePosition(index=0, frame_index=0, time_s=0.0, frame_s=0.1),
    )
    instances = tuple(
        i.model_copy(update={"motion": motion}) if i.instance_id == 2 else i
        for i in scene.instances
    )
    scene = scene.model_copy(update={"instances": instances})
    passes = engine.render(scene, noise_seed=0)
    found = _labels(scene, passes, tmp_path, flow=True)
    assert [label.track_id for label in found.instances] == [1, 2, 3, 4]
    vector = _vector_pass(scene, scene_after(scene, 0.1))
    flow = found.passes.flow_px
    inside = passes.depth_m < 1e9
    edges = np.zeros_like(inside)
    edges[1:] |= passes.ids[1:] != passes.ids[:-1]
    edges[:, 1:] |= passes.ids[:, 1:] != passes.ids[:, :-1]
    clear = inside & ~edges & ~np.roll(edges, -1, 0) & ~np.roll(edges, -1, 1)
    # Blender's pass is jittered inside the pixel; flow varies slowly on smooth surfaces.
    assert np.percentile(np.linalg.norm(flow - vector, axis=2)[clear], 95) < 0.15
    assert np.nanmax(np.linalg.norm(flow, axis=2)) > 3
    assert np.abs(flow[passes.ids == 2].mean(0) - flow[passes.ids == 1].mean(0)).max() > 1


def _vector_pass(now: SampledScene, later: SampledScene) -> np.ndarray:
    """(H, W, 2) forward flow as Blender computes it from keyframes."""
    from mathutils import Matrix

    from blender_scenes.axes import blender_matrix

    scene = bpy.context.scene
    bpy.context.preferences.edit.keyframe_new_interpolation_type = "LINEAR"
    poses = {i.instance_id: (i, j) for i, j in zip(now.instances, later.instances, strict=True)}
    for frame, moment in ((1, 0), (2, 1)):
        for moved in bpy.data.objects:
            if moved.pass_index in poses and moved.type == "MESH":
                moved.rotation_mode = "QUATERNION"
                pose = np.array(poses[moved.pass_index][moment].world_from_obj)
                moved.matrix_world = Matrix(pose.tolist())
            elif moved == scene.camera:
                moved.rotation_mode = "QUATERNION"
                moved.matrix_world = Matrix(blender_matrix((now, later)[moment].camera).tolist())
            else:
                continue
            moved.keyframe_insert("location", frame=frame)
            moved.keyframe_insert("rotation_quaternion", frame=frame)
    scene.frame_set(1)
    bpy.context.view_layer.use_pass_vector = True
    cycles = next(
        c for c in bpy.types.RenderEngine.__subclasses__() if c.__name__ == "CyclesRender"
    )
    wrapped, captured = cycles.render, {}

    def render(self, depsgraph):
        wrapped(self, depsgraph)
        for render_pass in self.get_result().layers[0].passes:
            if render_pass.name == "Vector":
                flat = np.empty(160 * 120 * 4, np.float32)
                render_pass.rect.foreach_get(flat)
                captured["vector"] = flat.reshape(120, 160, 4)[::-1]

    cycles.render = render
    try:
        bpy.ops.render.render()
    finally:
        cycles.render = wrapped
        bpy.context.view_layer.use_pass_vector = False
    # Blender: z, w is where the next frame's point is, subtracted, with y upwards.
    return captured["vector"][..., 2:] * [-1, 1]


def test_glass_and_alpha_behave_as_documented(engine):
    glass = bpy.data.materials.new("glass")
    glass.node_tree.nodes["Principled BSDF"].inputs["Transmission Weight"].default_value = 1
    _place("cube", 1, (-0.7, 0.3, 0.3), radius=0.2)
    _place("ball", 2, (-0.65, -0.3, 0.35), radius=0.3)
    bpy.context.object.data.materials.append(glass)
    cut = bpy.data.materials.new("cut")
    cut.node_tree.nodes["Principled BSDF"].inputs["Alpha"].default_value = 0.0
    _place("cube", 3, (0.6, 0.3, 0.3), radius=0.2)
    _place("ball", 4, (0.55, -0.3, 0.35), radius=0.3)
    bpy.context.object.data.materials.append(cut)
    passes = engine.render(_scene(), noise_seed=0)
    seen = set(np.unique(passes.ids))
    assert 2 in seen  # glass is the glass object
    assert 4 not in seen  # what alpha makes invisible is not there
    assert (passes.ids == 3).sum() > 300
    hits = _rays().first_hits()
    assert 4 in set(np.unique(hits.ids))  # for rays it is solid: docs/labels.md


def test_hair_takes_the_emitter_s_id_and_rays_do_not_see_it(engine):
    head = _place("ball", 6, (0, 0, 0.3), radius=0.2)
    bald = (engine.render(_scene(), noise_seed=0).ids == 6).sum()
    head.modifiers.new("hair", "PARTICLE_SYSTEM")
    settings = head.particle_systems[0].settings
    settings.type, settings.count, settings.hair_length = "HAIR", 400, 0.4
    passes = engine.render(_scene(), noise_seed=0)
    assert set(np.unique(passes.ids)) == {0, 6}
    assert (passes.ids == 6).sum() > 1.2 * bald
    assert abs(int((_rays().first_hits().ids == 6).sum()) - int(bald)) <= 3


def test_a_thread_thinner_than_a_pixel_is_labelled_where_pixel_centres_meet_it(engine):
    bpy.ops.mesh.primitive_cylinder_add(radius=0.003, depth=3, rotation=(0, 1.5708, 0.4))
    thread = bpy.context.object
    thread.pass_index, thread.location = 1, (0, 0, 0.2)
    bpy.context.view_layer.update()
    ids = engine.render(_scene(), noise_seed=0).ids
    width_px = 0.006 * CAMERA.K[0][0] / 3.5
    assert width_px < 0.5
    # Gaps, but as much area as the thread has on the screen.
    columns = np.flatnonzero((ids == 1).any(axis=0))
    reach = columns.max() - columns.min() + 1
    assert len(columns) < 0.7 * reach
    assert (ids == 1).sum() == pytest.approx(width_px * reach, rel=0.35)
    assert (_rays().first_hits().ids.reshape(ids.shape) != ids).sum() <= 3


def test_modifiers_and_text_are_those_of_the_render_and_come_once(engine):
    rough = _place("cube", 1, (-0.7, 0, 0.3), radius=0.3)
    smooth = rough.modifiers.new("smooth", "SUBSURF")
    smooth.levels, smooth.render_levels = 0, 3
    unseen = _place("ball", 2, (0.6, 0.5, 0.3), radius=0.3)
    swollen = unseen.modifiers.new("swollen", "DISPLACE")
    swollen.strength, swollen.show_viewport, swollen.show_render = 1.0, True, False
    bpy.ops.object.text_add(location=(0, -0.6, 0))
    bpy.context.object.pass_index = 3
    bpy.context.object.data.extrude = 0.05
    ids = engine.render(_scene(), noise_seed=0).ids
    from blender_scenes.surfaces import visible_surfaces

    assert sorted(surface.instance_id for surface in visible_surfaces()) == [1, 2, 3]
    assert (_rays().first_hits().ids.reshape(ids.shape) != ids).sum() <= 3

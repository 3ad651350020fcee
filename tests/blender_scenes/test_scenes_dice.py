"""Dice: numbers and pips on the built surface, lying without overlap, one real render."""

from __future__ import annotations

import itertools
import subprocess
import sys
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from blender_scenes.dice.box import flap_shape
from blender_scenes.dice.family import DiceFamily
from blender_scenes.dice.footprints import Footprint, contact_distance, overlap
from blender_scenes.dice.paints import draw_paint, surface_paint
from blender_scenes.dice.scene import DiceScene, Die, DieShape
from blender_scenes.dice.solid import NUMBERS, DieSurface, die_surface, face_frame, face_points_m
from pipeline.geometry.camera import project
from pipeline.sampling.factors import FactorDraws, bind_factors
from pipeline.sampling.seeds import FrameSeeds
from pipeline.specs.document import load_spec
from pipeline.specs.scene import FactorValue, ImageSpec, SceneSpec

FAMILY = DiceFamily()
FACTOR_NAMES = [factor.name for factor in FAMILY.factors]
EXAMPLE = Path(__file__).parents[2] / "examples" / "dice.yaml"
SHAPE = DieShape(
    size_m=0.012,
    edge=0.12,
    ball=1.5,
    handed="right",
    turned=(False, False, False),
    pip_radius=0.19,
    pip_pitch=0.4,
    six_long=1.12,
    six_wide=0.86,
    pip_depth=0.05,
    hollow=0.03,
)
AXES = [sign * axis for axis in np.eye(3) for sign in (1.0, -1.0)]
SHAPES = st.builds(
    DieShape,
    size_m=st.floats(0.005, 0.05),
    edge=st.floats(0.05, 0.2),
    ball=st.floats(1.3, 2.0),
    handed=st.sampled_from(["right", "left"]),
    turned=st.tuples(st.booleans(), st.booleans(), st.booleans()),
    pip_radius=st.floats(0.16, 0.2),
    pip_pitch=st.floats(0.42, 0.48),
    six_long=st.floats(1.05, 1.2),
    six_wide=st.floats(0.85, 0.95),
    pip_depth=st.floats(0.0, 0.1),
    hollow=st.floats(0.0, 0.06),
)


def sample(
    frame: int = 0, *, seed: int = 5, image: ImageSpec = FAMILY.image, **factors: FactorValue
) -> DiceScene:
    bound = bind_factors(FAMILY.factors, factors, source=Path("spec.yaml"))
    draws = FactorDraws(bound, FrameSeeds(seed=seed, frame=frame))
    return FAMILY.sample(draws, image=image)


def painted_pips(surface: DieSurface, normal: np.ndarray) -> np.ndarray:
    """(P, 3) middles of the patches of paint that look along an axis, found from the mesh."""
    mesh = surface.vertices_m
    facing = (mesh @ normal) > 0.8 * (mesh @ normal).max()
    inked = facing & (surface.painted > 0.5)
    group = np.arange(len(mesh))
    sides = np.concatenate([surface.quads[:, [k, (k + 1) % 4]] for k in range(4)])
    sides = sides[inked[sides].all(axis=1)]
    for _ in range(len(mesh)):
        before = group.copy()
        np.minimum.at(group, sides[:, 0], group[sides[:, 1]])
        np.minimum.at(group, sides[:, 1], group[sides[:, 0]])
        if np.array_equal(before, group):
            break
    return np.array([mesh[inked & (group == g)].mean(axis=0) for g in np.unique(group[inked])])


def numbers_on(surface: DieSurface) -> dict[tuple[float, ...], int]:
    return {tuple(axis): len(painted_pips(surface, axis)) for axis in AXES}


@given(shape=SHAPES)
@settings(max_examples=8)
def test_painted_pips_sum_to_seven_and_run_the_way_they_should(shape: DieShape) -> None:
    found = numbers_on(die_surface(shape, cells=48))
    assert sorted(found.values()) == [1, 2, 3, 4, 5, 6]
    for axis, number in found.items():
        assert number + found[tuple(-np.array(axis))] == 7
    axis_of = {number: np.array(axis) for axis, number in found.items()}
    # Right-handed: anticlockwise around their corner seen from outside.
    turn = np.linalg.det(np.array([axis_of[1], axis_of[2], axis_of[3]]))
    assert turn == (1 if shape.handed == "right" else -1)
    for number in range(1, 7):
        frame = face_frame(shape.handed, number)
        assert np.array_equal(frame[:, 2], axis_of[number])
        assert np.linalg.det(frame) == pytest.approx(1)


@pytest.mark.parametrize("number", [2, 3, 6])
def test_two_three_and_six_can_be_turned_and_the_others_look_the_same(number: int) -> None:
    flags = tuple(n == number for n in (2, 3, 6))
    turned = SHAPE.model_copy(update={"turned": flags})
    for each in range(1, 7):
        normal = face_frame("right", each)[:, 2]
        before, after = (
            painted_pips(die_surface(shape, cells=60), normal) for shape in (SHAPE, turned)
        )
        moved = np.linalg.norm(before[:, None] - after, axis=2).min(axis=1)
        assert (moved.max() > 0.15 * SHAPE.size_m) == (each == number)
        if each in (1, 4, 5, number):  # the same again after a quarter turn
            quarter = cv2.Rodrigues(normal * np.pi / 2)[0]
            back = np.linalg.norm((before @ quarter.T)[:, None] - after, axis=2).min(axis=1)
            assert back.max() < 0.02 * SHAPE.size_m


@given(shape=SHAPES)
@settings(max_examples=8)
def test_a_die_is_closed_faces_outwards_and_rests_on_flat_faces(shape: DieShape) -> None:
    surface = die_surface(shape, cells=32)
    edges = Counter(
        (int(a), int(b)) for q in surface.quads for a, b in zip(q, np.roll(q, -1), strict=True)
    )
    assert set(edges.values()) == {1}
    assert all((b, a) in edges for a, b in edges)
    half_m = shape.size_m / 2
    flat = die_surface(shape.model_copy(update={"hollow": 0.0}), cells=32)
    assert np.allclose(np.abs(flat.vertices_m).max(axis=0), half_m)
    assert np.linalg.norm(surface.vertices_m, axis=1).max() <= max(shape.ball, 1.0) * half_m + 1e-12
    a, b, c, d = (surface.vertices_m[surface.quads[:, k]] for k in range(4))
    volume_m3 = sum(np.einsum("ij,ij->", p, np.cross(q, r)) for p, q, r in ((a, b, c), (a, c, d)))
    assert 0.75 < volume_m3 / 6 / shape.size_m**3 < 1


def test_faces_are_hollow_in_the_middle_and_not_at_their_rim() -> None:
    half_m = SHAPE.size_m / 2
    shape = SHAPE.model_copy(update={"ball": 2.0, "pip_depth": 0.0})
    for axis in AXES:
        vertices = die_surface(shape, cells=32).vertices_m / half_m
        height = vertices @ axis
        out = np.sqrt(np.maximum((vertices**2).sum(axis=1) - height**2, 0))
        assert height[out < 1e-9].max() == pytest.approx(1 - shape.hollow)
        for share in (0.5, 0.9):
            there = np.abs(out - share * (1 - shape.edge)) < 0.02
            assert height[there & (height > 0)].mean() == pytest.approx(
                1 - (1 - share**6) * shape.hollow, abs=1e-3
            )
        assert height[(height > 0.9) & (out > 1 - shape.edge)].max() == pytest.approx(1)


@given(shape=SHAPES)
@settings(max_examples=8)
def test_corners_and_middle_of_a_face_are_on_the_surface(shape: DieShape) -> None:
    vertices = die_surface(shape, cells=32).vertices_m
    for number in range(1, 7):
        points = np.array(face_points_m(shape, number))
        nearest = np.linalg.norm(vertices[None] - points[:, None], axis=2).min(axis=1)
        assert nearest.max() < 1e-12
        outwards = face_frame(shape.handed, number)[:, 2]
        assert (points @ outwards > 0.5 * shape.size_m / 2).all()
        # Anticlockwise seen from outside.
        corners = points[:4] - points[4]
        turns = np.cross(corners, np.roll(corners, -1, axis=0)) @ outwards
        assert (turns > 0).all()


def test_paint_is_the_pips_own_and_marbling_runs_on_the_body() -> None:
    surface = die_surface(SHAPE, cells=32)
    for die in (die for frame in range(8) for die in sample(frame).instances):
        colours = surface_paint(
            die.paint, places=surface.vertices_m / 0.007, painted=surface.painted
        )
        assert (colours[surface.painted == 1] == np.array(die.paint.pips)).all()
        bare = colours[surface.painted == 0]
        if die.paint.finish == "marbled":
            low, high = (
                np.minimum(die.paint.body, die.paint.swirl),
                np.maximum(die.paint.body, die.paint.swirl),
            )
            assert (bare >= low - 1e-9).all()
            assert (bare <= high + 1e-9).all()
            assert bare.std(axis=0).max() > 0
        else:
            assert (bare == np.array(die.paint.body)).all()


@pytest.mark.parametrize("finish", ["opaque", "marbled", "translucent"])
def test_pips_of_every_die_that_is_sold_can_be_seen(finish: str) -> None:
    """CIELAB differences of 2.3 are just seen (Mahy et al. 1994); pips are 5 px and blurred."""
    values = {"finish": finish, "colours": "real", "hue_shift": 0.0, "roughness": 0.1}
    for tone, brightness in itertools.product(np.linspace(0, 1, 100), (0.65, 1.1)):
        paint = draw_paint(values | {"tone": tone, "brightness": brightness}, seed=0)
        linear = np.array([[paint.body, paint.swirl, paint.pips]], np.float32).clip(0, 1)
        body, swirl, pips = cv2.cvtColor(linear, cv2.COLOR_LRGB2Lab)[0]
        assert min(np.linalg.norm(body - pips), np.linalg.norm(swirl - pips)) > 25


def placed_m(die: Die, *, cells: int = 12) -> np.ndarray:
    pose = np.array(die.world_from_obj)
    return die_surface(die.shape, cells=cells).vertices_m @ pose[:3, :3].T + pose[:3, 3]


def apart(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether a plane separates two sets of points (a linear programme, in millimetres)."""
    points = 1e3 * np.concatenate([one - one.mean(axis=0), other - one.mean(axis=0)])
    sign = np.repeat([1.0, -1.0], [len(one), len(other)])
    rows = np.column_stack([sign[:, None] * points, -sign])
    found = linprog(np.zeros(4), A_ub=rows, b_ub=np.full(len(rows), -1e-4), bounds=(None, None))
    return bool(found.status == 0)


@pytest.mark.parametrize("setting", ["box", "tray"])
def test_dice_lie_on_the_ground_and_not_in_each_other(setting: str) -> None:
    leaning = touching = 0
    for frame in range(6):
        scene = sample(
            frame,
            count={"dice": 12, "more": 0},
            background={"setting": setting},
            placement={"touching": 0.7, "leaning": 0.5},
        )
        assert len(scene.instances) >= 9
        surfaces = [placed_m(die) for die in scene.instances]
        for die, surface in zip(scene.instances, surfaces, strict=True):
            assert abs(surface[:, 2].min()) < 1e-4
            leaning += abs(np.array(die.world_from_obj)[:3, :3]).max() < 0.999 and bool(
                np.abs(np.array(die.world_from_obj)[2, :3]).max() < 0.98
            )
            if scene.tray is not None:
                pose = np.array(scene.tray.world_from_tray)
                inside = (surface - pose[:3, 3]) @ pose[:3, :3]
                assert (np.abs(inside[:, :2]) <= np.array(scene.tray.inner_m) / 2 + 1e-4).all()
        for one, other in itertools.combinations(surfaces, 2):
            middles = np.linalg.norm(one.mean(axis=0) - other.mean(axis=0))
            if middles < 0.03:
                assert apart(one, other)
                touching += middles < 0.018
    assert leaning >= 3
    assert touching >= 6


def test_the_category_is_the_face_that_looks_up() -> None:
    seen = Counter()
    for frame in range(30):
        scene = sample(frame, placement={"touching": 1.0, "leaning": 0.5})
        eye_m = np.array(scene.camera.world_from_cam)[:3, 3]
        for die in scene.instances:
            pose = np.array(die.world_from_obj)
            heights = [
                (pose[:3, :3] @ face_frame(die.shape.handed, number)[:, 2])[2]
                for number in range(1, 7)
            ]
            assert NUMBERS[int(np.argmax(heights))] == die.category
            top = pose[:3, :3] @ face_frame(die.shape.handed, int(np.argmax(heights)) + 1)[:, 2]
            assert top @ (eye_m - pose[:3, 3]) > 0
            seen[die.category] += 1
    assert set(seen) == set(NUMBERS)


def test_corners_go_clockwise_from_the_upper_left_in_the_picture() -> None:
    names = FAMILY.keypoints["one"].names
    assert names == ("upper_left", "upper_right", "lower_right", "lower_left", "centre")
    for die, camera in (
        (d, s.camera) for f in range(10) for s in (sample(f),) for d in s.instances
    ):
        pose = np.array(die.world_from_obj)
        pixels = project(camera, np.array(die.keypoints_m) @ pose[:3, :3].T + pose[:3, 3])
        corners = pixels[:4] - pixels[4]
        following = np.roll(corners, -1, axis=0)
        turns = corners[:, 0] * following[:, 1] - corners[:, 1] * following[:, 0]
        assert (turns > 0).all()  # clockwise where y runs down
        assert np.argmin(corners.sum(axis=1) / np.hypot(*corners.T)) == 0


def test_a_ring_of_diodes_hangs_around_the_camera() -> None:
    scene = sample(lighting={"lamp": "ring", "size": 0.5, "strength": 0.8, "fill": 0.25})
    [lamp] = scene.light.lamps
    eye_m = np.array(scene.camera.world_from_cam)[:3, 3]
    assert lamp.kind == "ring"
    assert lamp.position_m == pytest.approx(eye_m)
    assert lamp.irradiance == pytest.approx(0.6)
    assert 0.1 < lamp.size_m / np.linalg.norm(eye_m) < 0.7


def test_same_seeds_same_scene_and_back_from_json() -> None:
    first = sample(frame=3)
    assert first == sample(frame=3)
    assert DiceScene.model_validate_json(first.model_dump_json()) == first
    assert first.instances != sample(frame=4).instances
    assert sample(count={"dice": 0, "more": 0}).instances == ()


@pytest.mark.parametrize("factor", FACTOR_NAMES)
@pytest.mark.parametrize("mode", ["off", "frozen"])
def test_a_factor_moves_nothing_but_its_own(factor: str, mode: str) -> None:
    fixed = {"count": {"dice": 8, "more": 0}} if factor != "count" else {}
    before, after = sample(frame=9, **fixed), sample(frame=9, **fixed, **{factor: mode})
    assert {n: v for n, v in before.factors.items() if n != factor} == {
        n: v for n, v in after.factors.items() if n != factor
    }
    moves = {"count", "shape", "placement", "pose", "background"}
    if factor not in moves | {"material"}:
        same = ("shape", "paint", "category", "world_from_obj")
        assert len(before.instances) == len(after.instances)
        pairs = zip(before.instances, after.instances, strict=True)
        assert all(getattr(a, key) == getattr(b, key) for a, b in pairs for key in same)
    if factor == "material":
        assert [d.world_from_obj for d in before.instances] == [
            d.world_from_obj for d in after.instances
        ]
    if factor != "camera":
        assert before.camera == after.camera
    if factor not in ("lighting", "camera"):
        assert before.light == after.light
    if factor == "camera":
        assert before.light.world == after.light.world
    if factor != "background":
        assert (before.ground, before.tray, before.strip) == (after.ground, after.tray, after.strip)
    if factor != "sensor":
        assert before.sensor == after.sensor


@given(frame=st.integers(0, 500))
@settings(max_examples=40)
def test_two_magnets_of_their_size_lie_above_the_flap(frame: int) -> None:
    strip = sample(frame, background={"setting": "box", "flap": "near"}).strip
    assert strip is not None
    shape = flap_shape(strip)
    dark = shape.paint.mean(axis=1) < 0.6 * strip.shade
    x, y, z = shape.vertices_m[dark].T
    half_x, half_y = np.array(strip.size_m) / 2
    assert (z > strip.curl_m * (np.abs(y) / half_y) ** 4).all()
    for side in (x < 0, x > 0):
        middle = np.array([x[side].mean(), y[side].mean()])
        assert np.ptp(x[side]) == pytest.approx(strip.magnet_m, rel=0.15)
        assert np.ptp(y[side]) == pytest.approx(strip.magnet_m, rel=0.15)
        assert (np.abs(middle) + strip.magnet_m / 2 < [half_x, half_y]).all()


SQUARES = st.builds(
    lambda x, y, half, turn: Footprint(
        centre_m=np.array([x, y]), half_m=np.array([half, half]), turn_rad=turn
    ),
    st.floats(-2, 2),
    st.floats(-2, 2),
    st.floats(0.5, 1),
    st.floats(-3, 3),
)


@given(one=SQUARES, other=SQUARES)
@settings(max_examples=60)
def test_footprints_overlap_as_opencv_says(one: Footprint, other: Footprint) -> None:
    boxes = [
        (tuple(f.centre_m.tolist()), tuple((2 * f.half_m).tolist()), float(np.rad2deg(f.turn_rad)))
        for f in (one, other)
    ]
    kind, corners = cv2.rotatedRectangleIntersection(*boxes)
    shared = 0.0 if kind == 0 else cv2.contourArea(cv2.convexHull(corners))
    if shared > 1e-4:
        assert overlap(one, other)
    elif not overlap(one, other, gap_m=1e-3):
        assert shared < 1e-4


@given(one=SQUARES, other=SQUARES, angle=st.floats(-3, 3))
@settings(max_examples=60)
def test_at_contact_distance_footprints_just_touch(
    one: Footprint, other: Footprint, angle: float
) -> None:
    direction = np.array([np.cos(angle), np.sin(angle)])
    distance_m = contact_distance(one, other, direction)

    def at(share: float) -> Footprint:
        centre_m = one.centre_m + share * distance_m * direction
        return Footprint(centre_m=centre_m, half_m=other.half_m, turn_rad=other.turn_rad)

    assert overlap(one, at(0.999))
    assert not overlap(one, at(1.001))


def test_the_example_fits_the_family() -> None:
    spec = load_spec(EXAMPLE, SceneSpec)
    assert spec.scene == FAMILY.name
    bind_factors(FAMILY.factors, spec.factors, source=EXAMPLE)


SCRIPT = """
import sys
import numpy as np
from blender_scenes.dice.build import build
from blender_scenes.dice.scene import DiceScene
from blender_scenes.engine import Engine, clear_scene
from pipeline.specs.scene import RenderSpec

scene = DiceScene.model_validate_json(open(sys.argv[1]).read())
engine = Engine(RenderSpec(samples=2, device="cpu"), max_bounces=(4, 2, 2), denoise=True)
clear_scene()
build(scene, {})
passes = engine.render(scene, noise_seed=0)
np.savez(sys.argv[2], ids=passes.ids, light=passes.light)
"""


@pytest.mark.blender
@pytest.mark.parametrize("setting", ["box", "tray", "table"])
def test_rendered_dice_show_their_pips_where_they_are(tmp_path: Path, setting: str) -> None:
    scene = sample(
        frame=2,
        image=ImageSpec(width=320, height=240),
        count={"dice": 5, "more": 0},
        background={"setting": setting, "flap": "near"},
        placement={"leaning": 0, "touching": 0},
        material={"finish": "opaque", "tone": 0.01},  # white with black pips
        occlusion="off",
        distractors="off",
    )
    (tmp_path / "scene.json").write_text(scene.model_dump_json())
    arguments = [str(tmp_path / "scene.json"), str(tmp_path / "passes.npz")]
    subprocess.run([sys.executable, "-c", SCRIPT, *arguments], check=False, stdout=subprocess.PIPE)
    with np.load(tmp_path / "passes.npz") as stored:  # judged by its file: bpy may crash at exit
        ids, light = stored["ids"], stored["light"]
    assert np.isfinite(light).all()
    assert set(np.unique(ids)) <= {0, *range(1, len(scene.instances) + 1)}
    grey = light.mean(axis=2)
    for die in scene.instances:
        pose = np.array(die.world_from_obj)
        number = NUMBERS.index(die.category) + 1
        normal = face_frame(die.shape.handed, number)[:, 2]
        pips = painted_pips(die_surface(die.shape, cells=48), normal)
        columns, rows = (
            np.floor(project(scene.camera, pips @ pose[:3, :3].T + pose[:3, 3])).astype(int).T
        )
        inside = (columns >= 0) & (columns < 320) & (rows >= 0) & (rows < 240)
        if not inside.all():
            continue
        assert (ids[rows, columns] == die.instance_id).all()
        body = np.percentile(grey[ids == die.instance_id], 90)
        assert (grey[rows, columns] < 0.6 * body).all()

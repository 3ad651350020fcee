"""Nuts: closed bodies of the right size, placed side by side, one real render."""

from __future__ import annotations

import itertools
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from embreex import mesh_construction, rtcore_scene
from hypothesis import given, settings
from hypothesis import strategies as st

from blender_scenes.blocks.shapes import Shape
from blender_scenes.nuts.bodies import body_of
from blender_scenes.nuts.fabrics import cloth_height_m, cloth_picture, inside_m, surface_m
from blender_scenes.nuts.factors import CATEGORIES
from blender_scenes.nuts.family import NutsFamily
from blender_scenes.nuts.pieces import form_of, skin_of, turn_of
from blender_scenes.nuts.scene import Cloth, Form, NutsScene, Skin
from blender_scenes.triangles import Surface
from pipeline.geometry.camera import project
from pipeline.sampling.factors import FactorDraws, bind_factors
from pipeline.sampling.seeds import FrameSeeds
from pipeline.specs.document import load_spec
from pipeline.specs.scene import FactorValue, ImageSpec, RenderSpec, SceneSpec

FAMILY = NutsFamily()
FACTOR_NAMES = [factor.name for factor in FAMILY.factors]
EXAMPLE = Path(__file__).parents[2] / "examples" / "nuts.yaml"
KINDS = (*CATEGORIES, "chocolate")
SMALL = ImageSpec(width=160, height=120)
# Everything that the scene record holds beside what all scenes hold.
PARTS = {
    "camera",
    "instances",
    "sweets",
    "table",
    "cloths",
    "vessel",
    "light",
    "clutter",
    "occluders",
    "sensor",
}

SHAPE = {
    "size": 1.0,
    "slenderness": 1.0,
    "flatness": 1.0,
    "taper": 0.4,
    "waist": 0.2,
    "bend": 0.5,
    "wrinkles": 1.0,
    "stalk": 0.6,
}
SKIN = Skin(tone=0.3, brightness=1.0, roughness=0.3, wear=0.9, seed=4)
# Length without a stalk and width, metres: what a ruler beside such fruit says.
LENGTHS_M = {
    "date": (0.03, 0.05),
    "fig": (0.025, 0.045),
    "hazelnut": (0.015, 0.026),
    "chocolate": (0.02, 0.035),
}


def sample(frame: int = 0, *, seed: int = 5, **factors: FactorValue) -> NutsScene:
    bound = bind_factors(FAMILY.factors, factors, source=Path("spec.yaml"))
    draws = FactorDraws(bound, FrameSeeds(seed=seed, frame=frame))
    return FAMILY.sample(draws, image=FAMILY.image)


def form(kind: str, *, seed: int = 1, **changes: float) -> Form:
    return form_of(kind, SHAPE | changes, seed=seed)


def body(kind: str, *, rings: int = 60, segments: int = 48, seed: int = 1) -> Shape:
    return body_of(form(kind, seed=seed), SKIN, rings=rings, segments=segments)


def volume_m3(shape: Shape) -> float:
    a, b, c = (shape.vertices_m[shape.triangles[:, k]] for k in range(3))
    return float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("rings", "segments"), [(20, 16), (60, 48)])
def test_a_body_is_closed_and_faces_outwards(kind: str, rings: int, segments: int) -> None:
    shape = body(kind, rings=rings, segments=segments)
    edges = Counter(
        (int(a), int(b)) for t in shape.triangles for a, b in zip(t, np.roll(t, -1), strict=True)
    )
    assert set(edges.values()) == {1}
    assert all((b, a) in edges for a, b in edges)
    assert set(shape.triangles.ravel().tolist()) == set(range(len(shape.vertices_m)))
    sides_m = np.array(form(kind).size_m)
    assert 0.3 * sides_m.prod() < volume_m3(shape) < 0.9 * sides_m.prod()
    assert np.isfinite(shape.paint).all()
    assert shape.paint.min() > 0
    assert shape.paint.max() < 1


@pytest.mark.parametrize("kind", KINDS)
@given(seed=st.integers(0, 2**31 - 1))
@settings(max_examples=8)
def test_bodies_have_the_sizes_of_the_real_ones(kind: str, seed: int) -> None:
    shape = body(kind, seed=seed)
    low, high = LENGTHS_M[kind]
    length_m, width_m, height_m = np.ptp(shape.vertices_m, axis=0)
    wanted = form(kind, seed=seed).size_m
    assert low < wanted[0] < high
    assert 0.9 * wanted[0] < length_m < (1.12 + 0.4 * (kind == "fig")) * wanted[0]
    assert 0.8 * wanted[1] < width_m < 1.35 * wanted[1]
    assert 0.8 * wanted[2] < height_m < 1.35 * wanted[2]


@pytest.mark.parametrize("kind", KINDS)
def test_more_vertices_show_the_same_body(kind: str) -> None:
    coarse, fine = (body(kind, rings=n, segments=n) for n in (36, 140))
    size_m = np.array(form(kind).size_m)
    for end in (np.min, np.max):
        apart = end(coarse.vertices_m, axis=0) - end(fine.vertices_m, axis=0)
        assert (np.abs(apart) < 0.05 * size_m.max()).all()
    assert volume_m3(coarse) == pytest.approx(volume_m3(fine), rel=0.08)


def test_wrinkles_are_what_makes_a_date_rough() -> None:
    def roughness(depth: float) -> float:
        shape = body_of(form("date", wrinkles=depth), SKIN, rings=80, segments=80)
        net = shape.vertices_m[1:-1].reshape(78, 80, 3)
        return float(np.linalg.norm(np.diff(net, n=2, axis=1), axis=2).mean())

    assert roughness(1.0) > 1.5 * roughness(0.0)


def test_the_older_a_hazelnut_the_more_of_its_pale_film_it_shows() -> None:
    def pale(wear: float) -> float:
        shares = []
        for seed in range(12):
            skin = SKIN.model_copy(update={"wear": wear, "seed": seed})
            shape = body_of(form("hazelnut"), skin, rings=60, segments=50)
            shell = shape.paint[shape.vertices_m[:, 0] > -0.006]  # without the scar
            shares.append((shell[:, 2] > 0.55 * shell[:, 0]).mean())
        return float(np.mean(shares))

    # Of 24 photographed ones ten show nothing of it, seven more than a quarter.
    assert pale(0.0) < 0.05 < pale(0.5) < 0.25 < 0.5 < pale(1.0) < 0.7


@pytest.mark.parametrize("kind", KINDS)
def test_turns_are_rotations(kind: str) -> None:
    turn = turn_of(kind, {"turn_rad": 2.0, "roll_rad": -1.0, "tip": 0.7}, face_down=True)
    assert np.allclose(turn @ turn.T, np.eye(3))
    assert np.linalg.det(turn) == pytest.approx(1)


def test_gloss_is_the_smoother_the_higher() -> None:
    drawn = {"tone": 0.0, "brightness": 1.0, "wear": 0.0}
    dull, bright = (skin_of("date", drawn | {"gloss": g}, seed=0).roughness for g in (0, 1))
    assert bright < dull


def depth_inside_m(one: Surface, other: Surface) -> float:
    """How deep vertices of one body are inside another, by rays that leave it."""
    scene = rtcore_scene.EmbreeScene()
    corners = other.vertices_in(np.eye(4))[other.triangles].astype(np.float32)
    mesh_construction.TriangleMesh(scene, corners)
    points = one.vertices_in(np.eye(4)).astype(np.float32)
    depth = np.full(len(points), np.inf)
    inside = np.ones(len(points), dtype=bool)
    for axis in np.concatenate([np.eye(3), -np.eye(3)]).astype(np.float32):
        far = np.ascontiguousarray(np.tile(axis, (len(points), 1)))
        hit = scene.run(points, far, query="INTERSECT", output=True)
        struck = hit["primID"] >= 0
        leaving = struck & (np.einsum("ij,j->i", hit["Ng"], axis) * _outwards(corners, hit) > 0)
        inside &= leaving
        depth = np.minimum(depth, np.where(struck, hit["tfar"], np.inf))
    return float(depth[inside].max(initial=0.0))


def _outwards(corners: np.ndarray, hit: dict[str, np.ndarray]) -> np.ndarray:
    # +1 where Embree's normal agrees with the triangle's own.
    triangle = corners[np.maximum(hit["primID"], 0)]
    own = np.cross(triangle[:, 1] - triangle[:, 0], triangle[:, 2] - triangle[:, 0])
    return np.sign(np.einsum("ij,ij->i", own, hit["Ng"]))


def boxes_meet(one: Surface, other: Surface, *, margin_m: float) -> bool:
    """Whether the upright boxes of two surfaces come so close."""
    a, b = (surface.vertices_in(np.eye(4)) for surface in (one, other))
    apart = np.maximum(a.min(axis=0) - b.max(axis=0), b.min(axis=0) - a.max(axis=0))
    return bool((apart < margin_m).all())


def test_pieces_do_not_sink_into_each_other() -> None:
    touching = 0
    for frame in range(4):
        scene = sample(
            frame, count={"pieces": 12}, placement={"touching": 1.0, "piled": 0.0, "inset": 0.1}
        )
        surfaces = []
        for piece in scene.instances:
            shape = body_of(piece.form, piece.skin, rings=60, segments=50)
            surfaces.append(
                Surface(
                    instance_id=piece.instance_id,
                    world_from_mesh=np.array(piece.world_from_obj),
                    vertices_m=shape.vertices_m.astype(np.float32),
                    triangles=shape.triangles,
                    normals=np.zeros((0, 3, 3), np.float32),
                )
            )
        for one, other in itertools.combinations(surfaces, 2):
            if not boxes_meet(one, other, margin_m=0.002):
                continue
            assert depth_inside_m(one, other) < 0.0012
            gaps = one.vertices_in(np.eye(4))[::7, None, :2] - other.vertices_in(np.eye(4))[::7, :2]
            touching += np.linalg.norm(gaps, axis=2).min() < 0.002
    assert touching > 8


@pytest.mark.parametrize("cover", ["none", "terry", "both"])
def test_pieces_rest_on_what_is_below_them(cover: str) -> None:
    scene = sample(2, background={"cover": cover, "vessel": "none"}, placement={"piled": 0.0})
    assert scene.instances
    for piece in scene.instances:
        pose = np.array(piece.world_from_obj)
        shape = body_of(piece.form, piece.skin, rings=80, segments=60)
        world_m = shape.vertices_m @ pose[:3, :3].T + pose[:3, 3]
        clearance_m = world_m[:, 2] - surface_m(scene.cloths, world_m[:, :2])
        assert -0.004 < clearance_m.min() < 0.002


def test_pieces_stay_in_the_picture() -> None:
    for frame in range(6):
        scene = sample(frame, placement={"touching": 0.0, "piled": 0.0})
        middles = np.array([p.world_from_obj for p in scene.instances])[:, :3, 3]
        pixels = project(scene.camera, middles)
        assert (pixels > 0).all()
        assert (pixels < [scene.camera.width_px, scene.camera.height_px]).all()


def test_a_cloth_ends_at_its_edge() -> None:
    cloth = Cloth(
        weave="terry",
        dark=(0.4, 0.4, 0.4),
        light=(0.8, 0.8, 0.8),
        angle_rad=0.0,
        edge_m=0.05,
        edge_rad=0.0,
        fold_m=0.01,
        thickness_m=0.003,
        seed=1,
    )
    places = np.column_stack([np.linspace(-0.1, 0.1, 50), np.zeros(50)])
    height = cloth_height_m(cloth, places)
    inside = inside_m(cloth, places) > 0
    assert inside[:30].all()
    assert not inside[-8:].any()
    assert (height[inside] >= 0.003).all()
    assert (height[~inside] == 0).all()


@pytest.mark.parametrize("weave", ["terry", "microfibre"])
@pytest.mark.parametrize("cells", [40, 300])
def test_a_cloths_picture_keeps_between_its_colours(weave: str, cells: int) -> None:
    cloth = sample(0, background={"cover": weave}).cloths[0]
    picture = cloth_picture(cloth, side_m=0.2, cells=cells, lit_from_rad=1.0)
    assert picture.shape == (cells, cells, 3)
    mean = picture.mean(axis=(0, 1))
    assert (mean > cloth.dark).all()
    assert (mean < cloth.light).all()
    assert picture.std() > 0.01


def test_example_spec_fits_the_family() -> None:
    spec = load_spec(EXAMPLE, SceneSpec)
    assert spec.scene == FAMILY.name
    assert spec.labels.semantic
    assert spec.labels.amodal
    bind_factors(FAMILY.factors, spec.factors, source=EXAMPLE)


def test_sampling_is_a_function_of_seed_and_frame() -> None:
    assert sample() == sample()
    assert sample() != sample(1)
    assert sample() != sample(seed=6)
    assert NutsScene.model_validate_json(sample().model_dump_json()) == sample()


def test_every_category_occurs_and_keeps_its_piece() -> None:
    scenes = [sample(frame) for frame in range(8)]
    seen = {piece.category for scene in scenes for piece in scene.instances}
    assert seen == set(CATEGORIES)
    assert all(piece.category == piece.form.kind for s in scenes for piece in s.instances)


@pytest.mark.parametrize("name", FACTOR_NAMES)
def test_switching_a_factor_off_leaves_the_other_draws(name: str) -> None:
    with_it, without = sample(3), sample(3, **{name: "off"})
    for other in with_it.factors.keys() - {name}:
        assert without.factors[other] == with_it.factors[other]


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("lighting", {"light"}),
        ("sensor", {"sensor"}),
        ("occlusion", {"occluders"}),
        ("distractors", {"sweets", "clutter"}),
        ("motion", set()),
        ("material", {"instances"}),
        # What lies there moves with the view and with what it lies on.
        ("background", {"table", "cloths", "vessel", "instances", "sweets", "clutter"}),
        ("placement", {"instances", "sweets", "clutter"}),
        ("pose", {"instances", "sweets", "clutter"}),
        ("shape", {"instances", "sweets", "clutter"}),
        ("count", {"instances", "sweets", "clutter"}),
    ],
)
def test_a_factor_moves_only_its_own_part_of_the_scene(name: str, changed: set[str]) -> None:
    for frame in range(3):
        with_it, without = sample(frame), sample(frame, **{name: "off"})
        for part in PARTS - changed:
            assert getattr(without, part) == getattr(with_it, part)


def test_material_off_keeps_each_pieces_shape_and_place() -> None:
    for plain, piece in zip(sample(material="off").instances, sample().instances, strict=True):
        assert plain.model_dump(exclude={"skin"}) == piece.model_dump(exclude={"skin"})


def test_one_piece_more_leaves_the_others_where_they_are() -> None:
    few, more = (sample(count={"pieces": n}, distractors="off").instances for n in (6, 7))
    assert more[: len(few)] == few


def test_nothing_at_all_is_a_scene_too() -> None:
    scene = sample(count={"pieces": 0}, distractors="off")
    assert scene.instances == ()
    assert scene.sweets == ()


@pytest.mark.blender
def test_a_render_shows_every_piece_where_it_is(tmp_path: Path) -> None:
    from blender_scenes.engine import Engine, clear_scene
    from blender_scenes.nuts.build import build

    bound = bind_factors(
        FAMILY.factors,
        {
            "count": {"pieces": 7},
            "background": {"cover": "both", "vessel": "tray"},
            "placement": {"piled": 0.0},
            "distractors": {"sweets": 2},
        },
        source=Path("spec.yaml"),
    )
    scene = FAMILY.sample(FactorDraws(bound, FrameSeeds(seed=2, frame=1)), image=SMALL)
    engine = Engine(RenderSpec(samples=2), max_bounces=FAMILY.max_bounces, denoise=True)
    clear_scene()
    build(scene, {})
    passes = engine.render(scene, noise_seed=1)
    assert set(np.unique(passes.ids)) - {0} == {p.instance_id for p in scene.instances}
    for piece in scene.instances:
        pose = np.array(piece.world_from_obj)
        shape = body_of(piece.form, piece.skin, rings=60, segments=50)
        pixels = project(scene.camera, shape.vertices_m @ pose[:3, :3].T + pose[:3, 3])
        rows, columns = np.nonzero(passes.ids == piece.instance_id)
        assert columns.min() > pixels[:, 0].min() - 1.5
        assert columns.max() < pixels[:, 0].max() + 1.5
        assert rows.min() > pixels[:, 1].min() - 1.5
        assert rows.max() < pixels[:, 1].max() + 1.5
    assert 0.1 < passes.light.mean() < 1.2

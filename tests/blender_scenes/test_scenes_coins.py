"""The coins family: sampling, shapes, and the render against projected geometry."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.path import Path as MatplotlibPath

from blender_scenes.blocks.discs import push_apart
from blender_scenes.blocks.ground_pictures import ground_picture
from blender_scenes.coins.factors import FACTORS
from blender_scenes.coins.family import CoinsFamily
from blender_scenes.coins.flan import flan_mesh
from blender_scenes.coins.layout import arrange
from blender_scenes.coins.outline import flan_outline
from blender_scenes.coins.relief import coin_face
from blender_scenes.coins.scene import Coin, CoinsScene
from blender_scenes.lens import through_lens
from pipeline.geometry.camera import project
from pipeline.sampling.factors import FactorDraws, bind_factors
from pipeline.sampling.seeds import FrameSeeds
from pipeline.specs.document import load_spec
from pipeline.specs.scene import ImageSpec, RenderSpec, SceneSpec

FAMILY = CoinsFamily()
EXAMPLE = Path(__file__).parents[2] / "examples" / "coins.yaml"


def _sampled(frame=0, seed=3, factors=None, image=FAMILY.image) -> CoinsScene:
    bound = bind_factors(FACTORS, factors or {}, source=Path("coins.yaml"))
    draws = FactorDraws(bound, FrameSeeds(seed=seed, frame=frame))
    scene = through_lens(FAMILY.sample(draws, image=image), draws)
    assert isinstance(scene, CoinsScene)
    return scene


@pytest.fixture(scope="module")
def coin() -> Coin:
    return _sampled().instances[0]


def test_example_spec_fits_the_family():
    spec = load_spec(EXAMPLE, SceneSpec)
    assert spec.scene == FAMILY.name
    bind_factors(FACTORS, spec.factors, source=EXAMPLE)


def test_sampling_is_a_function_of_seed_and_frame():
    assert _sampled() == _sampled()
    assert _sampled() != _sampled(frame=1)
    assert _sampled() != _sampled(seed=4)


def test_scene_survives_its_json():
    scene = _sampled()
    assert CoinsScene.model_validate_json(scene.model_dump_json()) == scene


def test_every_factor_is_recorded():
    assert _sampled().factors.keys() == {factor.name for factor in FACTORS}


@pytest.mark.parametrize("name", [factor.name for factor in FACTORS])
def test_switching_a_factor_off_leaves_the_other_draws(name):
    with_it, without = _sampled(), _sampled(factors={name: "off"})
    off = {p.name: p.off for f in FACTORS if f.name == name for p in f.parameters}
    assert without.factors[name] == {key: off[key] for key in without.factors[name]}
    for other in with_it.factors.keys() - {name}:
        assert without.factors[other] == with_it.factors[other]


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("background", {"ground"}),
        ("lighting", {"light"}),
        # The view sets where things fit and how far the lamp is.
        ("camera", {"camera", "instances", "ground", "light", "things"}),
        ("material", {"instances"}),
        ("pose", {"instances"}),
        ("placement", {"instances", "things"}),
        ("distractors", {"things"}),
        ("sensor", {"sensor", "plate_edge"}),
    ],
)
def test_a_factor_moves_only_its_own_part_of_the_scene(name, changed):
    with_it, without = _sampled(), _sampled(factors={name: "off"})
    for part in {"camera", "instances", "ground", "light", "things", "sensor", "plate_edge"}:
        if part not in changed:
            assert getattr(without, part) == getattr(with_it, part)


def test_metal_off_keeps_each_coins_shape_and_place():
    for plain, coin in zip(
        _sampled(factors={"material": "off"}).instances, _sampled().instances, strict=True
    ):
        metal = {"colour", "metallic", "roughness", "patina", "blotches"}
        assert plain.model_dump(exclude=metal) == coin.model_dump(exclude=metal)


def test_one_coin_more_leaves_the_others_as_they_are():
    few, more = (_sampled(factors={"count": {"coins": n}}).instances for n in (6, 7))
    place = {"world_from_obj"}
    assert [c.model_dump(exclude=place) for c in few] == [
        c.model_dump(exclude=place) for c in more[:6]
    ]


def test_no_coins_is_a_scene_too():
    assert _sampled(factors={"count": {"coins": 0}}).instances == ()


@given(
    layout=st.sampled_from(["rows", "grid", "scatter", "pile"]),
    count=st.integers(1, 40),
    seed=st.integers(0, 2**31),
)
def test_kept_discs_do_not_overlap_and_stay_inside(layout, count, seed):
    rng = np.random.default_rng(seed)
    radii_m = rng.uniform(0.01, 0.03, count)
    half_m = np.array([0.11, 0.09]) - radii_m[:, None]
    start_m = arrange(layout, jitter=rng.uniform(-1, 1, (count, 2)), extent_m=(0.22, 0.18))
    places_m, keep = push_apart(start_m, radii_m=radii_m, half_extent_m=half_m)
    assert keep[0]
    assert (np.abs(places_m) <= half_m + 1e-12).all()
    gaps = np.linalg.norm(places_m[:, None] - places_m[None], axis=-1) - (
        radii_m[:, None] + radii_m[None]
    )
    np.fill_diagonal(gaps, 0)
    assert (gaps[np.ix_(keep, keep)] >= -1e-4).all()


def test_rows_fill_the_field_evenly():
    places = arrange("grid", jitter=np.zeros((24, 2)), extent_m=(0.24, 0.16))
    assert len(np.unique(places[:, 0].round(9))) == 6
    assert len(np.unique(places[:, 1].round(9))) == 4
    np.testing.assert_allclose(places.mean(axis=0), 0, atol=1e-12)


def test_outline_reaches_its_radius_and_a_plain_flan_is_round(coin):
    for frame in range(5):
        for drawn in _sampled(frame=frame).instances:
            outline = flan_outline(drawn, points=180)
            assert outline.max() == 1
            assert outline.min() > 0.5
    plain = coin.model_copy(update={"ovalness": 0.0, "irregularity": 0.0, "cuts": 0, "nicks": 0})
    np.testing.assert_allclose(flan_outline(plain, points=90), 1)


def test_faces_are_functions_of_the_coin(coin):
    for first, second in zip(coin_face(coin, cells=96), coin_face(coin, cells=96), strict=True):
        np.testing.assert_array_equal(first, second)
    other = coin.model_copy(update={"relief_seed": coin.relief_seed + 1})
    assert (coin_face(other, cells=96)[0] != coin_face(coin, cells=96)[0]).any()


def test_wear_lowers_the_relief_and_incuse_sinks_it(coin):
    fresh = coin.model_copy(
        update={"motif": "figure", "border": "none", "wear": 0.0, "incuse": False,
                "off_centre": 0.0, "relief_m": 1.0}
    )  # fmt: skip
    worn = fresh.model_copy(update={"wear": 1.0})
    sunk = fresh.model_copy(update={"incuse": True})
    height, worn_height, sunk_height = (
        coin_face(each, cells=128)[0] for each in (fresh, worn, sunk)
    )
    assert worn_height.max() < 0.8 * height.max()
    middle = slice(50, 78)
    assert sunk_height[middle, middle].mean() < -0.2 < 0.2 < height[middle, middle].mean()


def test_no_face_strikes_through_the_flan():
    for drawn in _sampled().instances:
        sunk = drawn.model_copy(update={"incuse": True, "relief_m": drawn.thickness_m * 2})
        flan = flan_mesh(sunk, radius_px=20)
        assert flan.vertices_m[:, 2].min() >= 0
        assert len(flan.reflectance) == len(flan.vertices_m)
        assert flan.quads.max() == len(flan.vertices_m) - 1


def test_the_ground_gets_darker_along_its_gradient():
    ground = _sampled(factors={"background": {"vary": 0, "surface": "paper"}}).ground
    even, fading = (
        ground_picture(ground.model_copy(update={"gradient": share, "gradient_rad": 0.0}), cells=64)
        for share in (0.0, 0.9)
    )
    left_over = fading[32, :, 0] / even[32, :, 0]
    assert (np.diff(left_over) <= 1e-6).all()
    np.testing.assert_allclose(left_over[[0, -1]], [1.0, 0.1], rtol=1e-4)


def test_things_lie_off_the_coins():
    for frame in range(6):
        scene = _sampled(frame=frame, factors={"distractors": {"small": 8}})
        for thing in scene.things:
            place = np.array(thing.world_from_thing)[:2, 3]
            for coin in scene.instances:
                apart_m = np.linalg.norm(np.array(coin.world_from_obj)[:2, 3] - place)
                assert apart_m > coin.radius_m


@pytest.mark.blender
def test_rendered_ids_are_the_projected_outlines():
    pytest.importorskip("bpy")
    from blender_scenes.coins.build import build
    from blender_scenes.engine import Engine, clear_scene

    scene = _sampled(
        factors={
            "distractors": "off",
            "sensor": "off",
            "count": {"coins": 12},
            "placement": {"layout": "grid", "gap": 0.3, "inset": [1.2, 1.2]},
        },
        image=ImageSpec(width=256, height=208),
    )
    engine = Engine(RenderSpec(samples=1), max_bounces=FAMILY.max_bounces, denoise=False)
    clear_scene()
    build(scene, {})
    ids = engine.render(scene, noise_seed=0).ids
    assert set(np.unique(ids)) == {0, *(coin.instance_id for coin in scene.instances)}
    for coin in scene.instances:
        mask, outline = ids == coin.instance_id, _projected(coin, scene)
        y, x = np.nonzero(mask != outline)
        # Pixels that differ lie on the border of both, so within one pixel of the outline.
        border = cv2.morphologyEx(
            outline.astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)
        )
        assert border[y, x].all()
        assert len(y) <= 0.01 * mask.sum()


def _projected(coin: Coin, scene: CoinsScene) -> np.ndarray:
    # (H, W) bool: the side of the flan, seen by the pinhole camera, at the pixels' centres.
    angle = np.arange(720) * np.pi / 360
    reach_m = coin.radius_m * flan_outline(coin, points=720)
    ring_m = np.column_stack([reach_m * np.cos(angle), reach_m * np.sin(angle)])
    width, height = scene.camera.width_px, scene.camera.height_px
    centres = np.stack(np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5), axis=-1)
    mask = np.zeros(height * width, bool)
    for z_m in np.linspace(0.35, 0.75, 5) * coin.thickness_m:
        points_m = np.column_stack([ring_m, np.full(720, z_m), np.ones(720)])
        world_m = points_m @ np.array(coin.world_from_obj).T
        outline = MatplotlibPath(project(scene.camera, world_m[:, :3]))
        mask |= outline.contains_points(centres.reshape(-1, 2))
    return mask.reshape(height, width)


@pytest.mark.blender
def test_things_carry_no_id_and_the_plate_holder_hides_what_is_behind_it():
    pytest.importorskip("bpy")
    from blender_scenes.coins.build import build
    from blender_scenes.engine import Engine, clear_scene

    factors = {"distractors": {"small": 8, "size": 0.4}, "count": {"coins": 8}}
    scene = _sampled(factors=factors, image=ImageSpec(width=128, height=104))
    assert len(scene.things) > 2
    scene = scene.model_copy(update={"plate_edge": (0.25, -1.0, -1.0, -1.0), "plate_corner": 0.0})
    engine = Engine(RenderSpec(samples=1), max_bounces=FAMILY.max_bounces, denoise=False)
    clear_scene()
    build(scene, {})
    passes = engine.render(scene, noise_seed=0)
    assert (passes.ids[:, :32] == 0).all()
    assert (passes.light[:, :32] < 0.02).all()
    seen = set(np.unique(passes.ids[:, 32:])) - {0}
    assert seen
    assert seen <= {coin.instance_id for coin in scene.instances}

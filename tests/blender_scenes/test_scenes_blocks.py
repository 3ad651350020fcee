"""Building blocks: light that adds up, grounds, framing, heaps, clutter, physics."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.color import rgb2xyz

from blender_scenes import blocks
from blender_scenes.blocks.backdrops import (
    BACKDROP_PARAMETERS,
    Backdrop,
    backdrop_picture,
    sample_backdrop,
)
from blender_scenes.blocks.clutter import DISTRACTORS, OCCLUSION, sample_clutter, sample_occluders
from blender_scenes.blocks.colours import kelvin_rgb, linear_rgb, srgb_hex
from blender_scenes.blocks.framing import CAMERA, NOMINAL_PX, frame_camera, ground_under
from blender_scenes.blocks.ground_pictures import ground_picture
from blender_scenes.blocks.grounds import BACKGROUND, SURFACES, Ground, folds_m, sample_ground
from blender_scenes.blocks.heaps import Heap
from blender_scenes.blocks.lighting import LIGHTING, sample_light
from blender_scenes.blocks.pictures import PANORAMAS, PHOTOGRAPHS, files_in, read_picture
from blender_scenes.blocks.places import (
    grid_places_m,
    in_air,
    inside_picture,
    scattered_in_view_m,
)
from blender_scenes.blocks.shapes import ball, lathed, slab, tube
from blender_scenes.blocks.skins import solid_noise, vertex_normals, wrinkled
from blender_scenes.blocks.tailoring import tailored
from blender_scenes.blocks.things import LARGE, SMALL, thing_shape
from blender_scenes.blocks.worlds import World, bake_world, fitted_world, level_irradiance
from pipeline.errors import SpecError
from pipeline.geometry.camera import look_at, pinhole_camera, project
from pipeline.sampling.factors import Choice, FactorDraws, Uniform, bind_factors
from pipeline.sampling.seeds import FrameSeeds
from pipeline.specs.scene import FactorValue, ImageSpec

FACTORS = (LIGHTING, BACKGROUND, CAMERA, DISTRACTORS, OCCLUSION)
KINDS = ("even", "studio", "window", "office", "lamps", "overcast", "sky")
IMAGE = ImageSpec(width=320, height=240)


def drawn(frame: int = 0, **factors: FactorValue) -> FactorDraws:
    bound = bind_factors(FACTORS, factors, source=Path("spec.yaml"))
    return FactorDraws(bound, FrameSeeds(seed=3, frame=frame))


# --- colours


def planckian_rgb(kelvin: float) -> np.ndarray:
    """From Planck's law and Wyman, Sloan and Shirley's fits of the CIE 1931 matching functions."""
    nm = np.arange(380.0, 781.0)
    power = nm**-5 / np.expm1(1.4387769e7 / (nm * kelvin))

    def lobe(mean: float, below: float, above: float) -> np.ndarray:
        return np.exp(-0.5 * ((nm - mean) * np.where(nm < mean, below, above)) ** 2)

    x = (
        0.362 * lobe(442.0, 0.0624, 0.0374)
        + 1.056 * lobe(599.8, 0.0264, 0.0323)
        - 0.065 * lobe(501.1, 0.0490, 0.0382)
    )
    y = 0.821 * lobe(568.8, 0.0213, 0.0247) + 0.286 * lobe(530.9, 0.0613, 0.0322)
    z = 1.217 * lobe(437.0, 0.0845, 0.0278) + 0.681 * lobe(459.0, 0.0385, 0.0725)
    xyz = np.array([(curve * power).sum() for curve in (x, y, z)])
    to_rgb = np.linalg.inv(rgb2xyz(np.eye(3)[None])[0].T)
    return to_rgb @ xyz


@pytest.mark.parametrize("kelvin", [2200.0, 2800.0, 4000.0, 5500.0, 8000.0, 12000.0])
def test_colour_temperatures_are_a_black_bodys(kelvin: float) -> None:
    expected = planckian_rgb(kelvin).clip(0) / planckian_rgb(6500.0)
    assert np.allclose(kelvin_rgb(kelvin), expected / expected.max(), atol=0.03)


def test_srgb_is_decoded_as_scikit_image_does() -> None:
    values = np.random.default_rng(0).random((50, 3))
    to_rgb = np.linalg.inv(rgb2xyz(np.eye(3)[None])[0].T)
    assert np.allclose(linear_rgb(values), rgb2xyz(values[None])[0] @ to_rgb.T, atol=1e-5)
    assert srgb_hex("ff0080") == pytest.approx((1.0, 0.0, 0.2158605), abs=1e-6)


# --- worlds and lamps


@pytest.mark.parametrize("kind", KINDS)
@given(seed=st.integers(0, 2**31), contrast=st.floats(0, 1), kelvin=st.floats(2000, 12000))
@settings(max_examples=8, deadline=None)
def test_every_world_lights_a_level_surface_as_asked(
    kind: str, seed: int, contrast: float, kelvin: float
) -> None:
    world = World(kind=kind, irradiance=0.7, contrast=contrast, kelvin=kelvin, seed=seed)
    light = bake_world(world, height=64)
    assert light.shape == (64, 128, 3)
    assert light.dtype == np.float32
    assert np.isfinite(light).all()
    assert light.min() > 0
    assert level_irradiance(light).mean() == pytest.approx(0.7, rel=1e-4)


def test_level_irradiance_is_the_integral_over_the_upper_half() -> None:
    light = np.random.default_rng(1).random((64, 128, 3)).astype(np.float32)
    towards = np.random.default_rng(2).normal(size=(200_000, 3))
    towards /= np.linalg.norm(towards, axis=1, keepdims=True)
    rows = np.minimum((0.5 - np.arcsin(towards[:, 2]) / np.pi) * 64, 63).astype(int)
    columns = ((0.5 - np.arctan2(towards[:, 1], towards[:, 0]) / (2 * np.pi)) * 128).astype(int)
    seen = light[rows, columns % 128] * towards[:, 2:].clip(0)
    assert np.allclose(level_irradiance(light), 4 * seen.mean(axis=0), atol=0.01)


def test_a_world_turns_and_flattens() -> None:
    world = World(kind="window", irradiance=1.0, seed=4)
    light = bake_world(world, height=64)
    turned = bake_world(world.model_copy(update={"turn_rad": math.pi / 2}), height=64)
    assert np.allclose(turned, np.roll(light, -32, axis=1))
    flat = fitted_world(world.model_copy(update={"contrast": 0.0}), light)
    assert np.allclose(flat, 1.0, atol=1e-5)


def test_light_of_a_frame_is_shared_between_world_and_lamp() -> None:
    light = sample_light(drawn(lighting={"strength": 0.8, "fill": 0.25}), reach_m=0.2)
    assert light.world.irradiance == pytest.approx(0.2)
    assert [lamp.irradiance for lamp in light.lamps] == pytest.approx([0.6])
    x, y, _ = light.lamps[0].position_m
    assert light.azimuth_rad == pytest.approx(math.atan2(y, x))
    assert sample_light(drawn(lighting={"fill": 1.0}), reach_m=0.2).lamps == ()


def test_users_panoramas_replace_the_worlds() -> None:
    names = ["hdris/a.hdr", "hdris/b.hdr"]
    worlds = [sample_light(drawn(k), reach_m=1.0, pictures=names).world for k in range(12)]
    assert {world.picture for world in worlds} == set(names)
    assert {world.kind for world in worlds} == {"picture"}


# --- grounds


@pytest.mark.parametrize("surface", SURFACES)
def test_a_ground_has_its_two_colours_and_is_the_same_twice(surface: str) -> None:
    dark, light = (0.1, 0.2, 0.3), (0.2, 0.4, 0.6)
    ground = Ground(surface=surface, dark=dark, light=light, tile_m=0.3, wear=0.0, seed=5)
    picture = ground_picture(ground, cells=128)
    assert picture.shape == (128, 128, 3)
    assert picture.dtype == np.float32
    assert np.array_equal(picture, ground_picture(ground, cells=128))
    mean = picture.mean(axis=(0, 1))
    assert (mean > np.array(dark) * 0.9).all()
    assert (mean < np.array(light) * 1.1).all()
    assert np.allclose(mean / mean[0], [1, 2, 3], rtol=0.02)  # a shade changes no hue
    assert picture.std() / picture.mean() > 0.005
    worn = ground_picture(ground.model_copy(update={"wear": 1.0}), cells=128)
    assert np.abs(worn - picture).mean() > 1e-3
    plain = ground.model_copy(update={"contrast": 0.0})
    assert ground_picture(plain, cells=128).std(axis=(0, 1)).max() < 0.02


def test_folds_are_as_high_as_asked_and_level_on_the_whole() -> None:
    ground = Ground(surface="towel", dark=(0, 0, 0), light=(1, 1, 1), tile_m=0.5, fold_m=0.01,
                    seed=9)  # fmt: skip
    places = np.random.default_rng(0).uniform(-0.5, 0.5, size=(5000, 2))
    heights = folds_m(ground, places)
    assert np.ptp(heights) <= 0.01
    assert np.ptp(heights) > 0.003
    assert abs(np.median(heights)) < 0.003
    assert not folds_m(ground.model_copy(update={"fold_m": 0.0}), places).any()


def test_wild_grounds_have_colours_that_none_has_in_truth() -> None:
    def hues(setting: FactorValue) -> float:
        grounds = [sample_ground(drawn(k, background=setting), tile_m=0.3).light for k in range(40)]
        spread = [max(rgb) - min(rgb) for rgb in grounds]
        return float(np.mean(spread))

    assert hues("wild") > 1.3 * hues("on")
    assert sample_ground(drawn(background="off"), tile_m=0.3).surface == "paper"


def test_a_backdrop_is_as_bright_as_asked_and_a_bare_wall_without_clutter() -> None:
    room = Backdrop(distance=3, brightness=0.5, clutter=0.8, colourfulness=0.5, blur=0.0, seed=3)
    picture = backdrop_picture(room, size_px=(160, 120))
    assert picture.shape == (120, 160, 3)
    assert np.array_equal(picture, backdrop_picture(room, size_px=(160, 120)))
    twice = backdrop_picture(room.model_copy(update={"brightness": 1.0}), size_px=(160, 120))
    assert np.allclose(twice, 2 * picture)
    soft = backdrop_picture(room.model_copy(update={"blur": 0.01}), size_px=(160, 120))
    bare = backdrop_picture(room.model_copy(update={"clutter": 0.0}), size_px=(160, 120))
    edges = [np.abs(np.diff(kind.mean(axis=2), axis=1)).mean() for kind in (picture, soft, bare)]
    assert edges[0] > 1.2 * edges[1]
    assert edges[0] > 3 * edges[2]
    grey = backdrop_picture(room.model_copy(update={"colourfulness": 0.0}), size_px=(160, 120))
    people = np.ptp(grey, axis=2) > 1e-6  # whose faces have a colour anyway
    assert people.mean() < 0.2


def test_a_backdrop_is_drawn_from_its_own_part_of_the_background() -> None:
    factor = tailored(BACKGROUND, extra=BACKDROP_PARAMETERS)
    bound = bind_factors((factor,), {"background": {"backdrop_clutter": 0.4}}, source=Path("s"))
    draws = FactorDraws(bound, FrameSeeds(seed=3, frame=0))
    room = sample_backdrop(draws)
    assert room.clutter == pytest.approx(0.4)
    assert sample_ground(draws, tile_m=0.3) == sample_ground(drawn(), tile_m=0.3)
    shown = sample_backdrop(draws, pictures=["backgrounds/desk.jpg"])
    assert shown.picture == "backgrounds/desk.jpg"


# --- framing


@given(
    azimuth=st.floats(-math.pi, math.pi),
    elevation=st.floats(0.05, math.pi / 2),
    roll=st.floats(-math.pi, math.pi),
    hfov=st.floats(0.1, 1.6),
    px=st.floats(10, 300),
    shift=st.tuples(st.floats(-0.4, 0.4), st.floats(-0.4, 0.4)),
    size=st.sampled_from([(640, 480), (480, 640), (200, 200)]),
)
@settings(max_examples=60)
def test_an_object_is_as_large_on_screen_as_asked(
    azimuth, elevation, roll, hfov, px, shift, size
) -> None:
    image = ImageSpec(width=size[0], height=size[1])
    factors = {"object_px": px, "azimuth_rad": azimuth, "elevation_rad": elevation,
               "roll_rad": roll, "hfov_rad": hfov, "offset_x": shift[0],
               "offset_y": shift[1]}  # fmt: skip
    target = np.array([0.3, -0.2, 0.1])
    camera = frame_camera(drawn(camera=factors), image=image, object_m=0.08, target_m=tuple(target))
    axes = np.array(camera.world_from_cam)[:3, :3]
    ends = target + np.outer([-0.04, 0.04], axes[:, 0])
    (left, right), middle = project(camera, ends), project(camera, target[None])[0]
    assert right[0] - left[0] == pytest.approx(px * max(size) / NOMINAL_PX, rel=1e-6)
    assert middle == pytest.approx((0.5 + np.array(shift)) * size, abs=1e-6 * max(size))
    assert -axes[2, 2] == pytest.approx(math.sin(elevation), abs=1e-9)


def test_the_ground_under_a_pixel_projects_back() -> None:
    camera = frame_camera(drawn(), image=IMAGE, object_m=0.05)
    pixels = np.array([[0.0, 0.0], [160, 120], [320, 240], [10, 200]])
    places = ground_under(camera, pixels)
    assert np.allclose(project(camera, np.pad(places, ((0, 0), (0, 1)))), pixels, atol=1e-6)
    level = pinhole_camera(
        width_px=100,
        height_px=100,
        hfov_rad=1.0,
        world_from_cam=look_at(
            eye_m=np.array([0, 0, 1.0]), target_m=np.array([0, 1.0, 1.0]), up=np.array([0, 0, 1.0])
        ),
    )
    sky = ground_under(level, np.array([[50.0, 10.0]]), farthest_m=3.0)
    assert np.linalg.norm(sky) == pytest.approx(3.0)


# --- places


def test_scattered_places_are_in_the_picture_and_keep_when_one_more_comes() -> None:
    draws = drawn()
    camera = frame_camera(draws, image=IMAGE, object_m=0.05)
    many = scattered_in_view_m([draws.noise("camera", k) for k in range(1, 31)], camera)
    few = scattered_in_view_m([draws.noise("camera", k) for k in range(1, 21)], camera)
    assert np.array_equal(many[:20], few)
    assert inside_picture(camera, np.pad(many, ((0, 0), (0, 1)))).all()
    assert not inside_picture(camera, np.array([[50.0, 0.0, 0.0]])).any()


@given(count=st.integers(0, 60), wide=st.floats(0.1, 3), tall=st.floats(0.1, 3))
def test_a_grid_fills_its_field_without_two_in_one_cell(count, wide, tall) -> None:
    places = grid_places_m(count, extent_m=(wide, tall))
    assert places.shape == (count, 2)
    assert (np.abs(places) <= np.array([wide, tall]) / 2).all()
    assert len(np.unique(places.round(9), axis=0)) == count


def test_balls_in_the_air_do_not_touch() -> None:
    rng = np.random.default_rng(0)
    places, radii = rng.uniform(-1, 1, size=(60, 3)), rng.uniform(0.1, 0.3, size=60)
    keep = in_air(places, radii_m=radii, gap_m=0.01)
    assert keep[0]
    kept, sizes = places[keep], radii[keep]
    distance = np.linalg.norm(kept[:, None] - kept[None], axis=2)
    np.fill_diagonal(distance, np.inf)
    assert (distance > sizes[:, None] + sizes[None]).all()
    assert 5 < keep.sum() < 60


def cube(side: float, place: tuple[float, float, float]) -> tuple[np.ndarray, np.ndarray]:
    half = side / 2
    shape = slab([(half, -half), (half, half), (-half, half), (-half, -half)], side, (0, 0, 0))
    return shape.vertices_m + place, shape.triangles


def test_a_heap_of_cubes_is_as_high_as_they_are() -> None:
    heap = Heap(half_m=0.5, cell_m=0.005)
    assert heap.let_down(*cube(0.1, (0, 0, 0))) == pytest.approx(0.0, abs=1e-6)
    assert heap.let_down(*cube(0.1, (0.04, 0, 0))) == pytest.approx(0.1, abs=1e-6)
    assert heap.let_down(*cube(0.1, (0.2, 0.2, 0.3))) == pytest.approx(-0.3, abs=1e-6)
    lifts = heap.rest([cube(0.05, (0.04, 0, 0)), cube(0.05, (-0.3, -0.3, 0))])
    assert lifts == pytest.approx([0.2, 0.0], abs=1e-6)
    assert heap.height_m.max() == pytest.approx(0.25, abs=1e-6)


def test_a_ball_rests_beside_a_ball_without_being_inside() -> None:
    heap = Heap(half_m=0.3, cell_m=0.002)
    unit = ball((0.05, 0.05, 0.05), (0, 0, 0), segments=48)
    heap.let_down(unit.vertices_m, unit.triangles)
    lift = heap.let_down(unit.vertices_m + np.array([0.06, 0, 0]), unit.triangles)
    exact = 0.05 + math.sqrt(0.1**2 - 0.06**2)
    assert exact - 1e-3 < lift < exact + 0.005


# --- shapes and clutter


def volume_m3(shape) -> float:
    a, b, c = (shape.vertices_m[shape.triangles[:, k]] for k in range(3))
    return float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6)


def test_shapes_face_outwards_and_have_their_volume() -> None:
    assert volume_m3(slab([(0, 0), (2, 0), (2, 1), (0, 1)], 3, (0, 0, 0))) == pytest.approx(6)
    cylinder = lathed([(0, 0), (1, 0), (1, 0), (1, 2), (1, 2), (0, 2)], (0, 0, 0), segments=200)
    assert volume_m3(cylinder) == pytest.approx(2 * math.pi, rel=1e-3)
    globe = ball((1, 2, 3), (0, 0, 0), segments=200)
    assert volume_m3(globe) == pytest.approx(8 * math.pi, rel=1e-3)
    rope = tube([(0, 0, 0), (0, 1, 0), (0, 2, 0)], 0.1, (0, 0, 0), segments=100)
    assert volume_m3(rope) == pytest.approx(0.02 * math.pi, rel=1e-3)


def test_normals_of_a_ball_point_outwards_at_its_seams_too() -> None:
    globe = ball((1, 1, 1), (0, 0, 0), segments=48)
    assert (vertex_normals(globe) * globe.vertices_m).sum(axis=1).min() > 0.99


def test_wrinkles_are_as_deep_as_asked_and_tear_nothing() -> None:
    globe = ball((0.02, 0.02, 0.02), (0.6, 0.3, 0.2), segments=64)
    skin = wrinkled(globe, depth_m=0.001, pitch_m=0.006, seed=4)
    depth = 0.02 - np.linalg.norm(skin.vertices_m, axis=1)
    assert depth.min() > -1e-6
    assert 0.0006 < depth.max() <= 0.001
    poles = globe.vertices_m[:, 2] > 0.02 - 1e-9
    assert np.ptp(skin.vertices_m[poles], axis=0).max() < 1e-9
    deep = depth > np.quantile(depth, 0.9)
    assert skin.paint[deep].mean() < 0.8 * skin.paint[~deep].mean()
    assert np.allclose(skin.paint / skin.paint[:, :1], [1, 0.5, 1 / 3])


def test_solid_noise_has_unit_spread_and_is_smooth() -> None:
    points = np.random.default_rng(0).uniform(-30, 30, size=(20_000, 3))
    noise = solid_noise(points, np.random.default_rng(1))
    assert noise.std() == pytest.approx(1, abs=0.1)
    near = solid_noise(points + 0.01, np.random.default_rng(1))
    assert np.abs(near - noise).max() < 0.5


@pytest.mark.parametrize("kind", [*SMALL, *LARGE, "glass"])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_thing_lies_on_the_ground_and_is_the_size_of_such_a_thing(kind, seed) -> None:
    shape = thing_shape(kind, colour=(0.5, 0.1, 0.1), accent=(0.1, 0.1, 0.5), seed=seed)
    extent = np.ptp(shape.vertices_m, axis=0)
    assert -0.2 * extent[2] - 1e-3 <= shape.vertices_m[:, 2].min() <= 2e-3
    assert 1e-3 < extent.max() < 0.6
    assert shape.paint.shape == shape.vertices_m.shape
    assert shape.triangles.max() < len(shape.vertices_m)
    assert np.isfinite(shape.vertices_m).all()
    assert ((shape.paint >= 0) & (shape.paint <= 1)).all()
    if kind not in {"leaf", "paper"}:
        assert volume_m3(shape) > 0


def test_clutter_stays_off_what_is_taken_and_off_itself() -> None:
    taken = np.array([[0.0, 0.0, 0.06], [0.1, 0.05, 0.04]])
    found = 0
    for frame in range(6):
        draws = drawn(frame, distractors={"small": 12, "large": 2})
        camera = frame_camera(draws, image=IMAGE, object_m=0.05)
        things = sample_clutter(draws, camera, taken_m=taken)
        discs = list(taken)
        for thing in things:
            place = np.array(thing.world_from_thing)
            shape = thing_shape(thing.kind, colour=(0, 0, 0), accent=(0, 0, 0), seed=thing.seed)
            points = thing.scale * shape.vertices_m @ place[:3, :3].T + place[:3, 3]
            for x, y, radius in discs:
                assert np.hypot(points[:, 0] - x, points[:, 1] - y).min() > radius
            reach = np.hypot(*(points[:, :2] - place[:2, 3]).T).max()
            discs.append(np.array([*place[:2, 3], reach]))
        found += len(things)
    assert found > 20
    assert sample_clutter(drawn(distractors="off"), camera, taken_m=taken) == ()


def test_occluders_hang_between_camera_and_objects_inside_the_picture() -> None:
    draws = drawn(occlusion={"things": 1, "depth": 0.5})
    camera = frame_camera(draws, image=IMAGE, object_m=0.05)
    eye = np.array(camera.world_from_cam)[:3, 3]
    distance_m = float(np.linalg.norm(eye))
    (thing,) = sample_occluders(draws, camera, distance_m=distance_m)
    place = np.array(thing.world_from_thing)
    assert np.linalg.det(place[:3, :3]) == pytest.approx(1)
    assert inside_picture(camera, place[None, :3, 3]).all()
    forward = np.array(camera.world_from_cam)[:3, 2]
    assert (place[:3, 3] - eye) @ forward == pytest.approx(0.5 * distance_m)
    assert sample_occluders(drawn(occlusion="off"), camera, distance_m=1.0) == ()


# --- assets and tailoring


def test_pictures_of_a_folder_are_named_without_its_path(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    rgb = np.random.default_rng(0).integers(0, 65536, size=(6, 8, 3)).astype(np.uint16)
    cv2.imwrite(str(tmp_path / "in" / "Desk.PNG"), rgb[..., ::-1])
    cv2.imwrite(str(tmp_path / "sky.hdr"), np.full((4, 8, 3), 3.5, np.float32))
    (tmp_path / "note.txt").write_text("no picture")
    photographs = files_in(tmp_path, kind="backgrounds", endings=PHOTOGRAPHS)
    assert list(photographs) == ["backgrounds/in/Desk.PNG"]
    read = read_picture(photographs["backgrounds/in/Desk.PNG"])
    assert np.allclose(read, linear_rgb(rgb / 65535), atol=1e-6)
    panoramas = files_in(tmp_path, kind="hdris", endings=PANORAMAS)
    assert set(panoramas) == {"hdris/in/Desk.PNG", "hdris/sky.hdr"}
    assert read_picture(panoramas["hdris/sky.hdr"]).max() == pytest.approx(3.5, rel=0.01)
    large = np.zeros((100, 4096, 3), np.uint8)
    cv2.imwrite(str(tmp_path / "wide.jpg"), large)
    assert read_picture(tmp_path / "wide.jpg").shape == (50, 2048, 3)


def test_folders_without_pictures_and_broken_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="no backgrounds here"):
        files_in(tmp_path, kind="backgrounds", endings=PHOTOGRAPHS)
    (tmp_path / "broken.png").write_bytes(b"not a picture")
    with pytest.raises(SpecError, match=r"broken.png: not a picture"):
        read_picture(tmp_path / "broken.png")


def test_a_tailored_factor_changes_what_it_is_told_and_nothing_else() -> None:
    narrow = tailored(
        CAMERA,
        ranges={"elevation_rad": Uniform(1.4, 1.5)},
        off={"elevation_rad": 1.45},
        dependants=("placement",),
    )
    assert narrow.dependants == ("placement",)
    changed = [
        new.name
        for new, old in zip(narrow.parameters, CAMERA.parameters, strict=True)
        if new != old
    ]
    assert changed == ["elevation_rad"]
    wild = tailored(BACKGROUND, wild={"surface": Choice(("felt",))})
    assert wild.parameters[0].varied("wild") == Choice(("felt",))
    with pytest.raises(ValueError, match=r"no \['height'\]"):
        tailored(CAMERA, ranges={"height": Uniform(0, 1)})


def test_what_families_sample_with_needs_no_blender() -> None:
    index = Path(blocks.__file__).read_text().replace("\n", " ")
    starred = {"lights", "floors", "props", "dropping", "materials", "meshes", "variation"}
    assert all(f"``{name}`` *" in index for name in starred)
    names = {path.stem for path in Path(blocks.__file__).parent.glob("[a-z]*.py")}
    assert all(f"``{name}``" in index for name in names)
    modules = sorted(f"blender_scenes.blocks.{name}" for name in names - starred)
    code = f"import sys, {', '.join(modules)}; sys.exit('bpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# --- with Blender

SCRIPT = """
import json, sys
import bpy
import numpy as np
from blender_scenes.blocks.dropping import Body, drop
from blender_scenes.blocks.backdrops import Backdrop
from blender_scenes.blocks.floors import hang_backdrop, lay_ground
from blender_scenes.blocks.grounds import Ground
from blender_scenes.blocks.lighting import Lamp, Light
from blender_scenes.blocks.lights import light_up
from blender_scenes.blocks.materials import clear_material, painted_material, vertex_material
from blender_scenes.blocks.meshes import mesh_object, picture_mesh
from blender_scenes.blocks.props import painted_mesh, set_out
from blender_scenes.blocks.backdrops import (
    BACKDROP_PARAMETERS,
    Backdrop,
    backdrop_picture,
    sample_backdrop,
)
from blender_scenes.blocks.clutter import Thing
from blender_scenes.blocks.shapes import ball, slab
from blender_scenes.blocks.things import LARGE, SMALL
from blender_scenes.blocks.variation import vary_shape
from blender_scenes.blocks.worlds import World
from blender_scenes.engine import Engine, clear_scene
from pipeline.geometry.camera import look_at, matrix4, pinhole_camera
from pipeline.records.scene import SampledScene, SensorSettings
from pipeline.specs.scene import RenderSpec

camera = pinhole_camera(width_px=48, height_px=48, hfov_rad=0.5, world_from_cam=look_at(
    eye_m=np.array([0, 0, 1.0]), target_m=np.zeros(3), up=np.array([0, 1.0, 0])))
scene = SampledScene(family="blocks", frame=0, camera=camera, instances=(), factors={},
                     sensor=SensorSettings())
engine = Engine(RenderSpec(samples=64), max_bounces=(3, 2, 2), denoise=False)
found = {}

def shown(light, add):
    clear_scene()
    light_up(light)
    add()
    return engine.render(scene, noise_seed=1)

def white():
    mesh = picture_mesh("floor", width_m=2, height_m=2)
    mesh.materials.append(painted_material("white", finish="matt"))
    mesh_object(mesh, world_from_obj=np.eye(4), instance_id=7).color = (1, 1, 1, 1)

dark = World(kind="even", irradiance=0.0)
for kind in ("area", "spot"):
    lamp = Lamp(kind=kind, position_m=(0.8, -0.5, 1.5), size_m=0.05, irradiance=0.6,
                colour=(1, 0.5, 0.25))
    passes = shown(Light(world=dark, lamps=(lamp,)), white)
    found[kind] = passes.light[20:28, 20:28].mean(axis=(0, 1)).tolist()
for kind in ("even", "studio", "window", "office", "lamps", "overcast", "sky"):
    world = World(kind=kind, irradiance=0.6, seed=2)
    found[kind] = float(shown(Light(world=world), white).light.mean())

# A wall that looks to +x is lit by what stands there, wherever a picture's column is.
def wall():
    side = slab([(0.01, -1), (0.01, 1), (-0.01, 1), (-0.01, -1)], 1.0, (1, 1, 1))
    mesh = painted_mesh("wall", side)
    mesh.materials.append(vertex_material("wall", attribute="paint", finish="matt"))
    mesh_object(mesh, world_from_obj=np.array(
        [[0, 0, 1, -0.9], [0, 1, 0, 0], [-1, 0, 0, 0], [0, 0, 0, 1]], float)).color = (1, 1, 1, 1)

from blender_scenes.blocks import lights
half = np.full((32, 64, 3), 0.001, np.float32)
half[:, 24:40] = 1.0                         # within 45 degrees of +x
turns = []
for turn in (0.0, np.pi / 2, np.pi):
    clear_scene()
    lights._panorama(np.roll(half, -round(turn / (2 * np.pi) * 64), axis=1))
    mesh = painted_mesh("ball", ball((0.2, 0.2, 0.2), (1, 1, 1)))
    mesh.materials.append(vertex_material("ball", attribute="paint", finish="matt"))
    mesh_object(mesh, world_from_obj=np.eye(4)).color = (1, 1, 1, 1)
    image = engine.render(scene, noise_seed=1).light.mean(axis=2)
    turns.append([float(image[:, 34:].mean() - image[:, :14].mean()),
                  float(image[:14].mean() - image[34:].mean())])
found["turns"] = turns

# Every thing and every finish renders, unlabelled; glass counts as what it is.
def crowd():
    white()
    places = [(x, y) for x in (-0.2, -0.1, 0, 0.1, 0.2) for y in (-0.2, -0.1, 0, 0.1, 0.2)]
    set_out(Thing(kind=kind, world_from_thing=matrix4(np.array(
        [[1, 0, 0, x], [0, 1, 0, y], [0, 0, 1, 0], [0, 0, 0, 1.0]])), scale=0.5,
        colour=(0.5, 0.1, 0.1), accent=(0.1, 0.1, 0.5), roughness=0.3, metal=kind == "coin")
        for kind, (x, y) in zip((*SMALL, *LARGE, "glass"), places))
ids = shown(Light(world=World(kind="even", irradiance=1.0)), crowd).ids
found["ids"] = sorted(int(v) for v in np.unique(ids))
found["covered"] = float((ids == 0).mean())

def glass_and_ground():
    lay_ground(Ground(surface="towel", dark=(0.1,) * 3, light=(0.2,) * 3, tile_m=0.4, fold_m=0.01,
                      roughness=0.3), size_m=(3, 3), cells=64)
    for number, (finish, x) in enumerate((("clear", -0.12), ("translucent", 0.12)), start=1):
        material = clear_material("c") if finish == "clear" else painted_material(
            "t", finish="translucent")
        mesh = painted_mesh(finish, ball((0.08, 0.08, 0.08), (1, 1, 1)))
        mesh.materials.append(material)
        pose = np.eye(4)
        pose[:3, 3] = x, 0, 0.08
        mesh_object(mesh, world_from_obj=pose, instance_id=number).color = (0.9, 0.3, 0.3, 0.1)
passes = shown(Light(world=World(kind="even", irradiance=1.0)), glass_and_ground)
found["glass"] = [int((passes.ids == k).sum()) for k in (1, 2)]

room = Backdrop(distance=3, brightness=0.5, clutter=0.9, colourfulness=0.5, blur=0.0, seed=3)
passes = shown(Light(world=dark), lambda: hang_backdrop(room, camera, distance_m=1.0))
found["backdrop"] = passes.light.mean(axis=2).tolist()
found["depth"] = [float(passes.depth_m.min()), float(passes.depth_m.max())]

import cv2, pathlib
folder = pathlib.Path(sys.argv[1]).parent
photo = np.zeros((40, 80, 3), np.uint8)
photo[:, 40:, 2] = 255                       # red on the right, half as high as wide
cv2.imwrite(str(folder / "photo.png"), photo)
cv2.imwrite(str(folder / "sky.hdr"), np.full((16, 32, 3), 3.0, np.float32))
files = {"p": folder / "photo.png", "s": folder / "sky.hdr"}
ground = Ground(surface="picture", picture="p", dark=(0, 0, 0), light=(1, 1, 1), tile_m=0.4)
def photographed():
    lay_ground(ground, size_m=(3, 3), cells=64, files=files)
sky = World(kind="picture", picture="s", irradiance=0.6)
clear_scene()
light_up(Light(world=sky), files=files)
photographed()
image = engine.render(scene, noise_seed=1).light
found["photo"] = [image[10:38, 4:20].mean(axis=(0, 1)).tolist(),
                  image[10:38, 28:44].mean(axis=(0, 1)).tolist()]

clear_scene()
radii = []
for seed in (1, 2):
    lumpy = mesh_object(painted_mesh("ball", ball((0.05,) * 3, (1, 1, 1), segments=48)),
                        world_from_obj=np.eye(4))
    vary_shape(lumpy, lumps_m=0.005, pitch_m=0.03, seed=seed)
    mesh = lumpy.evaluated_get(bpy.context.evaluated_depsgraph_get()).to_mesh()
    radii.append([vertex.co.length for vertex in mesh.vertices])
found["radii"] = radii
found["trees"] = len(bpy.data.node_groups)

clear_scene()
side = 0.016
half = side / 2
die = slab([(half, -half), (half, half), (-half, half), (-half, -half)], side, (0, 0, 0))
corners = die.vertices_m - [0, 0, half]
rng = np.random.default_rng(0)
bodies = []
for index in range(8):
    pose = np.eye(4)
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    pose[:3, :3] = turn * np.sign(np.linalg.det(turn))
    pose[:3, 3] = [*rng.uniform(-0.05, 0.05, size=2), side * (1 + index)]
    bodies.append(Body(vertices_m=corners, triangles=die.triangles, world_from_obj=pose))
first, second = drop(bodies), drop(bodies)
found["drop"] = [np.array(pose).tolist() for pose in first]
found["again"] = first == second
found["left"] = [len(bpy.data.objects), len(bpy.data.meshes), len(bpy.data.collections),
                 bpy.context.scene.rigidbody_world is None]
json.dump(found, open(sys.argv[1], "w"))
"""


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> dict:
    out = tmp_path_factory.mktemp("blocks") / "found.json"
    subprocess.run([sys.executable, "-c", SCRIPT, str(out)], check=False, stdout=subprocess.PIPE)
    return json.loads(out.read_text())  # judged by its file: bpy may crash at exit


@pytest.mark.blender
def test_lamps_and_worlds_show_white_as_bright_as_asked(rendered) -> None:
    assert rendered["area"] == pytest.approx([0.6, 0.3, 0.15], rel=0.05)
    assert rendered["spot"] == pytest.approx([0.6, 0.3, 0.15], rel=0.05)
    for kind in KINDS:
        assert rendered[kind] == pytest.approx(0.6, rel=0.06), kind


@pytest.mark.blender
def test_a_worlds_middle_column_is_at_x_and_it_turns_towards_y(rendered) -> None:
    to_x, to_y, away = rendered["turns"]
    assert to_x[0] > 0.05 > abs(to_x[1])
    assert to_y[1] > 0.05 > abs(to_y[0])
    assert away[0] < -0.05


@pytest.mark.blender
def test_things_are_unlabelled_and_glass_counts_as_itself(rendered) -> None:
    assert rendered["ids"] == [0, 7]
    assert rendered["covered"] > 0.02
    assert min(rendered["glass"]) > 50


@pytest.mark.blender
def test_a_backdrop_fills_the_view_the_right_way_up(rendered) -> None:
    room = Backdrop(distance=3, brightness=0.5, clutter=0.9, colourfulness=0.5, blur=0.0, seed=3)
    expected = backdrop_picture(room, size_px=(48, 48)).mean(axis=2)
    shown = np.array(rendered["backdrop"])
    assert np.corrcoef(shown.ravel(), expected.ravel())[0, 1] > 0.9
    assert shown.mean() == pytest.approx(expected.mean(), rel=0.05)
    assert rendered["depth"] == pytest.approx([3.0, 3.0], rel=1e-4)


@pytest.mark.blender
def test_a_users_photograph_lies_under_a_users_sky(rendered) -> None:
    left, right = rendered["photo"]
    assert left == pytest.approx([0, 0, 0], abs=0.01)
    assert right == pytest.approx([0.6, 0, 0], abs=0.02)


@pytest.mark.blender
def test_geometry_nodes_vary_a_shape_within_bounds_and_differently(rendered) -> None:
    first, second = np.array(rendered["radii"])
    for radii in (first, second):
        assert np.abs(radii - 0.05).max() <= 0.005
        assert radii.std() > 0.0003
    assert np.abs(first - second).max() > 0.001
    assert rendered["trees"] == 1


@pytest.mark.blender
def test_dropped_dice_rest_on_the_floor_the_same_each_time(rendered) -> None:
    half = 0.008
    for pose in np.array(rendered["drop"]):
        turn = pose[:3, :3]
        assert np.allclose(turn @ turn.T, np.eye(3), atol=1e-9)
        assert np.linalg.det(turn) == pytest.approx(1)
        lowest = pose[2, 3] - half * np.abs(turn[2]).sum()
        assert lowest > -0.02 * half
        assert lowest < 4.1 * half  # on the floor or on another one
    assert rendered["again"]
    assert rendered["left"] == [0, 0, 0, True]

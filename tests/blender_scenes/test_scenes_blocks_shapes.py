"""Shapes, skins and clutter of the building blocks."""

from __future__ import annotations

import math

import numpy as np
import pytest
from block_draws import IMAGE, drawn

from blender_scenes.blocks.clutter import sample_clutter, sample_occluders
from blender_scenes.blocks.framing import frame_camera
from blender_scenes.blocks.grids import crowded_line
from blender_scenes.blocks.noise import solid_noise
from blender_scenes.blocks.places import (
    inside_picture,
)
from blender_scenes.blocks.shapes import ball, lathed, slab, tube
from blender_scenes.blocks.skins import vertex_normals, wrinkled
from blender_scenes.blocks.things import LARGE, SMALL, thing_shape


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


def test_a_crowded_line_has_its_points_in_the_middle() -> None:
    places = crowded_line(2001, crowding=1.5)
    gaps = np.diff(places)
    np.testing.assert_allclose(places[[0, 1000, -1]], [-1, 0, 1], atol=1e-12)
    np.testing.assert_allclose(gaps, gaps[::-1], atol=1e-12)
    assert gaps[0] / gaps[1000] == pytest.approx(math.cosh(1.5), rel=1e-2)


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
    noise = solid_noise(np.random.default_rng(1), points)
    assert noise.std() == pytest.approx(1, abs=0.15)
    near = solid_noise(np.random.default_rng(1), points + 0.01)
    assert np.abs(near - noise).max() < 0.5


@pytest.mark.parametrize("kind", [*SMALL, *LARGE, "glass", "ring"])
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

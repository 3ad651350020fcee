"""Framing, scattering and heaping by the building blocks."""

from __future__ import annotations

import math

import numpy as np
import pytest
from block_draws import IMAGE, drawn
from hypothesis import given, settings
from hypothesis import strategies as st

from blender_scenes.blocks.framing import NOMINAL_PX, frame_camera, ground_under
from blender_scenes.blocks.heaps import Heap
from blender_scenes.blocks.places import (
    grid_places_m,
    in_air,
    inside_picture,
    scattered_in_view_m,
)
from blender_scenes.blocks.shapes import ball, slab
from pipeline.geometry.camera import look_at, pinhole_camera, project
from pipeline.specs.scene import ImageSpec


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

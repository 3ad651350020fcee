"""The distorting camera against OpenCV; motion and flow against what follows from their meaning."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.annotate.flow import forward_flow
from pipeline.geometry.camera import (
    Camera,
    cam_from_world,
    look_at,
    matrix4,
    opencv_intrinsics,
    pinhole_camera,
    project,
    project_cam,
    rays_cam,
)
from pipeline.geometry.motion import displacement, scene_after
from pipeline.records.passes import NO_DEPTH_M
from pipeline.records.scene import Motion, SampledInstance, SampledScene, SensorSettings

VIEW = look_at(eye_m=np.array([0.3, -1.5, 1.0]), target_m=np.zeros(3), up=np.array([0.0, 0.0, 1.0]))
PINHOLE = pinhole_camera(width_px=160, height_px=120, hfov_rad=0.9, world_from_cam=VIEW)

coefficient = st.floats(-0.25, 0.25)
tangential = st.floats(-0.02, 0.02)
lenses = st.tuples(
    coefficient, st.floats(-0.1, 0.1), tangential, tangential, st.floats(-0.05, 0.05)
)


def _bent(dist: tuple[float, float, float, float, float]) -> Camera:
    return PINHOLE.model_copy(update={"dist": dist})


@settings(deadline=None)
@given(dist=lenses, seed=st.integers(0, 10**6))
def test_projection_is_opencv_s(dist, seed):
    camera = _bent(dist)
    points = np.random.default_rng(seed).uniform(-0.4, 0.4, (20, 3))
    view = cam_from_world(camera)
    expected, _ = cv2.projectPoints(
        points,
        cv2.Rodrigues(view[:3, :3])[0],
        view[:3, 3],
        np.array(opencv_intrinsics(camera)).reshape(3, 3),
        np.array(dist),
    )
    found = project(camera, points)
    shown = np.isfinite(found).all(axis=1)
    np.testing.assert_allclose(found[shown], expected[shown, 0] + 0.5, atol=1e-6)
    if max(map(abs, dist)) < 0.1:
        assert shown.all()


def test_a_point_beyond_the_fold_of_the_lens_is_not_in_the_picture():
    # OpenCV bends it back in: r = 1.6 lands at 1.6 (1 - 0.3 * 2.56) = 0.37.
    camera = _bent((-0.3, 0.0, 0.0, 0.0, 0.0))
    assert np.isnan(project_cam(camera, np.array([[1.6, 0.0, 1.0]]))).all()
    assert np.isfinite(project_cam(camera, np.array([[0.9, 0.0, 1.0]]))).all()


@settings(deadline=None)
@given(dist=lenses, seed=st.integers(0, 10**6))
def test_rays_are_the_inverse_of_projection(dist, seed):
    camera = _bent(dist)
    pixels = np.random.default_rng(seed).uniform(0, (160, 120), (50, 2))
    rays = rays_cam(camera, pixels)
    seen = np.isfinite(rays).all(axis=1)
    np.testing.assert_allclose(project_cam(camera, rays[seen]), pixels[seen], atol=1e-6)
    if max(map(abs, dist)) < 0.1:
        assert seen.all()


def test_the_rays_of_a_whole_picture_are_opencv_s():
    dist = (-0.28, 0.1, 0.001, -0.0005, 0.0)
    camera = _bent(dist)
    pixels = np.stack(np.meshgrid(np.arange(160), np.arange(120)), axis=-1).reshape(-1, 2) + 0.5
    exact = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 100, 1e-12)
    expected = cv2.undistortPointsIter(
        pixels[:, None] - 0.5,
        np.array(opencv_intrinsics(camera)).reshape(3, 3),
        np.array(dist),
        np.eye(3),
        np.eye(3),
        exact,
    )
    np.testing.assert_allclose(rays_cam(camera, pixels)[:, :2], expected[:, 0], atol=1e-7)


def test_a_pixel_beyond_the_fold_of_the_lens_sees_nothing():
    # r (1 - r^2 / 2) is largest at r = sqrt(2/3), where it is 0.544: no ray lands beyond.
    camera = _bent((-0.5, 0.0, 0.0, 0.0, 0.0))
    focal_px = camera.K[0][0]
    inside, outside = 80 + 0.53 * focal_px, 80 + 0.56 * focal_px
    rays = rays_cam(camera, np.array([[inside, 60.0], [outside, 60.0]]))
    assert np.isfinite(rays[0]).all()
    assert np.isnan(rays[1, :2]).all()


def test_points_behind_the_camera_have_no_projection():
    assert np.isnan(project_cam(PINHOLE, np.array([[0.0, 0.0, -1.0]]))).all()


vectors = st.tuples(*[st.floats(-2, 2)] * 3)
motions = st.builds(Motion, velocity_m_s=vectors, spin_rad_s=vectors, pivot_m=vectors)


@settings(deadline=None)
@given(motion=motions, first=st.floats(-1, 1), second=st.floats(-1, 1))
def test_two_times_in_a_row_are_their_sum(motion, first, second):
    scene = _scene(motion)
    at_once = scene_after(scene, first + second)
    in_turn = scene_after(scene_after(scene, first), second)
    for a, b in ((at_once.instances[0], in_turn.instances[0]),):
        np.testing.assert_allclose(a.world_from_obj, b.world_from_obj, atol=1e-6)
    np.testing.assert_allclose(
        at_once.camera.world_from_cam, in_turn.camera.world_from_cam, atol=1e-6
    )


def test_a_quarter_turn_about_an_upright_axis():
    motion = Motion(
        velocity_m_s=(0.0, 0.0, 2.0), spin_rad_s=(0.0, 0.0, np.pi / 2), pivot_m=(1.0, 0.0, 0.0)
    )
    moved = displacement(motion, 1.0) @ np.array([2.0, 0.0, 0.0, 1.0])
    np.testing.assert_allclose(moved[:3], [1.0, 1.0, 2.0], atol=1e-12)
    np.testing.assert_allclose(displacement(motion, 0.0), np.eye(4))
    np.testing.assert_allclose(displacement(None, 3.0), np.eye(4))


def _scene(motion: Motion | None, camera: Camera = PINHOLE, **update: object) -> SampledScene:
    return SampledScene(
        family="test",
        frame=0,
        camera=camera,
        instances=(
            SampledInstance(
                instance_id=1, category="thing", world_from_obj=matrix4(np.eye(4)), motion=motion
            ),
        ),
        factors={},
        sensor=SensorSettings(),
        **({"camera_motion": motion} | update),
    )


@pytest.mark.parametrize("dist", [(0.0,) * 5, (-0.2, 0.05, 0.001, -0.002, 0.0)])
def test_flow_leads_to_where_opencv_projects_the_moved_point(dist):
    motion = Motion(velocity_m_s=(0.1, 0.05, 0.0), spin_rad_s=(0.0, 0.0, 0.4))
    camera_motion = Motion(velocity_m_s=(-0.05, 0.0, 0.02), spin_rad_s=(0.0, 0.0, 0.1))
    scene = _scene(motion, _bent(dist), camera_motion=camera_motion)
    ids = np.zeros((120, 160), np.uint16)
    ids[40:80, 50:110] = 1
    depth_m = np.full(ids.shape, 1.7, np.float32)
    depth_m[:5] = NO_DEPTH_M
    flow = forward_flow(scene, ids=ids, depth_m=depth_m, dt_s=0.2)
    assert np.isnan(flow[:5]).all()
    later = cam_from_world(scene_after(scene, 0.2).camera)
    K = np.array(opencv_intrinsics(scene.camera)).reshape(3, 3)
    for x, y, moves in ((60, 50, True), (20, 100, False)):
        ray = cv2.undistortPoints(
            np.array([[[float(x), float(y)]]]), K, np.array(dist), R=None, P=None
        )[0, 0]
        world = np.array(scene.camera.world_from_cam) @ [*(ray * 1.7), 1.7, 1.0]
        if moves:
            turn = cv2.Rodrigues(np.array([0.0, 0.0, 0.08]))[0]
            world[:3] = turn @ world[:3] + np.array([0.02, 0.01, 0.0])
        landed, _ = cv2.projectPoints(
            world[None, :3], cv2.Rodrigues(later[:3, :3])[0], later[:3, 3], K, np.array(dist)
        )
        np.testing.assert_allclose(flow[y, x], landed[0, 0] - [x, y], atol=2e-3)

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from pipeline.geometry.boxes import box_of_mask, boxes_iou, xywh_from_xyxy, xyxy_from_xywh
from pipeline.geometry.camera import look_at, pinhole_camera, project
from pipeline.geometry.masks import mask_of_rle, rle_area_px, rle_of_mask, rle_of_pixels


@given(hnp.arrays(bool, hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=20)))
def test_rle_and_box_agree_with_the_mask(mask):
    rle = rle_of_mask(mask)
    np.testing.assert_array_equal(mask_of_rle(rle), mask)
    assert rle_area_px(rle) == mask.sum()
    box = box_of_mask(mask)
    if mask.any():
        pixels = np.flatnonzero(mask.ravel(order="F"))
        assert rle_of_pixels(pixels, image_hw=mask.shape) == rle  # to the letter
        x0, y0, x1, y1 = box.astype(int)
        assert mask[y0:y1, x0:x1].sum() == mask.sum()
        assert mask[y0, :].any()
        assert mask[y1 - 1, :].any()
        assert mask[:, x0].any()
        assert mask[:, x1 - 1].any()
    else:
        assert np.isnan(box).all()


@given(hnp.arrays(float, (3, 4), elements=st.floats(-1e3, 1e3)))
def test_box_conversions_invert(boxes):
    np.testing.assert_allclose(xyxy_from_xywh(xywh_from_xyxy(boxes)), boxes, atol=1e-9)


def test_iou_by_hand():
    a = np.array([[0.0, 0, 4, 4], [10, 10, 12, 12]])
    b = np.array([[2.0, 2, 6, 6], [0, 0, 4, 4], [1, 1, 1, 1]])
    np.testing.assert_allclose(boxes_iou(a, b), [[4 / 28, 1, 0], [0, 0, 0]])


def test_projection_agrees_with_opencv():
    rng = np.random.default_rng(0)
    view = look_at(
        eye_m=np.array([0.3, -0.8, 1.2]), target_m=np.array([0.1, 0, 0]), up=np.array([0, 0, 1.0])
    )
    camera = pinhole_camera(width_px=640, height_px=480, hfov_rad=0.9, world_from_cam=view)
    points = rng.uniform(-0.2, 0.2, (20, 3))
    cam_from_world = np.linalg.inv(view)
    K = np.array(camera.K)
    K[:2, 2] -= 0.5  # OpenCV puts pixel centres at integers
    expected, _ = cv2.projectPoints(
        points, cv2.Rodrigues(cam_from_world[:3, :3])[0], cam_from_world[:3, 3], K, None
    )
    np.testing.assert_allclose(project(camera, points), expected[:, 0] + 0.5, atol=1e-6)


def test_what_is_looked_at_is_in_the_middle_and_the_horizon_is_level():
    view = look_at(eye_m=np.array([1.0, 2, 3]), target_m=np.zeros(3), up=np.array([0, 0, 1.0]))
    camera = pinhole_camera(width_px=200, height_px=100, hfov_rad=1.0, world_from_cam=view)
    middle, above = project(camera, np.array([[0, 0, 0], [0, 0, 0.1]]))
    np.testing.assert_allclose(middle, [100, 50])
    assert above[0] == pytest.approx(100)
    assert above[1] < 50
    behind = project(camera, np.array([[2.0, 4, 6]]))
    assert np.isnan(behind).all()


def test_no_view_along_up():
    with pytest.raises(ValueError, match="No view"):
        look_at(eye_m=np.array([0, 0, 1.0]), target_m=np.zeros(3), up=np.array([0, 0, 1.0]))

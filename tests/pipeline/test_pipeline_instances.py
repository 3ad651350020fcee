"""Labels from the id pass alone."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycocotools import mask as coco_mask

from pipeline.annotate.instances import label_instances
from pipeline.geometry.camera import matrix4
from pipeline.geometry.masks import mask_of_rle
from pipeline.records.scene import SampledInstance

SCENE = tuple(
    SampledInstance(instance_id=i, category="thing", world_from_obj=matrix4(np.eye(4)))
    for i in (1, 2, 3, 7)
)


def test_a_picture_without_objects_has_no_labels():
    assert label_instances(np.zeros((4, 5), np.uint16), SCENE, min_visible_px=1) == ()
    assert label_instances(np.zeros((4, 5), np.uint16), (), min_visible_px=1) == ()


@given(seed=st.integers(0, 10**6), full=st.booleans())
def test_every_pixel_belongs_to_the_label_of_its_id(seed, full):
    ids = np.random.default_rng(seed).choice([1, 7] if full else [0, 0, 2, 3], (6, 5))
    ids = ids.astype(np.uint16)
    labels = label_instances(ids, SCENE, min_visible_px=4)
    again = np.zeros_like(ids)
    for label in labels:
        mask = mask_of_rle(label.rle)
        again[mask] = label.instance_id
        rle = {"size": [6, 5], "counts": label.rle["counts"].encode()}
        x, y, w, h = coco_mask.toBbox(rle)
        assert label.box_xyxy == (x, y, x + w, y + h)
        assert label.area_px == mask.sum() == coco_mask.area(rle)
        assert label.iscrowd == (label.area_px < 4)
    np.testing.assert_array_equal(again, ids)


def test_an_id_that_the_scene_lacks_is_an_error():
    with pytest.raises(ValueError, match=r"holds .5"):
        label_instances(np.full((2, 2), 5, np.uint16), SCENE, min_visible_px=1)

import json

import cv2
import numpy as np
import pytest
from pycocotools.coco import COCO

from pipeline.errors import DatasetError
from pipeline.formats.annotated import read_to_learn, recognise
from pipeline.formats.coco import find_annotations, read_coco
from pipeline.geometry.masks import mask_of_rle


def minimal(tmp_path, **changes):
    """A benchmark folder with one picture and one box; ``changes`` replace parts of the file."""
    (tmp_path / "images").mkdir(exist_ok=True)
    cv2.imwrite(str(tmp_path / "images" / "a.png"), np.zeros((20, 30), np.uint8))
    document = {
        "images": [{"id": 1, "file_name": "a.png", "width": 30, "height": 20}],
        "categories": [{"id": 3, "name": "coin"}],
        "annotations": [
            {"id": 1, "image_id": 1, "category_id": 3, "bbox": [2, 3, 4, 5], "area": 20}
        ],
    } | changes
    path = tmp_path / "instances_test.json"
    path.write_text(json.dumps(document))
    return path


def box(**changes):
    return {"id": 1, "image_id": 1, "category_id": 3, "bbox": [2, 3, 4, 5], "area": 20} | changes


def image(**changes):
    return {"id": 1, "file_name": "a.png", "width": 30, "height": 20} | changes


def coin(**changes):
    return {"id": 3, "name": "coin"} | changes


def test_a_file_without_splits_may_lie_beside_the_pictures(tmp_path):
    # Such a folder was taken for class folders: one class, `images`, one object per picture.
    path = minimal(tmp_path).rename(tmp_path / "instances.json")
    assert recognise(tmp_path) == "coco"
    assert find_annotations(tmp_path) == find_annotations(tmp_path, "train") == path
    assert [c.name for c in read_to_learn(tmp_path).categories] == ["coin"]


def test_reads_every_optional_key(tmp_path):
    path = minimal(
        tmp_path,
        categories=[coin(keypoints=["a", "b"], skeleton=[[1, 2]], sigmas=[0.1, 0.2])],
        images=[image(video_id=4, frame_index=2, cam_K=[9, 0, 14.5, 0, 9, 9.5, 0, 0, 1],
                      dist_coeffs=[0.1, 0, 0, 0, 0])],
        videos=[{"id": 4, "name": "walk", "fps": 15}],
        annotations=[
            box(visible_fraction=0.5, truncation=0.25, amodal_bbox=[-2, 3, 8, 5], model="m",
                track_id=7, keypoints=[2, 3, 2, 0, 0, 0], bbox_3d=[-10, -10, 0, 10, 10, 5],
                cam_R_m2c=[1, 0, 0, 0, 1, 0, 0, 0, 1], cam_t_m2c=[100, 0, 2000],
                amodal_segmentation={"size": [20, 30], "counts": [0, 600]})
        ],
    )  # fmt: skip
    dataset = read_coco(path)
    (instance,) = dataset.instances[1]
    assert dataset.categories[0].skeleton == ((0, 1),)
    assert dataset.categories[0].sigmas == (0.1, 0.2)
    assert dataset.videos[0].name == "walk"
    assert dataset.images[0].K == ((9, 0, 15), (0, 9, 10), (0, 0, 1))
    assert (dataset.images[0].video_id, dataset.images[0].frame_index) == (4, 2)
    assert instance.keypoints == ((2.5, 3.5, 2), (0, 0, 0))
    assert instance.amodal_box_xyxy == (-2, 3, 6, 8)
    assert (instance.visible_fraction, instance.truncation) == (0.5, 0.25)
    assert instance.cam_from_obj == ((1, 0, 0, 0.1), (0, 1, 0, 0), (0, 0, 1, 2), (0, 0, 0, 1))
    assert instance.box_3d_m == (-0.01, -0.01, 0, 0.01, 0.01, 0.005)
    assert (instance.model, instance.track_id) == ("m", 7)
    assert mask_of_rle(instance.amodal_rle).all()


def test_pictures_may_lie_in_cocos_own_folder(tmp_path):
    path = minimal(tmp_path)
    (tmp_path / "images").rename(tmp_path / "test")
    assert read_coco(path).images_dir == tmp_path / "test"


def test_reads_boxes_polygons_and_rle(tmp_path):
    path = minimal(tmp_path, annotations=[box(segmentation=[[2, 3, 6, 3, 6, 8, 2, 8]])])
    dataset = read_coco(path)
    (instance,) = dataset.instances[1]
    assert instance.box_xyxy == (2, 3, 6, 8)
    assert instance.rle is not None
    assert dataset.has_masks
    # The judge is pycocotools.
    coco = COCO(str(path))
    assert coco.annToRLE(coco.anns[1])["counts"].decode() == instance.rle["counts"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"images": [image(file_name="b.png")]}, ["b.png", "is not in"]),
        ({"images": [image(file_name="../secret.png")]}, ["../secret.png", "leaves"]),
        ({"images": [image(file_name="/etc/hostname")]}, ["/etc/hostname", "leaves"]),
        ({"images": [image(), image()]}, ["image id 1", "twice"]),
        ({"annotations": [box(), box()]}, ["annotation id 1", "twice"]),
        ({"annotations": [box(id=0)]}, ["'id' is 0", ">= 1"]),
        ({"annotations": [box(image_id=7)]}, ["no image has id 7"]),
        ({"annotations": [box(category_id=7)]}, ["no category has id 7"]),
        ({"annotations": [box(bbox=[1, 2, -3, 4])]}, ["bbox", "-3"]),
        ({"annotations": [box(bbox=[1, 2, 3])]}, ["bbox"]),
        ({"annotations": [box(segmentation={"size": [1, 1], "counts": "0"})]}, ["mask of size"]),
        ({"annotations": {}}, ["annotations", "list"]),
        ({"annotations": [box(segmentation={"size": [20, 30], "counts": [1, 2]})]}, ["an RLE"]),
        ({"annotations": [box(visible_fraction=1.5)]}, ["'visible_fraction'", "0 to 1"]),
        ({"annotations": [box(truncation="half")]}, ["'truncation'", "1 number"]),
        ({"annotations": [box(amodal_bbox=[0, 0, 0, 1])]}, ["amodal_bbox", "w, h > 0"]),
        ({"annotations": [box(keypoints=[1, 2])]}, ["'keypoints'", "expected 0 numbers"]),
        ({"annotations": [box(keypoints=[1, 2, 3])]}, ["'keypoints'", "visibility"]),
        ({"annotations": [box(cam_R_m2c=[1] * 9, cam_t_m2c=[0, 0, 1])]}, ["no rotation"]),
        ({"annotations": [box(cam_t_m2c=[0, 0, 1])]}, ["'cam_R_m2c'", "9 numbers"]),
        ({"annotations": [box(bbox_3d=[1, 1, 1, 0, 0, 0])]}, ["'bbox_3d'", "smallest"]),
        ({"annotations": [box(track_id="a")]}, ["'track_id'", "whole number"]),
        ({"images": [image(cam_K=[1, 2, 3])]}, ["'cam_K'", "9 numbers"]),
        ({"images": [image(frame_index=-1)]}, ["'frame_index'", ">= 0"]),
        ({"videos": [{"id": 1}]}, ["'name'"]),
        ({"categories": [coin(keypoints=["a"], skeleton=[[1, 2]])]}, ["'skeleton'", "1 to 1"]),
        ({"categories": [coin(keypoints=["a"], sigmas=[0.1, 0.2])]}, ["'sigmas'", "1 number"]),
        ({"categories": [{"id": 1, "name": "a"}, {"id": 1, "name": "b"}]}, ["category id 1"]),
        ({"categories": [{"id": 1, "name": "a"}, {"id": 2, "name": "a"}]}, ["category name 'a'"]),
    ],
)
def test_every_wrong_claim_is_refused_in_one_line(tmp_path, changes, words):
    path = minimal(tmp_path, **changes)
    with pytest.raises(DatasetError) as caught:
        read_coco(path)
    message = str(caught.value)
    assert "\n" not in message
    assert str(path) in message
    for word in words:
        assert word in message


def test_a_symlink_out_of_the_folder_is_refused(tmp_path):
    path = minimal(tmp_path, images=[image(file_name="link.png")])
    secret = tmp_path / "secret.png"
    secret.write_bytes(b"x")
    (tmp_path / "images" / "link.png").symlink_to(secret)
    with pytest.raises(DatasetError, match="leaves"):
        read_coco(path)


def test_a_file_that_is_not_json_is_refused(tmp_path):
    path = minimal(tmp_path)
    path.write_text("{")
    with pytest.raises(DatasetError, match="not a JSON file"):
        read_coco(path)


def test_the_default_split_is_test_then_val(tmp_path):
    minimal(tmp_path)
    (tmp_path / "instances_val.json").write_text("{}")
    assert find_annotations(tmp_path).name == "instances_test.json"
    assert find_annotations(tmp_path, "val").name == "instances_val.json"
    with pytest.raises(DatasetError, match=r"instances_train\.json"):
        find_annotations(tmp_path, "train")

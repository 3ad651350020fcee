import json

import cv2
import numpy as np
import pytest
from pycocotools.coco import COCO

from pipeline.errors import DatasetError
from pipeline.formats.coco import find_annotations, read_coco


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

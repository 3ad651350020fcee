"""Other people's folders: what is read, and what is refused in one line."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml

from pipeline.errors import DatasetError
from pipeline.formats.annotated import read_annotated, read_splits, recognise
from pipeline.formats.ply import encode_ply, ply_vertices, scale_ply
from pipeline.geometry.masks import mask_of_rle


def picture(path: Path, *, width: int = 40, height: int = 20) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.zeros((height, width, 3), np.uint8))
    return path


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def refused(folder: Path) -> str:
    with pytest.raises(DatasetError) as caught:
        read_splits(folder)
    message = str(caught.value)
    assert "\n" not in message
    assert str(folder) in message
    return message


# YOLO


def yolo_folder(folder: Path, label: str = "1 0.5 0.5 0.25 0.5\n", **changes: object) -> Path:
    picture(folder / "train" / "images" / "a.jpg")
    write(folder / "train" / "labels" / "a.txt", label)
    # As Roboflow writes it: paths that begin outside, names as a list.
    data = {"train": "../train/images", "names": ["bolt", "nut"]} | changes
    write(folder / "data.yaml", yaml.safe_dump(data))
    return folder


def test_yolo_boxes_in_another_folder_order(tmp_path):
    dataset = read_annotated(yolo_folder(tmp_path, path="/home/me/datasets/x"))
    (instance,) = dataset.instances[1]
    assert recognise(tmp_path) == "yolo"
    assert instance.box_xyxy == (15, 5, 25, 15)
    assert instance.category_id == 2
    assert instance.area_px == 100
    assert [category.name for category in dataset.categories] == ["bolt", "nut"]
    assert dataset.images[0].file_name == "a.jpg"


def test_yolo_polygons_and_boxes_in_one_file(tmp_path):
    label = "0 0.1 0.2 0.5 0.2 0.5 0.7 0.1 0.7\n\n1 0.5 0.5 0.25 0.5\n"
    polygon, box = read_annotated(yolo_folder(tmp_path, label)).instances[1]
    mask = mask_of_rle(polygon.rle)
    assert mask[4:14, 4:20].all()
    assert mask.sum() == polygon.area_px == 160
    assert box.rle is None


def test_yolo_keypoints_with_and_without_visibility(tmp_path):
    label = "0 0.5 0.5 0.25 0.5 0.25 0.5 0 0\n"
    dataset = read_annotated(yolo_folder(tmp_path, label, kpt_shape=[2, 2]))
    assert dataset.instances[1][0].keypoints == ((10, 10, 2), (0, 0, 0))
    label = "0 0.5 0.5 0.25 0.5 0.25 0.5 1 0 0 0\n"
    dataset = read_annotated(yolo_folder(tmp_path, label, kpt_shape=[2, 3]))
    assert dataset.instances[1][0].keypoints == ((10, 10, 1), (0, 0, 0))


def test_yolo_lists_of_pictures_and_pictures_without_labels(tmp_path):
    yolo_folder(tmp_path, train="train.txt", names={0: "bolt", 1: "nut"})
    picture(tmp_path / "train" / "images" / "b.jpg")
    write(tmp_path / "train.txt", "./train/images/b.jpg\n./train/images/a.jpg\n")
    dataset = read_annotated(tmp_path)
    assert [image.path.name for image in dataset.images] == ["a.jpg", "b.jpg"]
    assert [len(dataset.instances[i]) for i in (1, 2)] == [1, 0]


def test_yolo_validation_on_the_training_pictures_is_no_split(tmp_path):
    assert list(read_splits(yolo_folder(tmp_path, val="../train/images"))) == ["train"]


@pytest.mark.parametrize(
    ("label", "words"),
    [
        ("2 0.5 0.5 0.2 0.2", "class 2; expected 0 to 1"),
        ("0.5 0.5 0.5 0.2 0.2", "class 0.5"),
        ("0 0.5 0.5 0.2", "3 numbers after the class"),
        ("0 0.5 0.5 0.2 nan", "expected numbers"),
        ("0 0.5 0.5 zero 0.2", "expected numbers"),
        ("0 0.5 0.5 0 0.2", "without width or height"),
        ("0 0.5 0.5 0.2 0.2 0.3", "5 numbers"),
    ],
)
def test_wrong_yolo_lines(tmp_path, label, words):
    message = refused(yolo_folder(tmp_path, f"1 0.5 0.5 0.2 0.2\n{label}\n"))
    assert words in message
    assert "line 2" in message


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"train": "/etc"}, "leaves"),
        ({"train": "a/../../.."}, "leaves"),
        ({"train": "nowhere"}, "'nowhere' is not in"),
        ({"train": 3}, "key 'train'"),
        ({"names": {1: "a", 2: "b"}}, "key 'names'"),
        ({"kpt_shape": [2]}, "key 'kpt_shape'"),
        ({"kpt_shape": [2, 4]}, "key 'kpt_shape'"),
    ],
)
def test_wrong_data_yaml(tmp_path, changes, words):
    assert words in refused(yolo_folder(tmp_path, **changes))


def test_a_list_of_pictures_elsewhere_is_refused(tmp_path):
    yolo_folder(tmp_path / "set", train="train.txt")
    secret = picture(tmp_path / "secret.jpg")
    write(tmp_path / "set" / "train.txt", f"{secret}\n")
    assert "leaves" in refused(tmp_path / "set")


# Pascal VOC


BOX = "<bndbox><xmin>{}</xmin><ymin>{}</ymin><xmax>{}</xmax><ymax>{}</ymax></bndbox>"
OBJECT = "<object><name>nut</name>" + BOX.format(3, 4, 12, 13) + "</object>"
SIZE = "<size><width>40</width><height>20</height><depth>3</depth></size>"


def voc_folder(folder: Path, body: str = SIZE + OBJECT, name: str = "a.jpg") -> Path:
    picture(folder / "JPEGImages" / "a.jpg")
    text = f"<annotation><filename>{name}</filename>{body}</annotation>"
    write(folder / "Annotations" / "a.xml", text)
    return folder


def test_voc_counts_from_one(tmp_path):
    dataset = read_annotated(voc_folder(tmp_path))
    (instance,) = dataset.instances[1]
    assert recognise(tmp_path) == "voc"
    assert instance.box_xyxy == (2, 3, 12, 13)
    assert instance.area_px == 100
    assert not instance.iscrowd


def test_voc_without_sizes_and_with_a_wrong_file_name(tmp_path):
    dataset = read_annotated(voc_folder(tmp_path, OBJECT, name="elsewhere.jpg"))
    assert (dataset.images[0].width, dataset.images[0].height) == (40, 20)


def test_voc_masks_in_vocs_own_colours(tmp_path):
    """Numbers 1 and 2 of the palette are dark red and dark green, 255 is the border's cream."""
    voc_folder(tmp_path, SIZE + OBJECT + OBJECT)
    colours = np.zeros((20, 40, 3), np.uint8)
    colours[3:13, 2:7], colours[3:13, 7:12] = (0, 0, 128), (0, 128, 0)  # as BGR
    colours[3, 2:12] = (192, 224, 224)
    (tmp_path / "SegmentationObject").mkdir()
    cv2.imwrite(str(tmp_path / "SegmentationObject" / "a.png"), colours)
    first, second = read_annotated(tmp_path).instances[1]
    assert mask_of_rle(first.rle)[4:13, 2:7].all()
    assert first.area_px == second.area_px == 45


def test_voc_lists_are_splits(tmp_path):
    voc_folder(tmp_path / "VOCdevkit" / "VOC2007")
    lists = tmp_path / "VOCdevkit" / "VOC2007" / "ImageSets" / "Main"
    for name in ("train", "trainval", "nut_train", "nut_trainval"):
        write(lists / f"{name}.txt", "a  1\n")
    assert list(read_splits(tmp_path)) == ["train"]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (SIZE + "<object>" + BOX.format(1, 1, 5, 5) + "</object>", "without <name>"),
        (SIZE + "<object><name>nut</name></object>", "expected xmin ymin xmax ymax"),
        (OBJECT.replace("12", "x"), "expected xmin ymin xmax ymax"),
        (OBJECT.replace("12", "1"), "expected xmin ymin xmax ymax"),
        ("<object>", "cannot be read as XML"),
    ],
)
def test_wrong_voc(tmp_path, body, words):
    assert words in refused(voc_folder(tmp_path, body))


def test_voc_entities_are_refused(tmp_path):
    voc_folder(tmp_path)
    write(
        tmp_path / "Annotations" / "a.xml",
        '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]><annotation>&x;</annotation>',
    )
    assert "document type" in refused(tmp_path)


def test_voc_pictures_elsewhere_are_refused(tmp_path):
    picture(tmp_path / "secret.jpg")
    assert "leaves" in refused(voc_folder(tmp_path / "set", name="../../secret.jpg"))


# BOP


def bop_folder(folder: Path, **changes: object) -> Path:
    """One picture, one object whose 10 x 10 px are visible to 80 %."""
    scene = folder / "test" / "000002"
    picture(scene / "rgb" / "000003.png")
    pose = {"cam_R_m2c": [1, 0, 0, 0, 1, 0, 0, 0, 1], "cam_t_m2c": [10, 0, 500], "obj_id": 5}
    facts = {
        "bbox_obj": [-1, 5, 9, 9],
        "bbox_visib": [2, 5, 6, 9],
        "px_count_all": 100,
        "px_count_valid": 100,
        "px_count_visib": 80,
        "visib_fract": 0.8,
    }
    parts = {
        "scene_gt": {"3": [pose]},
        "scene_gt_info": {"3": [facts]},
        "scene_camera": {"3": {"cam_K": [100, 0, 19.5, 0, 100, 9.5, 0, 0, 1], "depth_scale": 0.5}},
    } | changes
    for name, document in parts.items():
        write(scene / f"{name}.json", json.dumps(document))
    corners = np.array([(-1.0, -1, 0), (1, -1, 0), (1, 1, 0)])
    (folder / "models").mkdir(exist_ok=True)
    content = encode_ply(corners, np.array([(0, 1, 2)]))
    (folder / "models" / "obj_000005.ply").write_bytes(content)
    symmetry = {"symmetries_continuous": [{"axis": [0, 0, 1], "offset": [0, 0, 0]}]}
    write(folder / "models" / "models_info.json", json.dumps({"5": symmetry}))
    return folder


def test_bop_is_read_in_metres_with_pixel_centres_at_a_half(tmp_path):
    dataset = read_annotated(bop_folder(tmp_path))
    (image,), ((instance,),) = dataset.images, dataset.instances.values()
    assert recognise(tmp_path) == "bop"
    assert image.K == ((100, 0, 20), (0, 100, 10), (0, 0, 1))
    # BOP's boxes go from the first pixel to the last.
    assert instance.box_xyxy == (2, 5, 9, 15)
    assert instance.amodal_box_xyxy == (-1, 5, 9, 15)
    assert instance.area_px == 80
    assert instance.visible_fraction == 0.8
    assert np.allclose(np.array(instance.cam_from_obj)[:3, 3], (0.01, 0, 0.5))
    assert dataset.categories[0].name == "obj_000005"
    assert "symmetries_continuous" in dataset.models["obj_000005"].info


def test_bop_objects_that_nobody_sees_are_left_out(tmp_path):
    facts = {"bbox_obj": [2, 5, 6, 9], "bbox_visib": [-1, -1, -1, -1], "px_count_visib": 0}
    assert read_annotated(bop_folder(tmp_path, scene_gt_info={"3": [facts]})).instances == {1: ()}


@pytest.mark.parametrize(
    ("name", "document", "words"),
    [
        ("scene_gt", {"3": [{"obj_id": 7}]}, "obj_id 7 is not in models"),
        ("scene_gt", {"4": []}, "no picture 000004"),
        ("scene_gt", {"x": []}, "keys must be image numbers"),
        ("scene_gt", {"3": []}, "1 entries; expected 0"),
        ("scene_gt", {"3": [{"obj_id": 5, "cam_R_m2c": [1] * 9, "cam_t_m2c": [0, 0, 1]}]},
         "is no rotation"),
        ("scene_camera", {}, "key '3'"),
        ("scene_camera", {"3": {"cam_K": [1, 2]}}, "expected 9 numbers"),
        ("scene_gt_info", {"3": [{"bbox_obj": [1, 2, 3, 4]}]}, "neither bbox_visib nor a mask"),
    ],
)  # fmt: skip
def test_wrong_bop(tmp_path, name, document, words):
    assert words in refused(bop_folder(tmp_path, **{name: document}))


# ImageFolder and others


def test_each_picture_of_an_imagefolder_is_one_object(tmp_path):
    picture(tmp_path / "val" / "nut" / "1.png")
    picture(tmp_path / "val" / "bolt" / "1.png")
    dataset = read_annotated(tmp_path)
    assert recognise(tmp_path) == "imagefolder"
    assert [c.name for c in dataset.categories] == ["bolt", "nut"]
    assert all(group[0].box_xyxy == (0, 0, 40, 20) for group in dataset.instances.values())


def test_pictures_without_labels_are_no_layout(tmp_path):
    picture(tmp_path / "1.png")
    assert recognise(tmp_path) is None
    assert "in the layout of any of coco, yolo" in refused(tmp_path)
    assert "no such folder" in refused(tmp_path / "gone")


def test_a_split_that_is_not_there(tmp_path):
    with pytest.raises(DatasetError, match="no split 'test'; found train"):
        read_splits(yolo_folder(tmp_path), split="test")


# PLY


ASCII = b"""ply
format ascii 1.0
comment made by hand
element vertex 2
property float nx
property float x
property float y
property float z
property uchar red
element face 1
property list uchar int vertex_indices
end_header
0 1 2 3 255
1 -4 5.5 6 0
3 0 1 0
"""


def test_ply_text_is_scaled_and_the_rest_left(tmp_path):
    scaled = scale_ply(ASCII, 1000)
    assert ply_vertices(scaled).tolist() == [[1000, 2000, 3000], [-4000, 5500, 6000]]
    assert scaled.endswith(b"0 1000 2000 3000 255\n1 -4000 5500 6000 0\n3 0 1 0\n")
    assert ply_vertices(scale_ply(scaled, 0.001)).tolist() == ply_vertices(ASCII).tolist()


@pytest.mark.parametrize("order", ["little", "big"])
def test_ply_binary_is_scaled_and_the_rest_left(order):
    mark = "<" if order == "little" else ">"
    dtype = np.dtype([("x", f"{mark}f8"), ("q", "u1"), ("y", f"{mark}f8"), ("z", f"{mark}f8")])
    table = np.array([(1, 7, 2, 3), (4, 9, 5, 6)], dtype)
    header = (
        f"ply\nformat binary_{order}_endian 1.0\nelement vertex 2\nproperty double x\n"
        "property uchar q\nproperty double y\nproperty double z\nend_header\n"
    ).encode()
    scaled = scale_ply(header + table.tobytes() + b"rest", 0.5)
    assert ply_vertices(scaled).tolist() == [[0.5, 1, 1.5], [2, 2.5, 3]]
    assert np.frombuffer(scaled[len(header) :], dtype, 2)["q"].tolist() == [7, 9]
    assert scaled.endswith(b"rest")


@pytest.mark.parametrize(
    "content", [b"", b"plx", ASCII[:150], ASCII.replace(b"x\n", b"w\n"), ASCII[:-30]]
)
def test_wrong_ply(content):
    with pytest.raises(ValueError, match="PLY"):
        ply_vertices(content)

"""Folders with a class map beside each picture, in the layouts that occur."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from pipeline.errors import DatasetError
from pipeline.formats.annotated import read_annotated, read_splits, recognise
from pipeline.geometry.masks import mask_of_rle

MAP = np.array([[0, 0, 1, 1], [0, 2, 1, 255], [0, 2, 2, 255]], np.uint8)


def picture(path: Path, hw=(3, 4)):
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full((*hw, 3), 90, np.uint8))


def grey(path: Path, values=MAP):
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), values)


def regions(dataset, image_id=1):
    names = {c.category_id: c.name for c in dataset.categories}
    return {
        None if i.iscrowd else names[i.category_id]: mask_of_rle(i.rle)
        for i in dataset.instances[image_id]
    }


def check(dataset, one="class 1", two="class 2"):
    found = regions(dataset)
    assert set(found) == {one, two, None}
    for name, value in {one: 1, two: 2, None: 255}.items():
        np.testing.assert_array_equal(found[name], value == MAP)
    box = next(i.box_xyxy for i in dataset.instances[1] if i.area_px == 3 and not i.iscrowd)
    assert box in [(2.0, 0.0, 4.0, 2.0), (1.0, 1.0, 3.0, 3.0)]


def test_class_numbers_without_names(tmp_path):
    picture(tmp_path / "images" / "a.jpg")
    grey(tmp_path / "masks" / "a.png")
    assert recognise(tmp_path) == "masks"
    check(read_annotated(tmp_path))


def test_names_come_from_a_file_and_void_is_a_crowd(tmp_path):
    picture(tmp_path / "images" / "a.jpg")
    grey(tmp_path / "masks" / "a.png", np.where(MAP == 255, 3, MAP))
    (tmp_path / "classes.txt").write_text("background\nroad\ncar\nvoid\n")
    check(read_annotated(tmp_path), "road", "car")


@pytest.mark.parametrize("name", ["classes.txt", "class_dict.csv"])
def test_colours_are_classes(tmp_path, name):
    picture(tmp_path / "images" / "a.png")
    colours = {0: (0, 0, 0), 1: (255, 0, 0), 2: (0, 9, 250), 255: (128, 128, 128)}
    drawn = np.zeros((3, 4, 3), np.uint8)
    for value, colour in colours.items():
        drawn[value == MAP] = colour[::-1]  # OpenCV writes blue, green, red
    grey(tmp_path / "masks" / "a.png", drawn)
    lines = "sky,0,0,0\nroad,255,0,0\ncar,0,9,250\nvoid,128,128,128\n"
    (tmp_path / name).write_text(("name,r,g,b\n" if name.endswith("csv") else "") + lines)
    check(read_annotated(tmp_path), "road", "car")


def test_a_palette_is_read_by_its_positions(tmp_path):
    """As PIL, which wrote it; VOC's own names in VOC's own layout."""
    picture(tmp_path / "JPEGImages" / "2007_1.jpg")
    picture(tmp_path / "JPEGImages" / "2007_2.jpg")  # without a map, and in no list
    drawn = Image.fromarray(MAP, mode="P")
    drawn.putpalette(np.random.default_rng(0).permutation(768).astype(np.uint8).tobytes())
    (tmp_path / "SegmentationClass").mkdir()
    drawn.save(tmp_path / "SegmentationClass" / "2007_1.png")
    lists = tmp_path / "ImageSets" / "Segmentation"
    lists.mkdir(parents=True)
    (lists / "val.txt").write_text("2007_1\n")
    reread = np.array(Image.open(tmp_path / "SegmentationClass" / "2007_1.png"))
    np.testing.assert_array_equal(reread, MAP)
    splits = read_splits(tmp_path)
    assert list(splits) == ["val"]
    check(splits["val"], "aeroplane", "bicycle")
    assert len(splits["val"].categories) == 20


@pytest.mark.parametrize("first", ["split", "kind", "list"])
def test_splits_lie_in_folders_or_lists(tmp_path, first):
    for split, stem in (("train", "a"), ("train", "b"), ("test", "c")):
        where = {"split": (split, ""), "kind": ("", split), "list": ("", "")}[first]
        picture(tmp_path / where[0] / "images" / where[1] / f"{stem}.jpg")
        grey(tmp_path / where[0] / "masks" / where[1] / f"{stem}.png")
        if first == "list":
            with (tmp_path / f"{split}.txt").open("a") as out:
                out.write(f"{stem}\n")
    splits = read_splits(tmp_path)
    names = {split: [i.path.stem for i in found.images] for split, found in splits.items()}
    assert names == {"train": ["a", "b"], "test": ["c"]}
    assert read_annotated(tmp_path).images[0].path.stem == "c", "test is what is scored"


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        ("size", r"a.png: got 5 x 3 px; expected 4 x 3, as a.jpg"),
        ("class", r"a.png: got class 7; expected 0 for the background, one of 1 \(road\)"),
        ("colour", r"a.png: colour \(1, 2, 3\) stands for no class"),
        ("plain", r"a.png: a map in colour; expected class numbers"),
        ("missing", r"a.png: missing or no PNG"),
        ("names", r"classes.txt: got road, road; expected"),
        ("line", r"'road,1,2': expected 'name' or 'name,r,g,b'"),
        ("list", r"no picture 'z', which split 'train' lists"),
    ],
)
def test_what_is_wrong_gets_one_line(tmp_path, damage, complaint):
    picture(tmp_path / "images" / "a.jpg")
    names = tmp_path / "classes.txt"
    names.write_text("background\nroad\ncar\n")
    mask = tmp_path / "masks" / "a.png"
    grey(
        mask,
        {"size": np.zeros((3, 5), np.uint8), "class": np.where(MAP == 1, 7, MAP)}.get(damage, MAP),
    )
    if damage in ("colour", "plain"):
        grey(mask, np.full((3, 4, 3), (3, 2, 1), np.uint8))
    if damage == "colour":
        names.write_text("background,0,0,0\nroad,1,1,1\n")
    elif damage == "missing":
        mask.unlink()
    elif damage == "names":
        names.write_text("background\nroad\nroad\n")
    elif damage == "line":
        names.write_text("background\nroad,1,2\n")
    elif damage == "list":
        (tmp_path / "train.txt").write_text("a\nz\n")
    with pytest.raises(DatasetError, match=complaint):
        read_annotated(tmp_path)

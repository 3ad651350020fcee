"""Published sets, downloaded by torchvision's own code from tiny archives in their very layout."""

from __future__ import annotations

import hashlib
import tarfile
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from torchvision.datasets import OxfordIIITPet, VOCDetection, VOCSegmentation, voc

from evaluation.benchmarks import describe_benchmark
from flows.benchmarks import find_benchmark
from pipeline.errors import DatasetError
from pipeline.formats.coco import find_annotations, read_coco
from pipeline.geometry.masks import mask_of_rle
from trainers.published import PUBLISHED, fetch_published

HW = (12, 16)
XML = """<annotation><filename>{stem}.jpg</filename>
<size><width>16</width><height>12</height><depth>3</depth></size>
<object><name>dog</name><difficult>0</difficult>
<bndbox><xmin>3</xmin><ymin>2</ymin><xmax>10</xmax><ymax>9</ymax></bndbox></object></annotation>
"""


def photograph(path: Path, seed: int):
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    cv2.imwrite(str(path), rng.integers(0, 255, (*HW, 3), dtype=np.uint8))


def write(path: Path, text: str):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def publish(tmp_path):
    """Puts a folder into an archive on a server of this machine; gives its address and MD5."""
    (tmp_path / "site").mkdir()
    handler = partial(Quiet, directory=str(tmp_path / "site"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()

        def archive(name: str, folder: Path, inside: str) -> tuple[str, str]:
            path = tmp_path / "site" / name
            with tarfile.open(path, "w:gz" if path.suffix == ".gz" else "w") as out:
                out.add(folder, arcname=inside)
            md5 = hashlib.md5(path.read_bytes()).hexdigest()
            return f"http://127.0.0.1:{server.server_port}/{name}", md5

        yield archive
        server.shutdown()


@pytest.fixture
def voc_address(tmp_path, monkeypatch, publish):
    root = tmp_path / "source" / "VOC2012"
    for number, split in enumerate(("train", "val")):
        stem = f"2007_{number:06d}"
        photograph(root / "JPEGImages" / f"{stem}.jpg", number)
        write(root / "Annotations" / f"{stem}.xml", XML.format(stem=stem))
        for kind in ("Main", "Segmentation"):
            write(root / "ImageSets" / kind / f"{split}.txt", f"{stem}\n")
        mask = np.zeros(HW, np.uint8)
        mask[1:9, 2:10] = 12  # dog
        mask[0] = 255
        for kind in ("SegmentationClass", "SegmentationObject"):
            (root / kind).mkdir(exist_ok=True)
            values = np.where(mask == 12, 1, mask) if kind.endswith("Object") else mask
            drawn = Image.fromarray(values.astype(np.uint8), mode="P")
            drawn.putpalette(voc_palette())
            drawn.save(root / kind / f"{stem}.png")
    url, md5 = publish("VOCtrainval_11-May-2012.tar", root, "VOCdevkit/VOC2012")
    entry = voc.DATASET_YEAR_DICT["2012"] | {"url": url, "md5": md5}
    monkeypatch.setitem(voc.DATASET_YEAR_DICT, "2012", entry)


def voc_palette() -> bytes:
    """The devkit's ``VOClabelcolormap``."""
    colours = np.zeros((256, 3), np.uint8)
    for number in range(256):
        for turn in range(8):
            for channel in range(3):
                colours[number, channel] |= (number >> (3 * turn + channel) & 1) << (7 - turn)
    return colours.tobytes()


@pytest.fixture
def pet_addresses(tmp_path, monkeypatch, publish):
    root = tmp_path / "source" / "pet"
    lists = {"trainval": ["Abyssinian_1 1 1 1", "american_bulldog_2 2 2 1"], "test": []}
    lists["test"] = ["american_bulldog_7 2 2 1", "Abyssinian_9 1 1 1"]
    for split, lines in lists.items():
        write(root / "annotations" / f"{split}.txt", "\n".join(lines) + "\n")
        for number, line in enumerate(lines):
            stem = line.split()[0]
            photograph(root / "images" / f"{stem}.jpg", number)
            trimap = np.full(HW, 2, np.uint8)
            trimap[2:10, 3:12] = 3
            trimap[3:9, 4:11] = 1
            (root / "annotations" / "trimaps").mkdir(exist_ok=True)
            cv2.imwrite(str(root / "annotations" / "trimaps" / f"{stem}.png"), trimap)
    resources = tuple(
        publish(f"{part}.tar.gz", root / part, part) for part in ("images", "annotations")
    )
    monkeypatch.setattr(OxfordIIITPet, "_RESOURCES", resources)


@pytest.fixture
def downloads(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "blendgap" / "downloads"


def found(name, tmp_path, split):
    folder = find_benchmark(name, cache=tmp_path / "coco")
    return folder, read_coco(find_annotations(folder, split))


def test_voc_boxes_are_torchvisions(voc_address, downloads, tmp_path):
    folder, ours = found("voc2012", tmp_path, "val")
    assert [s.split for s in describe_benchmark(folder).splits] == ["train", "val"]
    theirs = VOCDetection(downloads, image_set="val", download=False)
    _, document = theirs[0]
    (thing,) = document["annotation"]["object"]
    box = [float(thing["bndbox"][key]) for key in ("xmin", "ymin", "xmax", "ymax")]
    (instance,) = ours.instances[1]
    # VOC counts from 1 and its last pixel lies inside.
    assert instance.box_xyxy == (box[0] - 1, box[1] - 1, box[2], box[3])
    assert [c.name for c in ours.categories] == [thing["name"]]
    assert ours.has_masks


def test_voc_class_maps_are_torchvisions(voc_address, downloads, tmp_path):
    _, ours = found("voc2012-segmentation", tmp_path, "train")
    _, theirs = VOCSegmentation(downloads, image_set="train", download=False)[0]
    dog, void = ours.instances[1]
    names = {c.category_id: c.name for c in ours.categories}
    assert names[dog.category_id] == "dog"
    np.testing.assert_array_equal(mask_of_rle(dog.rle), np.array(theirs) == 12)
    assert void.iscrowd
    np.testing.assert_array_equal(mask_of_rle(void.rle), np.array(theirs) == 255)


def test_pets_are_torchvisions(pet_addresses, downloads, tmp_path):
    folder, ours = found("oxford-iiit-pet", tmp_path, "test")
    assert [s.split for s in describe_benchmark(folder).splits] == ["train", "test"]
    theirs = OxfordIIITPet(downloads, split="test", target_types=("category", "segmentation"))
    names = {c.category_id: c.name for c in ours.categories}
    assert list(names.values()) == theirs.classes
    for image, (_, (label, trimap)) in zip(ours.images, theirs, strict=True):
        pet, border = ours.instances[image.image_id]
        assert names[pet.category_id] == theirs.classes[label]
        np.testing.assert_array_equal(mask_of_rle(pet.rle), np.array(trimap) == 1)
        assert border.iscrowd
        np.testing.assert_array_equal(mask_of_rle(border.rle), np.array(trimap) == 3)


def test_what_is_there_is_not_downloaded_again(voc_address, downloads, monkeypatch):
    downloads.mkdir(parents=True)
    first = fetch_published("voc2012", downloads)
    monkeypatch.setattr(voc, "download_and_extract_archive", None)
    assert fetch_published("voc2012", downloads) == first


def test_a_damaged_download_is_refused(voc_address, downloads, monkeypatch):
    monkeypatch.setitem(
        voc.DATASET_YEAR_DICT, "2012", voc.DATASET_YEAR_DICT["2012"] | {"md5": "0" * 32}
    )
    with pytest.raises(DatasetError, match=r"'voc2012': cannot be downloaded .* copy it to"):
        fetch_published("voc2012", downloads)


def test_names_are_told(tmp_path):
    with pytest.raises(DatasetError, match=", ".join(PUBLISHED)):
        find_benchmark("nowhere", cache=tmp_path)

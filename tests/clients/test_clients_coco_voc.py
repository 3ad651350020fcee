"""pycocotools and torchvision on our COCO and VOC exports."""

import numpy as np
import pytest
from pycocotools.coco import COCO
from torchvision.datasets import CocoDetection, VOCDetection, VOCSegmentation


def test_pycocotools_reads_boxes_masks_and_keypoints(exports, stills):
    coco = COCO(str(exports / "coco" / "annotations" / "instances.json"))
    assert len(coco.imgs) == len(stills.images) > 0
    seen = points = 0
    for image in stills.images:
        entries = coco.imgToAnns[image["id"]]
        for entry, true, mask in zip(
            entries, stills.objects(image), stills.masks(image), strict=True
        ):
            assert entry["bbox"] == true["bbox"]
            assert np.array_equal(coco.annToMask(entry), mask)
            assert entry["area"] == true["area"] == mask.sum()
            assert entry.get("keypoints") == true.get("keypoints")
            assert entry["iscrowd"] == true["iscrowd"]
            seen += 1
            points += "keypoints" in entry
    assert seen == len(coco.anns) > 100
    assert points > 20


def test_torchvision_reads_coco(exports, stills):
    coco = CocoDetection(
        str(exports / "coco" / "images"), str(exports / "coco" / "annotations" / "instances.json")
    )
    assert len(coco) == len(stills.images)
    for (picture, entries), image in zip(coco, stills.images, strict=True):
        assert picture.size == (image["width"], image["height"])
        assert [e["bbox"] for e in entries] == [e["bbox"] for e in stills.objects(image)]


@pytest.mark.parametrize("split", ["train", "trainval"])
def test_torchvision_reads_voc(exports, stills, split):
    voc = VOCDetection(str(exports / "voc"), year="2012", image_set=split)
    assert len(voc) == len(stills.images)
    for (picture, target), image in zip(voc, stills.images, strict=True):
        objects = target["annotation"]["object"]
        assert picture.size == (image["width"], image["height"])
        boxes = []
        for each, true in zip(objects, stills.objects(image), strict=True):
            x0, y0, x1, y1 = (float(each["bndbox"][k]) for k in ("xmin", "ymin", "xmax", "ymax"))
            boxes.append((each["name"], x0 - 1, y0 - 1, x1, y1))  # VOC counts from 1
            assert int(each["difficult"]) == true["iscrowd"]
            assert int(each["truncated"]) == (true["truncation"] > 0)
        assert boxes == stills.named_boxes(image)


def test_torchvision_reads_voc_masks(exports, stills):
    voc = VOCSegmentation(str(exports / "voc"), year="2012", image_set="train")
    assert len(voc) == len(stills.images)
    labels = (exports / "voc" / "VOCdevkit" / "VOC2012" / "labels.txt").read_text().split()
    for (_, target), image in zip(voc, stills.images, strict=True):
        classes = np.asarray(target)
        expected = np.zeros_like(classes)
        for true, mask in zip(stills.objects(image), stills.masks(image), strict=True):
            expected[mask] = 1 + labels.index(stills.names[true["category_id"]])
        assert np.array_equal(classes, expected)

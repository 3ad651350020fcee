"""Ultralytics' own loader on our YOLO exports."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from ultralytics.data.dataset import YOLODataset
from ultralytics.data.utils import check_det_dataset, polygon2mask

TASKS = {"detect": "yolo", "segment": "yolo-segment", "pose": "yolo-pose"}


def load(exports, task):
    folder = exports / TASKS[task]
    data = check_det_dataset(str(folder / "data.yaml"), autodownload=False)
    assert Path(data["train"]) == folder / "images" / "train"
    return YOLODataset(img_path=data["train"], data=data, task=task, augment=False, cache=False)


def xyxy(label, image):
    scale = np.array([image["width"], image["height"]] * 2)
    centre, size = label["bboxes"][:, :2], label["bboxes"][:, 2:]
    return np.concatenate([centre - size / 2, centre + size / 2], axis=1) * scale


@pytest.mark.parametrize("task", TASKS)
def test_ultralytics_reads_the_boxes(exports, stills, task):
    dataset = load(exports, task)
    names = dataset.data["names"]
    labels = {Path(label["im_file"]).stem: label for label in dataset.labels}
    assert len(labels) == len(stills.images)
    count = 0
    for image in stills.images:
        label = labels[Path(image["file_name"]).stem]
        assert label["shape"] == (image["height"], image["width"])
        found = [
            (names[int(index)], *box)
            for index, box in zip(label["cls"][:, 0], xyxy(label, image), strict=True)
        ]
        true = stills.named_boxes(image, crowds=False)
        assert [row[0] for row in found] == [row[0] for row in true]
        # A polygon's corners lie 1/256 px inside the pixels' edges.
        assert np.allclose([row[1:] for row in found], [row[1:] for row in true], atol=0.01)
        count += len(found)
    assert count > 100


def test_ultralytics_reads_the_masks(exports, stills):
    dataset = load(exports, "segment")
    labels = {Path(label["im_file"]).stem: label for label in dataset.labels}
    exact = total = 0
    for image in stills.images:
        label = labels[Path(image["file_name"]).stem]
        masks = stills.masks(image, crowds=False)
        assert len(label["segments"]) == len(masks)
        size = np.array([image["width"], image["height"]])
        for polygon, mask in zip(label["segments"], masks, strict=True):
            drawn = polygon2mask(mask.shape, [polygon * size]).astype(bool)
            total += 1
            exact += np.array_equal(drawn, mask)
            parts = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)[0] - 1
            # Only the lines that join the parts of an object are drawn in excess.
            assert parts > 1 or np.array_equal(drawn, mask)
            assert (drawn | ~mask).all()
    assert total > 100
    assert exact / total > 0.9


def test_ultralytics_reads_the_keypoints(exports, stills):
    dataset = load(exports, "pose")
    assert dataset.data["kpt_shape"] == [2, 3]
    assert dataset.data["flip_idx"] == [1, 0]
    labels = {Path(label["im_file"]).stem: label for label in dataset.labels}
    seen = 0
    for image in stills.images:
        label = labels[Path(image["file_name"]).stem]
        for points, true in zip(
            label["keypoints"], stills.objects(image, crowds=False), strict=True
        ):
            if "keypoints" not in true:
                assert not points.any()
                continue
            expected = np.reshape(true["keypoints"], (-1, 3)).astype(float)
            labelled = expected[:, 2] > 0
            expected[labelled, :2] += 0.5  # COCO counts from the first pixel's centre
            found = points * [image["width"], image["height"], 1]
            assert np.allclose(found, expected, atol=1e-3)
            seen += labelled.sum()
    assert seen > 20

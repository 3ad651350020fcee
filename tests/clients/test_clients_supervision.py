"""supervision on our COCO, YOLO and VOC exports."""

from pathlib import Path

import numpy as np
import pytest
import supervision as sv

# It takes VOC's 1 off all four numbers, also off those that lie inside the box.
TOLERANCE_PX = {"coco": 1e-6, "yolo": 1e-4, "voc": 1 + 1e-6}


def load(exports, kind):
    if kind == "coco":
        folder = exports / "coco"
        annotations = folder / "annotations" / "instances.json"
        return sv.DetectionDataset.from_coco(
            str(folder / "images"), str(annotations), force_masks=True
        )
    if kind == "voc":
        folder = exports / "voc" / "VOCdevkit" / "VOC2012"
        return sv.DetectionDataset.from_pascal_voc(
            str(folder / "JPEGImages"), str(folder / "Annotations")
        )
    folder = exports / kind
    return sv.DetectionDataset.from_yolo(
        str(folder / "images" / "train"),
        str(folder / "labels" / "train"),
        str(folder / "data.yaml"),
        force_masks=kind == "yolo-segment",
    )


@pytest.mark.parametrize("kind", TOLERANCE_PX)
def test_supervision_reads_the_boxes(exports, stills, kind):
    dataset = load(exports, kind)
    assert len(dataset) == len(stills.images)
    by_stem = {Path(path).stem: detections for path, _, detections in dataset}
    for image in stills.images:
        detections = by_stem[Path(image["file_name"]).stem]
        found = [
            (dataset.classes[index], *box)
            for index, box in zip(detections.class_id, detections.xyxy.tolist(), strict=True)
        ]
        true = stills.named_boxes(image, crowds=kind != "yolo")
        assert [row[0] for row in found] == [row[0] for row in true]
        difference = np.subtract([row[1:] for row in found], [row[1:] for row in true])
        assert np.abs(difference).max() <= TOLERANCE_PX[kind]


def test_supervision_reads_the_masks(exports, stills):
    by_stem = {Path(path).stem: found for path, _, found in load(exports, "coco")}
    for image in stills.images:
        found = by_stem[Path(image["file_name"]).stem].mask
        assert np.array_equal(found, stills.masks(image))


def test_supervision_reads_the_polygons(exports, stills):
    """It rounds corners where Ultralytics cuts them: masks grow to the right and downwards."""
    by_stem = {Path(path).stem: found for path, _, found in load(exports, "yolo-segment")}
    fits = total = 0
    for image in stills.images:
        true = stills.masks(image, crowds=False)
        found = np.asarray(by_stem[Path(image["file_name"]).stem].mask, dtype=bool)
        assert (found | ~true).all()
        padded = np.pad(true, ((0, 0), (1, 0), (1, 0)))
        grown = padded[:, 1:, 1:] | padded[:, :-1, 1:] | padded[:, 1:, :-1] | padded[:, :-1, :-1]
        fits += (grown | ~found).all(axis=(1, 2)).sum()
        total += len(true)
    assert fits > 0.9 * total  # but for the lines that join an object's parts

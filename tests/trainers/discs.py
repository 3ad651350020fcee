"""A painted benchmark: discs and rings, and its score by plain pycocotools."""

import contextlib
import io
import json

import cv2
import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from pipeline.geometry.boxes import box_of_mask, xywh_from_xyxy
from pipeline.geometry.masks import rle_of_mask
from pipeline.specs.augmentation import UNCHANGED

OFF = UNCHANGED


def paint(
    folder,
    *,
    categories=((7, "disc"), (3, "ring")),
    names=("disc", "ring"),
    frames=3,
    masks=True,
):
    """Bright discs and rings apart from each other; category ids skip numbers."""
    (folder / "images").mkdir(parents=True)
    images, annotations = [], []
    ids = {name: category_id for category_id, name in categories}
    for frame in range(frames):
        rng = np.random.default_rng(frame)
        picture = rng.normal(40, 4, (90, 122, 3))
        for place in range(6):
            solid = (place + frame) % 2 == 1
            centre = np.array([20 + 40 * (place % 3), 22 + 42 * (place // 3)])
            centre = centre + rng.integers(-3, 4, 2)
            radius = int(rng.integers(9, 15))
            shape = np.zeros(picture.shape[:2], np.uint8)
            cv2.circle(shape, centre.tolist(), radius, 1, -1 if solid else 5)
            picture[shape > 0] = rng.uniform(130, 240)
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": 10 + frame,
                    "category_id": ids[names[0 if solid else 1]],
                    "bbox": xywh_from_xyxy(box_of_mask(shape > 0)).tolist(),
                    "area": int(shape.sum()),
                    "iscrowd": 0,
                }
            )
            if masks:
                annotations[-1]["segmentation"] = rle_of_mask(shape > 0)
        cv2.imwrite(str(folder / "images" / f"{frame}.png"), picture.clip(0, 255).astype(np.uint8))
        images.append({"id": 10 + frame, "file_name": f"{frame}.png", "width": 122, "height": 90})
    document = {
        "images": images,
        "annotations": annotations,
        "categories": [{"id": i, "name": name} for i, name in categories],
    }
    (folder / "instances_test.json").write_text(json.dumps(document))
    return folder


def coco_ap(benchmark, predictions, kind):
    """AP and AP50, by plain pycocotools."""
    with contextlib.redirect_stdout(io.StringIO()):
        gt = COCO(benchmark / "instances_test.json")
        score = COCOeval(gt, gt.loadRes(str(predictions)), kind)
        score.evaluate()
        score.accumulate()
        score.summarize()
    return score.stats[:2]

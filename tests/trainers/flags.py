"""A painted benchmark with keypoints: flags, each turned another way, four points on each."""

import json

import cv2
import numpy as np

from pipeline.geometry.boxes import xywh_from_xyxy
from pipeline.geometry.masks import rle_of_mask

NAMES = ("foot", "top", "tip", "middle")
SHAPE = np.array([[0.0, 1.0], [0, -1], [0.9, -0.55], [0, 0]])  # pole from foot to top, and cloth
HEIGHT, WIDTH = 96, 128


def paint(folder, *, frames=3, flags=1, split="test", seed=0):
    """Grey poles with bright cloths; the middle of every other pole is labelled hidden."""
    (folder / "images").mkdir(parents=True, exist_ok=True)
    images, annotations = [], []
    for frame in range(frames):
        rng = np.random.default_rng([seed, frame])
        picture = rng.normal(40, 4, (HEIGHT, WIDTH)).clip(0, 255).astype(np.uint8)
        for place in range(flags):
            size, angle = rng.uniform(18, 24), rng.uniform(-0.6, 0.6)
            turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
            centre = np.array([WIDTH * (place + 0.5) / flags, HEIGHT / 2])
            points = size * SHAPE @ turn.T + centre + rng.uniform(-8, 8, 2)
            shape = np.zeros((HEIGHT, WIDTH), np.uint8)
            cloth = np.round(16 * (points[1:4] - 0.5)).astype(int)
            cv2.fillPoly(shape, [cloth], 1, cv2.LINE_8, 4)
            picture[shape > 0] = 220
            pole = np.round(16 * (points[:2] - 0.5)).astype(int)
            cv2.line(picture, pole[0], pole[1], 140, 3, cv2.LINE_AA, 4)
            cv2.line(shape, pole[0], pole[1], 1, 3, cv2.LINE_8, 4)
            visibility = [2, 2, 2, 1 if frame % 2 else 2]
            rows, columns = np.nonzero(shape)
            box = np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": frame + 1,
                    "category_id": 5,
                    "bbox": xywh_from_xyxy(box.astype(float)).tolist(),
                    "area": int(shape.sum()),
                    "segmentation": rle_of_mask(shape > 0),
                    "iscrowd": 0,
                    "keypoints": [
                        float(v)
                        for (x, y), seen in zip(points - 0.5, visibility, strict=True)
                        for v in (x, y, seen)
                    ],
                    "num_keypoints": 4,
                }
            )
        cv2.imwrite(str(folder / "images" / f"{split}{frame}.png"), picture)
        images.append(
            {"id": frame + 1, "file_name": f"{split}{frame}.png", "width": WIDTH, "height": HEIGHT}
        )
    category = {"id": 5, "name": "flag", "keypoints": list(NAMES), "sigmas": [0.05] * 4}
    document = {"images": images, "annotations": annotations, "categories": [category]}
    (folder / f"instances_{split}.json").write_text(json.dumps(document))
    return folder

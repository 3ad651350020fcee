"""Tests that other people's readers run on our exports; `make test-clients` alone collects them."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

_FOLDER = os.environ.get("BLENDGAP_EXPORTS")
collect_ignore_glob = [] if _FOLDER else ["*.py"]


class Truth:
    """What a rendered dataset says of itself, by picture."""

    def __init__(self, annotations: Path) -> None:
        document = json.loads(annotations.read_text())
        self.images = document["images"]
        self.names = {entry["id"]: entry["name"] for entry in document["categories"]}
        self.by_image = defaultdict(list)
        for entry in document["annotations"]:
            self.by_image[entry["image_id"]].append(entry)

    def objects(self, image, *, crowds: bool = True) -> list[dict]:
        return [e for e in self.by_image[image["id"]] if crowds or not e["iscrowd"]]

    def named_boxes(self, image, *, crowds: bool = True) -> list[tuple]:
        """(name, x0, y0, x1, y1) in px, in the order of the file."""
        found = []
        for entry in self.objects(image, crowds=crowds):
            x, y, w, h = entry["bbox"]
            found.append((self.names[entry["category_id"]], x, y, x + w, y + h))
        return found

    def masks(self, image, *, crowds: bool = True) -> np.ndarray:
        """(N, H, W) bool, in the order of the file."""
        from pycocotools import mask

        rles = [entry["segmentation"] for entry in self.objects(image, crowds=crowds)]
        shape = (len(rles), image["height"], image["width"])
        return np.array([mask.decode(rle) for rle in rles], dtype=bool).reshape(shape)


@pytest.fixture
def exports() -> Path:
    """The folder that write_exports.py filled."""
    return Path(_FOLDER)


@pytest.fixture
def stills(exports: Path) -> Truth:
    return Truth(exports / "dataset" / "annotations" / "instances.json")


@pytest.fixture
def video(exports: Path) -> Truth:
    return Truth(exports / "dataset_video" / "annotations" / "instances.json")

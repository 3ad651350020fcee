"""A predictions file made by a network that is none of ours, scored like any other."""

from __future__ import annotations

import contextlib
import io
import json

import pytest
import torch
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from torchvision.models.detection import ssdlite320_mobilenet_v3_large

from evaluation.scores import evaluate
from pipeline.drawing import read_rgb
from pipeline.formats.coco import find_annotations, read_coco


def test_torchvisions_detector_is_scored_as_pycocotools_does(painted_dataset, tmp_path):
    annotations = find_annotations(painted_dataset)
    truth = read_coco(annotations)
    torch.manual_seed(0)
    network = ssdlite320_mobilenet_v3_large(
        weights=None, weights_backbone=None, num_classes=1 + len(truth.categories)
    ).eval()
    ids = [c.category_id for c in truth.categories]
    entries = []
    for image in truth.images:
        pixels = torch.tensor(read_rgb(image.path)).permute(2, 0, 1) / 255
        with torch.inference_mode():
            (found,) = network([pixels])
        for (x0, y0, x1, y1), label, score in zip(
            found["boxes"].tolist(), found["labels"].tolist(), found["scores"].tolist(), strict=True
        ):
            box = [x0, y0, x1 - x0, y1 - y0]
            entry = {"image_id": image.image_id, "category_id": ids[label - 1]}
            entries.append(entry | {"bbox": box, "score": score})
    # An untrained network hits little: give it what it would have to say.
    for image in truth.images[::2]:
        for g in truth.instances[image.image_id]:
            x0, y0, x1, y1 = g.box_xyxy
            box = [x0 + 1, y0, 0.93 * (x1 - x0), y1 - y0]
            entry = {"image_id": image.image_id, "category_id": g.category_id}
            entries.append(entry | {"bbox": box, "score": 0.4})
    assert len(entries) > 100
    predictions = tmp_path / "theirs.json"
    predictions.write_text(json.dumps(entries))
    with contextlib.redirect_stdout(io.StringIO()):
        judge = COCOeval(COCO(str(annotations)), COCO(str(annotations)).loadRes(entries), "bbox")
        judge.evaluate()
        judge.accumulate()
        judge.summarize()
    sheet = evaluate(predictions, painted_dataset)
    for metric, place in {"box_ap": 0, "box_ap50": 1, "box_ap75": 2, "box_ar100": 8}.items():
        assert sheet.estimates[metric, None].value == pytest.approx(judge.stats[place], abs=1e-9)
    assert any("ids of" in note or "meta" in note for note in sheet.notes)

"""Eight pictures learned by heart: at least 0.95 of the perfect score, in every task."""

import cv2
import numpy as np
import pytest
from discs import OFF, coco_ap, paint

from evaluation.scores import evaluate
from pipeline.specs.training import DataSource, ModelSpec, TrainSpec
from trainers.prediction import predict
from trainers.training import train

pytestmark = pytest.mark.slow  # about a minute each on one core

COMPACT = {
    "task": "detection",
    "steps": 300,
    "learning_rate": 4e-3,
    "model": ModelSpec(name="compact_detector"),
}


def learned(folder, out, **changes):
    fields = {
        "data": (DataSource(path=folder, split="test"),),
        "input_px": 128,
        "batch_size": 4,
        "warmup_steps": 20,
        "ema_decay": 0.95,
        "augment": OFF,
        "device": "cpu",
    }
    run = train(TrainSpec(**fields | changes), out / "run")
    return predict(run, folder, out / "p.json", split="test")


def score_of(predictions, folder, metric):
    sheet = evaluate(predictions, folder, split="test")
    return next(s.value for s in sheet.scores if (s.metric, s.class_name) == (metric, None))


@pytest.fixture(scope="module")
def eight(tmp_path_factory):
    return paint(tmp_path_factory.mktemp("eight"), frames=8)


def test_masks_of_the_compact_detector(eight, tmp_path):
    """Its boxes are drawn around masks: one pixel off, of 20, is an IoU of 0.95."""
    out = learned(eight, tmp_path, **COMPACT)
    assert coco_ap(eight, out, "segm")[0] >= 0.95
    assert coco_ap(eight, out, "bbox")[1] >= 0.95


def test_boxes_of_the_compact_detector(tmp_path):
    """From boxes alone it learns to draw them itself."""
    boxes = paint(tmp_path / "boxes", frames=8, masks=False)
    assert coco_ap(boxes, learned(boxes, tmp_path, **COMPACT), "bbox")[0] >= 0.95


def test_boxes_of_retinanet(eight, tmp_path):
    """Three minutes on one core."""
    model = ModelSpec(name="retinanet", backbone="resnet18", width=0.25)
    changes = {"task": "detection", "steps": 200, "learning_rate": 2e-3, "model": model}
    assert coco_ap(eight, learned(eight, tmp_path, **changes), "bbox")[0] >= 0.95


def test_boxes_of_mask_rcnn(eight, tmp_path):
    """Its masks have 28 x 28 cells: rings 5 px thick do not come out exactly."""
    model = ModelSpec(name="mask_rcnn", backbone="resnet18", width=0.25)
    changes = {"task": "detection", "steps": 200, "learning_rate": 1e-3, "model": model}
    out = learned(eight, tmp_path, **changes)
    assert coco_ap(eight, out, "bbox")[0] >= 0.95
    assert coco_ap(eight, out, "segm")[1] >= 0.95


def test_semantic_segmentation(eight, tmp_path):
    model = ModelSpec(name="unet", backbone="resnet18", width=0.5)
    changes = {"task": "semantic", "steps": 150, "learning_rate": 2e-3, "model": model}
    assert score_of(learned(eight, tmp_path, **changes), eight, "miou") >= 0.95


def test_classification(tmp_path):
    rng = np.random.default_rng(0)
    for number in range(8):
        folder = tmp_path / "data" / "test" / f"class {number % 4}"
        folder.mkdir(parents=True, exist_ok=True)
        picture = rng.integers(0, 255, (48, 48, 3)).astype(np.uint8)
        cv2.imwrite(str(folder / f"{number}.png"), picture)
    changes = {
        "task": "classification",
        "steps": 60,
        "learning_rate": 1e-3,
        "model": ModelSpec(name="resnet18"),
        "input_px": 48,
        "batch_size": 8,
    }
    data = tmp_path / "data"
    assert score_of(learned(data, tmp_path, **changes), data, "accuracy") == 1

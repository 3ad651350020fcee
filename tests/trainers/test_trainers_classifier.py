"""The classification street on a toy: bars of four directions."""

import cv2
import numpy as np
import pytest
import torch

from pipeline.formats.imagefolder import folder_sha256, read_image_folder
from pipeline.records.predictions import read_meta, read_results
from pipeline.specs.augmentation import AugmentSpec
from pipeline.specs.training import DataSource, ModelSpec, TrainSpec
from trainers.classifier import CompactClassifier
from trainers.prediction import predict
from trainers.training import train

DIRECTIONS = ("backslash", "dash", "pipe", "slash")


def paint_bars(folder, count, seed):
    rng = np.random.default_rng(seed)
    ends = {"backslash": (1, 1), "dash": (1, 0), "pipe": (0, 1), "slash": (1, -1)}
    for name in DIRECTIONS:
        (folder / name).mkdir(parents=True)
        for i in range(count):
            image = rng.normal(60, 15, (16, 16))
            centre, step = 8 + rng.integers(-2, 3, 2), 5 * np.array(ends[name])
            start, end = (centre - step).tolist(), (centre + step).tolist()
            cv2.line(image, start, end, float(rng.uniform(140, 240)), int(rng.integers(1, 3)))
            cv2.imwrite(str(folder / name / f"{i:03d}.png"), image.clip(0, 255).astype(np.uint8))
    return folder


def test_learns_bars_it_has_never_seen(tmp_path):
    data = paint_bars(tmp_path / "data" / "train", 24, seed=0).parent
    paint_bars(tmp_path / "data" / "test", 25, seed=1)
    spec = TrainSpec(
        task="classification",
        data=(DataSource(path=data),),
        model=ModelSpec(name="compact_classifier", width=0.5),
        input_px=16,
        steps=120,
        batch_size=32,
        warmup_steps=10,
        ema_decay=0.95,
        augment=AugmentSpec(shift=0.1, rotate_deg=8),
        device="cpu",
    )
    run_dir = train(spec, tmp_path / "run")
    out = predict(run_dir, data, tmp_path / "predictions.json")
    dataset = read_image_folder(data / "test")
    truth = {image.image_id: image.category_id for image in dataset.images}
    entries = read_results(out)
    assert [entry["image_id"] for entry in entries] == list(truth)
    assert np.mean([e["category_id"] == truth[e["image_id"]] for e in entries]) > 0.95
    for entry in entries:
        scores = {int(category_id): p for category_id, p in entry["scores"].items()}
        assert set(scores) == {1, 2, 3, 4}
        assert sum(scores.values()) == pytest.approx(1, abs=1e-4)
        assert entry["score"] == max(scores.values()) == scores[entry["category_id"]]
    meta = read_meta(out)
    assert meta.task == "classification"
    assert meta.annotations_sha256 == folder_sha256(data / "test")
    assert meta.semantic_dir is None


@pytest.mark.parametrize("side", [8, 13, 64])
def test_any_small_size(side):
    network = CompactClassifier(10, width=0.5).eval()
    assert network(torch.zeros(2, 3, side, side)).shape == (2, 10)

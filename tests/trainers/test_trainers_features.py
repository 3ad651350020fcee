"""Feature vectors of a trained network's own backbone."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from pipeline.errors import CheckpointError
from pipeline.specs.training import ModelSpec
from trainers.checkpoints import Checkpoint, write_checkpoint
from trainers.features import backbone_features
from trainers.networks.registry import open_network

NETWORKS = {
    ("compact_detector", "detection"): {"width": 0.25},
    ("compact_classifier", "classification"): {"width": 0.25},
    ("resnet18", "classification"): {},
    ("faster_rcnn", "detection"): {"backbone": "resnet18"},
    ("unet", "semantic"): {"backbone": "mobilenet_v3_small"},
}


@pytest.mark.parametrize(("kind", "options"), NETWORKS.items(), ids=lambda v: str(v)[:24])
def test_one_vector_a_picture_of_what_the_backbone_sees(tmp_path, kind, options):
    name, task = kind
    model = ModelSpec(name=name, **options)
    side = 64
    network = open_network(model, task=task, class_count=2, input_px=side)
    torch.manual_seed(0)
    state = network.build().state_dict()
    write_checkpoint(
        tmp_path / "model.pt",
        Checkpoint(
            model=model,
            categories=("a", "b"),
            task=task,
            state=state,
            has_masks=False,
            input_px=side,
            spec_sha256="0" * 64,
            step=1,
            seed=0,
        ),
    )
    paths = [tmp_path / f"{i}.png" for i in range(3)]
    rng = np.random.default_rng(0)
    for path in paths:
        cv2.imwrite(str(path), rng.integers(0, 255, (48, 64, 3), dtype=np.uint8))
    cv2.imwrite(str(paths[2]), cv2.imread(str(paths[0])))
    told = []
    found = backbone_features(tmp_path, paths, progress=lambda done, total: told.append(done))
    assert found.shape[0] == 3
    assert found.shape[1] >= 32
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found[0], found[2], rtol=1e-4, atol=1e-5)
    assert not np.allclose(found[0], found[1], rtol=1e-3)
    assert told[-1] == 3


def test_a_folder_without_a_network_is_refused(tmp_path):
    with pytest.raises(CheckpointError, match=r"model\.pt"):
        backbone_features(tmp_path, [])

"""Feature vectors against torchvision's own way of taking a network apart."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torchvision.models import get_model
from torchvision.models.feature_extraction import create_feature_extractor

from evaluation.features import feature_network_names, network_features
from pipeline.errors import CheckpointError, SpecError
from pipeline.specs.experiment import FeatureSpec

NODES = {"resnet18": "flatten", "squeezenet1_1": "features.12.cat", "mobilenet_v3_small": "flatten"}


@pytest.fixture
def pictures(tmp_path) -> list[Path]:
    rng = np.random.default_rng(0)
    paths = []
    for number, hw in enumerate([(224, 224)] * 2 + [(300, 200)]):
        paths.append(tmp_path / f"{number}.png")
        cv2.imwrite(str(paths[-1]), rng.integers(0, 255, (*hw, 3), dtype=np.uint8))
    return paths


def weights_of(name: str, path: Path, *, half: bool = False):
    torch.manual_seed(1)
    network = get_model(name, weights=None).eval()
    state = network.state_dict()
    halved = {k: v.half() if half and v.is_floating_point() else v for k, v in state.items()}
    torch.save(halved, path)
    return network


@pytest.mark.parametrize("name", NODES)
def test_they_are_what_the_last_layer_is_given(pictures, tmp_path, name):
    network = weights_of(name, tmp_path / "w.pth")
    found = network_features(pictures, FeatureSpec(name=name, weights=tmp_path / "w.pth"))
    extract = create_feature_extractor(network, {NODES[name]: "x"})
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    for path, vector in list(zip(pictures, found, strict=True))[:2]:
        pixels = torch.tensor(cv2.imread(str(path))[..., ::-1].copy()) / 255
        with torch.inference_mode():
            expected = extract(((pixels - mean) / std).permute(2, 0, 1)[None])["x"]
        expected = expected.flatten(2).mean(dim=2) if expected.ndim > 2 else expected
        np.testing.assert_allclose(vector, expected[0], rtol=1e-4, atol=1e-5)
    assert len(found) == 3


def test_half_precision_weights_are_read(pictures, tmp_path):
    full, half = tmp_path / "full.pth", tmp_path / "half.pth"
    weights_of("squeezenet1_1", full)
    weights_of("squeezenet1_1", half, half=True)
    a, b = (
        network_features(pictures, FeatureSpec(name="squeezenet1_1", weights=path))
        for path in (full, half)
    )
    np.testing.assert_allclose(a, b, rtol=0.05, atol=1e-3)
    assert not np.array_equal(a, b)


def test_what_is_wrong_is_named(pictures, tmp_path, monkeypatch):
    with pytest.raises(SpecError, match="torchvision has no classifier 'resnet19'"):
        network_features(pictures, FeatureSpec(name="resnet19"))
    assert "fasterrcnn_resnet50_fpn" not in feature_network_names()
    weights_of("squeezenet1_1", tmp_path / "w.pth")
    with pytest.raises(CheckpointError, match="no state dict of resnet18"):
        network_features(pictures, FeatureSpec(name="resnet18", weights=tmp_path / "w.pth"))
    (tmp_path / "code.pth").write_bytes(b"cbuiltins\nexit\n(tR.")
    with pytest.raises(CheckpointError, match="no state dict of resnet18"):
        network_features(pictures, FeatureSpec(name="resnet18", weights=tmp_path / "code.pth"))

    def offline(*_, **__):
        raise OSError("no network")

    monkeypatch.setattr("torch.hub.download_url_to_file", offline)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "empty"))
    with pytest.raises(CheckpointError, match=r"cannot be downloaded .* name a file"):
        network_features(pictures, FeatureSpec(name="squeezenet1_1"))

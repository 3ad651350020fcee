"""Batch-norm statistics of other pictures."""

import cv2
import numpy as np
import pytest
import torch
from discs import paint
from torch import nn

from pipeline.errors import DatasetError, SpecError
from pipeline.specs.training import AdaptSpec, DataSource, ModelSpec, TrainSpec
from trainers.adaptation import adapt_norms, open_adaptation
from trainers.checkpoints import read_checkpoint
from trainers.networks.registry import open_network
from trainers.training import train


def network_of(task="semantic", **model):
    return open_network(ModelSpec(**model), task=task, class_count=2, input_px=64)


@pytest.fixture
def pictures(tmp_path):
    rng = np.random.default_rng(0)
    for i in range(3):
        cv2.imwrite(str(tmp_path / f"{i}.png"), rng.integers(0, 90, (64, 64, 3)).astype(np.uint8))
    return tmp_path


@pytest.mark.parametrize(
    ("task", "model"),
    [
        ("semantic", {"name": "unet", "backbone": "resnet18"}),
        ("detection", {"name": "compact_detector"}),
        ("detection", {"name": "faster_rcnn", "backbone": "resnet18", "width": 0.25}),
        ("classification", {"name": "compact_classifier", "width": 0.25}),
    ],
)
def test_statistics_are_those_of_the_pictures(pictures, task, model):
    """Of the first norm, against plain arithmetic on the layer's own input."""
    network = network_of(task, **model)
    module = network.build()
    weights = {name: p.clone() for name, p in module.named_parameters()}
    first = next(layer for layer in module.modules() if isinstance(layer, nn.BatchNorm2d))
    seen = []
    first.register_forward_pre_hook(lambda layer, inputs: seen.append(inputs[0].clone()))
    adapt_norms(
        module, network, open_adaptation(AdaptSpec(path=pictures), network), crops=12, seed=0
    )
    assert [len(batch) for batch in seen] == [8, 4]
    means = torch.stack([batch.mean(dim=(0, 2, 3)) for batch in seen])
    torch.testing.assert_close(first.running_mean, means.mean(dim=0), rtol=1e-3, atol=1e-5)
    spreads = torch.stack([batch.transpose(0, 1).flatten(1).var(dim=1) for batch in seen])
    torch.testing.assert_close(first.running_var, spreads.mean(dim=0), rtol=1e-3, atol=1e-6)
    assert not module.training
    assert not first.training
    assert first.momentum == 0.1
    assert all(torch.equal(weights[name], p) for name, p in module.named_parameters())


def test_a_run_adapts_at_its_end(pictures, tmp_path):
    data = paint(tmp_path / "discs", frames=2)
    spec = TrainSpec(
        task="detection",
        data=(DataSource(path=data, split="test"),),
        model=ModelSpec(name="compact_detector", width=0.5),
        input_px=64,
        steps=2,
        batch_size=2,
        device="cpu",
    )
    plain = read_checkpoint(train(spec, tmp_path / "plain")).state
    adapt = AdaptSpec(path=pictures, crops=8)
    other = train(spec.model_copy(update={"adapt": adapt}), tmp_path / "adapted")
    adapted = read_checkpoint(other).state
    differing = {name for name in plain if not torch.equal(plain[name], adapted[name])}
    endings = ("running_mean", "running_var", "num_batches_tracked")
    assert differing == {name for name in plain if name.endswith(endings)}


def test_test_pictures_are_not_looked_at_unless_named(tmp_path):
    data = paint(tmp_path / "discs", frames=1)  # has a test split only
    network = network_of("detection", name="compact_detector")
    with pytest.raises(DatasetError, match=r"expected instances_train\.json"):
        open_adaptation(AdaptSpec(path=data), network)
    assert len(open_adaptation(AdaptSpec(path=data, split="test"), network).pictures) == 1


def test_networks_without_norms_are_refused(pictures):
    with pytest.raises(SpecError, match="squeezenet1_1 has no batch norm to adapt"):
        open_adaptation(
            AdaptSpec(path=pictures), network_of("classification", name="squeezenet1_1")
        )

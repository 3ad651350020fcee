"""Predictions averaged over quarter turns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from pipeline.errors import SpecError
from pipeline.specs.training import ModelSpec
from trainers.networks.registry import check_turns, open_network
from trainers.turning import OverTurns


@dataclass(frozen=True)
class Maps:
    fine: Tensor
    coarse: Tensor


class Slanted(nn.Module):
    """Answers with the picture itself, and a share of its columns: not alike in every turn."""

    def forward(self, images: Tensor) -> Maps:
        ramp = torch.linspace(0, 1, images.shape[-1])
        return Maps(fine=images * ramp, coarse=images[:, :1, ::2, ::2] * ramp[::2])


def test_maps_are_turned_back_before_the_mean() -> None:
    images = torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    found = OverTurns(Slanted())(images)
    # Over all four turns a ramp and its opposite add up: half of the picture everywhere.
    torch.testing.assert_close(found.fine, images * 0.5)
    assert found.coarse.shape == (2, 1, 4, 4)


def test_an_answer_that_ignores_turns_stays() -> None:
    class Mean(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            return images.mean(dim=(2, 3))

    images = torch.rand(4, 5, 6, 6)
    torch.testing.assert_close(OverTurns(Mean())(images), images.mean(dim=(2, 3)))


def test_a_classifier_answers_alike_for_every_turn() -> None:
    network = open_network(
        ModelSpec(name="compact_classifier"), task="classification", class_count=3, input_px=32
    )
    torch.manual_seed(0)
    module = OverTurns(network.build().eval())
    picture = np.random.default_rng(0).integers(0, 255, (32, 32, 3), dtype=np.uint8)
    turned = np.stack([np.rot90(picture, k) for k in range(4)])
    found = network.probabilities(module, turned)
    np.testing.assert_allclose(found, found[[0, 0, 0, 0]], atol=1e-5)
    alone = network.probabilities(module.module, turned)
    assert np.abs(alone - alone[0]).max() > 1e-4  # by itself it does not


@pytest.mark.parametrize("name", ["compact_detector", "faster_rcnn"])
def test_detectors_are_refused(name, tmp_path) -> None:
    network = open_network(ModelSpec(name=name), task="detection", class_count=2, input_px=64)
    with pytest.raises(SpecError, match=f"{name} cannot take the mean"):
        check_turns(network, source=tmp_path)

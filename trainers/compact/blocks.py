"""Layers that the compact networks are made of."""

from __future__ import annotations

from torch import Tensor, nn
from torchvision.ops.misc import Conv2dNormActivation

__all__ = ["conv", "separable", "stage"]


class _InvertedResidual(nn.Module):
    """Expand, filter each channel, project (Sandler et al., CVPR 2018)."""

    def __init__(self, inputs: int, outputs: int, *, stride: int, expansion: int) -> None:
        super().__init__()
        hidden = inputs * expansion
        self.layers = nn.Sequential(
            conv(inputs, hidden, kernel=1),
            conv(hidden, hidden, stride=stride, groups=hidden),
            conv(hidden, outputs, kernel=1, activation=None),
        )
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.layers(x)
        return x + y if self.residual else y


def conv(
    inputs: int,
    outputs: int,
    *,
    kernel: int = 3,
    stride: int = 1,
    groups: int = 1,
    activation: type[nn.Module] | None = nn.ReLU,
) -> Conv2dNormActivation:
    """Convolution, batch norm, activation; the stride divides the size."""
    return Conv2dNormActivation(
        inputs, outputs, kernel, stride, groups=groups, activation_layer=activation
    )


def separable(inputs: int, outputs: int, *, filters: int = 1) -> nn.Sequential:
    """Filters of 3 x 3 for each channel, one after the other, then one that mixes them.

    Two see as far as one of 5 x 5, whose backward pass takes a CPU five to ten times as long.
    """
    depthwise = [
        nn.Conv2d(inputs, inputs, 3, padding=1, groups=inputs, bias=False) for _ in range(filters)
    ]
    return nn.Sequential(*depthwise, conv(inputs, outputs, kernel=1))


def stage(
    inputs: int, outputs: int, *, expansion: int, repeats: int, dense: bool = False
) -> nn.Sequential:
    """Halves the size, then ``repeats - 1`` blocks at the new one.

    ``dense``: halve by one convolution. On large maps a CPU waits for memory, and an inverted
    residual's expansion would move several times as much.
    """
    first = (
        conv(inputs, outputs, stride=2)
        if dense
        else _InvertedResidual(inputs, outputs, stride=2, expansion=expansion)
    )
    return nn.Sequential(
        first,
        *(
            _InvertedResidual(outputs, outputs, stride=1, expansion=expansion)
            for _ in range(repeats - 1)
        ),
    )

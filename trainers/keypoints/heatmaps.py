"""Keypoints as maps of logits: what a map should say, and where in it a keypoint lies.

Every keypoint has a map whose softmax over all cells says where it is; the target is a Gaussian
around the true place, between the cells' centres too. What the network learns is therefore the
place to a fraction of a cell, and the logarithm of a Gaussian is a parabola, whose peak is read off
three cells in each direction.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

__all__ = ["SIGMA", "WINDOW", "heatmap_loss", "read_heatmaps", "windows"]

SIGMA = 1.0
"""Of the Gaussian, cells."""
WINDOW = 9
"""Cells of the fine map, side by side, in which a keypoint is placed exactly."""
_RADIUS = 2
"""Cells to each side of the peak whose probability is the confidence: 95 % of the Gaussian's."""


def heatmap_loss(logits: Tensor, points: Tensor, asked: Tensor) -> Tensor:
    """How far maps are from the Gaussians that they should be; 0 for perfect ones.

    The Kullback-Leibler divergence of the softmax over all cells, a mean over the keypoints that
    are asked for.

    Args:
        logits: (N, K, h, w).
        points: (N, K, 2) x, y in cells, the first cell's centre at 0.5.
        asked: (N, K) bool.

    Returns:
        A scalar; 0 where nothing is asked.
    """
    found, places = logits[asked].float(), points[asked].float()  # (M, h, w), (M, 2)
    if len(found) == 0:
        return logits.sum() * 0
    x, entropy_x = _gaussian(places[:, 0], found.shape[2])
    y, entropy_y = _gaussian(places[:, 1], found.shape[1])
    expected = torch.einsum("my,myx,mx->m", y, found, x)
    cross_entropy = found.flatten(1).logsumexp(dim=1) - expected
    return (cross_entropy - entropy_x - entropy_y).mean()


def read_heatmaps(logits: Tensor) -> tuple[Tensor, Tensor]:
    """Places of keypoints to a fraction of a cell, and how sure the network is of them.

    Args:
        logits: (N, K, h, w).

    Returns:
        (N, K, 2) x, y in cells, the first cell's centre at 0.5, and (N, K) the probability that
        lies within two cells of the peak, over that of a perfect map: in [0, 1].

    Source: Zhang et al., Distribution-aware coordinate representation (DARK), CVPR 2020: the peak
    of the parabola through the logarithm of the map around its highest cell. Maps are smoothed
    there before; ours are trained to be smooth.
    """
    width = logits.shape[-1]
    maps = logits.flatten(0, 1)
    if not len(maps):
        return logits.new_zeros(*logits.shape[:2], 2), logits.new_zeros(logits.shape[:2])
    best = maps.flatten(1).argmax(dim=1)
    row, column = best // width, best % width
    padded = functional.pad(maps, (1, 1, 1, 1), mode="replicate")
    index = torch.arange(len(maps), device=maps.device)

    def at(dy: int, dx: int) -> Tensor:
        return padded[index, row + 1 + dy, column + 1 + dx]

    gx, gy = (at(0, 1) - at(0, -1)) / 2, (at(1, 0) - at(-1, 0)) / 2
    xx = at(0, 1) - 2 * at(0, 0) + at(0, -1)
    yy = at(1, 0) - 2 * at(0, 0) + at(-1, 0)
    xy = (at(1, 1) - at(1, -1) - at(-1, 1) + at(-1, -1)) / 4
    determinant = xx * yy - xy * xy
    is_peak = (determinant > 1e-9) & (xx < 0)
    safe = torch.where(is_peak, determinant, torch.ones_like(determinant))
    offset = torch.stack([xy * gy - yy * gx, xy * gx - xx * gy], dim=1) / safe[:, None]
    offset = torch.where(is_peak[:, None], offset, torch.zeros_like(offset)).clamp(-0.5, 0.5)
    places = torch.stack([column, row], dim=1) + 0.5 + offset
    shares = maps.flatten(1).softmax(dim=1).view_as(maps)[:, None]
    side = 2 * _RADIUS + 1
    around = side**2 * functional.avg_pool2d(shares, side, stride=1, padding=_RADIUS)
    perfect = math.erf((_RADIUS + 0.5) / (SIGMA * math.sqrt(2))) ** 2
    confidence = (around[index, 0, row, column] / perfect).clamp(max=1)
    return places.view(*logits.shape[:2], 2), confidence.view(logits.shape[:2])


def windows(which: Tensor, where: Tensor, centres: Tensor) -> tuple[Tensor, Tensor]:
    """What two kinds of map say together around some places.

    Args:
        which: (N, K, h, w) logits of every keypoint.
        where: (N, 1, H, W) logits of any keypoint, finer.
        centres: (N, K, 2) x, y of the places, in cells of ``where``.

    Returns:
        (N, K, 9, 9) sums of logits, and (N, K, 2) int64 x, y of the windows' first cells.
    """
    height, width = where.shape[-2:]
    limit = torch.tensor([width - WINDOW, height - WINDOW], device=where.device)
    first = (centres.floor().long() - WINDOW // 2).clamp(min=0).minimum(limit.clamp(min=0))
    steps = torch.arange(WINDOW, device=where.device)
    columns, rows = first[..., 0, None] + steps, first[..., 1, None] + steps  # (N, K, 9)
    image = torch.arange(len(where), device=where.device)[:, None, None, None]
    fine = where[image, 0, rows[..., :, None], columns[..., None, :]]
    x, y = (2 * (cells + 0.5) / side - 1 for cells, side in ((columns, width), (rows, height)))
    shape = (*first.shape[:2], WINDOW, WINDOW)
    grid = torch.stack([x[..., None, :].expand(shape), y[..., :, None].expand(shape)], dim=-1)
    coarse = functional.grid_sample(
        which.flatten(0, 1)[:, None],
        grid.flatten(0, 1).to(which.dtype),
        padding_mode="border",
        align_corners=False,
    )
    return coarse.view(shape) + fine, first


def _gaussian(places: Tensor, length: int) -> tuple[Tensor, Tensor]:
    """(M,) places to (M, length) shares of the cells, and the (M,) entropy of those."""
    centres = torch.arange(length, device=places.device, dtype=places.dtype) + 0.5
    logs = -0.5 * ((centres - places[:, None]) / SIGMA) ** 2
    logs = logs.log_softmax(dim=1)
    shares = logs.exp()
    return shares, -(shares * logs).sum(dim=1)

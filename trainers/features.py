"""Pictures as vectors of a trained network's own backbone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from pipeline.drawing import read_rgb
from pipeline.progress import Progress, silent
from trainers.augmentation.geometry import fit_square
from trainers.checkpoints import read_checkpoint
from trainers.devices import open_device, use_all_cores

__all__ = ["backbone_features"]

_PIXELS_AT_ONCE = 8 * 320**2


@torch.inference_mode()
def backbone_features(
    run_dir: Path, paths: Sequence[Path], *, progress: Progress = silent
) -> npt.NDArray[np.float64]:
    """The last maps of a trained backbone, averaged over places.

    Pictures are fitted into the square that the network was trained on.

    Args:
        run_dir: A finished run.
        paths: N pictures.
        progress: Told of every picture.

    Returns:
        (N, D).

    Raises:
        CheckpointError: If ``run_dir`` holds no finished run.
        DatasetError: If a picture cannot be read.
    """
    checkpoint = read_checkpoint(run_dir)
    network, side_px = checkpoint.network(), checkpoint.input_px
    device = open_device("auto")
    module = checkpoint.module(device)
    seen: list[Tensor] = []
    last = module.get_submodule(network.stages()[-1][-1])
    last.register_forward_hook(lambda _module, _given, made: seen.append(made))
    found = []
    at_once = max(1, _PIXELS_AT_ONCE // side_px**2)
    with use_all_cores():
        for start in range(0, len(paths), at_once):
            chunk = paths[start : start + at_once]
            images = np.stack([fit_square(read_rgb(path), side_px=side_px) for path in chunk])
            network.look(module, torch.from_numpy(images).permute(0, 3, 1, 2).to(device))
            made = seen.pop()
            # Maps are (B, C, H, W); vision transformers make (B, tokens, C).
            places = (2, 3) if made.ndim == 4 else tuple(range(1, made.ndim - 1))
            found.append(made.float().mean(dim=places).cpu() if places else made.float().cpu())
            progress(start + len(chunk), len(paths))
    return np.asarray(torch.cat(found).numpy(), dtype=np.float64)

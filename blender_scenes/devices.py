"""Which device Cycles renders on. No bpy, so that the choice is tested on fake lists."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["GPU_KINDS", "choose_device"]

GPU_KINDS = ("OPTIX", "CUDA", "HIP", "METAL", "ONEAPI")
"""Cycles' kinds of GPU, best first. None of them has been run by us: no such machine."""


def choose_device(wanted: str, kinds_found: Sequence[str]) -> str:
    """The Cycles device kind to use: ``CPU`` or one of OPTIX, CUDA, HIP, METAL, ONEAPI.

    Args:
        wanted: ``auto``, ``cpu`` or ``gpu``.
        kinds_found: Kinds of the devices this machine has.

    Raises:
        RuntimeError: If a GPU is wanted and there is none.
    """
    best = next((kind for kind in GPU_KINDS if kind in kinds_found), None)
    if wanted == "cpu" or (wanted == "auto" and best is None):
        return "CPU"
    if best is None:
        raise RuntimeError("render.device is 'gpu' but Cycles finds none; use 'auto' or 'cpu'.")
    return best

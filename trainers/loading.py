"""Loaders that keep the network fed."""

from __future__ import annotations

import os
from typing import Any, Literal

import cv2
import torch
from torch.utils.data import DataLoader, IterableDataset

from trainers.devices import keep_freed_memory

__all__ = ["count_workers", "open_loader"]

_AHEAD = 4
"""Batches that each worker has ready."""
_MOST_WORKERS = 8
_CORES_PER_WORKER = 8


def count_workers(wanted: int | Literal["auto"], device: torch.device, *, cores: int) -> int:
    """How many processes load.

    ``auto``: for a GPU all cores but one, at most 8. On a CPU the network needs the cores itself
    and loading takes little of them (``benchmarks/bench_loading.py``): one process for every 8
    cores, and none, so that the training process loads, if there are fewer.

    >>> count_workers("auto", torch.device("cpu"), cores=2)
    0
    >>> count_workers("auto", torch.device("cuda"), cores=16)
    8
    """
    if wanted != "auto":
        return wanted
    if device.type == "cuda":
        return min(_MOST_WORKERS, cores - 1)
    return cores // _CORES_PER_WORKER


def open_loader(
    stream: IterableDataset[Any],
    *,
    workers: int | Literal["auto"],
    device: torch.device,
    ranks: int = 1,
) -> DataLoader[Any]:
    """A loader of whole batches, ahead of the network if it has workers.

    Args:
        stream: Makes the batches.
        workers: Processes that load.
        device: Where the batches go; on the way to a GPU they lie in pinned memory.
        ranks: Training processes that share this machine's cores.
    """
    cores = max(1, len(os.sched_getaffinity(0)) // ranks)
    count = count_workers(workers, device, cores=cores)
    return DataLoader(
        stream,
        batch_size=None,
        num_workers=count,
        multiprocessing_context="spawn" if count else None,
        prefetch_factor=_AHEAD if count else None,
        worker_init_fn=_start_worker if count else None,
        pin_memory=device.type == "cuda",
    )


def _start_worker(_index: int) -> None:
    """One thread: the other cores have workers, or the network, of their own."""
    cv2.setNumThreads(1)
    keep_freed_memory()

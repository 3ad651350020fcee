"""Where networks run, and how they get all of it."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import torch

from pipeline.errors import SpecError

__all__ = ["keep_freed_memory", "open_device", "use_all_cores"]


def open_device(name: Literal["auto", "cpu", "cuda"]) -> torch.device:
    """``auto`` is CUDA where there is a device, else the CPU.

    Raises:
        SpecError: If CUDA is asked for and not there.
    """
    if name == "cuda" and not torch.cuda.is_available():
        raise SpecError("key 'device': got 'cuda', but torch sees none here; use 'auto' or 'cpu'.")
    return torch.device("cpu" if name == "cpu" or not torch.cuda.is_available() else "cuda")


@contextmanager
def use_all_cores(processes: int = 1) -> Iterator[None]:
    """As many torch threads as this process has cores, whatever OMP_NUM_THREADS says.

    Args:
        processes: That share the cores.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(max(1, len(os.sched_getaffinity(0)) // processes))
    keep_freed_memory()
    try:
        yield
    finally:
        torch.set_num_threads(before)


def keep_freed_memory() -> None:
    """Have glibc keep large freed blocks instead of returning them to the kernel.

    Every activation of a step is such a block, and getting its pages back zeroed costs as much
    as computing with them: a training step at 320 px took 0.043 s per image with glibc's
    defaults and 0.029 s with this, on 2 cores.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:  # glibc; other C libraries have no such call
        trim_threshold, mmap_max = -1, -4
        mallopt(mmap_max, 0)
        mallopt(trim_threshold, -1)

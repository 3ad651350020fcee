"""Benchmarks by any name: those of the evaluation, and published ones that are downloaded."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from evaluation.benchmarks import open_benchmark
from pipeline.formats.exports import convert_to_coco
from trainers.published import PUBLISHED, fetch_published

__all__ = ["find_benchmark", "user_cache"]


def find_benchmark(name_or_dir: str, *, cache: Path, search: Sequence[Path] = ()) -> Path:
    """The folder of a benchmark; see :func:`evaluation.benchmarks.open_benchmark`.

    Published sets are downloaded once for all, into the user's cache.

    Raises:
        DatasetError: If there is no such benchmark, or it cannot be downloaded.
    """
    return open_benchmark(
        name_or_dir,
        cache=cache,
        search=search,
        published={name: partial(_published, name, cache) for name in PUBLISHED},
    )


def user_cache() -> Path:
    """Where what belongs to no project is kept."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
    folder = home / "blendgap"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return Path(tempfile.gettempdir()) / "blendgap"
    return folder


def _published(name: str, cache: Path) -> Path:
    folder = fetch_published(name, user_cache() / "downloads")
    return convert_to_coco(folder, cache=cache, layout=PUBLISHED[name].layout)

"""``files.sha256``: what every file of a finished dataset contains, as ``sha256sum`` lists it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

from pipeline.dataset.layout import DatasetLayout
from pipeline.dataset.manifest import Manifest
from pipeline.records.annotations import FrameRecord
from pipeline.records.predictions import sha256_of

__all__ = ["hash_lines", "is_intact", "is_unchanged"]


def hash_lines(layout: DatasetLayout, frame: int, record: FrameRecord) -> Iterator[bytes]:
    """What the listing says of one frame: its files, then its record."""
    path = layout.record(frame)
    for name, sha256 in (record.files | {layout.relative(path): sha256_of(path)}).items():
        yield f"{sha256}  {name}\n".encode()


def is_unchanged(path: Path, sha256: str, *, since_ns: int) -> bool:
    """Whether a file is there and still what it was.

    A file that was last written before ``since_ns`` is trusted, any other is hashed: both a
    truncated file and one that was overwritten carry a newer date. After a clock was set back,
    good files may look newer, which costs their hashing. Damage that leaves no newer date (a bad
    disk, a write under a clock that was set back) is for ``blendgap check`` to find.

    Args:
        path: The file.
        sha256: What it contained at ``since_ns``.
        since_ns: When it was known to be good, in the file system's time.
    """
    try:
        return path.stat().st_mtime_ns < since_ns or sha256_of(path) == sha256
    except OSError:
        return False


def is_intact(layout: DatasetLayout, manifest: Manifest) -> bool:
    """Whether a finished dataset still has all its files; quick where none was touched."""
    listing = layout.hashes
    expected = manifest.files.get(layout.relative(listing))
    if expected is None or not is_unchanged(listing, expected, since_ns=0):
        return False
    since_ns = listing.stat().st_mtime_ns
    with listing.open(encoding="utf-8") as lines:
        listed = (line.rstrip("\n").split("  ", 1) for line in lines)
        named = itertools.chain(listed, ((sha, name) for name, sha in manifest.files.items()))
        return all(
            is_unchanged(layout.folder / name, sha, since_ns=since_ns) for sha, name in named
        )

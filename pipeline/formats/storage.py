"""Crash-safe writing: a file appears whole or not at all."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

__all__ = [
    "DISK_FULL",
    "open_atomic",
    "write_bytes_atomic",
    "write_files",
    "write_json_atomic",
    "write_text_atomic",
]

DISK_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
"""Numbers of the errors that say there is no room left."""


@contextmanager
def open_atomic(path: Path) -> Iterator[IO[bytes]]:
    """A file to write to, under a temporary name; fsync and rename when the block ends.

    The temporary name starts with a dot and holds the process id, so that what a killed
    process leaves behind is never taken for a result.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_bytes_atomic(path: Path, data: bytes) -> None:
    """Write a whole file."""
    with open_atomic(path) as file:
        file.write(data)


def write_text_atomic(path: Path, text: str) -> None:
    """Like :func:`write_bytes_atomic`, UTF-8."""
    write_bytes_atomic(path, text.encode())


def write_json_atomic(path: Path, document: object) -> None:
    """Like :func:`write_bytes_atomic`; nan is refused, since JSON has none."""
    write_text_atomic(path, json.dumps(document, indent=1, allow_nan=False) + "\n")


def write_files(folder: Path, files: Iterable[tuple[str, bytes]]) -> Path:
    """Write those of some files, given by name and content, that are missing or altered."""
    for name, data in files:
        path = folder / name
        if path.is_file() and path.read_bytes() == data:
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        write_bytes_atomic(path, data)
    return folder

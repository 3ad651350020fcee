"""``instances.json``, written and read picture by picture: memory does not grow with it.

It is an ordinary COCO file. What makes it readable in pieces is that every image and every
annotation has a line of its own, and that both are in the order of the pictures.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from pipeline.dataset.entries import Entry
from pipeline.errors import DatasetError
from pipeline.formats.storage import open_atomic

__all__ = ["InstancesWriter", "Picture", "open_instances", "read_head", "read_pictures"]

_IMAGES = b'"images": [\n'
_ANNOTATIONS = b'"annotations": [\n'


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """An image entry and its annotations, as they stand in the file."""

    image: Entry
    annotations: tuple[Entry, ...]


class InstancesWriter:
    """Takes pictures; made by :func:`open_instances`."""

    def __init__(self, images: IO[bytes], annotations: IO[bytes]) -> None:
        self._images, self._annotations = _Lines(images), _Lines(annotations)

    def add(self, image: Entry, annotations: list[Entry]) -> None:
        """Write one picture; pictures come by ascending id."""
        self._images.add(image)
        for entry in annotations:
            self._annotations.add(entry)


class _Lines:
    # The members of a JSON list, one a line.
    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._separator = file, b""

    def add(self, entry: Entry) -> None:
        self._file.write(self._separator + json.dumps(entry).encode())
        self._separator = b",\n"


@contextmanager
def open_instances(path: Path, head: Mapping[str, object]) -> Iterator[InstancesWriter]:
    """Write a COCO file that appears whole when the block ends, or not at all.

    Args:
        path: The file.
        head: Everything but images and annotations.
    """
    with open_atomic(path) as out, tempfile.TemporaryFile(dir=path.parent) as annotations:
        out.write(b"{")
        for key, value in head.items():
            out.write(f"{json.dumps(key)}: {json.dumps(value)},\n".encode())
        out.write(_IMAGES)
        yield InstancesWriter(out, annotations)
        out.write(b"\n],\n" + _ANNOTATIONS)
        annotations.seek(0)
        shutil.copyfileobj(annotations, out)
        out.write(b"\n]}\n")


def read_head(path: Path) -> Entry:
    """Everything but images and annotations.

    Raises:
        DatasetError: If the file is not a COCO file.
    """
    with _reading(path), path.open("rb") as file:
        head = _own_head(file)
    document = _whole(path) if head is None else head
    return {key: value for key, value in document.items() if key not in ("images", "annotations")}


def read_pictures(path: Path) -> Iterator[Picture]:
    """The pictures by ascending image id.

    Our own files are read line by line, others (a file that was edited) as a whole.

    Raises:
        DatasetError: If the file cannot be read, or an annotation belongs to no picture.
    """
    with _reading(path), path.open("rb") as images, path.open("rb") as annotations:
        if _own_head(images) is None:
            yield from _grouped(path, *_sorted_entries(path))
            return
        while annotations.readline() not in (_ANNOTATIONS, b""):
            pass
        yield from _grouped(path, _entries(images), _entries(annotations))


def _grouped(
    path: Path, images: Iterator[Entry], annotations: Iterator[Entry]
) -> Iterator[Picture]:
    # A merge of two lists that are both in the order of the pictures.
    upcoming = next(annotations, None)
    for image in images:
        own = []
        while upcoming is not None and upcoming["image_id"] == image["id"]:
            own.append(upcoming)
            upcoming = next(annotations, None)
        yield Picture(image=image, annotations=tuple(own))
    if upcoming is not None:
        raise DatasetError(
            f"{path}: annotation {upcoming.get('id')}: image {upcoming['image_id']} is not listed, "
            "or out of order; render again to write the file anew."
        )


def _own_head(file: IO[bytes]) -> Entry | None:
    # Leaves the file at its first image; None where the file is not one of ours.
    lines: list[bytes] = []
    for line in file:
        if line == _IMAGES:
            return dict(json.loads(b"".join(lines).rstrip(b",\n") + b"}"))
        if not line.endswith(b",\n"):
            return None
        lines.append(line)
    return None


def _entries(file: IO[bytes]) -> Iterator[Entry]:
    for line in file:
        if line.startswith(b"]"):
            return
        if line.strip():
            yield json.loads(line.rstrip(b",\n"))


def _sorted_entries(path: Path) -> tuple[Iterator[Entry], Iterator[Entry]]:
    document = _whole(path)
    images = sorted(document["images"], key=lambda entry: entry["id"])
    annotations = sorted(document["annotations"], key=lambda entry: entry["image_id"])
    return iter(images), iter(annotations)


def _whole(path: Path) -> dict[str, Any]:
    with _reading(path):
        return dict(json.loads(path.read_bytes()))


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DatasetError(
            f"{path}: cannot be read ({error.strerror}); render again to write it anew."
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise DatasetError(
            f"{path}: not a COCO file ({error!r}); render again to write it anew."
        ) from error

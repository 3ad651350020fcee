"""Frames on disk: written whole, read back, counted."""

from __future__ import annotations

import os
from collections.abc import Iterator
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ValidationError

from pipeline.dataset.hashes import is_unchanged
from pipeline.dataset.layout import DatasetLayout
from pipeline.errors import DatasetError
from pipeline.formats.storage import write_bytes_atomic
from pipeline.records.annotations import FrameRecord, InstanceLabel
from pipeline.records.passes import FramePasses
from pipeline.records.predictions import sha256_of
from pipeline.records.scene import SampledScene

__all__ = [
    "find_done",
    "read_ids",
    "read_record",
    "remove_leftovers",
    "write_frame",
    "write_record",
]

_JPEG_QUALITY = 92
_SEAL = '{"sha256":"%s",'
_SEAL_LENGTH = len(_SEAL % sha256(b"").hexdigest())


def write_frame(
    layout: DatasetLayout,
    *,
    scene: SampledScene,
    image: npt.NDArray[np.uint8],
    image_format: str,
    passes: FramePasses,
    labels: tuple[InstanceLabel, ...],
    seconds: dict[str, float],
) -> FrameRecord:
    """Write one frame, its record last.

    Args:
        layout: Of a dataset whose folders exist.
        scene: The sampled scene.
        image: (H, W, 3) RGB or (H, W) grey.
        image_format: ``png`` or ``jpg``.
        passes: Those that are not None are written.
        labels: Of the visible instances.
        seconds: Wall time by stage.
    """
    image_path = layout.image(scene.frame, image_format)
    bgr = image if image.ndim == 2 else image[..., ::-1]
    # OpenCV's own PNG settings: naming any level, even 1, doubles the time for no room gained.
    quality = [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY]
    contents = {
        image_path: _encode(f".{image_format}", bgr, quality),
        layout.ids(scene.frame): _encode(".png", passes.ids, quality),
    }
    if passes.semantic is not None:
        contents[layout.semantic(scene.frame)] = _encode(".png", passes.semantic, quality)
    if passes.depth_m is not None:
        contents[layout.depth(scene.frame)] = _npy(passes.depth_m.astype(np.float32))
    if passes.normals is not None:
        contents[layout.normals(scene.frame)] = _npy(passes.normals.astype(np.float16))
    if passes.flow_px is not None:
        contents[layout.flow(scene.frame)] = _npy(passes.flow_px.astype(np.float32))
    for path, content in contents.items():
        write_bytes_atomic(path, content)
    models = {layout.model(label.model) for label in labels if label.model is not None}
    record = FrameRecord(
        scene=scene.model_dump(mode="json"),
        labels=labels,
        image=layout.relative(image_path),
        image_hw=(image.shape[0], image.shape[1]),
        files={
            layout.relative(path): sha256(content).hexdigest() for path, content in contents.items()
        }
        | {layout.relative(path): sha256_of(path) for path in sorted(models)},
        seconds=seconds,
    )
    write_record(layout, scene.frame, record)
    return record


def write_record(layout: DatasetLayout, frame: int, record: FrameRecord) -> None:
    """Write a frame's record, after which the frame is done."""
    write_bytes_atomic(layout.record(frame), _sealed(record.model_dump_json().encode()))


def read_record(layout: DatasetLayout, frame: int) -> FrameRecord:
    """The record of a frame that is done.

    Raises:
        DatasetError: If it is missing or damaged.
    """
    path = layout.record(frame)
    try:
        return FrameRecord.model_validate_json(_unsealed(path.read_bytes()))
    except OSError as error:
        raise DatasetError(
            f"{path}: cannot be read ({error.strerror}); render again to restore the frame."
        ) from error
    except ValidationError as error:
        raise DatasetError(
            f"{path}: not a frame record ({error.error_count()} errors); "
            "delete it and render again."
        ) from error
    except ValueError as error:
        raise DatasetError(f"{path}: {error}; render again to restore the frame.") from error


def read_ids(path: Path) -> npt.NDArray[np.uint16]:
    """The (H, W) id pass.

    Raises:
        DatasetError: If the file is missing or not a 16-bit greyscale PNG.
    """
    ids = cv2.imread(str(path), cv2.IMREAD_UNCHANGED) if path.is_file() else None
    if ids is None or ids.dtype != np.uint16 or ids.ndim != 2:
        raise DatasetError(f"{path}: not a 16-bit id pass; delete its frame record, render again.")
    return np.asarray(ids)


class _Contents(BaseModel):
    # As much of a frame record as resuming needs; the rest is not worth the time.
    files: dict[str, str]


def find_done(layout: DatasetLayout, frames: int) -> Iterator[int]:
    """Frames below ``frames`` that have a whole record and all files as it names them.

    Damaged files are removed, so that rendering makes them anew.
    """
    for frame in range(frames):
        path = layout.record(frame)
        try:
            contents = _Contents.model_validate_json(_unsealed(path.read_bytes()))
            written_ns = path.stat().st_mtime_ns  # last of the frame's files
        except (OSError, ValueError):
            continue
        damaged = [
            layout.folder / name
            for name, expected in contents.files.items()
            if not is_unchanged(layout.folder / name, expected, since_ns=written_ns)
        ]
        for path in damaged:
            path.unlink(missing_ok=True)
        if not damaged:
            yield frame


def remove_leftovers(layout: DatasetLayout) -> None:
    """Remove temporary files of writers that were killed; call with the writer lock held."""
    folders = [layout.folder, *(path for path in layout.folder.iterdir() if path.is_dir())]
    for folder in folders:
        with os.scandir(folder) as entries:  # Path's methods would list all frames in memory
            for entry in entries:
                if entry.name.startswith(".") and entry.name.endswith(".tmp"):
                    Path(entry.path).unlink(missing_ok=True)


def _encode(
    suffix: str, picture: npt.NDArray[np.uint8] | npt.NDArray[np.uint16], quality: list[int]
) -> bytes:
    done, content = cv2.imencode(suffix, picture, quality)
    if not done:
        raise DatasetError(f"OpenCV cannot encode a {picture.dtype} picture as {suffix}.")
    return bytes(content)


def _npy(array: npt.NDArray[np.floating[Any]]) -> bytes:
    stream = BytesIO()
    np.save(stream, array, allow_pickle=False)
    return stream.getvalue()


def _sealed(body: bytes) -> bytes:
    """A JSON object with one more key, the first: the SHA-256 of the object without it."""
    return (_SEAL % sha256(body).hexdigest()).encode() + body[1:]


def _unsealed(content: bytes) -> bytes:
    body = b"{" + content[_SEAL_LENGTH:]
    if _sealed(body) != content:
        raise ValueError("damaged: its contents do not fit its key 'sha256'")
    return body

"""Typed values out of a JSON file that somebody wrote; every failure names the file."""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterable
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np
from pycocotools import mask as coco_mask

from pipeline.errors import DatasetError
from pipeline.formats.conventions import pose_from_bop
from pipeline.geometry.camera import Matrix4
from pipeline.geometry.masks import Rle, rle_of_polygons

__all__ = ["Claims", "Entry", "load_json"]

Entry = dict[str, Any]


def load_json(path: Path) -> Entry:
    """Read a JSON file that holds an object.

    Raises:
        DatasetError: If it cannot be read or holds something else.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read ({error.strerror}).") from error
    except (ValueError, RecursionError) as error:
        raise DatasetError(f"{path}: not a JSON file ({error}).") from error
    if not isinstance(document, dict):
        raise DatasetError(f"{path}: got a {type(document).__name__}; expected an object.")
    return document


class Claims:
    """Reads entries of one file; ``what`` in every method names the entry in a complaint."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def refusal(self, what: str, problem: str) -> DatasetError:
        """The error to raise about an entry."""
        return DatasetError(f"{self._path}: {what}: {problem}.")

    def entry(self, document: Entry, key: str) -> Entry:
        """An object."""
        entry = document.get(key)
        if not isinstance(entry, dict):
            raise DatasetError(f"{self._path}: key '{key}': expected an object.")
        return entry

    def entries(self, document: Entry, key: str) -> list[Entry]:
        """A list of objects."""
        entries = document.get(key)
        if not isinstance(entries, list) or not all(isinstance(e, dict) for e in entries):
            raise DatasetError(f"{self._path}: key '{key}': expected a list of objects.")
        return entries

    def integer(self, entry: Entry, key: str, what: str, *, minimum: int | None = None) -> int:
        """A whole number."""
        value = entry.get(key)
        if (
            not isinstance(value, int)
            or isinstance(value, bool)
            or (minimum is not None and value < minimum)
        ):
            least = "" if minimum is None else f" >= {minimum}"
            raise self.refusal(what, f"'{key}' is {value!r}; expected a whole number{least}")
        return value

    def optional_integer(
        self, entry: Entry, key: str, what: str, *, minimum: int | None = None
    ) -> int | None:
        """A whole number where the key is there."""
        if entry.get(key) is None:
            return None
        return self.integer(entry, key, what, minimum=minimum)

    def text(self, entry: Entry, key: str) -> str:
        """A word that is not empty."""
        value = entry.get(key)
        if not isinstance(value, str) or not value:
            raise DatasetError(f"{self._path}: '{key}' is {value!r}; expected a word.")
        return value

    def optional_number(self, entry: Entry, key: str, what: str) -> float | None:
        """A finite number where the key is there."""
        if entry.get(key) is None:
            return None
        return self.numbers({key: [entry[key]]}, key, what, count=1)[0]

    def fraction(self, entry: Entry, key: str, what: str) -> float | None:
        """A number in [0, 1] where the key is there."""
        value = self.optional_number(entry, key, what)
        if value is not None and not 0 <= value <= 1:
            raise self.refusal(what, f"'{key}' is {value!r}; expected a number from 0 to 1")
        return value

    def numbers(self, entry: Entry, key: str, what: str, *, count: int) -> tuple[float, ...]:
        """So many finite numbers."""
        values = entry.get(key)
        if (
            not isinstance(values, list)
            or len(values) != count
            or not all(isinstance(v, int | float) and isfinite(v) for v in values)
        ):
            raise self.refusal(what, f"'{key}' is {_short(values)}; expected {count} numbers")
        return tuple(float(value) for value in values)

    def words(self, entry: Entry, key: str, what: str) -> tuple[str, ...]:
        """A list of words; empty where the key is not there."""
        values = entry.get(key) or []
        if not isinstance(values, list) or not all(isinstance(v, str) for v in values):
            raise self.refusal(what, f"'{key}' is {_short(values)}; expected a list of words")
        return tuple(values)

    def box_xyxy(self, entry: Entry, key: str, what: str) -> tuple[float, float, float, float]:
        """COCO's [x, y, w, h] with w, h > 0, as corners."""
        values = entry.get(key)
        if (
            not isinstance(values, list)
            or len(values) != 4
            or not all(isinstance(v, int | float) and isfinite(v) for v in values)
            or values[2] <= 0
            or values[3] <= 0
        ):
            raise self.refusal(
                what, f"{key} is {_short(values)}; expected [x, y, w, h] with w, h > 0"
            )
        x, y, w, h = (float(value) for value in values)
        return (x, y, x + w, y + h)

    def rle(self, entry: Entry, key: str, what: str, *, image_hw: tuple[int, int]) -> Rle | None:
        """COCO's polygons, compressed or plain run lengths; None where there are none."""
        segmentation = entry.get(key)
        if not segmentation:
            return None
        try:
            if isinstance(segmentation, list):
                return rle_of_polygons(segmentation, image_hw=image_hw)
            size, counts = segmentation["size"], segmentation["counts"]
            if size == list(image_hw) and isinstance(counts, list):
                return _compressed(counts, image_hw)
        except (TypeError, ValueError, KeyError, AttributeError, OverflowError) as error:
            raise self.refusal(
                what, f"'{key}' is {_short(segmentation)}; expected polygons or an RLE"
            ) from error
        if size != list(image_hw) or not isinstance(counts, str):
            raise self.refusal(
                what, f"mask of size {size}; expected an RLE of {list(image_hw)} in '{key}'"
            )
        return {"size": list(image_hw), "counts": counts}

    def pose(self, entry: Entry, name: str, what: str) -> Matrix4 | None:
        """``cam_R_{name}`` and ``cam_t_{name}`` [mm] where they are there; metres."""
        rotation_key, translation_key = f"cam_R_{name}", f"cam_t_{name}"
        if entry.get(rotation_key) is None and entry.get(translation_key) is None:
            return None
        rotation = self.numbers(entry, rotation_key, what, count=9)
        matrix = np.reshape(rotation, (3, 3))
        if not np.allclose(matrix @ matrix.T, np.eye(3), atol=1e-2) or np.linalg.det(matrix) < 0:
            raise self.refusal(what, f"'{rotation_key}' is no rotation")
        return pose_from_bop(rotation, self.numbers(entry, translation_key, what, count=3))

    def unique(self, what: str, values: Iterable[Hashable]) -> None:
        """Refuse what appears twice."""
        seen: set[Hashable] = set()
        for value in values:
            if value in seen:
                raise DatasetError(f"{self._path}: {what} {value!r} appears twice; must be unique.")
            seen.add(value)


def _compressed(counts: list[int], image_hw: tuple[int, int]) -> Rle:
    height, width = image_hw
    if sum(counts) != height * width:
        raise ValueError("run lengths of another picture")
    encoded = coco_mask.frPyObjects({"size": [height, width], "counts": counts}, height, width)
    return {"size": [height, width], "counts": encoded["counts"].decode()}


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."

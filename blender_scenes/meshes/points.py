"""Keypoints of models: from a JSON file of named points, or the corners of their boxes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from blender_scenes.meshes.library import Model
from pipeline.errors import SpecError
from pipeline.formats.claims import load_json
from pipeline.records.keypoints import KeypointLayout
from pipeline.records.scene import Vector3

__all__ = ["Points", "box_points", "points_from"]

Points = Mapping[str, tuple[Vector3, ...]]
"""(K, 3) in metres, by name of the model."""

_SIGMA = 0.05  # of a point that a person can name, as a corner or a handle
_BOX = KeypointLayout(
    names=(*(f"bb{number}" for number in range(8)), "centre"),
    skeleton=((0, 1), (2, 3), (4, 5), (6, 7), (0, 2), (1, 3), (4, 6), (5, 7), (0, 4), (1, 5),
              (2, 6), (3, 7)),
    sigmas=(_SIGMA,) * 9,
)  # fmt: skip


def box_points(models: Sequence[Model]) -> tuple[Points, dict[str, KeypointLayout]]:
    """Corners of the models' boxes, x, y, z each low then high, z fastest, and the centre."""
    points: dict[str, tuple[Vector3, ...]] = {}
    for model in models:
        corners = np.array(list(product(*zip(model.low_m, model.high_m, strict=True))))
        points[model.name] = _vectors(np.vstack([corners, corners.mean(axis=0)]).tolist())
    return points, {model.category: _BOX for model in models}


def points_from(path: Path, models: Sequence[Model]) -> tuple[Points, dict[str, KeypointLayout]]:
    """Named points of models or categories, in the models' own frames and units.

    The file has ``{"mug": {"handle": [0.05, 0, 0.04], "rim": [0, 0, 0.09]}}``; a category that
    it does not name has no keypoints.

    Raises:
        SpecError: If the file names what there is not, or models of one category have others.
    """
    document: Mapping[str, Any] = load_json(path)
    known = {model.name for model in models} | {model.category for model in models}
    for name in document:
        if name not in known:
            raise SpecError(
                f"{path}: {name!r} is no model and no category; known: {', '.join(sorted(known))}."
            )
    points: dict[str, tuple[Vector3, ...]] = {}
    layouts: dict[str, KeypointLayout] = {}
    for model in models:
        entry = document.get(model.name, document.get(model.category, {}))
        if not isinstance(entry, dict):
            raise SpecError(f"{path}: {model.category}: expected points by name, got {entry!r}.")
        named = {
            name: tuple(value * model.unit_m for value in _numbers(path, model.name, name, place))
            for name, place in entry.items()
        }
        layout = KeypointLayout(names=tuple(named), sigmas=(_SIGMA,) * len(named))
        if layouts.setdefault(model.category, layout) != layout:
            raise SpecError(
                f"{path}: models of category {model.category!r} have points of other names "
                f"({', '.join(layout.names)}; {', '.join(layouts[model.category].names)})."
            )
        points[model.name] = _vectors(list(named.values()))
    return points, {name: layout for name, layout in layouts.items() if layout.names}


def _numbers(path: Path, model: str, name: str, place: object) -> list[float]:
    if (
        isinstance(place, list)
        and len(place) == 3
        and all(isinstance(v, int | float) and not isinstance(v, bool) for v in place)
    ):
        return [float(value) for value in place]
    raise SpecError(f"{path}: {model}.{name}: got {place!r}; expected [x, y, z].")


def _vectors(rows: Sequence[Sequence[float]]) -> tuple[Vector3, ...]:
    return tuple((float(x), float(y), float(z)) for x, y, z in rows)

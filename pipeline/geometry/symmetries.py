"""Turns and flips that leave an object's looks alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import cv2
import numpy as np

from pipeline.geometry.boxes import FloatArray

__all__ = ["symmetry_transforms"]

_SYMMETRY_STEP = 0.01  # of the diameter, between two turns about an axis (BOP 2019)


def symmetry_transforms(
    info: Mapping[str, object], *, unit_m: float, step: float = _SYMMETRY_STEP
) -> FloatArray:
    """All symmetries of a model from BOP's facts about it.

    Turns about an axis of continuous symmetry are taken in steps in which no point moves further
    than ``step`` of the diameter.

    Args:
        info: ``symmetries_discrete`` (16 numbers each) and ``symmetries_continuous`` (``axis``
            and ``offset``), both optional.
        unit_m: Metres in one unit of the file.
        step: As a fraction of the diameter.

    Returns:
        (S, 4, 4) in metres, the identity first.

    Source: bop_toolkit, ``get_symmetry_transformations``.
    """
    discrete = [np.eye(4)]
    for numbers in _listed(info.get("symmetries_discrete")):
        transform = np.reshape(np.asarray(numbers, dtype=np.float64), (4, 4)).copy()
        transform[:3, 3] *= unit_m
        discrete.append(transform)
    continuous = [np.eye(4)]
    for entry in _listed(info.get("symmetries_continuous")):
        turns = int(np.ceil(np.pi / step))
        axis = np.asarray(entry["axis"], dtype=np.float64)
        offset = np.asarray(entry["offset"], dtype=np.float64) * unit_m
        for turn in range(1, turns):
            transform = np.eye(4)
            angle_rad = 2 * np.pi * turn / turns
            transform[:3, :3] = cv2.Rodrigues(angle_rad * axis / np.linalg.norm(axis))[0]
            transform[:3, 3] = offset - transform[:3, :3] @ offset
            continuous.append(transform)
    return np.array([about @ flip for flip in discrete for about in continuous])


def _listed(value: object) -> Sequence:  # type: ignore[type-arg]  # whatever the file holds
    return value if isinstance(value, list) else []

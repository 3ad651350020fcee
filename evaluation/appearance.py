"""What pictures and their labels are like, number by number: light, colour, detail, objects."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np

from evaluation.analysis.circumstances import covered_share
from evaluation.realism import Measures, measure_picture
from pipeline.drawing import ImageArray, read_rgb
from pipeline.formats.labelled import CocoDataset
from pipeline.geometry.boxes import FloatArray

__all__ = ["LABEL_MEASURES", "OCTAVES", "PICTURE_MEASURES", "measure_labels", "measure_looks"]

PICTURE_MEASURES: Mapping[str, str] = {
    "brightness": "mean, % of full scale",
    "contrast": "standard deviation of the greys, % of full scale",
    "saturation": "mean, %",
    "green to red": "mean a* of CIELAB",
    "blue to yellow": "mean b* of CIELAB",
    "sharpness": "variance of the Laplacian, grey levels squared",
    "noise": "robust standard deviation, grey levels",
}
"""One number a picture, and its unit."""

LABEL_MEASURES: Mapping[str, str] = {
    "objects": "labelled in a picture",
    "box size": "square root of the box's area over the picture's, %",
    "box shape": "width over height",
    "place across": "centre of the box, % of the width",
    "place down": "centre of the box, % of the height",
    "hidden by neighbours": "share of the box inside another one, %",
}
"""One number a picture or an object, and its unit."""

_PERIODS_PX = (2, 4, 8, 16, 32, 64)
OCTAVES = (*(f"{a} to {b} px" for a, b in itertools.pairwise(_PERIODS_PX)), "over 64 px")
"""Bands of the spectrum, finest detail first: what repeats after so many pixels."""

_LEAST_POWER = 1e-9  # of the whole, where a picture has none
_NOTHING = 1e-9  # power that rounding leaves of a plain picture


def measure_looks(paths: Iterable[Path], *, side_px: int) -> Measures:
    """Every measure of ``PICTURE_MEASURES``, and the spectrum by ``OCTAVES`` in dB of all power.

    Octaves that are too wide for a picture are left out.

    Args:
        paths: Of pictures.
        side_px: Longer side to which larger ones are shrunk; detail depends on it.

    Raises:
        DatasetError: If a picture cannot be read.
    """
    measures: defaultdict[str, list[float]] = defaultdict(list)
    for path in paths:
        picture = read_rgb(path)
        small = _shrunk(picture, side_px)
        lab = cv2.cvtColor(small.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
        numbers = {
            **measure_picture(picture, side_px=side_px),
            "green to red": float(lab[..., 1].mean()),
            "blue to yellow": float(lab[..., 2].mean()),
            **dict(
                zip(OCTAVES, _octave_powers_db(np.asarray(lab[..., 0], np.float64)), strict=True)
            ),
        }
        for name, number in numbers.items():
            if not np.isnan(number):
                measures[name].append(number)
    return measures


def measure_labels(dataset: CocoDataset, image_ids: Sequence[int]) -> Measures:
    """Every measure of ``LABEL_MEASURES``; crowds do not count."""
    measures: defaultdict[str, list[float]] = defaultdict(list)
    images = {image.image_id: image for image in dataset.images}
    for image_id in image_ids:
        image = images[image_id]
        objects = [g for g in dataset.instances[image_id] if not g.iscrowd]
        measures["objects"].append(len(objects))
        for g in objects:
            x0, y0, x1, y1 = g.box_xyxy
            area = (x1 - x0) * (y1 - y0)
            measures["box size"].append(100 * (area / (image.width * image.height)) ** 0.5)
            measures["box shape"].append((x1 - x0) / (y1 - y0))
            measures["place across"].append(50 * (x0 + x1) / image.width)
            measures["place down"].append(50 * (y0 + y1) / image.height)
            measures["hidden by neighbours"].append(100 * covered_share(g, objects))
    return measures


def _shrunk(picture: ImageArray, side_px: int) -> ImageArray:
    height, width = picture.shape[:2]
    scale = min(1.0, side_px / max(height, width))
    if scale == 1.0:
        return picture
    shape = (max(1, round(scale * width)), max(1, round(scale * height)))
    return np.asarray(cv2.resize(picture, shape, interpolation=cv2.INTER_AREA), np.uint8)


def _octave_powers_db(grey: FloatArray) -> FloatArray:
    """(6,) share of the power in each of ``OCTAVES``, in dB, the borders faded out.

    Of bands so wide that no wave of the picture is in them nan.
    """
    height, width = grey.shape
    window = np.outer(np.hanning(height + 2)[1:-1], np.hanning(width + 2)[1:-1])
    faded = (grey - np.average(grey, weights=window)) * window
    power = np.abs(np.fft.rfft2(faded)) ** 2
    power[:, 1 : (width + 1) // 2] *= 2  # the half that is the mirror image of this one
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width))
    # Diagonals are finer than 2 px; they belong to the finest band.
    edges = np.array([np.inf, *(1 / period for period in _PERIODS_PX[1:]), 0.0])
    bands = [
        (frequency < upper) & (frequency >= lower) & (frequency > 0)
        for upper, lower in itertools.pairwise(edges)
    ]
    sums = np.array([power[band].sum() for band in bands])
    total = float(sums.sum())
    shares = sums / total if total > _NOTHING else np.zeros(len(sums))
    powers_db = 10 * np.log10(np.maximum(shares, _LEAST_POWER))
    return np.where([band.any() for band in bands], powers_db, np.nan)

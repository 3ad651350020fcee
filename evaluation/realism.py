"""Do rendered pictures look like the real ones? Measured picture by picture, set against set.

The bars: what is usual among real pictures must occur among synthetic ones, and these must not
vary beyond all measure.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from evaluation.drawing import evenly_spaced
from pipeline.dataset.histograms import NumberSummary, summarise
from pipeline.drawing import ImageArray, read_rgb
from pipeline.formats.crops import write_crops
from pipeline.formats.imagefolder import read_labelled_folder
from pipeline.formats.labelled import CocoDataset
from pipeline.geometry.boxes import FloatArray
from pipeline.specs.experiment import CropSpec

__all__ = [
    "MEASURES",
    "WIDEST",
    "Comparison",
    "Measures",
    "common_side_px",
    "compare_measures",
    "crops_like",
    "measure_picture",
    "measure_pictures",
]

MEASURES: Mapping[str, str] = {
    "box size": "square root of the box's area over the picture's, %",
    "objects": "labelled in a picture",
    "brightness": "mean, % of full scale",
    "contrast": "standard deviation of the greys, % of full scale",
    "saturation": "mean, %",
    "sharpness": "variance of the Laplacian, grey levels squared",
    "noise": "robust standard deviation, grey levels",
}
"""What is measured, in the order of the table."""

WIDEST = 3.0
"""Times the real set's 10 to 90 % range that the synthetic one's may be wide."""

Measures = Mapping[str, list[float]]

_MOST_PICTURES = 500
_LARGEST_SIDE_PX = 640
# Immerkaer, CVIU 1996: blind to planes and straight edges, sigma 6 for white noise of sigma 1.
_NOISE_MASK = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float64)
_NOISE_GAIN = 6.0
_MEDIAN_OF_NORMAL = 0.6745  # of the absolute value, over the standard deviation


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One measure of two sets; None where a set has no such thing."""

    name: str
    real: NumberSummary | None
    synthetic: NumberSummary | None

    @property
    def covered(self) -> bool | None:
        """Whether the real 10 to 90 % range lies inside the synthetic 1 to 99 % range."""
        if self.real is None or self.synthetic is None:
            return None
        real, synthetic = self.real.quantiles, self.synthetic.quantiles
        return synthetic[0.01] <= real[0.1] and real[0.9] <= synthetic[0.99]

    @property
    def relative_width(self) -> float:
        """Synthetic over real 10 to 90 % range; nan where there is none."""
        if self.real is None or self.synthetic is None:
            return float("nan")
        real, synthetic = (s.quantiles[0.9] - s.quantiles[0.1] for s in (self.real, self.synthetic))
        if real == 0:
            return 1.0 if synthetic == 0 else float("inf")
        return synthetic / real

    @property
    def narrow(self) -> bool | None:
        """Whether the synthetic range is at most ``WIDEST`` times as wide as the real one."""
        if self.real is None or self.synthetic is None:
            return None
        return self.relative_width <= WIDEST


def common_side_px(*datasets: CocoDataset) -> int:
    """Longer side to which pictures of all sets are shrunk before they are measured.

    The smallest of the sets' median sides, at most 640 px: sharpness and noise depend on it.
    """
    medians = [
        float(np.median([max(image.width, image.height) for image in dataset.images]))
        for dataset in datasets
    ]
    return round(min(*medians, _LARGEST_SIDE_PX))


def measure_pictures(dataset: CocoDataset, *, side_px: int, boxes: bool = True) -> Measures:
    """Every measure of up to 500 pictures at even distances.

    Args:
        dataset: Real or rendered.
        side_px: Longer side to which larger pictures are shrunk.
        boxes: Whether its boxes say where objects are; else a picture is one object.

    Returns:
        Numbers by the names of ``MEASURES``, one per picture, of boxes one per object.

    Raises:
        DatasetError: If a picture cannot be read.
    """
    measures: defaultdict[str, list[float]] = defaultdict(list)
    for index in evenly_spaced(len(dataset.images), _MOST_PICTURES):
        image = dataset.images[index]
        for name, value in measure_picture(read_rgb(image.path), side_px=side_px).items():
            measures[name].append(value)
        if boxes:
            objects = [i.box_xyxy for i in dataset.instances[image.image_id] if not i.iscrowd]
            measures["objects"].append(len(objects))
            measures["box size"] += [
                100 * float(np.sqrt((x1 - x0) * (y1 - y0) / (image.width * image.height)))
                for x0, y0, x1, y1 in objects
            ]
    return measures


def measure_picture(picture: ImageArray, *, side_px: int) -> dict[str, float]:
    """What one picture looks like.

    Args:
        picture: (H, W, 3) RGB.
        side_px: Longer side to which a larger one is shrunk.
    """
    height, width = picture.shape[:2]
    scale = min(1.0, side_px / max(height, width))
    shape = (max(1, round(scale * width)), max(1, round(scale * height)))
    # Not rounded to grey levels again, which would hide faint noise.
    colour = picture.astype(np.float32) / 255
    small = cv2.resize(colour, shape, interpolation=cv2.INTER_AREA) if scale < 1 else colour
    grey: FloatArray = np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), np.float64)
    saturation = cv2.cvtColor(small, cv2.COLOR_RGB2HSV)[..., 1]
    return {
        "brightness": 100 * float(grey.mean()),
        "contrast": 100 * float(grey.std()),
        "saturation": 100 * float(saturation.mean()),
        "sharpness": float(_inner(cv2.Laplacian(255 * grey, cv2.CV_64F)).var()),
        "noise": _noise(255 * grey),
    }


def compare_measures(*, synthetic: Measures, real: Measures) -> tuple[Comparison, ...]:
    """All measures of two sets, in the order of the table."""
    return tuple(
        Comparison(
            name=name,
            real=summarise(real.get(name, ())),
            synthetic=summarise(synthetic.get(name, ())),
        )
        for name in MEASURES
    )


def crops_like(real: CocoDataset, synthetic: CocoDataset, folder: Path) -> CocoDataset:
    """The objects of a rendered dataset cut out as those of an ImageFolder are.

    Args:
        real: Each picture one object.
        synthetic: Whole frames.
        folder: New folder to write the crops to.

    Raises:
        DatasetError: If no object lies whole inside its picture.
    """
    size = round(float(np.median([max(image.width, image.height) for image in real.images])))
    return read_labelled_folder(write_crops(synthetic, folder, CropSpec(size=size)), None)


def _noise(grey: FloatArray) -> float:
    # The median does not mind the few pixels with texture, which a mean would count as noise.
    response = _inner(cv2.filter2D(grey, cv2.CV_64F, _NOISE_MASK))
    return float(np.median(np.abs(response))) / (_NOISE_GAIN * _MEDIAN_OF_NORMAL)


def _inner(filtered: npt.ArrayLike) -> FloatArray:
    """Without the border, where a filter sees pixels that are not there."""
    values = np.asarray(filtered, np.float64)
    return values[1:-1, 1:-1] if min(values.shape) > 2 else values

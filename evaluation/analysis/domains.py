"""Rendered against real pictures: how they look, what is labelled, what a network sees in them.

There is no one number for it: a feature distance says that sets differ, not what that costs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict

from evaluation.analysis.feature_space import FeatureFinding, FeatureSpace, compare_features
from evaluation.appearance import (
    LABEL_MEASURES,
    OCTAVES,
    PICTURE_MEASURES,
    measure_labels,
    measure_looks,
)
from evaluation.drawing import evenly_spaced
from evaluation.realism import common_side_px
from pipeline.errors import CheckpointError
from pipeline.formats.labelled import CocoDataset, CocoImage
from pipeline.formats.storage import write_json_atomic
from pipeline.geometry.boxes import FloatArray
from pipeline.records.documents import read_document

__all__ = [
    "Domains",
    "MeasureFinding",
    "compare_domains",
    "read_domains",
    "rounding",
    "write_domains",
]

_MOST_PICTURES = 500
_ROUNDING = 0.01
_SHOWN, _SEEN = (0.1, 0.5, 0.9), (0.01, 0.99)


class _FileRecord(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class MeasureFinding(_FileRecord):
    """One measure of both sets.

    Attributes:
        real: 10th, 50th and 90th percentile.
        synthetic: The same.
        seen: 1st and 99th percentile of the synthetic ones.
        reach: Smallest and largest synthetic one.
        beyond: Share of the real numbers outside ``seen`` by more than 1 % of it, since labels are
            rounded.
    """

    name: str
    unit: str
    real: tuple[float, float, float]
    synthetic: tuple[float, float, float]
    seen: tuple[float, float]
    reach: tuple[float, float]
    beyond: float


class Domains(_FileRecord):
    """``domains.json``.

    Attributes:
        real: Benchmark and split.
        real_pictures: How many were looked at.
        synthetic_pictures: How many were looked at.
        synthetic_total: How many there are.
        side_px: Longer side at which looks were measured.
        looks: One number a picture.
        labels: One number a picture or object; empty of single-object crops.
        spectrum: Power by octave, dB of the whole, finest first.
        features: None where ``missing`` says why.
    """

    real: str
    real_pictures: int
    synthetic_pictures: int
    synthetic_total: int
    side_px: int
    looks: tuple[MeasureFinding, ...]
    labels: tuple[MeasureFinding, ...]
    spectrum: tuple[MeasureFinding, ...]
    features: FeatureFinding | None = None
    missing: str = ""


def compare_domains(
    *,
    synthetic: CocoDataset,
    real: CocoDataset,
    real_name: str,
    scored: CocoDataset,
    boxes: bool,
    space: FeatureSpace,
) -> Domains:
    """Set rendered pictures against real ones, up to 500 of each at even distances.

    Args:
        synthetic: Training frames.
        real: Photographs, better not those that scores are quoted on.
        real_name: For readers.
        scored: Photographs that are scored: each gets its nearest frames.
        boxes: Whether boxes say where objects are; else a picture is one object.
        space: Where the sets are compared as a network sees them.

    Raises:
        DatasetError: If a picture cannot be read.
    """
    ours, theirs = _shown(synthetic), _shown(real)
    side_px = common_side_px(synthetic, real)
    looks = [measure_looks([i.path for i in images], side_px=side_px) for images in (theirs, ours)]
    labels = [
        measure_labels(dataset, [i.image_id for i in images]) if boxes else {}
        for dataset, images in ((real, theirs), (synthetic, ours))
    ]
    features, missing = None, ""
    try:
        features = compare_features(ours, theirs, _shown(scored), space)
    except CheckpointError as error:
        missing = f"Not compared as a network sees them: {error}"
    return Domains(
        real=real_name,
        real_pictures=len(theirs),
        synthetic_pictures=len(ours),
        synthetic_total=len(synthetic.images),
        side_px=side_px,
        looks=_findings(PICTURE_MEASURES, *looks),
        labels=_findings(LABEL_MEASURES, *labels),
        spectrum=_findings(dict.fromkeys(OCTAVES, "dB"), *looks),
        features=features,
        missing=missing,
    )


def write_domains(domains: Domains, path: Path) -> None:
    """Write ``domains.json``."""
    write_json_atomic(path, domains.model_dump(mode="json"))


def read_domains(path: Path) -> Domains:
    """Read ``domains.json``.

    Raises:
        DatasetError: If it is missing or not such a file.
    """
    return read_document(path, Domains, way_out="run the experiment again")


def _shown(dataset: CocoDataset) -> list[CocoImage]:
    return [dataset.images[i] for i in evenly_spaced(len(dataset.images), _MOST_PICTURES)]


def _findings(
    units: Mapping[str, str],
    real: Mapping[str, Sequence[float]],
    synthetic: Mapping[str, Sequence[float]],
) -> tuple[MeasureFinding, ...]:
    found = []
    for name, unit in units.items():
        theirs, ours = (np.asarray(numbers.get(name, ())) for numbers in (real, synthetic))
        if not theirs.size or not ours.size:
            continue
        low, high = np.quantile(ours, _SEEN).tolist()
        margin = rounding(low, high)
        found.append(
            MeasureFinding(
                name=name,
                unit=unit,
                real=_percentiles(theirs),
                synthetic=_percentiles(ours),
                seen=(low, high),
                reach=(float(ours.min()), float(ours.max())),
                beyond=float(np.mean((theirs < low - margin) | (theirs > high + margin))),
            )
        )
    return tuple(found)


def rounding(low: float, high: float) -> float:
    """What a number must be outside a range by to lie beyond it: labels are rounded."""
    return _ROUNDING * max(abs(low), abs(high))


def _percentiles(numbers: FloatArray) -> tuple[float, float, float]:
    low, middle, high = np.quantile(numbers, _SHOWN).tolist()
    return (low, middle, high)

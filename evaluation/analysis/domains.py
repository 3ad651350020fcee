"""Rendered against real pictures: how they look, what is labelled, what a network sees in them.

There is no one number for it: a feature distance says that sets differ, not what that costs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError
from scipy.spatial.distance import cdist

from evaluation.appearance import (
    LABEL_MEASURES,
    OCTAVES,
    PICTURE_MEASURES,
    measure_labels,
    measure_looks,
)
from evaluation.drawing import evenly_spaced
from evaluation.metrics.two_samples import (
    frechet_at_equal_size,
    kernel_distance,
    two_sample_accuracy,
)
from evaluation.realism import common_side_px
from pipeline.errors import CheckpointError, DatasetError
from pipeline.formats.labelled import CocoDataset, CocoImage
from pipeline.formats.storage import write_json_atomic
from pipeline.geometry.boxes import FloatArray

__all__ = [
    "Domains",
    "FeatureFinding",
    "FeatureSpace",
    "MeasureFinding",
    "NearestFrames",
    "compare_domains",
    "read_domains",
    "write_domains",
]

_MOST_PICTURES = 500
_NEAREST = 3
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
        beyond: Share of the real numbers outside ``seen``.
    """

    name: str
    unit: str
    real: tuple[float, float, float]
    synthetic: tuple[float, float, float]
    seen: tuple[float, float]
    reach: tuple[float, float]
    beyond: float


class NearestFrames(_FileRecord):
    """The training frames most like a real picture, the nearest first, by their image ids."""

    image_id: int
    frames: tuple[int, ...]


class FeatureFinding(_FileRecord):
    """How far the sets lie apart as a network sees them; None where there are too few pictures.

    Attributes:
        network: Whose features, stated.
        frechet: Squared Fréchet distance from real to synthetic pictures, in sets of
            ``frechet_pictures``.
        frechet_within: The same between halves of the real set: what equal sets would give.
        kernel: Squared kernel distance (of Inception features: KID), without bias.
        kernel_low: End of its 95 % interval.
        kernel_high: The other end.
        told_apart: Share of pictures that a classifier puts into the right set; 0.5 is guessing.
        told_low: End of its 95 % interval.
        told_high: The other end.
        map_explains: Share of the variance along the two axes of the map.
        real_map: x and y of real pictures: the first two principal components of both sets.
        synthetic_map: Of synthetic ones.
        nearest: Of the real pictures that are scored.
    """

    network: str
    frechet: float | None = None
    frechet_within: float | None = None
    frechet_pictures: int | None = None
    kernel: float | None = None
    kernel_low: float | None = None
    kernel_high: float | None = None
    told_apart: float | None = None
    told_low: float | None = None
    told_high: float | None = None
    map_explains: tuple[float, float] = (0.0, 0.0)
    real_map: tuple[tuple[float, float], ...] = ()
    synthetic_map: tuple[tuple[float, float], ...] = ()
    nearest: tuple[NearestFrames, ...] = ()


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


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureSpace:
    """A network's features.

    Attributes:
        network: Stated for readers.
        extract: (N,) pictures to (N, D).
    """

    network: str
    extract: Callable[[Sequence[Path]], FloatArray]


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
        features = _features(ours, theirs, _shown(scored), space)
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
    try:
        return Domains.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise DatasetError(
            f"{path}: no comparison of domains; run the experiment again."
        ) from error


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
        found.append(
            MeasureFinding(
                name=name,
                unit=unit,
                real=_percentiles(theirs),
                synthetic=_percentiles(ours),
                seen=(low, high),
                reach=(float(ours.min()), float(ours.max())),
                beyond=float(np.mean((theirs < low) | (theirs > high))),
            )
        )
    return tuple(found)


def _percentiles(numbers: FloatArray) -> tuple[float, float, float]:
    low, middle, high = np.quantile(numbers, _SHOWN).tolist()
    return (low, middle, high)


def _features(
    ours: Sequence[CocoImage],
    theirs: Sequence[CocoImage],
    scored: Sequence[CocoImage],
    space: FeatureSpace,
) -> FeatureFinding:
    paths = list(dict.fromkeys(image.path for image in (*theirs, *ours, *scored)))
    by_path = dict(zip(paths, space.extract(paths), strict=True))
    real, synthetic, judged = (
        np.stack([by_path[image.path] for image in images]) for images in (theirs, ours, scored)
    )
    vectors = np.concatenate([real, synthetic])
    groups = [_sequence(image, kind) for kind, each in enumerate((theirs, ours)) for image in each]
    found: dict[str, object] = {}
    if (frechet := frechet_at_equal_size(real=real, other=synthetic)) is not None:
        found |= {
            "frechet": frechet.between,
            "frechet_within": frechet.within,
            "frechet_pictures": frechet.pictures,
        }
    if (kernel := kernel_distance(real, synthetic)) is not None:
        found |= {"kernel": kernel.value, "kernel_low": kernel.low, "kernel_high": kernel.high}
    told = two_sample_accuracy(real, synthetic, groups=groups)
    if told is not None:
        found |= {"told_apart": told.value, "told_low": told.low, "told_high": told.high}
    places, explains = _map(vectors)
    points = [(round(float(x), 4), round(float(y), 4)) for x, y in places]
    return FeatureFinding.model_validate(
        {
            "network": space.network,
            "map_explains": explains,
            "real_map": points[: len(theirs)],
            "synthetic_map": points[len(theirs) :],
            "nearest": _nearest(judged, synthetic, scored, ours),
            **found,
        }
    )


def _nearest(
    judged: FloatArray,
    synthetic: FloatArray,
    scored: Sequence[CocoImage],
    ours: Sequence[CocoImage],
) -> list[NearestFrames]:
    """By Euclid's distance, every feature in units of its standard deviation among frames."""
    scale = np.maximum(synthetic.std(axis=0), 1e-9)
    distances = cdist(judged / scale, synthetic / scale)
    order = np.argsort(distances, axis=1, kind="stable")[:, :_NEAREST]
    return [
        NearestFrames(image_id=image.image_id, frames=tuple(ours[i].image_id for i in row))
        for image, row in zip(scored, order, strict=True)
    ]


def _sequence(image: CocoImage, kind: int) -> tuple[int, bool, int]:
    """Frames of one video hang together."""
    by_video = image.video_id is not None
    return (kind, by_video, image.video_id if image.video_id is not None else image.image_id)


def _map(vectors: FloatArray) -> tuple[FloatArray, tuple[float, float]]:
    """(N, 2) places on the first two principal components, and the variance that each explains."""
    centred = vectors - vectors.mean(axis=0)
    left, sizes, _ = np.linalg.svd(centred, full_matrices=False)
    places = np.zeros((len(vectors), 2))
    found = (left * sizes)[:, :2]
    places[:, : found.shape[1]] = found
    shares = np.zeros(2)
    total = float((sizes**2).sum())
    if total > 0:
        shares[: min(2, len(sizes))] = (sizes**2 / total)[:2]
    return places, (float(shares[0]), float(shares[1]))

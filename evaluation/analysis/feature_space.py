"""Rendered beside real pictures as a stated network sees them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict
from scipy.spatial.distance import cdist

from evaluation.metrics.maps import neighbour_map, principal_map
from evaluation.metrics.two_samples import (
    frechet_at_equal_size,
    kernel_distance,
    two_sample_accuracy,
)
from pipeline.formats.labelled import CocoImage
from pipeline.geometry.boxes import FloatArray

__all__ = ["FeatureFinding", "FeatureSpace", "NearestFrames", "compare_features"]

_NEAREST = 3


class NearestFrames(BaseModel):
    """The training frames most like a real picture, the nearest first, by their image ids."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    image_id: int
    frames: tuple[int, ...]


class FeatureFinding(BaseModel):
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
        perplexity: Of the map of neighbours (t-SNE); None where there is none.
        real_neighbours: x and y of real pictures on it; distances on it mean little.
        synthetic_neighbours: Of synthetic ones.
        nearest: Of the real pictures that are scored.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

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
    perplexity: float | None = None
    real_neighbours: tuple[tuple[float, float], ...] = ()
    synthetic_neighbours: tuple[tuple[float, float], ...] = ()
    nearest: tuple[NearestFrames, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureSpace:
    """A network's features.

    Attributes:
        network: Stated for readers.
        extract: (N,) pictures to (N, D).
    """

    network: str
    extract: Callable[[Sequence[Path]], FloatArray]


def compare_features(
    ours: Sequence[CocoImage],
    theirs: Sequence[CocoImage],
    scored: Sequence[CocoImage],
    space: FeatureSpace,
) -> FeatureFinding:
    """Distances, maps, and the nearest frames.

    Args:
        ours: Training frames.
        theirs: Real pictures.
        scored: Real pictures that get their nearest frames.
        space: Where all are compared.

    Raises:
        CheckpointError: If the network cannot be had.
        DatasetError: If a picture cannot be read.
    """
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
    principal, neighbours = principal_map(vectors), neighbour_map(vectors)
    points = _points(principal.places)
    if neighbours is not None:
        beside = _points(neighbours.places)
        found |= {
            "perplexity": neighbours.perplexity,
            "real_neighbours": beside[: len(theirs)],
            "synthetic_neighbours": beside[len(theirs) :],
        }
    return FeatureFinding.model_validate(
        {
            "network": space.network,
            "map_explains": principal.explains,
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


def _points(places: FloatArray) -> list[tuple[float, float]]:
    return [(round(float(x), 4), round(float(y), 4)) for x, y in places]

"""Feature vectors as points of the plane: principal components and t-SNE."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.manifold import TSNE
from threadpoolctl import threadpool_limits

from pipeline.geometry.boxes import FloatArray

__all__ = ["NeighbourMap", "PrincipalMap", "neighbour_map", "principal_map"]

_PERPLEXITY = 30.0
_COMPONENTS = 50
_FEWEST = 10
_START = 1e-4  # standard deviation, as small as the method's authors begin


@dataclass(frozen=True, slots=True, kw_only=True)
class PrincipalMap:
    """Places on the first two principal components.

    Attributes:
        places: (N, 2), in the unit of the vectors.
        explains: Share of the variance along each axis, in [0, 1].
    """

    places: FloatArray
    explains: tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class NeighbourMap:
    """Places of a t-SNE embedding.

    Attributes:
        places: (N, 2), without a unit: only who lies beside whom means something.
        perplexity: To about how many neighbours each vector is kept near.
    """

    places: FloatArray
    perplexity: float


def principal_map(vectors: FloatArray) -> PrincipalMap:
    """Where vectors lie on the two directions in which they vary most.

    Args:
        vectors: (N, D), N >= 1. Directions that there are not have zeros.
    """
    places = _first_two(_components(vectors))
    total = float(((vectors - vectors.mean(axis=0)) ** 2).sum())
    first, second = (places**2).sum(axis=0) / total if total > 0 else (0.0, 0.0)
    return PrincipalMap(places=places, explains=(float(first), float(second)))


def neighbour_map(vectors: FloatArray, *, seed: int = 0) -> NeighbourMap | None:
    """A picture of who is whose neighbour, by t-SNE on up to 50 principal components.

    Perplexity is 30, of fewer than 91 vectors a third of the others. Begins at the principal
    components, so that large groups keep their order; runs on one thread, as threads that wait for
    each other are many times slower on a busy machine.

    Args:
        vectors: (N, D).
        seed: Of the method's own draws.

    Returns:
        None with fewer than ten vectors, or where all are equal.

    Source: van der Maaten & Hinton, JMLR 9, 2008; Kobak & Berens, Nature Communications 10, 2019,
    for the start.
    """
    if len(vectors) < _FEWEST:
        return None
    components = _components(vectors)
    start = _first_two(components)
    spread = float(start[:, 0].std())
    if spread == 0:
        return None
    perplexity = min(_PERPLEXITY, (len(vectors) - 1) / 3)
    method = TSNE(perplexity=perplexity, init=_START * start / spread, random_state=seed)
    with threadpool_limits(1):
        places = method.fit_transform(components[:, :_COMPONENTS])
    return NeighbourMap(places=np.asarray(places, dtype=np.float64), perplexity=perplexity)


def _components(vectors: FloatArray) -> FloatArray:
    """(N, min(N, D)) places on all principal components, those that vary most first."""
    left, sizes, _ = np.linalg.svd(vectors - vectors.mean(axis=0), full_matrices=False)
    return np.asarray(left * sizes)


def _first_two(components: FloatArray) -> FloatArray:
    """(N, 2), with zeros for a direction that there is not."""
    places = np.zeros((len(components), 2))
    places[:, : components.shape[1]] = components[:, :2]
    return places

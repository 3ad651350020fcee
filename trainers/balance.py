"""How often examples come, so that rare classes are seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Hashable, Sequence

import numpy as np

from pipeline.geometry.boxes import FloatArray

__all__ = ["equal_classes", "repeat_factors"]


def repeat_factors(
    classes: Sequence[Collection[Hashable]], *, rare_below: float | None = None
) -> FloatArray:
    """Repeat factor sampling: a picture comes as often as its rarest class demands.

    A class in a share f of the pictures demands ``max(1, sqrt(t / f))``.

    Args:
        classes: Of the objects in each of N pictures.
        rare_below: t; by default the share of the most frequent class.

    Returns:
        (N,) at least 1.

    Source: Gupta, Dollár, Girshick, LVIS, CVPR 2019, section 5.1.

    >>> repeat_factors([{"cat"}, {"cat"}, {"cat"}, {"cat", "lynx"}, set()])
    array([1., 1., 1., 2., 1.])
    """
    counts = Counter(name for each in classes for name in set(each))
    most = rare_below * len(classes) if rare_below else max(counts.values(), default=1)
    demands = {name: max(1.0, np.sqrt(most / count)) for name, count in counts.items()}
    return np.array([max((demands[name] for name in each), default=1.0) for each in classes])


def equal_classes(classes: Sequence[Hashable]) -> FloatArray:
    """Factors by which every class comes as often as the most frequent one, (N,).

    >>> equal_classes(["cat", "cat", "cat", "lynx"])
    array([1., 1., 1., 3.])
    """
    counts = Counter(classes)
    return np.array([max(counts.values()) / counts[name] for name in classes])

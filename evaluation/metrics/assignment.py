"""Who is matched to whom: COCO's greedy assignment, all groups at once."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from evaluation.metrics.overlaps import IndexArray
from pipeline.geometry.boxes import FloatArray
from pipeline.geometry.masks import BoolArray

__all__ = ["Pairs", "assign"]

_NONE = -1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pairs:
    """Overlaps of predictions and ground truths of the same image and category.

    Attributes:
        pred: (P,) positions of predictions, ascending; within a group by falling score.
        gt: (P,) positions of ground truths.
        overlap: (P,) in [0, 1].
    """

    pred: IndexArray
    gt: IndexArray
    overlap: FloatArray


def assign(
    pairs: Pairs,
    *,
    group_preds: IndexArray,
    ignored: BoolArray,
    crowd: BoolArray,
    thresholds: FloatArray,
) -> npt.NDArray[np.int32]:
    """Give every prediction the ground truth it overlaps most, best scores first.

    Ground truths that count go before ignored ones; of equal overlaps the later one in the file
    is taken; only crowds are taken more than once.

    Predictions are served in rounds, one of every group at a time, so that a round is one array
    operation.

    Args:
        pairs: Of all groups.
        group_preds: (D,) group of each prediction, ascending.
        ignored: (G,) ground truths that count neither way, crowds among them.
        crowd: (G,).
        thresholds: (T,) least overlap.

    Returns:
        (D, T) position of the ground truth; -1 for none.

    Source: pycocotools' ``COCOeval.evaluateImg``.
    """
    taken_by = np.full((len(group_preds), len(thresholds)), _NONE, dtype=np.int32)
    least = np.minimum(thresholds, 1 - 1e-10)  # as COCOeval: an overlap of 1 reaches 1
    near = pairs.overlap >= least.min()
    pred, gt, overlap = pairs.pred[near], pairs.gt[near], pairs.overlap[near]
    if not pred.size:
        return taken_by
    preference = np.lexsort((-gt, -overlap, ignored[gt], pred))
    pred, gt, overlap = pred[preference], gt[preference], overlap[preference]
    is_first = np.diff(pred, prepend=_NONE) > 0
    asking = pred[is_first]
    group = group_preds[asking]
    turn = np.arange(len(asking)) - np.searchsorted(group, group, side="left")
    by_turn = np.argsort(
        np.repeat(turn, np.diff(np.flatnonzero(is_first), append=len(pred))), kind="stable"
    )
    pred, gt = pred[by_turn], gt[by_turn]
    reaches = overlap[by_turn, None] >= least  # (P, T)
    starts = np.flatnonzero(np.diff(pred, prepend=_NONE) != 0)
    rounds = np.searchsorted(np.sort(turn), np.arange(turn.max() + 2))
    taken = np.zeros((len(crowd), len(thresholds)), dtype=bool)
    once = ~crowd
    columns = np.arange(len(thresholds))
    ends = np.append(starts, len(pred))
    for first, last in pairwise(rounds):
        begin, end = ends[first], ends[last]
        here = gt[begin:end]
        free = reaches[begin:end] & ~(taken[here] & once[here, None])
        order = np.where(free, np.arange(end - begin, dtype=np.int32)[:, None], end - begin)
        choice = np.minimum.reduceat(order, starts[first:last] - begin, axis=0)
        row, column = np.nonzero(choice < end - begin)
        chosen = here[choice[row, column]]
        taken[chosen, columns[column]] = True
        taken_by[pred[starts[first:last]][row], column] = chosen
    return taken_by

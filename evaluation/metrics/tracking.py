"""Tracking: CLEAR MOT, identity and HOTA counts of one sequence, and the scores of many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

from evaluation.bootstrap import Statistic
from pipeline.geometry.boxes import FloatArray

__all__ = ["ALPHAS", "TRACKING_METRICS", "TrackedFrame", "sequence_counts", "tracking_statistic"]

ALPHAS: FloatArray = np.arange(0.05, 0.99, 0.05)
TRACKING_METRICS = (
    *("mota", "motp", "idf1", "idp", "idr", "hota", "det_a", "ass_a", "loc_a"),
    *("id_switches", "fragmentations", "false_positives", "misses"),
)
_MIN_IOU = 0.5  # of CLEAR MOT and identity matches
_FORBIDDEN = 1e6  # cost of a match that may not be
_N_CLEAR, _N_IDENTITY = 6, 3

IdArray = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrackedFrame:
    """One frame of a sequence.

    Attributes:
        gt: (G,) number of each true track, from 0 in the sequence.
        preds: (D,) number of each predicted track, from 0.
        iou: (G, D).
    """

    gt: IdArray
    preds: IdArray
    iou: FloatArray


def sequence_counts(frames: Sequence[TrackedFrame]) -> FloatArray:
    """What the scores of a sequence are made of; counts of sequences add up.

    Args:
        frames: In the order of time.

    Returns:
        (6 + 3 + 5 * 19,): objects, misses, false positives, switches, fragmentations, sum of
        distances (CLEAR MOT); true positives, false negatives, false positives (identity); and
        at each of 19 alphas true positives, false negatives, false positives, sum of IoU, sum of
        association scores over true positives (HOTA).
    """
    return np.concatenate([_clear(frames), _identity(frames), _hota(frames).ravel()])


def tracking_statistic(counts: FloatArray) -> Statistic:
    """``TRACKING_METRICS`` of sequences.

    MOTP is the mean distance 1 - IoU of matches (less is better), as in py-motmetrics; HOTA and
    its parts are means over alpha = .05:.05:.95.

    Args:
        counts: (S, 104) of :func:`sequence_counts`.

    Returns:
        Statistic with M = 13; nan where nothing is to be tracked.

    Source: Bernardin & Stiefelhagen 2008; Ristani et al. 2016; Luiten et al., IJCV 2020.
    """

    def statistic(weights: FloatArray) -> FloatArray:
        total = weights @ counts
        objects, misses, alarms, switches, fragmentations, distance = total[:, :_N_CLEAR].T
        idtp, idfn, idfp = total[:, _N_CLEAR : _N_CLEAR + _N_IDENTITY].T
        by_alpha = total[:, _N_CLEAR + _N_IDENTITY :].reshape(len(total), 5, len(ALPHAS))
        tp, fn, fp, overlap, association = np.moveaxis(by_alpha, 1, 0)
        with np.errstate(invalid="ignore", divide="ignore"):
            mota = 1 - (misses + alarms + switches) / objects
            motp = distance / (objects - misses)
            identity = [
                idtp / (idtp + (idfn + idfp) / 2),
                idtp / (idtp + idfp),
                idtp / (idtp + idfn),
            ]
            det_a = tp / (tp + fn + fp)
            ass_a = association / np.maximum(tp, 1)  # 0 where nothing is matched
            loc_a = np.where(tp > 0, overlap / tp, 1.0)
            hota = np.sqrt(det_a * ass_a)
        columns = [mota, motp, *identity]
        columns += [each.mean(axis=1) for each in (hota, det_a, ass_a, loc_a)]
        columns += [switches, fragmentations, alarms, misses]
        table = np.column_stack(columns)
        table[objects == 0] = np.nan
        table[~np.isfinite(table)] = np.nan
        return table

    return statistic


def _clear(frames: Sequence[TrackedFrame]) -> FloatArray:
    """A match of the frame before is kept as long as it is allowed; the rest is assigned anew."""
    partner: dict[int, int] = {}
    seen: dict[int, list[bool]] = {}  # whether a track was matched, frame by frame
    objects = misses = alarms = switches = 0
    distance = 0.0
    for frame in frames:
        pairs = _kept(frame, partner)
        free_gt = np.setdiff1d(np.arange(len(frame.gt)), [g for g, _ in pairs])
        free_preds = np.setdiff1d(np.arange(len(frame.preds)), [d for _, d in pairs])
        iou = frame.iou[np.ix_(free_gt, free_preds)]
        for row, column in _assigned(iou):
            g, d = int(free_gt[row]), int(free_preds[column])
            gt, pred = int(frame.gt[g]), int(frame.preds[d])
            switches += partner.get(gt, pred) != pred
            partner[gt] = pred
            pairs.append((g, d))
        distance += sum(1 - float(frame.iou[g, d]) for g, d in pairs)
        matched = {g for g, _ in pairs}
        for g, gt in enumerate(frame.gt.tolist()):
            seen.setdefault(gt, []).append(g in matched)
        objects += len(frame.gt)
        misses += len(frame.gt) - len(pairs)
        alarms += len(frame.preds) - len(pairs)
    fragmentations = sum(_interruptions(flags) for flags in seen.values())
    return np.array([objects, misses, alarms, switches, fragmentations, distance])


def _kept(frame: TrackedFrame, partner: dict[int, int]) -> list[tuple[int, int]]:
    position = {pred: d for d, pred in enumerate(frame.preds.tolist())}
    pairs: list[tuple[int, int]] = []
    for g, gt in enumerate(frame.gt.tolist()):
        d = position.get(partner.get(gt, -1))
        taken = any(d == other for _, other in pairs)
        if d is not None and not taken and frame.iou[g, d] >= _MIN_IOU:
            pairs.append((g, d))
    return pairs


def _assigned(iou: FloatArray) -> list[tuple[int, int]]:
    """As many matches as there can be, of these those with the greatest overlaps."""
    allowed = iou >= _MIN_IOU
    rows, columns = linear_sum_assignment(np.where(allowed, 1 - iou, _FORBIDDEN))
    chosen = zip(rows.tolist(), columns.tolist(), strict=True)
    return [(row, column) for row, column in chosen if allowed[row, column]]


def _interruptions(flags: Sequence[bool]) -> int:
    """How often a track is lost between the first and the last time it was matched."""
    if not any(flags):
        return 0
    first, last = flags.index(True), len(flags) - flags[::-1].index(True)
    return int((np.diff(np.asarray(flags[first:last], dtype=int)) == -1).sum())


def _identity(frames: Sequence[TrackedFrame]) -> FloatArray:
    """Whole tracks are matched one to one so that the most boxes are right."""
    together, n_gt, n_preds = _track_table(frames)
    for frame in frames:
        g, d = np.nonzero(frame.iou >= _MIN_IOU)
        np.add.at(together, (frame.gt[g], frame.preds[d]), 1)
    rows, columns = linear_sum_assignment(-together)
    hits = together[rows, columns].sum()
    return np.array([hits, n_gt.sum() - hits, n_preds.sum() - hits])


def _hota(frames: Sequence[TrackedFrame]) -> FloatArray:
    """(5, 19) as in :func:`sequence_counts`."""
    alignment, n_gt, n_preds = _track_table(frames)
    for frame in frames:
        across = frame.iou.sum(axis=0)[None, :] + frame.iou.sum(axis=1)[:, None] - frame.iou
        share = np.divide(frame.iou, across, out=np.zeros_like(frame.iou), where=across > 0)
        np.add.at(alignment, (frame.gt[:, None], frame.preds[None, :]), share)
    alignment = np.divide(
        alignment,
        n_gt[:, None] + n_preds[None, :] - alignment,
        out=np.zeros_like(alignment),
        where=alignment > 0,
    )
    counts = np.zeros((5, len(ALPHAS)))
    matches = np.zeros((len(ALPHAS), *alignment.shape))
    for frame in frames:
        worth = alignment[np.ix_(frame.gt, frame.preds)] * frame.iou
        rows, columns = linear_sum_assignment(-worth)
        overlap = frame.iou[rows, columns]
        is_tp = overlap[None, :] >= ALPHAS[:, None] - np.finfo(float).eps  # (A, P)
        n_tp = is_tp.sum(axis=1)
        counts[0] += n_tp
        counts[1] += len(frame.gt) - n_tp
        counts[2] += len(frame.preds) - n_tp
        counts[3] += (is_tp * overlap).sum(axis=1)
        alpha, pair = np.nonzero(is_tp)
        np.add.at(matches, (alpha, frame.gt[rows[pair]], frame.preds[columns[pair]]), 1)
    union = np.maximum(n_gt[None, :, None] + n_preds[None, None, :] - matches, 1)
    counts[4] = (matches * matches / union).sum(axis=(1, 2))
    return counts


def _track_table(frames: Sequence[TrackedFrame]) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Zeros for every pair of tracks, and the number of boxes of each true and predicted track."""
    gt = np.concatenate([np.zeros(0, np.int64), *(frame.gt for frame in frames)])
    preds = np.concatenate([np.zeros(0, np.int64), *(frame.preds for frame in frames)])
    n_gt, n_preds = (np.bincount(ids).astype(np.float64) for ids in (gt, preds))
    return np.zeros((len(n_gt), len(n_preds))), n_gt, n_preds

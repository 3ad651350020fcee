"""From one domain to another: the transfer matrix, the gaps, and what the test can show."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence

import numpy as np

from evaluation.analysis.arms import HEADLINES, Arm
from evaluation.analysis.differences import Spread, difference, spread_of
from evaluation.analysis.measured import measured_arm, measured_difference, training_of
from evaluation.analysis.records import (
    Gap,
    Power,
    TransferMatrix,
)
from evaluation.comparisons import RATIO, transfer_pairs

__all__ = ["gaps", "is_trained", "powers", "transfer_matrices"]

_POWER = 0.8
_SIGNIFICANCE = 0.05
_SPLITS = ("train", "val", "test")


def is_trained(arm: Arm) -> bool:
    """Whether it is a training of the experiment's, not a baseline or an outside model."""
    return arm.context.regime in ("real", "synthetic", "mixed", "pretrain_finetune")


def transfer_matrices(arms: Sequence[Arm]) -> list[TransferMatrix]:
    """One per headline metric: trainings by test sets, rendered ones first."""
    trained = [arm for arm in arms if is_trained(arm)]
    matrices = []
    for metric in _metrics(trained):
        cells = {
            (training_of(arm.context), arm.test_set): found
            for arm in trained
            if (found := measured_arm(arm, (metric, None))) is not None
        }
        rows = tuple(dict.fromkeys(row for row, _ in cells))
        columns = tuple(sorted({column for _, column in cells}, key=_column_order))
        matrices.append(
            TransferMatrix(
                metric=metric,
                rows=rows,
                columns=columns,
                cells=tuple(tuple(cells.get((row, c)) for c in columns) for row in rows),
            )
        )
    return matrices


def gaps(arms: Sequence[Arm]) -> Iterator[Gap]:
    """``sim_to_real_gap``, ``transfer_ratio`` and ``domain_drop`` by every headline metric."""
    for name, other, arm in transfer_pairs(arms):
        for metric in _metrics([arm]) if other is not None else ():
            assert other is not None
            ratio = name == "transfer_ratio"
            found = difference(
                other, arm, (metric, None), RATIO if ratio else np.subtract, neutral=float(ratio)
            )
            if found is not None:
                yield Gap.model_validate(
                    {
                        "name": name,
                        "metric": metric,
                        "training": training_of(arm.context),
                        "against": training_of(other.context),
                        "test": arm.test_set,
                        "measured": measured_difference(found),
                    }
                )


def powers(arms: Sequence[Arm]) -> Iterator[Power]:
    """What each real test set can show, by every headline metric.

    Measured on all pairs of trainings; with a single one the pictures count as unpaired, which
    is an upper bound.
    """
    trained = [arm for arm in arms if is_trained(arm) and arm.is_real]
    for test in dict.fromkeys(arm.test_set for arm in trained):
        here = [arm for arm in trained if arm.test_set == test]
        for metric in _metrics(here):
            spreads = [
                found.spread
                for a, b in itertools.combinations(here, 2)
                if (found := difference(a, b, (metric, None))) is not None
            ]
            alone = [spread_of(list(arm.estimates((metric, None)).values())) for arm in here[:1]]
            usable = [s for s in spreads or alone if s.sd > 0]
            if usable:
                typical = sorted(usable, key=lambda s: s.sd)[len(usable) // 2]
                unit = here[0].first.estimates[metric, None].unit_of_count
                yield Power(
                    metric=metric,
                    test=test,
                    smallest=_smallest(typical) * (1 if spreads else math.sqrt(2)),
                    count=typical.units,
                    unit_of_count=unit,
                    seeds=typical.seeds,
                    paired=bool(spreads),
                )


def _smallest(spread: Spread) -> float:
    """Difference that a two-sided test shows with the stated power."""
    critical = spread.critical(_SIGNIFICANCE) + spread.critical(2 * (1 - _POWER))
    return critical * spread.sd


def _metrics(arms: Sequence[Arm]) -> list[str]:
    return [name for name in HEADLINES if any(arm.estimates((name, None)) for arm in arms)]


def _column_order(column: tuple[str, str | None]) -> tuple[bool, int, str]:
    tested_on, split = column
    place = _SPLITS.index(split) if split in _SPLITS else len(_SPLITS)
    return (not tested_on.endswith("/synthetic"), place, tested_on)

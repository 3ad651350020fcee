"""The rows of ``scores.json``, and a sheet of them in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from evaluation.bootstrap import Estimate
from pipeline.records.predictions import Task

__all__ = [
    "ConfusionTable",
    "Curve",
    "MetricKey",
    "Score",
    "ScoreContext",
    "ScoreFile",
    "ScoreSheet",
    "ScoredTask",
    "TestRead",
    "score_row",
]

MetricKey = tuple[str, str | None]
"""Metric name, and class name or None for all classes."""

Domain = Literal["real", "synthetic"]
ScoredTask = Task | Literal["pose", "tracking"]


class _FileRecord(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ScoreContext(_FileRecord):
    """How the model behind a predictions file came to be; None where not known.

    Attributes:
        regime: ``real``, ``synthetic``, ``mixed``, ``pretrain_finetune``, ``baseline``,
            ``plateau`` (``real`` with other steps), or any word for an outside model.
        real_fraction: Share of the real training images it saw.
        trained_on: What it was trained on, in a few words.
        tested_on: ``NAME/real`` or ``NAME/synthetic``.
        real_images: Real training images it saw.
        synthetic_images: Synthetic ones.
        steps: Optimiser steps, those of a pretraining included.
        without: What an ablation took away from the full recipe.
    """

    regime: str | None = None
    real_fraction: float | None = None
    seed: int | None = None
    trained_on: str | None = None
    tested_on: str | None = None
    real_images: int | None = None
    synthetic_images: int | None = None
    steps: int | None = None
    without: str | None = None


class Score(_FileRecord):
    """One row: a number, its 95 % interval and where it comes from.

    Attributes:
        metric: Name as in design.md, or ``sim_to_real_gap``, ``transfer_ratio``, ``domain_drop``.
        of: The metric that a comparison compares; None otherwise.
        class_name: One class, or None for all.
        value: None where there is nothing to score; ``count`` is 0 then.
        seed: None in means over seeds.
    """

    metric: str
    of: str | None = None
    class_name: str | None = Field(
        default=None,
        validation_alias=AliasChoices("class", "class_name"),
        serialization_alias="class",
    )
    value: float | None
    low: float | None
    high: float | None
    count: int
    unit_of_count: str
    task: ScoredTask
    regime: str | None = None
    real_fraction: float | None = None
    seed: int | None = None
    trained_on: str | None = None
    tested_on: str | None = None
    split: str | None = None
    predictions_sha256: str | None = None


class TestRead(_FileRecord):
    """A look at the labels of a real benchmark; every one is logged."""

    __test__ = False  # not a test, whatever pytest makes of the name

    file: str
    sha256: str
    split: str | None
    predictions_sha256: str


class ConfusionTable(_FileRecord):
    """Pictures by true class (row) and predicted class (column)."""

    predictions_sha256: str
    classes: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]


class Curve(_FileRecord):
    """Points to draw: what is on the two axes follows from the kind.

    ``precision_recall``: precision at 101 recalls (of classes: at the recalls that occur);
    ``f1``: F1 against the least score; ``roc``: true against false positive rate;
    ``reliability``: accuracy against confidence, with the pictures in each bin; ``pck``: PCK
    against the fraction of the box's diagonal.

    Attributes:
        of: What was predicted: ``box``, ``mask``, ``keypoint`` or ``class``.
        class_name: One class, or None for all.
        y: None where nothing is defined.
        counts: What each point is made of, where that differs.
    """

    predictions_sha256: str
    kind: Literal["precision_recall", "f1", "roc", "reliability", "pck"]
    of: str
    class_name: str | None = Field(
        default=None,
        validation_alias=AliasChoices("class", "class_name"),
        serialization_alias="class",
    )
    x: tuple[float, ...]
    y: tuple[float | None, ...]
    counts: tuple[int, ...] = ()


class ScoreFile(_FileRecord):
    """``scores.json``."""

    scores: tuple[Score, ...]
    notes: tuple[str, ...]
    test_reads: tuple[TestRead, ...]
    confusion_matrices: tuple[ConfusionTable, ...] = ()
    curves: tuple[Curve, ...] = ()
    versions: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ScoreSheet:
    """Everything measured of one predictions file on one test set.

    Attributes:
        estimates: By metric and class, with the replicates that comparisons need.
        test_sha256: Of the truth.
        image_ids: Images scored.
    """

    task: ScoredTask
    context: ScoreContext
    split: str | None
    predictions_sha256: str
    test_sha256: str
    image_ids: tuple[int, ...]
    estimates: Mapping[MetricKey, Estimate]
    notes: tuple[str, ...] = ()
    test_reads: tuple[TestRead, ...] = ()
    confusion: ConfusionTable | None = None
    curves: tuple[Curve, ...] = ()

    @property
    def domain(self) -> Domain:
        """Whether the test set is real or synthetic."""
        return "synthetic" if (self.context.tested_on or "").endswith("/synthetic") else "real"

    @property
    def scores(self) -> tuple[Score, ...]:
        """The rows, in the order of measurement."""
        return tuple(
            score_row(
                self,
                estimate,
                metric=metric,
                class_name=class_name,
                seed=self.context.seed,
                predictions_sha256=self.predictions_sha256,
            )
            for (metric, class_name), estimate in self.estimates.items()
        )


def score_row(
    sheet: ScoreSheet,
    estimate: Estimate,
    *,
    metric: str,
    class_name: str | None,
    of: str | None = None,
    seed: int | None = None,
    real_fraction: float | None = None,
    predictions_sha256: str | None = None,
) -> Score:
    """A row about what a sheet tells, nan written as None.

    Args:
        sheet: Where task, regime and sets are taken from.
        estimate: The number.
        metric: Name of the row.
        class_name: One class, or None for all.
        of: The metric that a comparison compares.
        seed: Training seed, if it is about one.
        real_fraction: In place of the sheet's.
        predictions_sha256: If it is about one file.
    """
    low, high = estimate.interval
    context = sheet.context
    return Score(
        metric=metric,
        of=of,
        class_name=class_name,
        value=_finite(estimate.value),
        low=_finite(low),
        high=_finite(high),
        count=estimate.count,
        unit_of_count=estimate.unit_of_count,
        task=sheet.task,
        regime=context.regime,
        real_fraction=context.real_fraction if real_fraction is None else real_fraction,
        seed=seed,
        trained_on=context.trained_on,
        tested_on=context.tested_on,
        split=sheet.split,
        predictions_sha256=predictions_sha256,
    )


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None

"""``analysis.json``: what the scores of an experiment say when set against each other."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from pipeline.formats.storage import write_json_atomic
from pipeline.records.documents import read_document

__all__ = [
    "Ablation",
    "Analysis",
    "BreakEven",
    "Curve",
    "CurvePoint",
    "Effect",
    "Efficiency",
    "ExchangeRate",
    "Gap",
    "Measured",
    "PhotoCount",
    "Plateau",
    "PlateauPoint",
    "Power",
    "SizeStep",
    "Training",
    "TransferMatrix",
    "read_analysis",
    "write_analysis",
]


class _FileRecord(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Training(_FileRecord):
    """What was trained, whatever the seed."""

    regime: str | None
    real_fraction: float | None
    real_images: int | None
    synthetic_images: int | None
    trained_on: str | None
    without: str | None
    steps: int | None = None


class Measured(_FileRecord):
    """A number with its interval and where its chance comes from; None where not known.

    Attributes:
        low: End of the 95 % interval.
        high: The other end.
        images_sd: Standard error that comes from the test pictures.
        seeds_sd: Standard error that comes from the training seeds.
        seeds: Training seeds.
        count: Test pictures, or what else was resampled.
        unit_of_count: What they are.
        p_value: Of no difference, for differences.
    """

    value: float | None
    low: float | None
    high: float | None
    images_sd: float | None
    seeds_sd: float | None
    seeds: int
    count: int
    unit_of_count: str
    p_value: float | None = None


class TransferMatrix(_FileRecord):
    """Scores by training and test set.

    Attributes:
        columns: ``tested_on`` and split.
        cells: ``cells[row][column]``, None where there is no such score.
    """

    metric: str
    rows: tuple[Training, ...]
    columns: tuple[tuple[str, str | None], ...]
    cells: tuple[tuple[Measured | None, ...], ...]


class Gap(_FileRecord):
    """A comparison of a synthetic training.

    Attributes:
        name: ``sim_to_real_gap``, ``transfer_ratio`` or ``domain_drop``.
        training: The synthetic one.
        against: The real training, or for ``domain_drop`` the same one.
        test: ``tested_on`` and split; of ``domain_drop`` the real one.
    """

    name: Literal["sim_to_real_gap", "transfer_ratio", "domain_drop"]
    metric: str
    training: Training
    against: Training
    test: tuple[str, str | None]
    measured: Measured


class CurvePoint(_FileRecord):
    """The score at a number of real photographs."""

    real_images: int
    measured: Measured


class Curve(_FileRecord):
    """A regime's score by the number of real photographs; of ``synthetic`` a single point at 0.

    Attributes:
        gains: Against real photographs alone, at each point; None where these were not measured.
    """

    regime: str
    synthetic_images: int | None
    points: tuple[CurvePoint, ...]
    gains: tuple[Measured | None, ...]


class PhotoCount(_FileRecord):
    """A number of photographs, or on which side of the measured range it lies."""

    photographs: float | None = None
    off: Literal["below", "above"] | None = None


class ExchangeRate(_FileRecord):
    """How many real photographs alone give the score of a training with synthetic frames.

    Attributes:
        beside: Real photographs that it saw as well.
        equals: As many as that many photographs alone.
        low: End of the 95 % interval.
        high: The other end.
        measured_from: Fewest photographs alone that were measured.
        measured_to: The most.
    """

    regime: str
    synthetic_images: int
    beside: int
    equals: PhotoCount
    low: PhotoCount
    high: PhotoCount
    measured_from: int
    measured_to: int


class BreakEven(_FileRecord):
    """Photographs from which on synthetic frames no longer help a regime."""

    regime: str
    at: PhotoCount
    low: PhotoCount
    high: PhotoCount
    measured_from: int
    measured_to: int


class SizeStep(_FileRecord):
    """What more synthetic frames bring: the larger training against the smaller one."""

    smaller: int
    larger: int
    gain: Measured
    p_adjusted: float


class Efficiency(_FileRecord):
    """Label efficiency on one real test set, by one metric.

    Attributes:
        sizes: From each number of synthetic frames to the largest, ascending.
    """

    metric: str
    test: tuple[str, str | None]
    curves: tuple[Curve, ...]
    exchange: tuple[ExchangeRate, ...]
    break_even: tuple[BreakEven, ...]
    sizes: tuple[SizeStep, ...]


class PlateauPoint(_FileRecord):
    """The score after a number of optimiser steps."""

    steps: int
    measured: Measured


class Plateau(_FileRecord):
    """Whether training on photographs alone had come to its end.

    Attributes:
        real_images: That were trained on.
        steps: Of the experiment.
        points: Trainings of their own by rising number of steps, the experiment's among them.
        gain: Of the longest over the experiment's.
    """

    metric: str
    test: tuple[str, str | None]
    real_images: int
    steps: int
    points: tuple[PlateauPoint, ...]
    gain: Measured | None


class Power(_FileRecord):
    """The smallest difference of two trainings that the test would show in 4 of 5 cases.

    Attributes:
        paired: Whether it was measured on pairs of trainings; else it is an upper bound.
    """

    metric: str
    test: tuple[str, str | None]
    smallest: float
    count: int
    unit_of_count: str
    seeds: int
    paired: bool


class Effect(_FileRecord):
    """What one part of the recipe brings: the full recipe minus the recipe without it.

    Attributes:
        p_adjusted: Holm-corrected over all parts.
        verdict: ``helps`` or ``harms`` where the adjusted p-value is below 0.05.
    """

    name: str
    measured: Measured
    p_adjusted: float
    verdict: Literal["helps", "harms", "undecided"]


class Ablation(_FileRecord):
    """Effects by one metric on one test set, the largest first."""

    metric: str
    test: tuple[str, str | None]
    full: Measured
    effects: tuple[Effect, ...]


class Analysis(_FileRecord):
    """``analysis.json``; what an experiment does not allow for is empty."""

    matrices: tuple[TransferMatrix, ...] = ()
    gaps: tuple[Gap, ...] = ()
    efficiency: tuple[Efficiency, ...] = ()
    plateaus: tuple[Plateau, ...] = ()
    power: tuple[Power, ...] = ()
    ablations: tuple[Ablation, ...] = ()


def write_analysis(analysis: Analysis, path: Path) -> None:
    """Write ``analysis.json``."""
    write_json_atomic(path, analysis.model_dump(mode="json"))


def read_analysis(path: Path) -> Analysis:
    """Read ``analysis.json``.

    Raises:
        DatasetError: If it is missing or not such a file.
    """
    return read_document(path, Analysis, way_out="run the experiment again")

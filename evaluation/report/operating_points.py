"""From which score on a detection counts, where a report counts and draws them."""

from __future__ import annotations

from dataclasses import dataclass

from evaluation.report.cases import PredictedSet
from evaluation.sheet import Score, ScoreFile
from pipeline.records.predictions import sha256_of

__all__ = ["OperatingPoint", "operating_point"]

_CHOSEN = ("mask_best_threshold", "box_best_threshold")  # masks lead reports that have both


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatingPoint:
    """A least score and, in a few words, why that.

    Attributes:
        why: Empty where nobody chose it for this network.
    """

    min_score: float
    why: str = ""


def operating_point(
    shown: PredictedSet, document: ScoreFile, *, otherwise: float
) -> OperatingPoint:
    """The best threshold of the same training on pictures that are no test.

    Those are the ones of :func:`evaluation.scores.sibling_thresholds`: of ``val``, or rendered
    frames where no photograph is to influence the training.

    Args:
        shown: Predictions of that training.
        document: Scores of its predictions for all sets.
        otherwise: Where none was scored, or several.
    """
    sha256 = sha256_of(shown.predictions)
    own = next((s for s in document.scores if s.predictions_sha256 == sha256), None)
    if own is None or own.regime is None or own.seed is None:
        return OperatingPoint(min_score=otherwise)
    rendered_only = own.regime == "synthetic"
    for metric in _CHOSEN:
        found = [
            row.value
            for row in document.scores
            if row.metric == metric
            and row.value is not None
            and _training(row) == _training(own)
            and (_is_rendered(row) if rendered_only else _is_val(row, but_for=sha256))
        ]
        if len(found) == 1:
            pictures = "rendered frames" if rendered_only else "photographs of val"
            return OperatingPoint(min_score=found[0], why=f"the best for F1 on {pictures}")
    return OperatingPoint(min_score=otherwise)


def _training(row: Score) -> tuple[str | None, float | None, int | None, str | None]:
    return row.regime, row.real_fraction, row.seed, row.trained_on


def _is_val(row: Score, *, but_for: str) -> bool:
    """Not the predictions in question: what is measured on ``val`` has no pictures to choose on."""
    return row.split == "val" and row.predictions_sha256 != but_for


def _is_rendered(row: Score) -> bool:
    return (row.tested_on or "").endswith("/synthetic")

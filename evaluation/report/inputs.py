"""What a report is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from evaluation.report.cases import PredictedSet

__all__ = ["ReportInputs"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportInputs:
    """What a report is made of: paths, and words that the scores do not hold.

    Attributes:
        title: Headline.
        scores: ``scores.json``; linked from the report.
        analysis: ``analysis.json``, what the scores say when set against each other.
        domains: ``domains.json``, rendered against real pictures.
        predicted: Predictions to draw. The first is the main result; others on the same test
            set are drawn beside it; one on rendered frames shows what they look like to it.
        calibration: Predictions of the first network on the real ``train`` split, for its labels'
            convention.
        datasets: Training sets to show, rendered or real.
        runs: Run folders by name, for loss curves and settings.
        claim: The regime that was named beforehand to beat photographs alone.
        log: What was tried before, in Markdown, by hand.
        notes: What a fair reader must be told, before the scores.
        command: How to make it all again.
        settings: Files of settings as they were run, by name.
        min_score: Detections below it are not drawn or counted, where no better threshold was
            chosen on pictures that are no test; scores do not depend on it.
    """

    title: str
    scores: Path
    analysis: Path | None = None
    domains: Path | None = None
    predicted: tuple[PredictedSet, ...] = ()
    calibration: PredictedSet | None = None
    datasets: tuple[Path, ...] = ()
    runs: Mapping[str, Path] = field(default_factory=dict)
    claim: str | None = None
    log: str = ""
    notes: tuple[str, ...] = ()
    command: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)
    min_score: float = 0.5

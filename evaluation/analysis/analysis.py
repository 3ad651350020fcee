"""Everything that the score sheets of an experiment say when set against each other."""

from __future__ import annotations

from collections.abc import Sequence

from evaluation.analysis.ablation import ablations
from evaluation.analysis.arms import group_arms
from evaluation.analysis.efficiency import efficiencies
from evaluation.analysis.plateau import plateaus
from evaluation.analysis.records import Analysis
from evaluation.analysis.transfer import gaps, powers, transfer_matrices
from evaluation.sheet import ScoreSheet

__all__ = ["analyse"]


def analyse(sheets: Sequence[ScoreSheet]) -> Analysis:
    """Transfer, label efficiency, plateau, power and, of an ablation, what matters."""
    arms = group_arms(sheets)
    whole = [arm for arm in arms if arm.context.without is None]
    return Analysis(
        matrices=tuple(transfer_matrices(whole)),
        gaps=tuple(gaps(whole)),
        efficiency=tuple(efficiencies(whole)),
        plateaus=tuple(plateaus(whole)),
        power=tuple(powers(arms)),
        ablations=tuple(ablations(arms)),
    )

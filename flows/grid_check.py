"""What the numbers of an experiment's grid must be."""

from __future__ import annotations

from pathlib import Path

from pipeline.errors import SpecError
from pipeline.specs.experiment import ExperimentSpec

__all__ = ["check_grid"]


def check_grid(experiment: ExperimentSpec, source: Path) -> None:
    """Refuse a grid with repetitions, or with shares that there are none of.

    Raises:
        SpecError: Naming the key; ``source`` is the file.
    """
    for key in ("seeds", "regimes", "real_fractions", "synthetic_fractions"):
        values = getattr(experiment, key)
        if len(set(values)) != len(values):
            raise SpecError(f"{source}: key '{key}': got {list(values)}; expected no value twice.")
    for key in ("real_fractions", "synthetic_fractions"):
        values = getattr(experiment, key)
        if not all(0 < fraction <= 1 for fraction in values):
            raise SpecError(
                f"{source}: key '{key}': got {list(values)}; expected numbers above 0 and up to 1."
            )
    plateau = experiment.plateau
    fractions = {
        "seeds_at": tuple(experiment.seeds_at),
        "plateau.real_fractions": (plateau and plateau.real_fractions) or (),
    }
    for key, found in fractions.items():
        if not set(found) <= set(experiment.real_fractions):
            raise SpecError(
                f"{source}: key '{key}': got {list(found)}; expected some of real_fractions, "
                f"{list(experiment.real_fractions)}."
            )
    if experiment.log is not None and not experiment.log.is_file():
        raise SpecError(f"{source}: key 'log': {experiment.log} is no file; write it or leave it.")
    if plateau is not None and 1.0 in plateau.times:
        raise SpecError(f"{source}: key 'plateau.times': got 1; that is the experiment itself.")
    if "pretrain_finetune" in experiment.regimes and experiment.steps < 2:
        raise SpecError(f"{source}: key 'steps': got 1; pretrain_finetune needs at least 2.")

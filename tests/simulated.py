"""Score sheets of simulated trainings: per-picture scores drawn from known truths."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evaluation.bootstrap import Units, bootstrap
from evaluation.sheet import ScoreContext, ScoreSheet

METRIC = "box_ap50"


class SimulatedTest:
    """A test set: some pictures are harder than others, for every network alike."""

    def __init__(self, rng: np.random.Generator, *, images: int, name: str = "bench/real") -> None:
        self._rng = rng
        self._name = name
        self._ids = tuple(range(1, images + 1))
        self._hardness = rng.normal(0, 0.15, images)

    def sheets(
        self,
        score: float,
        *,
        seeds: Sequence[int] = (0, 1, 2),
        seed_sd: float = 0.01,
        image_sd: float = 0.05,
        **context: object,
    ) -> list[ScoreSheet]:
        """One training with several seeds whose expected score is known.

        Args:
            score: Expected score over all pictures and seeds there could be.
            seeds: Of training.
            seed_sd: What a seed adds to all pictures.
            image_sd: What it adds to each picture.
            context: How it was trained.
        """
        made = []
        for seed in seeds:
            luck = self._rng.normal(0, seed_sd)
            values = score + self._hardness + luck
            values = values + self._rng.normal(0, image_sd, len(values))
            made.append(
                self._sheet(values, ScoreContext(seed=seed, tested_on=self._name, **context))
            )
        return made

    def _sheet(self, values: np.ndarray, context: ScoreContext) -> ScoreSheet:
        def mean(weights: np.ndarray) -> np.ndarray:
            return (weights @ values / weights.sum(axis=1))[:, None]

        (estimate,) = bootstrap(mean, Units(drawn=len(values), name="images"), resamples=200)
        return ScoreSheet(
            task="detection",
            context=context,
            split="test",
            predictions_sha256="-",
            test_sha256=self._name,
            image_ids=self._ids,
            estimates={(METRIC, None): estimate},
        )

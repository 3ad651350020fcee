"""Arms of an experiment: the same training with several seeds, scored on one test set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from evaluation.bootstrap import Estimate, pool_seeds
from evaluation.sheet import MetricKey, ScoreContext, ScoreSheet

__all__ = ["HEADLINES", "Arm", "TestSet", "group_arms"]

HEADLINES = (
    *("pck@0.02", "keypoint_ap50", "mask_ap50", "box_ap50", "keypoint_ap", "mask_ap", "box_ap"),
    *("add_s_auc", "add_auc", "hota", "accuracy", "macro_f1", "miou"),
)
"""Metrics over all classes that analyses are made of, the one that says most first."""

TestSet = tuple[str, str | None]
"""``tested_on`` and split."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """The same training with several seeds, on one test set."""

    sheets: tuple[ScoreSheet, ...]

    @property
    def first(self) -> ScoreSheet:
        """Any of them, for what they have in common."""
        return self.sheets[0]

    @property
    def context(self) -> ScoreContext:
        """How it was trained; the seed is the first one's."""
        return self.first.context

    @property
    def test_set(self) -> TestSet:
        """What it was scored on."""
        return (self.context.tested_on or "", self.first.split)

    @property
    def is_real(self) -> bool:
        """Whether it was scored on real pictures."""
        return self.first.domain == "real"

    @property
    def seed(self) -> int | None:
        """Of an arm of one seed; None for a mean over several."""
        return self.context.seed if len(self.sheets) == 1 else None

    def estimates(self, key: MetricKey) -> dict[int | None, Estimate]:
        """One metric by seed, where it could be measured."""
        found = {s.context.seed: s.estimates[key] for s in self.sheets if key in s.estimates}
        return {seed: estimate for seed, estimate in found.items() if estimate.count}

    def pooled(self, key: MetricKey) -> Estimate | None:
        """The mean of one metric over the seeds."""
        estimates = [sheet.estimates[key] for sheet in self.sheets if key in sheet.estimates]
        return pool_seeds(estimates) if estimates else None

    def same_units(self, other: Arm) -> bool:
        """Whether both were scored on the very same pictures."""
        tests = {
            (sheet.test_sha256, sheet.image_ids) for arm in (self, other) for sheet in arm.sheets
        }
        return len(tests) == 1


def group_arms(sheets: Sequence[ScoreSheet]) -> list[Arm]:
    """Sheets that differ in the seed only, together; in the order in which they first come."""
    groups: dict[tuple[object, ...], dict[int | None, ScoreSheet]] = {}
    for sheet in sheets:
        arm = sheet.context.model_copy(update={"seed": None})
        key = (sheet.task, sheet.split, arm)
        groups.setdefault(key, {})[sheet.context.seed] = sheet
    return [Arm(sheets=tuple(group.values())) for group in groups.values()]

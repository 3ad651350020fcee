"""How often a 95 % interval covers the truth, and how often a paired test errs.

    python benchmarks/bench_intervals.py [--runs 2000] [--images 20 50 200]

Detectors are simulated: photographs differ in how many objects they hold and in how hard they
are, every object is found or not, more or less well, and false alarms come from confusing
photographs. The true score is that of a million photographs.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass

import numpy as np

from evaluation.bootstrap import Statistic, Units, bootstrap, contrast
from evaluation.metrics.average_precision import ap_table
from evaluation.metrics.classification import classification_statistic
from evaluation.metrics.detection import IOU_THRESHOLDS, CategoryMatches

METRICS = ("box_ap", "box_ap50", "box_ap75")
PHOTOGRAPHS_OF_TRUTH = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Detector:
    """A simulated detector.

    Attributes:
        skill: Log odds that an object of a photograph of mean difficulty is found.
        alarms: Mean false alarms per photograph.
        quality: Mean IoU of what is found.
    """

    skill: float
    alarms: float
    quality: float


DETECTORS = {
    "weak": Detector(skill=-0.3, alarms=2.0, quality=0.65),
    "fair": Detector(skill=1.2, alarms=1.0, quality=0.75),
    "strong": Detector(skill=3.0, alarms=0.15, quality=0.85),
}
OBJECTS = 2.0  # per photograph


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Photographs:
    """What all detectors see: (N,) difficulty and (N,) objects."""

    difficulty: np.ndarray
    objects: np.ndarray


def photographs(rng: np.random.Generator, count: int) -> Photographs:
    """Draw photographs; some hold many objects."""
    return Photographs(
        difficulty=rng.normal(0, 0.8, size=count),
        objects=rng.poisson(OBJECTS * rng.gamma(2.0, 0.5, size=count)),
    )


def detect(rng: np.random.Generator, shown: Photographs, detector: Detector) -> CategoryMatches:
    """Draw what a detector makes of photographs."""
    count = len(shown.difficulty)
    image = np.repeat(np.arange(count), shown.objects)
    hard = shown.difficulty[image]
    found = rng.random(len(image)) < 1 / (1 + np.exp(hard - detector.skill))
    overlap = rng.normal(detector.quality - 0.04 * hard, 0.12)[found]
    # exp(0.6 d - 0.12) has mean 1: 0.6^2 * 0.8^2 / 2 = 0.12.
    n_alarms = rng.poisson(detector.alarms * np.exp(0.6 * shown.difficulty - 0.12))
    alarms = np.repeat(np.arange(count), n_alarms)
    score = np.concatenate(
        [rng.normal(1.0 - 0.3 * hard[found], 1.0), rng.normal(-0.6, 1.0, size=len(alarms))]
    )
    order = np.argsort(-score)
    overlap = np.concatenate([overlap, np.zeros(len(alarms))])[order]
    is_tp = overlap >= IOU_THRESHOLDS[:, None]
    return CategoryMatches(
        scores=score[order],
        is_tp=is_tp,
        is_fp=~is_tp,
        place=np.zeros(len(order), dtype=np.intp),
        unit_preds=np.concatenate([image[found], alarms])[order],
        unit_gt=image,
    )


def statistic_of(matches: CategoryMatches) -> Statistic:
    """AP, AP50 and AP75."""

    def statistic(weights: np.ndarray) -> np.ndarray:
        table = ap_table(matches, weights)
        return np.column_stack([table.mean(axis=1), table[:, 0], table[:, 5]])

    return statistic


def true_scores(detector: Detector) -> np.ndarray:
    """(3,) AP, AP50, AP75 of very many photographs."""
    rng = np.random.default_rng(12345)
    shown = photographs(rng, PHOTOGRAPHS_OF_TRUTH)
    return statistic_of(detect(rng, shown, detector))(np.ones((1, PHOTOGRAPHS_OF_TRUTH)))[0]


def simulate(detector: Detector, *, images: int, runs: range) -> tuple[np.ndarray, np.ndarray]:
    """Two equal detectors on the same photographs, again and again.

    Returns:
        (runs, 3, 2) intervals of the first by metric, and (runs, 3, 2) of the paired difference.
    """
    units = Units(drawn=images, name="images")
    intervals, differences = [], []
    for run in runs:
        rng = np.random.default_rng([images, run])
        shown = photographs(rng, images)
        ours, theirs = (
            bootstrap(statistic_of(detect(rng, shown, detector)), units, seed=run) for _ in range(2)
        )
        intervals.append([estimate.interval for estimate in ours])
        pairs = zip(ours, theirs, strict=True)
        differences.append([contrast(a, b, paired=True).interval for a, b in pairs])
    return np.array(intervals), np.array(differences)


def accuracy_coverage(accuracy: float, *, images: int, runs: int) -> float:
    """Share of intervals of a plain accuracy that cover it."""
    covered = 0
    units = Units(drawn=images, name="images")
    for run in range(runs):
        wrong = np.random.default_rng([images, run, 2]).random(images) >= accuracy
        statistic = classification_statistic(
            predicted=wrong.astype(np.int64), truth=np.zeros(images, dtype=np.int64), n_classes=2
        )
        low, high = bootstrap(statistic, units, seed=run)[0].interval
        covered += low <= accuracy <= high
    return covered / runs


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=2000)
    parser.add_argument("--images", type=int, nargs="*", default=[20, 50, 200])
    parser.add_argument("--detectors", nargs="*", default=list(DETECTORS))
    args = parser.parse_args()
    for name in args.detectors:
        truth = true_scores(DETECTORS[name])
        _say(
            f"{name}: true {', '.join(f'{m} {v:.3f}' for m, v in zip(METRICS, truth, strict=True))}"
        )
        for images in args.images:
            intervals, differences = simulate(DETECTORS[name], images=images, runs=range(args.runs))
            below = (intervals[..., 1] < truth).mean(axis=0)
            above = (intervals[..., 0] > truth).mean(axis=0)
            rejected = ((differences[..., 0] > 0) | (differences[..., 1] < 0)).mean(axis=0)
            for m, metric in enumerate(METRICS):
                _say(
                    f"  {images} images, {metric}: covered {1 - below[m] - above[m]:.1%} "
                    f"(interval too low {below[m]:.1%}, too high {above[m]:.1%}); "
                    f"no difference rejected {rejected[m]:.1%}"
                )
    for images in args.images:
        covered = accuracy_coverage(0.9, images=images, runs=args.runs)
        _say(f"accuracy 0.9, {images} images: covered {covered:.1%}")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()

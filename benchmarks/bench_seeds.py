"""How often two equal trainings are told apart, with the luck of training seeds in it.

    python benchmarks/bench_seeds.py [--runs 2000] [--seeds 2 3]

Scores of pictures are drawn as the tests draw them: pictures differ in how hard they are, for
every network alike, and seeds in what they do to all pictures and to each of them.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

from evaluation.analysis.arms import group_arms
from evaluation.analysis.differences import difference

TESTS = Path(__file__).parents[1] / "tests"
sys.path.insert(0, str(TESTS))

from simulated import METRIC, SimulatedTest  # noqa: E402  # lies with the tests

IMAGES = 50
SEED_SDS = (0.0, 0.01, 0.03)  # what a seed adds to all pictures; to each it adds 0.05


def rejected(*, seeds: int, seed_sd: float, runs: int) -> float:
    """Share of runs in which two equal trainings differ at the level of 5 %."""
    apart = 0
    for run in range(runs):
        test = SimulatedTest(
            np.random.default_rng([seeds, int(1000 * seed_sd), run]), images=IMAGES
        )
        ours, theirs = group_arms(
            [
                sheet
                for regime in ("real", "synthetic")
                for sheet in test.sheets(
                    0.6, seeds=range(seeds), seed_sd=seed_sd, regime=regime, trained_on=regime
                )
            ]
        )
        found = difference(ours, theirs, (METRIC, None))
        apart += found is not None and found.p_value < 0.05
    return apart / runs


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=2000)
    parser.add_argument("--seeds", type=int, nargs="*", default=[2, 3])
    args = parser.parse_args()
    for seeds in args.seeds:
        for seed_sd in SEED_SDS:
            share = rejected(seeds=seeds, seed_sd=seed_sd, runs=args.runs)
            sys.stdout.write(f"{seeds} seeds, sd {seed_sd}: rejected {100 * share:.1f} %\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()

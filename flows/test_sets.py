"""What an experiment is scored on: the parts of its benchmark."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from evaluation.benchmarks import EMBEDDED, split_names
from evaluation.divisions import WHOLE, cut_train, write_folds
from flows.benchmarks import find_benchmark
from flows.plan import Plan
from pipeline.errors import SpecError

__all__ = ["TestSet", "real_test_sets"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TestSet:
    """Where predictions are scored; ``name`` is what ``tested_on`` says."""

    __test__ = False  # not a test, whatever pytest makes of the name

    folder: Path
    split: str | None
    name: str


def real_test_sets(plan: Plan, *, cache: Path, benchmarks: Path | None) -> tuple[TestSet, ...]:
    """The parts of the benchmark that are scored, the one that counts first.

    Beside ``test`` that is ``val``, if there is one; in a cross-validation all of ``train`` and
    ``val``; for tuning a part of ``train``.

    Raises:
        DatasetError: If there is no such benchmark, or it has too few pictures.
        SpecError: If a regime wants real training pictures and it has none.
    """
    name, tuning = plan.experiment.benchmark, plan.purpose == "tuning"
    beside = plan.source.parent / name
    folder = find_benchmark(
        str(beside) if name not in EMBEDDED and beside.is_dir() else name,
        cache=cache,
        search=[] if benchmarks is None else [benchmarks],
    ).absolute()
    splits = [name or "whole" for name in split_names(folder)]
    if (plan.wants_real or tuning or plan.folds) and "train" not in splits:
        key = "folds" if plan.folds else "regimes"
        raise SpecError(
            f"{plan.source}: key '{key}': got {_words(getattr(plan.experiment, key))}; benchmark "
            f"{folder} has no train split (found: {', '.join(splits) or 'none'}), so expected "
            f"{'none' if plan.folds else 'synthetic only'}{', and no tuning' * tuning}."
        )
    tested_on = f"{folder.name}/real"
    if tuning:
        share = plan.experiment.tuning_share
        cut = cut_train(folder, cache / f"{folder.name}-tuning", share=share)
        return (TestSet(folder=cut, split="val", name=tested_on),)
    if plan.folds is not None:
        out = cache / f"{folder.name}-{plan.folds}-folds"
        parts = [split for split in ("train", "val") if split in splits]
        whole = write_folds(folder, out, splits=parts, folds=plan.folds)
        return (TestSet(folder=whole, split=WHOLE, name=tested_on),)
    # Where none of it is trained on, all of it can be scored.
    split = "all" if not plan.wants_real and "all" in splits else None
    scored = [split, "val"] if split is None and {"test", "val"} <= set(splits) else [split]
    return tuple(TestSet(folder=folder, split=s, name=tested_on) for s in scored)


def _words(value: object) -> str:
    return ", ".join(value) if isinstance(value, tuple) else str(value)

"""How to get a report's numbers again: files by hash, seeds, the settings as they were run."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from evaluation.report.cases import ClassificationCase, DetectionCase
from evaluation.report.facts import dataset_name, read_manifest_of
from pipeline.records.predictions import sha256_of

__all__ = ["PinnedFile", "pinned_files"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PinnedFile:
    """A file that numbers hang on.

    Attributes:
        seed: That it was made with, if any.
    """

    name: str
    seed: str
    sha256: str


def pinned_files(
    *,
    scores: Path,
    datasets: Sequence[Path],
    runs: Mapping[str, Path],
    cases: Sequence[DetectionCase | ClassificationCase],
) -> list[PinnedFile]:
    """From the frames to the scores; what is not there is left out."""
    return list(_files(scores, datasets, runs, cases))


def _files(
    scores: Path,
    datasets: Sequence[Path],
    runs: Mapping[str, Path],
    cases: Sequence[DetectionCase | ClassificationCase],
) -> Iterator[PinnedFile]:
    for folder in dict.fromkeys((*datasets, *(case.test_set for case in cases))):
        manifest = read_manifest_of(folder)
        for name, sha256 in manifest.files.items() if manifest is not None else ():
            assert manifest is not None
            kind = f"{dataset_name(folder)}: {name}"
            yield PinnedFile(name=kind, seed=str(manifest.spec.seed), sha256=sha256)
    for name, run in runs.items():
        weights, spec = run / "model.pt", run / "train.json"
        if weights.is_file() and spec.is_file():
            seed = json.loads(spec.read_text(encoding="utf-8")).get("seed", "")
            yield PinnedFile(name=f"{name}: weights", seed=str(seed), sha256=sha256_of(weights))
    for case in cases:
        yield PinnedFile(
            name=f"{case.name} on {dataset_name(case.test_set)}: predictions",
            seed="",
            sha256=case.predictions_sha256,
        )
    yield PinnedFile(name=scores.name, seed="", sha256=sha256_of(scores))

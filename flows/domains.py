"""The step of the street that sets rendered against real pictures."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from evaluation.analysis.domains import compare_domains, write_domains
from evaluation.analysis.feature_space import FeatureSpace
from evaluation.features import network_features
from flows.cells import cell_of, finish
from flows.terminal import progress_bar
from pipeline.formats.annotated import read_annotated, recognise
from pipeline.formats.storage import write_bytes_atomic
from pipeline.specs.experiment import FeatureSpec
from trainers.features import backbone_features

__all__ = ["domains_step"]

_VERSION = 3


def domains_step(
    synthetic: Path,
    real: Path,
    out: Path,
    cells: Path,
    *,
    split: str | None,
    scored: str | None,
    features: FeatureSpec,
    run: Path,
) -> Path:
    """Compare rendered with real pictures.

    Args:
        synthetic: The training set.
        real: The benchmark.
        out: Where to write ``domains.json``.
        cells: Folder of all cells.
        split: Of the benchmark, to compare with.
        scored: Of the benchmark; its pictures get their nearest frames.
        features: As a network sees them.
        run: The network whose backbone that is, where ``features`` names no other.

    Returns:
        ``out``.
    """
    inputs = {"synthetic": synthetic, "real": real}
    if features.name is None:
        inputs["run"] = run
    elif isinstance(features.weights, Path):
        inputs["weights"] = features.weights
    config = {"split": split, "scored": scored, "network": features.words}
    cell = cell_of("domains", _VERSION, config, inputs)

    def work(folder: Path) -> None:
        with progress_bar("compare domains", "images/s") as progress:
            extract = (
                partial(backbone_features, run, progress=progress)
                if features.name is None
                else partial(network_features, spec=features, progress=progress)
            )
            found = compare_domains(
                synthetic=read_annotated(synthetic),
                real=read_annotated(real, split),
                real_name=f"{real.name}/{split}" if split else real.name,
                scored=read_annotated(real, scored),
                boxes="imagefolder" not in (recognise(synthetic), recognise(real)),
                space=FeatureSpace(network=features.words, extract=extract),
            )
        write_domains(found, folder / "domains.json")

    done = finish(cell, cells, work)
    write_bytes_atomic(out, (done / "domains.json").read_bytes())
    return out

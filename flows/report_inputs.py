"""What the report of an experiment is made of, from its record."""

from __future__ import annotations

from pathlib import Path

import yaml

from evaluation.report.cases import PredictedSet
from evaluation.report.inputs import ReportInputs
from flows.record import ExperimentRecord, TestedPredictions, read_record
from pipeline.errors import SpecError

__all__ = ["report_inputs"]

_TITLES = {
    "experiment": "Rendered {}, scored on real pictures",
    "ablation": "What matters in rendered {}",
}
_PURPOSES = {"final": "", "indicative": " (indicative)", "tuning": " (tuning)"}


def report_inputs(folder: Path) -> ReportInputs:
    """What the report of an experiment is made of.

    Raises:
        DatasetError: If the folder holds no experiment.
    """
    record = read_record(folder)
    analysis, domains = folder / "analysis.json", folder / "domains.json"
    return ReportInputs(
        title=_TITLES[record.kind].format(record.scene.scene) + _PURPOSES[record.purpose],
        scores=folder / "scores.json",
        analysis=analysis if analysis.is_file() else None,  # older folders have none
        domains=domains if domains.is_file() else None,
        predicted=tuple(_shown(tested) for tested in record.shown()),
        calibration=None if record.calibration is None else _shown(record.calibration),
        datasets=record.training_sets,
        runs=record.runs,
        notes=record.notes(),
        claim=record.experiment.claim,
        log=_log(record.experiment.log),
        command=record.command,
        settings=_settings(record),
    )


def _log(path: Path | None) -> str:
    if path is None:
        return ""
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError(f"{path}: the experiment's log cannot be read; write it anew.") from error


def _settings(record: ExperimentRecord) -> dict[str, str]:
    """The experiment and its scene with every default filled in; folders by their names."""
    experiment = record.experiment.model_dump(mode="json")
    experiment["log"] = record.experiment.log and record.experiment.log.name
    experiment["synthetic"] = record.experiment.synthetic.name
    experiment["benchmark"] = Path(record.experiment.benchmark).name
    weights = record.experiment.model.weights
    if isinstance(weights, Path):
        experiment["model"]["weights"] = weights.name
    scene = record.scene.model_dump(mode="json", exclude={"assets"})
    return {
        f"{name} as it was run, defaults filled in": yaml.safe_dump(document, sort_keys=False)
        for name, document in (("The experiment", experiment), ("The scene", scene))
    }


def _shown(tested: TestedPredictions) -> PredictedSet:
    return PredictedSet(
        name=tested.name,
        predictions=tested.predictions,
        benchmark=tested.target,
        split=tested.split,
    )

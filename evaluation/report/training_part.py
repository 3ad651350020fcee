"""How networks were trained: what all runs share, what differs, and their losses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from evaluation.report.charts import curve_chart
from evaluation.report.facts import Fact, duration, json_object
from evaluation.report.phrases import REGIME_TITLES
from evaluation.report.plots import LINE_OF_REGIME
from evaluation.report.sections import Plot
from pipeline.errors import CheckpointError
from pipeline.geometry.boxes import FloatArray

__all__ = ["TrainingPart", "training_part"]

_COLORS = 6  # --line-0 ... in tokens.css


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingPart:
    """All training runs behind a report.

    Attributes:
        facts: That all runs share.
        heading: Of a table of what differs; empty with a single run.
        rows: Of that table, one per run.
        charts: The loss and each of its parts by step, all runs in one panel each.
    """

    facts: tuple[Fact, ...]
    heading: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    charts: tuple[Plot, ...]


def training_part(runs: Mapping[str, Path]) -> TrainingPart | None:
    """Read run folders; None without any.

    Args:
        runs: Run folders by name.

    Raises:
        CheckpointError: If one of them is no run folder.
    """
    if not runs:
        return None
    found = {name: _facts(folder) for name, folder in runs.items()}
    names = list(dict.fromkeys(name for facts in found.values() for name in facts))
    shared = [name for name in names if len({facts.get(name) for facts in found.values()}) == 1]
    differing = [name for name in names if name not in shared]
    first = next(iter(found.values()))
    return TrainingPart(
        facts=tuple(Fact(name=name, value=first[name]) for name in shared),
        heading=("Training", *differing) if differing else (),
        rows=tuple(
            (run, *(facts.get(name, "") for name in differing)) for run, facts in found.items()
        )
        if differing
        else (),
        charts=tuple(_loss_charts(runs)),
    )


def _facts(folder: Path) -> dict[str, str]:
    """What was trained, from ``train.json`` and ``stats.json``; facts they lack are left out."""
    train, stats = json_object(folder / "train.json"), json_object(folder / "stats.json")
    if not train and not stats:
        raise CheckpointError(f"{folder}: no train.json; expected a run folder.")
    model = train.get("model", {})
    values: dict[str, object] = {
        "Network": model.get("name"),
        "Started from": _start(model.get("weights")),
        "Weights": f"{stats['parameters']:,}" if "parameters" in stats else None,
        "Optimiser steps": f"{train['steps']:,}" if "steps" in train else None,
        "Pictures per step": train.get("batch_size"),
        "Input": f"{train['input_px']} px" if "input_px" in train else None,
        "Seed": train.get("seed"),
        "Time": duration(stats["seconds"]) if "seconds" in stats else None,
        "Device": stats.get("device"),
    }
    return {name: str(value) for name, value in values.items() if value is not None}


def _start(weights: str | None) -> str:
    if not weights:
        return "nothing (random weights)"
    path = Path(weights)
    is_run = not path.suffix and len(path.parts) > 1
    return f"an earlier training ({path.name[:12]})" if is_run else path.name


def _loss_charts(runs: Mapping[str, Path]) -> list[Plot]:
    """Runs without ``curve.json`` are left out."""
    curves: dict[str, dict[str, tuple[FloatArray, FloatArray]]] = {}
    for name, folder in runs.items():
        document = json_object(folder / "curve.json")
        steps = document.pop("step", [])
        for part, values in document.items():
            if isinstance(values, list) and len(values) == len(steps) > 1 and any(values):
                pair = (np.array(steps, dtype=float), np.array(values, dtype=float))
                curves.setdefault(part, {})[name] = pair
    lines = _lines(list(runs))
    charts = []
    for part in sorted(curves, key=lambda part: part != "loss"):
        title = "Loss" if part == "loss" else f"Loss: {part.replace('_', ' ')}"
        colors = {name: lines[name][0] for name in curves[part]}
        svg = curve_chart(curves[part], colors, title=f"{title} by optimiser step")
        if svg:
            legend = tuple(dict.fromkeys(lines[name] for name in curves[part]))
            charts.append(Plot(title=title, svg=svg, legend=legend))
    return charts


def _lines(names: list[str]) -> dict[str, tuple[int, str]]:
    """Colour and meaning of each run's line: a few by name, many by what they were trained on."""
    if len(names) <= _COLORS:
        return {name: (nth, name) for nth, name in enumerate(names)}
    regimes = {name: name.split()[0] for name in names}
    return {
        name: (LINE_OF_REGIME.get(regime, 0), REGIME_TITLES.get(regime, regime))
        for name, regime in regimes.items()
    }

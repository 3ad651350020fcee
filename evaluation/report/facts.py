"""What a report says of datasets and training runs, read from their folders."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup

from evaluation.measurement import task_of
from evaluation.report.charts import curve_chart
from pipeline.dataset.layout import DatasetLayout
from pipeline.dataset.manifest import Manifest, read_manifest
from pipeline.dataset.statistics import label_statistics
from pipeline.errors import BlendgapError, CheckpointError
from pipeline.formats.coco import find_annotations, read_coco
from pipeline.formats.imagefolder import find_class_folders, read_image_folder
from pipeline.geometry.boxes import FloatArray

__all__ = [
    "Chart",
    "Fact",
    "dataset_facts",
    "dataset_name",
    "duration",
    "effort",
    "loss_charts",
    "read_manifest_of",
    "run_facts",
]

_MOST_CLASSES = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A name and a value, as a person reads them."""

    name: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A drawn chart and the names of its lines, in the order of their colours."""

    title: str
    svg: Markup
    lines: tuple[str, ...]


def duration(seconds: float) -> str:
    """Seconds as people say them.

    >>> duration(0.0471), duration(42.4), duration(200), duration(8000)
    ('47.1 ms', '42 s', '3 min 20 s', '2 h 13 min')
    """
    if seconds < 1:
        return f"{1000 * seconds:.3g} ms"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def dataset_name(folder: Path) -> str:
    """What to call a dataset: a rendered one by its scene family and seed."""
    manifest = read_manifest_of(folder)
    if manifest is None:
        return folder.name
    return f"Rendered {manifest.spec.scene}, seed {manifest.spec.seed}"


def dataset_facts(folder: Path) -> list[Fact]:
    """Counts, sizes and, of a rendered dataset, how it came to be.

    Raises:
        DatasetError: If the folder is no dataset.
    """
    if task_of(folder) == "classification":
        return _folder_facts(folder)
    statistics = label_statistics(read_coco(find_annotations(folder)))
    facts = [
        Fact(name="Pictures", value=f"{statistics.images:,}"),
        Fact(name="Labelled objects", value=f"{statistics.instances:,}"),
        Fact(name="Too small to count", value=f"{statistics.crowds:,}"),
    ]
    if statistics.per_image and statistics.box_side_px:
        few, _, many = statistics.per_image.spread
        small, middle, large = statistics.box_side_px.spread
        facts += [
            Fact(name="Objects per picture", value=f"{few:.0f} to {many:.0f} (middle 80 %)"),
            Fact(
                name="Size of an object",
                value=f"{middle:.0f} px (middle 80 %: {small:.0f} to {large:.0f})",
            ),
            Fact(name="Classes", value=_counts(statistics.per_category)),
        ]
    manifest = read_manifest_of(folder)
    return facts + (_render_facts(manifest) if manifest else [])


def run_facts(folder: Path) -> list[Fact]:
    """What was trained, from ``train.json`` and ``stats.json``; facts they lack are left out.

    Raises:
        CheckpointError: If the folder holds neither.
    """
    train, stats = _document(folder / "train.json"), _document(folder / "stats.json")
    if not train and not stats:
        raise CheckpointError(f"{folder}: no train.json; expected a run folder.")
    model = train.get("model", {})
    values: dict[str, object] = {
        "Network": model.get("name"),
        "Started from": Path(model.get("weights") or "nothing (random weights)").name,
        "Weights": f"{stats['parameters']:,}" if "parameters" in stats else None,
        "Optimiser steps": f"{train['steps']:,}" if "steps" in train else None,
        "Pictures per step": train.get("batch_size"),
        "Input": f"{train['input_px']} px" if "input_px" in train else None,
        "Seed": train.get("seed"),
        "Time": duration(stats["seconds"]) if "seconds" in stats else None,
        "Device": stats.get("device"),
    }
    return [Fact(name=name, value=str(v)) for name, v in values.items() if v is not None]


def effort(
    datasets: Iterable[Path], runs: Iterable[Path], *, seconds_per_image: float | None
) -> str:
    """What rendering, training and predicting took, as a sentence; empty if nothing is known."""
    manifests = [manifest for folder in datasets if (manifest := read_manifest_of(folder))]
    frames = sum(manifest.counts.get("frames", 0) for manifest in manifests)
    rendering_s = sum(manifest.seconds.get("wall", 0.0) for manifest in manifests)
    stats = [_document(run / "stats.json") for run in runs]
    training_s = [float(document["seconds"]) for document in stats if "seconds" in document]
    parts = []
    if frames and rendering_s:
        parts.append(f"{frames:,} frames were rendered in {duration(rendering_s)}")
    if training_s:
        what = "the network" if len(training_s) == 1 else "a network"
        parts.append(f"{what} was trained in {duration(sum(training_s) / len(training_s))}")
    if seconds_per_image is not None:
        parts.append(f"a picture takes it {duration(seconds_per_image)}")
    text = "; ".join(parts)
    return f"{text[0].upper()}{text[1:]}." if text else ""


def loss_charts(runs: Mapping[str, Path]) -> list[Chart]:
    """The loss and each of its parts by step, all runs in one panel each.

    Args:
        runs: Run folders by name; those without ``curve.json`` are left out.
    """
    curves: dict[str, dict[str, tuple[FloatArray, FloatArray]]] = {}
    for name, folder in runs.items():
        document = _document(folder / "curve.json")
        steps = document.pop("step", [])
        for part, values in document.items():
            if isinstance(values, list) and len(values) == len(steps) > 1:
                pair = (np.array(steps, dtype=float), np.array(values, dtype=float))
                curves.setdefault(part, {})[name] = pair
    parts = sorted(curves, key=lambda part: part != "loss")
    charts = []
    for part in parts:
        title = "Loss" if part == "loss" else f"Loss: {part.replace('_', ' ')}"
        svg = curve_chart(curves[part], title=f"{title} by optimiser step")
        if svg:
            charts.append(Chart(title=title, svg=svg, lines=tuple(curves[part])))
    return charts


def _folder_facts(folder: Path) -> list[Fact]:
    dataset = read_image_folder(find_class_folders(folder))
    counts = {
        name: sum(image.category_id == category_id for image in dataset.images)
        for category_id, name in dataset.categories.items()
    }
    return [
        Fact(name="Pictures", value=f"{len(dataset.images):,}"),
        Fact(name="Classes", value=_counts(counts)),
    ]


def _render_facts(manifest: Manifest) -> list[Fact]:
    spec = manifest.spec
    facts = [
        Fact(name="Scene family", value=spec.scene),
        Fact(name="Seed", value=str(spec.seed)),
        Fact(
            name="Renderer",
            value=(
                f"Blender {manifest.versions.get('bpy', '?')}, Cycles, "
                f"{spec.render.samples_per_pixel} samples per pixel"
            ),
        ),
    ]
    if wall_s := manifest.seconds.get("wall"):
        facts.append(Fact(name="Rendering time", value=duration(wall_s)))
    return facts


def read_manifest_of(folder: Path) -> Manifest | None:
    """Of a rendered dataset; None for real sets and for manifests of other versions.

    Facts are a courtesy: nothing fails for want of them.
    """
    if not DatasetLayout(folder).manifest.is_file():
        return None
    try:
        return read_manifest(folder)
    except BlendgapError:
        return None


def _document(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise CheckpointError(f"{path}: not a JSON file ({error}); train again.") from error
    return document if isinstance(document, dict) else {}


def _counts(counts: Mapping[str, int]) -> str:
    shown = [f"{name}: {count:,}" for name, count in list(counts.items())[:_MOST_CLASSES]]
    more = len(counts) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")

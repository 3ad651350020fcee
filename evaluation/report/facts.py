"""What a report says of datasets, and what it took to make them and to train."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evaluation.measurement import task_of
from pipeline.dataset.layout import DatasetLayout
from pipeline.dataset.manifest import Manifest, read_manifest
from pipeline.dataset.statistics import label_statistics
from pipeline.errors import BlendgapError, CheckpointError
from pipeline.formats.coco import find_annotations, read_coco
from pipeline.formats.imagefolder import find_class_folders, read_image_folder

__all__ = [
    "Fact",
    "dataset_facts",
    "dataset_name",
    "duration",
    "effort",
    "json_object",
    "read_manifest_of",
]

_MOST_CLASSES = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A name and a value, as a person reads them."""

    name: str
    value: str


def duration(seconds: float) -> str:
    """Seconds as people say them.

    >>> duration(0.0471), duration(0.214), duration(42.4), duration(200), duration(8000)
    ('47 ms', '210 ms', '42 s', '3 min 20 s', '2 h 13 min')
    """
    if seconds < 1:
        return f"{float(f'{1000 * seconds:.2g}'):g} ms"
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


def effort(
    datasets: Iterable[Path], runs: Iterable[Path], *, seconds_per_image: float | None
) -> str:
    """What rendering, training and predicting took, as a sentence; empty if nothing is known."""
    folders = list(datasets)
    manifests = [manifest for folder in folders if (manifest := read_manifest_of(folder))]
    frames = sum(manifest.counts.get("frames", 0) for manifest in manifests)
    rendering_s = sum(manifest.seconds.get("wall", 0.0) for manifest in manifests)
    stats = [json_object(run / "stats.json") for run in runs]
    training_s = [float(document["seconds"]) for document in stats if "seconds" in document]
    parts = []
    if frames and rendering_s:
        crops = sum(_crops(folder) for folder in folders)
        cut = f" and cut into {crops:,} crops" if crops else ""
        parts.append(f"{frames:,} frames were rendered in {duration(rendering_s)}{cut}")
    if training_s:
        what = "the network" if len(training_s) == 1 else "a network"
        parts.append(f"{what} was trained in {duration(sum(training_s) / len(training_s))}")
    if seconds_per_image is not None:
        parts.append(f"a picture takes it {duration(seconds_per_image)}")
    text = "; ".join(parts)
    return f"{text[0].upper()}{text[1:]}." if text else ""


def json_object(path: Path) -> dict[str, Any]:
    """What a JSON file of a run folder holds; empty where there is none.

    Raises:
        CheckpointError: If it is no JSON.
    """
    if not path.is_file():
        return {}
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise CheckpointError(f"{path}: not a JSON file ({error}); train again.") from error
    return document if isinstance(document, dict) else {}


def _crops(folder: Path) -> int:
    """Pictures of single objects that a folder beside the frames holds."""
    if read_manifest_of(folder) is not None or task_of(folder) != "classification":
        return 0
    return len(read_image_folder(find_class_folders(folder)).images)


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


def _counts(counts: Mapping[str, int]) -> str:
    shown = [f"{name}: {count:,}" for name, count in list(counts.items())[:_MOST_CLASSES]]
    more = len(counts) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")

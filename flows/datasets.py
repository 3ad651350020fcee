"""Bodies of the commands about datasets: scenes, preview, render, check."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator
from pathlib import Path

from rich.table import Table

from blender_scenes.family import SceneFamily
from blender_scenes.generate import render_dataset
from blender_scenes.registry import FAMILIES, find_family
from evaluation.drawing import dataset_sheet
from flows.plan import load_scene
from flows.terminal import Outcome, progress_bar
from pipeline.dataset.check import check_dataset
from pipeline.dataset.manifest import read_manifest
from pipeline.dataset.statistics import LabelStatistics
from pipeline.drawing import encode_image
from pipeline.errors import SpecError
from pipeline.formats.storage import write_bytes_atomic
from pipeline.sampling.factors import Choice, Distribution, Integers, LogUniform, Uniform

__all__ = ["check", "preview", "render", "scenes", "statistics_table"]


def scenes(name: str | None) -> Outcome:
    """List one scene family, or all."""
    families = list(FAMILIES.values())
    if name is not None:
        families = [find_family(name, source="blendgap scenes")]
    return Outcome(
        shown=tuple(item for family in families for item in _family_lines(family)),
        summary={"scenes": [_family_summary(family) for family in families]},
    )


def preview(
    spec: Path, out: Path, *, frames: int, seed: int | None, workers: int | None
) -> Outcome:
    """Render a few frames and draw them, labels and all, on one sheet."""
    if out.suffix.lower() not in (".png", ".jpg"):
        raise SpecError(f"{out}: got suffix {out.suffix!r}; expected .png or .jpg.")
    scene = load_scene(spec, frames=frames, seed=seed)
    with tempfile.TemporaryDirectory(prefix="blendgap-preview-") as folder:
        with progress_bar("preview", "frames/min") as progress:
            render_dataset(scene, Path(folder), source=spec, workers=workers, progress=progress)
        sheet = dataset_sheet(Path(folder), pictures=frames)
        instances = read_manifest(Path(folder)).counts["instances"]
    out.parent.mkdir(parents=True, exist_ok=True)
    write_bytes_atomic(out, encode_image(sheet, suffix=out.suffix.lower()))
    return Outcome(
        shown=(f"{out}: {frames} frames, {instances} labelled instances",),
        summary={"sheet": str(out), "frames": frames, "instances": instances},
    )


def render(
    spec: Path,
    out: Path,
    *,
    frames: int | None,
    seed: int | None,
    workers: int | None,
    allow_quarantined: bool,
) -> Outcome:
    """Render a dataset."""
    scene = load_scene(spec, frames=frames, seed=seed)
    with progress_bar("render", "frames/min") as progress:
        render_dataset(
            scene,
            out,
            source=spec,
            workers=workers,
            progress=progress,
            allow_quarantined=allow_quarantined,
        )
    manifest = read_manifest(out)
    lost = f", {len(manifest.quarantined)} left out" if manifest.quarantined else ""
    return Outcome(
        shown=(
            f"{out}: {manifest.spec.frames} frames, "
            f"{manifest.counts.get('instances', 0)} labelled instances{lost}",
        ),
        summary={
            "dataset": str(out),
            "frames": manifest.spec.frames,
            "counts": manifest.counts,
            "seconds": manifest.seconds,
            "quarantined": {str(frame): why for frame, why in manifest.quarantined.items()},
        },
    )


def check(folder: Path) -> Outcome:
    """Check a dataset; exit code 1 where it has problems."""
    with progress_bar("check", "frames/s") as progress:
        report = check_dataset(folder, progress=progress)
    verdict = f"{folder}: {len(report.problems)} problems" if report.problems else f"{folder}: good"
    mean, deviation = report.brightness
    return Outcome(
        shown=(
            statistics_table("labels", [("", report.statistics)]),
            f"brightness {mean:.3f} ± {deviation:.3f} of full scale",
            *report.problems,
            verdict,
        ),
        summary={
            "dataset": str(folder),
            "problems": list(report.problems),
            "images": report.statistics.images,
            "instances": report.statistics.instances,
            "crowds": report.statistics.crowds,
            "per_category": report.statistics.per_category,
        },
        exit_code=1 if report.problems else 0,
    )


def statistics_table(title: str, columns: list[tuple[str, LabelStatistics]]) -> Table:
    """Label statistics side by side, one column each."""
    table = Table(title=title, title_justify="left")
    table.add_column("")
    for name, _ in columns:
        table.add_column(name, justify="right")
    every = [statistics for _, statistics in columns]
    table.add_row("images", *(str(s.images) for s in every))
    table.add_row("instances", *(str(s.instances) for s in every))
    table.add_row("crowds", *(str(s.crowds) for s in every))
    for category in dict.fromkeys(name for s in every for name in s.per_category):
        table.add_row(f"  {category}", *(str(s.per_category.get(category, 0)) for s in every))
    table.add_row("per image, 10/50/90 %", *(_quantiles(s.per_image) for s in every))
    table.add_row("box side, px, 10/50/90 %", *(_quantiles(s.box_side_px) for s in every))
    return table


def _quantiles(values: tuple[float, ...]) -> str:
    return " / ".join("-" if math.isnan(value) else f"{value:.0f}" for value in values)


def _family_lines(family: SceneFamily) -> Iterator[str | Table]:
    image = family.image
    yield f"{family.name}: {family.summary}"
    yield f"  categories: {', '.join(family.categories)}"
    yield f"  pictures: {image.width} x {image.height} {image.format}"
    table = Table(show_lines=False)
    for heading in ("factor", "parameter", "range", "off", "meaning"):
        table.add_column(heading, overflow="fold")
    for factor in family.factors:
        table.add_row(factor.name, "", "", "", factor.meaning, style="bold")
        for parameter in factor.parameters:
            each = ", per object" if parameter.per_object else ""
            table.add_row(
                "",
                parameter.name,
                _range_text(parameter.distribution),
                f"{parameter.off:g}" if isinstance(parameter.off, float) else str(parameter.off),
                f"{parameter.meaning}{each}",
            )
    yield table


def _range_text(distribution: Distribution) -> str:
    match distribution:
        case Choice(options):
            return ", ".join(str(option) for option in dict.fromkeys(options))
        case LogUniform(low, high):
            return f"{low:g} … {high:g}, log"
        case Uniform(low, high) | Integers(low, high):
            return f"{low:g} … {high:g}"


def _family_summary(family: SceneFamily) -> dict[str, object]:
    return {
        "name": family.name,
        "summary": family.summary,
        "categories": list(family.categories),
        "image": family.image.model_dump(mode="json"),
        "factors": {
            factor.name: {
                parameter.name: _range_text(parameter.distribution)
                for parameter in factor.parameters
            }
            for factor in family.factors
        },
    }

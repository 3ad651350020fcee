"""Bodies of the commands about datasets: render, rerender, check."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path

from rich.table import Table

from blender_scenes.generate import render_dataset
from blender_scenes.profile import profile_frames
from blender_scenes.rerender import rerender_frame
from evaluation.dataset_figures import describe_dataset
from flows.audits import audit
from flows.terminal import Outcome, progress_bar
from pipeline.dataset.check import check_dataset
from pipeline.dataset.histograms import NumberSummary
from pipeline.dataset.layout import DatasetLayout
from pipeline.dataset.lock import writer_lock
from pipeline.dataset.manifest import Manifest, read_manifest
from pipeline.dataset.pictures import PictureStatistics
from pipeline.dataset.statistics import DatasetStatistics, LabelStatistics, read_statistics
from pipeline.errors import InputError
from pipeline.formats.markdown import counted
from pipeline.specs.scene import load_scene

__all__ = ["check", "render", "rerender", "statistics_table"]

_MOST_PAIRS = 5


def render(
    spec: Path,
    out: Path,
    *,
    frames: int | None,
    seed: int | None,
    workers: int | None,
    allow_quarantined: bool,
    profile: bool = False,
) -> Outcome:
    """Render a dataset, and say where the time of its frames goes."""
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
    seconds = {}
    if profile:
        with progress_bar("profile", "frames") as progress:
            seconds = profile_frames(scene, source=spec, workers=workers, progress=progress)
    manifest = read_manifest(out)
    _describe_once(out, manifest)
    lost = f", {len(manifest.quarantined)} left out" if manifest.quarantined else ""
    return Outcome(
        shown=(
            f"{out}: {manifest.spec.frames} frames, "
            f"{manifest.counts.get('instances', 0)} labelled instances{lost}",
            *([_profile_table(seconds)] if profile else []),
        ),
        summary={
            "dataset": str(out),
            "frames": manifest.spec.frames,
            "counts": manifest.counts,
            "seconds": manifest.seconds,
            "quarantined": {str(frame): why for frame, why in manifest.quarantined.items()},
            **({"profile": seconds} if profile else {}),
        },
    )


def _profile_table(seconds: dict[str, float]) -> Table:
    total = sum(seconds.values())
    table = Table(title="one frame in one worker", title_justify="left")
    for heading in ("stage", "ms", "share"):
        table.add_column(heading, justify="left" if heading == "stage" else "right")
    for stage, spent in {**seconds, "all": total}.items():
        table.add_row(stage, f"{1000 * spent:.1f}", f"{spent / total:.1%}")
    return table


def _describe_once(folder: Path, manifest: Manifest) -> None:
    """Draw the statistics that rendering has counted, unless they are drawn."""
    layout = DatasetLayout(folder)
    statistics = read_statistics(layout.statistics)
    if statistics is not None and not layout.statistics_picture.is_file():
        with writer_lock(folder):
            describe_dataset(folder, manifest, statistics)


def rerender(dataset: Path, frame: int, out: Path) -> Outcome:
    """Render one frame again; exit code 1 where its labels are not the same."""
    found = rerender_frame(dataset, frame, out)
    labels = "labels equal" if found.same_labels else "labels DIFFER from the dataset's"
    return Outcome(
        shown=(
            f"{found.image}: {labels}; {found.pixels_changed:.4%} of the picture's values "
            f"differ, by at most {found.largest_step:.0f} grey levels",
        ),
        summary={
            "image": str(found.image),
            "same_labels": found.same_labels,
            "pixels_changed": _number(found.pixels_changed),
            "largest_step": _number(found.largest_step),
        },
        exit_code=0 if found.same_labels else 1,
    )


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value


def check(
    folder: Path, *, frames: int | None = None, quarantine: bool = False, workers: int | None = None
) -> Outcome:
    """Check a dataset, and audit some frames; exit code 1 where it has problems."""
    if quarantine and frames is None:
        raise InputError("--quarantine: only an audit finds frames to take out; add --audit N.")
    checked = _checked(folder)
    if frames is None:
        return checked
    audited = audit(folder, frames=frames, quarantine=quarantine, workers=workers)
    if audited.summary["quarantined"]:
        checked = _checked(folder)  # what is left is another dataset
    return Outcome(
        shown=(*checked.shown, *audited.shown),
        summary={**checked.summary, "audit": audited.summary},
        exit_code=max(checked.exit_code, audited.exit_code),
    )


def _checked(folder: Path) -> Outcome:
    with progress_bar("check", "frames/s") as progress:
        report = check_dataset(folder, progress=progress)
    verdict = f"{folder}: {len(report.problems)} problems" if report.problems else f"{folder}: good"
    statistics = DatasetStatistics(labels=report.statistics, pictures=report.pictures)
    if not report.problems and os.access(folder, os.W_OK):
        with writer_lock(folder):
            describe_dataset(folder, report.manifest, statistics)
        verdict += f"; {DatasetLayout(folder).card} shows what is in it"
    return Outcome(
        shown=(
            statistics_table("labels", [("", report.statistics)]),
            *_picture_lines(report.pictures),
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
            "near_duplicates": report.pictures.near_duplicates.pairs,
        },
        exit_code=1 if report.problems else 0,
    )


def _picture_lines(pictures: PictureStatistics) -> Iterator[str]:
    if pictures.brightness:
        mean, deviation = pictures.brightness.mean, pictures.brightness.deviation
        yield f"brightness of pictures {mean:.3f} ± {deviation:.3f} of full scale"
    found = pictures.near_duplicates
    pairs = [f"{first} and {second}" for first, second, _ in found.closest[:_MOST_PAIRS]]
    listed = f": {', '.join(pairs)}{' ...' if found.pairs > len(pairs) else ''}" if pairs else ""
    besides = "" if found.within_sequences else ", apart from those of one sequence"
    yield f"{counted(found.pairs, 'pair')} of pictures nearly the same{besides}{listed}"


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
    if any(s.visible_fraction for s in every):
        table.add_row(
            "visible, %, 10/50/90 %", *(_quantiles(s.visible_fraction, 100) for s in every)
        )
        table.add_row(
            "cut by the edge", *("-" if s.truncated is None else str(s.truncated) for s in every)
        )
    return table


def _quantiles(numbers: NumberSummary | None, scale: float = 1) -> str:
    return " / ".join(f"{scale * value:.0f}" for value in numbers.spread) if numbers else "-"

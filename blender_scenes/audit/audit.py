"""Audit a dataset: its labels against a second method. Never imports bpy."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from blender_scenes.audit.children import audit_frames
from blender_scenes.audit.findings import FrameFindings, Tally
from blender_scenes.audit.job import AuditJob
from blender_scenes.audit.labels import read_labels
from blender_scenes.audit.limits import LIMITS
from pipeline.dataset.assembly import assemble
from pipeline.dataset.card import write_card
from pipeline.dataset.layout import DatasetLayout
from pipeline.dataset.lock import writer_lock
from pipeline.dataset.manifest import Manifest, read_manifest
from pipeline.errors import DatasetError
from pipeline.formats.storage import write_json_atomic
from pipeline.installation import installed_versions
from pipeline.progress import Progress, silent
from pipeline.records.audit import TAKEN_OUT, AuditedKind, AuditRecord
from pipeline.records.predictions import sha256_of

__all__ = ["audit_dataset", "spread_frames"]

_PACKAGES = {
    "blendgap": "blendgap",
    "bpy": "bpy",
    "numpy": "numpy",
    "opencv": "opencv-python-headless",
}


def audit_dataset(
    folder: Path,
    *,
    frames: int,
    quarantine: bool = False,
    workers: int | None = None,
    progress: Progress = silent,
) -> AuditRecord:
    """Compare the labels of some frames with a second method; writes audit.json and the card.

    Args:
        folder: A finished dataset.
        frames: How many, evenly spread.
        quarantine: Take frames that disagree out of ``instances.json``; their files stay.
        workers: Children; by default one per available core.
        progress: Hears of audited frames.

    Raises:
        DatasetError: If the folder is no finished dataset, or another process writes there.
        RenderError: If Blender dies.
    """
    layout = DatasetLayout(folder)
    with writer_lock(folder):
        manifest = read_manifest(folder)
        if not manifest.complete:
            raise DatasetError(
                f"{folder}: rendering has not finished; run `blendgap render` again to go on."
            )
        chosen = spread_frames(manifest, frames)
        job = AuditJob(dataset=folder.absolute(), spec=manifest.spec)
        findings = []
        progress(0, len(chosen), "starting Blender")
        for finding in audit_frames(
            job,
            read_labels(layout.annotations, chosen),
            workers=workers or len(os.sched_getaffinity(0)),
        ):
            findings.append(finding)
            progress(len(findings), len(chosen))
        findings.sort(key=lambda finding: finding.frame)
        wrong = {f.frame: f.disagreements for f in findings if f.disagreements}
        taken = wrong if quarantine else {}
        if taken:
            manifest = _quarantined(folder, manifest, taken)
        record = AuditRecord(
            annotations_sha256=sha256_of(layout.annotations),
            versions=installed_versions(_PACKAGES),
            frames=tuple(f.frame for f in findings if f.frame not in taken),
            kinds=_kinds(f for f in findings if f.frame not in taken),
            disagreements={frame: why for frame, why in wrong.items() if frame not in taken},
            not_compared=_not_compared(f for f in findings if f.frame not in taken),
            quarantined=taken,
        )
        write_json_atomic(layout.audit, record.model_dump(mode="json"))
        write_card(folder, manifest)
    return record


def spread_frames(manifest: Manifest, count: int) -> list[int]:
    """``count`` of the frames that are not quarantined, evenly spread; all if there are fewer."""
    frames = list(manifest.present_frames())
    if count >= len(frames):
        return frames
    places = np.linspace(0, len(frames) - 1, count).round().astype(int)
    return [frames[place] for place in places]


def _quarantined(folder: Path, manifest: Manifest, taken: dict[int, tuple[str, ...]]) -> Manifest:
    reasons = {frame: f"{TAKEN_OUT}{why[0]}" for frame, why in taken.items()}
    return assemble(
        folder,
        manifest.model_copy(update={"quarantined": manifest.quarantined | reasons}),
        wall_seconds=manifest.seconds.get("wall", 0.0),
    )


def _kinds(findings: Iterable[FrameFindings]) -> dict[str, AuditedKind]:
    tallies: dict[str, Tally] = {}
    for finding in findings:
        for kind, tally in finding.tallies.items():
            best_is_high = LIMITS[kind].unit == "IoU"
            tallies[kind] = tallies.get(kind, Tally()).plus(tally, best_is_high=best_is_high)
    return {kind: _kind(kind, tallies[kind]) for kind in LIMITS if kind in tallies}


def _kind(kind: str, tally: Tally) -> AuditedKind:
    limit = LIMITS[kind]
    mean = tally.total / tally.compared if tally.compared else None
    good_mean = limit.mean is None or mean is None or mean >= limit.mean
    return AuditedKind(
        unit=limit.unit,
        compared=tally.compared,
        agreeing=tally.agreeing,
        mean=mean,
        worst=tally.worst,
        limit=str(limit),
        required_share=limit.share,
        required_mean=limit.mean,
        passed=good_mean and tally.agreeing >= limit.share * tally.compared,
    )


def _not_compared(findings: Iterable[FrameFindings]) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for finding in findings:
        counts.update(finding.not_compared)
    return dict(sorted(counts.items()))

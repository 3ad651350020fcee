"""``card.md``: what a person should know about a dataset before using it.

Holds no time, path or host: two renders of one spec have the same card.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from pipeline.dataset.histograms import NumberSummary
from pipeline.dataset.layout import DatasetLayout
from pipeline.dataset.manifest import Manifest
from pipeline.dataset.pictures import PictureStatistics
from pipeline.dataset.statistics import LabelStatistics, read_statistics
from pipeline.errors import DatasetError
from pipeline.formats.markdown import bullets, counted, table
from pipeline.formats.storage import write_text_atomic
from pipeline.records.audit import AuditRecord, read_audit
from pipeline.specs.scene import LabelSpec, SceneSpec

__all__ = ["card_text", "write_card"]

_MOST_LISTED = 20
_LABELS = {
    "semantic": "category of every pixel: `passes/*.semantic.png`",
    "amodal": "masks and boxes of whole objects, visible fractions, truncation",
    "keypoints": "keypoints with COCO visibility",
    "poses": "6D poses (BOP convention), 3D boxes, camera matrices",
    "models": "surfaces of the objects: `models/*.ply`",
    "depth": "depth, metres along the camera's axis: `passes/*.depth.npy`",
    "normals": "surface normals: `passes/*.normals.npy`",
    "flow": "forward optical flow, px: `passes/*.flow.npy`",
}


def write_card(folder: Path, manifest: Manifest) -> None:
    """Write ``card.md`` from the manifest and the statistics, picture and audit that are there.

    Raises:
        DatasetError: If there are no statistics, or they or the audit cannot be read.
    """
    layout = DatasetLayout(folder)
    statistics = read_statistics(layout.statistics)
    if statistics is None:
        raise DatasetError(f"{layout.statistics}: missing; run `blendgap check` to restore it.")
    text = card_text(
        manifest,
        statistics.labels,
        pictures=statistics.pictures,
        audit=read_audit(layout.audit),
        figure=layout.statistics_picture.name if layout.statistics_picture.is_file() else None,
    )
    write_text_atomic(layout.card, text)


def card_text(
    manifest: Manifest,
    labels: LabelStatistics,
    *,
    pictures: PictureStatistics | None = None,
    audit: AuditRecord | None = None,
    figure: str | None = None,
) -> str:
    """The card of an assembled dataset, Markdown.

    Args:
        manifest: Of the finished dataset.
        labels: What its labels are like.
        pictures: What its pictures are like, where they have been read.
        audit: Where there was one.
        figure: Picture of the statistics, relative to the card.
    """
    spec = manifest.spec
    sections = {
        "What is in it": _contents(labels),
        "Labels": _labels(spec.labels),
        "How it was made": _making(manifest, labels),
        "Audit": _audit(audit, manifest),
        "Look-alikes": _look_alikes(pictures, spec),
        "Known limits": _limits(manifest),
    }
    parts = [f"# {spec.scene}, seed {spec.seed}", _opening(manifest, labels)]
    if figure is not None:
        parts.append(f"![Statistics of the dataset]({figure})")
    for title, paragraphs in sections.items():
        parts += [f"## {title}", *paragraphs]
    return "\n\n".join(parts) + "\n"


def _opening(manifest: Manifest, labels: LabelStatistics) -> str:
    spec = manifest.spec
    sizes = ", ".join(size.replace("x", " x ") for size in labels.image_sizes)
    kind = "rendered pictures"
    if spec.sequence is not None:
        kind += f" in sequences of {spec.sequence.frames} at {spec.sequence.fps:g} per second"
    classes = counted(len(labels.per_category), "class")
    return (
        f"**{labels.images:,}** {kind}{f' ({sizes} px)' if sizes else ''} with "
        f"**{labels.instances:,}** labelled objects of {classes} and "
        f"{counted(labels.crowds, 'crowd')} (objects too little visible to count)."
    )


def _contents(labels: LabelStatistics) -> Iterator[str]:
    measures = {
        "objects per picture": labels.per_image,
        "box side, px": labels.box_side_px,
        "width / height of a box": labels.aspect_ratio,
        "visible fraction of an object": labels.visible_fraction,
        "share of an object outside the picture": labels.truncation,
    }
    yield table(
        ("", "least", "10 %", "median", "90 %", "most"),
        ((name, *_five(numbers)) for name, numbers in measures.items() if numbers),
    )
    total = max(labels.instances, 1)
    yield table(
        ("class", "objects", "share"),
        (
            (name, f"{count:,}", f"{100 * count / total:.1f} %")
            for name, count in labels.per_category.items()
        ),
    )
    if labels.keypoints:
        yield table(
            ("keypoint", "visible", "hidden", "outside the picture"),
            (
                (f"{category}: {name}", *(f"{100 * n / sum(counts):.0f} %" for n in counts[::-1]))
                for category, points in labels.keypoints.items()
                for name, counts in points.items()
            ),
        )
    if labels.empty_images:
        yield f"{counted(labels.empty_images, 'picture')} without any object."
    if labels.truncated is not None:
        yield f"{counted(labels.truncated, 'object')} cut by the edge of the picture."


def _labels(spec: LabelSpec) -> Iterator[str]:
    on = [name for name in _LABELS if getattr(spec, name)]
    off = [name for name in _LABELS if name not in on]
    yield bullets(
        [
            "masks and boxes of the visible part: `annotations/instances.json` (COCO)",
            "the object that every pixel shows: `passes/*.ids.png`",
            *(_LABELS[name] for name in on),
        ]
    )
    least = f"fewer than {spec.min_visible_px} visible pixels"
    if spec.amodal:
        least += f" or less than {100 * spec.min_visible_fraction:g} % visible"
    yield f"Objects with {least} are crowds (`iscrowd: 1`)."
    if off:
        yield f"Switched off: {', '.join(off)}."


def _making(manifest: Manifest, labels: LabelStatistics) -> Iterator[str]:
    spec = manifest.spec
    versions = ", ".join(f"{name} {version}" for name, version in manifest.versions.items())
    yield (
        f"Blender Cycles, {spec.render.samples_per_pixel} samples per pixel; {versions}. "
        "Labels are taken at the centres of the pixels, from the scene that was rendered. Every "
        "number behind picture i is in `frames/`; it depends on the spec, the seed and i only."
    )
    total = max(labels.images, 1)
    effects = [
        name if count == labels.images else f"{name} ({100 * count / total:.0f} % of the pictures)"
        for name, count in labels.effects.items()
    ]
    yield f"Lens and sensor: {', '.join(effects) or 'none; a perfect camera'}."
    changed = [f"`{name}`: {_setting(value)}" for name, value in spec.factors.items()]
    if changed:
        yield f"Changed from the family's defaults:\n\n{bullets(changed)}"
    drawn = [
        (f"`{name}`", f"{numbers.low:.4g} to {numbers.high:.4g}")
        for name, numbers in labels.factors.items()
        if numbers.low < numbers.high
    ]
    drawn += [
        (f"`{name}`", ", ".join(f"{word} ({count:,})" for word, count in words.items()))
        for name, words in labels.factor_words.items()
        if len(words) > 1
    ]
    if drawn:
        yield (
            "<details><summary>What varies from picture to picture</summary>\n\n"
            f"{table(('factor', 'drawn'), sorted(drawn))}\n\n</details>"
        )


def _audit(audit: AuditRecord | None, manifest: Manifest) -> Iterator[str]:
    if audit is None:
        yield (
            "The labels have not been audited. `blendgap check DATASET --audit 20` derives those "
            "of 20 pictures by a second method and writes here how far the two agree."
        )
        return
    if audit.annotations_sha256 not in manifest.files.values():
        yield "**Of an earlier state of this dataset: audit again.**"
    verdict = "All kinds of label are within their limits" if audit.passed else "**Failed**"
    yield (
        f"{verdict}: {counted(len(audit.frames), 'picture')} labelled again by a second method "
        "that shares no code with the first."
    )
    yield table(
        ("label", "compared", "within limit", "mean", "worst", "limit", "verdict"),
        (
            (
                name,
                f"{kind.compared:,}",
                f"{kind.agreeing:,}",
                _optional(kind.mean),
                _optional(kind.worst),
                kind.limit,
                "good" if kind.passed else "**failed**",
            )
            for name, kind in audit.kinds.items()
        ),
    )
    if audit.not_compared:
        left_out = (f"{reason} ({count:,})" for reason, count in audit.not_compared.items())
        yield f"Left out of the comparison: {', '.join(left_out)}."
    if audit.disagreements:
        yield f"Pictures with disagreements:\n\n{_reasons(audit.disagreements)}"
    if audit.quarantined:
        yield f"Taken out of the dataset after the audit:\n\n{_reasons(audit.quarantined)}"


def _look_alikes(pictures: PictureStatistics | None, spec: SceneSpec) -> Iterator[str]:
    if pictures is None:
        yield "Not looked for yet; `blendgap check DATASET` does."
        return
    found = pictures.near_duplicates
    if found.pictures:
        pairs = ", ".join(
            f"{first} and {second}" for first, second, _ in found.closest[:_MOST_LISTED]
        )
        yield (
            f"{counted(found.pictures, 'picture')} nearly the same as another one "
            f"({counted(found.pairs, 'pair')}), the closest: {pairs}."
        )
    else:
        yield "No two pictures are nearly the same, by a perceptual hash."
    if spec.sequence is not None:
        yield "Pictures of one sequence are alike by nature and were not compared with each other."


def _limits(manifest: Manifest) -> Iterator[str]:
    limits = ["How glass, mirrors, thin parts and blur are labelled: blendgap's `docs/labels.md`."]
    if not manifest.spec.labels.amodal:
        limits.append(
            "Masks and boxes are of the visible part; how much is hidden is not labelled."
        )
    if not manifest.quarantined:
        limits.append("No picture is missing.")
    yield bullets(limits)
    if manifest.quarantined:
        quarantined = {frame: (why,) for frame, why in manifest.quarantined.items()}
        yield f"Missing pictures:\n\n{_reasons(quarantined)}"


def _reasons(frames: Mapping[int, Iterable[str]]) -> str:
    lines = [f"{frame}: {'; '.join(reasons)}" for frame, reasons in sorted(frames.items())]
    more = len(lines) - _MOST_LISTED
    return bullets([*lines[:_MOST_LISTED], *([f"and {more:,} more"] if more > 0 else [])])


def _five(numbers: NumberSummary) -> Iterator[str]:
    for number in (numbers.low, *numbers.spread, numbers.high):
        yield f"{number:.3g}" if abs(number) < 1000 else f"{number:,.0f}"


def _setting(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_setting(entry)}" for key, entry in value.items())
    if isinstance(value, list | tuple):
        numbers = all(isinstance(entry, int | float) for entry in value)
        return (" to " if numbers else ", ").join(_setting(entry) for entry in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _optional(number: float | None) -> str:
    return "-" if number is None else f"{number:.4g}"

"""``card.md``: what a person should know about a dataset before using it."""

from __future__ import annotations

from pathlib import Path

from pipeline.dataset.layout import DatasetLayout
from pipeline.dataset.manifest import Manifest
from pipeline.dataset.statistics import label_statistics
from pipeline.formats.coco import read_coco

__all__ = ["card_text"]


def card_text(folder: Path, manifest: Manifest) -> str:
    """The card of an assembled dataset, Markdown."""
    spec = manifest.spec
    statistics = label_statistics(read_coco(DatasetLayout(folder).annotations))
    low, median, high = statistics.per_image
    small, middle, large = statistics.box_side_px
    rows = "\n".join(f"| {name} | {count} |" for name, count in statistics.per_category.items())
    changed = "\n".join(f"- `{name}`: {value}" for name, value in spec.factors.items())
    quarantined = "\n".join(f"- {i}: {why}" for i, why in sorted(manifest.quarantined.items()))
    versions = ", ".join(f"{name} {version}" for name, version in manifest.versions.items())
    image = spec.image
    size = f"{image.width} x {image.height} px, {image.format}" if image else "family default"
    return f"""# {spec.scene}, seed {spec.seed}

{statistics.images} rendered pictures ({size}), {statistics.instances} labelled objects, \
{statistics.crowds} crowds (fewer than {spec.labels.min_visible_px} visible pixels).

| | 10 % | median | 90 % |
|---|---|---|---|
| objects per picture | {low:.0f} | {median:.0f} | {high:.0f} |
| box side (px) | {small:.1f} | {middle:.1f} | {large:.1f} |

| category | objects |
|---|---|
{rows}

## How it was made

Blender Cycles, {spec.render.samples_per_pixel} samples per pixel; {versions}. Labels come from
the object-index pass of the same render: the pixel belongs to the object its centre sees.
Every number behind frame i is in `frames/`; it depends on the spec, the seed and i only.

Factors changed from the family's defaults:

{changed or "- none"}

## Known limits

- Masks and boxes are of the visible part. There is no audit by a second method yet.
- Quarantined frames (could not be rendered):

{quarantined or "- none"}
"""

"""Body of the command that sets rendered pictures against real ones."""

from __future__ import annotations

import math
import tempfile
from pathlib import Path

from rich.table import Table

from blender_scenes.generate import render_dataset
from evaluation.benchmarks import split_names
from evaluation.contact_sheets import beside_sheet
from evaluation.realism import (
    MEASURES,
    WIDEST,
    Comparison,
    common_side_px,
    compare_measures,
    crops_like,
    measure_pictures,
)
from flows.scenes import check_sheet, write_sheet
from flows.scoring import find_target
from flows.terminal import Outcome, progress_bar
from pipeline.dataset.histograms import NumberSummary
from pipeline.errors import DatasetError
from pipeline.formats.annotated import read_annotated, recognise
from pipeline.specs.scene import load_scene

__all__ = ["compare"]

_REAL = (0.1, 0.5, 0.9)
_SYNTHETIC = (0.01, 0.1, 0.5, 0.9, 0.99)


def compare(
    source: Path,
    benchmark: str,
    *,
    split: str | None = None,
    out: Path | None = None,
    frames: int = 100,
    seed: int | None = None,
    workers: int | None = None,
    benchmarks: Path | None = None,
) -> Outcome:
    """Measure synthetic and real pictures alike and say where they do not agree."""
    if out is not None:
        check_sheet(out)
    folder = find_target(benchmark, benchmarks=benchmarks)
    split = split or _tuning_split(folder)
    real = read_annotated(folder, split)
    with tempfile.TemporaryDirectory(prefix="blendgap-compare-") as scratch:
        rendered = source
        if not source.is_dir():
            scene = load_scene(source, frames=frames, seed=seed)
            rendered = Path(scratch) / "dataset"
            with progress_bar("render", "frames/min") as progress:
                render_dataset(scene, rendered, source=source, workers=workers, progress=progress)
        synthetic = read_annotated(rendered)
        frames_only = recognise(rendered) != "imagefolder"
        boxes = frames_only and recognise(folder) != "imagefolder"
        if frames_only and not boxes:
            synthetic = crops_like(real, synthetic, Path(scratch) / "crops")
        side_px = common_side_px(synthetic, real)
        found = compare_measures(
            synthetic=measure_pictures(synthetic, side_px=side_px, boxes=boxes),
            real=measure_pictures(real, side_px=side_px, boxes=boxes),
        )
        if out is not None:
            pictures = ([image.path for image in each.images] for each in (synthetic, real))
            write_sheet(out, beside_sheet(*pictures))
    name = f"{folder.name}/{split}" if split else folder.name
    failed = [each.name for each in found if False in (each.covered, each.narrow)]
    return Outcome(
        shown=(
            f"{source}: {len(synthetic.images)} pictures beside {len(real.images)} of {name}, "
            f"longer sides at most {side_px} px",
            _table(found),
            f"not as real ones: {', '.join(failed)}" if failed else "every measure agrees",
            *([f"{out}: {source} beside {name}"] if out else []),
        ),
        summary={
            "source": str(source),
            "benchmark": str(folder),
            "split": split,
            "side_px": side_px,
            "passed": not failed,
            "measures": {each.name: _summary(each) for each in found},
            **({"sheet": str(out)} if out else {}),
        },
    )


def _tuning_split(folder: Path) -> str | None:
    """The split to look at unless told otherwise; never one that is kept for tests."""
    names = split_names(folder)
    for name in ("train", "val", None):
        if name in names:
            return name
    raise DatasetError(
        f"{folder}: got splits {', '.join(map(str, names)) or 'none'}; expected train or val. "
        "To look at another one, name it with --split."
    )


def _table(found: tuple[Comparison, ...]) -> Table:
    table = Table(
        caption="covered: real 10-90 % inside synthetic 1-99 %; "
        f"width: of the synthetic 10-90 % over the real one's, at most {WIDEST:g}",
        caption_justify="left",
    )
    table.add_column("measure")
    table.add_column("real 10/50/90 %", justify="right")
    table.add_column("synthetic 1/10/50/90/99 %", justify="right")
    for heading in ("covered", "width"):
        table.add_column(heading, justify="right")
    for each in found:
        width = each.relative_width
        table.add_row(
            each.name,
            _quantiles(each.real, _REAL),
            _quantiles(each.synthetic, _SYNTHETIC),
            {True: "yes", False: "NO", None: "-"}[each.covered],
            "-" if math.isnan(width) else f"{'' if each.narrow else 'NO: '}{width:.1f}",
        )
    return table


def _quantiles(numbers: NumberSummary | None, shares: tuple[float, ...]) -> str:
    if numbers is None:
        return "-"
    return " / ".join(f"{numbers.quantiles[share]:.3g}" for share in shares)


def _summary(each: Comparison) -> dict[str, object]:
    def of(numbers: NumberSummary | None, shares: tuple[float, ...]) -> dict[str, float] | None:
        if numbers is None:
            return None
        return {f"{share:g}": numbers.quantiles[share] for share in shares}

    return {
        "unit": MEASURES[each.name],
        "real": of(each.real, _REAL),
        "synthetic": of(each.synthetic, _SYNTHETIC),
        "covered": each.covered,
        "narrow": each.narrow,
        "relative_width": each.relative_width if math.isfinite(each.relative_width) else None,
    }

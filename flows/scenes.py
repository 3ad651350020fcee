"""Bodies of the commands about scene families: scenes, preview."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from rich.console import RenderableType
from rich.constrain import Constrain
from rich.table import Table
from rich.text import Text

from blender_scenes.family import SceneFamily
from blender_scenes.generate import render_dataset, resolve_spec
from blender_scenes.registry import all_families, find_family
from evaluation.contact_sheets import picture_sheet
from evaluation.drawing import dataset_sheet
from flows.terminal import Outcome, progress_bar
from pipeline.dataset.layout import DatasetLayout
from pipeline.dataset.manifest import read_manifest
from pipeline.drawing import ImageArray, encode_image
from pipeline.errors import SpecError
from pipeline.formats.storage import write_bytes_atomic
from pipeline.sampling.captions import draw_captions
from pipeline.sampling.distributions import value_text
from pipeline.sampling.factors import Choice, Parameter, bind_factors
from pipeline.sampling.seeds import FrameSeeds
from pipeline.sampling.variation import vary_only
from pipeline.specs.scene import SceneSpec, load_scene

__all__ = ["check_sheet", "preview", "scenes", "write_sheet"]

_WIDTH = 100  # of tables, in characters


def scenes(name: str | None) -> Outcome:
    """List one scene family, or all."""
    families = [find_family(name, source="blendgap scenes")] if name else list(all_families())
    return Outcome(
        shown=tuple(item for family in families for item in _family_lines(family)),
        summary={"scenes": [_family_summary(family) for family in families]},
    )


def preview(
    spec: Path,
    out: Path,
    *,
    frames: int,
    seed: int | None,
    workers: int | None,
    vary: str | None = None,
    frame: int | None = None,
) -> Outcome:
    """Render a few frames and draw them, labels and all, on one sheet.

    With ``vary`` only that factor moves: all others stay as drawn for ``frame``, and what was
    drawn stands under each picture in place of the labels.
    """
    check_sheet(out)
    if vary is None and frame is not None:
        raise SpecError("--frame: says whose draws stay while one factor moves; add --vary FACTOR.")
    scene = load_scene(spec, frames=frames, seed=seed)
    captions: list[str] = []
    if vary is not None:
        scene, captions = _with_one_moving(scene, vary, frame=frame or 0, source=spec)
    with tempfile.TemporaryDirectory(prefix="blendgap-preview-") as name:
        folder = Path(name)
        with progress_bar("preview", "frames/min") as progress:
            render_dataset(scene, folder, source=spec, workers=workers, progress=progress)
        instances = read_manifest(folder).counts["instances"]
        pictures = sorted(DatasetLayout(folder).image(0, "png").parent.iterdir())
        write_sheet(
            out,
            picture_sheet(pictures, captions=captions)
            if captions
            else dataset_sheet(folder, pictures=frames),
        )
    return Outcome(
        shown=(f"{out}: {frames} frames, {instances} labelled instances",),
        summary={"sheet": str(out), "frames": frames, "instances": instances},
    )


def check_sheet(out: Path) -> None:
    """Refuse a sheet's file name before anything is rendered for it.

    Raises:
        SpecError: If it ends in anything but ``.png`` or ``.jpg``.
    """
    if out.suffix.lower() not in (".png", ".jpg"):
        raise SpecError(f"{out}: got suffix {out.suffix!r}; expected .png or .jpg.")


def write_sheet(out: Path, sheet: ImageArray) -> None:
    """Write a contact sheet, making its folder."""
    out.parent.mkdir(parents=True, exist_ok=True)
    write_bytes_atomic(out, encode_image(sheet, suffix=out.suffix.lower()))


def _with_one_moving(
    scene: SceneSpec, vary: str, *, frame: int, source: Path
) -> tuple[SceneSpec, list[str]]:
    """The spec, of single pictures, with all other factors frozen; what each picture draws."""
    resolve_spec(scene, source=source)
    factors = {factor.name: factor for factor in find_family(scene.scene, source=source).factors}
    name = next((known for known in factors if known == vary), None)
    if name is None:
        raise SpecError(f"--vary: got {vary!r}; expected one of {', '.join(factors)}.")
    single = scene.model_copy(
        update={"sequence": None, "labels": scene.labels.model_copy(update={"flow": False})}
    )
    alone = vary_only(single, name, factors=factors, frame=frame)
    bound = bind_factors(
        tuple(factors.values()), alone.factors, source=source, randomisation=alone.randomisation
    )
    seeds = [FrameSeeds(seed=scene.seed, frame=i) for i in range(scene.frames)]
    return alone, draw_captions(bound[name], seeds)


def _family_lines(family: SceneFamily) -> Iterator[RenderableType]:
    image = family.image
    yield f"{family.name}: {family.summary}"
    yield f"  categories: {', '.join(family.categories) or 'what the spec names'}"
    yield f"  pictures: {image.width} x {image.height} {image.format}"
    longest = max(len(p.name) for factor in family.factors for p in factor.parameters)
    yield Constrain(_columns(longest, ("  parameter", "range", "off", "wild", "meaning")), _WIDTH)
    for factor in family.factors:
        moved = f" (moves {', '.join(factor.dependants)} too)" if factor.dependants else ""
        yield Constrain(Text(f"{factor.name}: {factor.meaning}{moved}"), _WIDTH)
        yield Constrain(_columns(longest, *map(_cells, factor.parameters)), _WIDTH)
    yield "* drawn for every object"


def _columns(longest_name: int, *rows: tuple[str, ...]) -> Table:
    """Rows of five cells, the columns of every such table below each other."""
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    for width in (longest_name + 4, 24, 8, 18, None):
        table.add_column(width=width, overflow="fold")
    for row in rows:
        table.add_row(*row)
    return table


def _cells(parameter: Parameter) -> tuple[str, ...]:
    return (
        f"  {parameter.name}{' *' if parameter.per_object else ''}",
        str(parameter.distribution),
        value_text(parameter.off),
        _wild_text(parameter),
        parameter.meaning,
    )


def _wild_text(parameter: Parameter) -> str:
    wild = parameter.varied("wild")
    if parameter.wild is None and isinstance(wild, Choice):
        return "more even" if str(wild) != str(parameter.distribution) else ""
    return "" if str(wild) == str(parameter.distribution) else str(wild)


def _family_summary(family: SceneFamily) -> dict[str, object]:
    return {
        "name": family.name,
        "summary": family.summary,
        "categories": list(family.categories),
        "image": family.image.model_dump(mode="json"),
        "factors": {
            factor.name: {p.name: str(p.distribution) for p in factor.parameters}
            for factor in family.factors
        },
        "parameters": [
            {
                "factor": factor.name,
                "name": parameter.name,
                "range": str(parameter.distribution),
                "off": parameter.off,
                "wild": str(parameter.varied("wild")),
                "per_object": parameter.per_object,
                "meaning": parameter.meaning,
            }
            for factor in family.factors
            for parameter in factor.parameters
        ],
    }

"""Commands about scenes and rendered datasets: from a spec to labelled pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows.commands.options import Frames, Json, Seed, Workers, finish
from flows.late import load

__all__ = ["check", "preview", "render", "rerender", "scenes"]


def scenes(
    name: Annotated[str | None, typer.Argument(help="A scene family; by default all.")] = None,
    as_json: Json = False,
) -> None:
    """List scene families: their categories, their factors, what these vary and how far.

    Reads and writes nothing.
    """
    finish(load("flows.scenes").scenes(name), as_json)


def preview(
    spec: Annotated[Path, typer.Argument(help="Scene spec (YAML).")],
    out: Annotated[Path, typer.Option("-o", "--out", help="Picture to write, .png or .jpg.")],
    frames: Annotated[int, typer.Option(min=1, max=400, help="Frames on the sheet.")] = 12,
    vary: Annotated[
        str | None,
        typer.Option(metavar="FACTOR", help="Let only this factor move, and print what it drew."),
    ] = None,
    frame: Annotated[
        int | None, typer.Option(min=0, help="With --vary: frame whose draws all others keep.")
    ] = None,
    seed: Seed = None,
    workers: Workers = None,
    as_json: Json = False,
) -> None:
    """Render a few frames and draw their labels on one contact sheet.

    Reads a scene spec. Writes one picture; the frames themselves are not kept.
    """
    body = load("flows.scenes").preview
    outcome = body(spec, out, frames=frames, seed=seed, workers=workers, vary=vary, frame=frame)
    finish(outcome, as_json)


def render(
    spec: Annotated[Path, typer.Argument(help="Scene spec (YAML).")],
    out: Annotated[Path, typer.Option("-o", "--out", help="Dataset folder to write.")],
    frames: Frames = None,
    seed: Seed = None,
    workers: Workers = None,
    allow_quarantined: Annotated[
        bool, typer.Option("--allow-quarantined", help="Leave out frames that cannot be rendered.")
    ] = False,
    profile: Annotated[
        bool, typer.Option("--profile", help="Say where a frame's time goes, too.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Render a labelled dataset.

    Reads a scene spec. Writes a dataset folder: images, COCO annotations, frame records,
    manifest, statistics and card. What is there already is kept: run it again to go on, or with
    more frames to extend it.
    """
    body = load("flows.datasets").render
    outcome = body(
        spec,
        out,
        frames=frames,
        seed=seed,
        workers=workers,
        allow_quarantined=allow_quarantined,
        profile=profile,
    )
    finish(outcome, as_json)


def rerender(
    dataset: Annotated[Path, typer.Argument(help="Dataset folder.")],
    frame: Annotated[int, typer.Option(min=0, help="Index of the frame.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder for the new frame.")],
    as_json: Json = False,
) -> None:
    """Render one frame of a dataset again, from its record, and compare.

    Reads the dataset's manifest and the frame's record. Writes picture, passes and record, laid
    out like a dataset. Exits 1 where the labels are not the same.
    """
    finish(load("flows.datasets").rerender(dataset, frame, out), as_json)


def check(
    dataset: Annotated[Path, typer.Argument(help="Dataset folder.")],
    audit: Annotated[
        int | None,
        typer.Option(min=1, help="Frames whose labels are derived anew by a second method."),
    ] = None,
    quarantine: Annotated[
        bool, typer.Option("--quarantine", help="Take audited frames that disagree out.")
    ] = False,
    workers: Workers = None,
    as_json: Json = False,
) -> None:
    """Check a rendered dataset and print its statistics.

    Reads a dataset: its structure, the hashes in its manifest, every label against the id pass.
    Writes statistics.json, statistics.png and the card anew, unless something is wrong.
    An audit builds N frames anew from their records, evenly spread, and compares their labels
    with what Blender's BVH trees and OpenCV say; it writes audit.json and the card. Quarantined
    frames leave instances.json, their files stay. Exits 1 where something is wrong.
    """
    body = load("flows.datasets").check
    finish(body(dataset, frames=audit, quarantine=quarantine, workers=workers), as_json)

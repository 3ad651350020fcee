"""Commands about labelled pictures, rendered or real."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows.commands.options import Benchmarks, Json, Seed, Workers, finish
from flows.late import load

__all__ = ["benchmark", "compare", "export"]


def export(
    dataset: Annotated[
        Path, typer.Argument(metavar="DATASET|FOLDER", help="Dataset or other labelled pictures.")
    ],
    to: Annotated[str, typer.Option(metavar="FORMAT", help="Format to write.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="New folder to write.")],
    source: Annotated[
        str | None,
        typer.Option("--from", metavar="FORMAT", help="How to read, if not as it looks."),
    ] = None,
    split: Annotated[str | None, typer.Option(help="Only this split; by default all.")] = None,
    crop_size: Annotated[
        int, typer.Option(min=4, max=1024, help="Side of the crops of imagefolder, px.")
    ] = 64,
    as_json: Json = False,
) -> None:
    """Write labelled pictures in the format of another tool.

    Reads a rendered dataset, or a folder in coco, yolo, voc, bop or imagefolder layout. Writes
    DIR in one of the formats coco, yolo, yolo-segment, yolo-pose, voc, bop, mot, imagefolder or
    webdataset: whole or not at all, pictures hard-linked where they stay what they are.
    """
    body = load("flows.exchange").export
    finish(body(dataset, out, to=to, source=source, split=split, crop_size=crop_size), as_json)


def benchmark(
    name_or_dir: Annotated[str, typer.Argument(metavar="NAME|DIR", help="Real benchmark.")],
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", help="Contact sheet to write: 24 pictures with their labels."),
    ] = None,
    split: Annotated[
        str | None, typer.Option(help="Split on the sheet; by default train, else val.")
    ] = None,
    benchmarks: Benchmarks = None,
    as_json: Json = False,
) -> None:
    """Say what a real benchmark holds: splits, pictures, labels.

    Reads and checks a folder in COCO, ImageFolder, YOLO, VOC or BOP layout, or with a class map
    beside each picture; an embedded benchmark by name (coins, digits); or a published one
    (voc2007, voc2012, voc2012-segmentation, oxford-iiit-pet), which torchvision downloads into
    the cache folder. Writes nothing but the sheet.
    """
    body = load("flows.scoring").benchmark
    finish(body(name_or_dir, out=out, split=split, benchmarks=benchmarks), as_json)


def compare(
    source: Annotated[
        Path, typer.Argument(metavar="SPEC|DATASET", help="Scene spec, or rendered dataset.")
    ],
    benchmark: Annotated[str, typer.Option("--with", metavar="BENCHMARK", help="Real pictures.")],
    split: Annotated[
        str | None, typer.Option(help="Split of the benchmark; by default train, else val.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", help="Sheet to write: 24 pictures of each, side by side."),
    ] = None,
    frames: Annotated[int, typer.Option(min=2, help="Frames to render of a spec.")] = 100,
    seed: Seed = None,
    workers: Workers = None,
    benchmarks: Benchmarks = None,
    as_json: Json = False,
) -> None:
    """Say whether rendered pictures look like real ones: size, number, light, sharpness, noise.

    Reads a scene spec, whose frames are not kept, or a dataset, and one split of a benchmark.
    Writes nothing but the sheet.
    """
    body = load("flows.realism").compare
    outcome = body(
        source,
        benchmark,
        split=split,
        out=out,
        frames=frames,
        seed=seed,
        workers=workers,
        benchmarks=benchmarks,
    )
    finish(outcome, as_json)

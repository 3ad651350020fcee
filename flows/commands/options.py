"""What commands have in common: their options, and how they end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from flows.terminal import Outcome, show

__all__ = [
    "Benchmarks",
    "Experiment",
    "Frames",
    "Json",
    "Out",
    "Seed",
    "Split",
    "Trainings",
    "Workers",
    "finish",
]

Json = Annotated[bool, typer.Option("--json", help="Print one JSON line with the result last.")]
Out = Annotated[Path, typer.Option("-o", "--out", help="Where to write.")]
Frames = Annotated[int | None, typer.Option(min=1, help="Frames, in place of the spec's.")]
Seed = Annotated[
    int | None, typer.Option(min=0, max=2**63 - 1, help="Seed, in place of the file's.")
]
Workers = Annotated[
    int | None, typer.Option(min=1, help="Blender processes; by default one per core.")
]
Trainings = Annotated[
    int, typer.Option(min=1, help="Networks trained at once, each on its share of the cores.")
]
Split = Annotated[
    str | None,
    typer.Option(help="Split of a benchmark; by default test if there is one, else val."),
]
Benchmarks = Annotated[
    Path | None,
    typer.Option(
        envvar="BLENDGAP_BENCHMARKS", help="Folder in which benchmarks are found by NAME."
    ),
]
Experiment = Annotated[Path, typer.Argument(help="Experiment file (YAML).")]


def finish(outcome: Outcome, as_json: bool) -> None:
    """Print what a command gives back and leave with its exit code."""
    show(*outcome.shown)
    if as_json:
        typer.echo(json.dumps(outcome.summary, allow_nan=False))
    if outcome.exit_code:
        raise typer.Exit(outcome.exit_code)

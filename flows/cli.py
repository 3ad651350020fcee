"""The ``blendgap`` command line: options in, a body from another module, an exit code out.

Bodies are loaded when their command runs (see :mod:`flows.late`).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, ParamSpec

import typer

from flows.exits import with_exit_code
from flows.late import load
from flows.terminal import Outcome, show

__all__ = ["app", "main"]

app = typer.Typer(
    name="blendgap",
    help="Render labelled pictures in Blender, train on them, and measure what they buy on real "
    "photographs.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Parameters = ParamSpec("Parameters")

Json = Annotated[bool, typer.Option("--json", help="Print one JSON line with the result last.")]
Out = Annotated[Path, typer.Option("-o", "--out", help="Where to write.")]
Frames = Annotated[int | None, typer.Option(min=1, help="Frames, in place of the spec's.")]
Seed = Annotated[
    int | None, typer.Option(min=0, max=2**63 - 1, help="Seed, in place of the file's.")
]
Workers = Annotated[
    int | None, typer.Option(min=1, help="Blender processes; by default one per core.")
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


def _command(function: Callable[Parameters, None]) -> Callable[Parameters, None]:
    return app.command()(with_exit_code(function))


@_command
def demo(
    out: Out = Path("runs/demo"),
    seed: Annotated[int, typer.Option(min=0, help="Seed of rendering and training.")] = 0,
    workers: Workers = None,
    as_json: Json = False,
) -> None:
    """Render coins, train on them, score the network on a real photograph, write a report.

    Reads nothing of yours. Writes DIR/dataset, DIR/dataset_test, DIR/cells, DIR/scores.json and
    DIR/report.html. Run it again to go on after an interruption.
    """
    _finish(load("flows.runs").demo(out, seed=seed, workers=workers), as_json)


@_command
def scenes(
    name: Annotated[str | None, typer.Argument(help="A scene family; by default all.")] = None,
    as_json: Json = False,
) -> None:
    """List scene families: their categories, their factors, what these vary and how far.

    Reads and writes nothing.
    """
    _finish(load("flows.scenes").scenes(name), as_json)


@_command
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
    _finish(outcome, as_json)


@_command
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
    _finish(outcome, as_json)


@_command
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
    _finish(load("flows.datasets").rerender(dataset, frame, out), as_json)


@_command
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
    _finish(body(dataset, frames=audit, quarantine=quarantine, workers=workers), as_json)


@_command
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
    _finish(body(dataset, out, to=to, source=source, split=split, crop_size=crop_size), as_json)


@_command
def benchmark(
    name_or_dir: Annotated[str, typer.Argument(metavar="NAME|DIR", help="Real benchmark.")],
    benchmarks: Benchmarks = None,
    as_json: Json = False,
) -> None:
    """Say what a real benchmark holds: splits, pictures, labels.

    Reads a COCO or ImageFolder folder, or an embedded benchmark by name (coins, digits), which
    is unpacked in the cache folder. Writes nothing else.
    """
    _finish(load("flows.scoring").benchmark(name_or_dir, benchmarks=benchmarks), as_json)


@_command
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
    _finish(outcome, as_json)


@_command
def train(
    config: Annotated[Path, typer.Argument(help="Training configuration (YAML).")],
    out: Annotated[Path, typer.Option("-o", "--out", help="Run folder to write.")],
    as_json: Json = False,
) -> None:
    """Train one network.

    Reads a training configuration and the datasets it names. Writes a run folder: model.pt,
    train.json, curve.json, batch.png. Run it again to go on after an interruption.
    """
    _finish(load("flows.networks").train_network(config, out), as_json)


@_command
def predict(
    run: Annotated[Path, typer.Argument(help="Run folder with a trained network.")],
    on: Annotated[
        str,
        typer.Option(metavar="DATASET|BENCHMARK", help="Dataset, benchmark, or pictures."),
    ],
    out: Annotated[Path, typer.Option("-o", "--out", help="Predictions file to write.")],
    split: Split = None,
    benchmarks: Benchmarks = None,
    as_json: Json = False,
) -> None:
    """Predict pictures with a trained network.

    Reads a run folder and a dataset, a benchmark, a folder of pictures or one picture; never
    its labels. Writes predictions.json (COCO results) and predictions.meta.json.
    """
    body = load("flows.networks").predict_pictures
    _finish(body(run, on, out, split=split, benchmarks=benchmarks), as_json)


@_command
def evaluate(
    predictions: Annotated[Path, typer.Option(help="Predictions file, of any model.")],
    on: Annotated[str, typer.Option(metavar="BENCHMARK", help="Benchmark or dataset.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="Score file to write.")],
    split: Split = None,
    benchmarks: Benchmarks = None,
    as_json: Json = False,
) -> None:
    """Score a predictions file, ours or an outside model's, with 95 % intervals.

    Reads predictions (COCO results JSON) and a benchmark's labels. Writes scores.json.
    """
    body = load("flows.scoring").score
    _finish(body(predictions, on, out, split=split, benchmarks=benchmarks), as_json)


@_command
def experiment(
    experiment: Experiment,
    out: Out,
    seed: Seed = None,
    workers: Workers = None,
    benchmarks: Benchmarks = None,
    as_json: Json = False,
) -> None:
    """Run an experiment: regimes x real fractions x seeds, scored on real photographs.

    Reads an experiment file, its scene spec and its benchmark. Writes DIR/dataset,
    DIR/dataset_test, DIR/cells, DIR/scores.json and DIR/report.html. Run it again to go on:
    finished cells are kept, failed ones are tried again.
    """
    body = load("flows.runs").experiment
    _finish(body(experiment, out, seed=seed, workers=workers, benchmarks=benchmarks), as_json)


@_command
def report(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of an experiment.")],
    as_json: Json = False,
) -> None:
    """Write the report of an experiment again.

    Reads DIR/experiment.json, DIR/scores.json and what they name. Writes DIR/report.html.
    """
    _finish(load("flows.scoring").report(folder), as_json)


@_command
def serve(
    experiment: Annotated[
        Path | None, typer.Argument(help="Experiment to run on schedule; by default the demo.")
    ] = None,
    out: Annotated[Path, typer.Option("-o", "--out", help="Where scheduled runs write.")] = Path(
        "runs/scheduled"
    ),
    cron: Annotated[str, typer.Option(help="When: minute, hour, day, month, weekday.")] = (
        "0 2 * * *"
    ),
    benchmarks: Benchmarks = None,
) -> None:
    """Offer the flows on a Prefect server, and run them on schedule.

    Uses the server at PREFECT_API_URL or 127.0.0.1:4200, or starts one there. Registers the
    deployments experiment/blendgap and demo/blendgap. Reads and writes, when they run, what
    `experiment` and `demo` do; a scheduled experiment does only what has changed since its
    last run. Ends, with the server it started, on Ctrl-C.
    """
    load("flows.serve").serve_flows(experiment, out=out, cron=cron, benchmarks=benchmarks)


@_command
def doctor(as_json: Json = False) -> None:
    """Say what this machine has, what is missing, and the command that mends it.

    Reads nothing, writes nothing. Exits 1 where something needed is missing.
    """
    _finish(load("flows.doctor").examine(), as_json)


def main() -> None:
    """The console script."""
    app()


def _finish(outcome: Outcome, as_json: bool) -> None:
    show(*outcome.shown)
    if as_json:
        typer.echo(json.dumps(outcome.summary, allow_nan=False))
    if outcome.exit_code:
        raise typer.Exit(outcome.exit_code)

"""Commands about networks: train, predict, score."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows.commands.options import Benchmarks, Json, Split, finish
from flows.late import load

__all__ = ["evaluate", "predict", "train"]


def train(
    config: Annotated[Path, typer.Argument(help="Training configuration (YAML).")],
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", help="Run folder to write; not asked by --dry-run."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Look for mistakes in about a hundred steps.")
    ] = False,
    benchmarks: Benchmarks = None,
    as_json: Json = False,
) -> None:
    """Train one network.

    Reads a training configuration and the datasets and benchmarks it names. Writes a run
    folder: model.pt, train.json, curve.json, batch.png. Run it again to go on after an
    interruption.

    With --dry-run nothing is trained: the first loss, gradients, learning rate, memory and one
    batch learned by heart are looked at; with -o, dry-run.json and pictures are written there.
    """
    bodies = load("flows.networks")
    if dry_run:
        finish(bodies.rehearse_network(config, out, benchmarks=benchmarks), as_json)
    elif out is None:
        raise typer.BadParameter("name the run folder with -o DIR.", param_hint="'-o'")
    else:
        finish(bodies.train_network(config, out, benchmarks=benchmarks), as_json)


def predict(
    run: Annotated[Path, typer.Argument(help="Run folder with a trained network.")],
    on: Annotated[
        str,
        typer.Option(metavar="DATASET|BENCHMARK", help="Dataset, benchmark, or pictures."),
    ],
    out: Annotated[Path, typer.Option("-o", "--out", help="Predictions file to write.")],
    split: Split = None,
    benchmarks: Benchmarks = None,
    quarter_turns: Annotated[
        bool,
        typer.Option(
            "--quarter-turns",
            help="Look at every picture in four turns and take the mean; classifiers and heatmap.",
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Predict pictures with a trained network.

    Reads a run folder and a dataset, a benchmark, a folder of pictures or one picture; never
    its labels. Writes predictions.json (COCO results) and predictions.meta.json.
    """
    body = load("flows.networks").predict_pictures
    outcome = body(run, on, out, split=split, benchmarks=benchmarks, quarter_turns=quarter_turns)
    finish(outcome, as_json)


def evaluate(
    predictions: Annotated[Path, typer.Option(help="Predictions file, of any model.")],
    on: Annotated[str, typer.Option(metavar="BENCHMARK", help="Benchmark or dataset.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="Score file to write.")],
    split: Split = None,
    benchmarks: Benchmarks = None,
    tuned_on: Annotated[
        Path | None,
        typer.Option(metavar="SCORES", help="Scores on val, whose best thresholds are applied."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Score a predictions file, ours or an outside model's, with 95 % intervals.

    Reads predictions (COCO results JSON) and a benchmark's labels. Writes scores.json.
    """
    body = load("flows.scoring").score
    outcome = body(predictions, on, out, split=split, benchmarks=benchmarks, tuned_on=tuned_on)
    finish(outcome, as_json)

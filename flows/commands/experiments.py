"""Commands about the whole street: experiments, ablations, their reports, the machine."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

import typer

from flows.commands.options import (
    Benchmarks,
    Experiment,
    Json,
    Out,
    Seed,
    Trainings,
    Workers,
    finish,
)
from flows.late import load

__all__ = ["ReportForm", "ablate", "demo", "doctor", "experiment", "report", "serve"]


class ReportForm(StrEnum):
    """What a report is written as."""

    html = "html"
    md = "md"


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
    finish(load("flows.runs").demo(out, seed=seed, workers=workers), as_json)


def experiment(
    experiment: Experiment,
    out: Out,
    seed: Seed = None,
    workers: Workers = None,
    trainings: Trainings = 1,
    benchmarks: Benchmarks = None,
    tune: Annotated[
        bool,
        typer.Option("--tune", help="Score on a part of the train split, to choose by."),
    ] = False,
    budget: Annotated[
        Literal["small"] | None,
        typer.Option(help="The main comparison with 300 small frames and one seed; indicative."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Run an experiment: regimes x real fractions x seeds, scored on real photographs.

    Reads an experiment file, its scene spec and its benchmark. Writes DIR/dataset,
    DIR/dataset_test, DIR/cells, DIR/scores.json and DIR/report.html. Run it again to go on:
    finished cells are kept, failed ones are tried again.
    """
    body = load("flows.runs").experiment
    outcome = body(
        experiment,
        out,
        seed=seed,
        workers=workers,
        trainings=trainings,
        benchmarks=benchmarks,
        tune=tune,
        budget=budget,
    )
    finish(outcome, as_json)


def ablate(
    experiment: Experiment,
    out: Out,
    part: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PART",
            help="Only this part, as lighting, augment.flip or model.width=0.5; repeat for more.",
        ),
    ] = None,
    split: Annotated[
        str | None, typer.Option(help="Split to score on; by default val, if there is one.")
    ] = None,
    seed: Seed = None,
    workers: Workers = None,
    trainings: Trainings = 1,
    benchmarks: Benchmarks = None,
    as_json: Json = False,
) -> None:
    """Find out which parts of a recipe matter: take each away in turn and compare.

    Reads an experiment file, its scene spec and its benchmark. Renders and trains the full
    recipe and one without each factor that varies and each augmentation that is on, with the
    same frames, steps and seeds. Writes DIR/dataset, DIR/without-PART, DIR/cells,
    DIR/scores.json, DIR/analysis.json and DIR/report.html. Run it again to go on.
    """
    body = load("flows.runs").ablate
    outcome = body(
        experiment,
        out,
        parts=part or (),
        split=split,
        seed=seed,
        workers=workers,
        trainings=trainings,
        benchmarks=benchmarks,
    )
    finish(outcome, as_json)


def report(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of an experiment.")],
    form: Annotated[
        ReportForm,
        typer.Option("--format", help="html: one page; md: Markdown with figures, to commit."),
    ] = ReportForm.html,
    out: Annotated[
        Path | None,
        typer.Option(
            "-o", "--out", help="By default DIR/report.html, or of md the folder DIR/report."
        ),
    ] = None,
    photographs: Annotated[
        bool,
        typer.Option("--photographs", help="md: show pictures of the benchmark too."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Write the report of an experiment again.

    Reads DIR/experiment.json, DIR/scores.json and what they name. Writes DIR/report.html, or
    with --format md a folder: report.md, plots as SVG, rendered frames as JPEG, scores.json (of
    all classes together, rounded, without curves) and analysis.json. No photograph of the
    benchmark and no folder of this machine enters it unless --photographs asks for the first.
    """
    body = load("flows.scoring").report
    finish(body(folder, form=form.value, out=out, photographs=photographs), as_json)


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


def doctor(as_json: Json = False) -> None:
    """Say what this machine has, what is missing, and the command that mends it.

    Reads nothing, writes nothing. Exits 1 where something needed is missing.
    """
    finish(load("flows.doctor").examine(), as_json)

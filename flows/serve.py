"""Body of ``blendgap serve``: the flows as deployments on a Prefect server, with a schedule."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import prefect
from prefect import Flow
from prefect.deployments.runner import RunnerDeployment
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect.types.entrypoint import EntrypointType

from flows.experiment import demo_flow, experiment_flow
from flows.plan import DEMO, load_plan
from flows.prefect_process import answers, started_server
from flows.runs import LOCAL_API
from flows.terminal import say
from pipeline.errors import SpecError

__all__ = ["deployments", "serve_flows"]

_NAME = "blendgap"
_LOCAL_PORT = 4200


def serve_flows(experiment: Path | None, *, out: Path, cron: str, benchmarks: Path | None) -> None:
    """Register the deployments and run what is asked for or due, until Ctrl-C.

    Args:
        experiment: What runs on schedule; None is the demo.
        out: Where scheduled runs write.
        cron: When.
        benchmarks: Folder in which benchmarks are found by name.

    Raises:
        SpecError: If the experiment or the schedule is wrong.
        ServerError: If no server runs and none can be started.
    """
    load_plan(experiment or DEMO)
    offered = deployments(experiment, out=out, cron=cron, benchmarks=benchmarks)
    with _server() as api_url, temporary_settings({PREFECT_API_URL: api_url}):
        say(f"Prefect: {api_url.removesuffix('/api')}")
        for deployment in offered:
            when = f", scheduled at '{cron}' (UTC)" if deployment.schedules else ""
            say(f"  {deployment.flow_name}/{deployment.name}{when}")
        say("Serving until Ctrl-C.")
        with warnings.catch_warnings():
            # What Prefect's runner does on SIGTERM; it stops all the same.
            warnings.filterwarnings("ignore", message="coroutine 'Runner.astop'")
            prefect.serve(*offered, print_starting_message=False, limit=1)
    say("Stopped; schedules are paused until the next `blendgap serve`.")


def deployments(
    experiment: Path | None, *, out: Path, cron: str, benchmarks: Path | None
) -> tuple[RunnerDeployment, RunnerDeployment]:
    """The experiment and the demo; the one that was asked for has the schedule.

    Raises:
        SpecError: If the schedule is no cron line.
    """
    folder = out.absolute()
    run_experiment = {
        "experiment": str((experiment or DEMO).absolute()),
        "out": str(folder / "experiment"),
        "benchmarks": None if benchmarks is None else str(benchmarks.absolute()),
    }
    run_demo = {"out": str(folder / "demo")}
    try:
        return (
            _deployment(experiment_flow, run_experiment, cron if experiment else None),
            _deployment(demo_flow, run_demo, None if experiment else cron),
        )
    except ValueError as error:
        raise SpecError(
            f"--cron: got {cron!r}; expected minute, hour, day, month and weekday, as '0 2 * * *'."
        ) from error


def _deployment(
    flow: Flow[..., Path], parameters: Mapping[str, str | None], cron: str | None
) -> RunnerDeployment:
    deployment = flow.to_deployment(
        _NAME, parameters=dict(parameters), cron=cron, entrypoint_type=EntrypointType.MODULE_PATH
    )
    assert isinstance(deployment, RunnerDeployment)  # a coroutine in asynchronous code only
    return deployment


@contextmanager
def _server() -> Iterator[str]:
    for api_url in (PREFECT_API_URL.value(), LOCAL_API):
        if api_url and answers(api_url):
            yield api_url
            return
    with started_server(_LOCAL_PORT, services=True) as api_url:
        yield api_url

"""Bodies of ``demo``, ``experiment``, ``ablate``: a Prefect flow, or without Prefect."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path

from prefect.settings import (
    PREFECT_API_URL,
    PREFECT_LOGGING_TO_API_ENABLED,
    temporary_settings,
)

from flows.budget import Budget
from flows.late import load
from flows.plan import DEMO, load_plan
from flows.prefect_process import ServerError, answers, free_port, started_server
from flows.terminal import Outcome, say

__all__ = ["LOCAL_API", "ablate", "demo", "experiment", "prefect_api"]

LOCAL_API = "http://127.0.0.1:4200/api"
"""Where ``prefect server start`` and ``blendgap serve`` listen."""


def demo(out: Path, *, seed: int, workers: int | None) -> Outcome:
    """Run the demo."""
    return _run("demo", DEMO, {"out": out, "seed": seed, "workers": workers})


def experiment(
    source: Path,
    out: Path,
    *,
    seed: int | None,
    workers: int | None,
    trainings: int,
    benchmarks: Path | None,
    tune: bool = False,
    budget: Budget | None = None,
) -> Outcome:
    """Run an experiment."""
    arguments = {
        "experiment": source,
        "out": out,
        "seed": seed,
        "workers": workers,
        "trainings": trainings,
        "benchmarks": benchmarks,
        "tune": tune,
        "budget": budget,
    }
    return _run("experiment", source, arguments)


def ablate(
    source: Path,
    out: Path,
    *,
    parts: Sequence[str],
    split: str | None,
    seed: int | None,
    workers: int | None,
    trainings: int,
    benchmarks: Path | None,
) -> Outcome:
    """Run an ablation."""
    load("flows.ablation").recipes(source, parts=parts)  # a wrong part is told at once
    arguments = {
        "experiment": source,
        "out": out,
        "parts": list(parts),
        "split": split,
        "seed": seed,
        "workers": workers,
        "trainings": trainings,
        "benchmarks": benchmarks,
    }
    return _run("ablation", source, arguments)


@contextmanager
def prefect_api(*, meanwhile: Callable[[], object] = int) -> Iterator[str | None]:
    """A Prefect API to run against while the context lasts.

    The configured one (``PREFECT_API_URL`` or a Prefect profile), else the one of this machine,
    else a temporary one of our own.

    Args:
        meanwhile: Something to do in the seconds that a temporary one takes to start.

    Yields:
        Its URL, or None where there is none to be had.
    """
    for api_url in (PREFECT_API_URL.value(), LOCAL_API):
        if api_url and answers(api_url):
            say(f"Prefect: {api_url.removesuffix('/api')}")
            with temporary_settings({PREFECT_API_URL: api_url}):
                yield api_url
            return
    with ExitStack() as stack:
        server = started_server(free_port(), services=False, meanwhile=meanwhile)
        try:
            api_url = stack.enter_context(server)
        except ServerError as error:
            say(f"note: running without Prefect: its server did not start ({error}).")
            yield None
            return
        # The log would be sent from a thread that outlives the server.
        settings = {PREFECT_API_URL: api_url, PREFECT_LOGGING_TO_API_ENABLED: False}
        stack.enter_context(temporary_settings(settings))
        yield api_url


def _run(name: str, source: Path, arguments: Mapping[str, object]) -> Outcome:
    load_plan(source)  # a wrong file is told before anything is started
    with prefect_api(meanwhile=lambda: load("flows.experiment")) as api_url:
        scoring, scores = load("flows.scoring"), load("evaluation.scores")
        if api_url is None:
            module = "flows.ablation" if name == "ablation" else "flows.street"
            report = getattr(load(module), f"run_{name}")(**arguments)
        else:
            report = getattr(load("flows.experiment"), f"{name}_flow")(**arguments)
    path = report.with_name("scores.json")
    found = scoring.headlines(scores.read_scores(path).scores)
    said = scoring.findings(report.parent)
    return Outcome(
        shown=(scoring.headline_table(found), *said, f"scores: {path}", f"report: {report}"),
        summary={
            "report": str(report),
            "scores": str(path),
            "findings": list(said),
            "results": [asdict(headline) for headline in found],
        },
    )

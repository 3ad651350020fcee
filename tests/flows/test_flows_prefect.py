"""The street under Prefect: tasks, retries, artifacts, deployments, and without a server."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from flows import prefect_process, runs
from flows.prefect_process import ServerError, answers, free_port, quiet_prefect, started_server
from pipeline.errors import DatasetError, TrainingError

quiet_prefect()

from prefect import flow  # noqa: E402 - Prefect reads its surroundings when imported
from prefect.client.orchestration import get_client  # noqa: E402
from prefect.testing.utilities import prefect_test_harness  # noqa: E402

from flows.experiment import experiment_flow, prefect_steps  # noqa: E402
from flows.serve import deployments  # noqa: E402
from flows.street import run_experiment  # noqa: E402


@pytest.fixture(scope="module")
def prefect_server():
    """Prefect's own test server, with a database of its own."""
    with prefect_test_harness(server_startup_timeout=120):
        yield


@flow(name="street of stand-ins", persist_result=False)
def street(source: Path, out: Path, standins: object) -> Path:
    return run_experiment(source, out, steps=prefect_steps(standins.steps, retry_delay_s=0))


@pytest.mark.usefixtures("prefect_server")
def test_flow_runs_every_step_as_a_task_and_leaves_artifacts(tmp_path, standins, write_experiment):
    report = street(write_experiment(), tmp_path / "out", standins)
    assert report == tmp_path / "out" / "report.html"
    assert standins.said[-3:] == ["evaluate 3", "domains", "report"]
    with get_client(sync_client=True) as client:
        artifacts = {a["key"]: a for a in client.request("POST", "/artifacts/filter").json()}
    assert report.as_uri() in artifacts["report"]["data"]
    assert artifacts["scores"]["type"] == "table"


@pytest.mark.usefixtures("prefect_server")
def test_work_that_fails_is_tried_again(tmp_path, standins, write_experiment):
    def fail_once(work: str) -> None:
        standins.at_work = lambda work: None
        raise TrainingError("bad luck.")

    source = write_experiment(baseline="false")
    run_experiment(source, tmp_path / "out", steps=standins.steps)
    cells = tmp_path / "out" / "cells"
    for done in cells.glob("*/done.json"):
        done.unlink()
    standins.said = []
    standins.at_work = fail_once
    street(source, tmp_path / "out", standins)
    assert standins.said.count("train synthetic seed 0") == 2


@pytest.mark.usefixtures("prefect_server")
def test_wrong_input_is_not_tried_again(tmp_path, standins, write_experiment, capfd):
    standins.fail_at = {"train synthetic seed 0": DatasetError("no such picture.")}
    with pytest.raises(DatasetError, match="no such picture"):
        street(write_experiment(), tmp_path / "out", standins)
    assert standins.said.count("train synthetic seed 0") == 1
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.usefixtures("prefect_server")
def test_an_interrupted_flow_goes_on_where_it_stopped(tmp_path, standins, write_experiment):
    source = write_experiment(seeds="[0, 1]")
    standins.fail_at = {"train synthetic seed 1": KeyboardInterrupt()}
    with pytest.raises(KeyboardInterrupt):
        street(source, tmp_path / "out", standins)
    standins.fail_at, standins.worked = {}, []
    street(source, tmp_path / "out", standins)
    assert "train synthetic seed 0" not in standins.worked
    assert "train synthetic seed 1" in standins.worked


@pytest.mark.blender
@pytest.mark.usefixtures("prefect_server")
def test_the_real_street_end_to_end(tmp_path):
    (tmp_path / "scene.yaml").write_text(
        "scene: coins\nframes: 3\nimage: {width: 96, height: 80}\nrender: {samples: 1}\n"
    )
    source = tmp_path / "experiment.yaml"
    source.write_text(
        "task: detection\nsynthetic: scene.yaml\nsynthetic_test_frames: 2\nbenchmark: coins\n"
        "model: {name: compact_detector, width: 0.5}\nsteps: 3\nbatch_size: 2\ninput_px: 96\n"
        "notes: [modelled after this very photograph]\n"
    )
    out = tmp_path / "out"
    report = experiment_flow(source, out)
    html = report.read_text()
    assert "modelled after this very photograph" in html
    assert "Otsu + watershed" in html
    rows = json.loads((out / "scores.json").read_text())["scores"]
    assert {(row["regime"], row["tested_on"]) for row in rows if row["metric"] == "box_ap50"} == {
        ("baseline", "coins/real"),
        ("synthetic", "coins/real"),
        ("synthetic", "coins/synthetic"),
    }
    assert any(row["metric"] == "domain_drop" for row in rows)
    before = {path: path.stat().st_mtime_ns for path in (out / "cells").rglob("*")}
    scores = (out / "scores.json").read_bytes()
    experiment_flow(source, out)
    assert {path: path.stat().st_mtime_ns for path in (out / "cells").rglob("*")} == before
    assert (out / "scores.json").read_bytes() == scores


@pytest.mark.usefixtures("prefect_server")
def test_configured_server_is_used():
    with runs.prefect_api() as api_url:
        assert answers(api_url)


def test_deployments_have_typed_parameters_and_one_schedule(tmp_path):
    for experiment, scheduled in ((None, "demo"), (tmp_path / "e.yaml", "experiment")):
        offered = deployments(experiment, out=tmp_path, cron="30 3 * * 1", benchmarks=None)
        assert [deployment.flow_name for deployment in offered] == ["experiment", "demo"]
        with_schedule = [deployment for deployment in offered if deployment.schedules]
        assert [deployment.flow_name for deployment in with_schedule] == [scheduled]
        assert with_schedule[0].schedules[0].schedule.cron == "30 3 * * 1"
        schema = offered[0]._parameter_openapi_schema.model_dump()
        assert schema["properties"]["experiment"]["format"] == "path"
        assert set(schema["required"]) == {"experiment", "out"}
        assert Path(offered[0].parameters["out"]).is_absolute()


def test_without_a_server_the_street_is_walked_all_the_same(monkeypatch, capsys):
    monkeypatch.setattr(runs, "answers", lambda api_url: False)
    monkeypatch.setattr(prefect_process.sys, "executable", "/bin/false")
    with runs.prefect_api() as api_url:
        assert api_url is None
    assert "running without Prefect" in capsys.readouterr().err


def test_a_server_that_cannot_start_is_told_in_one_line(monkeypatch):
    monkeypatch.setattr(prefect_process.sys, "executable", "/bin/false")
    with pytest.raises(ServerError, match="ended with code 1"), started_server(1, services=False):
        pass


def test_quiet_surroundings_keep_what_is_set(monkeypatch, tmp_path):
    monkeypatch.setenv("PREFECT_SERVER_ANALYTICS_ENABLED", "true")
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NO_PROXY", "example.org")
    quiet_prefect()
    assert os.environ["PREFECT_SERVER_ANALYTICS_ENABLED"] == "true"
    assert os.environ["PREFECT_HOME"] == str(tmp_path / "home")
    assert os.environ["NO_PROXY"] == "example.org,127.0.0.1,localhost"


def test_a_home_that_cannot_be_written_is_replaced(monkeypatch, tmp_path):
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(prefect_process.os, "access", lambda folder, mode: False)
    monkeypatch.setattr(prefect_process.tempfile, "tempdir", str(tmp_path))
    quiet_prefect()
    assert "blendgap-prefect-" in os.environ["PREFECT_HOME"]


def test_nobody_answers_on_a_free_port():
    assert not answers(f"http://127.0.0.1:{free_port()}/api")
    assert not answers("nonsense")

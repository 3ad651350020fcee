"""Several trainings at once, each in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from subprocess import PIPE

import pytest
from disturbance import children_of, wait_until_gone

from flows.fleet import Training, train_fleet
from flows.steps import fleet_step, train_step
from pipeline.errors import TrainingError
from pipeline.specs.training import DataSource, TrainSpec


@pytest.fixture
def trainings(make_painted_dataset, tmp_path):
    """Two tiny ones that differ in their seed."""
    make_painted_dataset(tmp_path / "data", frames=4, seed=0)

    def spec(seed: int, **other) -> TrainSpec:
        return TrainSpec.model_validate(
            {
                "task": "detection",
                "data": [DataSource(path=tmp_path / "data")],
                "model": {"name": "compact_detector", "width": 0.25},
                "input_px": 64,
                "steps": 3,
                "batch_size": 2,
                "device": "cpu",
                "seed": seed,
            }
            | other
        )

    def build(*, count: int = 2, **other) -> list[Training]:
        return [Training(label=f"seed {seed}", spec=spec(seed, **other)) for seed in range(count)]

    return build


def test_a_fleet_leaves_finished_cells(trainings, tmp_path):
    wanted, told = trainings(), []
    train_fleet(wanted, tmp_path / "cells", at_once=2, progress=lambda *words: told.append(words))
    assert len(list((tmp_path / "cells").glob("*/done.json"))) == 2
    done, total, _ = told[-1]
    assert (done, total) == (6, 6)
    words = {word for _, _, note in told for word in note.split(", ")}
    assert {word for word in words if "steps/s" not in word} == {"seed 0", "seed 1"}
    # The step finds them: nothing is trained again.
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "cells").glob("*/model.pt")}
    for training in wanted:
        train_step(training.spec, tmp_path / "cells", label=training.label)
    assert before == {path: path.stat().st_mtime_ns for path in before}


def test_the_longest_begin(trainings, tmp_path):
    """Two cores are done with 3, 2 and 1 steps after 3 instead of 4."""
    wanted = [trainings(steps=steps)[0] for steps in (1, 2, 3)]
    train_fleet(wanted, tmp_path, at_once=1)
    ended = {path.stat().st_mtime_ns: path for path in tmp_path.glob("*/done.json")}
    steps = [
        json.loads((ended[when].parent / "train.json").read_text())["steps"]
        for when in sorted(ended)
    ]
    assert steps == [3, 2, 1]


def test_one_that_fails_is_left_for_its_step(trainings, tmp_path):
    good, bad = trainings()[0], trainings(clip_norm=1e-9, learning_rate=1e30)[1]
    train_fleet([bad, good], tmp_path / "cells", at_once=2)
    assert len(list((tmp_path / "cells").glob("*/done.json"))) == 1
    with pytest.raises(TrainingError):
        train_step(bad.spec, tmp_path / "cells", label=bad.label)


def test_the_fleet_goes_down_with_its_leader(trainings, tmp_path):
    """Ctrl-C, and what is stronger: no member outlives it."""
    script = tmp_path / "leader.py"
    specs = [training.spec.model_dump_json() for training in trainings(steps=100_000)]
    script.write_text(
        "import signal\n"
        "from pathlib import Path\n"
        "from flows.fleet import Training, train_fleet\n"
        "from pipeline.specs.training import TrainSpec\n"
        f"specs = {specs!r}\n"
        # A job in the background, as nohup starts it, has it ignored, and so have its children.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "told = lambda done, total, note: print(done, flush=True)\n"
        "train_fleet([Training(label=str(i), spec=TrainSpec.model_validate_json(s))"
        " for i, s in enumerate(specs)],"
        f" Path({str(tmp_path / 'cells')!r}), at_once=2, progress=told)\n"
    )
    for how in (signal.SIGINT, signal.SIGKILL):
        command = [sys.executable, script]
        with subprocess.Popen(command, stdout=PIPE, stderr=subprocess.DEVNULL) as leader:
            assert leader.stdout is not None
            assert leader.stdout.readline()  # a member is at work
            members = children_of(leader.pid)
            assert len(members) == 2
            leader.send_signal(how)
            wait_until_gone([leader.pid, *members])
        assert not list((tmp_path / "cells").glob("*/done.json"))


def test_a_lone_training_gets_all_cores(trainings, tmp_path, monkeypatch):
    monkeypatch.setattr("flows.steps.train_fleet", lambda *_, **__: pytest.fail("a fleet of one"))
    wanted = trainings()
    train_step(wanted[0].spec, tmp_path / "cells", label="seed 0")
    fleet_step(wanted, tmp_path / "cells", at_once=2)
    fleet_step((), tmp_path / "cells", at_once=2)


def test_what_earlier_sessions_did_is_not_in_the_rate(trainings, tmp_path, monkeypatch):
    (tmp_path / "resuming_member.py").write_text(
        "import json, sys, time\n"
        "sys.stdin.readline()\n"
        "for done in (5000, 5001, 5002):\n"
        "    print(json.dumps({'done': done}), flush=True)\n"
        "    time.sleep(0.2)\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    told = []
    train_fleet(
        trainings(steps=9000), tmp_path, at_once=1, member_module="resuming_member",
        progress=lambda *words: told.append(words),
    )  # fmt: skip
    assert [done for done, _, _ in told] == [5000, 5001, 5002, 10002, 10003, 10004]
    rates = [float(note.split()[0]) for _, _, note in told if "steps/s" in note]
    assert rates
    assert max(rates) <= 5


def test_members_share_the_cores(trainings, tmp_path, monkeypatch):
    (tmp_path / "telling_member.py").write_text(
        "import json, pathlib, sys\n"
        "order = json.loads(sys.stdin.readline())\n"
        f"folder = pathlib.Path({str(tmp_path)!r})\n"
        "(folder / str(order['spec']['seed'])).write_text(json.dumps(order['cores']))\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    train_fleet(trainings(count=3), tmp_path, at_once=2, member_module="telling_member")
    cores = [set(json.loads((tmp_path / str(i)).read_text())) for i in range(3)]
    here = os.sched_getaffinity(0)
    assert cores[2] in cores[:2]
    if len(here) > 1:
        assert cores[0].isdisjoint(cores[1])
        assert cores[0] | cores[1] == here

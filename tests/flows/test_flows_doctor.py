"""The doctor: missing libraries, crashing children, exit codes."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flows import doctor
from flows.cli import app
from flows.doctor import Finding
from flows.libraries import apt_line, missing_in, missing_libraries, named_in_error

LDD = """
\tlinux-vdso.so.1 (0x00007ffd)
\tlibX11.so.6 => not found
\tlibm.so.6 => /lib/x86_64-linux-gnu/libm.so.6 (0x00007f)
\tlibSM.so.6 => not found
\tlibX11.so.6 => not found
\tlibodd.so.3 => not found
"""


def test_missing_libraries_become_an_apt_line():
    names = missing_in(LDD)
    assert names == ("libX11.so.6", "libSM.so.6", "libodd.so.3")
    assert apt_line(names) == (
        "apt-get install -y libx11-6 libsm6; find the packages of libodd.so.3 with apt-file"
    )
    assert apt_line(()) == ""


def test_this_python_misses_no_library():
    assert missing_libraries(Path(sys.executable)) == ()


def test_without_ldd_nothing_is_known(monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert missing_libraries(Path(sys.executable)) == ()


@pytest.fixture
def without_children(monkeypatch):
    answers = {
        doctor._ASK_BLENDER: ({"version": "5.0.1", "devices": ["Some GPU (OPTIX)"]}, ""),
        doctor._ASK_TORCH: ({"version": "2.15", "device": "CPU"}, ""),
    }
    monkeypatch.setattr(doctor, "_ask", lambda question: answers[question])
    monkeypatch.setattr(doctor, "missing_libraries", lambda binary: ())
    return answers


def found(part: str) -> Finding:
    result = CliRunner().invoke(app, ["doctor", "--json"])
    findings = json.loads(result.stdout.splitlines()[-1])["findings"]
    return next(Finding(**finding) for finding in findings if finding["part"] == part)


def test_a_healthy_machine_passes(without_children):
    result = CliRunner().invoke(app, ["doctor"])
    assert result.exit_code == 0, result.output
    assert "Some GPU (OPTIX)" in result.stdout
    assert "all that is needed is here" in result.stdout


def test_missing_libraries_fail_the_examination(without_children, monkeypatch):
    monkeypatch.setattr(doctor, "missing_libraries", lambda binary: ("libXi.so.6", "libGL.so.1"))
    result = CliRunner().invoke(app, ["doctor"])
    assert result.exit_code == 1
    assert "apt-get install -y libxi6 libgl1" in result.stdout


def test_bpy_that_cannot_be_imported_names_the_package(without_children):
    complaint = "ImportError: libSM.so.6: cannot open shared object file: No such file"
    without_children[doctor._ASK_BLENDER] = ({}, complaint)
    assert named_in_error(complaint) == ("libSM.so.6",)
    finding = found("bpy")
    assert (finding.status, finding.mend) == ("missing", "apt-get install -y libsm6")


def test_a_machine_without_embree_cannot_label(without_children, monkeypatch):
    there = doctor._installed
    monkeypatch.setattr(doctor, "_installed", lambda name: name != "embreex" and there(name))
    assert found("embreex").status == "missing"


def test_broken_torch_fails_the_examination(without_children):
    without_children[doctor._ASK_TORCH] = ({}, "RuntimeError: operator torchvision::nms")
    assert found("torch").status == "missing"


def test_little_disk_is_a_warning(without_children, monkeypatch):
    usage = type("Usage", (), {"free": 10**8})
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda folder: usage)
    assert found("disk").status == "warn"


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("print('noise'); print('{\"version\": \"1\"}'); import os; os._exit(7)", "1"),
        ("import os; os.abort()", None),
        ("raise ImportError('no such thing')", None),
    ],
)
def test_children_are_judged_by_what_they_say_not_how_they_end(question, answer):
    said, complaint = doctor._ask(question)
    assert said.get("version") == answer
    assert bool(complaint) == (answer is None)

"""Body of ``blendgap doctor``: what this machine has, what is missing, what mends it."""

from __future__ import annotations

import importlib.util
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

from rich.table import Table

from blender_scenes.digits.fonts import FONTS, find_font
from blender_scenes.scratch import Scratch
from flows.libraries import apt_line, missing_libraries, named_in_error
from flows.terminal import Outcome
from pipeline.errors import RenderError

__all__ = ["Finding", "examine"]

_GIB = 2**30
_INSTALL = "run `make install`, or pip install 'blendgap[render]' on Python 3.11"
_CHILD_TIMEOUT_S = 180
_PYTHON_OF_BPY = (3, 11)
_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

# Blender and torch are asked in children: a crash there must not end the examination.
_ASK_BLENDER = """
import json, bpy
cycles = bpy.context.preferences.addons["cycles"].preferences
cycles.refresh_devices()
devices = sorted({f"{device.name} ({device.type})" for device in cycles.devices})
print(json.dumps({"version": bpy.app.version_string, "devices": devices}), flush=True)
import os; os._exit(0)
"""
_ASK_TORCH = """
import json, torch, torchvision
torchvision.ops.nms(torch.zeros(1, 4), torch.zeros(1), 0.5)
gpu = torch.cuda.is_available()
device = torch.cuda.get_device_name(0) if gpu else f"CPU, {torch.get_num_threads()} threads"
print(json.dumps({"version": torch.__version__, "device": device}), flush=True)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line of the examination.

    Attributes:
        status: ``missing`` makes the exit code 1, ``warn`` does not.
        mend: What to do about it.
    """

    part: str
    status: Literal["ok", "warn", "missing"]
    found: str
    mend: str = ""


def examine() -> Outcome:
    """Look at everything; exit code 1 where something needed is missing."""
    findings = [finding for part in _PARTS for finding in part()]
    missing = [finding for finding in findings if finding.status == "missing"]
    table = Table()
    for heading in ("", "part", "found", "what to do"):
        table.add_column(heading, overflow="fold")
    for finding in findings:
        table.add_row(*_cells(finding))
    mends = tuple(f"{finding.part}: {finding.mend}" for finding in missing)
    verdict = f"missing: {len(missing)}" if missing else "all that is needed is here"
    return Outcome(
        shown=(table, *mends, verdict),
        summary={"ok": not missing, "findings": [asdict(finding) for finding in findings]},
        exit_code=1 if missing else 0,
    )


def _python() -> Iterator[Finding]:
    fits = sys.version_info[:2] == _PYTHON_OF_BPY
    yield Finding(
        part="Python",
        status="ok" if fits else "warn",
        found=f"{platform.python_version()} at {sys.executable}",
        mend="" if fits else "bpy 5.0 needs Python 3.11; without it nothing can be rendered",
    )
    yield Finding(part="blendgap", status="ok", found=metadata.version("blendgap"))


def _libraries() -> Iterator[Finding]:
    spec = importlib.util.find_spec("bpy")
    if spec is None or spec.origin is None:
        return
    names = missing_libraries(Path(spec.origin))
    yield Finding(
        part="system libraries",
        status="missing" if names else "ok",
        found=f"no {', '.join(names)}" if names else "all that bpy links against",
        mend=apt_line(names),
    )


def _blender() -> Iterator[Finding]:
    if importlib.util.find_spec("bpy") is None:
        yield Finding(part="bpy", status="missing", found="not installed", mend=_INSTALL)
        return
    answer, complaint = _ask(_ASK_BLENDER)
    if not answer:
        names = named_in_error(complaint)
        mend = apt_line(names) if names else _INSTALL
        yield Finding(part="bpy", status="missing", found=complaint, mend=mend)
        return
    yield Finding(part="bpy", status="ok", found=str(answer["version"]))
    devices = answer["devices"]
    found = ", ".join(map(str, devices)) if isinstance(devices, list) else str(devices)
    yield Finding(part="Cycles devices", status="ok", found=found or "CPU")


def _rays() -> Iterator[Finding]:
    here = _installed("embreex")
    yield Finding(
        part="embreex",
        status="ok" if here else "missing",
        found=metadata.version("embreex") if here else "not installed",
        mend="" if here else _INSTALL,
    )


def _torch() -> Iterator[Finding]:
    answer, complaint = _ask(_ASK_TORCH)
    if answer:
        found = f"{answer['version']} on {answer['device']}"
        yield Finding(part="torch", status="ok", found=found)
    else:
        yield Finding(part="torch", status="missing", found=complaint, mend=_INSTALL)


def _pins() -> Iterator[Finding]:
    """Versions known to break each other."""
    numpy_version = metadata.version("numpy")
    if int(numpy_version.split(".")[0]) >= 2:
        mend = "pip install 'numpy<2': bpy 5.0 is built against numpy 1"
        yield Finding(part="numpy", status="missing", found=numpy_version, mend=mend)
    fastapi_version = metadata.version("fastapi")
    if tuple(map(int, fastapi_version.split(".")[:2])) >= (0, 154):
        mend = "pip install 'fastapi<0.154', else Prefect's server does not start"
        yield Finding(part="fastapi", status="warn", found=fastapi_version, mend=mend)
    rivals = [name for name in ("opencv-python", "opencv-contrib-python") if _installed(name)]
    if rivals:
        mend = f"pip uninstall {' '.join(rivals)}; pip install --force-reinstall --no-deps "
        mend += "opencv-python-headless: they overwrite each other's files"
        yield Finding(part="OpenCV", status="warn", found=", ".join(rivals), mend=mend)


def _fonts() -> Iterator[Finding]:
    lost = []
    for name in FONTS:
        try:
            find_font(name)
        except RenderError:
            lost.append(name)
    found = f"{len(FONTS) - len(lost)} of {len(FONTS)} for the digits scene"
    mend = f"reinstall what holds {', '.join(lost)}" if lost else ""
    yield Finding(part="fonts", status="warn" if lost else "ok", found=found, mend=mend)


def _browser() -> Iterator[Finding]:
    """Only the tests of the report want one."""
    found = next((path for name in _BROWSERS if (path := shutil.which(name))), None)
    yield Finding(
        part="Chromium",
        status="ok",
        found=found or "not here; optional, the report's tests look at it through one",
        mend="" if found else "apt-get install chromium",
    )


def _machine() -> Iterator[Finding]:
    cores = len(os.sched_getaffinity(0))
    yield Finding(part="processor", status="ok", found=f"{cores} cores for this process")
    memory_gib = _available_memory() / _GIB
    yield Finding(
        part="memory",
        status="ok" if memory_gib >= 3 else "warn",
        found=f"{memory_gib:.1f} GiB free",
        mend="" if memory_gib >= 3 else "a render worker takes 0.4 GiB, training 2: --workers 1",
    )
    disk_gib = shutil.disk_usage(Path.cwd()).free / _GIB
    yield Finding(
        part="disk",
        status="ok" if disk_gib >= 2 else "warn",
        found=f"{disk_gib:.1f} GiB free in {Path.cwd()}",
        mend="" if disk_gib >= 2 else "write to another disk with -o",
    )
    for part, folder in (("folder", Path.cwd()), ("temporary folder", Path(tempfile.gettempdir()))):
        good = os.access(folder, os.W_OK | os.X_OK)
        yield Finding(
            part=part,
            status="ok" if good else "warn",
            found=f"{folder} {'can' if good else 'cannot'} be written",
            mend="" if good else "give a folder with -o" if part == "folder" else "set TMPDIR",
        )


_PARTS: tuple[Callable[[], Iterator[Finding]], ...] = (
    _python,
    _libraries,
    _blender,
    _rays,
    _torch,
    _pins,
    _fonts,
    _browser,
    _machine,
)


def _ask(question: str) -> tuple[dict[str, object], str]:
    """What a Python child answers as JSON in its last line; else {} and its last complaint."""
    try:
        with Scratch() as scratch:
            child = subprocess.run(
                scratch.python("-c", question),
                capture_output=True,
                text=True,
                check=False,
                timeout=_CHILD_TIMEOUT_S,
            )
    except subprocess.TimeoutExpired:
        return {}, f"no answer within {_CHILD_TIMEOUT_S} s"
    for line in reversed(child.stdout.splitlines()):
        if line.startswith("{"):
            answer: dict[str, object] = json.loads(line)
            return answer, ""
    complaint = child.stderr.strip().splitlines()[-1:] or [f"ended with code {child.returncode}"]
    return {}, complaint[0]


def _installed(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def _available_memory() -> int:
    """Bytes that a new process can have without swapping."""
    for line in Path("/proc/meminfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return 0


def _cells(finding: Finding) -> tuple[str, ...]:
    sign = {"ok": "[green]ok", "warn": "[yellow]warn", "missing": "[red]missing"}[finding.status]
    texts = (finding.part, finding.found, finding.mend)
    return (sign, *(text.replace("[", r"\[") for text in texts))

"""No chance but the seeds': the source of everything that samples, read as a tree."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from blender_scenes.registry import FAMILIES

ROOT = Path(__file__).parents[2]
PACKAGES = ("pipeline", "blender_scenes")

# What tells the time, makes names up or draws from a state that everybody shares.
FORBIDDEN_MODULES = {"datetime", "random", "secrets", "time", "uuid"}
FORBIDDEN_NAMES = {
    "os.environ", "os.getenv", "os.getpid", "os.urandom", "os.times", "os.cpu_count",
    "platform.node", "socket.gethostname",
}  # fmt: skip
SEEDED = {"Generator", "Philox", "SeedSequence", "default_rng"}  # of np.random; all with arguments
BUILTINS = {"hash", "id"}  # differ from process to process

WALL_CLOCKS = {"time.time", "time.time_ns", "time.localtime", "time.gmtime", "time.ctime"}


def module_path(name: str) -> Path | None:
    """The file of a module of ours."""
    if name.split(".")[0] not in PACKAGES:
        return None
    spec = find_spec(name)
    return Path(spec.origin) if spec is not None and spec.origin is not None else None


def imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def sampling_sources() -> list[Path]:
    """``pipeline/sampling``, the families, and what these import of ours, all the way down."""
    found: set[Path] = set()
    todo = set((ROOT / "pipeline" / "sampling").glob("*.py"))
    todo |= {Path(find_spec(type(family).__module__).origin) for family in FAMILIES.values()}
    while todo:
        path = todo.pop()
        found.add(path)
        for name in imported(ast.parse(path.read_text())):
            try:
                other = module_path(name)
            except ModuleNotFoundError:  # a name inside a module
                other = None
            if other is not None and other not in found:
                todo.add(other)
    return sorted(found)


def dotted(node: ast.expr) -> str:
    """``np.random.rand`` of the expression that says so; empty for any other."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        before = dotted(node.value)
        return f"{before}.{node.attr}" if before else ""
    return ""


def breaches(tree: ast.Module) -> Iterator[str]:
    for name in imported(tree):
        if name.split(".")[0] in FORBIDDEN_MODULES:
            yield f"imports {name}"
    for node in ast.walk(tree):
        name = dotted(node) if isinstance(node, ast.Attribute) else ""
        if name in FORBIDDEN_NAMES or name in WALL_CLOCKS:
            yield f"line {node.lineno}: {name}"
        for prefix in ("np.random.", "numpy.random."):
            if name.startswith(prefix) and name.removeprefix(prefix) not in SEEDED:
                yield f"line {node.lineno}: {name} draws from the state that everybody shares"
        if isinstance(node, ast.Call):
            called = dotted(node.func)
            if called in BUILTINS:
                yield f"line {node.lineno}: {called}() differs from process to process"
            if called.split(".")[-1] in SEEDED and not node.args:
                yield f"line {node.lineno}: {called}() without a seed"


def test_the_scan_reaches_what_it_should() -> None:
    names = {path.relative_to(ROOT).as_posix() for path in sampling_sources()}
    assert names >= {
        "pipeline/sampling/factors.py",
        "pipeline/sampling/seeds.py",
        "pipeline/geometry/camera.py",
        "blender_scenes/coins/layout.py",
        "blender_scenes/digits/styles.py",
    }
    assert not any("bpy" in imported(ast.parse((ROOT / name).read_text())) for name in names)


@pytest.mark.parametrize("path", sampling_sources(), ids=lambda p: p.relative_to(ROOT).as_posix())
def test_nothing_that_samples_knows_time_place_or_shared_chance(path: Path) -> None:
    assert list(breaches(ast.parse(path.read_text()))) == []


@pytest.mark.parametrize(
    "line",
    [
        "import random",
        "from time import perf_counter",
        "import uuid",
        "np.random.uniform(0, 1)",
        "np.random.seed(3)",
        "rng = np.random.default_rng()",
        "hash(('a', 1))",
        "os.getpid()",
        "from datetime import datetime",
    ],
)
def test_the_scan_catches(line: str) -> None:
    assert list(breaches(ast.parse(line)))


def test_what_is_drawn_from_seeds_passes() -> None:
    good = "rng = np.random.Generator(np.random.Philox(np.random.SeedSequence(1)))"
    assert list(breaches(ast.parse(good))) == []


def test_no_logic_reads_the_wall_clock() -> None:
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            tree = ast.parse(path.read_text())
            used = {dotted(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
            assert not used & WALL_CLOCKS, path
            assert not {"datetime", "time.time"} & set(imported(tree)), path

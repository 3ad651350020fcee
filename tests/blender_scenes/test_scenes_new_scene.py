"""docs/new-scene.md: its code, taken from the page, installed and rendered."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import cv2
import pytest

from blender_scenes import registry
from blender_scenes.registry import FAMILIES, all_families, find_family, plugin_versions
from pipeline.errors import SpecError

PAGE = Path(__file__).parents[2] / "docs" / "new-scene.md"
METADATA = "import setuptools.build_meta as b, sys; b.prepare_metadata_for_build_wheel(sys.argv[1])"


def code_blocks() -> dict[str, str]:
    """Contents by path of every block that starts with a comment naming a file."""
    blocks = re.findall(r"```\w+\n# my-scenes/(\S+)\n(.*?)```", PAGE.read_text(), re.DOTALL)
    return dict(blocks)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page's package, written to a folder, with the metadata that its build tool makes."""
    folder = tmp_path_factory.mktemp("my-scenes")
    for name, content in code_blocks().items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content)
    (folder / "marbles" / "__init__.py").touch()
    subprocess.run(
        [sys.executable, "-c", METADATA, str(folder)], cwd=folder, check=True, capture_output=True
    )
    return folder


def blendgap(*words: object, path: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from flows.cli import main; main()", *map(str, words)],
        env=os.environ | {"PYTHONPATH": str(path)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_example_is_short() -> None:
    blocks = code_blocks()
    assert set(blocks) == {
        "pyproject.toml", "marbles/family.py", "marbles/build.py", "marbles.yaml",
    }  # fmt: skip
    assert sum(len(content.splitlines()) for content in blocks.values()) < 100
    assert max(len(line) for content in blocks.values() for line in content.splitlines()) <= 100


@pytest.mark.blender
def test_the_example_renders(installed: Path, tmp_path: Path) -> None:
    out = tmp_path / "marbles"
    spec = installed / "marbles.yaml"
    spec.write_text(f"{spec.read_text()}image: {{width: 96, height: 72}}\n")
    done = blendgap("render", spec, "-o", out, "--workers", 1, "--json", path=installed)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["frames"] == 2
    document = json.loads((out / "annotations" / "instances.json").read_text())
    assert document["categories"][0]["keypoints"] == ["top"]
    assert len(document["annotations"]) >= 6
    assert all(annotation["area"] > 16 for annotation in document["annotations"])
    assert sum(annotation["keypoints"][2] == 2 for annotation in document["annotations"]) >= 6
    assert cv2.imread(str(out / "images" / "000001.png")).std() > 10
    versions = json.loads((out / "manifest.json").read_text())["versions"]
    assert versions["my-scenes"] == "0.1.0"
    assert blendgap("check", out, path=installed).returncode == 0


def test_the_example_is_found_where_it_is_installed(
    installed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SpecError, match="got 'marbles'; expected one of"):
        find_family("marbles", source="spec.yaml")
    monkeypatch.syspath_prepend(str(installed))
    assert find_family("marbles", source="spec.yaml").summary == "balls on a table"
    assert "marbles" in [family.name for family in all_families()]
    assert plugin_versions("marbles") == {"my-scenes": "0.1.0"}
    assert plugin_versions("coins") == {}


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("nowhere.family:Family", "cannot be loaded"),
        ("pathlib:Pathology", "cannot be loaded"),
        ("pathlib:Path", "no subclass of SceneFamily"),
        ("blender_scenes.coins.family:CoinsFamily", "calls itself 'coins'"),
    ],
)
def test_a_broken_family_of_another_package_is_named(
    value: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    info = tmp_path / "odd-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: odd\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{registry.GROUP}]\nodd = {value}\ncoins = {value}\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(SpecError, match=words) as caught:
        find_family("odd", source="spec.yaml")
    assert "scene 'odd' of odd" in str(caught.value)
    assert find_family("coins", source="spec.yaml") is FAMILIES["coins"]

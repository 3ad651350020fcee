"""Files that scenes are made from are pinned by their contents."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from painting import paint_dataset

from blender_scenes.assets import asset_hashes, check_assets
from blender_scenes.digits.fonts import FONTS, find_font
from blender_scenes.generate import render_dataset
from blender_scenes.registry import FAMILIES
from pipeline.dataset.manifest import read_manifest
from pipeline.errors import DatasetError
from pipeline.specs.scene import SceneSpec

SOURCE = Path("spec.yaml")
DIGITS = SceneSpec.model_validate(
    {"scene": "digits", "frames": 2, "image": {"width": 32, "height": 32}}
)


def test_digits_are_pinned_to_their_fonts() -> None:
    hashes = asset_hashes(DIGITS, source=SOURCE)
    assert list(hashes) == sorted(FONTS)
    font = find_font(FONTS[0]).read_bytes()
    assert hashes[FONTS[0]] == hashlib.sha256(font).hexdigest()


def test_coins_need_no_files() -> None:
    assert asset_hashes(DIGITS.model_copy(update={"scene": "coins"}), source=SOURCE) == {}


def test_a_changed_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asset = tmp_path / "cloth.png"
    asset.write_bytes(b"wool")
    family = type(FAMILIES["coins"])
    monkeypatch.setattr(family, "assets", lambda self, spec: {"cloth.png": asset}, raising=False)
    spec = DIGITS.model_copy(update={"scene": "coins"})
    out = tmp_path / "dataset"

    def render(spec: SceneSpec) -> None:
        render_dataset(spec, out, source=SOURCE, workers=1, worker_module="painting_worker")

    render(spec)
    manifest = read_manifest(out)
    assert manifest.assets == {"cloth.png": hashlib.sha256(b"wool").hexdigest()}
    check_assets(out, manifest)
    asset.write_bytes(b"silk")
    wool, silk = (hashlib.sha256(content).hexdigest()[:12] for content in (b"wool", b"silk"))
    said = rf"cloth\.png \(sha256 {wool}, now {silk}\); restore them or render into another"
    with pytest.raises(DatasetError, match=said):
        render(spec.model_copy(update={"frames": 3}))
    with pytest.raises(DatasetError, match=said):
        check_assets(out, manifest)
    assert read_manifest(out) == manifest
    asset.write_bytes(b"wool")
    render(spec.model_copy(update={"frames": 3}))


def test_files_that_went_or_came_are_told_too(tmp_path: Path) -> None:
    manifest = read_manifest(paint_dataset(tmp_path / "painted"))
    manifest = manifest.model_copy(update={"spec": DIGITS, "assets": {"old.woff2": "0" * 64}})
    with pytest.raises(DatasetError, match=r"old\.woff2 \(sha256 0{12}, now none\)"):
        check_assets(tmp_path, manifest)
    with pytest.raises(DatasetError, match=r"cmr10\.ttf \(sha256 none, now "):
        check_assets(tmp_path, manifest)

"""Files that scenes are made from are pinned by their contents."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from painting import paint_dataset

from blender_scenes.assets import asset_hashes, check_assets
from blender_scenes.digits.fonts import FONTS, find_font
from blender_scenes.generate import render_dataset, resolve_spec
from pipeline.dataset.manifest import Manifest, read_manifest
from pipeline.errors import DatasetError, SpecError
from pipeline.specs.document import load_spec
from pipeline.specs.scene import AssetSpec, SceneSpec

SOURCE = Path("spec.yaml")
DIGITS = SceneSpec.model_validate(
    {"scene": "digits", "frames": 2, "image": {"width": 32, "height": 32}}
)


def check_now(folder: Path, manifest: Manifest) -> None:
    check_assets(folder, manifest, now=asset_hashes(manifest.spec, source=SOURCE))


def test_digits_are_pinned_to_their_fonts() -> None:
    hashes = asset_hashes(DIGITS, source=SOURCE)
    assert list(hashes) == sorted(FONTS)
    font = find_font(FONTS[0]).read_bytes()
    assert hashes[FONTS[0]] == hashlib.sha256(font).hexdigest()


def test_coins_need_no_files() -> None:
    assert asset_hashes(DIGITS.model_copy(update={"scene": "coins"}), source=SOURCE) == {}


def test_a_changed_file_is_refused(tmp_path: Path) -> None:
    asset = tmp_path / "mine" / "sky.png"
    asset.parent.mkdir()
    asset.write_bytes(b"wool")
    spec = DIGITS.model_copy(update={"scene": "dice", "assets": AssetSpec(worlds=asset.parent)})
    out = tmp_path / "dataset"

    def render(spec: SceneSpec) -> None:
        render_dataset(spec, out, source=SOURCE, workers=1, worker_module="painting_worker")

    render(spec)
    manifest = read_manifest(out)
    assert manifest.assets == {"worlds/sky.png": hashlib.sha256(b"wool").hexdigest()}
    check_now(out, manifest)
    asset.write_bytes(b"silk")
    wool, silk = (hashlib.sha256(content).hexdigest()[:12] for content in (b"wool", b"silk"))
    said = rf"worlds/sky\.png \(sha256 {wool}, now {silk}\); restore them or render into another"
    with pytest.raises(DatasetError, match=said):
        render(spec.model_copy(update={"frames": 3}))
    with pytest.raises(DatasetError, match=said):
        check_now(out, manifest)
    assert read_manifest(out) == manifest
    asset.write_bytes(b"wool")
    render(spec.model_copy(update={"frames": 3}))


def test_files_that_went_or_came_are_told_too(tmp_path: Path) -> None:
    manifest = read_manifest(paint_dataset(tmp_path / "painted"))
    manifest = manifest.model_copy(update={"spec": DIGITS, "assets": {"old.woff2": "0" * 64}})
    with pytest.raises(DatasetError, match=r"old\.woff2 \(sha256 0{12}, now none\)"):
        check_now(tmp_path, manifest)
    with pytest.raises(DatasetError, match=r"cmr10\.ttf \(sha256 none, now "):
        check_now(tmp_path, manifest)


def test_what_a_family_has_no_use_for_is_refused(tmp_path: Path) -> None:
    mine = SceneSpec.model_validate({"scene": "digits", "frames": 1, "assets": {"worlds": "mine"}})
    with pytest.raises(SpecError, match=r"key 'assets\.worlds': scene digits has no use for it"):
        resolve_spec(mine, source=SOURCE)
    some = SceneSpec.model_validate({"scene": "digits", "frames": 1, "categories": ["7"]})
    with pytest.raises(SpecError, match="key 'categories': scene digits has no use for it"):
        resolve_spec(some, source=SOURCE)


def test_folders_of_assets_start_at_the_spec_and_may_move(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "sky.png").write_bytes(b"grey")
    (tmp_path / "dice.yaml").write_text("scene: dice\nframes: 1\nassets: {worlds: mine}\n")
    spec = load_spec(tmp_path / "dice.yaml", SceneSpec)
    assert spec.assets.worlds == folder
    out = tmp_path / "dataset"
    render_dataset(spec, out, source=SOURCE, workers=1, worker_module="painting_worker")
    moved = folder.rename(tmp_path / "elsewhere")
    spec = spec.model_copy(update={"assets": AssetSpec(worlds=moved), "frames": 2})
    render_dataset(spec, out, source=SOURCE, workers=1, worker_module="painting_worker")
    assert read_manifest(out).spec.assets.worlds == moved

"""Files that scenes are made from are pinned by their contents."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import cv2
import numpy as np
import pytest
from painting import paint_dataset

from blender_scenes.assets import asset_hashes, check_assets
from blender_scenes.blocks.pictures import read_panorama, read_picture
from blender_scenes.digits.fonts import FONTS, find_font
from blender_scenes.generate import render_dataset, resolve_spec
from blender_scenes.lens import through_lens
from blender_scenes.registry import FAMILIES, family_of
from pipeline.dataset.manifest import Manifest, read_manifest
from pipeline.errors import DatasetError, SpecError
from pipeline.records.scene import SampledScene
from pipeline.sampling.factors import FactorDraws, bind_factors
from pipeline.sampling.seeds import FrameSeeds
from pipeline.specs.document import load_spec
from pipeline.specs.scene import AssetSpec, RenderSpec, SceneSpec

SOURCE = Path("spec.yaml")
DIGITS = SceneSpec.model_validate(
    {"scene": "digits", "frames": 2, "image": {"width": 32, "height": 32}}
)

OWN_PICTURES = [
    name
    for name, family in FAMILIES.items()
    if {"worlds", "backgrounds"} <= family.accepts and "models" not in family.accepts
]


def paint(path: Path, grey: int) -> str:
    """A small picture; returns its SHA-256."""
    path.parent.mkdir(exist_ok=True)
    cv2.imwrite(str(path), np.full((4, 8, 3), grey, np.uint8))
    return hashlib.sha256(path.read_bytes()).hexdigest()


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
    wool = paint(asset, 200)
    spec = DIGITS.model_copy(update={"scene": "dice", "assets": AssetSpec(worlds=asset.parent)})
    out = tmp_path / "dataset"

    def render(spec: SceneSpec) -> None:
        render_dataset(spec, out, source=SOURCE, workers=1, worker_module="painting_worker")

    render(spec)
    manifest = read_manifest(out)
    assert manifest.assets == {"worlds/sky.png": wool}
    check_now(out, manifest)
    silk = paint(asset, 100)
    said = rf"sky\.png \(sha256 {wool[:12]}, now {silk[:12]}\); restore them or render into another"
    with pytest.raises(DatasetError, match=said):
        render(spec.model_copy(update={"frames": 3}))
    with pytest.raises(DatasetError, match=said):
        check_now(out, manifest)
    assert read_manifest(out) == manifest
    paint(asset, 200)
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
    paint(folder / "sky.png", 128)
    (tmp_path / "dice.yaml").write_text("scene: dice\nframes: 1\nassets: {worlds: mine}\n")
    spec = load_spec(tmp_path / "dice.yaml", SceneSpec)
    assert spec.assets.worlds == folder
    out = tmp_path / "dataset"
    render_dataset(spec, out, source=SOURCE, workers=1, worker_module="painting_worker")
    moved = folder.rename(tmp_path / "elsewhere")
    spec = spec.model_copy(update={"assets": AssetSpec(worlds=moved), "frames": 2})
    render_dataset(spec, out, source=SOURCE, workers=1, worker_module="painting_worker")
    assert read_manifest(out).spec.assets.worlds == moved


def own_pictures(folder: Path, scene: str, **more: object) -> SceneSpec:
    """A spec with two panoramas and three photographs."""
    for number in range(2):
        paint(folder / "worlds" / f"{number}.png", 100 + 50 * number)
    for number in range(3):
        paint(folder / "backgrounds" / f"{number}.png", 80 + 50 * number)
    folders = {name: folder / name for name in ("worlds", "backgrounds")}
    return SceneSpec.model_validate({"scene": scene, "frames": 1, "assets": folders} | more)


def sampled(spec: SceneSpec, frame: int) -> SampledScene:
    family = family_of(spec, source=SOURCE)
    bound = bind_factors(
        family.factors, spec.factors, source=SOURCE, randomisation=spec.randomisation
    )
    draws = FactorDraws(bound, FrameSeeds(seed=1, frame=frame))
    return through_lens(family.sample(draws, image=family.image), draws)


@pytest.mark.parametrize("scene", OWN_PICTURES)
def test_own_pictures_are_seen_in_the_share_of_frames_that_is_asked_for(
    scene: str, tmp_path: Path
) -> None:
    share = {"own": 0.25}
    spec = own_pictures(tmp_path, scene, factors={"background": share, "lighting": share})
    seen: dict[str, set[str]] = {"backgrounds": set(), "worlds": set()}
    frames = [sampled(spec, frame) for frame in range(24)]
    for made in frames:
        text = made.model_dump_json()
        for kind, factor in (("backgrounds", "background"), ("worlds", "lighting")):
            shown = set(re.findall(rf"{kind}/\d\.png", text))
            assert len(shown) == made.factors[factor]["own"]
            seen[kind] |= shown
    assert 0 < sum(bool(made.factors["background"]["own"]) for made in frames) < 14
    assert all(len(names) > 1 for names in seen.values())


def test_own_pictures_are_seen_always_unless_the_factor_is_off(tmp_path: Path) -> None:
    assert all("backgrounds/" in sampled(own_pictures(tmp_path, "coins"), i).model_dump_json()
               for i in range(4))  # fmt: skip
    for more in ({"factors": {"background": "off"}}, {"randomisation": "fixed"}):
        text = sampled(own_pictures(tmp_path, "coins", **more), 0).model_dump_json()
        assert "backgrounds/" not in text


@pytest.mark.parametrize("content", [b"no picture", b""])
def test_a_file_that_is_no_picture_is_refused_by_name_before_anything_is_rendered(
    content: bytes, tmp_path: Path
) -> None:
    spec = own_pictures(tmp_path, "nuts")
    (tmp_path / "backgrounds" / "torn.jpg").write_bytes(content)
    with pytest.raises(SpecError, match=r"torn\.jpg: not a picture that can be read; convert it"):
        resolve_spec(spec, source=SOURCE)


def test_a_picture_that_is_cut_short_is_named_when_it_is_read(tmp_path: Path) -> None:
    whole = tmp_path / "whole.png"
    paint(whole, 90)
    (tmp_path / "torn.png").write_bytes(whole.read_bytes()[:40])
    with pytest.raises(SpecError, match=r"torn\.png: not a picture that can be read"):
        read_picture(tmp_path / "torn.png")


def test_pictures_are_made_as_narrow_as_they_are_seen(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    cv2.imwrite(str(tmp_path / "wide.png"), rng.integers(0, 256, (60, 90, 3), dtype=np.uint8))
    assert read_picture(tmp_path / "wide.png").shape == (60, 90, 3)
    narrow = read_picture(tmp_path / "wide.png", width_px=30)
    assert narrow.shape == (20, 30, 3)
    assert np.array_equal(narrow, read_picture(tmp_path / "wide.png", width_px=30))
    assert read_panorama(tmp_path / "wide.png").shape == (256, 512, 3)


@pytest.mark.blender
def test_a_users_photograph_lies_under_the_primitives(tmp_path: Path) -> None:
    pytest.importorskip("bpy")
    from blender_scenes.engine import Engine, clear_scene
    from blender_scenes.primitives.build import build

    still = {"lighting": "off", "occlusion": "off", "distractors": "off", "sensor": "off"}
    spec = own_pictures(tmp_path, "primitives", factors=still)
    red = np.zeros((9, 12, 3), np.uint8)
    red[..., 2] = 188  # OpenCV's order; linear 0.5
    for path in (tmp_path / "backgrounds").iterdir():
        cv2.imwrite(str(path), red)
    scene = sampled(spec, 0)
    engine = Engine(RenderSpec(samples=1), max_bounces=(4, 2, 2), denoise=False)
    clear_scene()
    build(scene, family_of(spec, source=SOURCE).assets)
    passes = engine.render(scene, noise_seed=0)
    ground = np.median(passes.light[passes.ids == 0], axis=0)
    assert ground[0] == pytest.approx(0.5, rel=0.15)
    assert (ground[1:] < 0.02).all()

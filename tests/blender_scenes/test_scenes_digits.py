"""Digits: strokes and fonts as geometry, sampling as a function of its seeds, one real render."""

from __future__ import annotations

import math
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blender_scenes.digits import fonts
from blender_scenes.digits.family import DigitsFamily, DigitsScene, Glyph
from blender_scenes.digits.fonts import FONTS, find_font
from blender_scenes.digits.outlines import FlatMesh, pen_mesh, smooth_curve, stroke_glyph
from blender_scenes.digits.styles import STYLES, styles_of
from pipeline.errors import RenderError
from pipeline.geometry.camera import matrix4, project
from pipeline.sampling.factors import FactorDraws, bind_factors
from pipeline.sampling.seeds import FrameSeeds
from pipeline.specs.document import load_spec
from pipeline.specs.experiment import ExperimentSpec
from pipeline.specs.scene import FactorValue, ImageSpec, SceneSpec

FAMILY = DigitsFamily()
FACTOR_NAMES = [factor.name for factor in FAMILY.factors]
# Which of a glyph's fields a factor moves.
GLYPH_FIELDS = {
    "placement": {"category", "world_from_obj", "style"},
    "shape": {
        *("style", "height_m", "aspect", "slant", "stroke_width"),
        *("pressure", "jitter", "warp", "seed"),
    },
    "pose": {"world_from_obj"},
    "material": {"ink"},
}


def sample(
    frame: int = 0, *, seed: int = 5, image: ImageSpec = FAMILY.image, **factors: FactorValue
):
    bound = bind_factors(FAMILY.factors, factors, source=Path("spec.yaml"))
    draws = FactorDraws(bound, FrameSeeds(seed=seed, frame=frame))
    return FAMILY.sample(draws, image=image)


def plain_glyph(style: str, **changes: float) -> Glyph:
    neutral = Glyph(
        instance_id=1,
        category=style[0],
        world_from_obj=matrix4(np.eye(4)),
        style=style,
        height_m=0.01,
        aspect=1.0,
        slant=0.0,
        jitter=0.0,
        warp=0.0,
        stroke_width=0.1,
        pressure=0.0,
        ink=(0.0, 0.0, 0.0),
        seed=3,
    )
    return neutral.model_copy(update=changes)


def covered(mesh: FlatMesh, points: np.ndarray) -> np.ndarray:
    """(N,) whether any triangle holds a point: the definition, slow and plain."""
    inside = np.zeros(len(points), dtype=bool)
    for a, b, c in mesh.vertices[mesh.triangles]:
        sides = np.column_stack(
            [
                (end[0] - start[0]) * (points[:, 1] - start[1])
                - (end[1] - start[1]) * (points[:, 0] - start[0])
                for start, end in ((a, b), (b, c), (c, a))
            ]
        )
        inside |= (sides >= 0).all(axis=1) | (sides <= 0).all(axis=1)
    return inside


@pytest.mark.parametrize("digit", FAMILY.categories)
def test_every_digit_is_written_in_several_ways(digit: str) -> None:
    assert len(styles_of(digit)) >= 5
    for name in styles_of(digit):
        points = np.vstack([np.array(stroke) for stroke in STYLES[name].strokes])
        assert name.startswith(digit)
        assert (points >= 0).all()
        assert (points <= [6, 10]).all()


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 10)), min_size=2, max_size=9))
def test_a_curve_goes_through_its_points_and_stays_near(points) -> None:
    path = [points[0]]
    path += [point for before, point in pairwise(points) if point != before]
    if len(path) < 2:
        return
    control = np.array(path, dtype=float)
    curve = smooth_curve(control, steps=6)
    assert np.isfinite(curve).all()
    if len(path) > 2:
        assert np.allclose(curve[::6], control)
        # Centripetal knots: a piece leaves its chord by less than half of the longest chord.
        assert np.ptp(curve, axis=0).max() <= 2 * max(np.ptp(control, axis=0).max(), 1)


def test_a_straight_stroke_covers_what_a_round_pen_covers() -> None:
    radius, length = 0.1, 0.7
    line = np.array([[0.0, 0.0], [length, 0.0]])
    mesh = pen_mesh([line], [np.full(2, radius)])
    x, y = np.meshgrid(np.linspace(-0.2, 0.9, 300), np.linspace(-0.2, 0.2, 120))
    points = np.column_stack([x.ravel(), y.ravel()])
    distance = np.hypot(points[:, 0] - points[:, 0].clip(0, length), points[:, 1])
    expected = distance <= radius
    assert (covered(mesh, points) != expected).mean() < 0.005
    assert covered(mesh, points)[distance <= radius * math.cos(math.pi / 10) - 1e-9].all()


@pytest.mark.parametrize("style", STYLES)
def test_an_undistorted_glyph_is_its_path_plus_the_pen(style: str) -> None:
    vertices = stroke_glyph(plain_glyph(style)).vertices
    # Path 10 mm high, pen 1 mm wide with ten corners.
    assert np.ptp(vertices[:, 1]) == pytest.approx(0.011, abs=1e-4)
    # A curve may swing a little past its control points: what is 10 high is the curve.
    assert np.abs(vertices.min(axis=0) + vertices.max(axis=0)).max() < 2e-4


def test_shape_numbers_do_what_they_say() -> None:
    upright = stroke_glyph(plain_glyph("1_plain")).vertices
    slanted = stroke_glyph(plain_glyph("1_plain", slant=0.5)).vertices
    assert np.ptp(slanted[:, 0]) - np.ptp(upright[:, 0]) == pytest.approx(0.005, rel=0.01)
    narrow = stroke_glyph(plain_glyph("0_oval", aspect=0.5, stroke_width=1e-6)).vertices
    wide = stroke_glyph(plain_glyph("0_oval", aspect=1.0, stroke_width=1e-6)).vertices
    assert np.ptp(narrow[:, 0]) == pytest.approx(np.ptp(wide[:, 0]) / 2, rel=1e-3)


@pytest.mark.parametrize("field", ["jitter", "warp", "pressure"])
def test_noise_comes_from_the_glyphs_own_seed(field: str) -> None:
    def vertices(**changes: float) -> np.ndarray:
        return stroke_glyph(plain_glyph("8_s_first", **changes)).vertices

    noisy = {field: 0.05}
    assert np.array_equal(vertices(**noisy), vertices(**noisy))
    assert not np.array_equal(vertices(**noisy), vertices(**noisy, seed=4))
    assert np.array_equal(vertices(), vertices(seed=4))


def test_strokes_that_meet_still_meet_when_shaken() -> None:
    mesh = stroke_glyph(plain_glyph("7_plain", jitter=0.05, stroke_width=0.08))
    # One piece of ink: flood from the first triangle over triangles that touch.
    scale = 40 / 0.01
    grid = np.round((mesh.vertices - mesh.vertices.min(axis=0)) * scale).astype(int)
    x, y = np.meshgrid(np.arange(grid[:, 0].max() + 1), np.arange(grid[:, 1].max() + 1))
    points = np.column_stack([x.ravel(), y.ravel()]) / scale + mesh.vertices.min(axis=0)
    pieces, _ = cv2.connectedComponents(covered(mesh, points).reshape(x.shape).astype(np.uint8))
    assert pieces == 2  # paper and ink


def test_every_font_is_found_without_importing_its_package() -> None:
    for name in FONTS:
        assert find_font(name).is_file()
    assert any(name.startswith("bpy/") for name in FONTS)


def test_a_missing_font_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RenderError, match=r"matplotlib/nowhere\.ttf: no file"):
        find_font("matplotlib/nowhere.ttf")
    monkeypatch.setattr(fonts, "find_spec", lambda name: None)
    with pytest.raises(RenderError, match="bpy is not installed"):
        find_font("bpy/Inter.woff2")


def test_same_seeds_same_scene_and_back_from_json() -> None:
    first = sample(frame=3)
    assert first == sample(frame=3)
    assert DigitsScene.model_validate_json(first.model_dump_json()) == first
    assert first.instances != sample(frame=4).instances
    assert first.instances != sample(frame=3, seed=6).instances


def test_a_sheet_has_at_least_a_hundred_digits_of_all_kinds() -> None:
    for frame in range(8):
        instances = sample(frame).instances
        assert [glyph.instance_id for glyph in instances] == list(range(1, len(instances) + 1))
        assert 100 <= len(instances) <= 144
        assert {glyph.category for glyph in instances} == set(FAMILY.categories)
        for glyph in instances:
            assert glyph.style in FONTS or STYLES[glyph.style].digit == glyph.category


@pytest.mark.parametrize("factor", FACTOR_NAMES)
@pytest.mark.parametrize("mode", ["off", "frozen"])
def test_a_factor_moves_nothing_but_its_own(factor: str, mode: str) -> None:
    before, after = sample(frame=9), sample(frame=9, **{factor: mode})
    assert {n: v for n, v in before.factors.items() if n != factor} == {
        n: v for n, v in after.factors.items() if n != factor
    }
    moved = GLYPH_FIELDS.get(factor, set()) | ({"world_from_obj"} if factor == "count" else set())
    for glyph, other in zip(before.instances, after.instances, strict=False):
        assert glyph.model_dump(exclude=moved) == other.model_dump(exclude=moved)
    if factor not in ("camera", "count"):
        assert before.camera == after.camera


def test_switching_a_factor_off_keeps_who_stands_where() -> None:
    for factor in ("shape", "placement", "pose", "material", "count"):
        pairs = zip(sample(2).instances, sample(2, **{factor: "off"}).instances, strict=False)
        assert all(glyph.category == other.category for glyph, other in pairs)


@pytest.mark.parametrize("image", [FAMILY.image, ImageSpec(width=640, height=400)])
def test_the_camera_sees_the_whole_grid(image: ImageSpec) -> None:
    for frame in range(20):
        scene = sample(frame, image=image)
        for glyph in scene.instances[:1] + scene.instances[-1:]:
            x, y = project(scene.camera, np.array([[row[3] for row in glyph.world_from_obj[:3]]]))[
                0
            ]
            assert 0 < x < image.width
            assert 0 < y < image.height


def test_the_examples_fit_the_family_and_the_originals() -> None:
    examples = Path(__file__).parents[2] / "examples"
    experiment = load_spec(examples / "digits-experiment.yaml", ExperimentSpec)
    spec = load_spec(experiment.synthetic, SceneSpec)
    assert spec.scene == FAMILY.name
    bind_factors(FAMILY.factors, spec.factors, source=experiment.synthetic)
    assert (experiment.crops.bitmap, experiment.crops.size, experiment.input_px) == (32, 8, 8)


SCRIPT = """
import sys
import numpy as np
from blender_scenes.digits.build import build, glyph_mesh
from blender_scenes.digits.family import DigitsFamily, DigitsScene
from blender_scenes.digits.fonts import FONTS
from blender_scenes.engine import Engine, clear_scene
from pipeline.specs.scene import RenderSpec

scene = DigitsScene.model_validate_json(open(sys.argv[1]).read())
engine = Engine(RenderSpec(samples=2), max_bounces=DigitsFamily.max_bounces, denoise=False)
found = {}
for round in range(2):  # fonts are cached: the second round must not miss what was cleared
    clear_scene()
    build(scene, {})
    passes = engine.render(scene, noise_seed=round)
    found |= {f"ids{round}": passes.ids, f"rgb{round}": passes.light}
for glyph in scene.instances:
    mesh = glyph_mesh(glyph)
    found |= {f"v{glyph.instance_id}": mesh.vertices, f"t{glyph.instance_id}": mesh.triangles}
for font in FONTS:
    for digit in DigitsFamily.categories:
        mesh = glyph_mesh(scene.instances[0].model_copy(update={"style": font, "category": digit}))
        found[f"{font}:{digit}"] = mesh.vertices
np.savez(sys.argv[2], **found)
"""


@pytest.fixture(scope="module")
def scene() -> DigitsScene:
    return sample(
        frame=1,
        image=ImageSpec(width=200, height=160),
        count={"columns": 6, "rows": 4},
        shape={"source": ["pen", "font"]},
    )


@pytest.fixture(scope="module")
def rendered(scene, tmp_path_factory: pytest.TempPathFactory) -> dict[str, np.ndarray]:
    folder = tmp_path_factory.mktemp("digits")
    (folder / "scene.json").write_text(scene.model_dump_json())
    arguments = [str(folder / "scene.json"), str(folder / "passes.npz")]
    subprocess.run([sys.executable, "-c", SCRIPT, *arguments], check=False, stdout=subprocess.PIPE)
    with np.load(folder / "passes.npz") as stored:  # judged by its file: bpy may crash at exit
        return dict(stored)


@pytest.mark.blender
def test_rendered_ids_are_where_the_glyphs_project_to(scene, rendered) -> None:
    height, width = rendered["ids0"].shape
    x, y = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    centres = np.column_stack([x.ravel(), y.ravel()])
    expected = np.zeros(height * width, int)
    for glyph in scene.instances:
        vertices = np.pad(rendered[f"v{glyph.instance_id}"], ((0, 0), (0, 1)))
        world_from_obj = np.array(glyph.world_from_obj)
        pixels = project(scene.camera, vertices @ world_from_obj[:3, :3].T + world_from_obj[:3, 3])
        near = np.flatnonzero(
            ((centres >= pixels.min(axis=0)) & (centres <= pixels.max(axis=0))).all(axis=1)
        )
        mesh = FlatMesh(vertices=pixels, triangles=rendered[f"t{glyph.instance_id}"])
        expected[near[covered(mesh, centres[near])]] = glyph.instance_id
    assert {glyph.style in FONTS for glyph in scene.instances} == {True, False}
    assert set(np.unique(rendered["ids0"])) == {0, *range(1, 25)}
    # Where a pixel's centre lies on an edge, float32 decides.
    assert (rendered["ids0"].ravel() != expected).mean() < 5e-4
    assert np.array_equal(rendered["ids0"], rendered["ids1"])


@pytest.mark.blender
def test_ink_is_darker_than_paper(rendered) -> None:
    lightness = rendered["rgb0"].mean(axis=2)
    assert lightness[rendered["ids0"] > 0].mean() < lightness[rendered["ids0"] == 0].mean() - 0.2


@pytest.mark.blender
def test_every_font_has_ten_different_digits(rendered) -> None:
    for font in FONTS:
        digits = [rendered[f"{font}:{digit}"] for digit in FAMILY.categories]
        assert all(len(vertices) >= 3 for vertices in digits)
        assert len({vertices.tobytes() for vertices in digits}) == 10

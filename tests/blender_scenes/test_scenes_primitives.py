"""Primitives: solids as geometry, resting and moving without touching, one real render."""

from __future__ import annotations

import itertools
import math
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blender_scenes.primitives.family import PrimitivesFamily
from blender_scenes.primitives.paths import clear_movers
from blender_scenes.primitives.resting import free_turn, resting_turn
from blender_scenes.primitives.scene import PrimitivesScene
from blender_scenes.primitives.solids import KEYPOINTS, SOLIDS, Solid, keypoints_of, solid_of
from pipeline.geometry.camera import project
from pipeline.geometry.motion import scene_after
from pipeline.records.scene import Vector3
from pipeline.sampling.factors import FactorDraws, bind_factors
from pipeline.sampling.seeds import FrameSeeds
from pipeline.specs.document import load_spec
from pipeline.specs.scene import FactorValue, ImageSpec, SceneSpec

FAMILY = PrimitivesFamily()
FACTOR_NAMES = [factor.name for factor in FAMILY.factors]
EXAMPLES = Path(__file__).parents[2] / "examples"
EXTENTS: dict[str, Vector3] = {
    "box": (0.1, 0.2, 0.3),
    "sphere": (0.2, 0.2, 0.2),
    "cylinder": (0.1, 0.1, 0.3),
    "cone": (0.1, 0.1, 0.3),
    "torus": (0.3, 0.3, 0.1),
    "capsule": (0.1, 0.1, 0.3),
}
VOLUMES_M3 = {
    "box": 0.1 * 0.2 * 0.3,
    "sphere": 4 / 3 * math.pi * 0.1**3,
    "cylinder": math.pi * 0.05**2 * 0.3,
    "cone": math.pi * 0.05**2 * 0.3 / 3,
    "torus": 2 * math.pi**2 * 0.1 * 0.05**2,
    "capsule": math.pi * 0.05**2 * 0.2 + 4 / 3 * math.pi * 0.05**3,
}


def sample(frame: int = 0, *, seed: int = 5, **factors: FactorValue) -> PrimitivesScene:
    bound = bind_factors(FAMILY.factors, factors, source=Path("spec.yaml"))
    draws = FactorDraws(bound, FrameSeeds(seed=seed, frame=frame))
    return FAMILY.sample(draws, image=FAMILY.image)


def turned(solid: Solid, turn: np.ndarray) -> np.ndarray:
    return solid.vertices_m @ turn.T


def radius_m(instance, *, in_air: bool) -> float:
    """Of the disc around the origin that holds the solid however it spins about its motion."""
    vertices = solid_of(instance.category, instance.extent_m).vertices_m
    turn = np.array(instance.world_from_obj)[:3, :3]
    reach = vertices if in_air else (vertices @ turn.T)[:, :2]
    return float(np.linalg.norm(reach, axis=1).max())


@pytest.mark.parametrize("name", SOLIDS)
def test_a_solid_is_closed_faces_outwards_and_fills_its_box(name: str) -> None:
    solid = solid_of(name, EXTENTS[name])
    # Points at the same place are one: edges are doubled for their shading only.
    _, points = np.unique(solid.vertices_m.round(9), axis=0, return_inverse=True)
    triangles = points.reshape(-1)[solid.triangles]
    edges = Counter(
        (int(a), int(b)) for t in triangles for a, b in zip(t, np.roll(t, -1), strict=True)
    )
    assert set(edges.values()) == {1}
    assert all((b, a) in edges for a, b in edges)
    a, b, c = (solid.vertices_m[solid.triangles[:, k]] for k in range(3))
    volume_m3 = np.einsum("ij,ij->", a, np.cross(b, c)) / 6
    assert 0.95 * VOLUMES_M3[name] < volume_m3 <= VOLUMES_M3[name] * (1 + 1e-9)
    assert np.allclose(solid.vertices_m.max(axis=0), np.array(EXTENTS[name]) / 2)
    assert np.allclose(solid.vertices_m.min(axis=0), -np.array(EXTENTS[name]) / 2)
    assert set(solid.triangles.ravel().tolist()) == set(range(len(solid.vertices_m)))


@pytest.mark.parametrize("name", SOLIDS)
def test_keypoints_are_vertices_and_the_skeleton_joins_neighbours(name: str) -> None:
    vertices = solid_of(name, EXTENTS[name]).vertices_m
    points = np.array(keypoints_of(name, EXTENTS[name]))
    nearest = np.linalg.norm(vertices[None] - points[:, None], axis=2).min(axis=1)
    assert nearest.max() < 1e-15
    layout = KEYPOINTS[name]
    assert len(points) == len(layout.names) == len(set(layout.names))
    if name == "box":
        lengths = [np.count_nonzero(points[a] != points[b]) for a, b in layout.skeleton]
        assert lengths == [1] * 12


@pytest.mark.parametrize("name", SOLIDS)
@given(side=st.floats(0, 1), turn_rad=st.floats(-4, 4), tip=st.floats(0, 1))
@settings(max_examples=15)
def test_turns_are_rotations(name: str, side: float, turn_rad: float, tip: float) -> None:
    for turn in (
        resting_turn(name, EXTENTS[name], side=side, turn_rad=turn_rad),
        free_turn(side=side, turn_rad=turn_rad, tip=tip),
    ):
        assert np.allclose(turn @ turn.T, np.eye(3))
        assert np.linalg.det(turn) == pytest.approx(1)


@pytest.mark.parametrize("name", SOLIDS)
@pytest.mark.parametrize("side", [0.0, 0.5, 1.0])
def test_a_resting_solid_is_held_by_what_it_stands_on(name: str, side: float) -> None:
    turn = resting_turn(name, EXTENTS[name], side=side, turn_rad=0.3)
    solid = solid_of(name, EXTENTS[name])
    vertices = turned(solid, turn)
    low = vertices[vertices[:, 2] < vertices[:, 2].min() + 1e-9, :2]
    # The middle of what touches the ground is near the point below the centre of mass.
    a, b, c = (vertices[solid.triangles[:, k]] for k in range(3))
    weights = np.einsum("ij,ij->i", a, np.cross(b, c))
    centre = ((a + b + c) / 4 * weights[:, None]).sum(axis=0) / weights.sum()
    reach = max(np.linalg.norm(low - low.mean(axis=0), axis=1).max(), 1e-6)
    assert np.linalg.norm(low.mean(axis=0) - centre[:2]) <= reach


@pytest.mark.parametrize("where", ["ground", "air"])
def test_solids_neither_touch_nor_sink_and_stay_clear_on_their_way(where: str) -> None:
    moving = 0
    for frame in range(12):
        scene = sample(frame, count={"solids": [8, 16]}, placement={"where": where})
        in_air = where == "air"
        radii = {i.instance_id: radius_m(i, in_air=in_air) for i in scene.instances}
        moving += sum(any(i.motion.velocity_m_s) for i in scene.instances if i.motion)
        for time_s in np.linspace(-0.5, 2.0, 26):
            later = scene_after(scene, float(time_s)).instances
            places = {i.instance_id: np.array(i.world_from_obj)[:3, 3] for i in later}
            for one, other in itertools.combinations(places, 2):
                apart = np.hypot(*(places[one] - places[other])[:2])
                assert apart > radii[one] + radii[other] - 1e-4
        for instance in scene.instances:
            pose = np.array(instance.world_from_obj)
            solid = solid_of(instance.category, instance.extent_m)
            low = (turned(solid, pose[:3, :3]) + pose[:3, 3])[:, 2].min()
            assert low > -1e-12 if in_air else abs(low) < 1e-12
    assert moving > 30


def test_who_would_touch_stands_still() -> None:
    places = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 5.0]])
    velocities = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    radii = np.full(3, 0.2)

    def movers(horizon_s: float) -> list[bool]:
        return clear_movers(
            places, velocities_m_s=velocities, radii_m=radii, horizon_s=horizon_s
        ).tolist()

    assert movers(0.5) == [True, True, True]
    # The first would run into the second as long as that is not known to move.
    assert movers(1.0) == [False, True, True]
    velocities[1] = 0
    assert movers(10.0) == [False, False, True]


def test_same_seeds_same_scene_and_back_from_json() -> None:
    first = sample(frame=3)
    assert first == sample(frame=3)
    assert PrimitivesScene.model_validate_json(first.model_dump_json()) == first
    assert first.instances != sample(frame=4).instances
    assert first.instances != sample(frame=3, seed=6).instances


def test_all_solids_find_room() -> None:
    counts = [len(sample(frame, count="off").instances) for frame in range(30)]
    assert sum(counts) >= 0.99 * 12 * 30
    assert sample(count={"solids": 0}).instances == ()


@pytest.mark.parametrize("factor", FACTOR_NAMES)
@pytest.mark.parametrize("mode", ["off", "frozen"])
def test_a_factor_moves_nothing_but_its_own(factor: str, mode: str) -> None:
    before, after = sample(frame=9), sample(frame=9, **{factor: mode})
    assert {n: v for n, v in before.factors.items() if n != factor} == {
        n: v for n, v in after.factors.items() if n != factor
    }
    looks = ("colour", "finish", "roughness", "mottled", "grain")
    pairs = list(zip(before.instances, after.instances, strict=False))
    if factor != "material":
        assert all(getattr(a, key) == getattr(b, key) for a, b in pairs for key in looks)
    if factor in ("material", "background", "lighting", "camera", "sensor", "motion"):
        assert all(a.world_from_obj == b.world_from_obj for a, b in pairs)
    if factor in ("material", "background", "lighting", "sensor", "motion", "distractors"):
        assert before.camera == after.camera
    if factor != "shape":
        assert all(a.category == b.category for a, b in pairs)


def test_without_motion_nothing_moves() -> None:
    assert all(instance.motion is None for instance in sample(motion="off").instances)


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("primitives*.yaml")))
def test_the_examples_fit_the_family(path: Path) -> None:
    spec = load_spec(path, SceneSpec)
    assert spec.scene == FAMILY.name
    bind_factors(FAMILY.factors, spec.factors, source=path)


SCRIPT = """
import sys
import numpy as np
from blender_scenes.engine import Engine, clear_scene
from blender_scenes.primitives.build import build
from blender_scenes.primitives.scene import PrimitivesScene
from pipeline.specs.scene import RenderSpec

scene = PrimitivesScene.model_validate_json(open(sys.argv[1]).read())
engine = Engine(RenderSpec(samples=2, device="cpu"), max_bounces=(4, 2, 2), denoise=True)
for round in range(2):  # materials are shared within a scene, not beyond it
    clear_scene()
    build(scene, {})
    passes = engine.render(scene, noise_seed=round)
np.savez(sys.argv[2], ids=passes.ids, depth_m=passes.depth_m, light=passes.light)
"""


@pytest.mark.blender
def test_rendered_solids_are_where_their_keypoints_project_to(tmp_path: Path) -> None:
    bound = bind_factors(
        FAMILY.factors,
        {
            "placement": {"where": "ground"},
            "camera": {"framing": 0.6, "elevation_rad": 1.5, "roll_rad": 0},
            "occlusion": "off",
            "distractors": {"stones": 3},
            "material": {"mottled": True},
        },
        source=Path("spec.yaml"),
    )
    draws = FactorDraws(bound, FrameSeeds(seed=5, frame=1))
    scene = FAMILY.sample(draws, image=ImageSpec(width=160, height=120))
    (tmp_path / "scene.json").write_text(scene.model_dump_json())
    arguments = [str(tmp_path / "scene.json"), str(tmp_path / "passes.npz")]
    subprocess.run([sys.executable, "-c", SCRIPT, *arguments], check=False, stdout=subprocess.PIPE)
    with np.load(tmp_path / "passes.npz") as stored:  # judged by its file: bpy may crash at exit
        passes = dict(stored)
    assert np.isfinite(passes["light"]).all()
    assert passes["light"].mean() > 0.01
    # Seen from above no solid hides another.
    assert set(np.unique(passes["ids"])) == {0, *range(1, len(scene.instances) + 1)}
    for instance in scene.instances:
        rows, columns = np.nonzero(passes["ids"] == instance.instance_id)
        pose = np.array(instance.world_from_obj)
        vertices = solid_of(instance.category, instance.extent_m).vertices_m
        outline = project(scene.camera, vertices @ pose[:3, :3].T + pose[:3, 3])
        low, high = outline.min(axis=0), outline.max(axis=0)
        # A corner may slip between pixel centres.
        assert np.abs(low - [columns.min() + 0.5, rows.min() + 0.5]).max() < 1.5
        assert np.abs(high - [columns.max() + 0.5, rows.max() + 0.5]).max() < 1.5
        points = np.array(instance.keypoints_m) @ pose[:3, :3].T + pose[:3, 3]
        pixels = project(scene.camera, points)
        assert (pixels >= low - 1e-9).all()
        assert (pixels <= high + 1e-9).all()

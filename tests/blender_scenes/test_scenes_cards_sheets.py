"""Cards as sheets: bent, with corners on their print, resting on each other."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from embreex.mesh_construction import TriangleMesh
from embreex.rtcore_scene import EmbreeScene
from hypothesis import given, settings
from hypothesis import strategies as st

from blender_scenes.blocks.grounds import Ground, folds_m
from blender_scenes.cards.arrangement import Table
from blender_scenes.cards.deck import THICK_M
from blender_scenes.cards.family import CardsFamily
from blender_scenes.cards.scene import Bend, CardsScene
from blender_scenes.cards.sheets import CARD_M, CORNER_M, Surface, card_surface, corners_m
from pipeline.sampling.factors import FactorDraws, bind_factors
from pipeline.sampling.seeds import FrameSeeds
from pipeline.specs.scene import FactorValue

FAMILY = CardsFamily()
BENDS = st.builds(
    Bend,
    curl_m=st.floats(-0.004, 0.004),
    direction_rad=st.floats(0, np.pi),
    twist_m=st.floats(-0.002, 0.002),
    ear_m=st.floats(0, 0.01),
    ear_corner=st.integers(0, 3),
    ear_reach=st.floats(0.4, 0.9),
)


def sample(frame: int, **factors: FactorValue) -> CardsScene:
    bound = bind_factors(FAMILY.factors, factors, source=Path("spec.yaml"))
    return FAMILY.sample(FactorDraws(bound, FrameSeeds(seed=5, frame=frame)), image=FAMILY.image)


def placed(surface: Surface, world_from_sheet: object) -> Surface:
    pose = np.array(world_from_sheet)
    return replace(surface, vertices_m=surface.vertices_m @ pose[:3, :3].T + pose[:3, 3])


def sheets(scene: CardsScene) -> list[Surface]:
    """Every card in the world."""
    labelled = [placed(card_surface(c.bend), c.world_from_obj) for c in scene.instances]
    return labelled + [
        placed(card_surface(o.bend, thick_m=o.thick_m), o.world_from_card) for o in scene.others
    ]


@given(bend=BENDS, thick_m=st.sampled_from([THICK_M, 0.01]))
@settings(max_examples=20)
def test_a_card_is_closed_and_as_large_and_thick_as_it_should_be(
    bend: Bend, thick_m: float
) -> None:
    surface = card_surface(bend, thick_m=thick_m)
    a, b, c = (surface.vertices_m[surface.triangles[:, k]] for k in range(3))
    volume = float((a * np.cross(b, c)).sum() / 6)  # of a closed surface that faces outwards
    flat_m2 = CARD_M[0] * CARD_M[1] - (4 - np.pi) * CORNER_M**2
    assert volume == pytest.approx(flat_m2 * thick_m, rel=0.01)
    assert np.ptp(surface.vertices_m[:, :2], axis=0) == pytest.approx(CARD_M)
    assert surface.underside_m[:, 2].max() <= surface.vertices_m[:, 2].max() - thick_m + 1e-12
    assert len(surface.underside_m) * 2 < len(surface.vertices_m)
    assert surface.uv.min() >= 0
    assert surface.uv.max() <= 1


@given(bend=BENDS)
@settings(max_examples=20)
def test_corners_are_on_the_bent_print_at_its_farthest_places(bend: Bend) -> None:
    surface = card_surface(bend)
    corners = np.array(corners_m(bend))
    for corner, sign in zip(corners, ((1, 1), (-1, 1), (-1, -1), (1, -1)), strict=True):
        along = surface.vertices_m[:, :2] @ sign
        rim = surface.vertices_m[along > along.max() - 1e-9]
        nearest = np.linalg.norm(rim - corner, axis=1).min()
        assert nearest < 1e-9  # a vertex of the surface, and none is farther out


def test_sheets_rest_on_three_points_around_their_middle() -> None:
    """A flat card half on a pile leans on its edge; on a level ground it lies level."""
    table = Table.of(Ground(surface="board", dark=(0, 0, 0), light=(1, 1, 1), tile_m=1))
    pile = np.array(table.let_down(card_surface(Bend(), thick_m=0.01), np.zeros(3)))
    assert pile[2, 3] == pytest.approx(0.01, abs=1e-4)
    assert np.allclose(pile[:3, :3], np.eye(3))
    # Its middle is 20 mm beside the pile: down there on its outer edge, up here on the rim.
    side_m = CARD_M[0] / 2 + 0.02
    leaning = np.array(table.let_down(card_surface(Bend()), np.array([side_m, 0, 0])))
    rise = 0.01 / (CARD_M[0] / 2 + 0.02)
    assert leaning[2, 0] == pytest.approx(-np.sin(np.arctan(rise)), rel=0.1)
    assert leaning[2, 3] == pytest.approx(rise * CARD_M[0] / 2, rel=0.2)


@pytest.mark.parametrize("layout", ["scatter", "row", "fan", "grid", "heap"])
def test_cards_lie_on_the_ground_and_not_in_each_other(layout: str) -> None:
    scene = sample(
        frame=3,
        count={"cards": 6},
        placement={"layout": layout, "step_m": 0.03},
        distractors={"others": 3, "piled": 0.5},
        background={"surface": "cloth", "folds": 1.0},
    )
    surfaces = sheets(scene)
    overlaps = 0
    for index, one in enumerate(surfaces):
        ground_m = folds_m(scene.ground, one.vertices_m[:, :2])
        assert (one.vertices_m[:, 2] - ground_m).min() > -5e-4  # the net's own coarseness
        for other in surfaces[index + 1 :]:
            gap_m = clearance_m(one, other)
            overlaps += len(gap_m) > 0
            assert len(gap_m) == 0 or gap_m.min() > 0
    assert overlaps or layout in ("scatter", "grid")


def clearance_m(one: Surface, other: Surface) -> np.ndarray:
    """(N,) air between two sheets where upright rays meet both; below 0 they overlap."""
    low = np.maximum(*(s.vertices_m[:, :2].min(axis=0) for s in (one, other)))
    high = np.minimum(*(s.vertices_m[:, :2].max(axis=0) for s in (one, other)))
    if (high <= low).any():
        return np.zeros(0)
    x, y = np.meshgrid(*(np.linspace(a, b, 45) for a, b in zip(low, high, strict=True)))
    flat = np.column_stack([x.ravel(), y.ravel()])
    (top, bottom), (other_top, other_bottom) = (
        [met_m(surface, flat, from_above=above) for above in (True, False)]
        for surface in (one, other)
    )
    both = np.isfinite(top) & np.isfinite(other_top)
    above = top[both] > other_top[both]
    assert above.all() or not above.any()  # not through each other
    return np.where(top > other_top, bottom - other_top, other_bottom - top)[both]


def met_m(surface: Surface, flat_m: np.ndarray, *, from_above: bool) -> np.ndarray:
    """(N,) height at which upright rays first meet a surface; nan beside it."""
    scene = EmbreeScene(robust=True)
    TriangleMesh(scene, surface.vertices_m.astype(np.float32), surface.triangles)
    start = 0.1 if from_above else -0.1
    rays = np.column_stack([flat_m, np.full(len(flat_m), start)]).astype(np.float32)
    towards = np.tile([0.0, 0.0, -np.sign(start)], (len(flat_m), 1)).astype(np.float32)
    range_m = scene.run(rays, towards, query="DISTANCE")
    return np.where(range_m < 1, start - np.sign(start) * range_m, np.nan)

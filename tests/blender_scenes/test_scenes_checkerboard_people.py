"""Who holds a checkerboard: hands at its edge and not through it, arms from there."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blender_scenes.checkerboard.people import (
    arm_shape,
    grip_shape,
    person_shape,
    shoulders_m,
    wrist_m,
)
from blender_scenes.checkerboard.scene import Bend, Board, Grip, GripKind, Person
from pipeline.geometry.camera import matrix4

BOARD = Board(
    instance_id=1, category="chessboard", world_from_obj=matrix4(np.eye(4)),
    columns=10, rows=7, square_m=0.03, margin=0.5, plate=0.5,
    bend=Bend(amount_m=0.0, direction_rad=0.0, twist=0.0),
    white=0.8, black=0.02, stain=0.0, sheen=1.0, plate_colour=(0.2, 0.2, 0.2), seed=3,
)  # fmt: skip
RIGHT_M = (10 - 1 + 0.5 + 0.5) * 0.03  # where the plate ends; the first corner is at 0
PERSON = Person(
    position_m=(0.1, 0.4, -0.2), turn_rad=0.3, lean_rad=-0.1, shirt=(0.6, 0.6, 0.6),
    stripe=(0.1, 0.1, 0.1), hair=(0.02, 0.02, 0.02), skin=(0.4, 0.3, 0.2), seed=4,
)  # fmt: skip


def a_grip(kind: GripKind, *, reach_m: float, turn_rad: float = 0.0, seed: int = 1) -> Grip:
    return Grip(
        kind=kind, place=(10.0, 2.5), outwards_rad=turn_rad, reach_m=reach_m,
        skin=(0.4, 0.3, 0.2), seed=seed,
    )  # fmt: skip


@given(
    kind=st.sampled_from(["thumb", "fingers"]),
    reach_m=st.floats(0.008, 0.025),
    turn_rad=st.floats(-0.4, 0.4),
    seed=st.integers(0, 99),
)
@settings(max_examples=40)
def test_a_hand_reaches_no_further_than_asked_and_not_through_the_board(
    kind: GripKind, reach_m: float, turn_rad: float, seed: int
) -> None:
    grip = a_grip(kind, reach_m=reach_m, turn_rad=turn_rad, seed=seed)
    x, _, z = grip_shape(grip, BOARD).vertices_m.T
    in_front, on_board = z < 0, x < RIGHT_M - 0.01
    assert (in_front & (x < RIGHT_M)).any()
    # Fingers differ by a quarter, and a turned hand is wide: 3 cm to either side.
    reached = 1.3 * reach_m + 0.03 * abs(math.sin(turn_rad)) + 0.008
    assert x[in_front].min() > RIGHT_M - reached
    inside = on_board & (z > 0.0002) & (z < 0.003)
    assert not inside.any()


@pytest.mark.parametrize("kind", ["thumb", "fingers"])
def test_the_wrist_is_outside_and_behind_the_board(kind: GripKind) -> None:
    x, y, z = wrist_m(a_grip(kind, reach_m=0.01), BOARD)
    assert x > RIGHT_M + 0.03
    assert y == pytest.approx(2.5 * 0.03)
    assert z > 0.01


def test_an_arm_goes_from_shoulder_to_wrist_under_a_sleeve() -> None:
    shoulder, wrist = np.array([0.2, 0.4, -0.2]), np.array([0.1, 0.0, 0.1])
    arm = arm_shape(shoulder, wrist, sleeve=(0.9, 0.0, 0.0), skin=(0.0, 0.9, 0.0))
    to_shoulder, to_wrist = (
        np.linalg.norm(arm.vertices_m - end, axis=1) for end in (shoulder, wrist)
    )
    assert to_shoulder.min() < 0.07
    assert to_wrist.min() < 0.03
    covered = arm.paint[:, 0] > 0
    assert to_shoulder[covered].mean() < to_shoulder[~covered].mean()
    # A cuff stands off the skin: at the same place there are both, the sleeve outside.
    assert {*map(tuple, arm.paint)} == {(0.9, 0.0, 0.0), (0.0, 0.9, 0.0)}


def test_a_person_has_human_size_two_shoulders_and_sharp_stripes() -> None:
    shape = person_shape(PERSON)
    wide, deep, tall = np.ptp(shape.vertices_m, axis=0)
    assert 0.3 < wide < 0.6
    assert 0.15 < deep < 0.45
    assert 0.9 < tall < 1.3
    left, right = shoulders_m(PERSON)
    assert math.dist(left, right) == pytest.approx(0.38)
    # Where a stripe begins there is a point of either paint: no blend between them.
    shirt, stripe = (
        {*map(tuple, shape.vertices_m[(shape.paint == paint).all(axis=1)].round(6))}
        for paint in (PERSON.shirt, PERSON.stripe)
    )
    assert len(shirt & stripe) >= 10 * 24

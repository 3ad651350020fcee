"""Cards: which are labelled, what each factor moves; one real render."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from blender_scenes.cards.deck import RANKS
from blender_scenes.cards.family import CardsFamily
from blender_scenes.cards.scene import Card, CardsScene, Unlabelled
from blender_scenes.cards.sheets import CARD_M, CORNER_M
from pipeline.geometry.camera import project
from pipeline.sampling.factors import FactorDraws, bind_factors
from pipeline.sampling.seeds import FrameSeeds
from pipeline.specs.document import load_spec
from pipeline.specs.scene import FactorValue, ImageSpec, SceneSpec

FAMILY = CardsFamily()
FACTOR_NAMES = [factor.name for factor in FAMILY.factors]
DEPENDANTS = {factor.name: set(factor.dependants) for factor in FAMILY.factors}
EXAMPLE = Path(__file__).parents[2] / "examples" / "cards.yaml"
SIX = ("nine", "ten", "jack", "queen", "king", "ace")


def sample(
    frame: int = 0,
    *,
    family: CardsFamily = FAMILY,
    seed: int = 5,
    image: ImageSpec = FAMILY.image,
    **factors: FactorValue,
) -> CardsScene:
    bound = bind_factors(family.factors, factors, source=Path("spec.yaml"))
    draws = FactorDraws(bound, FrameSeeds(seed=seed, frame=frame))
    return family.sample(draws, image=image)


def family_of(*categories: str) -> CardsFamily:
    spec = SceneSpec(scene="cards", frames=1, categories=categories)
    return FAMILY.of(spec, source=Path("spec.yaml"))


def test_labels_are_the_chosen_categories_and_the_rest_has_none() -> None:
    shown: Counter[str] = Counter()
    spades = family_of("ace", "nine")
    for frame in range(20):
        scene = sample(frame, family=spades, count={"cards": 3}, distractors={"others": 3})
        shown.update(card.category for card in scene.instances)
        assert all(card.look.rank == card.category for card in scene.instances)
        assert all(card.look.face_up for card in scene.instances)
        assert len({(c.look.rank, c.look.suit) for c in scene.instances}) == 3  # one deck
        for other in scene.others:
            assert isinstance(other, Unlabelled)
            assert not (other.look.face_up and other.look.rank in ("ace", "nine"))
    assert set(shown) == {"ace", "nine"}
    assert min(shown.values()) > 10
    assert spades.categories == ("ace", "nine")
    # With every rank a category nothing else can be face up.
    for frame in range(5):
        others = sample(frame, distractors={"others": 4, "face_down": 0}).others
        assert len(others) == 4
        assert not any(other.look.face_up for other in others)


def test_a_whole_deck_can_be_dealt_once() -> None:
    scene = sample(count={"cards": 52})
    assert len({(card.look.rank, card.look.suit) for card in scene.instances}) == 52
    assert {card.category for card in scene.instances} == set(RANKS)


def test_corners_go_clockwise_from_the_upper_left_in_the_picture() -> None:
    for frame in range(12):
        scene = sample(frame, count={"cards": 2}, placement={"order": "any"})
        for card in scene.instances:
            pose = np.array(card.world_from_obj)
            world = np.array(card.keypoints_m) @ pose[:3, :3].T + pose[:3, 3]
            off = project(scene.camera, world) - project(scene.camera, world).mean(axis=0)
            before, after = off, np.roll(off, -1, axis=0)
            assert (before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0] > 0).all()
            assert np.argmin(off.sum(axis=1) / np.hypot(*off.T)) == 0
            # Two of the sides are the long ones: these are corners of the card, not of its box.
            sides = np.linalg.norm(world - np.roll(world, -1, axis=0), axis=1)
            assert np.sort(sides) == pytest.approx(
                np.array([CARD_M[0]] * 2 + [CARD_M[1]] * 2) - 2 * CORNER_M * (1 - 0.5**0.5),
                rel=0.05,
            )


def test_same_seeds_same_scene_and_back_from_json() -> None:
    first = sample(frame=3)
    assert first == sample(frame=3)
    assert CardsScene.model_validate_json(first.model_dump_json()) == first
    assert first.instances != sample(frame=4).instances
    assert sample(count={"cards": 0}).instances == ()


@pytest.mark.parametrize("factor", FACTOR_NAMES)
@pytest.mark.parametrize("mode", ["off", "frozen"])
def test_a_factor_moves_nothing_but_its_own(factor: str, mode: str) -> None:
    fixed = {"count": {"cards": 4}} if factor != "count" else {}
    before, after = sample(frame=9, **fixed), sample(frame=9, **fixed, **{factor: mode})
    assert {n: v for n, v in before.factors.items() if n != factor} == {
        n: v for n, v in after.factors.items() if n != factor
    }
    moved = {factor} | DEPENDANTS[factor]
    pairs = list(zip(before.instances, after.instances, strict=factor != "count"))
    if "placement" not in moved:
        assert all(a.world_from_obj == b.world_from_obj for a, b in pairs)
    if "shape" not in moved:
        assert all(a.bend == b.bend for a, b in pairs)
    if "pose" not in moved:
        assert all(a.category == b.category for a, b in pairs)
    if not moved & {"material", "pose"}:
        assert all(a.look == b.look for a, b in pairs)
    for name, field in (("camera", "camera"), ("lighting", "light"), ("background", "ground"),
                        ("sensor", "sensor")):  # fmt: skip
        if name not in moved:
            assert getattr(before, field) == getattr(after, field)
    if not moved & {"distractors", "placement", "shape", "material"}:
        assert before.others == after.others


def test_the_example_fits_the_family() -> None:
    spec = load_spec(EXAMPLE, SceneSpec)
    assert spec.scene == FAMILY.name
    assert FAMILY.of(spec, source=EXAMPLE).categories == SIX
    bind_factors(FAMILY.factors, spec.factors, source=EXAMPLE)


SCRIPT = """
import sys
import numpy as np
from blender_scenes.cards.build import build
from blender_scenes.cards.scene import CardsScene
from blender_scenes.engine import Engine, clear_scene
from pipeline.specs.scene import RenderSpec

scene = CardsScene.model_validate_json(open(sys.argv[1]).read())
engine = Engine(RenderSpec(samples=2, device="cpu"), max_bounces=(4, 2, 2), denoise=True)
clear_scene()
build(scene, {})
passes = engine.render(scene, noise_seed=0)
np.savez(sys.argv[2], ids=passes.ids, light=passes.light)
"""


@pytest.mark.blender
def test_rendered_cards_show_their_print_where_they_are(tmp_path: Path) -> None:
    scene = sample(
        frame=2,
        family=family_of("two"),
        image=ImageSpec(width=320, height=240),
        count={"cards": 2},
        shape="off",
        placement={"layout": "grid", "order": "neat"},
        material="off",
        background="off",
        lighting="off",
        distractors="off",
        occlusion="off",
        camera="off",
    )
    record, found = tmp_path / "scene.json", tmp_path / "passes.npz"
    record.write_text(scene.model_dump_json())
    subprocess.run([sys.executable, "-c", SCRIPT, record, found], check=True, capture_output=True)
    with np.load(found) as passes:
        ids, light = passes["ids"], passes["light"]
    for card in scene.instances:
        pose = np.array(card.world_from_obj)
        mask = ids == card.instance_id
        corners = project(scene.camera, np.array(card.keypoints_m) @ pose[:3, :3].T + pose[:3, 3])
        x, y = corners[:, 0], corners[:, 1]
        area = 0.5 * abs((x * np.roll(y, -1) - y * np.roll(x, -1)).sum())
        assert mask.sum() == pytest.approx(area, rel=0.06)  # sides bulge a little past the corners
        # A two has its pips on the middle line, 0.325 of its height above and below.
        for share in (-0.325, 0.325):
            dark = pip_light(scene, card, share * CARD_M[1], light)
            assert dark < 0.5 * pip_light(scene, card, 0.0, light)


def pip_light(scene: CardsScene, card: Card, y_m: float, light: np.ndarray) -> float:
    """Green of the picture at a place on the middle line of a card."""
    pose = np.array(card.world_from_obj)
    [[x, y]] = project(scene.camera, (pose @ [0, y_m, 0, 1])[None, :3])
    return float(light[int(y), int(x), 1])

"""Grounds and backdrops of the building blocks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from block_draws import drawn

from blender_scenes.blocks.backdrops import (
    BACKDROP_PARAMETERS,
    Backdrop,
    backdrop_picture,
    sample_backdrop,
)
from blender_scenes.blocks.ground_pictures import ground_picture
from blender_scenes.blocks.grounds import BACKGROUND, SURFACES, Ground, folds_m, sample_ground
from blender_scenes.blocks.tailoring import tailored
from pipeline.sampling.factors import FactorDraws, bind_factors
from pipeline.sampling.seeds import FrameSeeds
from pipeline.specs.scene import FactorValue


@pytest.mark.parametrize("surface", SURFACES)
def test_a_ground_has_its_two_colours_and_is_the_same_twice(surface: str) -> None:
    dark, light = (0.1, 0.2, 0.3), (0.2, 0.4, 0.6)
    ground = Ground(surface=surface, dark=dark, light=light, tile_m=0.3, wear=0.0, seed=5)
    picture = ground_picture(ground, cells=128)
    assert picture.shape == (128, 128, 3)
    assert picture.dtype == np.float32
    assert np.array_equal(picture, ground_picture(ground, cells=128))
    mean = picture.mean(axis=(0, 1))
    assert (mean > np.array(dark) * 0.9).all()
    assert (mean < np.array(light) * 1.1).all()
    assert np.allclose(mean / mean[0], [1, 2, 3], rtol=0.02)  # a shade changes no hue
    assert picture.std() / picture.mean() > 0.005
    worn = ground_picture(ground.model_copy(update={"wear": 1.0}), cells=128)
    assert np.abs(worn - picture).mean() > 1e-3
    plain = ground.model_copy(update={"contrast": 0.0})
    assert ground_picture(plain, cells=128).std(axis=(0, 1)).max() < 0.02


def test_folds_are_as_high_as_asked_and_level_on_the_whole() -> None:
    ground = Ground(surface="towel", dark=(0, 0, 0), light=(1, 1, 1), tile_m=0.5, fold_m=0.01,
                    seed=9)  # fmt: skip
    places = np.random.default_rng(0).uniform(-0.5, 0.5, size=(5000, 2))
    heights = folds_m(ground, places)
    assert np.ptp(heights) <= 0.01
    assert np.ptp(heights) > 0.003
    assert abs(np.median(heights)) < 0.003
    assert not folds_m(ground.model_copy(update={"fold_m": 0.0}), places).any()


def test_wild_grounds_have_colours_that_none_has_in_truth() -> None:
    def hues(setting: FactorValue) -> float:
        grounds = [sample_ground(drawn(k, background=setting), tile_m=0.3).light for k in range(40)]
        spread = [max(rgb) - min(rgb) for rgb in grounds]
        return float(np.mean(spread))

    assert hues("wild") > 1.3 * hues("on")
    assert sample_ground(drawn(background="off"), tile_m=0.3).surface == "paper"


def test_a_backdrop_is_as_bright_as_asked_and_a_bare_wall_without_clutter() -> None:
    room = Backdrop(distance=3, brightness=0.5, clutter=0.8, colourfulness=0.5, blur=0.0, seed=3)
    picture = backdrop_picture(room, size_px=(160, 120))
    assert picture.shape == (120, 160, 3)
    assert np.array_equal(picture, backdrop_picture(room, size_px=(160, 120)))
    twice = backdrop_picture(room.model_copy(update={"brightness": 1.0}), size_px=(160, 120))
    assert np.allclose(twice, 2 * picture)
    soft = backdrop_picture(room.model_copy(update={"blur": 0.01}), size_px=(160, 120))
    bare = backdrop_picture(room.model_copy(update={"clutter": 0.0}), size_px=(160, 120))
    edges = [np.abs(np.diff(kind.mean(axis=2), axis=1)).mean() for kind in (picture, soft, bare)]
    assert edges[0] > 1.2 * edges[1]
    assert edges[0] > 3 * edges[2]
    grey = backdrop_picture(room.model_copy(update={"colourfulness": 0.0}), size_px=(160, 120))
    people = np.ptp(grey, axis=2) > 1e-6  # whose faces have a colour anyway
    assert people.mean() < 0.2


def test_a_backdrop_is_drawn_from_its_own_part_of_the_background() -> None:
    factor = tailored(BACKGROUND, extra=BACKDROP_PARAMETERS)
    bound = bind_factors((factor,), {"background": {"backdrop_clutter": 0.4}}, source=Path("s"))
    draws = FactorDraws(bound, FrameSeeds(seed=3, frame=0))
    room = sample_backdrop(draws)
    assert room.clutter == pytest.approx(0.4)
    assert sample_ground(draws, tile_m=0.3) == sample_ground(drawn(), tile_m=0.3)
    shown = sample_backdrop(draws, pictures=["backgrounds/desk.jpg"])
    assert shown.picture == "backgrounds/desk.jpg"

"""Pictures of cards and covers as they look after some use: linear reflectance. No Blender."""

from __future__ import annotations

import colorsys

import cv2
import numpy as np

from blender_scenes.blocks.colours import linear_rgb, shifted_hue
from blender_scenes.blocks.noise import Map, band_noise
from blender_scenes.cards.backs import card_back
from blender_scenes.cards.deck import CARD_MM
from blender_scenes.cards.faces import PX_PER_MM, card_face
from blender_scenes.cards.scene import Look, Print

__all__ = ["card_picture", "print_picture"]

_LIGHT_OF_BYTE = linear_rgb(np.arange(256) / 255)
_LETTERS = "etaoinshrdlucmfwypvbgkjqxz"
_FONTS = (
    cv2.FONT_HERSHEY_SIMPLEX,
    cv2.FONT_HERSHEY_DUPLEX,
    cv2.FONT_HERSHEY_TRIPLEX,
    cv2.FONT_HERSHEY_COMPLEX,
)
_OLD_PAPER = np.array([1.0, 0.93, 0.76], np.float32)
_CUT = 0.3  # how much darker than its print the cut rim of a card is
_DIRT = np.array([0.55, 0.45, 0.33], np.float32)


def card_picture(look: Look, *, px_per_mm: float) -> Map:
    """(H, W, 3) linear reflectance, row 0 at the top.

    Args:
        look: Of the card.
        px_per_mm: Wanted resolution; at most that of ``faces``.
    """
    drawn = card_face(look.rank, look.suit, look.deck) if look.face_up else card_back(look.back)
    scale = min(px_per_mm, PX_PER_MM)
    size = (max(8, round(CARD_MM[0] * scale)), max(8, round(CARD_MM[1] * scale)))
    shown = cv2.resize(drawn, size, interpolation=cv2.INTER_AREA)
    picture = 1 - look.ink * (1 - _LIGHT_OF_BYTE[shown])
    if look.hue_shift:
        picture = _recoloured(picture, look.hue_shift)
    _wear(picture, look, np.random.default_rng(look.seed))
    picture *= look.white * (1 + look.yellow * (_OLD_PAPER - 1))
    return np.asarray(np.clip(picture, 0.004, 0.95), dtype=np.float32)


def _recoloured(picture: Map, turn: float) -> Map:
    hsv = cv2.cvtColor(picture, cv2.COLOR_RGB2HSV)
    hsv[..., 0] = (hsv[..., 0] + 360 * turn) % 360
    return np.asarray(cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB), dtype=np.float32)


def _wear(picture: Map, look: Look, rng: np.random.Generator) -> None:
    height, width = picture.shape[:2]
    x = np.linspace(0, CARD_MM[0], width, dtype=np.float32)
    y = np.linspace(0, CARD_MM[1], height, dtype=np.float32)
    clouds = cv2.resize(band_noise(rng, 64, scale=0.12), (width, height))
    rim_mm = np.minimum(
        np.minimum(x, CARD_MM[0] - x)[None, :], np.minimum(y, CARD_MM[1] - y)[:, None]
    )
    if look.edges > 0:
        bare = np.clip(look.edges * (1.4 + clouds) - rim_mm / 0.7, 0, 1)[..., None]
        picture += bare * (1 - picture)
        grime = 0.3 * look.edges * np.exp(-rim_mm / 2.5) * np.clip(0.6 + 0.5 * clouds, 0, 1)
        picture *= 1 - grime[..., None] * (1 - _DIRT)
    picture *= (1 - _CUT * np.exp(-rim_mm / 0.25))[..., None]
    for _ in range(look.creases):
        angle = rng.uniform(0, np.pi)
        through = np.array(CARD_MM) * rng.uniform(0.12, 0.88, size=2)
        off_mm = (x[None, :] - through[0]) * np.sin(angle) - (y[:, None] - through[1]) * np.cos(
            angle
        ) + 0.3 * clouds  # fmt: skip
        depth = rng.uniform(0.3, 1.0)
        picture *= (1 - 0.2 * depth * np.exp(-((off_mm / 0.5) ** 2)))[..., None]
        bare = (0.5 * depth * np.exp(-(((off_mm - 0.5) / 0.3) ** 2)))[..., None]
        picture += bare * (1 - picture)
    if look.stain > 0:
        patches = cv2.resize(band_noise(rng, 64, scale=0.25), (width, height))
        amount = look.stain * (np.clip(patches - 0.8, 0, 1.2) + 0.15 * np.clip(clouds, 0, 2))
        picture *= 1 - 0.35 * np.clip(amount, 0, 1)[..., None] * (1 - _DIRT)


def print_picture(cover: Print, *, px_per_mm: float) -> Map:
    """(H, W, 3) linear reflectance of a printed cover: fields of colour, a picture, lines."""
    rng = np.random.default_rng(cover.seed)
    width, height = (max(16, round(1000 * side * min(px_per_mm, 3.0))) for side in cover.size_m)
    tone = colorsys.hsv_to_rgb(rng.random(), rng.random() ** 1.5, rng.uniform(0.05, 0.85))
    paper = tone if rng.random() < 0.6 else (0.8, 0.79, 0.75)
    dark = rng.random() < 0.5 and sum(paper) < 1.2
    ink = (0.8, 0.8, 0.78) if dark else (0.03, 0.03, 0.035)
    picture = np.empty((height, width, 3), np.float32)
    picture[:] = paper
    if rng.random() < 0.7:
        left, top = (int(n * rng.uniform(0.0, 0.25)) for n in (width, height))
        right, bottom = int(width * rng.uniform(0.7, 1.0)), int(height * rng.uniform(0.4, 0.9))
        _paint_photograph(picture[top:bottom, left:right], rng)
    for _ in range(int(rng.integers(1, 4))):
        _set_lines(picture, rng, ink if rng.random() < 0.7 else shifted_hue(tone, turn=0.5))
    return picture


def _paint_photograph(field: Map, rng: np.random.Generator) -> None:
    # Two tones that go over into each other, light and dark at several scales.
    height, width = field.shape[:2]
    tones = [
        colorsys.hsv_to_rgb(hue, 0.8 * much, 0.15 + 0.5 * value)
        for hue, much, value in rng.random((2, 3))
    ]
    size, method = (width, height), cv2.INTER_CUBIC
    mix = cv2.resize(band_noise(rng, 48, scale=0.4), size, interpolation=method)[..., None]
    shade = cv2.resize(band_noise(rng, 48, scale=0.2), size, interpolation=method)
    grain = cv2.resize(band_noise(rng, 64, scale=0.04), size, interpolation=method)
    blend = np.clip(0.5 + 0.7 * mix, 0, 1)
    colour = blend * np.array(tones[0], np.float32) + (1 - blend) * np.array(tones[1], np.float32)
    field[:] = np.clip(colour * np.exp(0.6 * shade + 0.3 * grain)[..., None], 0.01, 0.85)


def _set_lines(picture: Map, rng: np.random.Generator, ink: tuple[float, float, float]) -> None:
    height, width = picture.shape[:2]
    line_px = max(3.0, height * float(np.exp(rng.uniform(np.log(0.015), np.log(0.08)))))
    font = _FONTS[int(rng.integers(len(_FONTS)))]
    left, y = width * rng.uniform(0.04, 0.3), height * rng.uniform(0.1, 0.8)
    for _ in range(int(rng.integers(1, 8))):
        sizes = rng.integers(2, 9, size=int(rng.integers(1, 6)))
        words = " ".join("".join(_LETTERS[k] for k in rng.integers(26, size=n)) for n in sizes)
        place = (int(left), int(y))
        thick = max(1, round(0.09 * line_px))
        cv2.putText(picture, words, place, font, line_px / 32, ink, thick, cv2.LINE_AA)
        y += 1.5 * line_px

"""Pictures of grounds: a pattern per surface between two colours, then wear. No Blender."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from blender_scenes.blocks.grounds import Ground, Surface
from blender_scenes.blocks.noise import Map, band_noise, fine_noise

__all__ = ["ground_picture"]

_BRIGHTEST = 0.92  # fresh snow; brighter paints would glow


@dataclass(frozen=True, slots=True)
class _Canvas:
    # What a painter works on; px_per_m counts the pattern's own size.
    rng: np.random.Generator
    cells: int
    px_per_m: float
    lit_rad: float

    def noise_m(self, size_m: float, *, stretch: float = 1.0) -> Map:
        # Noise of a size in metres; none where a pixel holds several.
        px = size_m * self.px_per_m
        fade = min(1.0, px / 0.6)
        noise = fine_noise(self.rng, self.cells, max(px, 0.5), stretch=stretch)
        return np.asarray(fade * noise, dtype=np.float32)

    def embossed(self, height: Map) -> Map:
        # How much brighter the slopes towards the lamp are.
        right = cv2.Scharr(height, cv2.CV_32F, 1, 0)
        down = cv2.Scharr(height, cv2.CV_32F, 0, 1)
        slope = down * math.sin(self.lit_rad) - right * math.cos(self.lit_rad)
        return np.asarray(slope / max(float(slope.std()), 1e-6), dtype=np.float32)


@dataclass(frozen=True, slots=True)
class _Pattern:
    # mix: 0 the darker, 1 the lighter colour; shade: factor on both.
    mix: Map
    shade: Map


def ground_picture(ground: Ground, *, cells: int, lit_from_rad: float = 2.4) -> Map:
    """(N, N, 3) linear reflectance of the tile, row 0 at its largest y.

    Args:
        ground: Of any surface but ``picture``.
        cells: Side N.
        lit_from_rad: Where the light comes from, about the upright axis, for the sides of
            threads and pores.
    """
    canvas = _Canvas(
        rng=np.random.default_rng(ground.seed),
        cells=cells,
        px_per_m=cells / ground.tile_m * ground.scale,
        lit_rad=lit_from_rad,
    )
    pattern = _PAINTERS[ground.surface](canvas)
    mix = np.clip(0.5 + ground.contrast * (pattern.mix - 0.5), 0, 1)
    shade = np.maximum(1 + ground.contrast * (pattern.shade - 1), 0.05)
    clouds = band_noise(canvas.rng, cells, scale=0.35) + 0.6 * band_noise(
        canvas.rng, cells, scale=0.12
    )
    shade = shade * np.exp((0.012 + 0.028 * ground.wear) * clouds)
    dark, light = np.array(ground.dark, np.float32), np.array(ground.light, np.float32)
    picture = (dark + mix[..., None] * (light - dark)) * shade[..., None]
    if ground.wear > 0:
        _wear(picture, ground, canvas)
    if ground.gradient > 0:
        picture *= _gradient(ground, cells)[..., None]
    return np.asarray(np.clip(picture, 0.002, _BRIGHTEST), dtype=np.float32)


def _gradient(ground: Ground, cells: int) -> Map:
    # Even steps of a person's brightness scale: a constant factor per length.
    centres = (np.arange(cells, dtype=np.float32) + 0.5) / cells * 2 - 1
    along = (
        math.cos(ground.gradient_rad) * centres - math.sin(ground.gradient_rad) * centres[:, None]
    )
    return np.asarray((1 - min(ground.gradient, 0.999)) ** np.clip(0.5 + 0.7 * along, 0, 1))


def _wood(canvas: _Canvas) -> _Pattern:
    # Boards side by side along x, each with rings of its own.
    rng, cells = canvas.rng, canvas.cells
    width_px = max(rng.choice([0.07, 0.12, 0.2, 3.0]) * canvas.px_per_m, 12.0)
    boards = max(1, math.ceil(cells / width_px) + 1)
    across = np.arange(cells, dtype=np.float32) / width_px + rng.random()
    number = across.astype(int)
    metres = np.arange(cells, dtype=np.float32)[:, None] / canvas.px_per_m
    sway = 0.012 * band_noise(rng, cells, scale=0.5)
    sway += 0.005 * canvas.noise_m(0.03, stretch=6)
    shift = rng.uniform(0, 10, size=boards + 1).astype(np.float32)[number][:, None]
    rings = 0.5 + 0.5 * np.sin(2 * np.pi * rng.uniform(40, 90) * (metres + shift + sway))
    fibres = canvas.noise_m(0.0006, stretch=25)
    pores = np.clip(canvas.noise_m(0.0005, stretch=14) - 1.3, 0, 2)
    tone = rng.normal(0, 0.13, size=boards + 1).astype(np.float32)[number][:, None]
    mix = 0.55 + 0.22 * (rings - 0.5) + 0.12 * fibres + 0.1 * sway / 0.012 + tone
    shade = 1 - 0.3 * pores
    if boards > 2:
        joint_px = max(0.0008 * canvas.px_per_m, 0.7)
        edge_px = np.minimum(across % 1, 1 - across % 1) * width_px
        shade = shade * (1 - 0.75 * np.exp(-((edge_px / joint_px) ** 2)))[:, None]
    if rng.random() < 0.5:
        mix, shade = np.ascontiguousarray(mix.T), np.ascontiguousarray(shade.T)
    return _Pattern(mix, np.asarray(shade, dtype=np.float32))


def _cloth(canvas: _Canvas) -> _Pattern:
    # Warp over weft, threads of uneven width; at times with stripes or checks.
    rng, cells = canvas.rng, canvas.cells
    pitch_px = max(float(rng.uniform(0.0005, 0.0014)) * canvas.px_per_m, 1e-3)
    fade = float(np.clip(pitch_px / 2 - 0.6, 0, 1))
    place = np.arange(cells, dtype=np.float32)
    sway = 0.5 * pitch_px * band_noise(rng, cells, scale=0.08)
    warp = np.sin(np.pi / pitch_px * (place[None, :] + sway))
    weft = np.sin(np.pi / pitch_px * (place[:, None] + sway.T))
    weave = fade * (warp * weft + 0.4 * np.abs(warp) + 0.4 * np.abs(weft))
    slubs = canvas.noise_m(0.0007, stretch=12) + canvas.noise_m(0.0007, stretch=12).T
    mix = 0.6 + 0.08 * slubs
    if rng.random() < 0.4:
        mix = mix - _checks(canvas, both=rng.random() < 0.6)
    return _Pattern(
        np.asarray(mix, dtype=np.float32), np.asarray(1 + 0.16 * weave, dtype=np.float32)
    )


def _checks(canvas: _Canvas, *, both: bool) -> Map:
    period_px = float(canvas.rng.uniform(0.012, 0.05)) * canvas.px_per_m
    share = float(canvas.rng.uniform(0.2, 0.5))
    place = np.arange(canvas.cells, dtype=np.float32) / period_px
    stripe = np.clip((share / 2 - np.abs(place % 1 - 0.5)) * period_px + 0.5, 0, 1)
    return np.asarray(0.45 * (stripe[None, :] + (stripe[:, None] if both else 0)), dtype=np.float32)


def _towel(canvas: _Canvas) -> _Pattern:
    # Loops of a millimetre that shade each other, brushed this way and that.
    loops = canvas.noise_m(0.0007)
    tufts = canvas.noise_m(0.0025, stretch=1.5)
    brushed = canvas.noise_m(0.03)
    height = loops + 0.6 * tufts
    mix = 0.55 + 0.13 * height + 0.1 * brushed
    return _Pattern(mix, 1 + 0.1 * canvas.embossed(height) + 0.03 * brushed)


def _carpet(canvas: _Canvas) -> _Pattern:
    tufts = canvas.noise_m(0.0016)
    clumps = canvas.noise_m(0.006)
    height = tufts + 0.5 * clumps
    mix = 0.5 + 0.2 * canvas.noise_m(0.002, stretch=2) + 0.12 * height
    shade = 1 + 0.16 * canvas.embossed(height) - 0.25 * np.clip(-tufts - 0.8, 0, 1.5)
    return _Pattern(mix, np.asarray(shade, dtype=np.float32))


def _felt(canvas: _Canvas) -> _Pattern:
    # Short fibres in all directions.
    fibres = canvas.noise_m(0.0004, stretch=5) + canvas.noise_m(0.0004, stretch=5).T
    mix = 0.5 + 0.14 * fibres + 0.12 * canvas.noise_m(0.0006)
    return _Pattern(mix, 1 + 0.08 * canvas.noise_m(0.004))


def _paper(canvas: _Canvas) -> _Pattern:
    pulp = canvas.noise_m(0.0004)
    return _Pattern(0.6 + 0.08 * canvas.noise_m(0.004) + 0.05 * pulp, 1 + 0.012 * pulp)


def _board(canvas: _Canvas) -> _Pattern:
    # Cardboard or chipboard: fibres and chips.
    chips = np.clip(canvas.noise_m(0.0012, stretch=2.5) - 1.2, 0, 1.5)
    return _Pattern(
        0.55 + 0.16 * canvas.noise_m(0.0006, stretch=3) - 0.25 * chips,
        1 + 0.03 * canvas.noise_m(0.0008),
    )


def _plastic(canvas: _Canvas) -> _Pattern:
    grain = canvas.noise_m(0.0005) if canvas.rng.random() < 0.5 else canvas.noise_m(0.02)
    return _Pattern(0.5 + 0.1 * canvas.noise_m(0.1), 1 + 0.015 * grain)


def _metal(canvas: _Canvas) -> _Pattern:
    brushed = canvas.noise_m(0.0004, stretch=120) + 0.5 * canvas.noise_m(0.0015, stretch=60)
    if canvas.rng.random() < 0.5:
        brushed = np.ascontiguousarray(brushed.T)
    return _Pattern(0.5 + 0.16 * brushed + 0.1 * canvas.noise_m(0.06), 1 + 0.03 * brushed)


def _marble(canvas: _Canvas) -> _Pattern:
    # Veins that run one way more or less, swayed by noise of many sizes, here broad and faint,
    # there thin and sharp or gone; between them clouds.
    rng, cells = canvas.rng, canvas.cells
    mix = 0.82 + 0.06 * canvas.noise_m(0.015) + 0.04 * canvas.noise_m(0.004)
    place, heading = np.arange(cells, dtype=np.float32), rng.uniform(0, np.pi)
    for size_m, strength, sharpness in ((0.2, 0.25, 4.0), (0.11, 0.45, 12.0), (0.05, 0.3, 24.0)):
        size = float(np.clip(size_m * canvas.px_per_m / cells, 0.05, 0.8))
        turn = heading + rng.normal(0, 0.3)
        across = (math.cos(turn) * place[None, :] + math.sin(turn) * place[:, None]) / cells / size
        for share, sway in ((1.0, 0.35), (0.4, 0.14), (0.12, 0.05), (0.04, 0.016)):
            across += sway * band_noise(rng, cells, scale=share * size)
        veins = np.exp(-sharpness * np.abs(np.sin(np.pi * across)))
        presence = np.clip(0.25 + 0.55 * band_noise(rng, cells, scale=0.9 * size), 0, 1)
        mix = mix - strength * presence * veins
    return _Pattern(np.asarray(mix, dtype=np.float32), 1 + 0.012 * canvas.noise_m(0.0006))


def _stone(canvas: _Canvas) -> _Pattern:
    # Granite's grains or concrete's pores.
    clouds = 0.1 * canvas.noise_m(0.03) + 0.06 * canvas.noise_m(0.008)
    grains = canvas.noise_m(0.0012)
    if canvas.rng.random() < 0.5:
        bright = np.clip(1.5 * (canvas.noise_m(0.0007) - 0.8), 0, 1)
        dark = np.clip(2 * (canvas.noise_m(0.0005) - 1.1), 0, 1)
        mix = 0.5 + clouds + 0.12 * grains + 0.45 * bright - 0.5 * dark
        return _Pattern(np.asarray(mix, dtype=np.float32), 1 - 0.35 * dark)
    pits = np.clip(3 * (canvas.noise_m(0.0012) - 1.9), 0, 1)
    relief = canvas.embossed(grains + canvas.noise_m(0.003))
    return _Pattern(0.5 + 1.3 * clouds + 0.06 * grains, 1 + 0.04 * relief - 0.45 * pits)


def _leather(canvas: _Canvas) -> _Pattern:
    # Grains between creases, which run where a noise is nil; some gather to folds.
    grains, size_px = canvas.noise_m(0.0014), 0.0014 * canvas.px_per_m
    fade = float(np.clip(size_px - 0.6, 0, 1))
    creases = fade * np.exp(-4.0 * np.abs(grains + 0.5 * canvas.noise_m(0.0006)))
    folds = np.exp(-9.0 * np.abs(canvas.noise_m(0.012, stretch=2.5) + 0.2 * grains))
    folds *= 0.4 * np.clip(canvas.noise_m(0.04), 0, 1)  # here and there
    deep = creases * (0.5 + 0.5 * np.clip(canvas.noise_m(0.01), -1, 1)) + folds
    shade = 1 - 0.4 * deep + 0.05 * fade * canvas.embossed(np.abs(grains))
    mix = 0.55 + 0.04 * canvas.noise_m(0.05) + 0.05 * canvas.noise_m(0.0006) - 0.25 * deep
    return _Pattern(np.asarray(mix, np.float32), np.asarray(shade, np.float32))


_PAINTERS: dict[Surface, Callable[[_Canvas], _Pattern]] = {
    "wood": _wood,
    "cloth": _cloth,
    "towel": _towel,
    "carpet": _carpet,
    "felt": _felt,
    "paper": _paper,
    "board": _board,
    "plastic": _plastic,
    "metal": _metal,
    "marble": _marble,
    "stone": _stone,
    "leather": _leather,
}


def _wear(picture: Map, ground: Ground, canvas: _Canvas) -> None:
    # In place: pale rubbed patches, stains and rings, scratches, dust and crumbs.
    rng, cells = np.random.default_rng((ground.seed, 2)), canvas.cells
    wear, px_per_m = ground.wear, cells / ground.tile_m
    rubbed = np.clip(band_noise(rng, cells, scale=0.25) - 1.2, 0, 1) * 0.25 * wear
    picture += rubbed[..., None] * (0.75 * np.array(ground.light, np.float32) + 0.12 - picture)
    marks = np.zeros((cells, cells), np.float32)
    for _ in range(rng.poisson(2.5 * wear)):
        _stain(marks, rng, px_per_m)
    picture *= np.exp(-np.clip(marks, -0.3, 1.0))[..., None]
    dust = np.zeros((cells, cells), np.float32)
    for _ in range(rng.poisson(14 * wear**2)):
        start, turn = rng.uniform(0, cells, size=2), rng.uniform(0, 2 * np.pi)
        end = start + px_per_m * rng.exponential(0.05) * np.array([np.cos(turn), np.sin(turn)])
        ends = [tuple(int(v * 4) for v in point) for point in (start, end)]
        cv2.line(dust, ends[0], ends[1], (0.16 * rng.random() ** 2,), 1, cv2.LINE_AA, 2)
    for _ in range(rng.poisson(60 * wear)):
        x, y = (int(v) for v in rng.uniform(0, 8 * cells, size=2))
        radius = int(8 * max(0.35, px_per_m * 0.0005 * rng.exponential()))
        level = float(rng.choice([-0.3, 0.25])) * rng.random()
        cv2.circle(dust, (x, y), radius, (level,), -1, cv2.LINE_AA, 3)
    picture *= np.clip(1 + 3 * dust, 0.1, 1)[..., None]
    picture += np.maximum(dust, 0)[..., None]


def _stain(marks: Map, rng: np.random.Generator, px_per_m: float) -> None:
    # A soft-edged spot or the ring that a cup leaves.
    cells = len(marks)
    x, y = rng.uniform(0, cells, size=2)
    radius = max(px_per_m * float(rng.uniform(0.006, 0.04)), 2.0)
    rows, columns = (slice(max(0, int(c - 2 * radius)), int(c + 2 * radius) + 1) for c in (y, x))
    part = marks[rows, columns]
    down, along = (np.arange(s.start, s.start + n, dtype=np.float32)
                   for s, n in zip((rows, columns), part.shape, strict=True))  # fmt: skip
    angle = np.arctan2((down - y)[:, None], (along - x)[None, :])
    wobble = 1 + 0.12 * np.sin(2 * angle + rng.uniform(0, 6)) * rng.random()
    distance = np.hypot(along[None, :] - x, (down - y)[:, None]) / (radius * wobble)
    softness = float(rng.uniform(0.04, 0.25))
    spot = 1 / (1 + np.exp(np.clip((distance - 1) / softness * 2, -30, 30)))
    if rng.random() < 0.4:
        spot = spot * np.exp(-(((distance - 1) / 0.08) ** 2)) * 2
    part += float(rng.uniform(-0.1, 0.35)) * spot

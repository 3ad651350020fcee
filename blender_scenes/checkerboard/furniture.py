"""What stands and hangs in a room, in its real size: facing -y, right is x, up is z."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from blender_scenes.blocks.colours import Rgb
from blender_scenes.blocks.noise import band_noise
from blender_scenes.blocks.shapes import Shape, joined, lathed, moved, sheet, slab, tube
from blender_scenes.checkerboard.scene import Furnishing, FurnishingKind, Room
from pipeline.geometry.boxes import FloatArray

__all__ = ["ON_DESK", "ON_FLOOR", "ON_WALL", "furnishing_shape", "room_shape"]

ON_WALL: tuple[FurnishingKind, ...] = ("whiteboard", "poster", "poster", "window", "shelf")
ON_DESK: tuple[FurnishingKind, ...] = ("monitor", "keyboard", "cartons", "lamp", "cables")
ON_FLOOR: tuple[FurnishingKind, ...] = ("cupboard", "chair", "cartons")

_UPRIGHT = np.array([[1.0, 0, 0, 0], [0, 0, -1, 0], [0, 1, 0, 0], [0, 0, 0, 1]])
_DARK: Rgb = (0.03, 0.03, 0.032)
_PALE: Rgb = (0.7, 0.7, 0.68)
_LIT = 1.6  # reflectance of what is brighter than paper: panes and screens
_FAR_M = 6.0


def furnishing_shape(furnishing: Furnishing) -> Shape:
    """One thing in the world."""
    rng = np.random.default_rng(furnishing.seed)
    shape = _MAKERS[furnishing.kind](rng, furnishing.colour)
    return moved(shape, furnishing.world_from_it)


def room_shape(room: Room) -> Shape:
    """Back wall, floor, a side wall and a desk in the world."""
    height_m, base_m = 2.6, 0.09
    parts = [_wall(room, 2 * _FAR_M, height_m)]
    floor = np.array([[-_FAR_M, -_FAR_M], [_FAR_M, -_FAR_M], [_FAR_M, room.depth_m],
                      [-_FAR_M, room.depth_m]])  # fmt: skip
    parts.append(moved(slab(floor, 0.02, room.floor), _at(0, 0, room.floor_m - 0.02)))
    board = _cuboid(2 * _FAR_M, 0.015, base_m, tuple(0.5 * c for c in room.wall))
    parts.append(moved(board, _at(0, room.depth_m - 0.015, room.floor_m)))
    if abs(room.side_m) > 0.9:
        side = _cuboid(0.05, room.depth_m - 0.3, height_m, tuple(0.8 * c for c in room.wall))
        parts.append(moved(side, _at(room.side_m, (room.depth_m + 0.3) / 2, room.floor_m)))
    if room.desk_depth_m > 0:
        top = _cuboid(1.4 * _FAR_M, room.desk_depth_m, 0.03, room.desk)
        middle_m = room.depth_m - room.desk_depth_m / 2
        parts.append(moved(top, _at(0, middle_m, room.desk_m - 0.03)))
    return joined(parts)


def _wall(room: Room, width_m: float, height_m: float) -> Shape:
    pieces = [moved(_cuboid(width_m, 0.05, height_m, room.wall), _at(0, 0.025, 0))]
    if room.panel_m > 0:
        seams = np.arange(-width_m / 2, width_m / 2, room.panel_m) + 0.37 * room.panel_m
        dark: Rgb = (0.35 * room.wall[0], 0.35 * room.wall[1], 0.35 * room.wall[2])
        seam = _cuboid(0.012, 0.004, height_m, dark)
        pieces += [moved(seam, _at(float(x), -0.002, 0)) for x in seams]
    return moved(joined(pieces), _at(0, room.depth_m, room.floor_m))


def _monitor(rng: np.random.Generator, colour: Rgb) -> Shape:
    wide, tall = float(rng.uniform(0.36, 0.55)), float(rng.uniform(0.3, 0.36))
    deep = float(rng.choice([0.04, 0.38]))
    case = moved(_cuboid(wide, deep, tall, colour), _at(0, deep / 2, 0.1))
    foot = _cuboid(0.24, 0.2, 0.02, colour)
    neck = moved(_cuboid(0.08, 0.05, 0.12, colour), _at(0, 0.06, 0))
    screen = moved(
        _picture(0.88 * wide, 0.84 * tall, _screen(rng)), _at(0, -0.003, 0.1 + 0.08 * tall)
    )
    return joined([case, foot, neck, screen])


def _screen(rng: np.random.Generator) -> FloatArray:
    # Windows of a desktop, one of them with a target's picture.
    picture = np.full((48, 64, 3), float(rng.uniform(0.02, 0.3)))
    for index in range(int(rng.integers(2, 6))):
        row, column = int(rng.integers(0, 34)), int(rng.integers(0, 44))
        high, wide = int(rng.integers(8, 22)), int(rng.integers(10, 30))
        pane = picture[row : row + high, column : column + wide]
        pane[:] = float(rng.uniform(0.05, 1.0)) * _LIT
        if index == 0 and rng.random() < 0.5:
            y, x = np.indices(pane.shape[:2]) // 2
            pane[1:-1, 1:-1] = (((x + y) % 2) * 1.0)[1:-1, 1:-1, None]
    return picture


def _keyboard(rng: np.random.Generator, colour: Rgb) -> Shape:
    # Lies before the monitors.
    keys = [_cuboid(0.44, 0.16, 0.02, colour)]
    cap = tuple(min(1.25 * c, 0.85) for c in colour)
    for row in range(5):
        shift = float(rng.uniform(0, 0.01))
        keys += [
            moved(_cuboid(0.0155, 0.0155, 0.008, cap),
                  _at(-0.2 + 0.019 * k + shift, -0.04 + 0.02 * row, 0.02))
            for k in range(21)
        ]  # fmt: skip
    return moved(joined(keys), _at(0, -0.2, 0))


def _whiteboard(rng: np.random.Generator, colour: Rgb) -> Shape:
    wide, tall = float(rng.uniform(0.6, 1.2)), float(rng.uniform(0.45, 0.8))
    frame = moved(_cuboid(wide + 0.04, 0.015, tall + 0.04, _DARK), _at(0, 0, -0.02))
    face = moved(_cuboid(wide, 0.018, tall, _PALE), _at(0, -0.002, 0))
    lines = []
    for k in range(int(rng.integers(6, 10))):
        # Handwriting: waves along a line.
        length, x0 = float(rng.uniform(0.3, 0.65)) * wide, float(rng.uniform(-0.47, -0.2)) * wide
        t = np.linspace(0, 1, 60)
        z = tall * (0.92 - 0.1 * k) + 0.012 * np.cumsum(rng.normal(0, 0.6, 60)) / 8
        z = z + 0.012 * np.sin(t * float(rng.uniform(60, 110)))
        x = x0 + length * t + 0.008 * np.sin(t * float(rng.uniform(60, 110)))
        path = np.column_stack([x, np.full(60, -0.012), np.clip(z, 0.02, tall - 0.02)])
        lines.append(tube(path, 0.0022, 0.4 * np.array(colour), segments=5))
    return joined([frame, face, *lines])


def _poster(rng: np.random.Generator, colour: Rgb) -> Shape:
    wide, tall = float(rng.uniform(0.25, 0.7)), float(rng.uniform(0.3, 0.9))
    noise = np.stack([band_noise(rng, 24, scale=0.3) for _ in range(3)], axis=-1)
    picture = np.clip(np.array(colour) * (1.2 + 0.7 * noise), 0.02, 0.85)
    for _ in range(int(rng.integers(1, 6))):  # blocks of print
        row, column = int(rng.integers(0, 20)), int(rng.integers(0, 16))
        picture[row : row + int(rng.integers(1, 6)), column : column + int(rng.integers(3, 12))] = (
            float(rng.uniform(0.03, 0.85))
        )
    picture[[0, -1]] = picture[:, [0, -1]] = 0.75
    return _picture(wide, tall, picture)


def _window(rng: np.random.Generator, colour: Rgb) -> Shape:
    wide, tall = float(rng.uniform(0.6, 1.2)), float(rng.uniform(0.7, 1.2))
    picture = np.full((24, 24, 3), _LIT)
    picture[: int(rng.integers(4, 12))] *= 0.3  # the ground outside
    if rng.random() < 0.5:  # blinds
        picture[::2] *= 0.45
    pane = _picture(wide, tall, picture)
    bars = [
        moved(_cuboid(w, 0.03, h, _PALE), _at(x, -0.01, z))
        for w, h, x, z in (
            (wide, 0.05, 0, -0.05), (wide, 0.05, 0, tall), (0.05, tall, -wide / 2, 0),
            (0.05, tall, wide / 2, 0), (0.035, tall, 0, 0),
        )
    ]  # fmt: skip
    return joined([pane, *bars])


def _shelf(rng: np.random.Generator, colour: Rgb) -> Shape:
    wide, parts = float(rng.uniform(0.6, 1.1)), []
    for level in range(int(rng.integers(1, 4))):
        base = 0.34 * level
        parts.append(moved(_cuboid(wide, 0.24, 0.02, colour), _at(0, -0.12, base)))
        x = -wide / 2 + float(rng.uniform(0, 0.1))
        while x < wide / 2 - 0.06:
            thick, tall = float(rng.uniform(0.012, 0.055)), float(rng.uniform(0.17, 0.29))
            if rng.random() < 0.85:
                book = _cuboid(thick, 0.17, tall, _shade(rng))
                parts.append(moved(book, _at(x + thick / 2, -0.11, base + 0.02)))
            x += thick + 0.001 + (0.1 if rng.random() < 0.08 else 0.0)
    return joined(parts)


def _cartons(rng: np.random.Generator, colour: Rgb) -> Shape:
    parts, base = [], 0.0
    for _ in range(int(rng.integers(1, 4))):
        x, y, z = rng.uniform([0.18, 0.15, 0.08], [0.4, 0.3, 0.28])
        shade = float(rng.uniform(0.7, 1.2))
        box = _cuboid(x, y, z, tuple(min(shade * c, 0.85) for c in colour))
        label = moved(_cuboid(0.4 * x, 0.002, 0.35 * z, _PALE), _at(0.1 * x, -y / 2, 0.3 * z))
        pose = _turned(float(rng.normal(0, 0.25)))
        pose[:3, 3] = float(rng.normal(0, 0.03)), 0, base
        parts.append(moved(joined([box, label]), pose))
        base += z
    return joined(parts)


def _lamp(rng: np.random.Generator, colour: Rgb) -> Shape:
    lean = float(rng.uniform(-0.2, 0.2))
    foot = lathed([(0.09, 0), (0.09, 0.02), (0.09, 0.02), (0, 0.02)], colour, segments=20)
    arm = tube([(0, 0, 0), (-lean, 0.02, 0.25), (lean, -0.05, 0.45)], 0.008, colour, segments=8)
    shade = lathed([(0.1, -0.03), (0.045, 0.08), (0.045, 0.08), (0, 0.09)], colour, segments=24)
    return joined([foot, arm, moved(shade, _at(lean, -0.06, 0.42))])


def _cables(rng: np.random.Generator, colour: Rgb) -> Shape:
    ropes = []
    for _ in range(int(rng.integers(2, 6))):
        steps = rng.normal(0, 0.03, size=(40, 3)) * [1.5, 0.6, 0.0]
        path = np.cumsum((steps[:-2] + steps[1:-1] + steps[2:]) / 2, axis=0) + np.array(
            [0, 0, 0.006]
        )
        grey = float(rng.choice([0.03, 0.5, 0.75]))
        ropes.append(tube(path, 0.004, (grey, grey, grey), segments=6))
    return joined(ropes)


def _cupboard(rng: np.random.Generator, colour: Rgb) -> Shape:
    wide, tall = float(rng.uniform(0.5, 1.0)), float(rng.uniform(0.9, 2.0))
    body = _cuboid(wide, 0.4, tall, colour)
    parts = [moved(body, _at(0, -0.2, 0))]
    drawers = int(rng.integers(2, 5))
    dark: Rgb = (0.3 * colour[0], 0.3 * colour[1], 0.3 * colour[2])
    for k in range(1, drawers):
        gap = _cuboid(0.96 * wide, 0.004, 0.01, dark)
        handle = _cuboid(0.12, 0.02, 0.015, _PALE)
        parts.append(moved(gap, _at(0, -0.401, k * tall / drawers)))
        parts.append(moved(handle, _at(0, -0.41, (k + 0.5) * tall / drawers)))
    return joined(parts)


def _chair(rng: np.random.Generator, colour: Rgb) -> Shape:
    back = moved(_cuboid(0.44, 0.06, 0.5, colour), _at(0, -0.35, 0.6))
    seat = moved(_cuboid(0.46, 0.44, 0.08, colour), _at(0, -0.6, 0.42))
    post = tube([(0, -0.6, 0), (0, -0.6, 0.42)], 0.03, _DARK)
    pose = _turned(float(rng.normal(0, 0.5)))
    return moved(joined([back, seat, post]), pose)


_MAKERS: dict[FurnishingKind, Callable[[np.random.Generator, Rgb], Shape]] = {
    "monitor": _monitor,
    "keyboard": _keyboard,
    "whiteboard": _whiteboard,
    "poster": _poster,
    "window": _window,
    "shelf": _shelf,
    "cartons": _cartons,
    "lamp": _lamp,
    "cables": _cables,
    "cupboard": _cupboard,
    "chair": _chair,
}


def _cuboid(wide_m: float, deep_m: float, tall_m: float, paint: tuple[float, ...]) -> Shape:
    # Standing on z = 0 around the upright axis.
    x, y = wide_m / 2, deep_m / 2
    return slab([[-x, -y], [x, -y], [x, y], [-x, y]], tall_m, paint, sides=paint)


def _picture(wide_m: float, tall_m: float, paint: FloatArray) -> Shape:
    # Upright, facing -y; row 0 of the paint is at the bottom.
    rows, columns, _ = paint.shape
    x, y = np.meshgrid(np.linspace(-wide_m / 2, wide_m / 2, columns), np.linspace(0, tall_m, rows))
    return moved(sheet(np.stack([x, y, np.zeros_like(x)], axis=-1), paint), _UPRIGHT)


def _shade(rng: np.random.Generator) -> Rgb:
    red, green, blue = 0.02 + 0.6 * rng.random() ** 1.5 * rng.uniform(0.5, 1.0, size=3)
    return (float(red), float(green), float(blue))


def _at(x_m: float, y_m: float, z_m: float) -> FloatArray:
    shift = np.eye(4)
    shift[:3, 3] = x_m, y_m, z_m
    return shift


def _turned(turn_rad: float) -> FloatArray:
    turn = np.eye(4)
    c, s = np.cos(turn_rad), np.sin(turn_rad)
    turn[:2, :2] = [[c, -s], [s, c]]
    return turn

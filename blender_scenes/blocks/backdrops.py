"""What stands out of focus behind the objects: a room with furniture. Without Blender.

A family that looks at the horizon draws a :class:`Backdrop` and hangs it up with
``floors.hang_backdrop``; the user's photographs can take the room's place.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np

from blender_scenes.blocks.noise import Map, band_noise
from blender_scenes.blocks.pictures import own_picture
from pipeline.records.scene import Record
from pipeline.sampling.factors import FactorDraws, LogUniform, Parameter, Uniform, per_frame

__all__ = ["BACKDROP_PARAMETERS", "Backdrop", "backdrop_picture", "sample_backdrop"]


class Backdrop(Record):
    """A picture across the line of sight that fills the view.

    Attributes:
        distance: From the camera, over that of the objects.
        brightness: Of its light, 1 shows its whites at full scale.
        clutter: How many things stand about.
        colourfulness: 0 grey to 1.
        blur: Gaussian radius over the picture's width: out of focus.
        picture: Name of the family's asset that it shows, else empty.
        seed: Of what stands where.
    """

    distance: float
    brightness: float
    clutter: float = 0.0
    colourfulness: float = 0.0
    blur: float = 0.0
    picture: str = ""
    seed: int = 0


BACKDROP_PARAMETERS: tuple[Parameter, ...] = (
    per_frame(
        "backdrop_distance",
        Uniform(2.0, 5.0),
        3.0,
        "of what stands behind, over that of the objects",
        (1.1, 100),
    ),
    per_frame(
        "backdrop_brightness",
        LogUniform(0.3, 1.0),
        0.6,
        "of what stands behind; 1 shows its whites at full scale",
        (0.001, 10),
    ),
    per_frame(
        "backdrop_clutter",
        Uniform(0.2, 1.0),
        0.0,
        "how much stands behind: 0 a bare wall, 1 a full desk",
        (0, 3),
    ),
    per_frame("backdrop_colourfulness", Uniform(0.1, 0.9), 0.3, "of what stands behind", (0, 1)),
    per_frame(
        "backdrop_blur",
        Uniform(0.0, 0.008),
        0.002,
        "of what stands behind, over the picture's width",
        (0, 0.2),
    ),
)
"""For the factor ``background``: ``tailored(BACKGROUND, extra=BACKDROP_PARAMETERS)``."""


def sample_backdrop(draws: FactorDraws, *, pictures: Sequence[str] = ()) -> Backdrop:
    """Draw a backdrop from the factor ``background``, which has its parameters.

    Args:
        draws: Of the frame.
        pictures: Asset names of the user's photographs, shown in frames that show ``own``.
    """
    values: dict[str, Any] = draws.frame("background")
    noise = draws.noise("background", 2)
    return Backdrop(
        distance=values["backdrop_distance"],
        brightness=values["backdrop_brightness"],
        clutter=values["backdrop_clutter"],
        colourfulness=values["backdrop_colourfulness"],
        blur=values["backdrop_blur"],
        picture=own_picture(draws, "background", pictures),
        seed=int(noise.integers(2**31)),
    )


def backdrop_picture(backdrop: Backdrop, *, size_px: tuple[int, int]) -> Map:
    """(H, W, 3) light of a room: walls, shelves, screens, papers, boxes, a lamp, cables.

    Args:
        backdrop: As drawn.
        size_px: Width and height.
    """
    width, height = size_px
    room = _Room(np.random.default_rng(backdrop.seed), width, height, backdrop.colourfulness)
    room.walls()
    makers = (room.shelf, room.screen, room.papers, room.boxes, room.boxes, room.person,
              room.lamp, room.cables, room.curtain)  # fmt: skip
    for _ in range(round(backdrop.clutter * 14)):
        makers[int(room.rng.integers(len(makers)))]()
    picture = room.picture * (1 + 0.06 * band_noise(room.rng, max(size_px), scale=0.4))[
        :height, :width, None
    ].clip(0.7, 1.3)
    if backdrop.blur > 0:
        picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), backdrop.blur * width))
    return np.asarray(backdrop.brightness * np.clip(picture, 0.004, 2.0), dtype=np.float32)


class _Room:
    # Things are painted over each other, the farthest first.
    def __init__(
        self, rng: np.random.Generator, width: int, height: int, colourfulness: float
    ) -> None:
        self.rng, self.width, self.height = rng, width, height
        self._colourfulness = colourfulness
        self.picture: Map = np.zeros((height, width, 3), np.float32)
        self._desk = int(height * rng.uniform(0.55, 1.1))

    def walls(self) -> None:
        base = self._colour(0.25, 0.7, 0.25)
        self.picture[:] = base
        corner = int(self.rng.uniform(-0.5, 1.5) * self.width)
        self.picture[:, : max(corner, 0)] *= self.rng.uniform(0.6, 0.95)
        left, right = (float(v) for v in self.rng.uniform(0.75, 1.15, size=2))
        along = np.linspace(left, right, self.width, dtype=np.float32)
        self.picture *= along[None, :, None]
        if self._desk < self.height:
            self.picture[self._desk :] = self._colour(0.05, 0.5, 0.5)

    def shelf(self) -> None:
        # Boards with books of unequal height.
        x, wide = self._span(0.2, 0.6)
        y, pitch = int(self.rng.uniform(-0.1, 0.4) * self.height), int(0.2 * self.height)
        back, board = self._colour(0.02, 0.15, 0.3), self._colour(0.1, 0.5, 0.4)
        self._box(x, y, wide, 3 * pitch, back)
        for level in range(1, 4):
            at = x
            while at < x + wide:
                thick = int(self.rng.integers(3, 14) * self.width / 640) + 1
                tall = int(pitch * self.rng.uniform(0.55, 0.9))
                if self.rng.random() < 0.85:
                    self._box(at, y + level * pitch - tall, thick, tall,
                              self._colour(0.03, 0.7, 0.9))  # fmt: skip
                at += thick + 1
            self._box(x, y + level * pitch, wide, max(2, self.height // 80), board)

    def screen(self) -> None:
        # A monitor on its foot, its picture darker below.
        x, wide = self._span(0.15, 0.4)
        tall = int(wide * self.rng.uniform(0.6, 0.8))
        y = min(self._desk, self.height) - int(tall * self.rng.uniform(0.9, 1.3))
        frame = self._colour(0.02, 0.6, 0.05)
        border = max(2, wide // 14)
        self._box(x + wide // 3, y + tall, wide // 3, tall // 4, frame)
        self._box(x, y, wide, tall, frame)
        glow = self._colour(0.02, 0.8, 0.8)
        self._box(x + border, y + border, wide - 2 * border, tall - 2 * border, glow)
        for line in range(int(self.rng.integers(0, 10))):
            self._box(x + 2 * border, y + (2 + line) * border,
                      int(self.rng.uniform(0.1, 0.6) * wide), max(1, border // 3),
                      0.3 * glow)  # fmt: skip

    def papers(self) -> None:
        # Notices on the wall or sheets on the desk, with lines of print.
        for _ in range(int(self.rng.integers(1, 6))):
            x, wide = self._span(0.04, 0.14)
            tall, y = int(1.35 * wide), int(self.rng.uniform(-0.1, 0.9) * self.height)
            paper = self._colour(0.5, 0.9, 0.15)
            self._box(x, y, wide, tall, paper)
            for row in range(y + tall // 8, y + tall - tall // 8, max(3, tall // 12)):
                length = int(wide * self.rng.uniform(0.3, 0.8))
                self._box(x + wide // 10, row, length, max(1, tall // 40), 0.35 * paper)

    def boxes(self) -> None:
        # Boxes, keyboards, cups: blocks with a lit top and a shaded side.
        x, wide = self._span(0.05, 0.3)
        tall = int(wide * self.rng.uniform(0.3, 1.2))
        y = int(self.rng.uniform(0.3, 1.0) * self.height) - tall // 2
        colour = self._colour(0.03, 0.7, 0.8)
        slant = int(tall * self.rng.uniform(0.1, 0.35))
        self._box(x, y, wide, tall, 0.7 * colour)
        top = np.array([[x, y], [x + slant, y - slant], [x + wide + slant, y - slant],
                        [x + wide, y]], np.int32)  # fmt: skip
        cv2.fillConvexPoly(self.picture, top, _scalar(1.1 * colour), cv2.LINE_AA)
        side = np.array([[x + wide, y], [x + wide + slant, y - slant],
                         [x + wide + slant, y + tall - slant], [x + wide, y + tall]],
                        np.int32)  # fmt: skip
        cv2.fillConvexPoly(self.picture, side, _scalar(0.45 * colour), cv2.LINE_AA)

    def person(self) -> None:
        # Shoulders and arms in a striped or plain shirt.
        if self.rng.random() < 0.6:
            return
        middle, wide = self._span(0.25, 0.5)
        top = int(self.rng.uniform(0.1, 0.5) * self.height)
        shirt, stripe = self._colour(0.1, 0.8, 0.7), self._colour(0.05, 0.8, 0.7)
        body = np.zeros((self.height, self.width), np.uint8)
        cv2.ellipse(body, (middle, top + self.height), (wide // 2, self.height), 0, 0, 360, (255,),
                    -1, cv2.LINE_AA)  # fmt: skip
        rows = np.arange(self.height) // max(4, self.height // int(self.rng.integers(14, 40)))
        striped = self.rng.random() < 0.5
        colours = np.where((rows[:, None] % 2 == 0) | (not striped), shirt, stripe)
        share = (body / np.float32(255))[..., None]
        off_middle = (np.arange(self.width) - middle) / wide
        colours = colours[:, None] * (1 - 0.9 * off_middle**2 - 0.3 * off_middle)[None, :, None]
        self.picture += share * (colours.astype(np.float32) - self.picture)
        neck = (middle, top - int(0.06 * self.height))
        skin = np.array(self._colour(0.25, 0.6, 0.0)) * [1.0, 0.68, 0.52]
        radii = (int(0.13 * wide) + 2, int(0.19 * wide) + 2)
        cv2.ellipse(self.picture, neck, radii, 0, 0, 360, _scalar(skin), -1, cv2.LINE_AA)

    def lamp(self) -> None:
        x, wide = self._span(0.03, 0.15)
        y = int(self.rng.uniform(-0.1, 0.5) * self.height)
        self._box(x, y, wide, int(wide * self.rng.uniform(0.2, 2.5)), self._colour(1.0, 2.0, 0.1))

    def cables(self) -> None:
        colour = self._colour(0.01, 0.3, 0.2)
        t = np.linspace(0, 1, 40)
        for _ in range(int(self.rng.integers(1, 5))):
            ends = self.rng.uniform([0, 0.3], [1, 1.1], size=(2, 2)) * [self.width, self.height]
            path = ends[0] + t[:, None] * (ends[1] - ends[0])
            path[:, 1] += self.rng.uniform(0.05, 0.3) * self.height * np.sin(math.pi * t)
            cv2.polylines(self.picture, [np.round(path * 8).astype(np.int32)], False,
                          _scalar(colour), max(1, self.width // 240), cv2.LINE_AA, 3)  # fmt: skip

    def curtain(self) -> None:
        # A partition, door or curtain: upright folds from top to bottom.
        x, wide = self._span(0.1, 0.35)
        folds = 1 + 0.15 * np.sin(np.arange(wide) / wide * 2 * np.pi * self.rng.integers(0, 9))
        first, last = max(x, 0), min(x + wide, self.width)
        if last > first:
            shade = folds[first - x : last - x, None] * self._colour(0.05, 0.7, 0.5)
            self.picture[: self._desk, first:last] = shade[None]

    def _span(self, least: float, most: float) -> tuple[int, int]:
        wide = max(6, int(self.rng.uniform(least, most) * self.width))
        return int(self.rng.uniform(-0.1, 1.0) * self.width), wide

    def _colour(self, least: float, most: float, saturation: float) -> Map:
        level = np.exp(self.rng.uniform(math.log(least), math.log(most)))
        hue = self.rng.dirichlet((1.0, 1.0, 1.0)) * 3
        share = self._colourfulness * saturation * self.rng.random()
        return np.asarray(level * ((1 - share) + share * hue), dtype=np.float32)

    def _box(self, x: int, y: int, wide: int, tall: int, colour: Map) -> None:
        cv2.rectangle(self.picture, (x, y), (x + wide, y + tall), _scalar(colour), -1)


def _scalar(colour: Map) -> tuple[float, float, float]:
    red, green, blue = (float(channel) for channel in colour)
    return (red, green, blue)

"""Dates, figs, hazelnuts and wrapped chocolates as closed painted surfaces. Without Blender."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from blender_scenes.blocks.colours import Rgb, srgb_hex
from blender_scenes.blocks.noise import creases, smoothstep, solid_noise
from blender_scenes.blocks.shapes import Shape
from blender_scenes.nuts.outlines import Net, net_of, net_triangles
from blender_scenes.nuts.scene import Form, Kind, Skin
from pipeline.geometry.boxes import FloatArray

__all__ = ["body_of"]

_Colours = tuple[tuple[Rgb, Rgb], ...]


def _pairs(*codes: str) -> _Colours:
    return tuple((srgb_hex(code[:6]), srgb_hex(code[7:])) for code in codes)


# Colours of hollows and of ridges, as on a screen.
_DATE = _pairs("3c1b18 8a4d44", "47231c 96584c", "381b1e 80464a", "321614 743f38")
_FIG = _pairs("40443a 9ea08a", "484640 a8a594", "3c3a38 968f88", "2e2a2c 767076", "443c36 9a8e7e",
              "46392e 988068", "424634 a0a47e")  # fmt: skip
_NUT = _pairs("77503a ad866a", "6f4c3c a67e68", "846248 bc9878", "5f4232 9a7058")
_FOIL = _pairs("d29a1e ffd868", "c48a14 ffc850")
_TORN = srgb_hex("a87a4c")
_STALK = srgb_hex("85704e")
_BARE = srgb_hex("b39a80")
_SCUFF = srgb_hex("c9b9a6")
_FILM = srgb_hex("d8cdc4")


@lru_cache(maxsize=128)  # sampling needs the coarse ones again and again
def body_of(form: Form, skin: Skin, *, rings: int, segments: int) -> Shape:
    """One piece as a closed surface with painted vertices.

    Args:
        form: Its shape.
        skin: Its surface.
        rings: Along the outline from end to end, at least 8.
        segments: Around, at least 8.
    """
    net = net_of(form, rings=rings, segments=segments)
    vertices_m, paint = _MAKERS[form.kind](net, form, skin)
    return Shape(
        vertices_m=vertices_m,
        triangles=net_triangles(rings, segments),
        paint=np.clip(skin.brightness * paint, 0.002, 0.95),
    )


def _placed(net: Net, form: Form, push_m: FloatArray) -> FloatArray:
    # The net at its size, pushed outwards by (N,) metres and bent.
    half = np.array(form.size_m) / 2
    vertices = np.column_stack(
        [half[0] * net.x, half[1] * net.radius * net.cos, half[2] * net.radius * net.sin]
    )
    stretch = net.outwards / half
    stretch /= np.linalg.norm(stretch, axis=1, keepdims=True)
    vertices += push_m[:, None] * stretch
    vertices[:, 1] += form.bend * form.size_m[0] * (0.4 - np.minimum(net.x**2, 1))
    return np.asarray(vertices)


def _mixed(colours: tuple[Rgb, Rgb], share: FloatArray) -> FloatArray:
    low, high = np.array(colours)
    return np.asarray(low + share[:, None] * (high - low))


def _over(paint: FloatArray, colour: Rgb, share: FloatArray) -> FloatArray:
    return np.asarray(paint + share[:, None] * (np.array(colour) - paint))


def _picked(colours: _Colours, skin: Skin) -> tuple[Rgb, Rgb]:
    return colours[min(int(skin.tone * len(colours)), len(colours) - 1)]


def _in_radii(net: Net, form: Form) -> FloatArray:
    # Points on the smooth body over half its width, so that noise has the same size all over.
    long = form.size_m[0] / form.size_m[1]
    return np.column_stack([long * net.x, net.radius * net.cos, net.radius * net.sin])


def _date(net: Net, form: Form, skin: Skin) -> tuple[FloatArray, FloatArray]:
    rng = np.random.default_rng(form.seed)
    points = _in_radii(net, form)
    lumps = solid_noise(rng, 0.9 * points)
    sway = np.column_stack([solid_noise(rng, 1.6 * points) for _ in range(3)])
    drawn = (points + 0.1 * sway) * [0.55, 1.0, 1.0]
    broad = creases(rng, 3.4 * drawn, sharpness=1.8)
    fine = creases(rng, 6.5 * drawn, sharpness=1.6)
    where = smoothstep(solid_noise(rng, 0.8 * points), -2.2, 0.2)
    relief = 0.6 * broad + 0.4 * fine
    half_m = form.size_m[1] / 2
    push = 0.14 * form.wrinkles * (0.35 + 0.65 * where) * (relief - 0.35) + 0.03 * lumps
    push *= net.radius.clip(0.15)
    push -= 0.22 * np.exp(-(((1 - net.x) / 0.06) ** 2) - (net.radius / 0.4) ** 2)
    vertices_m = _placed(net, form, push * half_m)
    rng = np.random.default_rng(skin.seed)
    share = 0.05 + 0.95 * relief + 0.09 * solid_noise(rng, 2.0 * points)
    share += 0.1 * solid_noise(rng, 18.0 * points)
    paint = _mixed(_picked(_DATE, skin), share.clip(0, 1.2))
    # Skin torn off shows dry flesh; a bit of the stalk sits in its hollow.
    torn_at = rng.uniform(-1, 1, size=3) * [1.0, 1.0, 1.0]
    torn_at /= np.linalg.norm(torn_at)
    near = np.linalg.norm((points - torn_at * [1.2, 1, 1]) / [0.45, 0.3, 0.3], axis=1)
    ragged = near + 0.4 * solid_noise(rng, 5 * points)
    torn = smoothstep(-ragged, -0.9, -0.7) * float(skin.wear > 0.75)
    paint = _over(paint, _TORN, torn * (0.75 + 0.2 * solid_noise(rng, 8 * points)).clip(0, 1))
    paint = _over(paint, _STALK, smoothstep(-net.radius, -0.13, -0.08) * (net.x > 0))
    return vertices_m, paint


def _fig(net: Net, form: Form, skin: Skin) -> tuple[FloatArray, FloatArray]:
    rng = np.random.default_rng(form.seed)
    points = _in_radii(net, form)
    dents = solid_noise(rng, 0.8 * points)
    sway = solid_noise(rng, 2.0 * points)[:, None] * [0.0, 0.5, 0.5]
    ribs = creases(rng, net.around(26, 1.0) + 0.35 * sway, sharpness=1.8)
    ribs = 0.55 * ribs + 0.45 * creases(rng, net.around(46, 2.0) + 0.5 * sway, sharpness=1.8)
    fine = creases(rng, 7.5 * points, sharpness=1.5)
    body = smoothstep(-net.x, -0.95, -0.55)
    push = (
        body
        * net.radius**0.7
        * (form.wrinkles * (0.13 * (ribs - 0.4) + 0.035 * (fine - 0.4)) + 0.07 * dents)
    )
    eye = np.exp(-((net.radius / 0.2) ** 2)) * (net.x < 0)
    push += 0.1 * np.exp(-(((net.radius - 0.2) / 0.07) ** 2)) * (net.x < -0.5) - 0.12 * eye
    half_m = form.size_m[1] / 2
    vertices_m = _placed(net, form, push * half_m)
    # The stalk is round though the fig is flat, and curves its own way.
    beyond = np.maximum(net.x - 0.7, 0)
    vertices_m[:, 2] *= 1 + (form.size_m[1] / form.size_m[2] - 1) * smoothstep(net.x, 0.6, 1.0)
    curl = rng.uniform(-0.7, 0.7, size=2) * [1, 0.5]
    vertices_m[:, 1:] += half_m * beyond[:, None] ** 2 * curl
    rng = np.random.default_rng(skin.seed)
    patches = solid_noise(rng, 1.0 * points)
    share = 0.3 + 0.6 * (ribs - 0.3) + 0.25 * (fine - 0.4) + 0.12 * patches
    share += 0.08 * solid_noise(rng, 18.0 * points)
    paint = _mixed(_picked(_FIG, skin), share.clip(0, 1.15))
    other = _mixed(_FIG[int(rng.integers(len(_FIG)))], share.clip(0, 1.15))
    blend = (smoothstep(patches, -0.3, 1.0) * 0.85)[:, None]
    paint = paint + blend * (other - paint)
    specks = smoothstep(solid_noise(rng, 14 * points), 1.9, 2.6) * smoothstep(patches, -1, 1)
    paint = _over(paint, _SCUFF, 0.6 * skin.wear * specks)
    paint = _over(paint, srgb_hex("4a3038"), np.exp(-((net.radius / 0.24) ** 2)) * (net.x < 0))
    woody = smoothstep(net.x, 0.75, 1.05)
    streaks = 0.75 + 0.2 * solid_noise(rng, net.around(8, 6))
    return vertices_m, paint + woody[:, None] * (np.array(_STALK) * streaks[:, None] - paint)


def _hazelnut(net: Net, form: Form, skin: Skin) -> tuple[FloatArray, FloatArray]:
    rng = np.random.default_rng(form.seed)
    points = _in_radii(net, form)
    half_m = form.size_m[1] / 2
    scar = smoothstep(-net.x, 0.905, 0.945)
    push = 0.015 * solid_noise(rng, 1.1 * points) + 0.02 * form.wrinkles * scar * net.radius * (
        solid_noise(rng, 3 * points)
    )
    push += 0.004 * form.wrinkles * solid_noise(rng, net.around(60, 0.6))
    vertices_m = _placed(net, form, push * half_m)
    rng = np.random.default_rng(skin.seed)
    sway = 0.4 * solid_noise(rng, 1.5 * points)[:, None] * [0.0, 1.0, 1.0]
    stripes = solid_noise(rng, net.around(28, 0.5) + sway)
    hairs = solid_noise(rng, net.around(90, 0.9) + sway)
    clouds = solid_noise(rng, 1.2 * points)
    share = 0.5 + 0.05 * stripes + 0.12 * hairs + 0.22 * clouds
    share += 0.07 * solid_noise(rng, 20.0 * points)
    paint = _mixed(_picked(_NUT, skin), share.clip(0, 1.2))
    # The silky outer film is left in flakes on one side.
    side = points @ (lambda v: v / np.linalg.norm(v))(rng.standard_normal(3) * [0.5, 1, 1])
    film = 0.35 * stripes + 0.8 * hairs + 1.1 * clouds + 1.4 * side - 4.0 + 5.0 * skin.wear
    film += 0.6 * solid_noise(rng, 9.0 * points) + 0.35 * solid_noise(rng, 24.0 * points)
    paint = _over(paint, _FILM, 0.65 * smoothstep(film, 0.0, 1.2))
    paint = _over(paint, _BARE, scar * (0.7 + 0.15 * solid_noise(rng, 6 * points)).clip(0, 1))
    rim = np.exp(-(((net.x + 0.9) / 0.02) ** 2)) * 0.35
    tip = smoothstep(net.x, 0.93, 0.985)
    return vertices_m, paint * (1 - rim - 0.5 * tip)[:, None]


def _chocolate(net: Net, form: Form, skin: Skin) -> tuple[FloatArray, FloatArray]:
    rng = np.random.default_rng(form.seed)
    half = np.array(form.size_m) / 2
    # A rounded bar: squarer across than a body of revolution.
    power = 0.62
    flat = np.column_stack([net.x, np.sign(net.cos) * np.abs(net.cos) ** power * net.radius,
                            np.sign(net.sin) * np.abs(net.sin) ** power * net.radius])  # fmt: skip
    flat[:, 1] *= 1 - 0.26 * net.x**2
    # Foil pressed on by fingers: cut off by planes, crumpled, folded over at the back.
    planes = rng.standard_normal((26, 3)) * [1.0, 0.8, 0.9]
    planes /= np.linalg.norm(planes, axis=1, keepdims=True)
    planes = planes[planes[:, 2] < 0.75]
    reach = (flat @ planes.T).max(axis=0) * rng.uniform(0.76, 0.97, size=len(planes))
    over = np.maximum(flat @ planes.T - reach, 0)
    worst = over.argmax(axis=1)
    depth = form.wrinkles * over[np.arange(len(flat)), worst]
    flat = flat - depth[:, None] * planes[worst]
    vertices = flat * half
    back = 0.25 + 0.75 * smoothstep(-flat[:, 2], -0.6, 0.1)
    crumple = creases(rng, 2.2 * flat * [2, 1, 1], sharpness=2.2) + 0.6 * creases(
        rng, 4.5 * flat * [2, 1, 1], sharpness=2.2
    )
    pushed = 0.075 * form.wrinkles * back * (0.5 - crumple)
    vertices += (pushed * half[1])[:, None] * net.outwards
    # On the face a raised frame, pressed by the mould.
    inside = np.maximum(np.abs(flat[:, 0]) / 0.42, np.abs(flat[:, 1]) / 0.5)
    face = smoothstep(flat[:, 2], 0.45, 0.7)
    ring = np.exp(-(((inside - 0.95) / 0.16) ** 2)) - 0.5 * smoothstep(-inside, -0.9, -0.6)
    vertices[:, 2] += face * 0.22 * half[2] * ring
    rng = np.random.default_rng(skin.seed)
    share = (0.8 + 0.15 * solid_noise(rng, 3 * flat) - 0.4 * (crumple > 1.15)).clip(0, 1)
    return vertices, _mixed(_picked(_FOIL, skin), share)


_MAKERS: dict[Kind, Callable[[Net, Form, Skin], tuple[FloatArray, FloatArray]]] = {
    "date": _date,
    "fig": _fig,
    "hazelnut": _hazelnut,
    "chocolate": _chocolate,
}

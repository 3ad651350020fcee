"""Colours as numbers: linear RGB of temperatures, of sRGB pictures, of hues."""

from __future__ import annotations

import colorsys

import numpy as np
import numpy.typing as npt

__all__ = ["Rgb", "kelvin_rgb", "linear_rgb", "luminance", "shifted_hue", "srgb_hex"]

Rgb = tuple[float, float, float]

_CAMERA_KELVIN = 6500.0
_LUMINANCE = np.array([0.2126, 0.7152, 0.0722], np.float32)


def kelvin_rgb(kelvin: float) -> Rgb:
    """Linear RGB of a black body at 1667 to 25000 K as a camera set to 6500 K sees it.

    Its brightest channel is 1.
    """
    rgb = _planckian(kelvin) / _planckian(_CAMERA_KELVIN)
    red, green, blue = (float(channel) for channel in rgb / rgb.max())
    return (red, green, blue)


def _planckian(kelvin: float) -> npt.NDArray[np.float64]:
    # Kim et al.'s cubic fit of the Planckian locus, in sRGB's primaries.
    t = 1000.0 / min(max(kelvin, 1667.0), 25000.0)
    x = (
        -0.2661239 * t**3 - 0.2343589 * t**2 + 0.8776956 * t + 0.179910
        if t > 0.25
        else -3.0258469 * t**3 + 2.1070379 * t**2 + 0.2226347 * t + 0.240390
    )
    if t > 1000 / 2222:
        y = -1.1063814 * x**3 - 1.34811020 * x**2 + 2.18555832 * x - 0.20219683
    elif t > 0.25:
        y = -0.9549476 * x**3 - 1.37418593 * x**2 + 2.09137015 * x - 0.16748867
    else:
        y = 3.0817580 * x**3 - 5.87338670 * x**2 + 3.75112997 * x - 0.37001483
    xyz = np.array([x / y, 1.0, (1 - x - y) / y])
    rgb = (
        np.array(
            [
                [3.2404542, -1.5371385, -0.4985314],
                [-0.9692660, 1.8760108, 0.0415560],
                [0.0556434, -0.2040259, 1.0572252],
            ]
        )
        @ xyz
    )
    return np.asarray(np.clip(rgb / rgb.max(), 0.0, 1.0))


def linear_rgb(srgb: npt.ArrayLike) -> npt.NDArray[np.float32]:
    """Linear light of sRGB values in 0 ... 1, any shape."""
    values = np.asarray(srgb, dtype=np.float32)
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4).astype(
        np.float32
    )


def srgb_hex(code: str) -> Rgb:
    """``"a0522d"`` as linear RGB."""
    red, green, blue = (float(linear_rgb(int(code[k : k + 2], 16) / 255)) for k in (0, 2, 4))
    return (red, green, blue)


def luminance(rgb: npt.ArrayLike) -> npt.NDArray[np.float32]:
    """(..., 3) linear RGB to (...) brightness."""
    return np.asarray(np.asarray(rgb, dtype=np.float32) @ _LUMINANCE, dtype=np.float32)


def shifted_hue(rgb: Rgb, *, turn: float, saturation: float = 1.0, brightness: float = 1.0) -> Rgb:
    """A colour with its hue turned (a full circle is 1), its other parts scaled, within 0 ... 1."""
    hue, own_saturation, value = colorsys.rgb_to_hsv(*rgb)
    red, green, blue = colorsys.hsv_to_rgb(
        (hue + turn) % 1.0, min(own_saturation * saturation, 1.0), min(value * brightness, 1.0)
    )
    return (red, green, blue)

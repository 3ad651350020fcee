"""What sensor, film and print make of the light that the lens lets through."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from pipeline.records.scene import SensorSettings

__all__ = ["expose"]

_Picture = npt.NDArray[np.float32]


def expose(light: npt.NDArray[np.float32], settings: SensorSettings) -> npt.NDArray[np.uint8]:
    """Turn the light that falls on the sensor into a photograph.

    In the order in which it happens. On light: exposure and vignetting, shot and read noise,
    white balance, the sRGB curve. On the developed picture: lens and print blur, the film's
    curve and fog, grain, specks and scratches, the scanner's unsharp mask, unlit edges, JPEG.

    Args:
        light: (H, W, 3) scene-linear, 1 is white.
        settings: What to do; the same settings and light give the same photograph.

    Returns:
        (H, W) if grey, else (H, W, 3); sRGB.
    """
    rng = np.random.default_rng(settings.seed)
    hw = (light.shape[0], light.shape[1])
    picture = _srgb(_electrons(light, settings))
    if settings.grey:
        picture = _luma(picture)
    picture = _blurred(picture, settings.blur_sigma_px)
    picture = 0.5 + settings.contrast * (picture - 0.5)
    picture = settings.fog + (1 - settings.fog) * np.clip(picture, 0, 1)
    if settings.grain > 0:
        # Film is grainiest in the mid-tones.
        strength = settings.grain * (0.5 + 2 * picture * (1 - picture))
        picture = picture + strength * _grain(rng, hw, settings.grain_size_px)[:, :, None]
    if settings.specks or settings.scratches:
        picture = np.maximum(picture, _damage(rng, hw, settings)[:, :, None])
    if settings.sharpening > 0:
        unsharp = _blurred(picture, settings.sharpening_sigma_px)
        picture = picture + settings.sharpening * (picture - unsharp)
    levels = (np.clip(picture, 0, 1) * 255 + 0.5).astype(np.uint8)
    _darken_edges(levels, rim_px=settings.dark_rim_px, top_px=settings.dark_top_px)
    levels = levels[:, :, 0] if settings.grey else levels
    return _compressed(levels, settings.jpeg_quality) if settings.jpeg_quality else levels


def _electrons(light: npt.NDArray[np.float32], settings: SensorSettings) -> _Picture:
    # (H, W, 3) what the chip reads, 1 is white.
    hw = (light.shape[0], light.shape[1])
    if settings.exposure != 1 or settings.vignetting > 0:
        falloff = 1 - settings.vignetting * _corner_distance(hw) ** 2
        light = light * (settings.exposure * falloff)[:, :, None]
    if settings.full_well_e > 0:
        rng = np.random.default_rng([settings.seed, 1])  # apart from the film's noise
        mean_e = np.clip(light, 0, 1) * settings.full_well_e
        read_e = settings.read_noise_e * rng.standard_normal(light.shape)
        light = ((rng.poisson(mean_e) + read_e) / settings.full_well_e).astype(np.float32)
    gains = np.array([settings.red_gain, 1.0, settings.blue_gain], np.float32)
    return np.asarray(light * gains, dtype=np.float32)


def _srgb(linear: _Picture) -> _Picture:
    # The "Standard" view transform: the sRGB curve and a clip (IEC 61966-2-1).
    clipped = np.clip(linear, 0.0, 1.0)
    encoded = np.where(
        clipped <= 0.0031308, 12.92 * clipped, 1.055 * np.power(clipped, 1 / 2.4) - 0.055
    )
    return np.asarray(encoded, dtype=np.float32)


def _darken_edges(levels: npt.NDArray[np.uint8], *, rim_px: int, top_px: int) -> None:
    height, width = levels.shape[:2]
    levels[: rim_px + top_px] = 0
    levels[height - rim_px :] = 0
    levels[:, :rim_px] = 0
    levels[:, width - rim_px :] = 0


def _compressed(levels: npt.NDArray[np.uint8], quality: int) -> npt.NDArray[np.uint8]:
    order = slice(None, None, -1 if levels.ndim == 3 else 1)  # OpenCV's colours are BGR
    content = cv2.imencode(".jpg", levels[..., order], [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    flag = cv2.IMREAD_COLOR if levels.ndim == 3 else cv2.IMREAD_GRAYSCALE
    return np.asarray(cv2.imdecode(content, flag)[..., order], dtype=np.uint8)


def _luma(picture: _Picture) -> _Picture:
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)[:, :, None]
    return np.asarray(grey, dtype=np.float32)


def _corner_distance(hw: tuple[int, int]) -> _Picture:
    # (H, W): 0 in the middle, 1 in the corners.
    height, width = hw
    y = (np.arange(height, dtype=np.float32) + 0.5 - height / 2)[:, None]
    x = (np.arange(width, dtype=np.float32) + 0.5 - width / 2)[None, :]
    return np.asarray(np.hypot(x, y) / np.hypot(width / 2, height / 2), dtype=np.float32)


def _blurred(picture: _Picture, sigma_px: float) -> _Picture:
    if sigma_px <= 0:
        return picture
    blurred = cv2.GaussianBlur(picture, (0, 0), sigma_px, borderType=cv2.BORDER_REFLECT)
    return np.asarray(blurred, dtype=np.float32).reshape(picture.shape)


def _grain(rng: np.random.Generator, hw: tuple[int, int], size_px: float) -> _Picture:
    # (H, W), standard deviation 1.
    noise = _blurred(rng.standard_normal(hw, dtype=np.float32), size_px)
    return np.asarray(noise / noise.std(), dtype=np.float32)


def _damage(rng: np.random.Generator, hw: tuple[int, int], settings: SensorSettings) -> _Picture:
    # (H, W) brightness of specks and scratches, 0 where there are none.
    damage = np.zeros(hw, dtype=np.float32)
    height, width = hw
    side = float(np.hypot(height, width))
    for _ in range(settings.specks):
        x, y = rng.uniform(0, [width, height])
        radius_px, brightness = side * rng.uniform(0.0002, 0.0015), 0.9 * rng.random() ** 2
        _draw(damage, [(x, y), (x + radius_px, y + radius_px)], radius_px, brightness)
    for _ in range(settings.scratches):
        start, turn = rng.uniform(0, [width, height]), rng.uniform(0, 2 * np.pi)
        reach = side * rng.uniform(0.05, 0.6) * np.array([np.cos(turn), np.sin(turn)])
        sag = side * rng.uniform(-0.02, 0.02) * np.array([-np.sin(turn), np.cos(turn)])
        t = np.linspace(0, 1, 20)[:, None]
        path = start + t * reach + 4 * t * (1 - t) * sag
        _draw(damage, path, side * 0.0004, rng.uniform(0.1, 0.6))
    return _blurred(damage, side * 0.001)


def _draw(canvas: _Picture, path: npt.ArrayLike, radius_px: float, brightness: float) -> None:
    # OpenCV takes sub-pixel coordinates as fixed-point numbers; 4 bits are enough here.
    points = np.round(np.asarray(path) * 16).astype(np.int32).reshape(-1, 1, 2)
    thickness = max(1, round(2 * radius_px))
    cv2.polylines(canvas, [points], False, (brightness,), thickness, cv2.LINE_AA, 4)

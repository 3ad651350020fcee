"""Random changes of the colours of training pictures."""

from __future__ import annotations

from statistics import NormalDist

import cv2
import numpy as np

from pipeline.drawing import encode_image
from pipeline.specs.augmentation import AugmentSpec
from trainers.augmentation.chance import Purpose, child
from trainers.examples import ByteImage

__all__ = ["augment_colours"]

_NORMAL_QUANTILES = np.array([NormalDist().inv_cdf((i + 0.5) / 256) for i in range(256)])
_NORMAL_QUANTILES /= _NORMAL_QUANTILES.std()
"""A random byte's place among them is normal noise, at a fifth of the price of drawing it."""


def augment_colours(image: ByteImage, augment: AugmentSpec, rng: np.random.Generator) -> ByteImage:
    """Brightness, contrast, gamma, hue, saturation, grey, blur, noise and JPEG, in this order."""
    # All numbers are drawn first, so that switching one change off leaves the others alone.
    brightness, contrast, gamma = rng.uniform(-1, 1, 3)
    blur_px, noise, grey = rng.uniform(0, 1, 3)
    levels = (np.arange(256) / 255.0) ** (2.0 ** (gamma * augment.gamma))
    levels = (levels - 0.5) * (1 + contrast * augment.brightness) + 0.5
    levels = levels * (1 + brightness * augment.brightness)
    table = np.clip(levels * 255 + 0.5, 0, 255).astype(np.uint8)
    image = np.asarray(cv2.LUT(image, table), np.uint8)
    if augment.hue or augment.saturation:
        turn, change = child(rng, Purpose.JITTER).uniform(-1, 1, 2)
        image = _jitter(image, turn=turn * augment.hue, factor=1 + change * augment.saturation)
    if grey < augment.grey:
        grey_image = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        image = np.asarray(cv2.cvtColor(grey_image, cv2.COLOR_GRAY2RGB), np.uint8)
    if blur_px * augment.blur_sigma_px > 0.1:
        image = np.asarray(
            cv2.GaussianBlur(image, (0, 0), blur_px * augment.blur_sigma_px), np.uint8
        )
    if noise * augment.noise > 0:
        levels = np.round(_NORMAL_QUANTILES * (noise * augment.noise * 255)).astype(np.int16)
        grain = cv2.LUT(rng.integers(256, size=image.shape[:2], dtype=np.uint8), levels)
        noisy = cv2.add(image, cv2.merge([grain] * 3), dtype=cv2.CV_8U)
        image = np.asarray(noisy, np.uint8)
    if augment.jpeg:
        quality = 100 * (1 - augment.jpeg * child(rng, Purpose.JPEG).random())
        image = _compress(image, quality=max(1, round(quality)))
    return image


def _jitter(image: ByteImage, *, turn: float, factor: float) -> ByteImage:
    """Turn the hue by a fraction of the circle; blend with the grey picture."""
    hsv = cv2.cvtColor(image, cv2.COLOR_RGB2HSV_FULL)
    turned_hues = np.roll(np.arange(256, dtype=np.uint8), -round(turn * 256))
    hsv[..., 0] = turned_hues[hsv[..., 0]]
    turned = cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB_FULL)
    grey = cv2.cvtColor(cv2.cvtColor(turned, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    return np.asarray(cv2.addWeighted(turned, factor, grey, 1 - factor, 0), np.uint8)


def _compress(image: ByteImage, *, quality: int) -> ByteImage:
    data = np.frombuffer(encode_image(image, suffix=".jpg", quality=quality), np.uint8)
    return np.asarray(cv2.cvtColor(cv2.imdecode(data, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB))

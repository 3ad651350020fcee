"""What lens and sensor did to a picture, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pipeline.records.scene import LensSettings, SensorSettings

__all__ = ["picture_effects"]

_NEUTRAL: dict[str, dict[str, object]] = {
    "camera": {"dist": [0.0] * 5},
    "lens": LensSettings().model_dump(mode="json"),
    "sensor": SensorSettings().model_dump(mode="json"),
}
_EFFECTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "lens distortion": ("camera", ("dist",)),
    "depth of field": ("lens", ("aperture_m",)),
    "motion blur": ("lens", ("shutter_s",)),
    "vignetting": ("sensor", ("vignetting",)),
    "exposure": ("sensor", ("exposure",)),
    "white balance": ("sensor", ("red_gain", "blue_gain")),
    "shot and read noise": ("sensor", ("full_well_e",)),
    "greyscale": ("sensor", ("grey",)),
    "film curve": ("sensor", ("contrast", "fog")),
    "film grain": ("sensor", ("grain",)),
    "dust and scratches": ("sensor", ("specks", "scratches")),
    "blur": ("sensor", ("blur_sigma_px",)),
    "sharpening": ("sensor", ("sharpening",)),
    "unlit edges": ("sensor", ("dark_rim_px", "dark_top_px")),
    "JPEG compression": ("sensor", ("jpeg_quality",)),
}


def picture_effects(scene: Mapping[str, object]) -> Iterator[str]:
    """Names of the effects that are not neutral in a sampled scene, as its record holds it."""
    for name, (part, keys) in _EFFECTS.items():
        settings = scene.get(part)
        neutral = _NEUTRAL[part]
        if isinstance(settings, dict) and any(
            settings.get(key, neutral[key]) != neutral[key] for key in keys
        ):
            yield name

"""The factor ``sensor``: what the camera's chip or film does, from the parameters' names."""

from __future__ import annotations

from pipeline.records.scene import SensorSettings
from pipeline.sampling.factors import FactorDraws

__all__ = ["sample_sensor"]


def sample_sensor(draws: FactorDraws) -> SensorSettings:
    """The settings that the factor's parameters are named after, and a seed for their noise."""
    own = SensorSettings.model_fields
    drawn = {name: value for name, value in draws.frame("sensor").items() if name in own}
    return SensorSettings.model_validate(drawn | {"seed": draws.noise_seed("sensor")})

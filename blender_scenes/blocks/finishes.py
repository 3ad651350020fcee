"""What surfaces are, by name: a word that scenes hold and ``materials`` make a shader of."""

from __future__ import annotations

from typing import Literal

__all__ = ["Finish"]

Finish = Literal["matt", "plastic", "metal", "translucent"]
"""Dull; dull under a clear coat; bare metal; wax under a clear coat."""

"""A coin's surface as a mesh of rings: face, rounded edge, side."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from blender_scenes.blocks.grids import ring_quads
from blender_scenes.coins.outline import flan_outline
from blender_scenes.coins.relief import coin_face
from blender_scenes.coins.scene import Coin
from pipeline.geometry.boxes import FloatArray

__all__ = ["FlanMesh", "flan_mesh"]

# Rings from the face's edge down the side: (share of the radius, share of the thickness).
_SIDE = np.array([[1.0, 0.75], [1.0, 0.35], [0.96, 0.0]])
_RELIEF_ENDS = 0.05  # over this share of the radius the relief runs out at the edge


@dataclass(frozen=True, slots=True, kw_only=True)
class FlanMesh:
    """What Blender needs of a coin.

    Attributes:
        vertices_m: (N, 3) in the coin's frame.
        quads: (F, 4) vertex numbers, anticlockwise seen from outside.
        reflectance: (N, 3) linear RGB.
    """

    vertices_m: FloatArray
    quads: npt.NDArray[np.int32]
    reflectance: npt.NDArray[np.float32]


def flan_mesh(coin: Coin, *, radius_px: float) -> FlanMesh:
    """The coin's surface, fine enough for its size in the picture.

    Args:
        coin: Which coin.
        radius_px: Its radius in the picture.
    """
    segments = int(np.clip(4 * radius_px, 64, 512))
    face_rings = int(np.clip(1.4 * radius_px, 20, 256))
    cells = int(np.clip(5 * radius_px, 96, 768))
    angle = np.arange(segments) * (2 * np.pi / segments)
    outline = flan_outline(coin, points=segments)
    share = np.concatenate([np.linspace(0.004, 0.97, face_rings), _SIDE[:, 0]])[:, None]
    x = share * outline * np.cos(angle)
    y = share * outline * np.sin(angle)
    height_m, tone = (
        cv2.remap(
            face,
            ((x + 1) * cells / 2 - 0.5).astype(np.float32),
            ((1 - y) * cells / 2 - 0.5).astype(np.float32),
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        for face in coin_face(coin, cells=cells)
    )
    level = np.concatenate([np.ones(face_rings), _SIDE[:, 1]])[:, None]
    height_m = level * coin.thickness_m + height_m * np.clip((1 - share) / _RELIEF_ENDS, 0, 1)
    # No die strikes through the flan.
    height_m = np.maximum(height_m, 0.4 * level * coin.thickness_m)
    vertices_m = np.stack([coin.radius_m * x, coin.radius_m * y, height_m], axis=-1)
    return FlanMesh(
        vertices_m=vertices_m.reshape(-1, 3),
        quads=ring_quads(len(share), segments),
        reflectance=tone.reshape(-1, 1) * np.array(coin.colour, np.float32),
    )

"""What the camera sees, by Blender's own BVH trees. Needs bpy; shares nothing with the labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from mathutils import Vector

from blender_scenes.audit.lens import Lens
from blender_scenes.audit.limits import SAME_DEPTH
from blender_scenes.audit.pieces import Piece

__all__ = ["Sight", "Silhouette"]

_Array = npt.NDArray[np.float64]
_BoolArray = npt.NDArray[np.bool_]
_Window = tuple[int, int, int, int]

_RAYS_AT_ONCE = 2**18
_HIDDEN_BEFORE = 1e-3  # of the distance, as the labels define it


@dataclass(frozen=True, slots=True, kw_only=True)
class Silhouette:
    """One instance as if it were alone: (h, w) mask with its first pixel at ``origin`` x, y."""

    origin: tuple[int, int]
    mask: _BoolArray


class Sight:
    """A camera's view of pieces; the first thing hit counts.

    Args:
        pieces: Of the scene.
        lens: Of the camera.
        world_from_cam: (4, 4), +x right, +y down, +z forward.
        image_hw: Height and width, px.
        canvas: Look for whole silhouettes up to one picture size beyond every side.

    Attributes:
        ids: (H, W) instance ids, 0 for background and nothing.
        depth: (H, W) along the camera's z, inf for nothing.
        piece: (H, W) index into ``pieces``, -1 for nothing.
        polygon: (H, W) of the piece's mesh.
        undecided: (H, W), what this method cannot tell.
        silhouettes: By instance id, what shows at least a pixel alone; without ``canvas`` only
            inside the picture.
    """

    def __init__(
        self,
        pieces: Sequence[Piece],
        *,
        lens: Lens,
        world_from_cam: _Array,
        image_hw: tuple[int, int],
        canvas: bool,
    ) -> None:
        self.pieces = pieces
        self.lens = lens
        self._world_from_cam = world_from_cam
        self.cam_from_world = np.linalg.inv(world_from_cam)
        height, width = image_hw
        self._picture: _Window = (0, 0, width, height)
        self._canvas = (-width, -height, 2 * width, 2 * height) if canvas else self._picture
        self.ids = np.zeros(image_hw, np.int64)
        self.depth = np.full(image_hw, np.inf)
        self.piece = np.full(image_hw, -1, np.int64)
        self.polygon = np.zeros(image_hw, np.int64)
        self.undecided = np.zeros(image_hw, bool)
        self.silhouettes: dict[int, Silhouette] = {}
        for number in range(len(pieces)):
            self._look_at(number)
        self._veil()

    @cached_property
    def points_world(self) -> _Array:
        """(H, W, 3) of what the pixels' centres see; nan where that is nothing."""
        rays = self.lens.rays(_pixels(self._picture)).reshape(*self.ids.shape, 3)
        points = rays * np.where(np.isfinite(self.depth), self.depth, np.nan)[..., None]
        transform = self._world_from_cam
        return np.asarray(points @ transform[:3, :3].T + transform[:3, 3])

    def hidden(self, points_world: _Array) -> _BoolArray:
        """(N,): whether something is clearly nearer than the point on the ray to it."""
        eye = self._world_from_cam[:3, 3]
        hidden = np.zeros(len(points_world), bool)
        for piece in self.pieces:
            if piece.tree is None:
                continue
            to_piece = np.linalg.inv(piece.world_from_piece)
            start = Vector(to_piece[:3, :3] @ eye + to_piece[:3, 3])
            for number, point in enumerate(points_world):
                ray = to_piece[:3, :3] @ (point - eye)
                distance = piece.tree.ray_cast(start, Vector(ray))[3]
                if distance is not None:
                    hidden[number] |= distance < (1 - _HIDDEN_BEFORE) * np.linalg.norm(ray)
        return hidden

    def _look_at(self, number: int) -> None:
        piece = self.pieces[number]
        if piece.tree is None:
            return
        canvas = self._canvas if piece.instance_id else self._picture
        x0, y0, x1, y1 = self.lens.window(
            piece.in_frame(piece.vertices, self.cam_from_world), canvas
        )
        if x1 <= x0 or y1 <= y0:
            return
        depth, polygon = self._cast(piece, _pixels((x0, y0, x1, y1)))
        depth, polygon = depth.reshape(y1 - y0, x1 - x0), polygon.reshape(y1 - y0, x1 - x0)
        if piece.instance_id:
            alone = Silhouette(origin=(x0, y0), mask=np.isfinite(depth))
            self._add_silhouette(piece.instance_id, alone)
        _, _, width, height = self._picture
        left, right = np.clip([x0, x1], 0, width)
        top, bottom = np.clip([y0, y1], 0, height)
        inside = (slice(top, bottom), slice(left, right))
        window = (slice(top - y0, bottom - y0), slice(left - x0, right - x0))
        self._draw(number, inside, depth[window], polygon[window])

    def _draw(
        self,
        number: int,
        inside: tuple[slice, slice],
        depth: _Array,
        polygon: npt.NDArray[np.int64],
    ) -> None:
        before, instance_id = self.depth[inside], self.pieces[number].instance_id
        with np.errstate(invalid="ignore"):
            tied = np.abs(depth - before) <= SAME_DEPTH * np.minimum(depth, before)
        nearer = depth < before
        undecided = self.undecided[inside]
        undecided[nearer & ~tied] = False
        undecided[tied & (self.ids[inside] != instance_id)] = True
        before[nearer] = depth[nearer]
        self.ids[inside][nearer] = instance_id
        self.piece[inside][nearer] = number
        self.polygon[inside][nearer] = polygon[nearer]

    def _cast(self, piece: Piece, pixels: _Array) -> tuple[_Array, npt.NDArray[np.int64]]:
        # (N,) depth, inf for a miss, and polygon. The ray's z is 1 in the camera's axes, and
        # stretching space keeps shares of a ray: depth is distance over the ray's own length.
        rays = self.lens.rays(pixels)
        seen = np.flatnonzero(np.isfinite(rays[:, 0]))
        to_piece = np.linalg.inv(piece.world_from_piece)
        turn = to_piece[:3, :3] @ self._world_from_cam[:3, :3]
        start = Vector(to_piece[:3, :3] @ self._world_from_cam[:3, 3] + to_piece[:3, 3])
        assert piece.tree is not None
        cast = piece.tree.ray_cast
        depth, polygon = np.full(len(pixels), np.inf), np.zeros(len(pixels), np.int64)
        for block in np.array_split(seen, 1 + len(seen) // _RAYS_AT_ONCE):
            directions = rays[block] @ turn.T
            found = [cast(start, direction)[2:] for direction in directions.tolist()]
            lengths = np.linalg.norm(directions, axis=1)
            depth[block] = [np.inf if far is None else far for _, far in found] / lengths
            polygon[block] = [face or 0 for face, _ in found]
        return depth, polygon

    def _add_silhouette(self, instance_id: int, other: Silhouette) -> None:
        mine = self.silhouettes.get(instance_id)
        if mine is None:
            if other.mask.any():
                self.silhouettes[instance_id] = other
            return
        parts = (mine, other)
        x0, y0 = (min(part.origin[axis] for part in parts) for axis in (0, 1))
        x1 = max(part.origin[0] + part.mask.shape[1] for part in parts)
        y1 = max(part.origin[1] + part.mask.shape[0] for part in parts)
        both = np.zeros((y1 - y0, x1 - x0), bool)
        for part in parts:
            x, y = part.origin[0] - x0, part.origin[1] - y0
            height, width = part.mask.shape
            both[y : y + height, x : x + width] |= part.mask
        self.silhouettes[instance_id] = Silhouette(origin=(x0, y0), mask=both)

    def _veil(self) -> None:
        # On and behind what can be seen through, nothing is known.
        for piece in self.pieces:
            if piece.fuzz is not None:
                box = piece.in_frame(piece.fuzz, self.cam_from_world)
                x0, y0, x1, y1 = self.lens.window(box, self._picture)
                inside = (slice(y0, y1), slice(x0, x1))
                self.undecided[inside] |= self.depth[inside] >= box[:, 2].min()
            if piece.see_through and piece.tree is not None:
                depth, _ = self._cast(piece, _pixels(self._picture))
                nearest = depth.reshape(self.depth.shape) <= self.depth * (1 + SAME_DEPTH)
                self.undecided |= nearest & np.isfinite(depth).reshape(self.depth.shape)


def _pixels(window: _Window) -> _Array:
    # (N, 2) x, y row by row; OpenCV's pixel centres are whole numbers.
    x0, y0, x1, y1 = window
    x, y = np.meshgrid(np.arange(x0, x1, dtype=float), np.arange(y0, y1, dtype=float))
    return np.stack([x.ravel(), y.ravel()], axis=1)

"""Large pictures, looked at in overlapping tiles, and one answer made of the tiles' answers.

Both of two overlapping tiles see all of what they share. Two detections are therefore one object
if they agree there, wherever else they reach; this also joins the parts of an object that is
larger than the overlap, which no tile sees whole.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, pairwise

import numpy as np
import torch
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from torchvision.ops import nms

from pipeline.geometry.boxes import FloatArray, boxes_iou
from pipeline.geometry.masks import BoolArray
from trainers.examples import ByteImage
from trainers.results import ClassMap, DetectedObject, ObjectMask, PictureResult

__all__ = ["Tile", "cut_tiles", "detect_in_tiles", "map_in_tiles"]

_AGREEMENT_IOU = 0.5
_CONTAINED = 0.7
"""A cut object of which so much lies in one seen whole is a part of it."""
_BORDER_PX = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """Part of a picture.

    Attributes:
        box: x0, y0, x1, y1, px.
        own: The part of it that no other tile is nearer to the middle of.
    """

    box: tuple[int, int, int, int]
    own: tuple[int, int, int, int]

    def cut(self, image: ByteImage) -> ByteImage:
        """The tile's pixels."""
        x0, y0, x1, y1 = self.box
        return np.ascontiguousarray(image[y0:y1, x0:x1])


def cut_tiles(image_hw: tuple[int, int], *, side_px: int, overlap: float) -> tuple[Tile, ...]:
    """Tiles that cover a picture, evenly spread, row by row.

    Args:
        image_hw: Size of the picture, px.
        side_px: Of the tiles; where the picture is smaller, so are they.
        overlap: Of neighbours, at least; fraction of the side.
    """
    rows, columns = (_spans(length, side_px, overlap) for length in image_hw)
    return tuple(
        Tile(box=(x[0], y[0], x[1], y[1]), own=(x[2], y[2], x[3], y[3]))
        for y in rows
        for x in columns
    )


def detect_in_tiles(
    detect: Callable[[ByteImage], PictureResult],
    image: ByteImage,
    *,
    side_px: int,
    overlap: float,
) -> PictureResult:
    """Objects of a large picture.

    Args:
        detect: Looks at one tile.
        image: (H, W, 3) RGB.
        side_px: Of the tiles.
        overlap: Of neighbours, fraction of the side.
    """
    image_hw = (image.shape[0], image.shape[1])
    tiles = cut_tiles(image_hw, side_px=side_px, overlap=overlap)
    if len(tiles) == 1:
        return detect(image)
    views: list[_View] = []
    class_map: ClassMap | None = None
    for tile in tiles:
        result = detect(tile.cut(image))
        views += [_View(item=_shifted(item, tile), tile=tile) for item in result.objects]
        if result.class_map is not None:
            if class_map is None:
                class_map = np.zeros(image_hw, dtype=result.class_map.dtype)
            _put(class_map, result.class_map, tile)
    merged = [item for group in _groups(views, image_hw) for item in group]
    return PictureResult(
        objects=tuple(sorted(merged, key=lambda item: -item.score)), class_map=class_map
    )


def map_in_tiles(
    class_map: Callable[[ByteImage], ClassMap],
    image: ByteImage,
    *,
    side_px: int,
    overlap: float,
) -> ClassMap:
    """Classes of a large picture's pixels, each as the tile says whose middle is nearest."""
    image_hw = (image.shape[0], image.shape[1])
    whole = np.zeros(image_hw, dtype=np.intp)
    for tile in cut_tiles(image_hw, side_px=side_px, overlap=overlap):
        _put(whole, class_map(tile.cut(image)), tile)
    return whole


@dataclass(frozen=True, slots=True, kw_only=True)
class _View:
    """An object as one tile sees it, in the picture's pixels."""

    item: DetectedObject
    tile: Tile

    def is_whole(self, image_hw: tuple[int, int]) -> bool:
        """Whether no border of the tile inside the picture may have cut it."""
        box, tile = self.item.box_xyxy, np.array(self.tile.box)
        inside = np.array([tile[0] > 0, tile[1] > 0, tile[2] < image_hw[1], tile[3] < image_hw[0]])
        return not (inside & (np.abs(box - tile) <= _BORDER_PX)).any()


def _spans(length: int, side: int, overlap: float) -> list[tuple[int, int, int, int]]:
    """Start and end of each tile along one axis, and of the part that is its own."""
    if length <= side:
        return [(0, length, 0, length)]
    count = math.ceil((length - side * overlap) / (side * (1 - overlap)))
    starts = [round(i * (length - side) / (count - 1)) for i in range(count)]
    cuts = [0, *((a + side + b) // 2 for a, b in pairwise(starts)), length]
    return [
        (start, start + side, first, last)
        for start, first, last in zip(starts, cuts, cuts[1:], strict=False)
    ]


def _shifted(item: DetectedObject, tile: Tile) -> DetectedObject:
    x, y = tile.box[:2]
    mask = item.mask and replace(
        item.mask, corner=(item.mask.corner[0] + x, item.mask.corner[1] + y)
    )
    return replace(item, box_xyxy=item.box_xyxy + np.array([x, y, x, y]), mask=mask)


def _put(whole: ClassMap, part: ClassMap, tile: Tile) -> None:
    x0, y0, x1, y1 = tile.own
    left, top = tile.box[:2]
    whole[y0:y1, x0:x1] = part[y0 - top : y1 - top, x0 - left : x1 - left]


def _groups(views: Sequence[_View], image_hw: tuple[int, int]) -> Iterator[list[DetectedObject]]:
    """Views of the same object, made one; seldom several, where a poor view joined two."""
    if not views:
        return
    whole = [view.is_whole(image_hw) for view in views]
    links = [
        (i, j)
        for i, j in _neighbours(views)
        if _agree(views[i], views[j])
        or _is_part(views, whole, i, j)
        or _is_part(views, whole, j, i)
    ]
    rows, columns = np.array(links, dtype=np.intp).reshape(-1, 2).T
    graph = coo_array((np.ones(len(links)), (rows, columns)), shape=(len(views), len(views)))
    _, labels = connected_components(graph, directed=False)
    for label in range(labels.max() + 1):
        members = np.flatnonzero(labels == label)
        seen_whole = [views[i].item for i in members if whole[i]]
        yield _best(seen_whole) if seen_whole else [_joined([views[i].item for i in members])]


def _neighbours(views: Sequence[_View]) -> Iterator[tuple[int, int]]:
    """Pairs of one class, from different tiles, whose boxes meet."""
    by_tile: dict[Tile, list[int]] = {}
    for index, view in enumerate(views):
        by_tile.setdefault(view.tile, []).append(index)
    boxes = np.array([view.item.box_xyxy for view in views])
    classes = np.array([view.item.class_index for view in views])
    for (first, a), (second, b) in combinations(by_tile.items(), 2):
        if _area(_intersection(np.array(first.box), np.array(second.box))) == 0:
            continue
        same = classes[a][:, None] == classes[b][None, :]
        for i, j in np.argwhere(same & (boxes_iou(boxes[a], boxes[b]) > 0)):
            yield a[i], b[j]


def _agree(a: _View, b: _View) -> bool:
    """Whether both say the same of what both see."""
    shared = _intersection(np.array(a.tile.box), np.array(b.tile.box))
    if a.item.mask is not None and b.item.mask is not None:
        first, second = (_window(view.item.mask, shared) for view in (a, b))
        return bool((first & second).sum() >= _AGREEMENT_IOU * max(1, (first | second).sum()))
    parts = np.array([_intersection(view.item.box_xyxy, shared) for view in (a, b)])
    if (parts[:, 2:] <= parts[:, :2]).any():
        return False
    return bool(boxes_iou(parts[:1], parts[1:])[0, 0] >= _AGREEMENT_IOU)


def _is_part(views: Sequence[_View], whole: Sequence[bool], i: int, j: int) -> bool:
    """Whether the first is a cut view of the second, which is seen whole."""
    if whole[i] or not whole[j]:
        return False
    part = views[i].item.box_xyxy
    inside = _intersection(part, views[j].item.box_xyxy)
    return bool(_area(inside) >= _CONTAINED * _area(part))


def _best(items: Sequence[DetectedObject]) -> list[DetectedObject]:
    boxes = torch.from_numpy(np.array([item.box_xyxy for item in items]))
    scores = torch.tensor([item.score for item in items], dtype=boxes.dtype)
    return [items[i] for i in nms(boxes, scores, _AGREEMENT_IOU).tolist()]


def _joined(items: Sequence[DetectedObject]) -> DetectedObject:
    best = max(items, key=lambda item: item.score)
    if len(items) == 1:
        return best
    boxes = np.array([item.box_xyxy for item in items])
    box = np.concatenate([boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)])
    masks = [item.mask for item in items if item.mask is not None]
    if not masks:
        return replace(best, box_xyxy=box)
    corners = np.array([(*m.corner, *(np.add(m.corner, m.window.shape[::-1]))) for m in masks])
    x0, y0 = (int(v) for v in corners[:, :2].min(axis=0))
    x1, y1 = (int(v) for v in corners[:, 2:].max(axis=0))
    window = np.zeros((y1 - y0, x1 - x0), dtype=bool)
    for mask in masks:
        x, y = mask.corner[0] - x0, mask.corner[1] - y0
        window[y : y + mask.window.shape[0], x : x + mask.window.shape[1]] |= mask.window
    return replace(best, box_xyxy=box, mask=ObjectMask(window=window, corner=(x0, y0)))


def _intersection(a: FloatArray, b: FloatArray) -> FloatArray:
    return np.concatenate([np.maximum(a[:2], b[:2]), np.minimum(a[2:], b[2:])])


def _area(box: FloatArray) -> float:
    return float(np.prod(np.clip(box[2:] - box[:2], 0, None)))


def _window(mask: ObjectMask | None, area: FloatArray) -> BoolArray:
    """The mask over an area of the picture."""
    assert mask is not None
    x0, y0, x1, y1 = (int(v) for v in area)
    whole = np.zeros((max(0, y1 - y0), max(0, x1 - x0)), dtype=bool)
    x, y = mask.corner
    height, width = mask.window.shape
    inner = _intersection(np.array([x, y, x + width, y + height]), area).astype(int)
    if (inner[2:] > inner[:2]).all():
        whole[inner[1] - y0 : inner[3] - y0, inner[0] - x0 : inner[2] - x0] = mask.window[
            inner[1] - y : inner[3] - y, inner[0] - x : inner[2] - x
        ]
    return whole

"""Boxes, masks and labels drawn on pictures, and sheets of pictures.

Pictures are RGB everywhere inside: (H, W, 3) uint8.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from pipeline.errors import DatasetError
from pipeline.geometry.boxes import FloatArray
from pipeline.geometry.masks import BoolArray

__all__ = [
    "PALETTE",
    "Color",
    "ImageArray",
    "contact_sheet",
    "draw_instances",
    "draw_keypoints",
    "encode_image",
    "read_rgb",
    "resize_to",
]

ImageArray = npt.NDArray[np.uint8]
Color = tuple[int, int, int]

# Okabe & Ito 2008, told apart with any colour vision; without black, which photographs swallow.
PALETTE: tuple[Color, ...] = (
    (86, 180, 233),
    (230, 159, 0),
    (0, 158, 115),
    (240, 228, 66),
    (204, 121, 167),
    (213, 94, 0),
    (0, 114, 178),
)
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_LINE_PX = 14  # of captions
_SUBPIXEL_BITS = 4  # cv2 takes coordinates as integers of 1/16 px
_PIXELATED_UP_TO_PX = 32  # smaller pictures are enlarged pixel by pixel, to be read as they are


def read_rgb(path: Path) -> ImageArray:
    """Read a picture file; greyscale becomes three equal channels, alpha is dropped.

    Raises:
        DatasetError: If the file is missing or no picture.
    """
    image = cv2.imread(str(path), cv2.IMREAD_COLOR) if path.is_file() else None
    if image is None:
        raise DatasetError(f"{path}: cannot be read as a picture; restore it or remove its entry.")
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB))


def encode_image(image: ImageArray, *, suffix: str = ".png", quality: int = 90) -> bytes:
    """A picture as the bytes of a file.

    Args:
        image: (H, W, 3) RGB.
        suffix: ``.png`` or ``.jpg``.
        quality: Of a JPEG, 0 to 100.
    """
    options = [cv2.IMWRITE_JPEG_QUALITY, quality] if suffix == ".jpg" else []
    done, data = cv2.imencode(suffix, cv2.cvtColor(image, cv2.COLOR_RGB2BGR), options)
    if not done:
        raise ValueError(f"No {suffix} of a picture of shape {image.shape}.")
    return bytes(data.tobytes())


def resize_to(image: ImageArray, *, image_hw: tuple[int, int]) -> ImageArray:
    """Resize; shrinks by area, enlarges smoothly, tiny pictures pixel by pixel."""
    height, width = image.shape[:2]
    if (height, width) == image_hw:
        return image
    if image_hw[0] < height:
        method = cv2.INTER_AREA
    elif max(height, width) <= _PIXELATED_UP_TO_PX:
        method = cv2.INTER_NEAREST
    else:
        method = cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image, (image_hw[1], image_hw[0]), interpolation=method))


def draw_instances(
    image: ImageArray,
    *,
    boxes_xyxy: FloatArray | None = None,
    masks: BoolArray | None = None,
    labels: Sequence[str] | None = None,
    colors: Sequence[Color] | None = None,
    scale: float = 1.0,
    fill: float = 0.22,
    line_px: int = 2,
    text_scale: float = 1.0,
) -> ImageArray:
    """Draw boxes, masks with contours, and labels.

    Args:
        image: (H, W) grey or (H, W, 3) RGB uint8; not changed.
        boxes_xyxy: (N, 4) px, pixel (0, 0) covering [0, 1) x [0, 1).
        masks: (N, H, W).
        labels: N words, written at the boxes' (or masks') top left corners; "" for none.
        colors: N; by default the palette in turn.
        scale: The picture is enlarged so much first: outlines stay thin and crisp.
        fill: Opacity of the masks' colour.
        line_px: Width of outlines in the enlarged picture.
        text_scale: Size of labels; 1 is some 9 px high.

    Returns:
        (round(scale * H), round(scale * W), 3) RGB.
    """
    height, width = image.shape[:2]
    rgb = np.repeat(image[..., None], 3, axis=2) if image.ndim == 2 else image
    out_hw = (max(1, round(scale * height)), max(1, round(scale * width)))
    canvas = resize_to(rgb, image_hw=out_hw).copy()
    count = len(masks) if masks is not None else len(boxes_xyxy) if boxes_xyxy is not None else 0
    colors = colors or [PALETTE[i % len(PALETTE)] for i in range(count)]
    corners = np.zeros((count, 2))
    if masks is not None:
        for i, mask in enumerate(masks):
            corners[i] = _draw_mask(canvas, mask, colors[i], fill=fill, line_px=line_px)
    if boxes_xyxy is not None:
        edges = np.asarray(boxes_xyxy, dtype=np.float64).reshape(-1, 4) * scale
        corners = edges[:, :2]
        for box, color in zip(edges, colors, strict=True):
            _draw_box(canvas, box, color, line_px=1 if masks is not None else line_px)
    for text, corner, color in zip(labels or (), corners, colors, strict=False):
        if text:
            _draw_label(canvas, text, (round(corner[0]), round(corner[1])), color, text_scale)
    return np.asarray(canvas)


def draw_keypoints(
    image: ImageArray,
    keypoints: FloatArray,
    *,
    radius_px: float = 2.5,
    color: Color | None = None,
) -> ImageArray:
    """Draw dots: filled where visible, rings where hidden.

    Args:
        image: (H, W, 3) RGB uint8; not changed.
        keypoints: (K, 3) x, y px and COCO visibility; those of 0 are left out.
        radius_px: Of the dots.
        color: Of all; by default they are coloured by their order.
    """
    canvas = image.copy()
    fine = 2**_SUBPIXEL_BITS
    height, width = canvas.shape[:2]
    for index, (x, y, visibility) in enumerate(keypoints):
        shown = -radius_px < x < width + radius_px and -radius_px < y < height + radius_px
        if visibility > 0 and shown:
            centre = (round((x - 0.5) * fine), round((y - 0.5) * fine))
            ink = color or PALETTE[index % len(PALETTE)]
            line = cv2.FILLED if visibility == 2 else 1
            radius = round(radius_px * fine)
            cv2.circle(canvas, centre, radius, ink, line, cv2.LINE_AA, _SUBPIXEL_BITS)
    return canvas


def contact_sheet(
    tiles: Sequence[ImageArray],
    *,
    columns: int,
    tile_hw: tuple[int, int] | None = None,
    gap_px: int = 8,
    background: Color = (255, 255, 255),
    captions: Sequence[str] | None = None,
) -> ImageArray:
    """Pictures in rows; each keeps its proportions and is centred in its cell.

    Args:
        tiles: (H, W, 3) RGB pictures of any sizes.
        columns: Pictures per row.
        tile_hw: Size of a cell; by default that of the largest tile.
        gap_px: Space between and around cells.
        background: Colour of that space.
        captions: Under each; a line of its own after every line break.

    Raises:
        ValueError: If there is no tile or no column.
    """
    if not tiles or columns < 1:
        raise ValueError(f"Got {len(tiles)} tiles in {columns} columns; expected at least one.")
    cell_h, cell_w = tile_hw or (
        max(tile.shape[0] for tile in tiles),
        max(tile.shape[1] for tile in tiles),
    )
    lines = [caption.splitlines() for caption in captions or ()]
    caption_px = 6 + _LINE_PX * max(map(len, lines)) if lines else 0
    columns = min(columns, len(tiles))
    rows = math.ceil(len(tiles) / columns)
    step_y, step_x = cell_h + caption_px + gap_px, cell_w + gap_px
    sheet = np.empty((rows * step_y + gap_px, columns * step_x + gap_px, 3), dtype=np.uint8)
    sheet[:] = background
    for index, tile in enumerate(tiles):
        row, column = divmod(index, columns)
        shrink = min(cell_h / tile.shape[0], cell_w / tile.shape[1])
        size = (max(1, round(tile.shape[0] * shrink)), max(1, round(tile.shape[1] * shrink)))
        y = gap_px + row * step_y + (cell_h - size[0]) // 2
        x = gap_px + column * step_x + (cell_w - size[1]) // 2
        sheet[y : y + size[0], x : x + size[1]] = resize_to(tile, image_hw=size)
        ink = (40, 40, 40) if sum(background) > 380 else (220, 220, 220)
        for number, line in enumerate(lines[index] if lines else (), start=1):
            at = (gap_px + column * step_x, gap_px + row * step_y + cell_h + number * _LINE_PX)
            cv2.putText(sheet, line, at, _FONT, 0.4, ink, 1, cv2.LINE_AA)
    return sheet


def _draw_mask(
    canvas: ImageArray, mask: BoolArray, color: Color, *, fill: float, line_px: int
) -> tuple[float, float]:
    """Tint and outline in place; returns the contour's top left corner, px of the canvas."""
    scale_y, scale_x = canvas.shape[0] / mask.shape[0], canvas.shape[1] / mask.shape[1]
    x, y, width, height = cv2.boundingRect(mask.astype(np.uint8))
    if not width:
        return (0.0, 0.0)
    margin = 4 + line_px
    left, top = max(0, int(x * scale_x) - margin), max(0, int(y * scale_y) - margin)
    window = canvas[
        top : math.ceil((y + height) * scale_y) + margin,
        left : math.ceil((x + width) * scale_x) + margin,
    ]
    # Pixel centres lie at 0.5 in both grids.
    window_from_mask = np.array(
        [[scale_x, 0, scale_x / 2 - 0.5 - left], [0, scale_y, scale_y / 2 - 0.5 - top]]
    )
    coverage = cv2.warpAffine(
        mask.astype(np.float32),
        window_from_mask,
        (window.shape[1], window.shape[0]),
        borderMode=cv2.BORDER_REPLICATE,
    )
    if scale_x > 1:  # round off the stairs of the enlarged pixels
        coverage = cv2.GaussianBlur(coverage, (0, 0), 0.5 * scale_x)
    inside = (coverage >= 0.5).astype(np.uint8)
    contours, _ = cv2.findContours(inside, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    if not contours:
        return (float(left), float(top))
    alpha = fill * coverage[..., None]
    window[:] = np.round(window * (1 - alpha) + np.array(color, np.float32) * alpha)
    contours = [contour + np.array([left, top], dtype=np.int32) for contour in contours]
    cv2.polylines(canvas, contours, True, color, line_px, cv2.LINE_AA)
    points = np.concatenate(contours)[:, 0]
    return (float(points[:, 0].min()), float(points[:, 1].min()))


def _draw_box(canvas: ImageArray, box: FloatArray, color: Color, *, line_px: int) -> None:
    if not np.isfinite(box).all():
        return
    # Edges lie between pixels; cv2 counts from pixel centres.
    limit = 4 * max(canvas.shape[:2])
    fixed = np.round((np.clip(box, -limit, limit) - 0.5) * 2**_SUBPIXEL_BITS).astype(int).tolist()
    x0, y0, x1, y1 = fixed
    outline = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], dtype=np.int32)
    cv2.polylines(canvas, [outline], True, color, line_px, cv2.LINE_AA, shift=_SUBPIXEL_BITS)


def _draw_label(
    canvas: ImageArray, text: str, corner: tuple[int, int], color: Color, text_scale: float
) -> None:
    """Write on a plate of the instance's colour, moved inside the picture."""
    plain = text.encode("ascii", "replace").decode()  # all that cv2's fonts have
    size, thickness = 0.38 * text_scale, max(1, int(text_scale))
    pad = round(3 * text_scale)
    (text_w, text_h), base = cv2.getTextSize(plain, _FONT, size, thickness)
    plate_w, plate_h = text_w + 2 * pad, text_h + base // 2 + pad
    height, width = canvas.shape[:2]
    x = min(max(corner[0], 0), max(0, width - plate_w))
    y = min(max(corner[1] - plate_h, 0), max(0, height - plate_h))
    cv2.rectangle(canvas, (x, y), (x + plate_w - 1, y + plate_h - 1), color, cv2.FILLED)
    dark = 0.299 * color[0] + 0.587 * color[1] + 0.114 * color[2] > 120
    ink = (15, 15, 15) if dark else (255, 255, 255)
    at = (x + pad, y + plate_h - base // 2 - pad // 2)
    cv2.putText(canvas, plain, at, _FONT, size, ink, thickness, cv2.LINE_AA)

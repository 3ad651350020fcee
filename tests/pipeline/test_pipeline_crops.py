"""Crops and bitmaps against toys counted by hand and against SciPy's morphology."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from scipy.ndimage import binary_dilation, binary_erosion

from pipeline.errors import DatasetError
from pipeline.formats.bitmaps import block_means, find_ink, normalise_character
from pipeline.formats.coco import CocoDataset, read_coco
from pipeline.formats.crops import write_crops
from pipeline.formats.imagefolder import read_image_folder
from pipeline.geometry.masks import rle_of_mask
from pipeline.specs.experiment import CropSpec

BITMAP = CropSpec(size=8, bitmap=32)
# A gamma of 20 x 32 px, bars 6 px thick: 276 px of ink, so neither thin nor thick, and upright.
GAMMA = np.zeros((32, 20), dtype=bool)
GAMMA[:, :6] = True
GAMMA[:6] = True
# Counted by hand: the bitmap's columns 6-11 are the stem, columns 12-25 of rows 0-5 the bar.
GAMMA_BLOCKS = np.array(
    [[0, 8, 16, 16, 16, 16, 8, 0], [0, 8, 16, 8, 8, 8, 4, 0], *[[0, 8, 16, 0, 0, 0, 0, 0]] * 6]
)
PAPER, INK = 200, 40


def toy(
    folder: Path, *, paper: int = PAPER, ink: int = INK, categories: tuple[str, ...] = ("g", "x")
) -> CocoDataset:
    """A gamma, a square so near that their windows overlap, one cut by the frame, one crowd."""
    (folder / "images").mkdir(parents=True)
    picture = np.full((80, 100), paper, np.uint8)
    masks = []
    for x, y, shape in (
        (40, 20, GAMMA),
        (62, 30, np.ones((8, 8), bool)),
        (92, 30, np.ones((8, 8), bool)),
        (10, 30, np.ones((8, 8), bool)),
    ):
        mask = np.zeros(picture.shape, bool)
        mask[y : y + shape.shape[0], x : x + shape.shape[1]] = shape
        picture[mask] = ink
        masks.append(mask)
    cv2.imwrite(str(folder / "images" / "sheet.png"), picture)
    annotations = []
    for number, mask in enumerate(masks, start=1):
        (top, bottom), (left, right) = (np.flatnonzero(mask.any(axis))[[0, -1]] for axis in (1, 0))
        annotations.append(
            {
                "id": number,
                "image_id": 7,
                "category_id": 3 if number == 1 else 5,
                "bbox": [int(left), int(top), int(right - left + 1), int(bottom - top + 1)],
                "segmentation": rle_of_mask(mask),
                "iscrowd": int(number == 4),
            }
        )
    document = {
        "images": [{"id": 7, "file_name": "sheet.png", "width": 100, "height": 80}],
        "annotations": annotations,
        "categories": [
            {"id": 3, "name": categories[0]},
            {"id": 5, "name": categories[1]},
        ],
    }
    (folder / "instances.json").write_text(json.dumps(document))
    return read_coco(folder / "instances.json")


def read_grey(path: Path) -> np.ndarray:
    return cv2.imread(str(path), cv2.IMREAD_UNCHANGED)


@pytest.mark.parametrize(("paper", "ink"), [(200, 40), (30, 220)])
def test_blocks_of_a_gamma_counted_by_hand(tmp_path: Path, paper: int, ink: int) -> None:
    out = write_crops(toy(tmp_path / "toy", paper=paper, ink=ink), tmp_path / "crops", BITMAP)
    crop = read_grey(out / "g" / "sheet_1.png")
    assert crop.dtype == np.uint8
    assert np.array_equal(crop, np.rint(GAMMA_BLOCKS / 16 * 255))


def test_crowds_and_cut_objects_are_left_out(tmp_path: Path) -> None:
    out = write_crops(toy(tmp_path / "toy"), tmp_path / "crops", BITMAP)
    found = sorted(str(path.relative_to(out)) for path in out.rglob("*.png"))
    assert found == ["g/sheet_1.png", "x/sheet_2.png"]
    assert list(read_image_folder(out).categories.values()) == ["g", "x"]
    assert json.loads((out / "crops.json").read_text())["count"] == 2


def test_a_square_crop_of_its_own_size_is_a_cut_out(tmp_path: Path) -> None:
    dataset = toy(tmp_path / "toy")
    colours = np.random.default_rng(0).integers(0, 256, (80, 100, 3), dtype=np.uint8)
    cv2.imwrite(str(dataset.images[0].path), colours)
    out = write_crops(dataset, tmp_path / "crops", CropSpec(size=40, margin=1.25))
    # The box is 20 x 32 px at (40, 20), its middle (50, 36), the side 1.25 x 32 = 40.
    assert np.array_equal(read_grey(out / "g" / "sheet_1.png"), colours[16:56, 30:70])


def test_a_window_beyond_the_picture_continues_its_edge(tmp_path: Path) -> None:
    out = write_crops(toy(tmp_path / "toy"), tmp_path / "crops", CropSpec(size=64, margin=4))
    assert (read_grey(out / "g" / "sheet_1.png")[0] == PAPER).all()


def test_same_call_does_nothing_other_crops_are_refused(tmp_path: Path) -> None:
    dataset = toy(tmp_path / "toy")
    out = write_crops(dataset, tmp_path / "crops", BITMAP)
    before = (out / "crops.json").stat().st_mtime_ns
    assert write_crops(dataset, out, BITMAP) == out
    assert (out / "crops.json").stat().st_mtime_ns == before
    with pytest.raises(DatasetError, match="something else"):
        write_crops(dataset, out, CropSpec(size=16, bitmap=32))
    cv2.imwrite(str(dataset.images[0].path), np.zeros((80, 100), np.uint8))
    with pytest.raises(DatasetError, match="something else"):
        write_crops(dataset, out, BITMAP)


def test_an_interrupted_call_leaves_nothing_and_is_made_up_for(tmp_path: Path) -> None:
    dataset = toy(tmp_path / "toy")
    out = tmp_path / "crops"

    def interrupt(done: int, total: int, note: str = "") -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_crops(dataset, out, BITMAP, progress=interrupt)
    assert not out.exists()
    write_crops(dataset, out, BITMAP)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["crops", "toy"]


def test_bad_input_is_named(tmp_path: Path) -> None:
    dataset = toy(tmp_path / "a", categories=("../g", "x"))
    with pytest.raises(DatasetError, match="folder"):
        write_crops(dataset, tmp_path / "crops", BITMAP)
    dataset = toy(tmp_path / "b")
    cv2.imwrite(str(dataset.images[0].path), np.zeros((8, 9), np.uint8))
    with pytest.raises(DatasetError, match="9 x 8 px; expected 100 x 80"):
        write_crops(dataset, tmp_path / "crops", BITMAP)
    dataset.images[0].path.write_bytes(b"no picture")
    with pytest.raises(DatasetError, match=r"sheet\.png: not a picture"):
        write_crops(dataset, tmp_path / "crops", BITMAP)
    assert not (tmp_path / "crops").exists()


def test_no_whole_object_is_an_error(tmp_path: Path) -> None:
    dataset = toy(tmp_path / "toy")
    document = json.loads(dataset.annotations_path.read_text())
    document["annotations"] = document["annotations"][2:]
    dataset.annotations_path.write_text(json.dumps(document))
    with pytest.raises(DatasetError, match="no object lies whole"):
        write_crops(read_coco(dataset.annotations_path), tmp_path / "crops", BITMAP)


def test_block_means_counted_by_hand() -> None:
    bitmap = np.array([[1, 1, 0, 0], [1, 0, 0, 0], [0, 0, 1, 1], [0, 0, 1, 1]], dtype=bool)
    assert block_means(bitmap, blocks=2).tolist() == [[0.75, 0.0], [0.0, 1.0]]


@pytest.mark.parametrize(
    ("bars_px", "bridge_px", "ink_px", "change", "times"),
    [
        (1, 2, 100, binary_dilation, 2),
        (1, 6, 172, binary_dilation, 1),
        (4, 6, 328, None, 0),
        (8, 6, 536, binary_erosion, 1),
        (9, 6, 588, binary_erosion, 2),
    ],
)
def test_weight_is_changed_as_scipy_would(bars_px, bridge_px, ink_px, change, times) -> None:
    ink = np.zeros((32, 20), dtype=bool)
    ink[:, :bars_px] = ink[:, -bars_px:] = True
    ink[14 : 14 + bridge_px] = True
    assert ink.sum() == ink_px
    # Wide borders, since beyond the bitmap there is paper.
    expected = np.pad(ink, ((9, 9), (6, 6)))
    if change:
        expected = change(expected, iterations=times)
    assert np.array_equal(normalise_character(ink.astype(float), side=32), expected[9:-9])


@pytest.mark.parametrize("slope", [-0.3, 0.25])
def test_a_slanted_stem_is_set_upright(slope: float) -> None:
    ink = np.zeros((64, 80))
    for row in range(64):
        left = round(40 + slope * (32 - row)) - 5
        ink[row, left : left + 10] = 1
    bitmap = normalise_character(ink, side=32)
    lefts = bitmap.argmax(axis=1)
    assert lefts[2] == lefts[29]
    assert np.ptp(lefts[2:30]) <= 2


@pytest.mark.parametrize("zoom", [2, 3])
def test_size_does_not_matter(zoom: int) -> None:
    large = np.kron(GAMMA.astype(float), np.ones((zoom, zoom)))
    assert np.array_equal(normalise_character(large, side=32), np.pad(GAMMA, ((0, 0), (6, 6))))


def test_ink_is_what_the_border_is_not() -> None:
    grey = np.full((12, 12), 180, np.uint8)
    grey[4:8, 4:8] = 60
    grey[8, 4:8] = 120  # an antialiased edge: half covered
    ink = find_ink(grey)
    assert ink[5, 5] == pytest.approx(1, abs=0.3)
    assert ink[0, 0] == 0
    assert 0.2 < ink[8, 5] < 0.8
    assert np.allclose(find_ink(255 - grey) > 0.5, ink > 0.5)


def test_a_blank_has_no_ink() -> None:
    assert not find_ink(np.full((9, 9), 77, np.uint8)).any()
    assert not normalise_character(np.zeros((9, 9)), side=32).any()

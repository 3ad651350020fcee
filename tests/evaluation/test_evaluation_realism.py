"""Rendered against real pictures: measures against known pictures, verdicts by hand."""

from __future__ import annotations

import json
import math
from pathlib import Path

import cv2
import numpy as np
import pytest

from evaluation.contact_sheets import beside_sheet, picture_sheet
from evaluation.realism import (
    MEASURES,
    Comparison,
    common_side_px,
    compare_measures,
    crops_like,
    measure_picture,
    measure_pictures,
)
from pipeline.dataset.histograms import summarise
from pipeline.formats.annotated import read_annotated


def coco_folder(folder: Path, pictures: dict[str, np.ndarray], boxes: dict[str, list]) -> Path:
    (folder / "images").mkdir(parents=True)
    images, annotations = [], []
    for image_id, (name, picture) in enumerate(pictures.items(), start=1):
        cv2.imwrite(str(folder / "images" / name), picture)
        height, width = picture.shape[:2]
        images.append({"id": image_id, "file_name": name, "width": width, "height": height})
        annotations += [
            {"image_id": image_id, "category_id": 1, "bbox": box} for box in boxes.get(name, [])
        ]
    for number, annotation in enumerate(annotations, start=1):
        annotation["id"] = number
    document = {"images": images, "annotations": annotations}
    document["categories"] = [{"id": 1, "name": "thing"}]
    (folder / "instances_train.json").write_text(json.dumps(document))
    return folder


def grey(level: int, hw: tuple[int, int] = (40, 50)) -> np.ndarray:
    return np.full((*hw, 3), level, np.uint8)


def test_a_flat_picture_has_brightness_only() -> None:
    found = measure_picture(grey(51), side_px=640)
    assert found.pop("brightness") == pytest.approx(20)
    assert found == pytest.approx(dict.fromkeys(found, 0), abs=1e-6)


def test_pure_red_is_saturated_and_as_bright_as_its_luma() -> None:
    red = np.zeros((20, 20, 3), np.uint8)
    red[..., 0] = 255
    found = measure_picture(red, side_px=640)
    assert found["saturation"] == pytest.approx(100)
    assert found["brightness"] == pytest.approx(29.9, abs=0.01)


def test_half_black_half_white_has_contrast_50() -> None:
    picture = grey(0)
    picture[:, 25:] = 255
    assert measure_picture(picture, side_px=640)["contrast"] == pytest.approx(50)


def test_sharpness_is_opencvs_and_falls_with_blur() -> None:
    rng = np.random.default_rng(0)
    level = rng.integers(0, 255, (60, 80)).astype(np.uint8)
    sharp = np.repeat(level[..., None], 3, axis=2)
    found = measure_picture(sharp, side_px=640)["sharpness"]
    assert found == pytest.approx(cv2.Laplacian(level.astype(float), cv2.CV_64F)[1:-1, 1:-1].var())
    blurred = cv2.GaussianBlur(sharp, (0, 0), 1.0)
    assert measure_picture(blurred, side_px=640)["sharpness"] < found / 10


@pytest.mark.parametrize("sigma", [1.0, 4.0, 12.0])
def test_noise_of_known_strength_is_found(sigma: float) -> None:
    rng = np.random.default_rng(1)
    slope = np.linspace(60, 180, 200)[None, :, None]
    noisy = slope + sigma * rng.standard_normal((160, 200, 1))
    picture = np.repeat(np.clip(np.rint(noisy), 0, 255).astype(np.uint8), 3, axis=2)
    found = measure_picture(picture, side_px=640)["noise"]
    assert found == pytest.approx(sigma, rel=0.1)


def test_larger_pictures_are_shrunk_to_the_common_side(tmp_path: Path) -> None:
    small = coco_folder(
        tmp_path / "a", {"a.png": grey(9, (60, 80)), "b.png": grey(9, (60, 90))}, {}
    )
    large = coco_folder(tmp_path / "b", {"c.png": grey(9, (1200, 900))}, {})
    assert common_side_px(read_annotated(small), read_annotated(large)) == 85
    assert common_side_px(read_annotated(large)) == 640
    rng = np.random.default_rng(2)
    picture = rng.integers(0, 255, (100, 100, 3)).astype(np.uint8)
    shrunk = measure_picture(picture, side_px=50)
    expected = cv2.resize(picture.astype(np.float32), (50, 50), interpolation=cv2.INTER_AREA)
    assert shrunk["contrast"] == pytest.approx(
        100 * cv2.cvtColor(expected / 255, cv2.COLOR_RGB2GRAY).std(), rel=1e-5
    )


def test_boxes_are_counted_and_measured_by_hand(tmp_path: Path) -> None:
    boxes = {"a.png": [[0, 0, 10, 20], [0, 0, 50, 40]]}
    folder = coco_folder(tmp_path / "a", {"a.png": grey(9), "b.png": grey(9)}, boxes)
    found = measure_pictures(read_annotated(folder), side_px=640)
    assert found["objects"] == [2, 0]
    assert found["box size"] == pytest.approx([100 * math.sqrt(0.1), 100])
    assert set(found) == set(MEASURES)
    assert "box size" not in measure_pictures(read_annotated(folder), side_px=640, boxes=False)


def compared(real: list[float], synthetic: list[float]) -> Comparison:
    return compare_measures(synthetic={"noise": synthetic}, real={"noise": real})[-1]


def test_verdicts_by_hand() -> None:
    real = list(range(101))  # 10 % at 10, 90 % at 90
    assert compared(real, real).covered
    assert compared(real, real).relative_width == pytest.approx(1)
    shifted = compared(real, [value + 50.0 for value in real])
    assert not shifted.covered
    assert shifted.narrow
    wide = compared(real, [value * 4.0 - 150 for value in real])
    assert wide.covered
    assert wide.relative_width == pytest.approx(4)
    assert not wide.narrow
    just = compared(real, [value * 3.0 - 100 for value in real])
    assert just.narrow


def test_what_does_not_vary_at_all() -> None:
    assert compared([1.0] * 5, [1.0] * 5).relative_width == 1
    assert compared([1.0] * 5, [1.0, 2.0]).relative_width == math.inf
    assert compared([1.0] * 5, [1.0, 2.0]).narrow is False


def test_what_is_not_there_has_no_verdict() -> None:
    nothing = Comparison(name="box size", real=None, synthetic=summarise([1.0]))
    assert (nothing.covered, nothing.narrow) == (None, None)
    assert math.isnan(nothing.relative_width)


def test_frames_are_cut_up_like_an_image_folder(painted_dataset: Path, tmp_path: Path) -> None:
    for name in ("disc", "square"):
        (tmp_path / "real" / name).mkdir(parents=True)
        cv2.imwrite(str(tmp_path / "real" / name / "a.png"), grey(9, (24, 24)))
    real = read_annotated(tmp_path / "real")
    crops = crops_like(real, read_annotated(painted_dataset), tmp_path / "crops")
    assert {(image.width, image.height) for image in crops.images} == {(24, 24)}
    assert {category.name for category in crops.categories} <= {"disc", "square"}


def test_sheets(tmp_path: Path) -> None:
    folder = coco_folder(tmp_path / "a", {f"{i}.png": grey(i) for i in range(30)}, {})
    paths = [image.path for image in read_annotated(folder).images]
    plain = picture_sheet(paths[:4], tile_px=100)
    captioned = picture_sheet(paths[:4], captions=["a\nb\nc"] * 4, tile_px=100)
    assert plain.shape == (80 + 16, 4 * 108 + 8, 3)
    assert captioned.shape[0] == plain.shape[0] + 6 + 3 * 14
    both = beside_sheet(paths, paths[:3], tile_px=50)
    assert both.shape[1] == (4 * 58 + 8 + 24) + (3 * 58 + 8 + 24)
    assert (both[-1, -1] == 255).all()

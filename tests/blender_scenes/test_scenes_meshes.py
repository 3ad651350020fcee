"""Scenes of a user's models: where they stand, and that labels, poses and exports agree."""

from __future__ import annotations

import json
from collections import Counter
from itertools import combinations
from pathlib import Path

import cv2
import numpy as np
import pytest
from modelling import CORNERS, write_bop, write_box

from blender_scenes.audit.audit import audit_dataset
from blender_scenes.blocks.grounds import folds_m
from blender_scenes.generate import render_dataset
from blender_scenes.meshes.family import MeshesFamily
from blender_scenes.meshes.scene import MeshesScene
from blender_scenes.rerender import rerender_frame
from pipeline.dataset.check import check_dataset
from pipeline.dataset.frames import read_record
from pipeline.dataset.layout import DatasetLayout
from pipeline.formats.bop_reader import read_bop
from pipeline.formats.coco import read_coco
from pipeline.formats.exports import export_pictures
from pipeline.formats.ply import ply_vertices
from pipeline.geometry.masks import mask_of_rle
from pipeline.sampling.factors import FactorDraws, bind_factors
from pipeline.sampling.seeds import FrameSeeds
from pipeline.specs.document import parse_spec
from pipeline.specs.scene import SceneSpec

SOURCE = Path("spec.yaml")
SIZES = {"small": 0.5, "middle": 1.0, "large": 2.0}


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    """A home without models in its cache."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("HOME", str(tmp_path_factory.mktemp("home")))
        yield


@pytest.fixture(scope="module")
def family(tmp_path_factory) -> MeshesFamily:
    models = tmp_path_factory.mktemp("models")
    for name, scale in SIZES.items():
        write_box(models / f"{name}.ply", scale=scale)
    return bound(models, categories=["small", "large"])


def bound(models: Path, **keys: object) -> MeshesFamily:
    document = {"scene": "meshes", "frames": 1, "assets": {"models": str(models), "unit": "m"}}
    spec = parse_spec(document | keys, SceneSpec, source=SOURCE)
    return MeshesFamily().of(spec, source=SOURCE)


def sample(family: MeshesFamily, frame: int = 0, **factors: object) -> MeshesScene:
    draws = FactorDraws(
        bind_factors(family.factors, factors, source=SOURCE), FrameSeeds(seed=7, frame=frame)
    )
    return family.sample(draws, image=family.image)


def corners_m(each, family: MeshesFamily) -> np.ndarray:
    """(8, 3) in the world, by the size of the model."""
    [model] = [model for model in family.models if model.surface == each.look.surface]
    pose = np.array(each.world_from_obj)
    return CORNERS * SIZES[model.name] @ pose[:3, :3].T + pose[:3, 3]


def outline(corners: np.ndarray) -> np.ndarray:
    return cv2.convexHull((1000 * corners[:, :2]).astype(np.float32))


@pytest.mark.parametrize("how", ["scatter", "grid"])
def test_what_stands_touches_the_ground_upright_and_nothing_else(family, how) -> None:
    for frame in range(6):
        scene = sample(
            family,
            frame,
            placement={"how": how},
            count={"objects": 9},
            distractors={"models": 1},
            background={"folds": 0.5, "surface": "cloth", "context": "table"},
        )
        assert len(scene.instances) >= 7
        assert len(scene.others) == 1
        placed = [*scene.instances, *scene.others]
        for each in placed:
            corners = corners_m(each, family)
            floor = folds_m(scene.ground, corners[:, :2]).max()
            assert corners[:, 2].min() >= max(floor, 0) - 1e-6
            assert corners[:, 2].min() < 0.01
            np.testing.assert_allclose(np.array(each.world_from_obj)[:3, 2], [0, 0, 1])
        for one, other in combinations(placed, 2):
            area, _ = cv2.intersectConvexConvex(
                outline(corners_m(one, family)), outline(corners_m(other, family))
            )
            assert area < 1  # mm2


def test_what_floats_touches_nothing_and_turns_every_way(family) -> None:
    tips = []
    for frame in range(12):
        scene = sample(family, frame, placement={"how": "air"}, count={"objects": 6})
        balls = []
        for each in scene.instances:
            corners = corners_m(each, family)
            assert corners[:, 2].min() > 0
            middle = corners.mean(axis=0)
            balls.append((middle, np.linalg.norm(corners - middle, axis=1).max()))
            tips.append(each.world_from_obj[2][2])
        for (a, r), (b, s) in combinations(balls, 2):
            assert np.linalg.norm(a - b) > r + s
    # A uniformly turned axis has a uniform height: mean 0, variance 1/3.
    assert abs(np.mean(tips)) < 4 / np.sqrt(3 * len(tips))
    assert np.var(tips) == pytest.approx(1 / 3, abs=0.12)


def test_each_model_comes_once_before_any_comes_twice(family) -> None:
    scene = sample(family, count={"objects": 7}, placement={"how": "grid"})
    counts = Counter(instance.category for instance in scene.instances)
    assert sorted(counts.values()) == [3, 4]
    assert {instance.category for instance in scene.instances} == {"small", "large"}
    drawn = Counter(
        instance.category
        for frame in range(40)
        for instance in sample(family, frame, count={"mix": "any", "objects": 3}).instances
    )
    assert min(drawn.values()) > 30


def test_one_object_more_turns_and_paints_no_other(family) -> None:
    few, more = (sample(family, count={"objects": n}, placement={"how": "grid"}) for n in (4, 5))
    for one, other in zip(few.instances, more.instances, strict=False):
        assert one.look == other.look
        turns = [np.array(each.world_from_obj)[:3, :3] for each in (one, other)]
        np.testing.assert_array_equal(*turns)


def test_contexts_have_what_belongs_to_them(family) -> None:
    def world(context: str, **more: object):
        return sample(family, background={"context": context, "markers": 0} | more)

    assert world("table").backdrop is None
    room = world("room")
    assert room.backdrop is not None
    # The table ends before what stands behind.
    assert room.ground_m / np.sqrt(2) < room.backdrop.distance * room.distance_m - room.distance_m
    assert world("box").light.world.kind == "lightbox"
    assert world("open").light.world.kind in ("sky", "overcast")
    assert world("table", markers=7).board.side_m > 0
    floating = sample(family, background={"context": "room"}, placement={"how": "air"})
    assert floating.ground is None


@pytest.mark.parametrize("factor", ["material", "background", "lighting", "sensor", "occlusion"])
def test_a_factor_switched_off_moves_no_object(family, factor) -> None:
    usual, without = sample(family, frame=3), sample(family, frame=3, **{factor: "off"})
    assert [i.category for i in usual.instances] == [i.category for i in without.instances]
    assert [i.world_from_obj for i in usual.instances] == [
        i.world_from_obj for i in without.instances
    ]
    assert usual.camera == without.camera
    if factor != "material":
        assert [i.look for i in usual.instances] == [i.look for i in without.instances]


@pytest.fixture(scope="module")
def dataset(tmp_path_factory) -> Path:
    """Two boxes of a BOP folder, dropped."""
    pytest.importorskip("bpy")
    folder = tmp_path_factory.mktemp("render")
    (folder / "models").mkdir()
    document = {
        "scene": "meshes",
        "frames": 2,
        "image": {"width": 240, "height": 180},
        "render": {"samples": 1},
        "labels": {"amodal": True, "keypoints": True, "poses": True, "models": True},
        "assets": {"models": str(write_bop(folder / "models")), "names": {"obj_000002": "can"}},
        "factors": {
            "count": {"objects": 4},
            "placement": {"how": "drop"},
            "camera": {"object_px": 130, "elevation_rad": 0.7},
            "occlusion": "off",
        },
    }
    spec = parse_spec(document, SceneSpec, source=SOURCE)
    return render_dataset(spec, folder / "dataset", source=SOURCE, workers=1)


@pytest.mark.blender
def test_masks_boxes_and_keypoints_are_where_the_pose_puts_the_model(dataset) -> None:
    coco = read_coco(dataset / "annotations" / "instances.json")
    assert [category.name for category in coco.categories] == ["can", "obj_000011"]
    seen = 0
    for image in coco.images:
        for instance in coco.instances[image.image_id]:
            pose, K = np.array(instance.cam_from_obj), np.array(image.K)
            points = (CORNERS @ pose[:3, :3].T + pose[:3, 3]) @ K.T
            pixels = points[:, :2] / points[:, 2:]
            whole = np.zeros((image.height, image.width), np.uint8)
            # Pixel centres at whole numbers are OpenCV's; eight bits of fraction.
            polygon = cv2.convexHull(((pixels - 0.5) * 256).round().astype(np.int32))
            cv2.fillConvexPoly(whole, polygon, 1, cv2.LINE_8, 8)
            mask = mask_of_rle(instance.amodal_rle)
            assert (mask & (whole > 0)).sum() > 0.93 * (mask | (whole > 0)).sum()
            for corner, (x, y, visibility) in zip(pixels, instance.keypoints, strict=False):
                if visibility:
                    np.testing.assert_allclose([x, y], corner, atol=0.01)
            seen += 1
    assert seen >= 6


@pytest.mark.blender
def test_what_fell_rests_on_the_floor(dataset) -> None:
    for frame in range(2):
        scene = read_record(DatasetLayout(dataset), frame).scene
        assert scene["falling"] is False
        lowest = []
        for instance in scene["instances"]:
            pose = np.array(instance["world_from_obj"])
            np.testing.assert_allclose(pose[:3, :3] @ pose[:3, :3].T, np.eye(3), atol=1e-9)
            lowest.append((CORNERS @ pose[:3, :3].T + pose[:3, 3])[:, 2].min())
        assert min(lowest) > -2e-3
        assert min(lowest) < 2e-3


@pytest.mark.blender
def test_labels_hold_and_a_frame_comes_out_the_same(dataset, tmp_path) -> None:
    assert check_dataset(dataset).problems == ()
    audit = audit_dataset(dataset, frames=2, workers=1)
    assert audit.passed
    again = rerender_frame(dataset, 1, tmp_path / "again")
    assert again.same_labels
    assert again.largest_step <= 1


@pytest.mark.blender
def test_a_bop_export_keeps_poses_sizes_and_symmetries(dataset, tmp_path) -> None:
    given = json.loads((dataset.parent / "models" / "models_info.json").read_text())
    coco = read_coco(dataset / "annotations" / "instances.json")
    export_pictures({None: coco}, tmp_path / "bop", to="bop")
    read = read_bop(tmp_path / "bop", "train_pbr")
    facts = json.loads((tmp_path / "bop" / "models" / "models_info.json").read_text())
    objects = json.loads((tmp_path / "bop" / "models" / "objects.json").read_text())
    assert {o["category"] for o in objects.values()} == {"can", "obj_000011"}
    for number, entry in objects.items():
        assert facts[number] == given["2" if entry["category"] == "can" else "11"]
    for image in read.images:
        for instance in read.instances[image.image_id]:
            model = read.models[instance.model]
            vertices = ply_vertices(model.path.read_bytes()) * model.unit_m
            np.testing.assert_allclose(
                sorted(map(tuple, vertices.round(6))), sorted(map(tuple, CORNERS)), atol=1e-6
            )
            pose, K = np.array(instance.cam_from_obj), np.array(image.K)
            points = (vertices @ pose[:3, :3].T + pose[:3, 3]) @ K.T
            pixels = points[:, :2] / points[:, 2:]
            x0, y0, x1, y1 = instance.amodal_box_xyxy
            assert np.abs(pixels.min(axis=0) - (x0, y0)).max() <= 1.5
            assert np.abs(pixels.max(axis=0) - (x1, y1)).max() <= 1.5

"""From keypoints to poses in a file, and their scores."""

import json

import cv2
import numpy as np
import pytest
from discs import OFF

from evaluation.scores import evaluate
from pipeline.formats.coco import read_coco
from pipeline.geometry.camera import Camera, matrix4, project_cam
from pipeline.records.keypoints import RigidPoints
from pipeline.records.predictions import read_meta
from pipeline.specs.training import DataSource, ModelSpec, TrainSpec
from trainers.checkpoints import read_checkpoint
from trainers.keypoints.heatmap import HeatmapKeypoints
from trainers.keypoints.posing import pose_of
from trainers.prediction import predict
from trainers.results import DetectedObject, PictureResult
from trainers.training import train

K = ((150.0, 0.0, 64.0), (0.0, 150.0, 48.0), (0.0, 0.0, 1.0))
LENS = (-0.2, 0.05, 0.0, 0.0, 0.0)
PRISM = np.array([[x, y, z] for z in (0.0, 0.03) for x, y in ((0, 0), (0.06, 0), (0, 0.04))])


def pose_number(number):
    pose = np.eye(4)
    pose[:3, :3] = cv2.Rodrigues(np.array([0.3, 0.2 * number, 0.1]))[0]
    pose[:3, 3] = (-0.01, -0.01, 0.2)
    return pose


@pytest.fixture
def prisms(tmp_path):
    """Three pictures of nothing, in which the labels say where a prism is."""
    (tmp_path / "images").mkdir()
    document = {"images": [], "annotations": []}
    camera = Camera(width_px=128, height_px=96, K=K, dist=LENS, world_from_cam=matrix4(np.eye(4)))
    for number in (1, 2, 3):
        pose = pose_number(number)
        points = project_cam(camera, PRISM @ pose[:3, :3].T + pose[:3, 3]) - 0.5
        cv2.imwrite(str(tmp_path / "images" / f"{number}.png"), np.zeros((96, 128), np.uint8))
        low, size = points.min(axis=0), np.ptp(points, axis=0)
        document["images"].append(
            {"id": number, "file_name": f"{number}.png", "width": 128, "height": 96}
            | {"cam_K": [150, 0, 63.5, 0, 150, 47.5, 0, 0, 1], "dist_coeffs": LENS}
        )
        document["annotations"].append(
            {"id": number, "image_id": number, "category_id": 4, "bbox": [*low, *size]}
            | {"cam_R_m2c": pose[:3, :3].ravel().tolist()}
            | {"cam_t_m2c": (1000 * pose[:3, 3]).tolist()}
            | {"keypoints": np.column_stack([points, np.full(6, 2)]).ravel().tolist()}
        )
    category = {"id": 4, "name": "prism", "keypoints": list("abcdef")}
    document["categories"] = [category | {"keypoints_3d": (1000 * PRISM).ravel().tolist()}]
    (tmp_path / "instances_val.json").write_text(json.dumps(document))
    return tmp_path


@pytest.mark.parametrize("told", ["by the pictures", "by the training data"])
def test_right_keypoints_make_right_poses(prisms, tmp_path, monkeypatch, told):
    """The network is left out: what it says is put into its mouth."""
    truth = read_coco(prisms / "instances_val.json")
    said = iter([truth.instances[image.image_id][0] for image in truth.images])

    def detect(network, module, image, *, with_masks):
        points = np.array(next(said).keypoints)
        points[:, 2] = 0.9
        box = np.concatenate([points[:, :2].min(axis=0), points[:, :2].max(axis=0)])
        item = DetectedObject(class_index=0, score=0.9, box_xyxy=box, keypoints=points)
        return PictureResult(objects=(item,))

    spec = TrainSpec(
        task="keypoints",
        data=(DataSource(path=prisms, split="val"),),
        model=ModelSpec(name="heatmap", width=0.25),
        input_px=32,
        steps=1,
        batch_size=2,
        augment=OFF,
        device="cpu",
    )
    run = train(spec, tmp_path / "run")
    np.testing.assert_allclose(read_checkpoint(run).rigid_points[0].points_m, PRISM)
    if told == "by the training data":
        document = json.loads((prisms / "instances_val.json").read_text())
        del document["categories"][0]["keypoints_3d"]
        (prisms / "instances_val.json").write_text(json.dumps(document))
    monkeypatch.setattr(HeatmapKeypoints, "detect", detect)
    out = predict(run, prisms, tmp_path / "p.json", split="val")
    assert read_meta(out).poses == "p_poses.csv"
    points = {m: e.value for (m, _), e in evaluate(out, prisms, split="val").estimates.items()}
    assert points["pck@0.005"] == points["keypoint_ap"] == 1
    if told == "by the pictures":
        sheet = evaluate(tmp_path / "p_poses.csv", prisms, split="val")
        poses = {metric: estimate.value for (metric, _), estimate in sheet.estimates.items()}
        assert poses["add_median_m"] < 1e-5
        assert poses["add_recall@0.1d"] == poses["mssd_ar"] == 1


def test_keypoints_that_nobody_is_sure_of_do_not_count():
    """Two of six are far off, and the network says so."""
    camera = Camera(width_px=128, height_px=96, K=K, dist=LENS, world_from_cam=matrix4(np.eye(4)))
    pose = pose_number(1)
    pixels = project_cam(camera, PRISM @ pose[:3, :3].T + pose[:3, 3])
    pixels[:2] = 5.0, 90.0
    confidence = [0.01, 0.02, 0.9, 0.9, 0.9, 0.9]
    item = DetectedObject(
        class_index=0,
        score=0.5,
        box_xyxy=np.array([0.0, 0, 128, 96]),
        keypoints=np.column_stack([pixels, confidence]),
    )
    points = RigidPoints(points_m=tuple(map(tuple, PRISM.tolist())))
    np.testing.assert_allclose(pose_of(item, points, K=K, dist=LENS), pose, atol=1e-5)
    item.keypoints[:, 2] = 0.01
    assert pose_of(item, points, K=K, dist=LENS) is None

"""Our BOP export against the format's documentation, with trimesh for the models.

bop_toolkit_lib is on no package index; what follows is written from its documentation
(docs/bop_datasets_format.md) and uses nothing of ours.
"""

import json

import cv2
import numpy as np
import pytest
import trimesh


@pytest.fixture
def scene(exports):
    return exports / "bop" / "train_pbr" / "000000"


def read(scene, name):
    return {int(k): v for k, v in json.loads((scene / f"{name}.json").read_text()).items()}


def test_every_picture_has_its_files(scene, stills):
    gt, info, camera = (read(scene, n) for n in ("scene_gt", "scene_gt_info", "scene_camera"))
    assert set(gt) == set(info) == set(camera) == set(range(len(stills.images)))
    for number, image in enumerate(stills.images):
        picture = cv2.imread(str(scene / "rgb" / f"{number:06d}.png"))
        assert picture.shape[:2] == (image["height"], image["width"])
        assert camera[number]["cam_K"] == image["cam_K"]
        assert len(gt[number]) == len(info[number]) == len(stills.objects(image))


def test_masks_and_boxes(scene, stills):
    from pycocotools import mask as rle

    info = read(scene, "scene_gt_info")
    for number, image in enumerate(stills.images):
        masks = stills.masks(image)
        for i, (facts, true) in enumerate(zip(info[number], stills.objects(image), strict=True)):
            visible = cv2.imread(str(scene / f"mask_visib/{number:06d}_{i:06d}.png"), -1)
            whole = cv2.imread(str(scene / f"mask/{number:06d}_{i:06d}.png"), -1)
            assert set(np.unique(visible)) <= {0, 255}
            assert np.array_equal(visible > 0, masks[i])
            assert np.array_equal(whole > 0, rle.decode(true["amodal_segmentation"]) > 0)
            rows, columns = np.nonzero(visible)
            # As bop_toolkit's calc_2d_bbox: from first to last pixel.
            x, y = columns.min(), rows.min()
            assert facts["bbox_visib"] == [x, y, columns.max() - x, rows.max() - y]
            assert facts["px_count_visib"] == len(rows)
            assert facts["visib_fract"] == pytest.approx(
                facts["px_count_visib"] / facts["px_count_all"]
            )
            assert facts["px_count_valid"] <= facts["px_count_all"]


def test_depth_is_in_units_of_depth_scale_mm(exports, scene, stills):
    camera = read(scene, "scene_camera")
    for number, image in enumerate(stills.images):
        counts = cv2.imread(str(scene / "depth" / f"{number:06d}.png"), -1)
        assert counts.dtype == np.uint16
        name = image["file_name"].replace(".png", ".depth.npy")
        depth_m = np.load(exports / "dataset" / "passes" / name)
        nothing = depth_m >= 1e10
        assert (counts[nothing] == 0).all()
        depth_mm = counts * camera[number]["depth_scale"]
        assert np.allclose(depth_mm[~nothing], 1000 * depth_m[~nothing], atol=0.051)


def test_models_project_onto_the_silhouettes(exports, scene, stills):
    """P = K [R | t] on vertices in mm gives the amodal box of a square that faces the camera."""
    gt, info, camera = (read(scene, n) for n in ("scene_gt", "scene_gt_info", "scene_camera"))
    facts = json.loads((exports / "bop" / "models" / "models_info.json").read_text())
    meshes = {}
    for obj_id, values in facts.items():
        mesh = trimesh.load(exports / "bop" / "models" / f"obj_{int(obj_id):06d}.ply")
        meshes[int(obj_id)] = mesh.vertices
        low, high = mesh.bounds
        assert np.allclose(low, [values[f"min_{axis}"] for axis in "xyz"])
        assert np.allclose(high - low, [values[f"size_{axis}"] for axis in "xyz"])
        distances = np.linalg.norm(mesh.vertices[:, None] - mesh.vertices[None], axis=2)
        assert values["diameter"] == pytest.approx(distances.max(), rel=1e-6)
    for number in range(len(stills.images)):
        K = np.reshape(camera[number]["cam_K"], (3, 3))
        for pose, box in zip(gt[number], info[number], strict=True):
            R, t = np.reshape(pose["cam_R_m2c"], (3, 3)), np.array(pose["cam_t_m2c"])
            centre = K @ t
            x, y, w, h = box["bbox_obj"]
            assert np.allclose(centre[:2] / centre[2], [x + w / 2, y + h / 2], atol=0.51)
            assert np.allclose(R @ R.T, np.eye(3))
            assert np.isfinite(meshes[pose["obj_id"]]).all()

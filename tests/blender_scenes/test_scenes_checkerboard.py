"""Checkerboards: their geometry, their sizes from a spec, and OpenCV's word on real renders."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blender_scenes.checkerboard.family import CheckerboardFamily
from blender_scenes.checkerboard.scene import Bend, Board, CheckerboardScene
from blender_scenes.checkerboard.target import (
    Net,
    corner_layout,
    corners_m,
    margin_net,
    plate_net,
    print_net,
)
from blender_scenes.generate import resolve_spec
from blender_scenes.lens import overscan, through_lens
from pipeline.errors import SpecError
from pipeline.geometry.camera import cam_from_world, matrix4, opencv_intrinsics, project
from pipeline.sampling.factors import FactorDraws, bind_factors
from pipeline.sampling.seeds import FrameSeeds
from pipeline.specs.document import load_spec
from pipeline.specs.scene import FactorValue, ImageSpec, Randomisation, SceneSpec

FAMILY = CheckerboardFamily()
FACTOR_NAMES = [factor.name for factor in FAMILY.factors]
SPEC = Path(__file__).parents[2] / "examples" / "checkerboard.yaml"


def sample(
    frame: int = 0,
    *,
    seed: int = 5,
    image: ImageSpec = FAMILY.image,
    randomisation: Randomisation = "structured",
    **factors: FactorValue,
) -> CheckerboardScene:
    bound = bind_factors(
        FAMILY.factors, factors, source=Path("spec.yaml"), randomisation=randomisation
    )
    draws = FactorDraws(bound, FrameSeeds(seed=seed, frame=frame))
    scene = through_lens(FAMILY.sample(draws, image=image), draws)
    assert isinstance(scene, CheckerboardScene)
    return scene


def a_board(**changes: object) -> Board:
    board = Board(
        instance_id=1, category="chessboard", world_from_obj=matrix4(np.eye(4)),
        columns=10, rows=7, square_m=0.03, margin=0.5, plate=0.5,
        bend=Bend(amount_m=0.003, direction_rad=0.4, twist=0.3),
        white=0.8, black=0.02, stain=0.0, sheen=1.0, plate_colour=(0.2, 0.2, 0.2), seed=3,
    )  # fmt: skip
    return board.model_copy(update=changes)


def normals(net: Net) -> np.ndarray:
    a, b, c, d = (net.vertices_m[net.quads[:, k]] for k in range(4))
    return np.cross(c - a, d - b)


@pytest.mark.parametrize(("columns", "rows"), [(10, 7), (4, 3), (7, 10), (12, 5)])
@pytest.mark.parametrize("margin", [-0.45, -1 / 3, 0.0, 0.7])
def test_corners_are_vertices_where_four_colours_meet(
    columns: int, rows: int, margin: float
) -> None:
    board = a_board(columns=columns, rows=rows, margin=margin)
    net = print_net(board)
    points = np.array(corners_m(board))
    assert len(points) == (columns - 1) * (rows - 1) == len(corner_layout(columns, rows).names)
    for number, point in enumerate(points):
        here = np.flatnonzero((net.vertices_m == point).all(axis=1))
        assert len(here) == 1
        faces, corners = np.nonzero(net.quads == here[0])
        middles = net.vertices_m[net.quads[faces]].mean(axis=1)[:, :2] - point[:2]
        paint = net.paint[faces, corners]
        row, column = divmod(number, columns - 1)
        for (x, y), shade in zip(middles, paint, strict=True):
            # The square right below the first corner is black, as in the real photographs.
            black = (x > 0) == (y > 0) if (row + column) % 2 == 0 else (x > 0) != (y > 0)
            assert shade == (0.02 if black else 0.8)
        assert len(faces) == 4


@given(
    amount_m=st.floats(-0.005, 0.005),
    direction_rad=st.floats(-math.pi, math.pi),
    twist=st.floats(-0.5, 0.5),
    margin=st.floats(-0.45, 2),
    plate=st.sampled_from([0.0, 0.25, 0.9]),
)
@settings(max_examples=25)
def test_a_bent_board_stays_flat_within_millimetres_and_faces_the_viewer(
    amount_m: float, direction_rad: float, twist: float, margin: float, plate: float
) -> None:
    bend = Bend(amount_m=amount_m, direction_rad=direction_rad, twist=twist)
    board = a_board(bend=bend, margin=margin, plate=plate)
    points = np.array(corners_m(board)).reshape(6, 9, 3)
    assert np.allclose(points[..., 0], 0.03 * np.arange(9))
    assert np.allclose(points[..., 1], 0.03 * np.arange(6)[:, None])
    assert np.abs(points[..., 2]).max() <= 2 * abs(amount_m) + 1e-12
    assert (normals(print_net(board))[:, 2] < 0).all()
    if margin > 1e-6:
        paper = margin_net(board)
        assert paper is not None
        assert (normals(paper)[:, 2] < 0).all()
    # The plate is behind the print wherever both are.
    count = len(plate_net(board).vertices_m) // 8
    front = plate_net(board).vertices_m[: 4 * count]
    beyond = a_board(bend=Bend(amount_m=0, direction_rad=0, twist=0), plate=plate, margin=margin)
    assert (front[:, 2] - plate_net(beyond).vertices_m[: 4 * count, 2] >= -10 * abs(amount_m)).all()
    assert not np.isnan(front).any()


def test_the_layout_is_that_of_the_real_set_and_turning_the_board_swaps_colours() -> None:
    layout = FAMILY.keypoints["chessboard"]
    assert layout.names == tuple(f"c{k}" for k in range(54))
    assert len(layout.skeleton) == 8 * 6 + 9 * 5
    squares = np.add.outer(np.arange(7), np.arange(10)) % 2
    assert (squares != squares[::-1, ::-1]).all()


def test_a_spec_decides_the_size_and_a_size_without_an_order_is_refused() -> None:
    def spec(shape: FactorValue) -> SceneSpec:
        return SceneSpec(scene="checkerboard", frames=1, factors={"shape": shape})

    path = Path("spec.yaml")
    larger = FAMILY.of(spec({"columns": 12, "rows": 9}), source=path).keypoints
    assert len(larger["chessboard"].names) == 88
    assert len(sample(shape={"columns": 12, "rows": 9}).instances[0].keypoints_m) == 88
    for setting in ("off", "wild", 2.0, {"vary": 0.3}):
        assert FAMILY.of(spec(setting), source=path).keypoints == FAMILY.keypoints  # type: ignore[arg-type]
    with pytest.raises(SpecError, match=r"spec.yaml: key 'factors.shape': 8 x 6 .* odd"):
        resolve_spec(spec({"columns": 8, "rows": 6}), source=path)
    with pytest.raises(SpecError, match=r"shape.columns': got .*one whole number"):
        resolve_spec(spec({"columns": [8, 12]}), source=path)


def test_same_seeds_same_scene_and_back_from_json() -> None:
    first = sample(frame=3)
    assert first == sample(frame=3)
    assert CheckerboardScene.model_validate_json(first.model_dump_json()) == first
    assert first.instances != sample(frame=4).instances


@pytest.mark.parametrize("randomisation", ["fixed", "domain", "structured"])
def test_the_board_is_in_the_picture_faces_the_camera_and_no_lens_folds(
    randomisation: Randomisation,
) -> None:
    for frame in range(25):
        scene = sample(frame, randomisation=randomisation)
        (board,) = scene.instances
        pose = np.array(board.world_from_obj)
        points = np.array(board.keypoints_m) @ pose[:3, :3].T + pose[:3, 3]
        pixels = project(scene.camera, points)
        assert ((pixels > 0) & (pixels < [640, 480])).all()
        cam_from_board = cam_from_world(scene.camera) @ pose
        assert np.linalg.det(cam_from_board[:3, :3]) == pytest.approx(1)
        assert (cam_from_board @ [0, 0, 0, 1])[2] > 0
        middle = cam_from_board @ [0.5 * board.square_m, 0.5 * board.square_m, 0, 1]
        assert cam_from_board[:3, 2] @ middle[:3] > 0  # z away from the viewer
        view = overscan(scene.camera)
        assert view.camera.width_px * view.camera.height_px <= 1.03 * 640 * 480
        # Of the four pixels that the cubic filter takes along each side none is missing.
        size_px = [view.camera.width_px, view.camera.height_px]
        assert (np.floor(view.map_xy) >= 1).all()
        assert (np.floor(view.map_xy) + 2 < size_px).all()


@pytest.mark.parametrize("factor", FACTOR_NAMES)
@pytest.mark.parametrize("mode", ["off", "frozen"])
def test_a_factor_moves_nothing_but_its_own(factor: str, mode: str) -> None:
    before, after = sample(frame=9), sample(frame=9, **{factor: mode})
    assert {n: v for n, v in before.factors.items() if n != factor} == {
        n: v for n, v in after.factors.items() if n != factor
    }
    (one,), (other,) = before.instances, after.instances
    if factor not in ("shape", "pose", "placement", "camera"):
        assert one.world_from_obj == other.world_from_obj
        assert one.keypoints_m == other.keypoints_m
        assert before.grips == after.grips or factor in ("occlusion", "distractors")
    if factor not in ("pose", "placement", "camera", "shape"):
        assert before.camera == after.camera
    if factor != "material":
        looks = ("white", "black", "stain", "sheen", "plate_colour", "seed")
        assert all(getattr(one, name) == getattr(other, name) for name in looks)
    if factor != "lighting":
        assert before.light == after.light
    if factor not in ("distractors", "background", "camera", "placement", "pose", "shape"):
        assert before.furnishings == after.furnishings
        assert before.things == after.things
        assert before.person == after.person
    if factor not in ("sensor", "lighting", "pose", "camera", "placement"):
        assert before.sensor == after.sensor
    if mode == "off" and factor == "distractors":
        assert (after.person, after.furnishings, after.things) == (None, (), ())
    if mode == "off" and factor == "occlusion":
        assert after.grips == ()


def test_the_example_fits_the_family() -> None:
    spec = resolve_spec(load_spec(SPEC, SceneSpec), source=SPEC)
    assert spec.scene == FAMILY.name


# One camera, as for a calibration: sharp and clean, the board alone, at many poses.
CLEAN: dict[str, FactorValue] = {
    "shape": {"bend_m": 0, "margin": 0.5, "plate": 0.5},
    "pose": {"tilt_rad": [0.2, 0.55]},
    "placement": {"fill": [0.75, 0.9]},
    "material": "off", "lighting": "off", "sensor": "off", "occlusion": "off",
    "distractors": "off", "motion": "off", "background": {"room": False},
}  # fmt: skip
LENSES: dict[str, dict[str, float]] = {
    "pinhole": {"k1": 0, "k2": 0, "p1": 0, "p2": 0},
    "barrel": {"k1": -0.3, "k2": 0.12, "p1": 0, "p2": 0},
}
FRAMES = {"pinhole": 2, "barrel": 10}
CHILD = """
import sys
from pathlib import Path
import numpy as np
from blender_scenes.checkerboard.build import build
from blender_scenes.checkerboard.scene import CheckerboardScene
from blender_scenes.engine import Engine, clear_scene
from blender_scenes.sensor import expose
from pipeline.specs.scene import RenderSpec

engine = Engine(RenderSpec(samples=10, device="cpu"), max_bounces=(1, 1, 1), denoise=False)
for path in sorted(Path(sys.argv[1]).glob("*.json")):
    scene = CheckerboardScene.model_validate_json(path.read_text())
    clear_scene()
    build(scene, {})
    passes = engine.render(scene, noise_seed=0)
    np.savez(path.with_suffix(".npz"), picture=expose(passes.light, scene.sensor), ids=passes.ids)
"""


@pytest.mark.blender
def test_opencv_finds_the_labelled_corners_and_calibrates_the_camera(tmp_path: Path) -> None:
    camera = {"hfov_rad": 1.0, "centre_x": 0.02, "centre_y": -0.02}
    scenes = {
        f"{lens}-{frame:02d}": sample(
            frame,
            image=ImageSpec(width=320, height=240),
            **CLEAN | {"camera": {**camera, **dist}},
        )
        for lens, dist in LENSES.items()
        for frame in range(FRAMES[lens])
    }
    for name, scene in scenes.items():
        (tmp_path / f"{name}.json").write_text(scene.model_dump_json())
    # Judged by its files: bpy may crash at exit.
    subprocess.run(
        [sys.executable, "-c", CHILD, str(tmp_path)], check=False, stdout=subprocess.PIPE
    )
    offsets, boards, seen = [], [], []
    for name, scene in scenes.items():
        with np.load(tmp_path / f"{name}.npz") as stored:
            picture, ids = stored["picture"], stored["ids"]
        assert set(np.unique(ids)) == {0, 1}
        (board,) = scene.instances
        pose = np.array(board.world_from_obj)
        own = np.array(board.keypoints_m)
        labels = project(scene.camera, own @ pose[:3, :3].T + pose[:3, 3]) - 0.5
        found, corners = cv2.findChessboardCornersSB(
            picture, (9, 6), flags=cv2.CALIB_CB_EXHAUSTIVE | cv2.CALIB_CB_ACCURACY
        )
        assert found, name
        corners = corners.reshape(-1, 2)[::-1]  # OpenCV starts at the other end
        offsets.append(corners - labels)
        K = np.array(opencv_intrinsics(scene.camera)).reshape(3, 3)
        _, rvec, tvec = cv2.solvePnP(own, labels, K, np.array(scene.camera.dist))
        cam_from_board = cam_from_world(scene.camera) @ pose
        assert np.abs(cv2.Rodrigues(rvec)[0] - cam_from_board[:3, :3]).max() < 1e-6
        assert np.abs(tvec.ravel() - cam_from_board[:3, 3]).max() < 1e-7
        if name.startswith("barrel"):
            boards.append(own.astype(np.float32))
            seen.append(corners.astype(np.float32))
    errors_px = np.linalg.norm(np.concatenate(offsets), axis=1)
    assert np.median(errors_px) < 0.1
    assert np.quantile(errors_px, 0.95) < 0.3
    assert errors_px.max() < 0.6
    assert np.abs(np.concatenate(offsets).mean(axis=0)).max() < 0.03
    flags = cv2.CALIB_ZERO_TANGENT_DIST | cv2.CALIB_FIX_K3
    _, K, dist, _, _ = cv2.calibrateCamera(boards, seen, (320, 240), None, None, flags=flags)
    truth = np.array(opencv_intrinsics(scenes["barrel-00"].camera)).reshape(3, 3)
    assert np.abs(np.diag(K)[:2] / np.diag(truth)[:2] - 1).max() < 0.002
    assert dist.ravel()[0] == pytest.approx(-0.3, abs=0.01)
    # A dozen small pictures determine the principal point least.
    assert np.abs(K[:2, 2] - truth[:2, 2]).max() < 1.5

"""Poses from keypoints: Perspective-n-Point."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from pipeline.formats.conventions import opencv_from_intrinsics
from pipeline.geometry.boxes import FloatArray
from pipeline.geometry.camera import Distortion, Matrix3
from pipeline.geometry.masks import BoolArray

__all__ = ["PnpPose", "solve_pnp"]

IntArray = npt.NDArray[np.intp]
_Pair = tuple[FloatArray, FloatArray]

_MIN_POINTS = 4
_ITERATIONS = 500
_CERTAINTY = 0.999
_FLAT = 1e-6  # smallest over largest spread of points in a plane
_SAME = 1e-6  # of the diameter, between two places of a point


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PnpPose:
    """A pose and what speaks for it.

    Attributes:
        cam_from_obj: (4, 4), in the points' unit.
        inliers: (K,) bool: keypoints that agree with it.
        error_px: Root mean square of their distances.
    """

    cam_from_obj: FloatArray
    inliers: BoolArray
    error_px: float


def solve_pnp(
    points: FloatArray,
    pixels: FloatArray,
    K: Matrix3,
    dist: Distortion | None = None,
    *,
    symmetries: FloatArray | None = None,
    tolerance_px: float = 2.0,
) -> PnpPose | None:
    """The pose in which an object's points are seen at given pixels.

    P3P on random fours finds which keypoints agree (RANSAC); SQPnP (Terzakis & Lourakis, ECCV
    2020), of flat objects also both solutions of IPPE (Collins & Bartoli, IJCV 2014), start from
    these, Levenberg-Marquardt refines, and the least error wins. A point of a symmetric object may
    be seen where any of its equivalents is, so that keypoints need not agree on one of the equal
    poses: the pose of most is found.

    Args:
        points: (K, 3) in the object's frame, any unit.
        pixels: (K, 2) x, y px, pixel (0, 0) centred at (0.5, 0.5).
        K: Intrinsics, px.
        dist: Brown-Conrady k1, k2, p1, p2, k3.
        symmetries: (S, 4, 4) in the points' unit, the identity first.
        tolerance_px: Distance up to which a keypoint agrees.

    Returns:
        None where fewer than four keypoints agree on a pose in front of the camera.
    """
    lens = _floats(opencv_from_intrinsics(K)).reshape(3, 3), _floats(dist or (0.0,) * 5)
    places, index = _equivalents(np.asarray(points, np.float64), symmetries)
    seen = np.ascontiguousarray(np.asarray(pixels, np.float64)[index] - 0.5)
    if len(points) < _MIN_POINTS:
        return None
    found, rvec, tvec, agreeing = cv2.solvePnPRansac(
        places,
        seen,
        *lens,
        iterationsCount=_ITERATIONS * (1 if symmetries is None else len(symmetries) ** 2),
        reprojectionError=tolerance_px,
        confidence=_CERTAINTY,
        flags=cv2.SOLVEPNP_AP3P,
    )
    if not found or agreeing is None or len(set(index[agreeing[:, 0]])) < _MIN_POINTS:
        return None
    pose = _best(
        places[agreeing[:, 0]], seen[agreeing[:, 0]], lens, start=(_floats(rvec), _floats(tvec))
    )
    # Four points alone say less than all that agree with them: some only now do.
    close = _errors_px(places, seen, lens, pose) <= tolerance_px
    if len(set(index[close])) < _MIN_POINTS:
        return None
    pose = _refined(places[close], seen[close], lens, pose)
    nearest = np.full(len(points), np.inf)
    np.minimum.at(nearest, index, _errors_px(places, seen, lens, pose))
    inliers = nearest <= tolerance_px
    cam_from_obj = np.eye(4)
    cam_from_obj[:3, :3], cam_from_obj[:3, 3] = cv2.Rodrigues(pose[0])[0], pose[1].ravel()
    depths = places[close] @ cam_from_obj[2, :3] + cam_from_obj[2, 3]
    if not np.isfinite(cam_from_obj).all() or (depths <= 0).any() or inliers.sum() < _MIN_POINTS:
        return None
    return PnpPose(
        cam_from_obj=cam_from_obj,
        inliers=inliers,
        error_px=float(np.sqrt(np.square(nearest[inliers]).mean())),
    )


def _best(places: FloatArray, seen: FloatArray, lens: _Pair, *, start: _Pair) -> _Pair:
    """The refined start with the least error; of flat objects a wrong one may look nearly right."""
    refined = [_refined(places, seen, lens, each) for each in (start, *_starts(places, seen, lens))]
    errors = [np.square(_errors_px(places, seen, lens, pose)).mean() for pose in refined]
    return refined[int(np.argmin(errors))]


def _equivalents(points: FloatArray, symmetries: FloatArray | None) -> tuple[FloatArray, IntArray]:
    """(M, 3) places where points may be, each once, and (M,) which point each is of."""
    if symmetries is None or len(symmetries) == 1:
        return points, np.arange(len(points), dtype=np.intp)
    turned = np.einsum("sij,kj->ksi", symmetries[:, :3, :3], points) + symmetries[:, :3, 3]
    scale = np.linalg.norm(np.ptp(points, axis=0)) * _SAME
    places: list[FloatArray] = []
    index: list[int] = []
    for number, group in enumerate(turned):
        _, first = np.unique(np.rint(group / scale), axis=0, return_index=True)
        places += [group[i] for i in sorted(first)]
        index += [number] * len(first)
    return np.array(places), np.array(index, dtype=np.intp)


def _starts(places: FloatArray, seen: FloatArray, lens: _Pair) -> list[_Pair]:
    spread = np.linalg.svd(places - places.mean(axis=0), compute_uv=False)
    methods = [cv2.SOLVEPNP_SQPNP]
    if spread[-1] <= _FLAT * spread[0]:
        methods.append(cv2.SOLVEPNP_IPPE)
    starts: list[_Pair] = []
    for method in methods:
        try:
            _, rvecs, tvecs, _ = cv2.solvePnPGeneric(places, seen, *lens, flags=method)
        except cv2.error:  # pixels that lie all but in one place
            continue
        starts += [(_floats(r), _floats(t)) for r, t in zip(rvecs, tvecs, strict=True)]
    return starts


def _refined(places: FloatArray, seen: FloatArray, lens: _Pair, pose: _Pair) -> _Pair:
    # OpenCV writes into the pose that it is given.
    rvec, tvec = cv2.solvePnPRefineLM(places, seen, *lens, pose[0].copy(), pose[1].copy())
    return _floats(rvec), _floats(tvec)


def _errors_px(places: FloatArray, seen: FloatArray, lens: _Pair, pose: _Pair) -> FloatArray:
    projected = cv2.projectPoints(places, *pose, *lens)[0][:, 0]
    return np.asarray(np.linalg.norm(_floats(projected) - seen, axis=1))


def _floats(values: npt.ArrayLike) -> FloatArray:
    return np.asarray(values, dtype=np.float64)

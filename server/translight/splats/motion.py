"""Turning, scaling, moving and joining clouds, spherical harmonics included; ``axes.py`` does flips of axes."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64

from translight.core.frames import RDF_FROM_RUB
from translight.core.pose import Pose, Similarity, quaternions_turned
from translight.splats import raw
from translight.splats.axes import RUB_TO_RDF, mean_signs, sh_signs, wxyz_signs
from translight.splats.cloud import SplatCloud
from translight.splats.sh import basis

_DIRECTIONS = 64
"""Where the harmonics are compared: any number from 2l + 1 up determines the rotation of degree l exactly."""
_GOLDEN_RAD = np.pi * (3.0 - np.sqrt(5.0))
_TOLERANCE = 1e-3


def moved(cloud: SplatCloud, new_from_scene: Similarity) -> SplatCloud:
    """The same splats in other scene coordinates: seen from where the eye has moved along, the picture is the same.

    Means are turned, scaled and moved, sizes scaled, quaternions turned, and the harmonics turned with them.
    """
    pose, scale = new_from_scene.pose, new_from_scene.scale
    sh = cloud.sh
    if cloud.sh_degree:
        turn = sh_rotation(pose.rotation(), cloud.sh_degree)
        sh = np.einsum("ij,njc->nic", turn, sh.astype(np.float64))
    return SplatCloud(
        means=_as_f32(new_from_scene.apply(cloud.means)),
        scales=_as_f32(cloud.scales.astype(np.float64) * scale),
        wxyz=_as_f32(quaternions_turned(pose.wxyz, cloud.wxyz)),
        opacities=cloud.opacities,
        sh=_as_f32(sh),
    )


def moved_in_rub(cloud: SplatCloud, new_from_old: Similarity) -> SplatCloud:
    """``moved`` for a transform of RUB coordinates (glTF's and USD's), though the cloud itself is in RDF.

    Identity gives the cloud itself.
    """
    if np.array_equal(new_from_old.matrix(), np.eye(4)):
        return cloud
    turn = Similarity(1.0, RDF_FROM_RUB)
    return moved(cloud, turn @ new_from_old @ turn.inverse())


def rdf_and_rub(cloud: SplatCloud) -> SplatCloud:
    """The same splats' arrays with y and z flipped: from RDF to RUB and back, bit for bit."""
    return SplatCloud(
        means=cloud.means * mean_signs(RUB_TO_RDF),
        scales=cloud.scales,
        wxyz=cloud.wxyz * wxyz_signs(RUB_TO_RDF),
        opacities=cloud.opacities,
        sh=np.concatenate([cloud.sh[:, :1], cloud.sh[:, 1:] * sh_signs(RUB_TO_RDF, raw.REST[cloud.sh_degree])], axis=1),
    )


def similarity_of(matrix: Float64[np.ndarray, "4 4"]) -> Similarity | None:
    """A matrix for column vectors as a turn, one scale and a shift; None where it shears, mirrors or is not finite."""
    linear = matrix[:3, :3]
    with np.errstate(all="ignore"):
        scale = float(np.cbrt(np.linalg.det(linear))) if np.isfinite(matrix).all() else np.nan
        even = scale > 1e-12 and np.abs(linear.T @ linear / scale**2 - np.eye(3)).max() < _TOLERANCE
    if not (even and np.array_equal(matrix[3], [0, 0, 0, 1])):
        return None
    if np.array_equal(linear, np.eye(3)):
        return Similarity(1.0, Pose(np.array([1.0, 0.0, 0.0, 0.0]), matrix[:3, 3].copy()))
    return Similarity(scale, Pose(Pose.from_matrix(linear / scale).wxyz, matrix[:3, 3].copy()))


def sh_rotation(rotation: Float64[np.ndarray, "3 3"], degree: int) -> Float64[np.ndarray, "k k"]:
    """The matrix M of coefficients, k = (degree + 1)², for which (M·sh)·Y(R·d) = sh·Y(d) in every direction d.

    A rotation maps the harmonics of each degree onto themselves (Sloan, "Stupid Spherical Harmonics Tricks", 2008,
    "Rotational invariance"), so a degree's block is found, to rounding, from their values in more directions than it
    has functions. Raises ValueError on a degree outside 0 to 3.
    """
    directions = _sphere_points(_DIRECTIONS)
    before, after = basis(directions, degree), basis(directions @ rotation.T, degree)
    matrix = np.zeros((before.shape[1], before.shape[1]))
    for band in range(degree + 1):
        block = slice(band * band, (band + 1) ** 2)
        matrix[block, block] = np.linalg.lstsq(after[:, block], before[:, block], rcond=None)[0]
    return matrix


def joined(clouds: list[SplatCloud]) -> SplatCloud:
    """All splats of several clouds in one, at the highest SH degree among them. Raises ValueError on no cloud."""
    k = max(cloud.sh.shape[1] for cloud in clouds)
    sh = [np.pad(cloud.sh, ((0, 0), (0, k - cloud.sh.shape[1]), (0, 0))) for cloud in clouds]
    return SplatCloud(
        means=np.concatenate([cloud.means for cloud in clouds]),
        scales=np.concatenate([cloud.scales for cloud in clouds]),
        wxyz=np.concatenate([cloud.wxyz for cloud in clouds]),
        opacities=np.concatenate([cloud.opacities for cloud in clouds]),
        sh=np.concatenate(sh),
    )


def _sphere_points(count: int) -> Float64[np.ndarray, "n 3"]:
    """Directions spread evenly over the sphere along a golden spiral."""
    z = 1.0 - (2.0 * np.arange(count) + 1.0) / count
    level, angle = np.sqrt(1.0 - z * z), np.arange(count) * _GOLDEN_RAD
    return np.stack([level * np.cos(angle), level * np.sin(angle), z], axis=-1)


def _as_f32(values: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(values, dtype=np.float32)

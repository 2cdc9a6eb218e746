"""Rigid transforms SE(3) as unit quaternion and translation; conventions in docs/architecture.md."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from jaxtyping import Float, Float64
from numpy.typing import ArrayLike

from translight.core.rotations import matrix_entries

_SMALL_ANGLE = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class Pose:
    """``a_from_b``: x_a = R(wxyz) · x_b + position_m. Composition reads left to right: ``a_from_b @ b_from_c``.

    ``wxyz`` is a unit quaternion (4,), scalar first; ``position_m`` (3,) is the origin of b in a, in metres.
    Both are float64. Build with the class methods, which normalise; the constructor trusts its caller.
    """

    wxyz: Float64[np.ndarray, "4"]
    position_m: Float64[np.ndarray, "3"]

    @classmethod
    def identity(cls) -> Self:
        """The transform that changes nothing."""
        return cls(np.array([1.0, 0.0, 0.0, 0.0]), np.zeros(3))

    @classmethod
    def from_wxyz(cls, wxyz: ArrayLike, position_m: ArrayLike = (0.0, 0.0, 0.0)) -> Self:
        """From any non-zero quaternion (4,), normalised here. Raises ValueError on zero or non-finite input."""
        q = np.array(wxyz, dtype=np.float64)
        p = np.array(position_m, dtype=np.float64)
        norm = float(np.linalg.norm(q))
        if q.shape != (4,) or p.shape != (3,) or not np.isfinite(norm) or norm < 1e-12 or not np.isfinite(p).all():
            raise ValueError(f"a pose wants a finite non-zero quaternion and position, got {wxyz!r} and {position_m!r}")
        return cls(q / norm, p)

    @classmethod
    def from_matrix(cls, matrix: ArrayLike) -> Self:
        """From a rotation matrix (3, 3) or a homogeneous transform (3, 4) or (4, 4); the rotation must be proper."""
        m = np.asarray(matrix, dtype=np.float64)
        if m.shape not in ((3, 3), (3, 4), (4, 4)):
            raise ValueError(f"a pose matrix is 3x3, 3x4 or 4x4, got {m.shape}")
        R = m[:3, :3]
        if not np.allclose(R @ R.T, np.eye(3), atol=1e-5) or np.linalg.det(R) < 0:
            raise ValueError("a pose matrix needs a proper rotation (orthonormal, determinant +1)")
        position = m[:3, 3].copy() if m.shape != (3, 3) else np.zeros(3)
        return cls.from_wxyz(_wxyz_from_rotation(R), position)

    @classmethod
    def exp(cls, twist: ArrayLike) -> Self:
        """The exponential of a twist (6,): translation part first (metres), then the rotation vector (radians).

        Sola, "A micro Lie theory for state estimation in robotics" (2018), eq. 172.
        """
        xi = np.asarray(twist, dtype=np.float64)
        rho, phi = xi[:3], xi[3:]
        return cls(_wxyz_exp(phi), _left_jacobian(phi) @ rho)

    def log(self) -> Float64[np.ndarray, "6"]:
        """The twist (translation part, rotation vector) whose ``exp`` is this pose; rotation angle within [0, π]."""
        phi = rotation_vector(self.wxyz)
        return np.concatenate([np.linalg.solve(_left_jacobian(phi), self.position_m), phi])

    def rotation(self) -> Float64[np.ndarray, "3 3"]:
        """The rotation as a matrix."""
        return np.array(matrix_entries(*self.wxyz.tolist())).reshape(3, 3)

    def matrix(self) -> Float64[np.ndarray, "4 4"]:
        """The homogeneous transform."""
        m = np.eye(4)
        m[:3, :3] = self.rotation()
        m[:3, 3] = self.position_m
        return m

    def __matmul__(self, other: Pose) -> Pose:
        """``a_from_b @ b_from_c`` is ``a_from_c``."""
        q = quaternion_multiply(self.wxyz, other.wxyz)
        return Pose(q / np.linalg.norm(q), self.rotation() @ other.position_m + self.position_m)

    def inverse(self) -> Pose:
        """``b_from_a`` of this ``a_from_b``."""
        conjugate = self.wxyz * np.array([1.0, -1.0, -1.0, -1.0])
        return Pose(conjugate, -(self.rotation().T @ self.position_m))

    def apply(self, points: ArrayLike) -> Float64[np.ndarray, "*n 3"]:
        """Points (…, 3) in b, seen in a."""
        return np.asarray(points, dtype=np.float64) @ self.rotation().T + self.position_m

    def interpolate(self, other: Pose, fraction: float) -> Pose:
        """Straight line in position and the shorter great arc in rotation, from self (0) to other (1)."""
        step = rotation_vector(quaternion_multiply(other.wxyz, self.wxyz * np.array([1.0, -1.0, -1.0, -1.0])))
        q = quaternion_multiply(_wxyz_exp(step * fraction), self.wxyz)
        position = self.position_m + (other.position_m - self.position_m) * fraction
        return Pose(q / np.linalg.norm(q), position)


@dataclass(frozen=True, slots=True, eq=False)
class Similarity:
    """``a_from_b`` with a uniform scale: x_a = scale · R · x_b + t, where R and t are ``pose``'s.

    Places an environment, whose own unit is arbitrary, on the stage in metres.
    """

    scale: float
    pose: Pose

    @classmethod
    def identity(cls) -> Self:
        """The transform that changes nothing."""
        return cls(1.0, Pose.identity())

    def matrix(self) -> Float64[np.ndarray, "4 4"]:
        """The homogeneous transform."""
        m = self.pose.matrix()
        m[:3, :3] *= self.scale
        return m

    def apply(self, points: ArrayLike) -> Float64[np.ndarray, "*n 3"]:
        """Points (…, 3) in b, seen in a."""
        return self.pose.apply(np.asarray(points, dtype=np.float64) * self.scale)

    def __matmul__(self, other: Similarity) -> Similarity:
        """``a_from_b @ b_from_c`` is ``a_from_c``."""
        moved = Pose(other.pose.wxyz, other.pose.position_m * self.scale)
        return Similarity(self.scale * other.scale, self.pose @ moved)

    def inverse(self) -> Similarity:
        """``b_from_a`` of this ``a_from_b``."""
        undone = self.pose.inverse()
        return Similarity(1.0 / self.scale, Pose(undone.wxyz, undone.position_m / self.scale))


def quaternion_multiply(a: ArrayLike, b: ArrayLike) -> Float64[np.ndarray, "4"]:
    """Hamilton product of two quaternions (4,), wxyz."""
    aw, ax, ay, az = np.asarray(a, dtype=np.float64)
    bw, bx, by, bz = np.asarray(b, dtype=np.float64)
    return np.array(
        [
            aw * bw - ax * bx - ay * by - az * bz,
            aw * bx + ax * bw + ay * bz - az * by,
            aw * by - ax * bz + ay * bw + az * bx,
            aw * bz + ax * by - ay * bx + az * bw,
        ]
    )


def quaternions_turned(a: ArrayLike, many: Float[np.ndarray, "n 4"]) -> Float64[np.ndarray, "n 4"]:
    """Hamilton products of one quaternion (4,) with each of many, it on the left; wxyz."""
    aw, ax, ay, az = np.asarray(a, dtype=np.float64)
    bw, bx, by, bz = np.asarray(many, dtype=np.float64).T
    return np.stack(
        [
            aw * bw - ax * bx - ay * by - az * bz,
            aw * bx + ax * bw + ay * bz - az * by,
            aw * by - ax * bz + ay * bw + az * bx,
            aw * bz + ax * by - ay * bx + az * bw,
        ],
        axis=1,
    )


def rotation_vector(wxyz: ArrayLike) -> Float64[np.ndarray, "3"]:
    """Axis times angle (radians, angle within [0, π]) of a unit quaternion (4,)."""
    q = np.asarray(wxyz, dtype=np.float64)
    if q[0] < 0:
        q = -q
    sine = float(np.linalg.norm(q[1:]))
    if sine < _SMALL_ANGLE:
        return q[1:] * (2.0 / q[0])
    return q[1:] * (2.0 * np.arctan2(sine, q[0]) / sine)


def angle_between(a: Pose, b: Pose) -> float:
    """Angle of the rotation that takes one pose's orientation to the other's, in radians."""
    conjugate = a.wxyz * np.array([1.0, -1.0, -1.0, -1.0])
    return float(np.linalg.norm(rotation_vector(quaternion_multiply(conjugate, b.wxyz))))


def _wxyz_exp(phi: Float64[np.ndarray, "3"]) -> Float64[np.ndarray, "4"]:
    half = 0.5 * float(np.linalg.norm(phi))
    ratio = 0.5 * (1.0 - half * half / 6.0) if half < _SMALL_ANGLE else 0.5 * np.sin(half) / half
    q = np.concatenate([[np.cos(half)], phi * ratio])
    return q / np.linalg.norm(q)


def _left_jacobian(phi: Float64[np.ndarray, "3"]) -> Float64[np.ndarray, "3 3"]:
    """Sola (2018), eq. 145, with its series where the angle is small."""
    theta2 = float(phi @ phi)
    theta = np.sqrt(theta2)
    if theta < 1e-3:
        a = 0.5 - theta2 / 24.0
        b = 1.0 / 6.0 - theta2 / 120.0
    else:
        a = (1.0 - np.cos(theta)) / theta2
        b = (theta - np.sin(theta)) / (theta2 * theta)
    x, y, z = phi
    K = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    return np.eye(3) + a * K + b * (K @ K)


def _wxyz_from_rotation(R: Float64[np.ndarray, "3 3"]) -> Float64[np.ndarray, "4"]:
    """Shepperd's method: divide by the largest of the four components."""
    squares = np.array([1 + R[0, 0] + R[1, 1] + R[2, 2], 1 + R[0, 0] - R[1, 1] - R[2, 2],
                        1 - R[0, 0] + R[1, 1] - R[2, 2], 1 - R[0, 0] - R[1, 1] + R[2, 2]])  # fmt: skip
    yx, zx, zy = R[2, 1] - R[1, 2], R[0, 2] - R[2, 0], R[1, 0] - R[0, 1]
    xy, xz, yz = R[0, 1] + R[1, 0], R[0, 2] + R[2, 0], R[1, 2] + R[2, 1]
    rows = ([squares[0], yx, zx, zy], [yx, squares[1], xy, xz], [zx, xy, squares[2], yz], [zy, xz, yz, squares[3]])
    q = np.array(rows[int(np.argmax(squares))])
    return q / np.linalg.norm(q)

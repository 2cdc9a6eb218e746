"""Rotation matrices of quaternions (wxyz), one or many at once, and back; ``pose.py`` has whole poses."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from jaxtyping import Float64

Number = TypeVar("Number", float, np.ndarray)


def matrix_entries(w: Number, x: Number, y: Number, z: Number) -> tuple[Number, ...]:
    """The nine numbers, row by row, of a unit quaternion's rotation matrix; of many, where these are arrays."""
    return (
        1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y),
        2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x),
        2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y),
    )  # fmt: skip


def rotations(wxyz: np.ndarray) -> Float64[np.ndarray, "n 3 3"]:
    """Rotation matrices of unit quaternions (n 4)."""
    return np.stack(matrix_entries(*np.asarray(wxyz, dtype=np.float64).T), axis=-1).reshape(-1, 3, 3)


def quaternions(R: Float64[np.ndarray, "n 3 3"]) -> Float64[np.ndarray, "n 4"]:
    """Unit quaternions (w ≥ 0) of rotation matrices by Shepperd's method: of four multiples, the longest."""
    xx, yy, zz = R[:, 0, 0], R[:, 1, 1], R[:, 2, 2]
    yx, zx, zy = R[:, 2, 1] - R[:, 1, 2], R[:, 0, 2] - R[:, 2, 0], R[:, 1, 0] - R[:, 0, 1]
    xy, xz, yz = R[:, 0, 1] + R[:, 1, 0], R[:, 0, 2] + R[:, 2, 0], R[:, 1, 2] + R[:, 2, 1]
    multiples = np.array(
        [
            [1 + xx + yy + zz, yx, zx, zy],
            [yx, 1 + xx - yy - zz, xy, xz],
            [zx, xy, 1 - xx + yy - zz, yz],
            [zy, xz, yz, 1 - xx - yy + zz],
        ]
    )
    largest = np.argmax([multiples[k, k] for k in range(4)], axis=0)
    wxyz = np.moveaxis(multiples, 2, 0)[np.arange(len(R)), largest]
    wxyz *= np.where(wxyz[:, :1] < 0, -1.0, 1.0)
    return wxyz / np.linalg.norm(wxyz, axis=1, keepdims=True)

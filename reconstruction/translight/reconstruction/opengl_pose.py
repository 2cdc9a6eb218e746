"""Poses of cameras with OpenGL's axes, as capture apps and ``transforms.json`` write them, in the scene's RDF."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float64

from translight.core.errors import FormatError
from translight.core.frames import RDF_FROM_RUB, STAGE_FROM_RDF
from translight.core.pose import Pose

SCENE_FROM_Z_UP = STAGE_FROM_RDF.inverse()
"""RDF from a world whose Z is up: it stands upright on the stage, its X to the right and its Y forward."""
SCENE_FROM_Y_UP = RDF_FROM_RUB
"""RDF from a world whose y is up and that is looked at along -z, as ARKit's."""

_LOOSE = 1e-2
"""How far a rotation's columns may be from length 1: files are written with few digits."""


def scene_from_opengl(rows: Sequence[Sequence[float]], where: str, scene_from_world: Pose) -> Pose:
    """``scene_from_camera`` of a matrix whose camera has OpenGL's axes;

    A rotation written with few digits becomes the nearest one. Raises FormatError that begins with ``where``.
    """
    m = matrix_rows(rows, where)
    u, lengths, v = np.linalg.svd(m[:, :3])
    if np.linalg.det(m[:, :3]) <= 0:
        raise FormatError(f"{where}: it mirrors, or is flat; a rotation is wanted")
    if np.abs(lengths - 1).max() > _LOOSE:
        raise FormatError(f"{where}: it scales by {lengths.max():.4g}; a rotation is wanted")
    return scene_from_world @ Pose.from_matrix(np.column_stack([u @ v, m[:, 3]])) @ RDF_FROM_RUB


def matrix_rows(rows: Sequence[Sequence[float]], where: str) -> Float64[np.ndarray, "3 4"]:
    """A (3, 4) or (4, 4) matrix' upper three rows."""
    if len(rows) not in (3, 4) or any(len(row) != 4 for row in rows):
        raise FormatError(f"{where}: a matrix of 4x4 or 3x4 is wanted, got rows of {[len(row) for row in rows][:5]}")
    m = np.array(rows, dtype=np.float64)
    if not np.isfinite(m).all() or (len(rows) == 4 and not np.array_equal(m[3], [0, 0, 0, 1])):
        raise FormatError(f"{where}: finite numbers are wanted, and 0 0 0 1 in the last row")
    return m[:3]

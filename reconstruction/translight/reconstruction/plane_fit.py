"""Planes through points: candidates from triples, and the least squares plane of what lies near one.

The two halves of RANSAC (Fischler and Bolles, "Random Sample Consensus", 1981) that its users, edit/floor.py and
structure_from_motion/planes.py, share; how a candidate is scored is theirs.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float64


def planes_through(
    triples: Float64[np.ndarray, "k 3 3"],
) -> tuple[Float64[np.ndarray, "j 3"], Float64[np.ndarray, "j"]]:
    """Unit normals and offsets (normal · x = offset) of planes through three points each; points in a line give none.

    A normal's sign means nothing.
    """
    normals = np.cross(triples[:, 1] - triples[:, 0], triples[:, 2] - triples[:, 0])
    lengths = np.linalg.norm(normals, axis=1)
    usable = lengths > 0
    normals = normals[usable] / lengths[usable, None]
    return normals, (normals * triples[usable, 0]).sum(axis=1)


def refined_plane(
    points: Float64[np.ndarray, "n 3"],
    normal: Float64[np.ndarray, "3"],
    offset: float,
    tolerance: float,
    rounds: int,
) -> tuple[Float64[np.ndarray, "3"], float, Bool[np.ndarray, "n"]]:
    """The least squares plane of the points within ``tolerance``, so many times over, and which points lie in it.

    The normal keeps to its side. With fewer than three points within tolerance the plane stays as it is.
    """
    for _ in range(rounds):
        own = points[np.abs(points @ normal - offset) <= tolerance]
        if len(own) < 3:
            break
        middle = own.mean(axis=0)
        found = np.linalg.svd(own - middle, full_matrices=False)[2][2]
        normal = found if found @ normal >= 0 else -found
        offset = float(normal @ middle)
    return normal, offset, np.abs(points @ normal - offset) <= tolerance

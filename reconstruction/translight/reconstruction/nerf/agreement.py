"""Whether other views contradict a point: what they see through is not there; bake.py asks before it keeps any."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float64

from translight.reconstruction.nerf.run import NerfPicture

TOLERANCE = 0.04
"""Depths are equal within this share of themselves."""
_AGAINST = 2
"""So many more views must see through a point than see it for it to go: one may be wrong."""


def contradicted(
    xyz: Float64[np.ndarray, "n 3"], pictures: Sequence[NerfPicture], *, but: int | None = None
) -> Bool[np.ndarray, "n"]:
    """Which scene points more views look through than see; ``but`` is the picture that they come from.

    A view sees a point whose z is the picture's depth there, and looks through one that lies clearly nearer; of one
    behind the picture's surface it says nothing.
    """
    balance = np.zeros(len(xyz), np.int64)
    for number, picture in enumerate(pictures):
        if number == but:
            continue
        depth, z, seen = _at(xyz, picture)
        balance += seen & (z < depth * (1 - 2 * TOLERANCE))
        balance -= seen & (np.abs(z - depth) <= TOLERANCE * depth)
    return balance >= _AGAINST


def _at(
    xyz: Float64[np.ndarray, "n 3"], picture: NerfPicture
) -> tuple[Float64[np.ndarray, "n"], Float64[np.ndarray, "n"], Bool[np.ndarray, "n"]]:
    """The picture's depth at each point's pixel, the point's own z, and whether it falls into the picture."""
    camera = picture.view.camera
    points = picture.view.scene_from_camera.inverse().apply(xyz)
    z = points[:, 2]
    pixels = np.nan_to_num(camera.project(points), nan=-1.0, posinf=-1.0, neginf=-1.0)
    u, v = np.floor(pixels).T
    seen = (z > 0) & (u >= 0) & (v >= 0) & (u < camera.width_px) & (v < camera.height_px)
    depth = np.zeros(len(xyz))
    depth[seen] = picture.depth[v[seen].astype(np.intp), u[seen].astype(np.intp)]
    return depth, z, seen

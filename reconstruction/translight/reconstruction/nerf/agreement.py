"""Whether other views contradict a point: what they see through is not there; bake.py asks before it keeps any."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Float64
from scipy.ndimage import maximum_filter, minimum_filter

from translight.core.camera import Camera
from translight.core.pose import Pose
from translight.reconstruction.nerf.run import NerfPicture

TOLERANCE = 0.04
"""Depths are equal within this share of themselves."""
_AGAINST = 2
"""So many more views must see through a point than see it for it to go: one may be wrong."""
_AROUND_PX = 3
"""A silhouette is a pixel wide: what lies on one is compared with all depths around it."""


@dataclass(frozen=True, slots=True, eq=False)
class Witness:
    """A view, with the ``nearest`` and ``furthest`` depths around each of its pixels."""

    camera: Camera
    camera_from_scene: Pose
    nearest: Float32[np.ndarray, "h w"]
    furthest: Float32[np.ndarray, "h w"]

    @classmethod
    def of(cls, picture: NerfPicture) -> Witness:
        """What the NeRF shows a view."""
        nearest, furthest = (found(picture.depth, _AROUND_PX) for found in (minimum_filter, maximum_filter))
        return cls(picture.view.camera, picture.view.scene_from_camera.inverse(), nearest, furthest)


def contradicted(
    xyz: Float64[np.ndarray, "n 3"], witnesses: Sequence[Witness], *, but: int | None = None
) -> Bool[np.ndarray, "n"]:
    """Which scene points more views look through than see; ``but`` is the one that they come from.

    A view sees a point whose z is a depth around its pixel, and looks through one that lies clearly before all of
    these; of one behind the surface it says nothing.
    """
    balance = np.zeros(len(xyz), np.int64)
    for number, witness in enumerate(witnesses):
        if number == but:
            continue
        z, nearest, furthest = _at(xyz, witness)
        balance += z < nearest * (1 - 2 * TOLERANCE)
        balance -= (z >= nearest * (1 - TOLERANCE)) & (z <= furthest * (1 + TOLERANCE))
    return balance >= _AGAINST


def _at(
    xyz: Float64[np.ndarray, "n 3"], witness: Witness
) -> tuple[Float64[np.ndarray, "n"], Float64[np.ndarray, "n"], Float64[np.ndarray, "n"]]:
    """Each point's z, and the depths around its pixel: NaN, equal to nothing, where it is not in the picture."""
    camera = witness.camera
    points = witness.camera_from_scene.apply(xyz)
    z = points[:, 2]
    pixels = np.nan_to_num(camera.project(points), nan=-1.0, posinf=-1.0, neginf=-1.0)
    u, v = np.floor(pixels).T
    seen = (z > 0) & (u >= 0) & (v >= 0) & (u < camera.width_px) & (v < camera.height_px)
    nearest, furthest = np.full(len(xyz), np.nan), np.full(len(xyz), np.nan)
    rows, columns = v[seen].astype(np.intp), u[seen].astype(np.intp)
    nearest[seen], furthest[seen] = witness.nearest[rows, columns], witness.furthest[rows, columns]
    return z, nearest, furthest

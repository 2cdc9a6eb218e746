"""Which splats are drawn by where their centres lie: crop boxes of a layer, and the walls of a view.

``Clips`` are conditions that all must hold. Each is an array of half-spaces (k 4), a row being a normal n and an
offset d, and holds for a point p when n·p + d ≥ 0 in one of them at least. So a box to stay within is six conditions
of one half-space, a box to stay out of is one condition of six, and "behind the walls" is one of as many as there are
panels (``core.camera.View.behind``).
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32, Float64

from translight.core.camera import View
from translight.core.pose import Pose, Similarity

Clips = tuple[Float64[np.ndarray, "k 4"], ...]


def within_box(stage_from_box: Pose, size_m: tuple[float, float, float], stage_from_scene: Similarity) -> Clips:
    """Keep what lies in a box on the stage, centred at ``stage_from_box``'s origin; in scene axes, so it moves along.

    Raises ValueError on a size that is not above 0.
    """
    return tuple(row[None] for row in _faces(stage_from_box, size_m, stage_from_scene))


def outside_box(stage_from_box: Pose, size_m: tuple[float, float, float], stage_from_scene: Similarity) -> Clips:
    """Cut out what lies in such a box."""
    return (-_faces(stage_from_box, size_m, stage_from_scene),)


def clips_of(clips: Clips, view: View, stage_from_scene: Similarity) -> Clips:
    """A layer's own conditions, and the view's, in scene axes."""
    if view.behind is None:
        return clips
    return (*clips, _in_scene(np.asarray(view.behind, dtype=np.float64), stage_from_scene))


def kept(points: Float64[np.ndarray, "n 3"], clips: Clips) -> np.ndarray:
    """Which points (n 3) meet every condition, as n truth values."""
    seen = np.ones(len(points), dtype=bool)
    for planes in clips:
        seen &= (points @ planes[:, :3].T + planes[:, 3] >= 0).any(axis=1)
    return seen


def flat(clips: Clips) -> Float32[np.ndarray, "m*5"]:
    """For kernels: half-space after half-space, n, d, and 1 where a condition ends, else 0."""
    rows = [np.column_stack([planes, np.arange(len(planes)) == len(planes) - 1]) for planes in clips]
    return np.concatenate(rows).astype(np.float32).ravel() if rows else np.empty(0, np.float32)


def _faces(
    stage_from_box: Pose, size_m: tuple[float, float, float], stage_from_scene: Similarity
) -> Float64[np.ndarray, "6 4"]:
    """A box's half-spaces, inwards, in scene axes."""
    size = np.asarray(size_m, dtype=np.float64)
    if size.shape != (3,) or not (np.isfinite(size).all() and (size > 0).all()):
        raise ValueError(f"a box wants three sizes above 0 in metres, got {size_m!r}")
    axes = stage_from_box.rotation().T
    middle = axes @ stage_from_box.position_m
    normals = np.concatenate([axes, -axes])
    offsets = np.concatenate([size / 2 - middle, size / 2 + middle])
    return _in_scene(np.column_stack([normals, offsets]), stage_from_scene)


def _in_scene(planes: Float64[np.ndarray, "k 4"], stage_from_scene: Similarity) -> Float64[np.ndarray, "k 4"]:
    """Half-spaces of the stage, in scene axes and units (their values stay metres)."""
    return planes @ stage_from_scene.matrix()

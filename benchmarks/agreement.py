"""Which pixels of a photograph others confirm: a plane sweep, as a measure of how much of a view can be foretold.

What no two photographs show alike (a canopy of leaves from two sides) has no place that any reconstruction could learn;
held-out errors there say little of the method. Collins, "A space-sweep approach to true multi-image matching" (1996).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float32, Float64
from scipy.ndimage import gaussian_filter, map_coordinates, uniform_filter

from translight.core.camera import Camera
from translight.core.pose import Pose
from translight.reconstruction.dataset import PosedImage
from translight.reconstruction.pixels import Photograph, load_photograph

_PLANES, _NEIGHBOURS, _WINDOW_PX = 96, 4, 7
_BEST_ANGLE_DEG, _ANGLE_SPREAD_DEG = 15.0, 15.0
_AGREES = 0.55
"""The correlation, smoothed over 5 pixels, from which on two photographs show the same."""
_SMOOTHED_PX = 5.0
_LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)


def confirmed(
    image: PosedImage, others: Sequence[PosedImage], xyz: Float64[np.ndarray, "n 3"], width_px: int
) -> Bool[np.ndarray, "h w"]:
    """Where, at some depth, the two of its four best neighbours that agree most correlate with ``image`` by 0.55.

    Depths are those of the scene's points ``xyz`` in the picture, a quarter more on both sides, evenly in 1/z.
    """
    photograph = load_photograph(image, width_px)
    uv, z = _project(xyz, image.scene_from_camera, photograph.camera)
    inside = _inside(uv, z, photograph.camera)
    near, far = np.percentile(z[inside], (1, 99))
    middle = np.median(xyz[inside], axis=0)
    ranked = sorted(others, key=lambda other: -_worth(image, other, xyz[inside], middle))
    neighbours = [(other, load_photograph(other, width_px)) for other in ranked[:_NEIGHBOURS]]
    grey = photograph.rgb @ _LUMA
    best = np.full(grey.shape, -1.0, np.float32)
    for inverse in np.linspace(1 / (1.25 * far), 1.25 / near, _PLANES):
        found = [_correlation(grey, photograph, image, *neighbour, float(inverse)) for neighbour in neighbours]
        best = np.maximum(best, np.sort(found, axis=0)[-2:].mean(axis=0))
    smooth: Bool[np.ndarray, "h w"] = gaussian_filter(best, _SMOOTHED_PX) >= _AGREES
    return smooth


def _worth(image: PosedImage, other: PosedImage, xyz: Float64[np.ndarray, "n 3"], middle: np.ndarray) -> float:
    """More for a neighbour that sees the same points from 15° aside."""
    a, b = (i.scene_from_camera.position_m - middle for i in (image, other))
    angle = np.degrees(np.arccos(np.clip(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)), -1, 1)))
    uv, z = _project(xyz, other.scene_from_camera, other.camera)
    shared = float(_inside(uv, z, other.camera).mean())
    return shared * float(np.exp(-(((angle - _BEST_ANGLE_DEG) / _ANGLE_SPREAD_DEG) ** 2)))


def _correlation(
    grey: Float32[np.ndarray, "h w"],
    photograph: Photograph,
    image: PosedImage,
    other: PosedImage,
    others: Photograph,
    inverse: float,
) -> Float32[np.ndarray, "h w"]:
    """Normalised cross-correlation with ``other`` as seen by way of the plane z = 1/``inverse``; −1 outside it."""
    other_from_image = other.scene_from_camera.inverse() @ image.scene_from_camera
    plane = np.outer(other_from_image.position_m, (0.0, 0.0, inverse))
    H = others.camera.matrix() @ (other_from_image.rotation() + plane) @ np.linalg.inv(photograph.camera.matrix())
    height, width = grey.shape
    y, x = np.mgrid[:height, :width] + 0.5
    u, v, w = np.tensordot(H, np.stack([x, y, np.ones_like(x)]), axes=1)
    at = np.stack([v / w - 0.5, u / w - 0.5])
    seen = map_coordinates(others.rgb @ _LUMA, at, order=1, cval=np.nan, prefilter=False).astype(np.float32)
    missing = np.isnan(seen) | (w <= 0)
    seen[missing] = 0
    mean = lambda a: uniform_filter(a, _WINDOW_PX, mode="nearest")  # noqa: E731
    mean_a, mean_b = mean(grey), mean(seen)
    spread_a, spread_b = mean(grey * grey) - mean_a**2, mean(seen * seen) - mean_b**2
    together = mean(grey * seen) - mean_a * mean_b
    found = together / np.sqrt(np.maximum(spread_a, 1e-6) * np.maximum(spread_b, 1e-6))
    found[mean(missing.astype(np.float32)) > 1e-3] = -1
    return np.asarray(found, np.float32)


def _project(
    xyz: Float64[np.ndarray, "n 3"], scene_from_camera: Pose, camera: Camera
) -> tuple[Float64[np.ndarray, "n 2"], Float64[np.ndarray, "n"]]:
    seen = scene_from_camera.inverse().apply(xyz)
    return camera.project(seen), seen[:, 2]


def _inside(uv: Float64[np.ndarray, "n 2"], z: Float64[np.ndarray, "n"], camera: Camera) -> Bool[np.ndarray, "n"]:
    inside: Bool[np.ndarray, "n"] = (
        (z > 0) & (uv >= 0).all(axis=1) & (uv < (camera.width_px, camera.height_px)).all(axis=1)
    )
    return inside

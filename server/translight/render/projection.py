"""EWA projection of a splat cloud into one view, in float64; what reference.py blends and other backends are held to.

Zwicker et al., "EWA Splatting" (2002), with the choices of Kerbl et al., "3D Gaussian Splatting" (2023), and of
gsplat 1.5 where the two differ (the clamp of an off-centre frustum, the alpha cap).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64

from translight.core.camera import Camera, View
from translight.core.pose import Pose, Similarity
from translight.render.contract import ALPHA_CUT, DILATION_PX2, FRUSTUM_CLAMP, Order, Scene
from translight.render.sh import colours


@dataclass(frozen=True, slots=True, eq=False)
class ProjectedSplats:
    """The m splats that can touch the picture, near ones first (by camera z or distance; ties by index in the cloud).

    ``conic`` (m 3) holds a, b, c of the inverse 2D covariance: σ = ½(a·dx² + c·dy²) + b·dx·dy. ``box_px`` (m 4) is
    first and one-past-last column, then row, of the pixels whose centre can reach the alpha cut, within the picture.
    """

    index: Int64[np.ndarray, "m"]
    centre_px: Float64[np.ndarray, "m 2"]
    depth_m: Float64[np.ndarray, "m"]
    conic: Float64[np.ndarray, "m 3"]
    opacity: Float64[np.ndarray, "m"]
    rgb: Float64[np.ndarray, "m 3"]
    box_px: Int64[np.ndarray, "m 4"]

    def __len__(self) -> int:
        return len(self.index)


def project(scene: Scene, view: View, order: Order = "depth") -> ProjectedSplats:
    """Cull, project, colour and order ``scene``'s splats for ``view``.

    A splat is left out when its centre is nearer than the near plane, when its opacity is below the alpha cut, when
    one of its values is not finite, or when no pixel centre of the picture lies inside its extent. The extent is
    exact: the ellipse on which opacity·exp(−σ) equals the alpha cut, not a multiple of the standard deviation.
    """
    splats, camera = scene.splats, view.camera
    camera_from_scene = Similarity(1.0, view.stage_from_camera.inverse()) @ scene.stage_from_scene
    finite = np.logical_and.reduce([np.isfinite(a).all(axis=1) for a in (splats.means, splats.scales, splats.wxyz)])
    opacities = splats.opacities.astype(np.float64)
    kept = np.flatnonzero(finite & (opacities >= ALPHA_CUT))
    points = camera_from_scene.apply(splats.means[kept])
    in_front = points[:, 2] >= view.near_m
    kept, points = kept[in_front], points[in_front]
    opacity = opacities[kept]

    axes = rotations(splats.wxyz[kept]) * np.asarray(splats.scales[kept], dtype=np.float64)[:, None, :]
    axes = camera_from_scene.scale * (camera_from_scene.pose.rotation() @ axes)
    cov = image_covariances(points, axes, camera)
    centre = np.stack(
        [camera.fx * points[:, 0] / points[:, 2] + camera.cx, camera.fy * points[:, 1] / points[:, 2] + camera.cy], -1
    )
    box = _boxes(centre, cov, opacity, camera)

    seen = np.flatnonzero((box[:, 0] < box[:, 1]) & (box[:, 2] < box[:, 3]))
    eye = eye_in_scene(scene, view.stage_from_camera)
    towards = splats.means[kept] - eye
    distance = np.linalg.norm(towards, axis=1)
    far = points[:, 2] if order == "depth" else distance
    near_first = seen[np.argsort(far[seen], kind="stable")]
    index = kept[near_first]
    xx, xy, yy = cov[near_first].T
    determinant = xx * yy - xy * xy
    return ProjectedSplats(
        index=index,
        centre_px=centre[near_first],
        depth_m=points[near_first, 2],
        conic=np.stack([yy / determinant, -xy / determinant, xx / determinant], axis=-1),
        opacity=opacity[near_first],
        rgb=colours(splats.sh[index], towards[near_first] / distance[near_first, None]),
        box_px=box[near_first],
    )


def eye_in_scene(scene: Scene, stage_from_camera: Pose) -> Float64[np.ndarray, "3"]:
    """The camera's position in scene axes and units, where the harmonics' directions are measured from."""
    return scene.stage_from_scene.inverse().apply(stage_from_camera.position_m)


def rotations(wxyz: np.ndarray) -> Float64[np.ndarray, "n 3 3"]:
    """Rotation matrices of unit quaternions (n 4)."""
    w, x, y, z = np.asarray(wxyz, dtype=np.float64).T
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return np.moveaxis(np.array(rows), -1, 0)


def clamp_limits(camera: Camera) -> tuple[float, float, float, float]:
    """Bounds of x/z (low, high) and y/z (low, high) in the projection's Jacobian.

    1.3 times half the field of view; off the axis, the picture's own edge plus 0.3 times the half width that the
    frustum would have if centred (gsplat 1.5, ``persp_proj``: ``lim_x_pos = (width - cx) / fx + 0.3 * tan_fovx``).
    """
    margin_x = (FRUSTUM_CLAMP - 1.0) * 0.5 * camera.width_px / camera.fx
    margin_y = (FRUSTUM_CLAMP - 1.0) * 0.5 * camera.height_px / camera.fy
    left, right = -camera.cx / camera.fx, (camera.width_px - camera.cx) / camera.fx
    up, down = -camera.cy / camera.fy, (camera.height_px - camera.cy) / camera.fy
    return left - margin_x, right + margin_x, up - margin_y, down + margin_y


def image_covariances(points: np.ndarray, axes: np.ndarray, camera: Camera) -> Float64[np.ndarray, "n 3"]:
    """Covariances (xx, xy, yy) in px² of ellipsoids with centres (n 3) and scaled axes as columns (n 3 3), dilated."""
    x, y, z = points.T
    low_x, high_x, low_y, high_y = clamp_limits(camera)
    x_over_z, y_over_z = np.clip(x / z, low_x, high_x), np.clip(y / z, low_y, high_y)
    across = (camera.fx / z)[:, None] * (axes[:, 0, :] - x_over_z[:, None] * axes[:, 2, :])
    down = (camera.fy / z)[:, None] * (axes[:, 1, :] - y_over_z[:, None] * axes[:, 2, :])
    xx, xy, yy = (across * across).sum(1), (across * down).sum(1), (down * down).sum(1)
    return np.stack([xx + DILATION_PX2, xy, yy + DILATION_PX2], axis=-1)


def _boxes(centre: np.ndarray, cov: np.ndarray, opacity: np.ndarray, camera: Camera) -> Int64[np.ndarray, "n 4"]:
    """Pixels whose centres lie in the ellipse's bounding box; an ellipse σ ≤ s reaches √(2·s·Σxx) along x."""
    reach = np.sqrt(2.0 * np.log(opacity / ALPHA_CUT)[:, None] * cov[:, [0, 2]])
    size = np.array([camera.width_px, camera.height_px], dtype=np.float64)
    first = np.clip(np.ceil(centre - reach - 0.5), 0, size)
    end = np.clip(np.floor(centre + reach - 0.5) + 1, 0, size)
    return np.stack([first[:, 0], end[:, 0], first[:, 1], end[:, 1]], axis=-1).astype(np.int64)

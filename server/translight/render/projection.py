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
from translight.core.rotations import rotations
from translight.environment.environment import ColourEncoding
from translight.render.clip import clips_of, kept
from translight.render.contract import ALPHA_CUT, DILATION_PX2, FRUSTUM_CLAMP, Layer, Order, Scene
from translight.render.sh import colours
from translight.render.tint import tint_curve, tinted


@dataclass(frozen=True, slots=True, eq=False)
class ProjectedSplats:
    """The m splats that can touch the picture, near ones first (by camera z or distance; ties by index).

    ``index`` counts through the clouds of all layers; ``far`` (m) is what they are ordered by, in metres. ``conic``
    (m 3) holds a, b, c of the inverse 2D covariance: σ = ½(a·dx² + c·dy²) + b·dx·dy. ``box_px`` (m 4) is first and
    one-past-last column, then row, of the pixels whose centre can reach the alpha cut, within the picture.
    """

    index: Int64[np.ndarray, "m"]
    far: Float64[np.ndarray, "m"]
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

    A splat is left out when its centre is nearer than the near plane or clipped, when its opacity is below the alpha
    cut, when one of its values is not finite, or when no pixel centre of the picture lies inside its extent. The extent
    is exact: the ellipse on which opacity·exp(−σ) equals the alpha cut, not a multiple of the standard deviation.
    """
    first, parts = 0, []
    for layer in scene.layers:
        parts.append(_project_layer(layer, scene.encoding, view, order, first))
        first += len(layer.splats)
    fields = {name: np.concatenate([getattr(part, name) for part in parts]) for name in ProjectedSplats.__slots__}
    near_first = np.argsort(fields["far"], kind="stable")
    return ProjectedSplats(**{name: field[near_first] for name, field in fields.items()})


def _project_layer(layer: Layer, encoding: ColourEncoding, view: View, order: Order, first: int) -> ProjectedSplats:
    """One layer's splats, in their cloud's order, counted from ``first``."""
    splats, camera = layer.splats, view.camera
    camera_from_scene = Similarity(1.0, view.stage_from_camera.inverse()) @ layer.stage_from_scene
    finite = np.logical_and.reduce([np.isfinite(a).all(axis=1) for a in (splats.means, splats.scales, splats.wxyz)])
    opacities = splats.opacities.astype(np.float64)
    index = np.flatnonzero(finite & (opacities >= ALPHA_CUT))
    points = camera_from_scene.apply(splats.means[index])
    clips = clips_of(layer.clips, view, layer.stage_from_scene)
    drawn = (points[:, 2] >= view.near_m) & kept(splats.means[index].astype(np.float64), clips)
    index, points = index[drawn], points[drawn]

    axes = rotations(splats.wxyz[index]) * np.asarray(splats.scales[index], dtype=np.float64)[:, None, :]
    axes = camera_from_scene.scale * (camera_from_scene.pose.rotation() @ axes)
    cov = image_covariances(points, axes, camera)
    opacity = opacities[index]
    if layer.antialiased:
        opacity = opacity * coverage_kept(cov)
    centre = np.stack(
        [camera.fx * points[:, 0] / points[:, 2] + camera.cx, camera.fy * points[:, 1] / points[:, 2] + camera.cy], -1
    )
    box = _boxes(centre, cov, opacity, camera)

    seen = np.flatnonzero((opacity >= ALPHA_CUT) & (box[:, 0] < box[:, 1]) & (box[:, 2] < box[:, 3]))
    index = index[seen]
    towards = splats.means[index] - eye_in_scene(layer.stage_from_scene, view.stage_from_camera)
    distance = np.linalg.norm(towards, axis=1)
    xx, xy, yy = cov[seen].T
    determinant = xx * yy - xy * xy
    return ProjectedSplats(
        index=first + index,
        far=points[seen, 2] if order == "depth" else layer.stage_from_scene.scale * distance,
        centre_px=centre[seen],
        depth_m=points[seen, 2],
        conic=np.stack([yy / determinant, -xy / determinant, xx / determinant], axis=-1),
        opacity=opacity[seen],
        rgb=tinted(colours(splats.sh[index], towards / distance[:, None]), tint_curve(layer.tint, encoding)),
        box_px=box[seen],
    )


def eye_in_scene(stage_from_scene: Similarity, stage_from_camera: Pose) -> Float64[np.ndarray, "3"]:
    """The camera's position in scene axes and units, where the harmonics' directions are measured from."""
    return stage_from_scene.inverse().apply(stage_from_camera.position_m)


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


def coverage_kept(cov: Float64[np.ndarray, "n 3"]) -> Float64[np.ndarray, "n"]:
    """What dilated covariances (n 3) leave of an opacity, so that a splat covers as much as before its dilation.

    √(|Σ| / |Σ + 0.3·I|): the 2D filter of Yu et al., "Mip-Splatting" (2024), eq. 10, as gsplat 1.5's "antialiased".
    """
    xx, xy, yy = cov.T
    before = (xx - DILATION_PX2) * (yy - DILATION_PX2) - xy * xy
    return np.sqrt(np.maximum(before, 0.0) / (xx * yy - xy * xy))


def _boxes(centre: np.ndarray, cov: np.ndarray, opacity: np.ndarray, camera: Camera) -> Int64[np.ndarray, "n 4"]:
    """Pixels whose centres lie in the ellipse's bounding box; an ellipse σ ≤ s reaches √(2·s·Σxx) along x."""
    reach = np.sqrt(2.0 * np.log(np.maximum(opacity / ALPHA_CUT, 1.0))[:, None] * cov[:, [0, 2]])
    size = np.array([camera.width_px, camera.height_px], dtype=np.float64)
    first = np.clip(np.ceil(centre - reach - 0.5), 0, size)
    end = np.clip(np.floor(centre + reach - 0.5) + 1, 0, size)
    return np.stack([first[:, 0], end[:, 0], first[:, 1], end[:, 1]], axis=-1).astype(np.int64)

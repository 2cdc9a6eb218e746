"""Projection and spherical harmonics in torch operations, of a run of splats at a time; blended by torch_tiles.py.

The formulas are those of docs/rendering.md, 2 to 4. Every field is a row of values, so that an operation works through
contiguous memory.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import numpy as np
import torch
from torch import Tensor

from translight.core.camera import View
from translight.core.pose import Similarity
from translight.core.rotations import rotations
from translight.render.contract import ALPHA_CUT, ALPHA_MAX, DILATION_PX2, Scene
from translight.render.projection import clamp_limits, eye_in_scene
from translight.render.sh import SH_0, SH_1, SH_2, SH_3, SH_OFFSET

LOG2_CUT = math.log2(ALPHA_CUT)
_LOG2_E = math.log2(math.e)
_RUN = 1 << 14
"""Splats that are projected together: their fields fit a core's cache."""


@dataclass(frozen=True, slots=True, eq=False)
class Splats:
    """A scene's splats as rows: ``means`` (3), ``axes`` (9: rotation times scales), ``log2_alpha``, ``sh`` (k 3)."""

    means: Tensor
    axes: Tensor
    log2_alpha: Tensor
    sh: Tensor

    def runs(self) -> list[slice]:
        """Runs of splats to be projected together."""
        return [slice(i, i + _RUN) for i in range(0, max(self.means.shape[1], 1), _RUN)]


@dataclass(frozen=True, slots=True, eq=False)
class Projected:
    """Splats in a view: alpha = 2^(log2_alpha − (p·dx + q·dy)² − (r·dy)²) around ``x``, ``y``; ``rgb`` (n 3)."""

    p: Tensor
    q: Tensor
    r: Tensor
    x: Tensor
    y: Tensor
    log2_alpha: Tensor
    reach_x: Tensor
    reach_y: Tensor
    z: Tensor
    rgb: Tensor

    @property
    def squares(self) -> Tensor:
        """The exponent's coefficients of x², xy and y² (n 3)."""
        return -torch.stack([self.p * self.p, 2 * self.p * self.q, self.q * self.q + self.r * self.r], 1)

    def __getitem__(self, index: Tensor) -> Projected:
        return Projected(*(getattr(self, field.name).index_select(0, index) for field in fields(self)))

    @staticmethod
    def joined(parts: list[Projected]) -> Projected:
        """All of them, in turn."""
        return Projected(*(torch.cat([getattr(part, field.name) for part in parts]) for field in fields(Projected)))


def splats_of(scene: Scene) -> Splats:
    """The splats that can be seen at all, on torch's side."""
    (layer,) = scene.layers
    cloud = layer.splats
    finite = np.logical_and.reduce([np.isfinite(a).all(axis=1) for a in (cloud.means, cloud.scales, cloud.wxyz)])
    kept = np.flatnonzero(finite & (cloud.opacities >= np.float32(ALPHA_CUT)))
    axes = (rotations(cloud.wxyz[kept]) * cloud.scales[kept, None, :]).reshape(-1, 9)
    # The cap lies on the opacity here, which spares the blending a pass: it lowers an alpha by 0.1 % at most.
    log2_alpha = np.log2(np.minimum(cloud.opacities[kept].astype(np.float64), ALPHA_MAX))
    return Splats(*(
        torch.from_numpy(np.ascontiguousarray(a, np.float32))
        for a in (cloud.means[kept].T, axes.T, log2_alpha, cloud.sh[kept].transpose(1, 2, 0))
    ))  # fmt: skip


def project(splats: Splats, run: slice, scene: Scene, view: View) -> Projected:
    """Those of a run of splats that can touch the picture of ``view``, in the scene's order."""
    camera = view.camera
    (layer,) = scene.layers
    camera_from_scene = Similarity(1.0, view.stage_from_camera.inverse()) @ layer.stage_from_scene
    scale, translation = camera_from_scene.scale, camera_from_scene.pose.position_m.tolist()
    w = (scale * camera_from_scene.pose.rotation()).tolist()
    mx, my, mz = splats.means[:, run]
    x, y, z = ((row[0] * mx).add_(my, alpha=row[1]).add_(mz, alpha=row[2]).add_(t)
               for row, t in zip(w, translation, strict=True))  # fmt: skip
    inverse_z = 1.0 / z
    slope_x, slope_y = x * inverse_z, y * inverse_z
    centre_x, centre_y = slope_x * camera.fx + camera.cx, slope_y * camera.fy + camera.cy
    low_x, high_x, low_y, high_y = clamp_limits(camera)
    slope_x.clamp_(low_x, high_x)
    slope_y.clamp_(low_y, high_y)
    m = splats.axes[:, run].view(3, 3, -1)
    # Rows of the camera's rotation times the splat's scaled axes, then the Jacobian's two rows.
    c0, c1, c2 = ((row[0] * m[0]).add_(m[1], alpha=row[1]).add_(m[2], alpha=row[2]) for row in w)
    across = (camera.fx * inverse_z) * (c0 - slope_x * c2)
    down = (camera.fy * inverse_z) * (c1 - slope_y * c2)
    xx, xy, yy = ((a * b).sum(0) for a, b in ((across, across), (across, down), (down, down)))
    # As a sum of squares: that of a long thin splat would leave no digits if it were xx·yy − xy².
    minors = ((a * b - c * d).square_() for a, b, c, d in (
        (across[0], down[1], across[1], down[0]), (across[0], down[2], across[2], down[0]),
        (across[1], down[2], across[2], down[1]),
    ))  # fmt: skip
    determinant = sum(minors, start=DILATION_PX2 * (xx + yy + DILATION_PX2))
    xx += DILATION_PX2
    yy += DILATION_PX2
    log2_alpha = splats.log2_alpha[run]
    reach = (2.0 / _LOG2_E) * (log2_alpha - LOG2_CUT)
    reach_x, reach_y = (reach * xx).sqrt_(), (reach * yy).sqrt_()
    seen = (z >= view.near_m) & (centre_x + reach_x >= 0.5) & (centre_x - reach_x <= camera.width_px - 0.5)
    seen &= (centre_y + reach_y >= 0.5) & (centre_y - reach_y <= camera.height_px - 0.5)
    index = seen.nonzero().squeeze(1)
    determinant, xy, yy, x, y, log2_alpha, reach_x, reach_y, z = (
        a.index_select(0, index) for a in (determinant, xy, yy, centre_x, centre_y, log2_alpha, reach_x, reach_y, z)
    )
    p = (0.5 * _LOG2_E * yy / determinant).sqrt_()
    q = -p * xy / yy
    r = (0.5 * _LOG2_E / yy).sqrt_()
    eye = eye_in_scene(layer.stage_from_scene, view.stage_from_camera)
    rgb = _colours(splats, index + run.start, eye.tolist())
    return Projected(p, q, r, x, y, log2_alpha, reach_x, reach_y, z, rgb)


def _colours(splats: Splats, index: Tensor, eye: list[float]) -> Tensor:
    """max(0, ½ + Σ sh·Y(d)) as (n 3), Y in the basis of translight.render.sh."""
    towards = splats.means.index_select(1, index) - torch.tensor(eye, dtype=torch.float32)[:, None]
    towards /= towards.square().sum(0).sqrt_()
    values = basis(towards, len(splats.sh))
    sh = splats.sh.index_select(2, index)
    return (values[:, None] * sh).sum(0).add_(SH_OFFSET).clamp_(min=0.0).T.contiguous()


def basis(directions: Tensor, count: int) -> Tensor:
    x, y, z = directions
    rows = [torch.full_like(x, SH_0)]
    if count > 1:
        rows += [-SH_1 * y, SH_1 * z, -SH_1 * x]
    if count > 4:
        a, b, c = SH_2
        xx, yy, zz = x * x, y * y, z * z
        rows += [a * x * y, -a * y * z, b * (2 * zz - xx - yy), -a * x * z, c * (xx - yy)]
    if count > 9:
        a, b, c, d, e = SH_3
        rows += [-a * y * (3 * xx - yy), b * x * y * z, -c * y * (4 * zz - xx - yy), d * z * (2 * zz - 3 * (xx + yy))]
        rows += [-c * x * (4 * zz - xx - yy), e * z * (xx - yy), -a * x * (xx - 3 * yy)]
    return torch.stack(rows)

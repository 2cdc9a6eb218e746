"""A tile rasteriser in plain torch operations that autograd can go back through; beside the torch peer, which cannot.

It draws what docs/rendering.md says, without a sky, in whatever precision its arguments have: in float32 it is what
bench_gradients.py measures ours against, in float64 what tests/render hold ours to. torch_tiles.py is faster forwards,
by writing into its own results, which autograd forbids.
"""

from __future__ import annotations

import torch
from torch import Tensor

from benchmarks.peers.torch_projection import basis
from translight.core.camera import Camera
from translight.render.contract import ALPHA_CUT, ALPHA_MAX, DILATION_PX2, TRANSMITTANCE_STOP
from translight.render.projection import clamp_limits
from translight.render.sh import SH_OFFSET

TILE_PX = 16
RUN = 512
"""Splats of a tile that are blended together, between tests whether its pixels have ended."""


def rasterise(
    means: Tensor,
    scales: Tensor,
    wxyz: Tensor,
    opacities: Tensor,
    sh: Tensor,
    scene_from_camera: Tensor,
    camera: Camera,
    near_m: float = 0.01,
    antialiased: bool = False,
) -> Tensor:
    """Red, green, blue, alpha and Σ weight·z (5 h w) of splats (n …) seen from a pose (7: wxyz, position)."""
    from_eye = means - scene_from_camera[4:]
    camera_from_scene = _rotations(scene_from_camera[None, :4])[0].T
    x, y, z = (from_eye @ camera_from_scene.T).unbind(-1)
    low_x, high_x, low_y, high_y = clamp_limits(camera)
    slope_x, slope_y = (x / z).clamp(low_x, high_x), (y / z).clamp(low_y, high_y)
    axes = camera_from_scene @ (_rotations(wxyz) * scales[:, None, :])
    across = (camera.fx / z)[:, None] * (axes[:, 0] - slope_x[:, None] * axes[:, 2])
    down = (camera.fy / z)[:, None] * (axes[:, 1] - slope_y[:, None] * axes[:, 2])
    xx, xy, yy = (across * across).sum(-1), (across * down).sum(-1), (down * down).sum(-1)
    if antialiased:
        minors = torch.linalg.cross(across, down).square().sum(-1)
        opacities = opacities * (minors / (minors + DILATION_PX2 * (xx + yy + DILATION_PX2))).sqrt()
    xx, yy = xx + DILATION_PX2, yy + DILATION_PX2
    centre = torch.stack([camera.fx * x / z + camera.cx, camera.fy * y / z + camera.cy], -1)
    index, boxes = _seen(centre, xx, yy, z, opacities, near_m, camera)
    xx, xy, yy = xx[index], xy[index], yy[index]
    determinant = xx * yy - xy * xy
    conic = torch.stack([yy / determinant, xy / -determinant, xx / determinant], -1)
    towards = from_eye[index]
    directions = basis((towards / towards.norm(dim=-1, keepdim=True)).T, sh.shape[1])
    rgb = (torch.einsum("kn,nkc->nc", directions, sh[index]) + SH_OFFSET).clamp(min=0.0)
    values = torch.cat([rgb, torch.ones_like(xx)[:, None], z[index, None]], -1)
    return _blend(centre[index], conic, opacities[index], values, boxes, camera)


def _rotations(wxyz: Tensor) -> Tensor:
    w, x, y, z = (wxyz / wxyz.norm(dim=-1, keepdim=True)).unbind(-1)
    rows = [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)]
    rows += [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)]
    rows += [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)]
    return torch.stack(rows, -1).view(-1, 3, 3)


@torch.no_grad()
def _seen(
    centre: Tensor, xx: Tensor, yy: Tensor, z: Tensor, opacities: Tensor, near_m: float, camera: Camera
) -> tuple[Tensor, Tensor]:
    """Numbers of the splats that can touch the picture, near ones first; their boxes of pixels (m 4), end included."""
    reach = (2 * (opacities / ALPHA_CUT).log().clamp(min=0.0)).sqrt()
    left = (centre[:, 0] - reach * xx.sqrt() - 0.5).ceil().clamp(min=0)
    right = (centre[:, 0] + reach * xx.sqrt() - 0.5).floor().clamp(max=camera.width_px - 1)
    top = (centre[:, 1] - reach * yy.sqrt() - 0.5).ceil().clamp(min=0)
    bottom = (centre[:, 1] + reach * yy.sqrt() - 0.5).floor().clamp(max=camera.height_px - 1)
    seen = (z >= near_m) & (opacities >= ALPHA_CUT) & (left <= right) & (top <= bottom)
    index = seen.nonzero().squeeze(1)
    index = index[torch.sort(z[index], stable=True).indices]
    return index, torch.stack([left, right, top, bottom], -1)[index].long()


@torch.no_grad()
def _lists(boxes: Tensor, across: int, down: int) -> tuple[Tensor, list[int]]:
    """Splats of each tile in turn, and how many of them each tile has."""
    left, right, top, bottom = (boxes // TILE_PX).unbind(-1)
    wide = right - left + 1
    count = wide * (bottom - top + 1)
    splat = torch.repeat_interleave(count)
    nth = torch.arange(len(splat)) - (count.cumsum(0) - count)[splat]
    tile = (top[splat] + nth // wide[splat]) * across + left[splat] + nth % wide[splat]
    order = torch.sort(tile, stable=True).indices
    return splat[order], torch.bincount(tile, minlength=across * down).tolist()


def _blend(centre: Tensor, conic: Tensor, opacity: Tensor, values: Tensor, boxes: Tensor, camera: Camera) -> Tensor:
    across, down = -(-camera.width_px // TILE_PX), -(-camera.height_px // TILE_PX)
    lists, counts = _lists(boxes, across, down)
    local = torch.arange(TILE_PX, dtype=centre.dtype) + 0.5
    tiles = []
    begin = 0
    for tile, count in enumerate(counts):
        x, y = local + tile % across * TILE_PX, local + tile // across * TILE_PX
        left = values.new_ones(1, TILE_PX * TILE_PX)
        drawn = values.new_zeros(values.shape[1], TILE_PX * TILE_PX)
        for splats in lists[begin : begin + count].split(RUN):
            dx, dy = x - centre[splats, 0, None], y - centre[splats, 1, None]
            a, b, c = conic[splats].unbind(-1)
            along = (-0.5 * c)[:, None] * dy * dy
            exponent = (along[:, :, None] + ((-0.5 * a)[:, None] * dx * dx)[:, None, :]) - (
                b[:, None, None] * dy[:, :, None] * dx[:, None, :]
            )
            alpha = (opacity[splats, None] * exponent.view(len(splats), TILE_PX * TILE_PX).exp()).clamp(max=ALPHA_MAX)
            alpha = torch.where(alpha >= ALPHA_CUT, alpha, 0.0)
            after = torch.cumprod(torch.cat([left, 1.0 - alpha]), 0)
            weight = torch.where(after[1:] > TRANSMITTANCE_STOP, alpha * after[:-1], 0.0)
            drawn = drawn + values[splats].T @ weight
            left = after[-1:]
            if float(left.detach().max()) <= TRANSMITTANCE_STOP:
                break
        tiles.append(drawn)
        begin += count
    picture = torch.stack(tiles).view(down, across, -1, TILE_PX, TILE_PX).permute(2, 0, 3, 1, 4)
    rows = picture.reshape(values.shape[1], down * TILE_PX, across * TILE_PX)
    return rows[:, : camera.height_px, : camera.width_px]

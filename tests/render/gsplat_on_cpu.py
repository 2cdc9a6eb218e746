"""gsplat's operators without a GPU: its own PyTorch restatements where it has them, the rest written out here.

Signatures are those of ``gsplat.cuda._wrapper``; lists by tile and blending follow the comments of its CUDA sources
(IntersectTile.cu, RasterizeToPixels3DGSFwd.cu), pixel by pixel in NumPy.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from gsplat.cuda import _torch_impl
from torch import Tensor

from translight.render.gsplat.operators import Operators

_DEADLY = "gsplat 1.5.3 ends the process by SIGFPE on no splats (seen on an H100)"


def fully_fused_projection(
    means: Tensor, covars: None, quats: Tensor, scales: Tensor, viewmats: Tensor, Ks: Tensor, width: int, height: int,
    eps2d: float = 0.3, near_plane: float = 0.01, far_plane: float = 1e10, radius_clip: float = 0.0,
    packed: bool = False, sparse_grad: bool = False, calc_compensations: bool = False, camera_model: str = "pinhole",
    opacities: Tensor | None = None,
) -> Any:  # fmt: skip
    assert covars is None
    assert opacities is not None
    assert len(means), _DEADLY
    covariances, _ = _torch_impl._quat_scale_to_covar_preci(quats, scales, True, False, False)
    radii, means2d, depths, conics, kept = _torch_impl._fully_fused_projection(
        means.double(), covariances.double(), viewmats.double(), Ks.double(), width, height, eps2d, near_plane,
        far_plane, calc_compensations,
    )  # fmt: skip
    values = [radii, means2d.float(), depths.float(), conics.float(), None if kept is None else kept.float()]
    if not packed:
        return tuple(values)
    seen = (radii > 0).all(dim=-1)
    cameras, splats = seen.nonzero(as_tuple=True)
    return torch.zeros_like(cameras), cameras, splats, *(None if value is None else value[seen] for value in values)


def spherical_harmonics(degrees_to_use: int, dirs: Tensor, coeffs: Tensor, masks: Tensor | None = None) -> Tensor:
    assert len(dirs), _DEADLY
    found = _torch_impl._spherical_harmonics(degrees_to_use, dirs, coeffs)
    # The kernel leaves what is masked undefined.
    return found if masks is None else torch.where(masks[:, None], found, torch.nan)


def isect_tiles(
    means2d: Tensor, radii: Tensor, depths: Tensor, tile_size: int, tile_width: int, tile_height: int,
    sort: bool = True, segmented: bool = False, packed: bool = False, n_images: int | None = None,
    image_ids: Tensor | None = None, gaussian_ids: Tensor | None = None,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    assert packed
    assert image_ids is not None
    assert image_ids.dtype == gaussian_ids.dtype == torch.int64  # type: ignore[union-attr]
    assert radii.dtype == torch.int32
    assert means2d.dtype == depths.dtype == torch.float32
    low = torch.floor((means2d - radii) / tile_size).int().clamp_min(0)
    high = torch.ceil((means2d + radii) / tile_size).int()
    limits = torch.tensor([tile_width, tile_height], dtype=torch.int32)
    low, high = torch.minimum(low, limits).tolist(), torch.minimum(high.clamp_min(0), limits).tolist()
    bits = (tile_width * tile_height).bit_length()
    keys = depths.numpy().view(np.int32).astype(np.int64)
    found, flat = [], []
    for k, seen in enumerate((radii > 0).all(dim=1).tolist()):
        for y in range(low[k][1], high[k][1]) if seen else ():
            for x in range(low[k][0], high[k][0]):
                found.append(int(image_ids[k]) << bits + 32 | (y * tile_width + x) << 32 | int(keys[k]))
                flat.append(k)
    ids = torch.tensor(found, dtype=torch.int64)
    ids, order = torch.sort(ids, stable=True)
    return torch.empty(0), ids, torch.tensor(flat, dtype=torch.int32)[order]


def isect_offset_encode(isect_ids: Tensor, n_images: int, tile_width: int, tile_height: int) -> Tensor:
    return _torch_impl._isect_offset_encode(isect_ids, n_images, tile_width, tile_height)


def rasterize_to_pixels(
    means2d: Tensor, conics: Tensor, colors: Tensor, opacities: Tensor, image_width: int, image_height: int,
    tile_size: int, isect_offsets: Tensor, flatten_ids: Tensor, backgrounds: Tensor | None = None,
    masks: Tensor | None = None, packed: bool = False, absgrad: bool = False,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    assert packed
    images, down, across = isect_offsets.shape
    drawn = np.zeros((images, image_height, image_width, colors.shape[1]))
    left = np.ones((images, image_height, image_width))
    starts = [*isect_offsets.flatten().tolist(), len(flatten_ids)]
    flat = flatten_ids.tolist()
    centres, inverse, values, opacity = (a.double().numpy() for a in (means2d, conics, colors, opacities))
    for tile in range(images * down * across):
        image, y0, x0 = tile // (down * across), tile // across % down * tile_size, tile % across * tile_size
        place = (image, slice(y0, min(y0 + tile_size, image_height)), slice(x0, min(x0 + tile_size, image_width)))
        y, x = np.mgrid[place[1], place[2]] + 0.5
        going = np.ones(x.shape, bool)
        for k in flat[starts[tile] : starts[tile + 1]]:
            dx, dy = x - centres[k, 0], y - centres[k, 1]
            sigma = 0.5 * (inverse[k, 0] * dx * dx + inverse[k, 2] * dy * dy) + inverse[k, 1] * dx * dy
            alpha = np.minimum(0.999, opacity[k] * np.exp(-sigma))
            counted = going & (sigma >= 0) & (alpha >= 1 / 255)
            after = left[place] * (1 - alpha)
            ended = counted & (after <= 1e-4)
            going, counted = going & ~ended, counted & ~ended
            drawn[place] += np.where(counted, alpha * left[place], 0)[..., None] * values[k]
            left[place] = np.where(counted, after, left[place])
    return torch.from_numpy(drawn).float(), torch.from_numpy(1 - left).float()[..., None]


OPERATORS = Operators(
    fully_fused_projection, spherical_harmonics, isect_tiles, isect_offset_encode, rasterize_to_pixels
)

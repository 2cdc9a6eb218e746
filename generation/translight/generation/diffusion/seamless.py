"""Panoramas whose left and right edges are neighbours: convolutions that wrap, and latent columns that are blended.

A UNet and a VAE know where they are only by the zeros around the picture, so once columns wrap, a rolled input gives
the rolled output: there is no seam, rather than a faint one. A transformer counts its columns (rotary positions):
there the picture is drawn wider, and after each step the columns past its end are blended with those they repeat.
Rows are not wrapped: the poles keep the zeros that the models were trained with.
"""

from __future__ import annotations

import math
from functools import partial

import numpy as np
import torch
from diffusers.models.downsampling import Downsample2D
from jaxtyping import Float32
from torch import nn
from torch.nn import functional

EXTRA_TOKENS = 3
"""Columns past the end of a transformer's picture; a token is two latent columns wide."""
_MARGIN_PX = 8
"""Columns that a resized picture borrows from its other side, at least: bicubic needs 2 of the coarser."""


def wrap_columns(model: nn.Module) -> None:
    """Make every 2D convolution of ``model`` take the columns beyond an edge from the other edge, for good.

    Call it after LoRA weights are loaded: theirs are convolutions too.
    """
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            module.forward = partial(_convolve, module)  # type: ignore[method-assign]
        elif isinstance(module, Downsample2D) and module.use_conv and module.padding == 0:
            module.forward = partial(_halve, module)


def blend_columns(grid: torch.Tensor, extra: int, dim: int) -> torch.Tensor:
    """The last ``extra`` columns (along ``dim``) and the first, which they repeat, made equal.

    Each goes over from continuing the columns before it to leading to those after it.
    """
    width = grid.shape[dim] - extra
    shape = [1] * grid.ndim
    shape[dim] = extra
    share = ((torch.arange(extra, device=grid.device) + 0.5) / extra).to(grid.dtype).reshape(shape)
    head, tail = grid.narrow(dim, 0, extra), grid.narrow(dim, width, extra)
    mixed = tail * (1 - share) + head * share
    return torch.cat([mixed, grid.narrow(dim, extra, width - extra), mixed], dim=dim)


def resize(picture: torch.Tensor, height_px: int, width_px: int, *, wrap: bool = True) -> torch.Tensor:
    """(1 c h w) at another size: averaged when it shrinks, bicubic when it grows; with ``wrap``, round the seam too."""
    height, width = picture.shape[-2:]
    if (height, width) == (height_px, width_px):
        return picture
    if not wrap:
        return _interpolate(picture, height_px, width_px)
    pieces = math.gcd(width, width_px)
    piece, piece_out = width // pieces, width_px // pieces  # these correspond exactly
    reach = _MARGIN_PX * max(1, math.ceil(width / width_px))
    count = min(pieces, math.ceil(reach / piece))
    margin = count * piece
    wide = torch.cat([picture[..., width - margin :], picture, picture[..., :margin]], dim=-1)
    out = _interpolate(wide, height_px, width_px + 2 * count * piece_out)
    return out[..., count * piece_out : count * piece_out + width_px]


def planes(picture: Float32[np.ndarray, "h w c"]) -> torch.Tensor:
    """A picture as networks take it, (1 c h w)."""
    return torch.from_numpy(np.ascontiguousarray(np.moveaxis(picture, -1, 0)))[None]


def resized(
    picture: Float32[np.ndarray, "h w c"], height_px: int, width_px: int, *, wrap: bool = True
) -> Float32[np.ndarray, "h2 w2 c"]:
    """``resize`` for an array; where it grows, values may leave the picture's range a little."""
    sized = resize(planes(picture), height_px, width_px, wrap=wrap)[0].numpy()
    return np.ascontiguousarray(np.moveaxis(sized, 0, -1))


def _interpolate(picture: torch.Tensor, height_px: int, width_px: int) -> torch.Tensor:
    finer = height_px > picture.shape[-2]
    mode = "bicubic" if finer else "bilinear"
    size = (height_px, width_px)
    return functional.interpolate(picture, size, mode=mode, antialias=not finer, align_corners=False)


def _convolve(conv: nn.Conv2d, picture: torch.Tensor) -> torch.Tensor:
    """``conv`` with its own padding of rows, and columns that wrap."""
    if isinstance(conv.padding, str):
        raise ValueError(f"padding {conv.padding!r} by name is not wrapped")
    rows, columns = int(conv.padding[0]), int(conv.padding[1])
    if columns:
        picture = functional.pad(picture, (columns, columns, 0, 0), mode="circular")
    return functional.conv2d(picture, conv.weight, conv.bias, conv.stride, (rows, 0), conv.dilation, conv.groups)


def _halve(layer: Downsample2D, picture: torch.Tensor) -> torch.Tensor:
    """A VAE's downsampling, which pads one column and one row at their ends by itself."""
    if layer.norm is not None:
        picture = layer.norm(picture.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
    wrapped = functional.pad(picture, (0, 1, 0, 0), mode="circular")
    halved: torch.Tensor = layer.conv(functional.pad(wrapped, (0, 0, 0, 1)))
    return halved

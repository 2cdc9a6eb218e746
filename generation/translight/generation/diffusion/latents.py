"""Noise that a pipeline begins with and latents that it ends with, in each family's layout; drawing.py uses them.

Layouts are diffusers': SD, SDXL and Z-Image keep (1 c h w); FLUX packs 2×2 latents into a token, (1 h·w/4 4c).
"""

from __future__ import annotations

from typing import Any

import torch

from translight.generation.diffusion.folder import Family
from translight.generation.diffusion.seamless import EXTRA_TOKENS, blend_columns

TOKEN = 2
"""Latents on a side of a transformer's token."""


def noise(
    generator: torch.Generator, family: Family, channels: int, size: tuple[int, int], *, extra: int = 0
) -> torch.Tensor:
    """Gaussian noise (1 channels h w), float32, for latents of ``size`` (h, w); the same a seed as diffusers' own.

    ``extra`` columns follow that repeat the first; FLUX.2's come as its 2×2 tokens' channels.
    """
    height, width = size
    if family == "flux2":
        channels, height, width, extra = 4 * channels, height // TOKEN, width // TOKEN, extra // TOKEN
    drawn = torch.randn((1, channels, height, width), generator=generator, dtype=torch.float32)
    return torch.cat([drawn, drawn[..., :extra]], dim=-1) if extra else drawn


def pack(latents: torch.Tensor) -> torch.Tensor:
    """(1 c h w) as FLUX's tokens (1 h·w/4 4c)."""
    _, channels, height, width = latents.shape
    split = latents.reshape(1, channels, height // 2, 2, width // 2, 2).permute(0, 2, 4, 1, 3, 5)
    return split.reshape(1, (height // 2) * (width // 2), 4 * channels)


def unpack(tokens: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """The inverse of ``pack``; height and width in latents."""
    channels = tokens.shape[-1] // 4
    split = tokens.reshape(1, height // 2, width // 2, channels, 2, 2).permute(0, 3, 1, 4, 2, 5)
    return split.reshape(1, channels, height, width)


def close_seam(latents: torch.Tensor, family: Family, columns: int) -> torch.Tensor:
    """What a transformer's step left, with EXTRA_TOKENS of its ``columns`` (in tokens) blended into its first ones."""
    if family == "z-image":
        return blend_columns(latents, TOKEN * EXTRA_TOKENS, 3)
    grid = latents.reshape(1, -1, columns, latents.shape[-1])
    return blend_columns(grid, EXTRA_TOKENS, 2).reshape(latents.shape)


def decode(vae: Any, latents: torch.Tensor, family: Family, height: int, width: int) -> torch.Tensor:
    """The picture (3 h w), sRGB-encoded from 0 to 1, of what a pipeline ended with; columns past ``width`` are cut.

    ``height`` and ``width`` are in latents. Runs in float32: in half precision SDXL's VAE overflows to black.
    """
    if family == "flux":
        latents = unpack(latents, height, latents.shape[1] * 4 // height)
    latents = latents[..., :width].float()
    config = vae.config
    if family != "flux2":  # whose pipeline has done this already
        mean, std = getattr(config, "latents_mean", None), getattr(config, "latents_std", None)
        if mean is not None and std is not None:
            shaped = [torch.tensor(values, device=latents.device).view(1, -1, 1, 1) for values in (mean, std)]
            latents = latents * shaped[1] / config.scaling_factor + shaped[0]
        else:
            latents = latents / config.scaling_factor + (getattr(config, "shift_factor", None) or 0.0)
    dtype = vae.dtype
    vae.to(torch.float32)
    with torch.no_grad():
        picture: torch.Tensor = vae.decode(latents, return_dict=False)[0][0]
    vae.to(dtype)  # exactly what it was: the next picture to fill is encoded in it
    return (picture / 2 + 0.5).clamp(0, 1)

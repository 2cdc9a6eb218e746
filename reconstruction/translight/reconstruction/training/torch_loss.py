"""The picture's loss in torch's operations, for any device; picture_loss.py is the same on the processor, faster."""

from __future__ import annotations

import torch
from jaxtyping import Float32
from torch import Tensor
from torch.nn.functional import conv2d

from translight.reconstruction.training.picture_loss import C1, C2, REACH, SIGMA


def similarity(picture: Float32[Tensor, "c h w"], truth: Float32[Tensor, "c h w"]) -> Float32[Tensor, "c h w"]:
    """SSIM at each pixel (Wang et al. 2004): a Gaussian window of 11×11, σ 1.5, zeros outside the picture."""
    offsets = torch.arange(-REACH, REACH + 1, dtype=picture.dtype, device=picture.device)
    row = torch.exp(-0.5 * (offsets / SIGMA) ** 2)
    row = row / row.sum()

    def windowed(planes: Tensor) -> Tensor:
        across = conv2d(planes[:, None], row[None, None, None, :], padding=(0, REACH))
        return conv2d(across, row[None, None, :, None], padding=(REACH, 0))[:, 0]

    mu, nu = windowed(picture), windowed(truth)
    s11 = windowed(picture * picture) - mu * mu
    s22 = windowed(truth * truth) - nu * nu
    s12 = windowed(picture * truth) - mu * nu
    return ((2 * mu * nu + C1) * (2 * s12 + C2)) / ((mu * mu + nu * nu + C1) * (s11 + s22 + C2))


def picture_loss(picture: Float32[Tensor, "c h w"], truth: Float32[Tensor, "c h w"], ssim_weight: float) -> Tensor:
    """(1 − λ)·mean |x − y| + λ·(1 − mean SSIM)."""
    absolute = (picture - truth).abs().mean()
    return (1 - ssim_weight) * absolute + ssim_weight * (1 - similarity(picture, truth).mean())

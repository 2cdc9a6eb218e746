"""What a drawn picture is judged by: the photograph, and depths where they are known."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from jaxtyping import Float32
from torch import Tensor
from torch.autograd.function import once_differentiable

from translight.reconstruction.training.picture_loss import PictureLoss
from translight.reconstruction.training.torch_loss import picture_loss
from translight.reconstruction.training.views import TrainingView
from translight.render.differentiable import Rasterised

_OPAQUE = 0.5
"""Where less is covered, a depth is that of little."""


class Judge:
    """Holds the room that the processor's kernels work in."""

    def __init__(self, ssim_weight: float) -> None:
        self.ssim_weight = ssim_weight
        self.kernels = PictureLoss()

    def picture(self, picture: Float32[Tensor, "3 h w"], view: TrainingView) -> tuple[Tensor, float]:
        """The loss with its way back, and the mean squared difference where something is to be learned."""
        if view.weight is not None:
            picture = picture * view.weight + view.planes * (1 - view.weight)
        if picture.device.type == "cpu":
            loss, squares = _Judged.apply(picture, self, view)  # type: ignore[no-untyped-call]
        else:
            loss = picture_loss(picture, view.planes, self.ssim_weight)
            squares = (picture.detach() - view.planes).square().mean()
        share = 1.0 if view.weight is None else max(float(view.weight.mean()), 1e-6)
        return loss, float(squares) / share


class _Judged(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, picture: Tensor, judge: Judge, view: TrainingView) -> tuple[Tensor, Tensor]:
        gradient = np.empty(picture.shape, np.float32)
        loss, squares = judge.kernels.gradient(
            picture.detach().contiguous().numpy(), view.truth(), judge.ssim_weight, gradient
        )
        ctx.gradient = torch.from_numpy(gradient)
        found = torch.tensor(loss), torch.tensor(squares)
        ctx.mark_non_differentiable(found[1])
        return found

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, of_loss: Tensor, _of_squares: Tensor) -> tuple[Tensor, None, None]:
        return ctx.gradient * of_loss, None, None


def depth_loss(drawn: Rasterised, view: TrainingView, scene_size: float) -> Tensor | None:
    """Mean |1/z − 1/z₀| in units of the scene's size, where the truth is known and the picture covered; else None."""
    if view.inverse_depth is None:
        return None
    counts = (view.inverse_depth > 0) & (drawn.alpha.detach() > _OPAQUE)
    if view.weight is not None:
        counts &= view.weight > 0
    if not bool(counts.any()):
        return None
    inverse = drawn.alpha[counts] / drawn.depth[counts].clamp_min(1e-9)
    return (inverse - view.inverse_depth[counts]).abs().mean() * scene_size

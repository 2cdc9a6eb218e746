"""Cameras that are moved a little with the splats, for poses that are not quite right."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float32
from torch import Tensor

from translight.reconstruction.training.optimiser import Adam
from translight.reconstruction.training.views import TrainingView

TURN_RATE, MOVE_RATE = 1e-4, 1e-4
"""An iteration: of a quaternion's parts, and of the scene's size."""


class Poses:
    """``scene_from_camera`` of every training picture (n 7); together they neither drift nor turn.

    Held-out cameras stay where they were, so the others must not wander off as a whole: their mean place is kept, and
    the first camera's orientation.
    """

    def __init__(self, views: Sequence[TrainingView], scene_size: float) -> None:
        self.begun: Float32[Tensor, "n 7"] = torch.stack([view.scene_from_camera for view in views])
        self.values = self.begun.clone().requires_grad_()
        self._size = scene_size

    def of(self, index: int) -> Float32[Tensor, "7"]:
        """A picture's pose, with a way back."""
        return self.values[index]

    def step(self, optimiser: Adam, progress: float) -> None:
        """Move them by their gradients, ever less."""
        fading = 0.01**progress
        rates = [TURN_RATE * fading] * 4 + [MOVE_RATE * self._size * fading] * 3
        optimiser.step("poses", self.values, rates)
        with torch.no_grad():
            self.values[:, 4:] -= (self.values[:, 4:] - self.begun[:, 4:]).mean(dim=0)
            self.values[0, :4] = self.begun[0, :4]

    def moved(self) -> tuple[float, float]:
        """Root mean square of how far they have turned (degrees) and moved (scene units)."""
        with torch.no_grad():
            now = torch.nn.functional.normalize(self.values[:, :4].double(), dim=1)
            was = torch.nn.functional.normalize(self.begun[:, :4].double(), dim=1)
            turned = 2 * torch.acos((now * was).sum(dim=1).abs().clamp_max(1))
            away = (self.values[:, 4:] - self.begun[:, 4:]).double().norm(dim=1)
            return float(turned.square().mean().sqrt().rad2deg()), float(away.square().mean().sqrt())

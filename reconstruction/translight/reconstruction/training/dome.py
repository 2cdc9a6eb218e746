"""The sky apart from the splats: a picture of directions around the stage, learned from what shines through them.

Its layout is the package's sky (render/sky.py): equirectangular, middle column stage +Y, azimuth growing to the right.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float32, Float64
from torch import Tensor
from torch.nn.functional import grid_sample

from translight.colour.transfer import srgb_decode
from translight.core.camera import Camera
from translight.core.pose import Pose
from translight.reconstruction.training.optimiser import Adam

HEIGHT_PX = 256
RATE = 5e-3
LEAST_SHARE = 0.005
"""Share of the photographs' pixels that look above the horizon from which a capture is taken to have a sky."""


class Dome:
    """The sky's texels (3 h w), sRGB-encoded as the splats are, and which of them a photograph has looked at."""

    def __init__(self, texels: Float32[Tensor, "3 h w"], seen: Tensor) -> None:
        self.texels = texels.detach().contiguous().requires_grad_()
        self.seen = seen

    @classmethod
    def begun(
        cls, views: Sequence[tuple[Float64[np.ndarray, "h w 3"], Tensor, Tensor | None]], device: torch.device
    ) -> Dome:
        """Above the horizon the mean colour of what looks there, below it of the rest.

        ``views`` are stage directions of a photograph's pixels, its planes (3 h w) and its weights (h w), if any are 0.
        """
        sums = np.zeros((2, 4))
        for directions, planes, weight in views:
            up = (directions[..., 2] > 0).astype(np.intp)
            colours = planes.cpu().numpy()
            counted = np.ones(up.shape, bool) if weight is None else weight.cpu().numpy() > 0
            for half in (0, 1):
                chosen = (up == half) & counted
                sums[half, :3] += colours[:, chosen].sum(axis=1)
                sums[half, 3] += chosen.sum()
        mean = np.where(sums[:, 3:] > 0, sums[:, :3] / np.maximum(sums[:, 3:], 1), 0.5)
        texels = np.empty((3, HEIGHT_PX, 2 * HEIGHT_PX), np.float32)
        texels[:, : HEIGHT_PX // 2], texels[:, HEIGHT_PX // 2 :] = mean[1][:, None, None], mean[0][:, None, None]
        seen = torch.zeros(texels.shape[1:], dtype=torch.bool, device=device)
        return cls(torch.tensor(texels, device=device), seen)

    def picture(self, grid: Float32[Tensor, "h w 2"]) -> Float32[Tensor, "3 h w"]:
        """The sky behind a view, whose ``sampling_grid`` is given."""
        wrapped = torch.cat([self.texels[..., -1:], self.texels, self.texels[..., :1]], dim=2)
        return grid_sample(wrapped[None], grid[None], padding_mode="border", align_corners=False)[0]

    def step(self, optimiser: Adam, progress: float) -> None:
        """Move the texels by their gradients."""
        if self.texels.grad is not None:
            self.seen |= self.texels.grad.abs().sum(dim=0) > 0
            optimiser.step("dome", self.texels, [RATE * 0.1**progress])

    def sky(self) -> Float32[np.ndarray, "h w 3"]:
        """The package's sky, linear; where no photograph has looked, each row's mean goes on."""
        texels = self.texels.detach().clamp(0, 1).permute(1, 2, 0).cpu().numpy().copy()
        seen = self.seen.cpu().numpy()
        known = np.flatnonzero(seen.any(axis=1))
        for row in range(len(texels)):
            if known.size:
                nearest = known[np.abs(known - row).argmin()]
                texels[row, ~seen[row]] = texels[nearest, seen[nearest]].mean(axis=0)
        return np.ascontiguousarray(srgb_decode(texels), dtype=np.float32)


class Backdrop:
    """One colour behind everything: the photographs' mean, where none looks above the horizon.

    It is not learned, so that splats must be opaque; what nobody photographed is like the rest, not black.
    """

    def __init__(self, colour: Float32[Tensor, "3"]) -> None:
        self.colour = colour

    @classmethod
    def of(cls, views: Sequence[tuple[Tensor, Tensor | None]]) -> Backdrop:
        """Of photographs' planes (3 h w) and weights (h w) or None."""
        means = [
            planes.mean(dim=(1, 2)) if weight is None else (planes * weight).sum(dim=(1, 2)) / weight.sum().clamp_min(1)
            for planes, weight in views
        ]
        return cls(torch.stack(means).mean(dim=0))

    def sky(self) -> Float32[np.ndarray, "2 4 3"]:
        """As the package holds it, linear."""
        linear = srgb_decode(self.colour.clamp(0, 1).cpu().numpy())
        return np.ascontiguousarray(np.broadcast_to(linear, (2, 4, 3)), dtype=np.float32)


def stage_directions(stage_from_camera: Pose, camera: Camera) -> Float64[np.ndarray, "h w 3"]:
    """Where each pixel looks, on the stage or in whatever the pose is in; lengths are the rays', not 1."""
    v, u = np.mgrid[0 : camera.height_px, 0 : camera.width_px] + 0.5
    return camera.ray(np.stack([u, v], axis=-1)) @ stage_from_camera.rotation().T


def sampling_grid(directions: Float64[np.ndarray, "h w 3"], device: torch.device) -> Float32[Tensor, "h w 2"]:
    """Directions as ``grid_sample`` wants them of a dome that has one more column at each side."""
    x, y, z = np.moveaxis(directions, -1, 0)
    across = np.arctan2(x, y) / math.pi * (2 * HEIGHT_PX / (2 * HEIGHT_PX + 2))
    down = np.arctan2(np.hypot(x, y), z) / math.pi * 2 - 1
    return torch.tensor(np.stack([across, down], axis=-1), dtype=torch.float32, device=device)


def has_sky(views: Sequence[tuple[Pose, Camera]]) -> bool:
    """Whether enough pixels look above the horizon; ``views`` are ``scene_from_camera`` (y down) and cameras.

    By the scene, not by the stage, on which it may be tilted.
    """
    directions = [stage_directions(scene_from_camera, camera) for scene_from_camera, camera in views]
    above = sum(int((d[..., 1] < 0).sum()) for d in directions)
    return above > LEAST_SHARE * sum(d[..., 1].size for d in directions)

"""The sky behind the splats on a torch device; render/sky.py says what a pixel sees."""

from __future__ import annotations

from collections.abc import Sequence
from math import pi

import torch
from torch import Tensor

from translight.core.camera import View


def sky_pictures(sky: Tensor, views: Sequence[View], device: torch.device) -> Tensor:
    """The sky (h w 3) as views of one size see it, (c height width 3)."""
    return torch.stack([_sampled(sky, _directions(view, device)) for view in views])


def _directions(view: View, device: torch.device) -> Tensor:
    """Stage directions of the pixels' centres, (h w 3)."""
    camera = view.camera
    x = (torch.arange(camera.width_px, device=device) + 0.5 - camera.cx) / camera.fx
    y = (torch.arange(camera.height_px, device=device) + 0.5 - camera.cy) / camera.fy
    rays = torch.stack([*torch.meshgrid(y, x, indexing="ij")[::-1], torch.ones(len(y), len(x), device=device)], dim=-1)
    turn = torch.tensor(view.stage_from_camera.rotation(), dtype=torch.float32, device=device)
    return rays.to(torch.float32) @ turn.T


def _sampled(sky: Tensor, directions: Tensor) -> Tensor:
    height, width = sky.shape[:2]
    x, y, z = directions.unbind(dim=-1)
    column = (0.5 + torch.atan2(x, y) / (2 * pi)) * width - 0.5
    row = ((0.5 - torch.atan2(z, torch.hypot(x, y)) / pi) * height - 0.5).clamp(0, height - 1)
    left, top = column.floor(), row.floor()
    across, down = (column - left)[..., None], (row - top)[..., None]
    x0, y0 = left.long() % width, top.long()
    x1, y1 = (x0 + 1) % width, (y0 + 1).clamp_max(height - 1)
    upper = sky[y0, x0] * (1 - across) + sky[y0, x1] * across
    lower = sky[y1, x0] * (1 - across) + sky[y1, x1] * across
    return upper * (1 - down) + lower * down

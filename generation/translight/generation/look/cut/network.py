"""The networks of contrastive unpaired translation: a generator, a judge of patches, and heads that compare them.

Park, Efros, Zhang and Zhu, "Contrastive Learning for Unpaired Image-to-Image Translation" (2020), appendix C, smaller:
residual blocks between two halvings and two doublings, without aliasing (Zhang, "Making Convolutional Networks
Shift-Invariant Again", 2019). With ``wrap`` columns are neighbours around the seam, so a panorama turned by STRIDE
columns gives the result turned.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import nn
from torch.nn import functional

STRIDE = 4
"""Sides are multiples of it."""


class Convolution(nn.Module):
    """Of a picture padded by its mirror image, or in columns by its other side."""

    def __init__(self, inside: int, outside: int, side: int, *, normed: bool = True) -> None:
        super().__init__()
        self.weights = nn.Conv2d(inside, outside, side)
        self.normed = normed
        nn.init.normal_(self.weights.weight, 0.0, (2 / (inside * side * side)) ** 0.5 if normed else 0.02)
        nn.init.zeros_(cast("torch.Tensor", self.weights.bias))

    def forward(self, x: torch.Tensor, wrap: bool) -> torch.Tensor:
        """(n c h w), of the same size."""
        x = self.weights(padded(x, self.weights.kernel_size[0] // 2, wrap))
        return functional.instance_norm(x) if self.normed else x


class Block(nn.Module):
    """What two convolutions add to it."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first, self.second = Convolution(channels, channels, 3), Convolution(channels, channels, 3)

    def forward(self, x: torch.Tensor, wrap: bool) -> torch.Tensor:
        """(n c h w), of the same shape."""
        return cast("torch.Tensor", x + self.second(functional.relu(self.first(x, wrap)), wrap))


class Generator(nn.Module):
    """Pictures from −1 to 1 (n 3 h w) to such pictures."""

    def __init__(self, filters: int, blocks: int) -> None:
        super().__init__()
        self.stem = Convolution(3, filters, 7)
        self.down = nn.ModuleList([Convolution(filters, 2 * filters, 3), Convolution(2 * filters, 4 * filters, 3)])
        self.blocks = nn.ModuleList([Block(4 * filters) for _ in range(blocks)])
        self.up = nn.ModuleList([Convolution(4 * filters, 2 * filters, 3), Convolution(2 * filters, filters, 3)])
        self.end = Convolution(filters, 3, 7, normed=False)

    def forward(self, x: torch.Tensor, wrap: bool = False) -> torch.Tensor:
        """The picture translated."""
        found = self.features(x, wrap)[-1]
        for up in self.up:
            found = functional.relu(up(doubled(found, wrap), wrap))
        return torch.tanh(self.end(found, wrap))

    def features(self, x: torch.Tensor, wrap: bool = False) -> list[torch.Tensor]:
        """What its first half sees, from fine to coarse; the last is what its second half begins with."""
        seen = [functional.relu(self.stem(x, wrap))]
        for down in self.down:
            seen.append(halved(functional.relu(down(seen[-1], wrap)), wrap))
        x = seen[-1]
        for block in self.blocks:
            x = block(x, wrap)
        return [*seen, x]

    def channels(self) -> list[int]:
        """Of ``features``."""
        first = self.stem.weights.out_channels
        return [first, 2 * first, 4 * first, 4 * first]


class Heads(nn.Module):
    """For each layer of features, two layers that lay a place's features on a sphere, where places are compared."""

    def __init__(self, channels: list[int], size: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            [nn.Sequential(nn.Linear(inside, size), nn.ReLU(), nn.Linear(size, size)) for inside in channels]
        )

    def forward(self, layer: int, places: torch.Tensor) -> torch.Tensor:
        """(n places, channels) to (n places, size), each of length 1."""
        return functional.normalize(self.layers[layer](places), dim=-1)


class Judge(nn.Module):
    """How much each patch looks as if it were of the wanted stills: near 1, or near 0."""

    def __init__(self, filters: int) -> None:
        super().__init__()
        self.first = Convolution(3, filters, 3, normed=False)
        self.down = nn.ModuleList([Convolution(filters, 2 * filters, 3), Convolution(2 * filters, 4 * filters, 3)])
        self.end = Convolution(4 * filters, 1, 3, normed=False)
        nn.init.normal_(self.first.weights.weight, 0.0, (2 / 27) ** 0.5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(n 3 h w) to (n 1 h/8 w/8)."""
        x = halved(functional.leaky_relu(self.first(x, False), 0.2), False)
        for down in self.down:
            x = halved(functional.leaky_relu(down(x, False), 0.2), False)
        return cast("torch.Tensor", self.end(x, False))


def padded(x: torch.Tensor, edge: int, wrap: bool) -> torch.Tensor:
    """Rows mirrored; columns mirrored, or taken from the other side."""
    x = functional.pad(x, (0, 0, edge, edge), mode="reflect")
    return functional.pad(x, (edge, edge, 0, 0), mode="circular" if wrap else "reflect")


def halved(x: torch.Tensor, wrap: bool) -> torch.Tensor:
    """Every other pixel of the picture blurred by 1 2 1."""
    line = torch.tensor([0.25, 0.5, 0.25], dtype=x.dtype, device=x.device)
    blur = (line[:, None] * line)[None, None].expand(x.shape[1], 1, 3, 3)
    return functional.conv2d(padded(x, 1, wrap), blur, stride=2, groups=x.shape[1])


def doubled(x: torch.Tensor, wrap: bool) -> torch.Tensor:
    """Twice as many rows and columns, between the pixels."""
    wide = functional.interpolate(padded(x, 1, wrap), scale_factor=2.0, mode="bilinear", align_corners=False)
    return wide[:, :, 2:-2, 2:-2]

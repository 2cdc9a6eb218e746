"""The learned distance of two pictures: shift-tolerant LPIPS on AlexNet, its weights those of stlpips-pytorch.

Ghildyal and Liu, "Shift-tolerant perceptual similarity metric" (ECCV 2022): LPIPS (Zhang et al. 2018) on a network
whose first layer strides one pixel, with blur before each subsampling (Zhang, "Making convolutional networks
shift-invariant again", 2019), trained anew. Its values are not those of LPIPS: docs/reconstruction/evaluation.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Self

import numpy as np
import torch
from jaxtyping import Float32
from torch import Tensor
from torch.nn import functional

from translight.core.errors import FormatError, MissingExtra

NAME = "ST-LPIPS, Alex"
PACKAGE = "stlpips_pytorch"
FEWEST_PX = 64
"""A side below this leaves the deepest layer too few values to speak of."""
_WEIGHTS = Path("weights") / "vST0.0" / "alex_shift_tolerant.pth"
_LAYERS = ("net.slice1.0", "net.slice2.5", "net.slice3.9", "net.slice4.11", "net.slice5.13")
_PADDING_PX = (2, 2, 1, 1, 1)
_HEADS = tuple(f"lin{i}.model.1.weight" for i in range(5))
_SHAPES = {
    "scaling_layer.shift": (1, 3, 1, 1),
    "scaling_layer.scale": (1, 3, 1, 1),
    "net.slice1.0.weight": (64, 3, 11, 11),
    "net.slice2.5.weight": (192, 64, 5, 5),
    "net.slice3.9.weight": (384, 192, 3, 3),
    "net.slice4.11.weight": (256, 384, 3, 3),
    "net.slice5.13.weight": (256, 256, 3, 3),
}
_EPSILON = 1e-10


@dataclass(frozen=True, slots=True, eq=False)
class Perceptual:
    """The metric, its weights read: five convolutions and, for each, how much a channel's difference counts."""

    weights: dict[str, Tensor]

    @classmethod
    def open(cls, file: Path | None = None) -> Self:
        """Read the weights, the installed package's or ``file``. Raises MissingExtra, FormatError.

        The package itself is not imported: its code asks for torchvision, its weights do not.
        """
        if file is None:
            found = find_spec(PACKAGE)
            if found is None or found.origin is None:
                raise MissingExtra("stlpips-pytorch", "train")
            file = Path(found.origin).parent / _WEIGHTS
        try:
            weights = torch.load(file, map_location="cpu", weights_only=True)
        except Exception as error:  # torch.load raises a dozen kinds on damaged files
            raise FormatError(f"{file}: not readable weights ({str(error).splitlines()[0]})") from error
        wanted = [*_SHAPES, *(f"{layer}.bias" for layer in _LAYERS), *_HEADS]
        wrong = [name for name in wanted if not isinstance(weights.get(name), Tensor)]
        wrong += [name for name, shape in _SHAPES.items() if name not in wrong and weights[name].shape != shape]
        if wrong:
            raise FormatError(f"{file}: not the weights of {NAME}: {wrong[0]} is missing or of another shape")
        return cls({name: weights[name].float() for name in wanted})

    def distance(
        self,
        picture: Float32[np.ndarray, "h w 3"],
        truth: Float32[np.ndarray, "h w 3"],
        weight: Float32[np.ndarray, "h w"] | None = None,
    ) -> float | None:
        """From 0 (alike) upwards, of sRGB values from 0 to 1; None where nothing has weight or it is too small.

        Where there is no weight the photograph stands in both, and each layer's mean is weighted by how much of what
        its values look at has weight.
        """
        if min(picture.shape[:2]) < FEWEST_PX or (weight is not None and not (weight > 0).any()):
            return None
        if weight is not None:
            picture = np.where(weight[..., None] > 0, picture, truth)
        with torch.no_grad():
            mask = None if weight is None else torch.from_numpy((weight > 0).astype(np.float32))[None, None]
            x, y = (self._scaled(pixels) for pixels in (picture, truth))
            total = 0.0
            for layer in range(len(_LAYERS)):
                x, y = self._layer(layer, x), self._layer(layer, y)
                apart = functional.conv2d((_unit(x) - _unit(y)) ** 2, self.weights[_HEADS[layer]])
                total += float(_mean(apart, mask))
        return total

    def _scaled(self, pixels: Float32[np.ndarray, "h w 3"]) -> Tensor:
        """From 0…1 to −1…1, then to the network's own zero and unit."""
        planes = torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1), dtype=np.float32))[None]
        return (planes * 2 - 1 - self.weights["scaling_layer.shift"]) / self.weights["scaling_layer.scale"]

    def _layer(self, layer: int, x: Tensor) -> Tensor:
        """The activations after a convolution, of those after the one before it."""
        if layer in (1, 2):
            x = _blurred(functional.max_pool2d(x, 3, stride=1))
        name = _LAYERS[layer]
        x = functional.conv2d(
            x, self.weights[f"{name}.weight"], self.weights[f"{name}.bias"], padding=_PADDING_PX[layer]
        )
        if layer == 0:
            x = _blurred(x)
        return functional.relu(x)


def _blurred(x: Tensor) -> Tensor:
    """Every second value of a binomial blur (1 2 1), borders mirrored two values deep."""
    line = torch.tensor([0.25, 0.5, 0.25])
    channels = x.shape[1]
    kernel = torch.outer(line, line).expand(channels, 1, 3, 3)
    return functional.conv2d(functional.pad(x, (2, 2, 2, 2), mode="reflect"), kernel, stride=2, groups=channels)


def _unit(x: Tensor) -> Tensor:
    return x / (torch.linalg.vector_norm(x, dim=1, keepdim=True) + _EPSILON)


def _mean(apart: Tensor, mask: Tensor | None) -> Tensor:
    if mask is None:
        return apart.mean()
    share = functional.adaptive_avg_pool2d(mask, (apart.shape[2], apart.shape[3]))
    return (apart * share).sum() / share.sum()

"""Colour-matching one environment to another: the linear map from one's mean and spread of colours to the other's.

Of all such maps it is the one that moves colours least (Monge-Kantorovich; Pitié and Kokaram, "The linear
Monge-Kantorovitch linear colour mapping for example-based colour transfer", 2007). ``colours.py`` applies it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from translight.colour.transfer import srgb_decode, srgb_encode
from translight.core.camera import View
from translight.core.errors import ReconstructionError
from translight.environment.environment import ColourEncoding, Environment
from translight.reconstruction.edit.colours import ColourMap
from translight.render.contract import Renderer, Scene
from translight.render.sh import SH_0, SH_OFFSET

_FLOOR = 1e-6
"""Variance added on both sides: a set without any in some direction (greys) is not blown up along it."""
_LEAST_ALPHA = 0.5
_LARGEST_PERCENT = 95.0


@dataclass(frozen=True, slots=True, eq=False)
class Palette:
    """Weighted mean (3,) and covariance (3 3) of an environment's colours, in the light that it was taken in."""

    mean: Float64[np.ndarray, "3"]
    covariance: Float64[np.ndarray, "3 3"]

    @classmethod
    def of(cls, colours: Float64[np.ndarray, "n 3"], weights: Float64[np.ndarray, "n"]) -> Palette:
        """Of n colours. Raises ReconstructionError when none has any weight."""
        total = float(weights.sum())
        if not np.isfinite(total) or total <= 0:
            raise ReconstructionError("no colours to match: nothing of the environment is opaque")
        mean = weights @ colours / total
        off = colours - mean
        return cls(mean, (off * weights[:, None]).T @ off / total)

    def distance(self, other: Palette) -> float:
        """The Fréchet distance of the two as normal distributions: how far colours move from one to the other."""
        root = _root(self.covariance)
        between = _root(root @ other.covariance @ root)
        square = np.sum((self.mean - other.mean) ** 2) + np.trace(self.covariance + other.covariance - 2 * between)
        return float(np.sqrt(max(float(square), 0.0)))


def matching_map(own: Palette, wanted: Palette, most_gain: float = 4.0, amount: float = 1.0) -> ColourMap:
    """The map that gives ``own`` the mean and covariance of ``wanted``; symmetric and positive: no hue is swapped.

    No colour axis is stretched by more than ``most_gain`` or shrunk by as much: what varies little in one environment
    and much in the other would turn noise into colour. Of the whole change, ``amount`` is made. Raises ValueError on a
    gain below 1 or an amount outside 0 to 1.
    """
    if not 1 <= most_gain < np.inf or not 0 <= amount <= 1:
        raise ValueError(f"a gain from 1 and an amount from 0 to 1 are allowed, got {most_gain:g} and {amount:g}")
    a, b = (palette.covariance + _FLOOR * np.eye(3) for palette in (own, wanted))
    root = _root(a)
    inverse = np.linalg.inv(root)
    stretch, axes = np.linalg.eigh(inverse @ _root(root @ b @ root) @ inverse)
    gain = (axes * np.clip(stretch, 1 / most_gain, most_gain)) @ axes.T
    lift = wanted.mean - gain @ own.mean
    return ColourMap(amount * gain + (1 - amount) * np.eye(3), amount * lift)


def splat_palette(environment: Environment, light: ColourEncoding) -> Palette:
    """Of the splats' mean colours, weighted by opacity and by size, where the largest twentieth count as all alike."""
    splats = environment.splats
    usable = np.isfinite(splats.sh[:, 0]).all(axis=1) & np.isfinite(splats.scales).all(axis=1)
    scales = np.sort(splats.scales[usable].astype(np.float64), axis=1)
    area = scales[:, 1] * scales[:, 2]
    if len(area):
        area = np.minimum(area, np.percentile(area, _LARGEST_PERCENT))
    colours = np.maximum(splats.sh[usable, 0].astype(np.float64) * SH_0 + SH_OFFSET, 0.0)
    return Palette.of(_in_light(colours, environment.encoding, light), splats.opacities[usable] * area)


def seen_palette(renderer: Renderer, scene: Scene, views: Sequence[View], light: ColourEncoding) -> Palette:
    """Of what the views see of the splats, each pixel weighted by its alpha; the sky is left out."""
    colours, weights = [np.empty((0, 3))], [np.empty(0)]
    splats_alone = Scene(scene.layers, encoding=scene.encoding)
    for view in views:
        rgba = renderer.render(splats_alone, [view], depth="none")[0].rgba.astype(np.float64).reshape(-1, 4)
        rgba = rgba[rgba[:, 3] >= _LEAST_ALPHA]
        colours.append(_in_light(np.maximum(rgba[:, :3] / rgba[:, 3:], 0.0), scene.encoding, light))
        weights.append(rgba[:, 3])
    return Palette.of(np.concatenate(colours), np.concatenate(weights))


def _root(matrix: Float64[np.ndarray, "3 3"]) -> Float64[np.ndarray, "3 3"]:
    """The square root of a symmetric matrix without negative eigenvalues."""
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    return (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T


def _in_light(colours: np.ndarray, own: ColourEncoding, wanted: ColourEncoding) -> np.ndarray:
    if own == wanted:
        return colours
    return srgb_encode(colours) if wanted == "srgb" else srgb_decode(colours)

"""Monge-Kantorovich: the linear map that gives one cloud of colours the mean and covariance of another, moving least.

Pitié and Kokaram, "The Linear Monge-Kantorovitch Linear Colour Mapping for Example-Based Colour Transfer" (2007),
equation 14; distribution.py goes beyond the covariance.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float64

from translight.generation.look.encoding import CODE_OF_A_STOP, decode, encode
from translight.generation.look.palette import Palette

SLOPES = (0.25, 4.0)
"""What the map may multiply a contrast by: beyond, a grey picture's noise would become colours."""

_LEAST_SPREAD = 0.05 * CODE_OF_A_STOP
"""Standard deviation that a source is taken to have at least, in every direction of colour."""


@dataclass(frozen=True, slots=True, eq=False)
class LinearTransfer:
    """Codes c ↦ gain·(c − source) + target, in log codes."""

    gain: Float64[np.ndarray, "3 3"]
    """Symmetric, its eigenvalues within SLOPES."""
    source: Float64[np.ndarray, "3"]
    target: Float64[np.ndarray, "3"]

    def __call__(self, light: Float[np.ndarray, "*n 3"]) -> Float[np.ndarray, "*n 3"]:
        """Linear light, mapped and never below 0."""
        gain, shift = self.gain.astype(light.dtype), (self.target - self.gain @ self.source).astype(light.dtype)
        return np.maximum(decode(encode(light, "log") @ gain + shift, "log"), 0)


def linear_transfer(source: Palette, target: Palette) -> LinearTransfer:
    """The map between two palettes.

    The target's covariance is met exactly unless that takes slopes beyond SLOPES: a grey source cannot be coloured
    by a linear map, and a grey target leaves a quarter of the source's colour.
    """
    return LinearTransfer(monge_kantorovich(source.covariance(), target.covariance()), source.mean(), target.mean())


def monge_kantorovich(
    source: Float64[np.ndarray, "3 3"], target: Float64[np.ndarray, "3 3"]
) -> Float64[np.ndarray, "3 3"]:
    """T = Σs^−½ (Σs^½ Σt Σs^½)^½ Σs^−½, with a source that is flat in some direction given a least spread."""
    values, axes = np.linalg.eigh(source)
    values = np.maximum(values, _LEAST_SPREAD**2)
    root, inverse = (axes * values**0.5) @ axes.T, (axes * values**-0.5) @ axes.T
    moved = inverse @ _root(root @ target @ root) @ inverse
    slopes, directions = np.linalg.eigh((moved + moved.T) / 2)
    return (directions * np.clip(slopes, *SLOPES)) @ directions.T


def _root(matrix: Float64[np.ndarray, "3 3"]) -> Float64[np.ndarray, "3 3"]:
    values, axes = np.linalg.eigh((matrix + matrix.T) / 2)
    return (axes * np.sqrt(np.maximum(values, 0))) @ axes.T

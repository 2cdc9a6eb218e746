"""The colours of a picture as a weighted cloud of points: what transfer.py and distribution.py bring together.

Points lie in log codes (encoding.py): there a picture's exposure is a shift, equal steps look equal, and neither the
sun nor noise in the dark rules the statistics. A panorama's pixels weigh by the solid angle that they cover.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from jaxtyping import Float32, Float64

from translight.core.errors import GenerationError
from translight.generation.look.encoding import encode
from translight.generation.preview import shrunk

BRIGHTEST = 0.005
"""Share of the weight that is left out of the statistics: the sun's disc, lamps, glints."""

_WIDTH_PX = 512
_MIN_POINTS = 16


@dataclass(frozen=True, slots=True, eq=False)
class Palette:
    """Colours in log codes, without the brightest; weights sum to 1."""

    codes: Float64[np.ndarray, "n 3"]
    weights: Float64[np.ndarray, "n"]
    knee: float
    """The linear light, of the largest channel, above which colours were left out."""

    def mean(self) -> Float64[np.ndarray, "3"]:
        """Weighted mean."""
        return self.weights @ self.codes

    def covariance(self) -> Float64[np.ndarray, "3 3"]:
        """Weighted covariance."""
        apart = self.codes - self.mean()
        return (apart * self.weights[:, None]).T @ apart

    def moved(self, codes: Float64[np.ndarray, "n 3"]) -> Self:
        """The same points elsewhere."""
        return replace(self, codes=codes)


def palette(light: Float32[np.ndarray, "n 3"], weights: Float64[np.ndarray, "n"], what: str) -> Palette:
    """Of linear light; ``what`` begins errors. Raises GenerationError where there is next to nothing in it."""
    if not np.isfinite(light).all():
        raise GenerationError(f"{what}: holds values that are not numbers")
    seen = weights > 0
    light, weights = np.maximum(light[seen], 0), weights[seen].astype(np.float64)
    if len(light) < _MIN_POINTS:
        raise GenerationError(f"{what}: {len(light)} colours, at least {_MIN_POINTS} are wanted")
    peak = light.max(axis=-1)
    order = np.argsort(peak, kind="stable")
    summed = np.cumsum(weights[order])
    knee = float(peak[order[np.searchsorted(summed, (1 - BRIGHTEST) * summed[-1]).clip(max=len(order) - 1)]])
    kept = peak <= knee
    weights = weights[kept]
    return Palette(encode(light[kept].astype(np.float64), "log"), weights / weights.sum(), max(knee, 1e-3))


def palette_of(light: Float32[np.ndarray, "h w 3"], what: str, *, panorama: bool) -> Palette:
    """Of a picture, averaged down to about 512 columns first. Raises GenerationError as ``palette`` does."""
    small = shrunk(np.ascontiguousarray(light), _WIDTH_PX)
    height, width = small.shape[:2]
    rows = np.cos((0.5 - (np.arange(height) + 0.5) / height) * np.pi) if panorama else np.ones(height)
    return palette(small.reshape(-1, 3), np.repeat(rows, width), what)

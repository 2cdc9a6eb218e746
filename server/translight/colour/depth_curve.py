"""Depth as code values of 8 or 10 bits: logarithmic between near and far (docs/show_file.md, Camera and depth).

A step is the same share of the distance everywhere: depth compositing asks which of two things is nearer, and what is
near is seen at a finer scale.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float64
from numpy.typing import ArrayLike

from translight.core.errors import ShowError

LEAST_NEAR_M = 0.01
LARGEST_FAR_M = 1000.0
FARTHEST_M = 65504.0
"""In place of infinity where depth is sent as half floats: the largest of them, which a filter can still average."""


@dataclass(frozen=True, slots=True)
class DepthCurve:
    """signal = ln(far / z) / ln(far / near), cut off to 0 … 1: near is 1, and 0 is far, or farther, or nothing drawn.

    So a stream that is black, having not begun, is behind everything. Raises ShowError on distances not allowed.
    """

    near_m: float = 0.5
    far_m: float = 100.0

    def __post_init__(self) -> None:
        if not LEAST_NEAR_M <= self.near_m < self.far_m <= LARGEST_FAR_M:
            raise ShowError(
                f"depth wants {LEAST_NEAR_M:g} <= near_m < far_m <= {LARGEST_FAR_M:g} m, "
                f"got near_m {self.near_m:g} and far_m {self.far_m:g}"
            )

    def signal(self, depth_m: ArrayLike) -> Float64[np.ndarray, "*n"]:
        """The signal, 0 to 1, of depths in metres along the camera's axis; +inf gives 0."""
        return np.clip(self.unlimited(np.maximum(np.asarray(depth_m, np.float64), 1e-30)), 0.0, 1.0)

    def unlimited(self, depth_m: Float[np.ndarray, "*n"]) -> Float64[np.ndarray, "*n"]:
        """The same of positive depths without cutting off, for a table that has no kink."""
        with np.errstate(divide="ignore"):
            return np.log(self.far_m / depth_m) / np.log(self.far_m / self.near_m)

    def depth_m(self, signal: ArrayLike) -> Float64[np.ndarray, "*n"]:
        """The inverse: z = far · (near / far)^signal, and +inf where the signal is 0."""
        s = np.asarray(signal, np.float64)
        return np.where(s > 0, self.far_m * (self.near_m / self.far_m) ** s, np.inf)

    def step_m(self, depth_m: ArrayLike, largest_code: int) -> Float64[np.ndarray, "*n"]:
        """How far apart two neighbouring codes are at a depth, with ``largest_code`` 255 or 1023."""
        return np.asarray(depth_m, np.float64) * np.expm1(np.log(self.far_m / self.near_m) / largest_code)

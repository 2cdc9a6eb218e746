"""Colours by spherical harmonics, in the basis of ``splats/sh.py``, whose constants renderers take from here."""

from __future__ import annotations

from math import sqrt

import numpy as np
from jaxtyping import Float64
from numpy.typing import ArrayLike

from translight.splats.sh import SH_0, SH_1, SH_2, SH_3, SH_OFFSET, basis

__all__ = ["SH_0", "SH_1", "SH_2", "SH_3", "SH_OFFSET", "basis", "colours"]


def colours(sh: ArrayLike, directions: ArrayLike) -> Float64[np.ndarray, "n 3"]:
    """max(0, 0.5 + Σ sh·basis) of coefficients (n k 3) in unit directions (n 3) from the eye to each splat."""
    coefficients = np.asarray(sh, dtype=np.float64)
    degree = round(sqrt(coefficients.shape[-2])) - 1
    return np.maximum(np.einsum("nk,nkc->nc", basis(directions, degree), coefficients) + SH_OFFSET, 0.0)

"""How sharp a picture is, for ``keyframes`` and ``inspection``."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Float32, UInt8

_LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)
"""Rec. 709."""


def grey_of(rgb: UInt8[np.ndarray, "h w 3"]) -> Float32[np.ndarray, "h w"]:
    """Luma from 0 to 1."""
    return rgb.astype(np.float32) @ (_LUMA / np.float32(255))


def laplacian_variance(grey: Float[np.ndarray, "h w"]) -> float:
    """The variance of the Laplacian (Pech-Pacheco et al., "Diatom autofocusing in brightfield microscopy", 2000)."""
    inner = grey[1:-1, 1:-1]
    laplacian = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:] - 4 * inner
    return float(laplacian.var())

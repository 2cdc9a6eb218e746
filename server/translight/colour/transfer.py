"""Transfer functions between linear light and the code values of a display: sRGB, gamma 2.4 and PQ.

Each is a pair of pure functions on NumPy arrays (or scalars) of any shape, in the floating type of the input
(float32 stays float32, everything else becomes float64). ``output.py`` joins them into what a wall is sent.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

PQ_PEAK_NITS = 10_000.0
"""Luminance of PQ code value 1."""
_PQ_M1 = 2610 / 16384
_PQ_M2 = 2523 / 4096 * 128
_PQ_C1 = 3424 / 4096
_PQ_C2 = 2413 / 4096 * 32
_PQ_C3 = 2392 / 4096 * 32

_SRGB_LINEAR_CUT = 0.0031308
_SRGB_ENCODED_CUT = 0.04045


def srgb_encode(linear: ArrayLike) -> Float[np.ndarray, "..."]:
    """Code values of linear light, IEC 61966-2-1:1999; the curve goes on above 1, and mirrored below 0."""
    x = _floating(linear)
    magnitude = np.abs(x)
    curve = 1.055 * np.maximum(magnitude, _SRGB_LINEAR_CUT) ** (1 / 2.4) - 0.055
    return np.copysign(np.where(magnitude <= _SRGB_LINEAR_CUT, 12.92 * magnitude, curve), x)


def srgb_decode(encoded: ArrayLike) -> Float[np.ndarray, "..."]:
    """Linear light of sRGB code values, IEC 61966-2-1:1999; goes on above 1, and mirrored below 0."""
    x = _floating(encoded)
    magnitude = np.abs(x)
    curve = ((np.maximum(magnitude, _SRGB_ENCODED_CUT) + 0.055) / 1.055) ** 2.4
    return np.copysign(np.where(magnitude <= _SRGB_ENCODED_CUT, magnitude / 12.92, curve), x)


def gamma_encode(linear: ArrayLike, gamma: float = 2.4) -> Float[np.ndarray, "..."]:
    """Code values of linear light for a display with a power law: ITU-R BT.1886 with zero black (γ 2.4)."""
    x = _floating(linear)
    return np.copysign(np.abs(x) ** (1 / gamma), x)


def gamma_decode(encoded: ArrayLike, gamma: float = 2.4) -> Float[np.ndarray, "..."]:
    """Linear light of a power law's code values, ITU-R BT.1886 with zero black (γ 2.4); mirrored below 0."""
    x = _floating(encoded)
    return np.copysign(np.abs(x) ** gamma, x)


def pq_encode(nits: ArrayLike) -> Float[np.ndarray, "..."]:
    """PQ code values of luminance in cd/m², SMPTE ST 2084:2014 (eq. 5.2); below 0 and above 10000 are clipped."""
    x = _floating(nits)
    y = (np.clip(x, 0, PQ_PEAK_NITS) / PQ_PEAK_NITS) ** _PQ_M1
    return ((_PQ_C1 + _PQ_C2 * y) / (1 + _PQ_C3 * y)) ** _PQ_M2


def pq_decode(encoded: ArrayLike) -> Float[np.ndarray, "..."]:
    """Luminance in cd/m² of PQ code values, SMPTE ST 2084:2014 (eq. 4.1); clipped to [0, 1] first."""
    root = np.clip(_floating(encoded), 0, 1) ** (1 / _PQ_M2)
    y = np.maximum(root - _PQ_C1, 0) / (_PQ_C2 - _PQ_C3 * root)
    return PQ_PEAK_NITS * y ** (1 / _PQ_M1)


def _floating(values: ArrayLike) -> np.ndarray[Any, np.dtype[Any]]:
    array = np.asarray(values)
    return array if array.dtype == np.float32 else array.astype(np.float64, copy=False)

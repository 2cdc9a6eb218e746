"""Turning a cloud's arrays between axes that differ by flips (RDF and RUB), spherical harmonics included.

A flip of axes multiplies each SH basis function by the flips of the axes in which it is odd; a rotation's quaternion
(w, x, y, z) by (1, yz, xz, xy). Source: the polynomials of INRIA's basis; Sloan, "Stupid Spherical Harmonics (SH)
Tricks" (2008), appendix A2.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32

Flips = tuple[int, int, int]
"""+1 or -1 for x, y and z."""

RUB_TO_RDF: Flips = (1, -1, -1)
"""From x right, y up, z back to x right, y down, z forward; its own inverse."""

_ODD_IN = ("y", "z", "x", "xy", "yz", "", "xz", "", "y", "xyz", "y", "z", "x", "z", "x")
"""The axes in which each basis function beyond the constant is odd, in INRIA's order, degrees 1 to 3."""


def mean_signs(flips: Flips) -> Float32[np.ndarray, "3"]:
    """Factors of a position's components."""
    return np.array(flips, dtype=np.float32)


def wxyz_signs(flips: Flips) -> Float32[np.ndarray, "4"]:
    """Factors of a quaternion's components w x y z."""
    x, y, z = flips
    return np.array([1, y * z, x * z, x * y], dtype=np.float32)


def sh_signs(flips: Flips, rest: int) -> Float32[np.ndarray, "k 1"]:
    """Factors of the first ``rest`` SH coefficients beyond the constant, for an array (n, k, 3)."""
    by_axis = dict(zip("xyz", flips, strict=True))
    return np.array([[np.prod([by_axis[axis] for axis in odd])] for odd in _ODD_IN[:rest]], np.float32).reshape(-1, 1)

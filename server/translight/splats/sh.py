"""Real spherical harmonics of degree 0 to 3, in the basis and order that INRIA's 3DGS trainer writes."""

from __future__ import annotations

from math import pi, sqrt

import numpy as np
from jaxtyping import Float64
from numpy.typing import ArrayLike

from translight.splats.cloud import MAX_DEGREE

SH_OFFSET = 0.5
"""Added to the sum of the harmonics, so that coefficients of zero are mid-grey (3DGS, appendix)."""

SH_0 = sqrt(1 / (4 * pi))
SH_1 = sqrt(3 / (4 * pi))
SH_2 = (sqrt(15 / (4 * pi)), sqrt(5 / (16 * pi)), sqrt(15 / (16 * pi)))
"""|m| = 1 and m = −2; m = 0; m = 2."""
SH_3 = (sqrt(35 / (32 * pi)), sqrt(105 / (4 * pi)), sqrt(21 / (32 * pi)), sqrt(7 / (16 * pi)), sqrt(105 / (16 * pi)))
"""|m| = 3; m = −2; |m| = 1; m = 0; m = 2."""


def basis(directions: ArrayLike, degree: int = MAX_DEGREE) -> Float64[np.ndarray, "n k"]:
    """Values of the k = (degree + 1)² harmonics in n unit directions (n 3), m from −l to l within each degree l.

    Signs hold the Condon–Shortley phase, as in Kerbl et al., "3D Gaussian Splatting" (2023) and Yu et al.,
    "Plenoxels" (2022): odd m is negative where Sloan's "Stupid Spherical Harmonics Tricks" (2008) has it too.
    Raises ValueError on a degree outside 0 to 3.
    """
    if not 0 <= degree <= MAX_DEGREE:
        raise ValueError(f"the degree of the spherical harmonics is 0 to {MAX_DEGREE}, got {degree}")
    x, y, z = np.moveaxis(np.asarray(directions, dtype=np.float64), -1, 0)
    columns = [np.full_like(x, SH_0)]
    if degree >= 1:
        columns += [-SH_1 * y, SH_1 * z, -SH_1 * x]
    if degree >= 2:
        a, b, c = SH_2
        columns += [a * x * y, -a * y * z, b * (2 * z * z - x * x - y * y), -a * x * z, c * (x * x - y * y)]
    if degree >= 3:
        a, b, c, d, e = SH_3
        columns += [
            -a * y * (3 * x * x - y * y),
            b * x * y * z,
            -c * y * (4 * z * z - x * x - y * y),
            d * z * (2 * z * z - 3 * x * x - 3 * y * y),
            -c * x * (4 * z * z - x * x - y * y),
            e * z * (x * x - y * y),
            -a * x * (x * x - 3 * y * y),
        ]
    return np.stack(columns, axis=-1)

"""Whites of light sources in linear Rec.709, and the balance of a camera that is set to one of them (colour/grade.py).

The camera adapts by Bradford's transform from its white to D65, Rec.709's own: what its temperature's light shows
white is white in the picture. From 5000 K up a camera's white is a phase of daylight, below 4000 K a black body.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64

from translight.colour.grade import XYZ_FROM_REC709, Grade, white_xyz
from translight.environment.noise import smoothstep

SUN_K = 5800.0
"""Correlated colour temperature of sunlight beyond the air."""
LUMINANCE = XYZ_FROM_REC709[1]
"""Of linear Rec.709."""
_D65_K, _DAYLIGHT_DUV = 6504.0, 0.0032
_LEAST_K, _MOST_K = 1700.0, 15_000.0
"""Between these the black body's chromaticity is known well; what lies beyond is taken as the nearer."""


def white(temperature_k: float) -> Float64[np.ndarray, "3"]:
    """A black body's light, luminance 1."""
    xyz = white_xyz(float(np.clip(temperature_k, _LEAST_K, _MOST_K)))
    return np.asarray(np.linalg.solve(XYZ_FROM_REC709, xyz))


def balance(temperature_k: float) -> Float64[np.ndarray, "3 3"]:
    """Picture of a camera set to a temperature = matrix · linear Rec.709 of the light, luminance of its white kept."""
    k = float(np.clip(temperature_k, _LEAST_K, _MOST_K))
    duv = _DAYLIGHT_DUV * float(smoothstep(4000.0, 5000.0, np.array(k)))
    return Grade(source_k=k, source_duv=duv, target_k=_D65_K, target_duv=_DAYLIGHT_DUV).matrix()

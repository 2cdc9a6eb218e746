"""How the Earth's air weakens light: Rayleigh scattering, haze and ozone by altitude; procedural_sky draws with it.

Coefficients at 680, 550 and 440 nm stand for red, green and blue: Bruneton and Neyret (2008), "Precomputed Atmospheric
Scattering"; ozone's layer: Hillaire (2020), "A Scalable and Production Ready Sky and Atmosphere Rendering Technique".
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float64

from translight.environment.noise import smoothstep

EARTH_M = 6_360_000.0
TOP_M = 6_420_000.0
"""Radii of the Earth and of the air that is looked at."""
RAYLEIGH_PER_M = (5.802e-6, 13.558e-6, 33.1e-6)
RAYLEIGH_HEIGHT_M = 8000.0
_SUN_STEPS = 10


@dataclass(frozen=True, slots=True)
class Atmosphere:
    """Air with haze in it."""

    haze_per_m: tuple[float, float, float] = (2.0e-6, 2.05e-6, 2.1e-6)
    """What particles scatter at the floor."""
    absorbed: float = 0.11
    """What they absorb, as a share of that."""
    haze_height_m: float = 1200.0
    rayleigh_per_m: tuple[float, float, float] = RAYLEIGH_PER_M
    """What clean air scatters at sea level."""
    ozone_per_m: tuple[float, float, float] = (0.650e-6, 1.881e-6, 0.085e-6)
    """What ozone absorbs in the middle of its layer, 25 km up; it thins out over 15 km to both sides."""


CLEAN = Atmosphere()


def extinction_per_m(altitude_m: Float64[np.ndarray, "*n"], within: Atmosphere = CLEAN) -> Float64[np.ndarray, "*n 3"]:
    """What red, green and blue lose in a metre at an altitude."""
    air = np.exp(-altitude_m / RAYLEIGH_HEIGHT_M)[..., None] * np.array(within.rayleigh_per_m)
    haze = np.array(within.haze_per_m) * (1 + within.absorbed)
    particles = np.exp(-altitude_m / within.haze_height_m)[..., None] * haze
    ozone = np.maximum(1 - np.abs(altitude_m - 25_000.0) / 15_000.0, 0.0)[..., None] * np.array(within.ozone_per_m)
    return air + particles + ozone


def sun_transmittance(
    altitude_m: Float64[np.ndarray, "*n"],
    sine: Float64[np.ndarray, "*n"],
    within: Atmosphere = CLEAN,
    steps: int = _SUN_STEPS,
) -> Float64[np.ndarray, "*n 3"]:
    """What is left of light from beyond the air at an altitude, from an elevation of that sine.

    Nothing comes from below the horizon there; the sun's own width softens its setting.
    """
    radius = EARTH_M + np.maximum(altitude_m, 0.0)
    length = -radius * sine + np.sqrt(np.maximum((radius * sine) ** 2 + TOP_M**2 - radius**2, 0.0))
    edges = (np.arange(steps + 1) / steps) ** 2
    depth = np.zeros((*np.shape(sine), 3))
    for low, high in itertools.pairwise(edges):
        t = length * 0.5 * (low + high)
        there = np.sqrt(radius**2 + t * t + 2 * radius * t * sine) - EARTH_M
        depth += extinction_per_m(np.maximum(there, -500.0), within) * (length * (high - low))[..., None]
    horizon = -np.sqrt(np.maximum(1 - (EARTH_M / radius) ** 2, 0.0))
    return np.exp(-depth) * smoothstep(-0.006, 0.006, sine - horizon)[..., None]


def henyey_greenstein(cosine: Float[np.ndarray, "*n"], g: float) -> Float[np.ndarray, "*n"]:
    """Phase function of asymmetry g, 1/sr, by the cosine of the angle from the way that the light goes on."""
    return (1 - g * g) / (4 * np.pi) / (1 + g * g - 2 * g * cosine) ** 1.5

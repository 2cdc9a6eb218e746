"""Light that the clear air sends to the eye from a far source, on coarse nodes; paint_kernel.py paints with it.

Single scattering: Nishita et al. (1993), "Display of the Earth Taking into Account Atmospheric Scattering", with each
step integrated exactly and light scattered twice or more as if from everywhere: Hillaire (2020), "A Scalable and
Production Ready Sky and Atmosphere Rendering Technique", sections 5.2 and 5.5. A source below the horizon lights the
air over it, so Earth's shadow and the band over it (the Belt of Venus) come of themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from jaxtyping import Float64

from translight.environment.atmosphere import (
    EARTH_M,
    RAYLEIGH_HEIGHT_M,
    TOP_M,
    Atmosphere,
    extinction_per_m,
    sun_transmittance,
)

EYE_M = 20.0
"""Altitude that the sky is seen from."""
ELEVATIONS, AZIMUTHS = 72, 37
_STEPS = 40
_ALTITUDES, _SINES, _LEAST_SINE = 10, 26, -0.28
_RINGS, _SECTORS, _FAR_STEPS = 8, 6, 16
_SIDEWAYS = 0.65
"""Share of haze's scattering that turns light away: 1 − g, g the mean cosine, and a little more."""
_GROUND = 0.2
"""Albedo of the land all around, which lights the air from below."""


@dataclass(frozen=True, slots=True, eq=False)
class Glow:
    """What a source of irradiance 1 in every colour makes the air send, by elevation and azimuth away from it.

    Nodes of elevation: π/2 · (i / (e − 1))²; of azimuth: evenly from 0 to π. ``air`` and ``haze`` are to be multiplied
    by their phase functions (1/sr); ``again``, scattered more than once, is radiance already.
    """

    air: Float64[np.ndarray, "e a 3"]
    haze: Float64[np.ndarray, "e a 3"]
    again: Float64[np.ndarray, "e a 3"]


def scattered(sine: float, within: Atmosphere) -> Glow:
    """The glow of a source whose elevation has this sine, within such air."""
    e = (0.5 * np.pi * np.linspace(0.0, 1.0, ELEVATIONS) ** 2)[:, None, None]
    a = np.linspace(0.0, np.pi, AZIMUTHS)[None, :, None]
    eye = EARTH_M + EYE_M
    length = -eye * np.sin(e) + np.sqrt((eye * np.sin(e)) ** 2 + TOP_M**2 - eye**2)
    edges = (np.arange(_STEPS + 1) / _STEPS) ** 3
    t, step = length * 0.5 * (edges[1:] + edges[:-1]), length * np.diff(edges)
    out, up = t * np.cos(e), eye + t * np.sin(e)
    radius = np.hypot(out, up)
    altitude = np.broadcast_to(radius - EARTH_M, (ELEVATIONS, AZIMUTHS, _STEPS))
    # the source's height over the local horizon changes along the ray: this is what makes twilight one-sided
    local = (out * np.cos(a) * np.sqrt(1 - sine * sine) + up * sine) / radius
    seen = _seen(extinction_per_m(altitude[:, :1], within), step)
    direct = sun_transmittance(altitude, local, within) * seen
    rayleigh, particles = _scattering_per_m(altitude, within)
    again = _between(_often(within), altitude, local) * seen
    return Glow(
        air=(direct * rayleigh).sum(axis=2),
        haze=(direct * particles).sum(axis=2),
        again=(again * (rayleigh + _SIDEWAYS * particles)).sum(axis=2),
    )


def _scattering_per_m(
    altitude: Float64[np.ndarray, "*n"], within: Atmosphere
) -> tuple[Float64[np.ndarray, "*n 3"], Float64[np.ndarray, "*n 3"]]:
    rayleigh = np.exp(-altitude / RAYLEIGH_HEIGHT_M)[..., None] * np.array(within.rayleigh_per_m)
    return rayleigh, np.exp(-altitude / within.haze_height_m)[..., None] * np.array(within.haze_per_m)


def _sideways_per_m(altitude: Float64[np.ndarray, "*n"], within: Atmosphere) -> Float64[np.ndarray, "*n 3"]:
    """Scattering as if from everywhere: what haze scatters, mostly goes on as before."""
    rayleigh, particles = _scattering_per_m(altitude, within)
    return rayleigh + _SIDEWAYS * particles


def _seen(
    extinction: Float64[np.ndarray, "*n s 3"], step: Float64[np.ndarray, "*n s"]
) -> Float64[np.ndarray, "*n s 3"]:
    """Metres' worth of each step that reaches the eye: what is scattered in it is weakened within it, too."""
    depth = extinction * step[..., None]
    before = np.cumsum(depth, axis=-2) - depth
    return np.exp(-before) * -np.expm1(-depth) / np.maximum(extinction, 1e-30)


@cache
def _often(within: Atmosphere) -> Float64[np.ndarray, "h s 3"]:
    """Radiance from everywhere of light scattered twice or more, by altitude and the source's sine: Hillaire's Ψ."""
    altitude = (TOP_M - EARTH_M) * np.linspace(0.0, 0.99, _ALTITUDES) ** 2 + 5.0
    source = np.linspace(_LEAST_SINE, 1.0, _SINES)
    ring = (np.arange(_RINGS) + 0.5) / _RINGS * 2 - 1
    sector = (np.arange(_SECTORS) + 0.5) / _SECTORS * np.pi
    radius = (EARTH_M + altitude)[:, None]
    inside = (radius * ring) ** 2 + EARTH_M**2 - radius**2
    falls = (ring < 0) & (inside > 0)
    outside = (radius * ring) ** 2 + TOP_M**2 - radius**2
    length = -radius * ring + np.where(falls, -1.0, 1.0) * np.sqrt(np.where(falls, inside, outside))
    edges = (np.arange(_FAR_STEPS + 1) / _FAR_STEPS) ** 2
    t, step = length[..., None] * 0.5 * (edges[1:] + edges[:-1]), length[..., None] * np.diff(edges)
    up, out = radius[..., None] + t * ring[:, None], t * np.sqrt(1 - ring * ring)[:, None]
    there = np.hypot(up, out)
    height = np.maximum(there - EARTH_M, 0.0)
    extinction = extinction_per_m(height, within)
    seen, scattering = _seen(extinction, step), _sideways_per_m(height, within)
    share = (scattering * seen).sum(axis=2).mean(axis=1)
    twice = np.empty((_ALTITUDES, _SINES, 3))
    for i, sine in enumerate(source):
        level = np.sqrt(1 - sine * sine)
        local = (out[..., None] * np.cos(sector) * level + up[..., None] * sine) / there[..., None]
        sun = sun_transmittance(np.broadcast_to(height[..., None], local.shape), local, within).mean(axis=-2)
        once = (sun * scattering * seen).sum(axis=2) / (4 * np.pi)
        # what falls on the land is sent back; its own slope towards the source is that of the point over it
        ground = sun_transmittance(np.zeros(1), np.array([sine]), within)[0] * max(sine, 0.0) * _GROUND / np.pi
        back = np.exp(-(extinction * step[..., None]).sum(axis=2)) * falls[..., None] * ground
        twice[:, i] = (once + back).mean(axis=1)
    return np.asarray(twice / (1 - np.minimum(share, 0.97))[:, None])


def _between(
    table: Float64[np.ndarray, "h s 3"], altitude: Float64[np.ndarray, "*n"], sine: Float64[np.ndarray, "*n"]
) -> Float64[np.ndarray, "*n 3"]:
    """The table between its nodes."""
    across = np.sqrt(np.clip(altitude / ((TOP_M - EARTH_M) * 0.99), 0.0, 1.0)) * (_ALTITUDES - 1)
    along = np.clip((sine - _LEAST_SINE) / (1 - _LEAST_SINE), 0.0, 1.0) * (_SINES - 1)
    i, j = np.minimum(across.astype(int), _ALTITUDES - 2), np.minimum(along.astype(int), _SINES - 2)
    u, v = (across - i)[..., None], (along - j)[..., None]
    low, high = table[i, j] * (1 - v) + table[i, j + 1] * v, table[i + 1, j] * (1 - v) + table[i + 1, j + 1] * v
    return np.asarray(low * (1 - u) + high * u)

"""A sunset sky, computed: single scattering in air, haze and ozone, thin clouds lit from below, and the sun's disc.

Method: Nishita et al., "Display of the Earth Taking into Account Atmospheric Scattering" (1993), with the ozone layer
of Bruneton's "Precomputed Atmospheric Scattering" (2017 revision). Light scattered more than once is a flat share of
what is scattered once. The sky's frame is Environment.sky's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64

from translight.environment.atmosphere import (
    CLEAN,
    EARTH_M,
    RAYLEIGH_HEIGHT_M,
    RAYLEIGH_PER_M,
    TOP_M,
    extinction_per_m,
    henyey_greenstein,
    sun_transmittance,
)
from translight.environment.noise import fractal, smoothstep

_STEPS = 24
_ELEVATIONS, _AZIMUTHS = 40, 25
_MULTIPLE = 0.09
"""Share of light scattered again, as if from everywhere."""
_GRADE = np.array([1.04, 0.93, 1.06])
"""The balance that a camera set for warm daylight gives it."""
_SUN_RADIUS_RAD = 0.00465
_DISC_PEAK = 16.0
"""Radiance in its middle, in units of the exposed picture."""


@dataclass(frozen=True, slots=True, eq=False)
class Sky:
    """``picture`` (h w 3) linear radiance; ``sun_direction`` (3) unit, stage axes; ``sun`` (3) irradiance facing it."""

    picture: Float32[np.ndarray, "h w 3"]
    clear: Float32[np.ndarray, "h w 3"]
    sun_direction: Float64[np.ndarray, "3"]
    sun: Float64[np.ndarray, "3"]


def make_sky(
    height_px: int,
    *,
    sun_azimuth_deg: float,
    sun_elevation_deg: float,
    ground: Float64[np.ndarray, "3"],
    exposure: float,
    seed: int,
) -> Sky:
    """A sky of 2·height by height texels. Azimuth is from stage +Y to the right; ``ground`` is the land's colour."""
    azimuth, elevation = np.radians(sun_azimuth_deg), np.radians(sun_elevation_deg)
    sun_direction = np.array(
        [np.sin(azimuth) * np.cos(elevation), np.cos(azimuth) * np.cos(elevation), np.sin(elevation)]
    )
    rows, columns = np.mgrid[0:height_px, 0 : 2 * height_px].astype(np.float32)
    view_azimuth = ((columns[0] + 0.5) / (2 * height_px) - 0.5) * 2 * np.pi
    view_elevation = (0.5 - (rows[:, 0] + 0.5) / height_px) * np.pi
    directions = np.stack(
        [
            np.cos(view_elevation)[:, None] * np.sin(view_azimuth),
            np.cos(view_elevation)[:, None] * np.cos(view_azimuth),
            np.repeat(np.sin(view_elevation)[:, None], 2 * height_px, axis=1),
        ],
        axis=-1,
    ).astype(np.float32)
    through = sun_transmittance(np.array([50.0]), np.array([np.sin(elevation)]))[0]
    sun = exposure * _GRADE * through
    upper = height_px // 2
    clear = np.empty((height_px, 2 * height_px, 3), np.float32)
    own = _clear_sky(directions[:upper], view_elevation[:upper], view_azimuth - azimuth, sun_direction)
    clear[:upper] = exposure * _GRADE * own
    clear[upper:] = clear[upper - 1]
    picture = clear.copy()
    picture[:upper] = _with_clouds(picture[:upper], directions[:upper], sun_direction, exposure, seed)
    picture += _disc(directions, sun_direction, sun)
    fade = smoothstep(0.0, 0.35, -view_elevation)[:, None, None]
    land = ground.astype(np.float32) * (1 - 0.25 * fade)
    haze = np.exp(np.minimum(view_elevation, 0.0) * 18.0)[:, None, None].astype(np.float32)
    below = clear * haze + land * (1 - haze)
    picture[upper:] = below[upper:]
    return Sky(picture, clear, sun_direction, sun)


def _clear_sky(
    directions: Float32[np.ndarray, "h w 3"],
    elevation: Float32[np.ndarray, "h"],
    azimuth: Float32[np.ndarray, "w"],
    sun_direction: Float64[np.ndarray, "3"],
) -> Float32[np.ndarray, "h w 3"]:
    """In-scattered light: integrals on a coarse grid, interpolated, times the phase functions at every texel."""
    nodes_e = 0.5 * np.pi * np.linspace(0.0, 1.0, _ELEVATIONS) ** 2
    nodes_a = np.linspace(0.0, np.pi, _AZIMUTHS)
    air, haze = _integrals(nodes_e, nodes_a, sun_direction)
    at_e = np.sqrt(np.clip(elevation / (0.5 * np.pi), 0.0, 1.0)) * (_ELEVATIONS - 1)
    at_a = np.abs((azimuth + np.pi) % (2 * np.pi) - np.pi) / np.pi * (_AZIMUTHS - 1)
    air_map, haze_map = _bilinear(air, at_e, at_a), _bilinear(haze, at_e, at_a)
    cosine = directions @ sun_direction.astype(np.float32)
    rayleigh = (3 / (16 * np.pi) * (1 + cosine * cosine))[..., None]
    mie = (0.92 * henyey_greenstein(cosine, 0.74) + 0.08 * henyey_greenstein(cosine, 0.96))[..., None]
    return (air_map * (rayleigh + _MULTIPLE) + haze_map * (mie + _MULTIPLE)).astype(np.float32)


def _integrals(
    elevation: Float64[np.ndarray, "e"], azimuth: Float64[np.ndarray, "a"], sun_direction: Float64[np.ndarray, "3"]
) -> tuple[Float64[np.ndarray, "e a 3"], Float64[np.ndarray, "e a 3"]]:
    """Light that air and haze send to the eye before their phase functions, for a sun of irradiance 1."""
    sine_sun = sun_direction[2]
    cosine_sun = np.sqrt(1 - sine_sun**2)
    e, a = elevation[:, None, None], azimuth[None, :, None]
    sine = np.sin(e)
    length = -EARTH_M * sine + np.sqrt((EARTH_M * sine) ** 2 + TOP_M**2 - EARTH_M**2)
    edges = (np.arange(_STEPS + 1) / _STEPS) ** 2
    middle = 0.5 * (edges[1:] + edges[:-1])
    t = length * middle
    step = length * np.diff(edges)
    up = EARTH_M + t * sine
    out = t * np.cos(e)
    radius = np.hypot(up, out)
    altitude = radius - EARTH_M
    # the sun's height over the local horizon changes along the ray: this is what makes the glow one-sided
    local_sine = (out * np.cos(a) * cosine_sun + up * sine_sun) / radius
    sunlight = sun_transmittance(np.broadcast_to(altitude, local_sine.shape), local_sine)
    extinction = extinction_per_m(altitude)
    depth = np.cumsum(extinction * step[..., None], axis=2) - 0.5 * extinction * step[..., None]
    arriving = np.exp(-depth) * sunlight * step[..., None]
    air = (arriving * np.exp(-altitude / RAYLEIGH_HEIGHT_M)[..., None] * RAYLEIGH_PER_M).sum(axis=2)
    haze = (arriving * np.exp(-altitude / CLEAN.haze_height_m)[..., None] * np.array(CLEAN.haze_per_m)).sum(axis=2)
    return air, haze


def _bilinear(
    table: Float64[np.ndarray, "e a 3"], at_e: Float64[np.ndarray, "h"], at_a: Float64[np.ndarray, "w"]
) -> Float32[np.ndarray, "h w 3"]:
    def weights(at: np.ndarray, count: int) -> np.ndarray:
        low = np.clip(np.floor(at).astype(int), 0, count - 2)
        matrix = np.zeros((len(at), count))
        matrix[np.arange(len(at)), low] = 1 - (at - low)
        matrix[np.arange(len(at)), low + 1] = at - low
        return matrix

    half = np.einsum("he,eac->hac", weights(at_e, table.shape[0]), table)
    return np.einsum("wa,hac->hwc", weights(at_a, table.shape[1]), half).astype(np.float32)


def _with_clouds(
    clear: Float32[np.ndarray, "h w 3"],
    directions: Float32[np.ndarray, "h w 3"],
    sun_direction: Float64[np.ndarray, "3"],
    exposure: float,
    seed: int,
) -> Float32[np.ndarray, "h w 3"]:
    """High streaks and lower rolls, thin enough that the sky shows through, brighter and warmer towards the sun."""
    shape = clear.shape[:2]
    z = directions[..., 2]
    plane = (directions[..., :2] / (z[..., None] + 0.06)).reshape(-1, 2)
    cosine = directions @ sun_direction.astype(np.float32)
    high = sun_transmittance(np.array([4000.0]), np.array([sun_direction[2]]))[0]
    low = sun_transmittance(np.array([700.0]), np.array([sun_direction[2]]))[0]
    picture = clear
    streaks = plane @ np.array([[0.30, 0.95], [-0.12, 2.4]], np.float32)
    warp = fractal(plane * 0.55, seed + 1, 3)[:, None] * np.array([0.9, 0.5], np.float32)
    cirrus = smoothstep(0.02, 0.62, fractal(streaks * 0.55 + warp, seed + 2, 6, gain=0.6).reshape(shape) + 0.05)
    rolls = fractal(plane * np.array([0.45, 1.25], np.float32) + 0.5 * warp, seed + 3, 6, gain=0.55).reshape(shape)
    cumulus = smoothstep(0.12, 0.55, rolls)
    phase = 0.55 * henyey_greenstein(cosine, 0.6) + 0.06
    for amount, light, cover in ((cirrus, high, 0.55), (cumulus, low, 0.8)):
        edge = smoothstep(0.0, 0.16, z) if cover > 0.6 else smoothstep(0.0, 0.10, z)
        alpha = (amount * cover * edge)[..., None]
        lit = exposure * light * (phase * (1.9 - 0.9 * amount))[..., None]
        ambient = 0.40 * clear + 0.02 * exposure * np.array([0.25, 0.28, 0.42])
        picture = picture * (1 - alpha) + (lit + ambient) * alpha
    return picture.astype(np.float32)


def _disc(
    directions: Float32[np.ndarray, "h w 3"], sun_direction: Float64[np.ndarray, "3"], sun: Float64[np.ndarray, "3"]
) -> Float32[np.ndarray, "h w 3"]:
    """The sun, drawn wider and dimmer than it is, so that it stays round when texels are interpolated."""
    texel = np.pi / directions.shape[0]
    angle = np.arccos(np.clip(directions @ sun_direction.astype(np.float32), -1, 1))
    width = max(_SUN_RADIUS_RAD, 1.1 * texel)
    shape = np.exp(-0.5 * np.minimum(angle / width, 9.0) ** 2)
    return (shape[..., None] * (sun / sun.max() * _DISC_PEAK)).astype(np.float32)

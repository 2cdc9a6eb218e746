"""Halation: light that film's base reflects glows red around what is bright; film.py's stocks say how much.

On a panorama light spreads on the sphere, as heat does: around the parallel by its Fourier series, along the meridian
in implicit steps of finite volumes. Both keep each channel's energy (solid angle times light), constants, and what is
equal all round; there is no seam and no pole.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32, Float64
from scipy import linalg, ndimage

RADIUS_DEG = 0.25
"""Standard deviation of the glow: 0.15 mm on film behind 35 mm."""

_STEPS = 4
_BLOCK_COLUMNS = 2048


def glowing(
    light: Float32[np.ndarray, "h w 3"],
    share: tuple[float, float, float],
    radius_deg: float = RADIUS_DEG,
    *,
    focal_px: float | None = None,
) -> Float32[np.ndarray, "h w 3"]:
    """The light with some of each channel spread out; ``focal_px`` of a still's camera, None for a panorama."""
    radius = float(np.radians(radius_deg))
    glow = np.empty_like(light)
    for i, part in enumerate(share):
        channel = light[..., i]
        if focal_px is None:
            spread = spread_on_sphere(channel, radius)
        else:
            spread = ndimage.gaussian_filter(channel, radius * focal_px, mode="reflect")
        glow[..., i] = channel * np.float32(1 - part) + spread * np.float32(part)
    return glow


def spread_on_sphere(channel: Float32[np.ndarray, "h w"], radius: float) -> Float32[np.ndarray, "h w"]:
    """A panorama's channel after heat has spread for so long that a point has this standard deviation (radians)."""
    height, width = channel.shape
    edge = (0.5 - np.arange(height + 1) / height) * np.pi
    time = radius**2 / 2 / _STEPS
    band = -np.diff(np.sin(edge))
    flux = time * np.cos(edge[1:-1]) / (np.pi / height)
    rows = _implicit(band, flux)
    level = np.cos((edge[:-1] + edge[1:]) / 2)
    order = np.fft.rfftfreq(width, 1 / width)
    fade = np.exp(-time * (order[None] / level[:, None]) ** 2).astype(np.float32)
    spread = channel
    for _ in range(_STEPS):
        spread = np.fft.irfft(np.fft.rfft(spread, axis=1) * fade, width, axis=1).astype(np.float32)
        spread = _solved(rows, band, spread)
    return spread


def _implicit(band: Float64[np.ndarray, "h"], flux: Float64[np.ndarray, "h1"]) -> Float64[np.ndarray, "3 h"]:
    """Diagonals of band·u − flux out + flux in, as scipy's solve_banded takes them."""
    rows = np.zeros((3, len(band)))
    rows[0, 1:], rows[2, :-1] = -flux, -flux
    rows[1] = band
    rows[1, :-1] += flux
    rows[1, 1:] += flux
    return rows


def _solved(
    rows: Float64[np.ndarray, "3 h"], band: Float64[np.ndarray, "h"], light: Float32[np.ndarray, "h w"]
) -> Float32[np.ndarray, "h w"]:
    out = np.empty_like(light)
    for left in range(0, light.shape[1], _BLOCK_COLUMNS):
        part = slice(left, left + _BLOCK_COLUMNS)
        out[:, part] = linalg.solve_banded((1, 1), rows, light[:, part] * band[:, None])
    return out

"""The night sky behind everything: stars as bright, as many and as coloured as they are, and the Milky Way.

Counts: about 10^(0.51 m + 0.64) stars are brighter than magnitude m over the whole sky (Allen's Astrophysical
Quantities, 4th edition, section 19.1, rounded); the faint ones crowd towards the Milky Way. Magnitude 0 gives 2.5 µlx.
"""

from __future__ import annotations

from pathlib import Path

import numba
import numpy as np
from jaxtyping import Float32, Float64

from translight.core.kernel_cache import cached
from translight.environment import noise
from translight.environment.noise import fractal_at, start_of
from translight.generation.panorama import pixels
from translight.generation.procedural.sky.white import white

SUN_LUX = 128_000.0
"""Illuminance that is 1 here: sunlight beyond the air."""
ZERO_MAGNITUDE = 2.5e-6 / SUN_LUX
_SLOPE, _COUNT = 0.51, 0.64
_BRIGHTEST, _FAINTEST = -1.4, 8.5
_WIDTH_PX = 0.62
"""Standard deviation of a star's image."""
_MILKY_WAY = 1.1e-3 / SUN_LUX
"""Radiance of its bright middle: 1.1 mcd/m²."""
_TEMPERATURES_K = np.array([3200.0, 3900.0, 4800.0, 5800.0, 7200.0, 9500.0, 13_000.0])
_SHARES = np.array([0.10, 0.20, 0.20, 0.12, 0.14, 0.16, 0.08])
"""Of what is seen with the naked eye."""
_FAST = {"contract", "arcp", "nsz", "reassoc"}


def add_stars(picture: Float32[np.ndarray, "h w 3"], height_px: int, seed: int, gain: Float64[np.ndarray, "3"]) -> None:
    """Add stars and the Milky Way to the upper rows, or all, of a sky of ``height_px`` rows, times ``gain``.

    Units are those of SUN_LUX. Where they stand follows from the seed.
    """
    rng = np.random.default_rng([seed, 5])
    poles = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    north, centre = poles[0], poles[1]
    rows = picture.shape[0]
    elevation = (0.5 - (np.arange(rows) + 0.5) / height_px) * np.pi
    azimuth = ((np.arange(picture.shape[1]) + 0.5) / height_px - 1.0) * np.pi
    rise = np.stack([np.sin(elevation), np.cos(elevation)], axis=-1)
    turn = np.stack([np.sin(azimuth), np.cos(azimuth)], axis=-1)
    # low in the sky there is more air on the way
    thin = np.clip(np.sin(elevation) * 4 + 0.3, 0.0, 1.0) if rows < height_px else np.ones(rows)
    band = np.array([1.0, 0.93, 0.86]) * _MILKY_WAY * gain
    _milky_way(picture, rise, turn, north, centre, start_of(seed + 71), band, thin)
    direction, magnitude, colour = _catalogue(rng, north)
    at = pixels(direction, height_px)
    flux = colour * (ZERO_MAGNITUDE * 10.0 ** (-0.4 * magnitude))[:, None] * gain
    order = np.argsort(-magnitude)
    _spread(picture, at[order], flux[order], np.pi / height_px, _WIDTH_PX, thin)


def _catalogue(
    rng: np.random.Generator, north: Float64[np.ndarray, "3"]
) -> tuple[Float64[np.ndarray, "n 3"], Float64[np.ndarray, "n"], Float64[np.ndarray, "n 3"]]:
    """Directions, magnitudes and colours."""
    count = int(10 ** (_SLOPE * _FAINTEST + _COUNT))
    most = 10 ** (_SLOPE * _FAINTEST)
    least = 10 ** (_SLOPE * _BRIGHTEST)
    magnitude = np.log10(rng.uniform(least, most, count)) / _SLOPE
    direction = rng.normal(size=(count, 3))
    # squeezed towards the galaxy's plane, the fainter the more
    along = direction @ north
    squeeze = np.where(rng.uniform(size=count) < np.clip(0.12 * (magnitude - 1.0), 0.0, 0.75), 0.25, 0.9)
    direction -= ((1 - squeeze) * along)[:, None] * north
    direction /= np.linalg.norm(direction, axis=1)[:, None]
    kinds = np.stack([white(k) for k in _TEMPERATURES_K])
    return direction, magnitude, np.maximum(kinds, 0.0)[rng.choice(len(kinds), count, p=_SHARES)]


@numba.njit(nogil=True, cache=True, error_model="numpy")
def _spread(picture, at, flux, texel, width, thin):  # type: ignore[no-untyped-def]
    """Add each star as a round spot that holds its flux, as wide in angle at every elevation."""
    rows, columns = picture.shape[0], picture.shape[1]
    for n in range(len(at)):
        row = at[n, 1] - 0.5
        if row > rows + 2:
            continue
        level = max(np.sin((row + 0.5) * texel), 0.3 * texel)
        reach = min(int(3.0 * width / level) + 1, columns // 2)
        column = at[n, 0] - 0.5
        peak = 1.0 / (6.283185307 * width * width * texel * texel)
        for i in range(max(int(row) - 2, 0), min(int(row) + 4, rows)):
            here = np.sin((i + 0.5) * texel)
            for j in range(int(column) - reach, int(column) + reach + 1):
                across = (j - column) * min(here, level) / width
                down = (i - row) / width
                value = peak * np.exp(-0.5 * (across * across + down * down)) * thin[i]
                for k in range(3):
                    picture[i, j % columns, k] += flux[n, k] * value


@numba.njit(nogil=True, fastmath=_FAST)
def _fractal(x, y, z, solid, start, octaves, gain, lacunarity):  # type: ignore[no-untyped-def]
    return fractal_at(x, y, z, solid, start, octaves, gain, lacunarity)


def _band(picture, rise, turn, north, centre, start, colour, thin):  # type: ignore[no-untyped-def]
    """The Milky Way: a band with a bulge and lanes of dust."""
    two = np.float32(2.03)
    for i in numba.prange(rise.shape[0]):
        for j in range(picture.shape[1]):
            x, y, z = rise[i, 1] * turn[j, 0], rise[i, 1] * turn[j, 1], rise[i, 0]
            b = x * north[0] + y * north[1] + z * north[2]
            if abs(b) > 0.6:
                continue
            near = 0.5 + 0.5 * (x * centre[0] + y * centre[1] + z * centre[2])
            fx, fy, fz = np.float32(4.0 * x), np.float32(4.0 * y), np.float32(4.0 * z)
            wave = _fractal(fx, fy, fz, True, start, 7, np.float32(0.6), two)
            lane = _fractal(
                np.float32(1.6) * fx,
                np.float32(1.6) * fy,
                np.float32(1.6) * fz,
                True,
                start + np.uint32(3),
                7,
                np.float32(0.62),
                two,
            )
            wide = 0.10 + 0.09 * near**4
            glow = np.exp(-((b / wide) ** 2)) * (0.25 + 0.75 * near**3) * max(1.0 + 1.3 * wave, 0.1)
            dust = np.exp(-(((b + 0.05 * wave) / 0.055) ** 2)) * min(max(0.75 + 1.6 * lane, 0.0), 1.0)
            value = glow * (1.0 - 0.85 * dust) * thin[i]
            picture[i, j, 0] += colour[0] * value * (1.0 - 0.1 * dust)
            picture[i, j, 1] += colour[1] * value * (1.0 - 0.2 * dust)
            picture[i, j, 2] += colour[2] * value * (1.0 - 0.35 * dust)


_milky_way = cached(
    numba.njit(nogil=True, parallel=True, error_model="numpy", fastmath=_FAST)(_band), Path(noise.__file__).parent
)

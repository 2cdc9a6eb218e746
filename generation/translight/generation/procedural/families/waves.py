"""A sea's waves as scene.Water's sines, sampled from published spectra: wind sea, swell, and the slopes of short waves.

Wind sea: Pierson and Moskowitz (J. Geophys. Res. 69, 1964) where it is fully developed, JONSWAP (Hasselmann et al.,
1973) where the fetch is short; spread about the wind after Mitsuyasu as Goda gives it ("Random Seas and Design of
Maritime Structures", 3rd ed., 2010). Short waves: mean square slopes of Cox and Munk (J. Opt. Soc. Am. 44, 1954).
Foam: Monahan and O'Muircheartaigh (J. Phys. Oceanogr. 10, 1980).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

GRAVITY = 9.81
_PM_ALPHA, _PM_BETA = 8.1e-3, 0.74
_JONSWAP_SHAPE = 0.3046
"""m0 over α g²/ω⁴ of the peak, for γ = 3.3. The variance is set to what the experiment measured, 1.6e-7 gF/U² · U⁴/g²,
which its mean α overstates by half."""
_TO_19_5_M = 1.026
"""Wind at 19.5 m over wind at 10 m."""
_LEAST_WIND_M_S = 0.7
_LONG, _SWELL, _SHORT = 72, 16, 56
_BAND = 0.45, 5.0
"""Of the peak's frequency: what is sampled as wind sea; above it, slopes count and heights do not."""
_SHORTEST_M = 0.03


@dataclass(frozen=True, slots=True)
class Swell:
    """Waves from afar: significant height, peak period, azimuth they come from."""

    height_m: float
    period_s: float
    from_rad: float


def wind_sea(omega: Float64[np.ndarray, "n"], wind_m_s: float, fetch_m: float = np.inf) -> Float64[np.ndarray, "n"]:
    """Spectral density (m² s) of the surface at angular frequencies, for a wind at 10 m."""
    peak, alpha, gamma = _peak(wind_m_s, fetch_m)
    sigma = np.where(omega <= peak, 0.07, 0.09)
    enhanced = gamma ** np.exp(-0.5 * ((omega / peak - 1.0) / sigma) ** 2)
    return np.asarray(alpha * GRAVITY**2 * omega**-5.0 * np.exp(-1.25 * (peak / omega) ** 4) * enhanced)


def variance_m2(wind_m_s: float, fetch_m: float = np.inf) -> float:
    """The wind sea's m0; the significant height is four times its root."""
    peak = _peak(wind_m_s, fetch_m)[0]
    omega = np.geomspace(0.3 * peak, 60.0 * peak, 4000)
    return float(np.trapezoid(wind_sea(omega, wind_m_s, fetch_m), omega))


def slope_variances(wind_m_s: float) -> tuple[float, float]:
    """Mean square slope along the wind and across it, of a clean sea (Cox and Munk 1954)."""
    return 3.16e-3 * wind_m_s, 3.0e-3 + 1.92e-3 * wind_m_s


def whitecap_share(wind_m_s: float) -> float:
    """Share of the surface that is foam."""
    return min(3.84e-6 * wind_m_s**3.41, 0.3)


def sampled(
    wind_m_s: float, from_rad: float, seed: int, *, fetch_m: float = np.inf, swell: Swell | None = None
) -> Float64[np.ndarray, "k 4"]:
    """Sines as scene.Water wants them; ``from_rad`` is the azimuth that the wind comes from.

    Half the sum of their squared amplitudes is the variance of wind sea and swell.
    """
    rng = np.random.default_rng(seed)
    wind = max(wind_m_s, _LEAST_WIND_M_S)
    peak = _peak(wind, fetch_m)[0]
    edges = peak * np.geomspace(*_BAND, _LONG + 1)
    amplitude, omega = _binned(edges, lambda w: wind_sea(w, wind, fetch_m), rng)
    ratio = omega / peak
    spread = np.clip(10.0 * np.where(ratio < 1, ratio**5, ratio**-2.5), 1.0, None)
    k = omega**2 / GRAVITY
    amplitude *= np.sqrt(variance_m2(wind, fetch_m) / (0.5 * np.sum(amplitude**2)))
    parts = [_sines(amplitude, k, from_rad + np.pi + _directions(spread, rng), rng)]
    long_slope = 0.5 * np.sum((amplitude * k) ** 2)
    along, across = slope_variances(wind)
    parts.append(_short(max(along + across - long_slope, 0.0), along / (along + across), k[-1], from_rad, rng))
    if swell is not None:
        far = 2 * np.pi / swell.period_s
        bump = np.geomspace(0.8 * far, 1.3 * far, _SWELL + 1)
        height, omega = _binned(bump, lambda w: np.exp(-0.5 * ((w / far - 1.0) / 0.08) ** 2), rng)
        height *= swell.height_m / 4.0 / np.sqrt(0.5 * np.sum(height**2))
        turn = swell.from_rad + np.pi + _directions(np.full(_SWELL, 75.0), rng)
        parts.append(_sines(height, omega**2 / GRAVITY, turn, rng))
    return np.concatenate(parts)


def _peak(wind_m_s: float, fetch_m: float) -> tuple[float, float, float]:
    """Peak frequency (rad/s), Phillips' alpha and the peak's enhancement."""
    full = GRAVITY / (_TO_19_5_M * wind_m_s) * (_PM_BETA / 1.25) ** 0.25
    if np.isfinite(fetch_m):
        young = 22.0 * (GRAVITY**2 / (wind_m_s * fetch_m)) ** (1 / 3)
        if young > full:
            measured_m2 = 1.6e-7 * fetch_m / GRAVITY * wind_m_s**2
            return young, measured_m2 * young**4 / (GRAVITY**2 * _JONSWAP_SHAPE), 3.3
    return full, _PM_ALPHA, 1.0


def _binned(edges: np.ndarray, density: object, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """One sine for each bin of frequency: amplitude by the energy within, frequency anywhere in it."""
    assert callable(density)
    inside = edges[:-1, None] + np.diff(edges)[:, None] * np.linspace(0, 1, 17)
    energy = np.trapezoid(density(inside), inside, axis=1)
    return np.sqrt(2 * energy), edges[:-1] + np.diff(edges) * rng.random(len(edges) - 1)


def _directions(spread: Float64[np.ndarray, "n"], rng: np.random.Generator) -> Float64[np.ndarray, "n"]:
    """Angles from cos^2s(θ/2), one for each s, stratified so that few sines cover them evenly."""
    theta = np.linspace(-np.pi, np.pi, 1025)
    share = np.mod(rng.random() + np.arange(len(spread)) * 0.6180339887498949, 1.0)
    out = np.empty(len(spread))
    for i, s in enumerate(spread):
        grown = np.cumsum(np.cos(theta / 2) ** (2 * s))
        out[i] = np.interp(share[i], grown / grown[-1], theta)
    return out


def _short(
    slope: float, along_share: float, longest_k: float, from_rad: float, rng: np.random.Generator
) -> Float64[np.ndarray, "k 4"]:
    """Short waves that hold the rest of the slopes, as much in each octave, about the wind on both sides.

    Directions are even within ± an angle t about the wind, whose mean cos² is 1/2 + sin(2t)/(4t).
    """
    shortest_k = max(2 * np.pi / _SHORTEST_M, 2 * longest_k)
    edges = np.geomspace(longest_k, shortest_k, _SHORT + 1)
    k = edges[:-1] * (edges[1:] / edges[:-1]) ** rng.random(_SHORT)
    amplitude = np.sqrt(2 * slope / _SHORT) / k
    half = np.linspace(1e-3, np.pi, 2000)
    widest = half[np.argmin(np.abs(0.5 + np.sin(2 * half) / (4 * half) - along_share))]
    even = np.mod(rng.random() + np.arange(_SHORT) * 0.6180339887498949, 1.0)
    return _sines(amplitude, k, from_rad + np.pi + widest * (2 * even - 1), rng)


def _sines(
    amplitude: np.ndarray, k: np.ndarray, azimuth_rad: np.ndarray, rng: np.random.Generator
) -> Float64[np.ndarray, "k 4"]:
    phase = rng.uniform(0, 2 * np.pi, len(k))
    return np.stack([amplitude, k * np.sin(azimuth_rad), k * np.cos(azimuth_rad), phase], axis=-1)

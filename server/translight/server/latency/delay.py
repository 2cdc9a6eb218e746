"""By how much one signal follows another: the lag at which the second explains the first best, with its uncertainty."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64
from scipy.interpolate import CubicSpline
from scipy.optimize import minimize_scalar

_STEP_SHARE = 0.25
"""Of a film frame, between the lags that are tried before the best is refined."""
_RESAMPLED = 200
_LEAST_SAMPLES = 20
_LEAST_CORRELATION = 0.6


@dataclass(frozen=True, slots=True)
class Delay:
    """Seconds by which the wall follows the object, the 95 % interval, and the correlation at that lag (of size)."""

    seconds: float
    low_s: float
    high_s: float
    correlation: float


def delay(
    times_s: Float64[np.ndarray, "n"],
    first: Float64[np.ndarray, "n"],
    second: Float64[np.ndarray, "n"],
    most_s: float,
    second_later_s: float = 0.0,
    seed: int = 0,
) -> Delay:
    """By how much ``second`` follows ``first``, from 0 to ``most_s``; either may be turned round and of any size.

    ``second_later_s``: how much later than ``first`` the film exposes ``second`` in the same picture (its rolling
    shutter). Values between pictures are a cubic spline's. The interval comes of resampled blocks of a fifteenth of
    the film. Raises ValueError, saying why, where the signals do not tell.
    """
    known = np.isfinite(first) & np.isfinite(second)
    if known.sum() < _LEAST_SAMPLES:
        raise ValueError(f"only {int(known.sum())} pictures show both; {_LEAST_SAMPLES} are the least")
    t, a, b = times_s[known], first[known], second[known]
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        raise ValueError("one of the two never changes")
    spline = CubicSpline(t, a)
    inside = (t - most_s >= t[0]) & (t + second_later_s <= t[-1])
    if inside.sum() < _LEAST_SAMPLES:
        raise ValueError(f"the film is too short to look for a delay of up to {most_s:g} s")
    late, at = b[inside], t[inside] + second_later_s
    frame_s = float(np.median(np.diff(t)))
    best = _best(spline, at, late, most_s, frame_s)
    correlation = abs(_correlation(spline(at - best), late))
    if correlation < _LEAST_CORRELATION:
        raise ValueError(
            f"the two do not move alike (correlation {correlation:.2f}): choose other regions, or move it more"
        )
    found = _resampled(spline, at, late, most_s, frame_s, np.random.default_rng(seed))
    low, high = (float(v) for v in np.percentile(found, (2.5, 97.5)))
    return Delay(best, low, high, correlation)


def _best(
    spline: CubicSpline, at: Float64[np.ndarray, "m"], late: Float64[np.ndarray, "m"], most_s: float, frame_s: float
) -> float:
    lags = np.arange(0.0, most_s + 1e-9, _STEP_SHARE * frame_s)
    scores = [abs(_correlation(spline(at - lag), late)) for lag in lags]
    k = int(np.argmax(scores))
    low, high = lags[max(k - 1, 0)], lags[min(k + 1, len(lags) - 1)]
    if low == high:
        return float(lags[k])
    refined = minimize_scalar(
        lambda lag: -abs(_correlation(spline(at - lag), late)), bounds=(low, high), method="bounded"
    )
    return float(refined.x)


def _resampled(
    spline: CubicSpline,
    at: Float64[np.ndarray, "m"],
    late: Float64[np.ndarray, "m"],
    most_s: float,
    frame_s: float,
    rng: np.random.Generator,
) -> list[float]:
    block = max(4, len(at) // 15)
    found = []
    for _ in range(_RESAMPLED):
        starts = rng.integers(0, len(at) - block + 1, -(-len(at) // block))
        rows = (starts[:, None] + np.arange(block)).ravel()
        found.append(_best(spline, at[rows], late[rows], most_s, frame_s))
    return found


def _correlation(a: Float64[np.ndarray, "m"], b: Float64[np.ndarray, "m"]) -> float:
    a, b = a - a.mean(), b - b.mean()
    size = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / size if size > 0 else 0.0

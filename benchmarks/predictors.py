"""The usual pose predictors that bench_prediction.py compares with, each on vectors, each with a grid of settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

Path = Float64[np.ndarray, "n d"]
Times = Float64[np.ndarray, "n"]
Predict = Callable[[Path, Times, Times], Path]
"""Samples, their times and how far ahead of each to predict, seconds → predictions."""


@dataclass(frozen=True)
class Rival:
    name: str
    source: str
    make: Callable[..., Predict]
    settings: tuple[Mapping[str, float], ...] = ({},)


def hold_last() -> Predict:
    return lambda z, _t, _ahead: z


def finite_difference(over: float) -> Predict:
    """The velocity over the last ``over`` samples."""
    n = int(over)

    def predict(z: Path, t: Times, ahead: Times) -> Path:
        out = z.copy()
        dt = np.maximum(t[n:] - t[:-n], 1e-6)
        out[n:] += (z[n:] - z[:-n]) * (ahead[n:] / dt)[:, None]
        return out

    return predict


def double_exponential(cutoff_hz: float) -> Predict:
    """Position and trend from a first and a second exponential smoothing, LaViola's equations 1 to 5."""

    def predict(z: Path, t: Times, ahead: Times) -> Path:
        out = z.copy()
        once, twice = z[0].copy(), z[0].copy()
        for k in range(1, len(z)):
            dt = max(t[k] - t[k - 1], 1e-6)
            alpha = 1.0 - np.exp(-2.0 * np.pi * cutoff_hz * dt)
            once = alpha * z[k] + (1.0 - alpha) * once
            twice = alpha * once + (1.0 - alpha) * twice
            slope = alpha / (1.0 - alpha) * (once - twice) / dt
            out[k] = 2.0 * once - twice + slope * ahead[k]
        return out

    return predict


def one_euro(least_cutoff_hz: float, beta: float, speed_cutoff_hz: float) -> Predict:
    """The 1 € filter's position and its smoothed velocity; the speed that sets the cutoff is in m/s and rad/s."""

    def smoothing(cutoff_hz: float, dt: float) -> float:
        return 1.0 / (1.0 + 1.0 / (2.0 * np.pi * cutoff_hz * dt))

    def predict(z: Path, t: Times, ahead: Times) -> Path:
        out = z.copy()
        position, velocity = z[0].copy(), np.zeros(z.shape[1])
        halves = (slice(0, 3), slice(3, 6))
        for k in range(1, len(z)):
            dt = max(t[k] - t[k - 1], 1e-6)
            before = position.copy()
            for half in halves:
                raw = (z[k, half] - before[half]) / dt
                velocity[half] += smoothing(speed_cutoff_hz, dt) * (raw - velocity[half])
                cutoff_hz = least_cutoff_hz + beta * float(np.linalg.norm(velocity[half]))
                position[half] += smoothing(cutoff_hz, dt) * (z[k, half] - position[half])
            out[k] = position + velocity * ahead[k]
        return out

    return predict


def kalman(order: float, ratio: float) -> Predict:
    """Constant velocity (order 2) or acceleration (order 3), driven by white noise on the next derivative.

    Only the ratio of that noise's density to the measurement noise's variance matters: ``ratio`` is its square root.
    """
    n = int(order)
    factorial = np.array([1.0, 1.0, 2.0, 6.0, 24.0, 120.0])

    def predict(z: Path, t: Times, ahead: Times) -> Path:
        x, P = np.zeros((n, z.shape[1])), np.diag([1.0, 1e6, 1e8][:n])
        x[0] = z[0]
        out = z.copy()
        row, column = np.indices((n, n))
        up = column - row
        for k in range(1, len(z)):
            dt = max(t[k] - t[k - 1], 1e-6)
            F = np.where(up >= 0, dt ** np.maximum(up, 0) / factorial[np.maximum(up, 0)], 0.0)
            i, j = n - 1 - row, n - 1 - column
            Q = ratio**2 * dt ** (i + j + 1) / (factorial[i] * factorial[j] * (i + j + 1))
            x, P = F @ x, F @ P @ F.T + Q
            K = P[:, 0] / (P[0, 0] + 1.0)
            x = x + np.outer(K, z[k] - x[0])
            P = P - np.outer(K, P[0])
            out[k] = (ahead[k] ** np.arange(n) / factorial[:n]) @ x
        return out

    return predict


RIVALS = (
    Rival("hold last", "the newest sample", hold_last),
    Rival(
        "finite difference",
        "the velocity between two samples",
        finite_difference,
        tuple({"over": n} for n in (1, 2, 4, 8)),
    ),
    Rival(
        "double exponential",
        "LaViola, Double exponential smoothing, EGVE 2003",
        double_exponential,
        tuple({"cutoff_hz": f} for f in (4.0, 8.0, 15.0, 20.0, 30.0, 45.0, 70.0)),
    ),
    Rival(
        "1 € + velocity",
        "Casiez, Roussel, Vogel, 1 € filter, CHI 2012",
        one_euro,
        tuple(
            {"least_cutoff_hz": f, "beta": b, "speed_cutoff_hz": s}
            for f in (4.0, 16.0, 64.0)
            for b in (0.0, 30.0, 1000.0)
            for s in (5.0, 15.0, 45.0)
        ),
    ),
    Rival(
        "Kalman, constant velocity",
        "white-noise acceleration",
        kalman,
        tuple({"order": 2, "ratio": r} for r in (1e2, 3e2, 1e3, 3e3, 1e4, 3e4, 1e5)),
    ),
    Rival(
        "Kalman, constant acceleration",
        "white-noise jerk",
        kalman,
        tuple({"order": 3, "ratio": r} for r in (1e3, 3e3, 1e4, 3e4, 1e5, 3e5, 1e6)),
    ),
)

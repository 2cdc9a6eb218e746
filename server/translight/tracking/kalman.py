"""Two constant-acceleration Kalman filters, a calm and a lively one, blended by how well each explains the samples.

The blend is the interacting multiple model estimator of Blom and Bar-Shalom, "The interacting multiple model
algorithm for systems with Markovian switching coefficients" (IEEE TAC 33, 1988). filter.py runs one of these on
position and one on rotation.

The noise is the same along all three axes, so the three share one covariance and one gain, and everything is a few
dozen plain floats: on numbers this few, NumPy's call overhead would cost several times the arithmetic.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

Vector = tuple[float, float, float]
State = list[float]
"""Position x, y, z, velocity x, y, z, acceleration x, y, z."""

Covariance = tuple[float, float, float, float, float, float]
"""Of (position, velocity, acceleration) on any one axis, upper triangle by rows: pp, pv, pa, vv, va, aa."""

_FREEDOM = 4.0
"""Degrees of freedom of the t distribution that a model's likelihood is taken from."""

_LEAST_PROBABILITY = 1e-6
"""A model never becomes so improbable that it cannot come back within a few samples."""


@dataclass(frozen=True, slots=True)
class Process:
    """How a quantity moves. u is its unit: metres or radians."""

    calm_jerk: float
    """White-noise jerk of the calm model: square root of its spectral density, u/s³/√Hz."""
    lively_jerk: float
    """The same of the lively model."""
    stay_s: float
    """How long a model stays the right one, on average, seconds."""
    velocity: float
    """Standard deviation of an unknown velocity, u/s."""
    acceleration: float
    """Standard deviation of an unknown acceleration, u/s²."""


class Blend:
    """Position, velocity and acceleration along three axes, with the position relative to an origin of the caller's.

    ``predict`` gives the step by which the caller moves that origin, so the blended position is always zero: what is
    left in it is each model's small difference. That is what lets the same code run on rotations.
    """

    __slots__ = ("_calm", "_calm_cov", "_lively", "_lively_cov", "_lively_share", "_process")

    def __init__(self, process: Process) -> None:
        self._process = process
        self.reset(1.0, (0.0, 0.0, 0.0))

    def reset(self, noise: float, velocity: Vector) -> None:
        """Start at the origin, with a measured position of variance ``noise`` and a velocity that is a guess."""
        speed, acceleration = self._process.velocity**2, self._process.acceleration**2
        self._calm: State = [0.0, 0.0, 0.0, *velocity, 0.0, 0.0, 0.0]
        self._lively: State = list(self._calm)
        self._calm_cov: Covariance = (noise, 0.0, 0.0, speed, 0.0, acceleration)
        self._lively_cov: Covariance = self._calm_cov
        self._lively_share = 0.5

    @property
    def lively_share(self) -> float:
        """Probability that the motion is the lively model's, 0 to 1."""
        return self._lively_share

    def state(self) -> State:
        """The blended estimate."""
        share = self._lively_share
        return [a + share * (b - a) for a, b in zip(self._calm, self._lively, strict=True)]

    def variance(self) -> float:
        """Variance of the lively model's position on one axis: the wider of the two."""
        return self._lively_cov[0]

    def predict(self, dt: float) -> Vector:
        """Advance ``dt`` seconds; returns the step of the blended position, by which the caller moves its origin."""
        self._mix(dt)
        self._calm, self._calm_cov = _advance(self._calm, self._calm_cov, dt, self._process.calm_jerk**2)
        self._lively, self._lively_cov = _advance(self._lively, self._lively_cov, dt, self._process.lively_jerk**2)
        return self._recentre()

    def correct(self, measured: Vector, noise: float) -> Vector:
        """Take a position measured relative to the origin, of variance ``noise`` on each axis; returns a step too."""
        self._calm, self._calm_cov, calm = _take(self._calm, self._calm_cov, measured, noise)
        self._lively, self._lively_cov, lively = _take(self._lively, self._lively_cov, measured, noise)
        odds = math.log(self._lively_share / (1.0 - self._lively_share)) + lively - calm
        share = 1.0 / (1.0 + math.exp(min(max(-odds, -30.0), 30.0)))
        self._lively_share = min(max(share, _LEAST_PROBABILITY), 1.0 - _LEAST_PROBABILITY)
        return self._recentre()

    def _mix(self, dt: float) -> None:
        """Blom and Bar-Shalom's interaction step for two models: each takes over what the other may have become."""
        switch = 0.5 * (1.0 - math.exp(-2.0 * dt / self._process.stay_s))
        share = self._lively_share
        next_share = share + switch * (1.0 - 2.0 * share)
        into_lively = switch * (1.0 - share) / next_share
        into_calm = switch * share / (1.0 - next_share)
        calm, lively, calm_cov, lively_cov = self._calm, self._lively, self._calm_cov, self._lively_cov
        px, py, pz, vx, vy, vz, ax, ay, az = [b - a for a, b in zip(calm, lively, strict=True)]
        third = 1.0 / 3.0
        spread = (
            third * (px * px + py * py + pz * pz),
            third * (px * vx + py * vy + pz * vz),
            third * (px * ax + py * ay + pz * az),
            third * (vx * vx + vy * vy + vz * vz),
            third * (vx * ax + vy * ay + vz * az),
            third * (ax * ax + ay * ay + az * az),
        )
        self._calm, self._calm_cov = _mixed(calm, calm_cov, lively, lively_cov, spread, into_calm)
        self._lively, self._lively_cov = _mixed(lively, lively_cov, calm, calm_cov, spread, into_lively)
        self._lively_share = next_share

    def _recentre(self) -> Vector:
        share, calm, lively = self._lively_share, self._calm, self._lively
        x = calm[0] + share * (lively[0] - calm[0])
        y = calm[1] + share * (lively[1] - calm[1])
        z = calm[2] + share * (lively[2] - calm[2])
        calm[0] -= x
        calm[1] -= y
        calm[2] -= z
        lively[0] -= x
        lively[1] -= y
        lively[2] -= z
        return x, y, z


def _mixed(
    own: State, own_cov: Covariance, other: State, other_cov: Covariance, spread: Covariance, weight: float
) -> tuple[State, Covariance]:
    state = [a + weight * (b - a) for a, b in zip(own, other, strict=True)]
    scatter = weight * (1.0 - weight)
    a0, a1, a2, a3, a4, a5 = own_cov
    b0, b1, b2, b3, b4, b5 = other_cov
    s0, s1, s2, s3, s4, s5 = spread
    return state, (
        a0 + weight * (b0 - a0) + scatter * s0,
        a1 + weight * (b1 - a1) + scatter * s1,
        a2 + weight * (b2 - a2) + scatter * s2,
        a3 + weight * (b3 - a3) + scatter * s3,
        a4 + weight * (b4 - a4) + scatter * s4,
        a5 + weight * (b5 - a5) + scatter * s5,
    )


def _advance(state: State, cov: Covariance, dt: float, density: float) -> tuple[State, Covariance]:
    """F·x and F·P·Fᵀ + Q with white jerk (Bar-Shalom, Li, Kirubarajan, "Estimation with Applications", 6.2.3)."""
    px, py, pz, vx, vy, vz, ax, ay, az = state
    h = 0.5 * dt * dt
    moved = [
        px + vx * dt + ax * h,
        py + vy * dt + ay * h,
        pz + vz * dt + az * h,
        vx + ax * dt,
        vy + ay * dt,
        vz + az * dt,
        ax,
        ay,
        az,
    ]
    pp, pv, pa, vv, va, aa = cov
    pv_next = pv + dt * vv + h * va
    pa_next = pa + dt * va + h * aa
    va_next = va + dt * aa
    q = density * dt
    return moved, (
        pp + dt * pv + h * pa + dt * pv_next + h * pa_next + q * dt**4 / 20.0,
        pv_next + dt * pa_next + q * dt**3 / 8.0,
        pa_next + q * dt * dt / 6.0,
        vv + dt * va + dt * va_next + q * dt * dt / 3.0,
        va_next + q * dt / 2.0,
        aa + q,
    )


def _take(state: State, cov: Covariance, measured: Vector, noise: float) -> tuple[State, Covariance, float]:
    """Kalman's correction by a measured position, and the log likelihood of the measurement less a constant.

    The likelihood is Student's t, not the normal distribution's: samples that come late now and then have heavy tails,
    and single ones must not make a calm move look lively (Lange, Little, Taylor, "Robust statistical modeling using
    the t distribution", JASA 84, 1989).
    """
    px, py, pz, vx, vy, vz, ax, ay, az = state
    pp, pv, pa, vv, va, aa = cov
    total = pp + noise
    kp, kv, ka = pp / total, pv / total, pa / total
    x, y, z = measured[0] - px, measured[1] - py, measured[2] - pz
    square = (x * x + y * y + z * z) / total
    likelihood = -1.5 * math.log(total) - 0.5 * (_FREEDOM + 3.0) * math.log1p(square / _FREEDOM)
    corrected = [
        px + kp * x,
        py + kp * y,
        pz + kp * z,
        vx + kv * x,
        vy + kv * y,
        vz + kv * z,
        ax + ka * x,
        ay + ka * y,
        az + ka * z,
    ]
    left = noise / total
    return corrected, (left * pp, left * pv, left * pa, vv - kv * pv, va - kv * pa, aa - ka * pa), likelihood

from __future__ import annotations

import numpy as np
import pytest

from translight.tracking.kalman import Blend, Process

CALM, LIVELY = 0.3, 30.0


def blend(calm: float = CALM, lively: float = LIVELY, stay_s: float = 2.0) -> Blend:
    made = Blend(Process(calm, lively, stay_s, velocity=2.0, acceleration=3.0))
    made.reset(0.01**2, (0.0, 0.0, 0.0))
    return made


def textbook(measured: np.ndarray, times: np.ndarray, jerk: float, noise: float) -> np.ndarray:
    """The Kalman filter as its matrices say, one axis at a time: states (n, 3 derivatives, 3 axes)."""
    P, states = np.diag([0.01**2, 2.0**2, 3.0**2]), []
    x = np.zeros((3, 3))
    x[0] = measured[0]
    for k in range(1, len(times)):
        dt = times[k] - times[k - 1]
        F = np.array([[1, dt, dt * dt / 2], [0, 1, dt], [0, 0, 1]])
        # the integral of F(s) L Lᵀ F(s)ᵀ over the step, numerically, with L the jerk's entry
        s = (np.arange(2000) + 0.5) * dt / 2000
        column = np.stack([s * s / 2, s, np.ones_like(s)])
        Q = jerk**2 * (column @ column.T) * dt / 2000
        x, P = F @ x, F @ P @ F.T + Q
        K = P[:, :1] / (P[0, 0] + noise)
        x = x + K @ (measured[k] - x[0])[None, :]
        P = P - K @ P[:1]
        states.append(x)
    return np.array(states)


def run(filter_: Blend, measured: np.ndarray, times: np.ndarray, noise: float) -> tuple[np.ndarray, np.ndarray]:
    """States as ``textbook`` gives them, and the lively model's share, with the origin kept as a caller would."""
    at, states, shares = measured[0].copy(), [], []
    for k in range(1, len(times)):
        at += filter_.predict(times[k] - times[k - 1])
        x, y, z = (measured[k] - at).tolist()
        at += filter_.correct((x, y, z), noise)
        state = np.array(filter_.state()).reshape(3, 3)
        np.testing.assert_allclose(state[0], 0.0, atol=1e-12)
        state[0] += at
        states.append(state)
        shares.append(filter_.lively_share)
    return np.array(states), np.array(shares)


def irregular_walk(n: int = 150) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    times = np.cumsum(rng.uniform(0.002, 0.02, n))
    return np.sin(np.outer(times, [1.0, 2.0, 3.0])) + rng.normal(0, 0.01, (n, 3)), times


def test_with_equal_models_it_is_the_textbook_kalman_filter() -> None:
    measured, times = irregular_walk()
    got, shares = run(blend(5.0, 5.0), measured, times, 0.01**2)
    np.testing.assert_allclose(got, textbook(measured, times, 5.0, 0.01**2), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(shares, 0.5, atol=1e-9)


@pytest.mark.parametrize(("jerk", "likely"), [(CALM, False), (LIVELY, True)])
def test_the_model_that_made_the_motion_becomes_the_likely_one(jerk: float, likely: bool) -> None:
    rng = np.random.default_rng(1)
    dt, n = 1 / 240, 1000
    acceleration = np.cumsum(rng.normal(0, jerk * np.sqrt(dt), (n, 3)), axis=0)
    position = np.cumsum(np.cumsum(acceleration, axis=0), axis=0) * dt * dt
    _, shares = run(blend(), position + rng.normal(0, 1e-4, (n, 3)), np.arange(n) * dt, 1e-4**2)
    assert (np.median(shares[300:]) > 0.9) == likely
    assert (np.median(shares[300:]) < 0.1) != likely


def test_it_turns_lively_within_a_few_samples_and_calm_again() -> None:
    dt = 1 / 240
    times = np.arange(1200) * dt
    s = np.clip((times - 2.0) / 0.5, 0, 1)
    moved = np.zeros((1200, 3))
    moved[:, 0] = s**3 * (10 - 15 * s + 6 * s * s)
    measured = moved + np.random.default_rng(2).normal(0, 1e-4, (1200, 3))
    _, shares = run(blend(), measured, times, 1e-4**2)
    assert shares[300:478].max() < 0.5
    assert shares[490:500].min() > 0.9, "within 80 ms of the start"
    assert shares[-100:].max() < 0.5

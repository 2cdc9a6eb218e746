from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jaxtyping import Float64

from translight.tracking.noise import Residual, Variance, blame


def believed(start: float = 1e-3) -> Variance:
    return Variance(start, least=1e-6, most=1.0)


def squares(times: Iterable[float], positions: Float64[np.ndarray, "n 3"]) -> list[float]:
    residual = Residual()
    found = [residual.add(t, (x, y, z)) for t, (x, y, z) in zip(times, positions.tolist(), strict=True)]
    return [square for square in found if square is not None]


def measured(variance: Variance, times: Float64[np.ndarray, "n"], positions: Float64[np.ndarray, "n 3"]) -> float:
    for square in squares(times.tolist(), positions):
        blame(square, variance, None, 0.0, float(times[1] - times[0]))
    return math.sqrt(variance.value)


@pytest.mark.parametrize("sigma", [1e-4, 1e-3, 0.1])
def test_the_noise_of_a_moving_thing_is_found(sigma: float) -> None:
    rng = np.random.default_rng(0)
    times = np.cumsum(rng.uniform(0.004, 0.008, 2000))
    path = np.sin(np.outer(times, [1.0, 2.0, 3.0]))
    noisy = path + rng.normal(0, sigma, path.shape)
    assert np.mean(squares(times.tolist(), noisy)) == pytest.approx(sigma**2, rel=0.1)
    assert measured(believed(), times, noisy) == pytest.approx(sigma, rel=0.1)


@given(st.lists(st.floats(-100, 100), min_size=4, max_size=4), st.integers(0, 1000))
def test_a_cubic_at_irregular_times_leaves_nothing(coefficients: list[float], seed: int) -> None:
    times = np.cumsum(np.random.default_rng(seed).uniform(0.01, 0.03, 40))
    path = np.polyval(coefficients, times)
    left = squares(times.tolist(), np.stack([path] * 3, axis=1))
    assert len(left) == 36
    assert max(left) < 1e-20 + (1e-12 * np.abs(path).max()) ** 2


def test_noise_and_jitter_are_told_apart_by_the_speed() -> None:
    rng = np.random.default_rng(3)
    noise, jitter, dt = believed(), Variance(1e-4, least=1e-5, most=5e-3), 1 / 240
    for k in range(20_000):
        speed = 2.0 if (k // 500) % 2 else 0.0
        off = rng.normal(0, 2e-4, 3) + np.array([speed, 0.0, 0.0]) * rng.normal(0, 5e-4)
        blame(float(off @ off) / 3.0, noise, jitter, speed**2, dt)
    assert math.sqrt(noise.value) == pytest.approx(2e-4, rel=0.2)
    assert math.sqrt(jitter.value) == pytest.approx(5e-4, rel=0.25)


def test_a_burst_of_bad_samples_hardly_moves_it() -> None:
    rng = np.random.default_rng(1)
    noisy = rng.normal(0, 1e-3, (2000, 3))
    noisy[1500:1560] += rng.normal(0, 10.0, (60, 3))
    assert measured(believed(), np.arange(2000) / 240, noisy) == pytest.approx(1e-3, rel=0.2)


def test_a_long_interval_says_nothing() -> None:
    assert squares([0.0, 0.01, 0.02, 0.5, 0.51], np.random.default_rng(0).normal(size=(5, 3))) == []


def test_forgetting_starts_a_new_window() -> None:
    residual = Residual()
    for t in (0.0, 0.01, 0.02, 0.03):
        assert residual.add(t, (0.0, 0.0, 0.0)) is None
    residual.forget()
    for t in (0.04, 0.05, 0.06, 0.07):
        assert residual.add(t, (9.0, 9.0, 9.0)) is None
    assert residual.add(0.08, (9.0, 9.0, 9.0)) == pytest.approx(0.0, abs=1e-25)


def test_it_stays_within_its_limits() -> None:
    times = np.arange(5000) / 100
    assert measured(believed(), times, np.zeros((5000, 3))) == pytest.approx(1e-6)
    assert measured(believed(), times, np.random.default_rng(2).normal(0, 1e9, (5000, 3))) == pytest.approx(1.0)

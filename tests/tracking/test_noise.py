from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from translight.tracking.noise import NoiseMeter


def meter(start: float = 1e-3) -> NoiseMeter:
    return NoiseMeter(start, least=1e-6, most=1.0)


def read(of: NoiseMeter, times: Iterable[float], positions: np.ndarray) -> float:
    for t, (x, y, z) in zip(times, positions.tolist(), strict=True):
        of.add(t, (x, y, z))
    return math.sqrt(of.variance)


@pytest.mark.parametrize("sigma", [1e-4, 1e-3, 0.1])
def test_it_finds_the_noise_of_a_moving_thing(sigma: float) -> None:
    rng = np.random.default_rng(0)
    times = np.cumsum(rng.uniform(0.004, 0.008, 2000))
    path = np.sin(np.outer(times, [1.0, 2.0, 3.0]))
    assert read(meter(), times, path + rng.normal(0, sigma, path.shape)) == pytest.approx(sigma, rel=0.1)


@given(st.lists(st.floats(-100, 100), min_size=4, max_size=4), st.integers(0, 1000))
def test_a_cubic_at_irregular_times_is_no_noise(coefficients: list[float], seed: int) -> None:
    times = np.cumsum(np.random.default_rng(seed).uniform(0.01, 0.03, 40))
    path = np.polyval(coefficients, times)
    assert read(meter(1e-6), times, np.stack([path] * 3, axis=1)) < 1.1e-6


def test_a_burst_of_bad_samples_hardly_moves_it() -> None:
    rng = np.random.default_rng(1)
    times = np.arange(2000) / 240
    measured = rng.normal(0, 1e-3, (2000, 3))
    measured[1500:1560] += rng.normal(0, 10.0, (60, 3))
    assert read(meter(), times, measured) == pytest.approx(1e-3, rel=0.2)


def test_a_long_interval_says_nothing() -> None:
    of = meter(1e-3)
    read(of, [0.0, 0.01, 0.02, 0.5, 0.51], np.ones((5, 3)) * np.array([0, 5, 0, 5, 0])[:, None])
    assert of.variance == 1e-6


def test_forgetting_starts_a_new_window() -> None:
    of = meter(1e-3)
    read(of, [0.0, 0.01, 0.02, 0.03], np.zeros((4, 3)))
    of.forget()
    read(of, [0.04, 0.05, 0.06, 0.07], np.full((4, 3), 9.0))
    assert of.variance == 1e-6


def test_it_stays_within_its_limits() -> None:
    still = np.zeros((5000, 3))
    assert read(meter(), np.arange(5000) / 100, still) == pytest.approx(1e-6)
    wild = np.random.default_rng(2).normal(0, 1e9, (5000, 3))
    assert read(meter(), np.arange(5000) / 100, wild) == pytest.approx(1.0)

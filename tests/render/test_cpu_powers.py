"""The vector kernels' powers and logarithms against NumPy's, to the error that their docstrings promise."""

from __future__ import annotations

import numpy as np
import pytest

from translight.render.cpu.jit import kernel
from translight.render.cpu.memory import load, store
from translight.render.cpu.powers import exp2, log2
from translight.render.cpu.simd import LANES


@kernel
def _exp2(values, out):
    for at in range(0, len(values), LANES):
        store(out, at, exp2(load(values, at)))


@kernel
def _log2(values, out):
    for at in range(0, len(values), LANES):
        store(out, at, log2(load(values, at)))


def _of(function, values: np.ndarray) -> np.ndarray:
    out = np.empty_like(values)
    function(values, out)
    return out


def test_exp2():
    x = np.linspace(-125.9, 0, 16 * 20_000, dtype=np.float32)
    np.testing.assert_allclose(_of(_exp2, x), np.exp2(x.astype(np.float64)), rtol=7.7e-5)


@pytest.mark.parametrize("exponents", [(-126.0, 127.9), (-1.0, 1.0), (-1e-3, 1e-3)])
def test_log2(exponents):
    x = np.exp2(np.linspace(*exponents, 16 * 20_000)).astype(np.float32)
    np.testing.assert_allclose(_of(_log2, x), np.log2(x.astype(np.float64)), rtol=2e-7, atol=3e-7)


def test_log2_of_nothing_is_far_down():
    assert (_of(_log2, np.zeros(16, np.float32)) <= -126).all()

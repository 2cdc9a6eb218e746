"""The gradients' vector instructions one by one, and the code that the way back through blending becomes."""

from __future__ import annotations

import platform

import numpy as np
import pytest
from tests.render.test_cpu_renderer import AVX2, AVX512, assert_fused

from translight.render.cpu.jit import kernel
from translight.render.cpu.memory import load, store
from translight.render.cpu.simd import LANES
from translight.render.gradients import rows

COMPILE = """
import numba
from translight.render.gradients import tiles
from translight.render.cpu.jit import FAST_MATH
kernel = numba.njit(nogil=True, error_model="numpy", fastmath=FAST_MATH)(tiles._sum_quad.py_func)
floats, ints, number = numba.float32[::1], numba.int32[::1], numba.int64
kernel.compile((floats, ints, number, number, number, floats, floats, number, numba.boolean, floats))
print(next(iter(kernel.inspect_asm().values())))
"""
FIELDS = 20


@pytest.fixture
def array() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(50, FIELDS)).astype(np.float32)


@pytest.fixture
def numbers() -> np.ndarray:
    """Rows, from the third on; two lanes name the same one, as where splats are repeated."""
    chosen = np.random.default_rng(1).permutation(50)[: LANES + 3].astype(np.int32)
    chosen[-1] = chosen[-2]
    return chosen


@kernel
def _gather(array, numbers, out):
    store(out, 0, rows.gather(array, numbers, 3, FIELDS, 7))


@kernel
def _scatter(array, numbers, values):
    rows.scatter(array, numbers, 3, FIELDS, 7, load(values, 0))


@kernel
def _gather_block(array, numbers, out):
    rows.gather_block(array, numbers, 3, FIELDS, 2, out, 5, LANES + 1)


@kernel
def _scatter_block(array, numbers, values):
    rows.scatter_block(array, numbers, 3, FIELDS, 2, values, 5, LANES + 1)


@kernel
def _load_rows(picture, out):
    store(out, 0, rows.load_rows(picture, 6, 9))


@kernel
def _add_sums(v, out):
    n = LANES
    rows.add_sums(
        out, 1, load(v, 0), load(v, n), load(v, 2 * n), load(v, 3 * n), load(v, 4 * n), load(v, 5 * n),
        load(v, 6 * n), load(v, 7 * n), load(v, 8 * n), load(v, 9 * n), load(v, 10 * n), load(v, 11 * n),
    )  # fmt: skip


def test_one_field_of_named_rows(array, numbers):
    out = np.empty(LANES, np.float32)
    _gather(array.reshape(-1), numbers, out)
    np.testing.assert_array_equal(out, array[numbers[3:], 7])
    changed = array.copy()
    out[-1] = out[-2]
    _scatter(changed.reshape(-1), numbers, out + 1)
    array[numbers[3:], 7] += 1
    np.testing.assert_array_equal(changed, array)


def test_a_block_of_fields_of_named_rows(array, numbers):
    out = np.zeros(5 + LANES * (LANES + 1), np.float32)
    _gather_block(array.reshape(-1), numbers, out)
    block = out[5:].reshape(LANES, LANES + 1)
    np.testing.assert_array_equal(block[:, :LANES], array[numbers[3:], 2 : 2 + LANES].T)
    assert not block[:, LANES].any()
    assert not out[:5].any()
    changed = array.copy()
    _scatter_block(changed.reshape(-1), numbers, 2 * out)
    array[np.unique(numbers[3:]), 2 : 2 + LANES] *= 2
    np.testing.assert_array_equal(changed, array)


def test_rows_of_a_picture():
    picture = np.arange(60, dtype=np.float32)
    out = np.empty(LANES, np.float32)
    _load_rows(picture, out)
    expected = [picture[6 + 9 * row : 10 + 9 * row] for row in range(LANES // 4)]
    np.testing.assert_array_equal(out, np.concatenate(expected))


def test_sums_over_lanes():
    vectors = np.random.default_rng(2).normal(size=(12, LANES)).astype(np.float32)
    out = np.arange(14, dtype=np.float32)
    _add_sums(vectors.reshape(-1), out)
    np.testing.assert_allclose(out[1:13], np.arange(1, 13) + vectors.sum(axis=1), rtol=1e-5)
    assert out[0] == 0.0
    assert out[13] == 13.0


@pytest.mark.slow
@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="names x86 instructions")
@pytest.mark.parametrize(
    ("processor", "features", "register"), [("skylake-avx512", AVX512, "zmm"), ("haswell", AVX2, "ymm")]
)
def test_the_way_back_becomes_fused_vector_instructions(processor: str, features: str, register: str) -> None:
    """Compiled, not run, for both kinds of processor, whichever this one is."""
    assert_fused(COMPILE, processor, features, register, least=16)

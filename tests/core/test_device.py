"""The protocol and what implements it: the emulated device here; CuPy's in tests/render/test_cuda_device.py."""

from __future__ import annotations

import numpy as np
import pytest
from tests.render.cuda_emulation.emulator import COMPILER, Emulator

from translight.core.device import THREADS, Device, Part, uploaded

KERNEL = """
extern "C" {
__constant__ int step;
}
extern "C" __global__ void add_step(int *values) { values[blockIdx.x * blockDim.x + threadIdx.x] += step; }
"""


@pytest.mark.skipif(COMPILER is None, reason="g++ is not here, which compiles kernels for the CPU")
def test_a_kernel_of_a_text_runs_on_part_of_a_buffer():
    device = Emulator()
    assert isinstance(device, Device)
    device.load(KERNEL, ["add_step"], ["step"])
    device.upload(device.constant("step"), np.array([5], np.int32))
    values = np.arange(2 * THREADS, dtype=np.int32)
    buffer = uploaded(device, values)
    assert buffer.nbytes == values.nbytes
    half = Part(buffer, 4 * THREADS)
    assert (half.address, half.nbytes) == (buffer.address + 4 * THREADS, 4 * THREADS)
    device.launch("add_step", 1, [half])
    found = np.empty_like(values)
    device.download(buffer, [found])
    assert (found[:THREADS] == values[:THREADS]).all()
    assert (found[THREADS:] == values[THREADS:] + 5).all()

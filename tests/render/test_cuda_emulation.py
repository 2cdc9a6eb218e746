"""The emulator that stands in for a GPU: what it runs is right, and what a GPU would not forgive it names."""

from __future__ import annotations

import re

import numpy as np
import pytest
from tests.render.cuda_emulation.emulator import COMPILER, EmulationError, Emulator

if COMPILER is None:
    pytest.skip("g++ is not here, which compiles the kernels for the CPU", allow_module_level=True)

ORDERS = (0, 1, 5)
KERNELS = """
typedef unsigned int u32;
extern "C" __global__ void reverse_block(const u32 *in, u32 *out) {
    __shared__ u32 staged[256];
    staged[threadIdx.x] = in[blockIdx.x * 256 + threadIdx.x];
    __syncthreads();
    out[blockIdx.x * 256 + threadIdx.x] = staged[255 - threadIdx.x];
}
extern "C" __global__ void without_barrier(const u32 *in, u32 *out) {
    __shared__ u32 staged[256];
    staged[threadIdx.x] = in[threadIdx.x];
    out[threadIdx.x] = staged[255 - threadIdx.x];
}
extern "C" __global__ void warp_operations(u32 *out) {
    const int lane = threadIdx.x & 31;
    const u32 full = 0xffffffffu, ballot = __ballot_sync(full, lane % 3 == 0);
    const u32 same = __match_any_sync(full, u32(lane / 5));
    const u32 before = __shfl_up_sync(full, u32(lane), 2);
    const float broadcast = __shfl_sync(full, 0.5f * threadIdx.x, 7);
    u32 *own = out + 5 * threadIdx.x;
    own[0] = ballot;
    own[1] = same;
    own[2] = before;
    own[3] = __float_as_uint(broadcast);
    own[4] = __syncthreads_count(threadIdx.x % 7 == 0);
}
extern "C" __global__ void add_up(u32 *sum) { atomicAdd(sum, blockIdx.x); }
extern "C" __global__ void parted(u32 *out) {
    if (threadIdx.x < 32) __syncthreads();
    else __syncthreads();
    out[0] = 1;
}
extern "C" __global__ void left_early(u32 *out) {
    if (threadIdx.x == 3) return;
    __syncthreads();
    out[0] = 1;
}
extern "C" __global__ void lanes_apart(u32 *out) {
    if (threadIdx.x % 2) out[0] = __ballot_sync(0xffffffffu, true);
}
extern "C" __global__ void few_lanes(u32 *out) { out[0] = __ballot_sync(1u, true); }
extern "C" __global__ void past_the_end(u32 *out) { out[threadIdx.x] = 1; }
extern "C" __global__ void before_the_start(u32 *out) { out[-4096] = 1; }
extern "C" __global__ void reads_past_the_end(const u32 *in, u32 *out) { out[threadIdx.x] = in[threadIdx.x]; }
extern "C" __global__ void not_a_place(u32 *out) {
    __shared__ u32 staged[8];
    staged[threadIdx.x + 8] = 1;
    out[0] = staged[0];
}
extern "C" __global__ void not_a_number(const float *in, u32 *out) { out[0] = (int)in[0]; }
extern "C" __global__ void uninitialised(u32 *out) {
    __shared__ u32 staged[256];
    out[threadIdx.x] = staged[threadIdx.x];
}
"""


@pytest.fixture(scope="module", params=ORDERS)
def emulator(request):
    emulator = Emulator(request.param)
    emulator.load(KERNELS, re.findall(r"void (\w+)\(", KERNELS), [])
    return emulator


def filled(emulator, values):
    buffer = emulator.allocate(values.nbytes)
    emulator.upload(buffer, values)
    return buffer


def test_barriers_order_shared_memory(emulator):
    values = np.arange(1024, dtype=np.uint32)
    out = emulator.allocate(4096)
    emulator.launch("reverse_block", 4, [filled(emulator, values), out])
    assert (out.array(np.uint32) == values.reshape(4, 256)[:, ::-1].ravel()).all()


def test_a_missing_barrier_shows(emulator):
    values = np.arange(256, dtype=np.uint32)
    out = emulator.allocate(1024)
    emulator.launch("without_barrier", 1, [filled(emulator, values), out])
    assert (out.array(np.uint32) != values[::-1]).any()


def test_warp_operations(emulator):
    out = emulator.allocate(4 * 5 * 64)
    emulator.launch("warp_operations", 1, [out], threads=64)
    words = out.array(np.uint32).reshape(64, 5)
    lane = np.arange(64) % 32
    assert (words[:, 0] == sum(1 << k for k in range(0, 32, 3))).all()
    same = [sum(1 << k for k in range(32) if k // 5 == own // 5) for own in lane]
    assert (words[:, 1] == same).all()
    assert (words[:, 2] == np.where(lane < 2, lane, lane - 2)).all()
    assert (words[:, 3].view(np.float32) == np.repeat([3.5, 19.5], 32)).all()
    assert (words[:, 4] == 10).all()


def test_atomic_sums(emulator):
    total = filled(emulator, np.zeros(1, np.uint32))
    emulator.launch("add_up", 10, [total])
    assert total.array(np.uint32)[0] == 45 * 256


FAULTS = {
    "parted": "block 0: threads are at the barriers of lines",
    "left_early": "block 0: 1 threads never come to the barrier of line",
    "lanes_apart": "block 0: 16 lanes of warp",
    "few_lanes": "a warp operation without all lanes is not emulated",
    "past_the_end": "an access outside of every buffer",
    "before_the_start": "an access outside of every buffer",
    "not_a_place": "undefined behaviour",
}


@pytest.mark.parametrize("kernel", FAULTS)
def test_faults_are_named(emulator, kernel):
    """And the next launch runs as if nothing had been."""
    with pytest.raises(EmulationError, match=f"{kernel}: .*{FAULTS[kernel]}"):
        emulator.launch(kernel, 1, [emulator.allocate(16)])
    test_barriers_order_shared_memory(emulator)


def test_reading_past_the_end_is_named(emulator):
    with pytest.raises(EmulationError, match=r"block 0, thread \d+: an access outside of every buffer"):
        emulator.launch("reads_past_the_end", 1, [emulator.allocate(64), emulator.allocate(1024)])


def test_a_float_that_is_no_integer_is_named(emulator):
    for value in (np.nan, 3e9):
        with pytest.raises(EmulationError, match=r"not_a_number: block 0, thread .*: undefined behaviour"):
            emulator.launch(
                "not_a_number", 1, [filled(emulator, np.array([value], np.float32)), emulator.allocate(16)], threads=32
            )


def test_memory_begins_poisoned(emulator):
    out = emulator.allocate(1024)
    assert (out.array(np.uint8) == 0xCB).all()
    emulator.launch("uninitialised", 1, [out])
    assert (out.array(np.uint8) == 0xCB).all()


def test_a_recording_launches_what_was_recorded(emulator):
    total = filled(emulator, np.zeros(1, np.uint32))
    again = emulator.record(lambda: emulator.launch("add_up", 3, [total]))
    assert total.array(np.uint32)[0] == 0
    again()
    again()
    assert total.array(np.uint32)[0] == 2 * 3 * 256


def test_what_does_not_compile_is_told():
    with pytest.raises(EmulationError, match="nonsense"):
        Emulator().load("nonsense;", [], [])


def test_halves_become_floats_as_numpy_has_it():
    emulator = Emulator()
    emulator.load(
        'extern "C" __global__ void halves(float *out) {'
        " for (int k = threadIdx.x; k < 65536; k += blockDim.x) out[k] = float_from_half((unsigned short)k); }",
        ["halves"],
        [],
    )
    out = emulator.allocate(4 * 65536)
    emulator.launch("halves", 1, [out])
    expected = np.arange(65536, dtype=np.uint16).view(np.float16).astype(np.float32)
    assert np.array_equal(out.array(np.float32), expected, equal_nan=True)

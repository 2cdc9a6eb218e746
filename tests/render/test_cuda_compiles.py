"""NVRTC compiles the renderer's and the compositor's kernels for every generation of GPU since Ampere, here, without one; what each kernel takes."""

from __future__ import annotations

import pytest
from tests.render.nvrtc import CompileError, compile_cubin, library, usages

from translight.render.cuda import source as splats
from translight.volume.cuda import source as wall

if library() is None:
    pytest.skip('NVRTC is not here; pip install "translight[dev]"', allow_module_level=True)

ARCHITECTURES = ("sm_80", "sm_89", "sm_90", "sm_120")
"""A100; RTX 40 and L40; H100; RTX 50 and RTX PRO."""
OPTIONS = ("--std=c++17", "-ftz=true", "--device-as-default-execution-space", "--ptxas-options=-v")
"""As cupy_device.py and CuPy compile them, but that ptxas tells of it."""
MOST_REGISTERS = {
    "blend_expected": 64,
    "blend_median": 64,
    "blend_none": 64,
    "project_half": 80,
    "project_float": 80,
    "emit_instances": 64,
}
"""For at least 1024 threads a multiprocessor of 65,536 registers, and 768 that project."""


@pytest.mark.parametrize("room", [splats, wall], ids=["splats", "wall"])
@pytest.mark.parametrize(
    "architecture", [*(pytest.param(older, marks=pytest.mark.slow) for older in ARCHITECTURES[:2]), *ARCHITECTURES[2:]]
)
def test_every_kernel_compiles_and_none_spills(architecture, room, capsys):
    assert room.source().isascii(), "CuPy writes it in the system's encoding"
    cubin, log = compile_cubin(room.source(), architecture, OPTIONS)
    found = usages(log)
    with capsys.disabled():
        print(f"\n{architecture:8}{'registers':>12}{'shared':>8}{'stack':>7}{'spills':>8}")
        for name in room.KERNELS:
            u = found[name]
            spills = u.spill_store_bytes + u.spill_load_bytes
            print(f"  {name:16}{u.registers:>4}{u.shared_bytes:>7} B{u.stack_bytes:>5} B{spills:>6} B")
    assert cubin.startswith(b"\x7fELF")
    assert found.keys() == set(room.KERNELS)
    for name, usage in found.items():
        assert usage.spill_store_bytes == usage.spill_load_bytes == usage.stack_bytes == 0, f"{name} spills"
        assert usage.registers <= MOST_REGISTERS.get(name, 96), f"{name} takes {usage.registers} registers"
        assert usage.shared_bytes <= 48 << 10


def test_the_log_names_the_file_and_line():
    broken = splats.source().replace("__syncthreads_count(least", "__syncthreads_count(gone")
    with pytest.raises(CompileError, match=r'blend\.cu\(\d+\): error: identifier "gone" is undefined'):
        compile_cubin(broken, "sm_90", OPTIONS)


def test_spills_are_seen():
    """Of a kernel that is given too few registers."""
    starved = splats.source().replace("__launch_bounds__(THREADS) blend_", "__launch_bounds__(1024, 2) blend_")
    _, log = compile_cubin(starved, "sm_90", OPTIONS)
    assert usages(log)["blend_expected"].spill_store_bytes > 0

"""The one script that a machine with a GPU runs, over the stand-in for CuPy: it must not fail there for a typing error."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from tests.render.cuda_emulation.emulator import COMPILER

if COMPILER is None:
    pytest.skip("g++ is not here, which compiles the kernels for the CPU", allow_module_level=True)
from tests.render.cuda_emulation.queued_cupy import World, cupy_of

from translight.render import cuda
from translight.render.cuda.source import KERNELS


@pytest.fixture
def bench(monkeypatch):
    """The module on a machine with a GPU; what a GPU would say of itself is the stand-in's."""
    monkeypatch.setitem(sys.modules, "cupy", cupy_of(World()))
    monkeypatch.setattr(cuda, "require_gpu", lambda _: None)
    for name in ("translight.render.cuda.cupy_device", "translight.render.cuda.readback"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    from benchmarks import bench_cuda

    yield bench_cuda
    for name in ("translight.render.cuda.cupy_device", "translight.render.cuda.readback"):
        sys.modules.pop(name, None)


@pytest.mark.slow
def test_every_row_and_kernel_is_measured(bench, capsys):
    bench.main(tiny=True)
    out = capsys.readouterr().out
    for what in ("1 × one view", "8 × one eye", "1 × to the host", "1 × onto a wall", "1 × steady"):
        assert what in out
    launched = [kernel for kernel in KERNELS if kernel not in ("project_float", "blend_median", "blend_none")]
    assert all(f"{kernel:>16} " in out for kernel in launched)


def test_bench_render_measures_the_backend(bench, monkeypatch, capsys):
    from translight.cli import main

    monkeypatch.setattr(sys.modules["benchmarks.scenes"], "COUNTS", {"room_1k": 1000})
    arguments = ["--backend", "cuda", "--scene", "room_1k", "--size", "64x36", "--rounds", "1", "--json"]
    assert main(["bench", "render", *arguments]) == 0
    (row,) = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (row["backend"], row["splats"], row["width"]) == ("cuda", 1000, 64)
    assert 0 < row["median_ms"] <= row["p99_ms"]


@pytest.mark.slow
def test_the_table(bench, monkeypatch, tmp_path):
    """Scenes and sizes cut down, and the suite not run; gsplat's numbers stand beside ours."""
    monkeypatch.setattr(bench, "SCENES", ("room_2m",))
    monkeypatch.setattr(bench, "SIZES", ((64, 36),))
    monkeypatch.setattr(bench, "STEADY", ("room_2m", (64, 36)))
    monkeypatch.setattr(bench, "FRAMES", 4)
    monkeypatch.setattr(bench, "STEADY_FRAMES", 4)
    monkeypatch.setattr(bench, "bench_scene", lambda _: bench.Scene.of(bench.room(500)))
    monkeypatch.setattr(bench, "_conform", lambda: None)
    monkeypatch.setattr(bench, "_RESULT", tmp_path / "cuda.md")

    class Peer:
        class Clouds:
            def __init__(self, scene):
                pass

            def frame_times(self, passes, frames):
                assert {len(views) for views in passes} in ({1}, {8})
                return np.full(frames, 1e6)

        version = staticmethod(lambda: "gsplat 9")

    monkeypatch.setattr(bench, "_gsplat", lambda: Peer)
    bench.main(tiny=False)
    table = (tmp_path / "cuda.md").read_text()
    assert "GPU: an emulated GPU, CUDA 13.2, CuPy 0." in table
    assert "gsplat: gsplat 9." in table
    assert table.count("| room_2m | 64×36 |") == 5
    assert "| 1000000.000 | **" in table
    assert "- blend_expected: " in table


@pytest.mark.slow
def test_a_suite_that_skips_all_is_no_proof(bench, monkeypatch, capsys):
    """As where CuPy cannot be imported: here the suite runs in an interpreter without the stand-in."""
    monkeypatch.setattr(bench, "_SUITE", f"{bench._SUITE}::test_no_views_no_frames")
    with pytest.raises(SystemExit, match="does not conform here"):
        bench._conform()
    assert "1 skipped" in capsys.readouterr().out


def test_without_a_gpu_it_says_so_and_leaves_the_table_alone(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "cupy", None)
    monkeypatch.delitem(sys.modules, "translight.render.cuda.cupy_device", raising=False)
    from benchmarks import bench_cuda

    result = Path(bench_cuda._RESULT)
    before = result.read_bytes() if result.exists() else None
    bench_cuda.main(tiny=False)
    assert capsys.readouterr().out.startswith("no GPU to measure: ")
    assert (result.read_bytes() if result.exists() else None) == before

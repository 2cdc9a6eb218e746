"""The device by CuPy, over a stand-in that does everything as late as CUDA may; and what is said where there is none."""

from __future__ import annotations

import gc
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tests.render.cuda_emulation.emulator import COMPILER, EmulationError
from tests.render.test_conformance import CASES, assert_conforms, expected

from translight.core.device import Part, uploaded
from translight.core.errors import BackendError
from translight.render import cuda
from translight.render.contract import Frame
from translight.render.cuda import open_backend
from translight.render.cuda.memory import STATUS_BYTES

if COMPILER is None:
    pytest.skip("g++ is not here, which compiles the kernels for the CPU", allow_module_level=True)
from tests.render.cuda_emulation.queued_cupy import World, cupy_of

MODULES = ("translight.render.cuda.cupy_device", "translight.render.cuda.readback")


@pytest.fixture
def world(monkeypatch):
    """A machine with one GPU, whatever this one has."""
    world = World()
    monkeypatch.setitem(sys.modules, "cupy", cupy_of(world))
    monkeypatch.setattr(cuda, "require_gpu", lambda _: None)
    for name in MODULES:
        monkeypatch.delitem(sys.modules, name, raising=False)
    yield world
    for name in MODULES:
        sys.modules.pop(name, None)


def test_draws_as_the_reference_does(world):
    """First by launches, then by the graph; views of two sizes, constants that change while nothing is waited for."""
    with open_backend() as renderer:
        assert renderer.name == "cuda"
        for order in ("depth", "distance"):
            (scene, views), truth = expected("several_views", order)
            for _ in range(3):
                assert_conforms(renderer.render(scene, views, order=order), truth)
        assert world.graphs == 6, "one a scene and size"
        assert world.replays >= 11, "a third frame is replayed, and the second, but where memory has grown"
        (scene, views), truth = expected("inside", "distance")
        for _ in range(3):
            assert_conforms(renderer.render(scene, views, order="distance"), truth)
        assert world.graphs == 7
    renderer.close()


def big() -> tuple[object, list, list[Frame]]:
    """Pictures of more than a strip, and their truth."""
    from translight.core.camera import View

    scene, views = CASES["degree_1"]()
    views = [View(views[0].stage_from_camera, views[0].camera.resized(720, 480))]
    with open_backend() as renderer:
        return scene, views, renderer.render(scene, views)


def test_without_depth_none_comes_back(world):
    scene, views, first = big()
    before = world.staged_bytes
    with open_backend() as renderer:
        (frame,) = renderer.render(scene, views, depth="none")
    assert world.staged_bytes - before == 16 + 720 * 480 * 16
    assert np.array_equal(first[0].rgba, frame.rgba)


def test_strips_take_turns(world):
    scene, views, first = big()
    assert world.direct_bytes == 0
    assert world.staged_bytes == 16 + 720 * 480 * 20
    (scene2, views2), truth = expected("degree_1")
    with open_backend() as renderer:
        assert_conforms(renderer.render(scene2, views2), truth)
        again = renderer.render(scene, views)
    assert np.array_equal(first[0].rgba, again[0].rgba)
    assert np.array_equal(first[0].depth, again[0].depth)


@pytest.mark.slow
def test_arrays_seen_again_are_filled_directly_and_unlocked_when_they_go(world):
    scene, views, first = big()
    with open_backend() as renderer:
        out = [Frame.empty(720, 480)]
        renderer.render(scene, views, out)
        assert not world.locked
        for count in (1, 2):
            out[0].rgba.fill(np.nan)
            out[0].depth.fill(np.nan)
            renderer.render(scene, views, out)
            assert world.direct_bytes == count * 720 * 480 * 20
            assert np.array_equal(out[0].rgba, first[0].rgba)
            assert np.array_equal(out[0].depth, first[0].depth)
        assert len(world.locked) == 2
        del out
        gc.collect()
        assert not world.locked
        out = [Frame.empty(720, 480)]
        for _ in range(2):
            renderer.render(scene, views, out)
        assert len(world.locked) == 2
    assert not world.locked, "closing unlocks"


def test_a_view_made_anew_is_the_array_that_it_is_of(world):
    """As a slot of a ring is lent: by another view each time."""
    values = np.arange(1 << 19, dtype=np.float32)
    slot = np.zeros(values.nbytes, np.uint8)
    with open_backend() as renderer:
        buffer = uploaded(renderer.device, values)
        for count in range(3):
            slot.fill(0)
            renderer.device.download(buffer, [slot.view(np.float32).reshape(-1, 4)])
            assert world.direct_bytes == count * values.nbytes
            assert np.array_equal(slot.view(np.float32), values)
        assert len(world.locked) == 1
        del slot
        gc.collect()
        assert not world.locked


def test_where_pages_cannot_be_locked_strips_go_on(world):
    scene, views, first = big()
    world.may_lock = False
    with open_backend() as renderer:
        out = [Frame.empty(720, 480)]
        for _ in range(3):
            renderer.render(scene, views, out)
    assert world.direct_bytes == 0
    assert np.array_equal(out[0].rgba, first[0].rgba)


FAILURES = {
    "no driver": (
        {"driver_error": "cudaErrorInsufficientDriver: CUDA driver version is insufficient"},
        r"the cuda backend needs an NVIDIA GPU and its driver for CUDA 13\.2 \(cudaErrorInsufficientDriver: CUDA driver version is insufficient\)",
    ),
    "too old": (
        {"capability": "61"},
        r"the cuda backend needs compute capability 7 \(Volta\) or newer; GPU 0 has 6\.1",
    ),
    "does not compile": (
        {"compiles": False},
        r"NVRTC does not compile the cuda backend's kernels: blend\.cu\(3\): error: expected a ';'",
    ),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_where_it_cannot_run_one_line_says_why(world, failure):
    settings, message = FAILURES[failure]
    for name, value in settings.items():
        setattr(world, name, value)
    with pytest.raises(BackendError, match=f"^{message}$"):
        open_backend()


def test_without_memory_one_line_says_so(world):
    (scene, views), _ = expected("degree_0")
    with open_backend() as renderer:
        world.memory = 1000
        with pytest.raises(
            BackendError, match=r"^the GPU has no 0 MB left; draw fewer splats, or fewer or smaller views"
        ):
            renderer.render(scene, views)


def test_a_failing_kernel_is_the_backends_error_and_closing_is_still_possible(world, monkeypatch):
    """A GPU that has failed answers everything with its error from then on."""
    (scene, views), _ = expected("degree_0")
    with open_backend() as renderer:

        def fail(*_):
            raise EmulationError("past the end")

        monkeypatch.setattr(world.emulator, "launch", fail)
        for _ in range(2):
            with pytest.raises(BackendError, match=r"^the GPU failed to draw: cudaErrorIllegalAddress: past the end$"):
                renderer.render(scene, views)


def test_two_renderers_have_constants_of_their_own(world):
    """Frames of one are asked for between the other's; CuPy compiles the same text once."""
    (scene, views), truth = expected("degree_1")
    (other_scene, other_views), other_truth = expected("size_123x82")
    with open_backend() as one, open_backend() as other:
        frames = [Frame.empty(view.camera.width_px, view.camera.height_px) for view in views]
        for _ in range(3):
            one.pipeline.draw(scene, views, "depth")
            one.device.stream.queue.pop(0)()  # its constants are copied, and no kernel has begun
            assert_conforms(other.render(other_scene, other_views), other_truth)
            one.device.download(Part(one.pipeline.frame, STATUS_BYTES), [frames[0].rgba, frames[0].depth])
            assert_conforms(frames, truth)


@pytest.mark.slow
def test_the_conformance_suite_itself_passes(tmp_path):
    """As it will run on a GPU, but for the GPU."""
    script = (
        "import sys, pytest; from tests.render.cuda_emulation.queued_cupy import World, cupy_of;"
        "sys.modules['cupy'] = cupy_of(World());"
        "import translight.render.nvidia as nvidia; nvidia.require_gpu = lambda _: None;"
        "sys.exit(pytest.main(['-q', '-p', 'no:cacheprovider', '-k', 'cuda', 'tests/render/test_conformance.py']))"
    )
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(root), *sys.path])}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=root, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    assert int(re.search(r"(\d+) passed", done.stdout)[1]) > 100


def test_without_cupy_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)
    monkeypatch.setattr(cuda, "require_gpu", lambda _: None)
    for name in MODULES:
        monkeypatch.delitem(sys.modules, name, raising=False)
    with pytest.raises(BackendError, match=r'needs CuPy, .*pip install "translight\[cuda\]"'):
        open_backend()


def test_the_driver_is_asked_before_cupy_is_imported(monkeypatch):
    def none(backend: str) -> None:
        raise BackendError(f"{backend}: no GPU")

    monkeypatch.setattr(cuda, "require_gpu", none)
    monkeypatch.setattr(cuda, "import_module", lambda name: pytest.fail(f"{name} is imported"))
    with pytest.raises(BackendError, match=r"^cuda: no GPU$"):
        open_backend()


def test_the_package_imports_without_cupy():
    code = "import sys; sys.modules['cupy'] = None; import translight.render.cuda"
    subprocess.run([sys.executable, "-c", code], check=True)

"""What is the cpu backend's own: scenes kept as long as they live, and the vector code that its kernels become."""

import gc
import os
import platform
import re
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from translight.core.camera import Camera, View
from translight.core.pose import Pose, Similarity
from translight.render.contract import Scene
from translight.render.cpu import renderer as renderer_module
from translight.render.cpu.renderer import CpuRenderer

VIEW = View(Pose.identity(), Camera.from_fov(40, 30, horizontal_deg=60))

AVX512 = "+avx512f,+avx512bw,+avx512dq,+avx512vl,+avx512cd,+avx2,+avx,+fma,+bmi,+bmi2,+popcnt,+lzcnt,+f16c"
AVX2 = "+avx2,+avx,+fma,+bmi,+bmi2,+popcnt,+lzcnt,+f16c,-avx512f"
COMPILE = """
import numba
from translight.render.cpu import blend
from translight.render.cpu.jit import FAST_MATH
kernel = numba.njit(nogil=True, error_model="numpy", fastmath=FAST_MATH)(blend._blend_quad.py_func)
floats, ints, number = numba.float32[::1], numba.int32[::1], numba.int64
kernel.compile((floats, ints, number, number, number, number, floats, floats, number))
print(next(iter(kernel.inspect_asm().values())))
"""


@pytest.fixture
def prepared(monkeypatch) -> list[object]:
    """What is laid out for the kernels from now on: clouds and skies."""
    seen: list[object] = []
    for name in ("prepare", "prepare_sky"):
        whole = getattr(renderer_module, name)
        monkeypatch.setattr(renderer_module, name, lambda what, whole=whole: (seen.append(what), whole(what))[1])
    return seen


def test_scenes_take_turns_without_being_prepared_again(cloud_of, prepared) -> None:
    near, far = Scene.of(cloud_of([0, 0, 2])), Scene.of(cloud_of([0, 0, 9]))
    with CpuRenderer() as renderer:
        first = [renderer.render(scene, [VIEW])[0].rgba for scene in (near, far)]
        for scene, picture in ((near, first[0]), (far, first[1])):
            np.testing.assert_array_equal(renderer.render(scene, [VIEW])[0].rgba, picture)
        assert not np.array_equal(*first)
    assert prepared == [near.layers[0].splats, far.layers[0].splats]


def test_another_scene_of_the_same_cloud_and_sky_costs_nothing(cloud_of, prepared) -> None:
    """Moving, tinting and layering an environment while a show runs must not stop it."""
    sky = np.ones((2, 4, 3), np.float32)
    scene = Scene.of(cloud_of([0, 0, 2]), sky=sky)
    (layer,) = scene.layers
    moved = replace(layer, stage_from_scene=Similarity(2.0, Pose.identity()), tint=(0.5, 0.6, 0.7))
    with CpuRenderer() as renderer:
        for other in (scene, Scene((moved,), sky), Scene((layer, moved), sky), scene):
            renderer.render(other, [VIEW])
    assert prepared == [layer.splats, sky]


def test_a_scene_that_is_gone_is_forgotten(cloud_of) -> None:
    with CpuRenderer() as renderer:
        scene = Scene.of(cloud_of([0, 0, 2]), sky=np.zeros((2, 4, 3), np.float32))
        renderer.render(scene, [VIEW])
        assert len(renderer._clouds) == len(renderer._skies.values()) == 1
        del scene
        gc.collect()
        assert len(renderer._clouds) == len(renderer._skies.values()) == 0
        another = Scene.of(cloud_of([0, 0, 2]), sky=np.ones((2, 4, 3), np.float32))
        renderer.render(another, [VIEW])
        assert len(renderer._clouds) == len(renderer._skies.values()) == 1


def assert_fused(code: str, processor: str, features: str, register: str, least: int) -> None:
    """``code`` prints a kernel's assembly for that processor: it multiplies and adds in its widest vectors alone."""
    environment = {**os.environ, "NUMBA_CPU_NAME": processor, "NUMBA_CPU_FEATURES": features}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, timeout=200, check=False
    )
    assert done.returncode == 0, done.stderr
    fused = re.findall(rf"vfn?m(?:add|sub)\d+ps\s.*%({register})", done.stdout)
    others = re.findall(r"vfn?m(?:add|sub)\d+ss\s", done.stdout)
    assert len(fused) >= least
    assert others == [], "nothing is left to scalar arithmetic"


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="names x86 instructions")
@pytest.mark.parametrize(
    ("processor", "features", "register"),
    [pytest.param("skylake-avx512", AVX512, "zmm", marks=pytest.mark.slow), ("haswell", AVX2, "ymm")],
)
def test_blending_becomes_fused_vector_instructions(processor: str, features: str, register: str) -> None:
    """Compiled, not run, for both kinds of processor, whichever this one is."""
    assert_fused(COMPILE, processor, features, register, least=12)

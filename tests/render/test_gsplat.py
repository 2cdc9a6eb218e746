"""The gsplat backend's own part, proved without a GPU: its host code on gsplat's operators restated for the CPU.

On a GPU the conformance suite (test_conformance.py) runs the real ones.
"""

from __future__ import annotations

import inspect
import time

import numpy as np
import pytest
import torch
from tests.render.gsplat_on_cpu import OPERATORS
from tests.render.test_conformance import CASES, MEAN_LIMIT, assert_conforms, expected

from translight.core.errors import BackendError
from translight.render.contract import Frame, Scene
from translight.render.gsplat import operators as operators_module
from translight.render.gsplat.operators import Operators, compile_operators, load_operators, tell_while
from translight.render.gsplat.renderer import GsplatRenderer

QUICK = ("degree_2", "inside", "layered", "clipped", "antialiased_30", "several_views", "empty")


@pytest.fixture
def renderer() -> GsplatRenderer:
    return GsplatRenderer(OPERATORS, torch.device("cpu"))


@pytest.mark.parametrize(
    ("case", "packed"),
    [pytest.param(case, False, marks=() if case in QUICK else pytest.mark.slow) for case in CASES]
    + [(case, True) for case in QUICK],
)
def test_meets_the_reference(renderer, case, packed, monkeypatch):
    monkeypatch.setattr(GsplatRenderer, "_packed", lambda *_: packed)
    (scene, views), truth = expected(case)
    assert_conforms(renderer.render(scene, views), truth)


@pytest.mark.parametrize(
    "case", [pytest.param(case, marks=() if case in QUICK else pytest.mark.slow) for case in CASES]
)
def test_meets_the_reference_in_order_of_distance(renderer, case):
    (scene, views), truth = expected(case, "distance")
    assert_conforms(renderer.render(scene, views, order="distance"), truth)


def test_without_depth_it_is_left_alone(renderer):
    (scene, views), truth = expected("degree_0")
    frame = Frame.empty(123, 82)
    frame.depth.fill(7.0)
    renderer.render(scene, views, [frame], depth="none")
    assert (frame.depth == 7.0).all()
    assert np.abs(frame.rgba - truth[0].rgba).mean() < MEAN_LIMIT


def test_median_depth_is_refused(renderer):
    (scene, views), _ = expected("degree_0")
    with pytest.raises(BackendError) as caught:
        renderer.render(scene, views, depth="median")
    assert str(caught.value) == "the gsplat backend draws no median depth; cpu, cuda and reference do"


def test_a_cloud_and_a_sky_go_to_the_device_once(renderer, monkeypatch):
    (scene, views), _ = expected("layered")
    renderer.render(scene, views)
    uploads: list[tuple[int, ...]] = []
    whole = GsplatRenderer._tensor
    monkeypatch.setattr(
        GsplatRenderer, "_tensor", lambda self, array: (uploads.append(array.shape), whole(self, array))[1]
    )
    renderer.render(Scene(scene.layers[:1], scene.sky), views)
    largest = max(np.prod(shape, dtype=int) for shape in uploads)
    assert largest <= 16 * len(views), "transforms and tints, but neither splats nor sky"


def test_the_operators_are_called_as_gsplat_declares_them():
    """The restatements take what gsplat's own functions take, by the same names in the same order."""
    from gsplat.cuda import _wrapper

    for name in Operators.__slots__:
        theirs = inspect.signature(getattr(_wrapper, name)).parameters
        ours = inspect.signature(getattr(OPERATORS, name)).parameters
        assert list(ours) == list(theirs), name
        defaults = {key: parameter.default for key, parameter in theirs.items()}
        assert {key: parameter.default for key, parameter in ours.items()} == defaults, name


def test_torch_without_cuda_is_one_line():
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(BackendError) as caught:
        load_operators()
    assert str(caught.value) == f"the gsplat backend needs an NVIDIA GPU; torch {torch.__version__} sees none"


def test_a_missing_gsplat_is_one_line(monkeypatch):
    def fails(name: str) -> object:
        raise ImportError(f"No module named {name!r}")

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(operators_module.shutil, "which", lambda _: "/usr/bin/nvcc")
    monkeypatch.setattr(operators_module.importlib, "import_module", fails)
    with pytest.raises(BackendError) as caught:
        load_operators()
    assert str(caught.value) == (
        "the gsplat backend needs gsplat, which cannot be imported (No module named 'gsplat.cuda._wrapper'); "
        'pip install "translight[cuda]"'
    )


def test_kernels_that_came_with_gsplat_are_not_compiled(tmp_path, monkeypatch):
    (tmp_path / "kernels_for_tests.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(operators_module, "_PREBUILT", "kernels_for_tests")
    monkeypatch.setattr(operators_module, "_load_extension", lambda: told.append("loaded"))
    told: list[str] = []
    compile_operators(told.append)
    assert told == ["loaded"]


def test_compiling_is_told_part_by_part(tmp_path, monkeypatch):
    monkeypatch.setattr(operators_module, "_LOOK_S", 0.01)
    told: list[str] = []

    def work() -> None:
        for part in range(3):
            (tmp_path / f"{part}.o").touch()
            while not any(f"{part + 1} of 3" in text for text in told):
                time.sleep(0.001)

    tell_while(work, tmp_path, 3, told.append)
    assert [text.rsplit(",", 1)[0] for text in told[-3:]] == [
        f"compiling gsplat, once on this machine: {k} of 3 parts" for k in (1, 2, 3)
    ]


def test_kernels_that_do_not_compile_are_one_line(tmp_path, monkeypatch):
    whole = operators_module.importlib.import_module

    def fails(name: str) -> object:
        if name != "gsplat.cuda._backend":
            return whole(name)
        raise RuntimeError("Error building extension 'gsplat_cuda': nvcc fatal\nand a hundred lines more")

    monkeypatch.setattr(operators_module.importlib, "import_module", fails)
    monkeypatch.setattr(operators_module, "_built", lambda: tmp_path / "none" / "gsplat_cuda.so")
    told: list[str] = []
    with pytest.raises(BackendError) as caught:
        compile_operators(told.append)
    assert str(caught.value) == (
        "gsplat's kernels do not compile here: Error building extension 'gsplat_cuda': nvcc fatal"
    )
    assert told[0].startswith("compiling gsplat, once on this machine: 0 of ")
    assert int(told[0].split(" of ")[1].split()[0]) > 20

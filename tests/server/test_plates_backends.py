"""A wall whose sky moves is the same whichever backend draws the splats before it: still, cut and dissolved."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from tests.environment.plates import environment_of, plate_of, random_plate
from tests.render.cuda_emulation.emulator import COMPILER, Emulator
from tests.render.test_conformance import cloud
from tests.server.test_plates import CUE, LEVELS, SHOW, wall

from translight.core.errors import BackendError
from translight.environment.files import save_environment
from translight.render.backends import open_renderer
from translight.render.contract import Renderer
from translight.render.cuda.renderer import CudaRenderer
from translight.server import pipeline as pipeline_module
from translight.server.device_wall import DeviceWall
from translight.server.pipeline import Pipeline
from translight.server.places import Mix
from translight.server.show import show_from_text
from translight.stream.urls import open_receiver

MIXES = ((0, Mix(0, 0)), (15, Mix(0, 0)), (16, Mix(0, 1, 0.4)), (30, Mix(1, 1)), (47, Mix(1, 1)), (48, Mix(0, 0)))
"""Frame numbers, and what stands there: plates that move on, a dissolve from one into the other, a cut back."""


def _emulated() -> Renderer:
    if COMPILER is None:
        pytest.skip("g++ is not here, which compiles the kernels for the CPU")
    return CudaRenderer(Emulator())


BACKENDS = [
    pytest.param(_emulated, id="emulated"),
    pytest.param(lambda: open_renderer("cuda"), id="cuda", marks=pytest.mark.cuda),
    pytest.param(lambda: open_renderer("gsplat"), id="gsplat", marks=pytest.mark.cuda),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Splats that cover a part of the wall, thin and thick, before two skies with different plates."""
    splats = cloud(1, 1500, 2, centre=(0, -1.6, 6), spread=0.9)
    for name, plates in (
        ("grey", (plate_of(LEVELS, size=(8, 16)),)),
        ("bright", (random_plate(1, count=5, size=(3, 9), at=(12, 2)), random_plate(2, size=(4, 5), at=(14, 3)))),
    ):
        save_environment(replace(environment_of(*plates), splats=splats), tmp_path / f"{name}.tlenv")
    return tmp_path


def _pictures(folder: Path) -> list[np.ndarray]:
    name = f"test-{uuid.uuid4().hex[:12]}"
    text = SHOW.format(rate="60", name=name, path="grey.tlenv") + CUE.format(path="bright.tlenv")
    show = show_from_text(text, "show.toml")
    with Pipeline(show, folder, lambda _: None) as pipeline, open_receiver(f"shm://{name}") as receiver:
        sky = pipeline.skies[0]
        assert sky is not None
        assert [sky.plates[0].frame_at(number, Fraction(60)) for number in (0, 15, 48)] == [0, 6, 5]
        return [wall(pipeline, receiver, number, mix=mix) for number, mix in MIXES]


@pytest.mark.parametrize("opened", BACKENDS)
def test_the_wall_is_the_processors(
    folder: Path, opened: Callable[[], Renderer], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(pipeline_module, "open_renderer", lambda *_, **__: open_renderer("cpu"))
        theirs = _pictures(folder)
    try:
        renderer = opened()
    except BackendError as error:
        pytest.skip(str(error))
    monkeypatch.setattr(pipeline_module, "open_renderer", lambda *_, **__: renderer)
    filled: list[int] = []
    monkeypatch.setattr(DeviceWall, "frame", lambda *_: filled.append(1))
    ours = _pictures(folder)
    assert not filled, "what a plate moves is composited by the processor"
    for one, other in zip(ours, theirs, strict=True):
        assert (np.abs(one - other) > 1).mean() < 1e-3
    assert np.abs(ours[0] - ours[1]).mean() > 20, "the plate moves on"
    assert np.abs(ours[1] - ours[2]).mean() > 5
    assert min(np.ptp(picture[20:40, 90:110]) for picture in ours) > 50, "splats stand before it"

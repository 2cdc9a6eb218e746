"""A show on a device of ours sends the pixels that one on the processor sends, cuts and dissolves included."""

from __future__ import annotations

import uuid
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.render.cuda_emulation.emulator import COMPILER, Emulator
from tests.render.test_conformance import cloud

from translight.colour.output import unpack
from translight.core.frames import camera_from_pan_tilt_roll
from translight.render.cpu import CpuRenderer
from translight.render.cuda.renderer import CudaRenderer
from translight.server import pipeline as pipeline_module
from translight.server.device_wall import DeviceWall
from translight.server.pipeline import Pipeline
from translight.server.places import Mix
from translight.server.show import show_from_text
from translight.splats.files import save
from translight.stream.header import FrameTimes
from translight.stream.urls import open_receiver

if COMPILER is None:
    pytest.skip("g++ is not here, which compiles the kernels for the CPU", allow_module_level=True)

SHOW = """\
rate = "30"
outputs = ["shm://{name}"]
[environment]
path = "ball.ply"
position_m = [0, 6, 1.5]
[tracking]
source = "freed://:40000"
[camera]
pixels = [64, 36]
[render]
hold_rate = false
[[walls]]
name = "back"
kind = "plane"
centre_m = [0, 4, 1.5]
width_m = 4
height_m = 2.4
pixels = [80, 48]
[[cues]]
name = "moved"
at_s = 1
dissolve_s = 1
environment = {{ path = "ball.ply", position_m = [0.7, 6, 1.5], tint = [1, 0.5, 0.2] }}
"""
CAMERA = """\
rate = "30"
outputs = [
    "shm://{name}",
    {{ url = "shm://{name}-w", format = "rgb10a2" }},
    {{ url = "shm://{name}-c", carries = "camera" }},
    {{ url = "shm://{name}-d", carries = "depth", format = "rgb10a2" }},
]
"""
MIXES = (Mix(0, 0), Mix(0, 1, 0.4), Mix(1, 1), Mix(1, 1), Mix(0, 0))


def _pictures(folder: Path) -> list[np.ndarray]:
    name = f"test-{uuid.uuid4().hex[:12]}"
    show = show_from_text(SHOW.format(name=name), "show.toml")
    pose = camera_from_pan_tilt_roll(0.1, 0.05, 0.0, (0.2, -0.5, 1.5))
    pictures = []
    with Pipeline(show, folder, lambda _: None) as pipeline, open_receiver(f"shm://{name}") as receiver:
        for number, mix in enumerate(MIXES):
            pipeline.frame(
                pose, show.camera.camera(70.0), number, times=FrameTimes(), pose_sequence=0, flags=0, mix=mix
            )
            frame = receiver.receive(5.0)
            assert frame is not None
            pictures.append(frame.pixels.astype(int))
    return pictures


def test_pixels_are_the_processors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(tmp_path / "ball.ply", cloud(1, 1500, 2, spread=0.6))
    theirs = _pictures(tmp_path)
    filled: list[int] = []
    whole = DeviceWall.frame
    monkeypatch.setattr(DeviceWall, "frame", lambda self, *arguments: (filled.append(1), whole(self, *arguments))[1])
    monkeypatch.setattr(pipeline_module, "open_renderer", lambda *_, **__: CudaRenderer(Emulator()))
    ours = _pictures(tmp_path)
    assert len(filled) == 4 + 2, "all but the dissolve, and one of each environment to warm up"
    for one, other in zip(ours, theirs, strict=True):
        assert other[..., :3].std() > 20
        assert (np.abs(one - other) > 1).mean() < 1e-3
    assert np.abs(ours[0] - ours[2]).max() > 50


def _camera_pictures(folder: Path) -> list[np.ndarray]:
    """The wall in two formats, the camera's picture and its depth, of each mix."""
    name = f"test-{uuid.uuid4().hex[:12]}"
    text = SHOW.replace('rate = "30"\noutputs = ["shm://{name}"]\n', CAMERA)
    show = show_from_text(text.format(name=name), "show.toml")
    pose = camera_from_pan_tilt_roll(0.1, 0.05, 0.0, (0.2, -0.5, 1.5))
    pictures = []
    with Pipeline(show, folder, lambda _: None) as pipeline, ExitStack() as stack:
        receivers = [stack.enter_context(open_receiver(f"shm://{name}{end}")) for end in ("", "-w", "-c", "-d")]
        for number, mix in enumerate(MIXES[:3]):
            pipeline.frame(
                pose, show.camera.camera(70.0), number, times=FrameTimes(), pose_sequence=0, flags=0, mix=mix
            )
            for receiver in receivers:
                frame = receiver.receive(5.0)
                assert frame is not None
                pictures.append(unpack(frame.pixels, frame.header.format).astype(int))
    return pictures


def test_the_cameras_picture_and_depth_come_back_only_where_an_output_wants_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(tmp_path / "ball.ply", cloud(1, 1500, 2, spread=0.6))
    theirs = _camera_pictures(tmp_path)
    fetched: list[tuple[bool, str]] = []
    whole = DeviceWall.frame

    def frame(self: DeviceWall, *arguments: Any) -> None:
        fetched.append((arguments[4] is not None, arguments[5]))
        whole(self, *arguments)

    monkeypatch.setattr(DeviceWall, "frame", frame)
    monkeypatch.setattr(pipeline_module, "open_renderer", lambda *_, **__: CudaRenderer(Emulator()))
    ours = _camera_pictures(tmp_path)
    assert set(fetched) == {(True, "median")}
    for one, other in zip(ours, theirs, strict=True):
        assert other.std() > 10
        assert (np.abs(one - other) > 1).mean() < 2e-3
    fetched.clear()
    _pictures(tmp_path)
    assert set(fetched) == {(False, "none")}


def test_other_renderers_have_none() -> None:
    show = show_from_text(SHOW.format(name="x"), "show.toml")
    with CpuRenderer() as renderer:
        assert DeviceWall.of(renderer, show, [show.colour]) is None

"""The film camera's picture and depth as a show sends them: against the renderer's own picture, and a known plane."""

from __future__ import annotations

import socket
import uuid
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
from tests.render.test_conformance import cloud

from translight.colour.depth_curve import DepthCurve
from translight.colour.output import OutputTransform, unpack
from translight.core.camera import View
from translight.core.frames import camera_from_pan_tilt_roll
from translight.core.image import PixelFormat
from translight.core.pose import Pose
from translight.render.contract import Frame
from translight.render.reference import ReferenceRenderer
from translight.server.governor import Quality
from translight.server.pipeline import Pipeline
from translight.server.places import Mix
from translight.server.show import show_from_text
from translight.splats.cloud import SplatCloud
from translight.splats.files import save
from translight.stream.barcode import BarcodePlace, Corner, decode
from translight.stream.contract import ReceivedFrame, Receiver
from translight.stream.header import FrameHeader, FrameTimes
from translight.stream.urls import open_receiver

SHOW = """\
rate = "30"
outputs = [{outputs}]
[environment]
path = "{path}"
position_m = [0, {y}, 1.5]
[tracking]
source = "freed://:40000"
[camera]
pixels = [{width}, {height}]
focal_length_mm = 30
[render]
hold_rate = false
[[walls]]
name = "back"
kind = "plane"
centre_m = [0, 4, 1.5]
width_m = 4
height_m = 2.4
pixels = [80, 48]
"""
PLANE_M = 6.0
POSE = camera_from_pan_tilt_roll(0.1, 0.05, 0.0, (0.2, -0.5, 1.5))


def name() -> str:
    return f"test-{uuid.uuid4().hex[:12]}"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def text(outputs: list[str], *, path: str = "ball.ply", y: float = 6.0, width: int = 64, height: int = 36) -> str:
    return SHOW.format(outputs=", ".join(outputs), path=path, y=y, width=width, height=height)


def out(url: str, carries: str, more: str = "") -> str:
    return f'{{ url = "{url}", carries = "{carries}"{more} }}'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A ball of splats, and a wall of them: square, opaque, in one plane that faces a camera which looks along +Y."""
    save(tmp_path / "ball.ply", cloud(1, 1500, 2, spread=0.6))
    x, z = np.meshgrid(np.arange(-8, 8.01, 0.25), np.arange(-5, 5.01, 0.25))
    # A PLY's axes are right, down, forward.
    means = np.stack([x.ravel(), z.ravel(), np.zeros(x.size)], -1).astype(np.float32)
    plane = SplatCloud(
        means=means,
        scales=np.tile(np.array([[0.25, 0.25, 0.001]], np.float32), (len(means), 1)),
        wxyz=np.tile(np.array([[1, 0, 0, 0]], np.float32), (len(means), 1)),
        opacities=np.full(len(means), 0.98, np.float32),
        sh=np.ones((len(means), 1, 3), np.float32),
    )
    save(tmp_path / "plane.ply", plane)
    return tmp_path


def one_frame(pipeline: Pipeline, receivers: list[Receiver], number: int, pose: Pose = POSE) -> list[ReceivedFrame]:
    show = pipeline.show
    pipeline.frame(
        pose, show.camera.camera(None), number, times=FrameTimes(received_ns=5), pose_sequence=number + 40, flags=2
    )
    frames = [receiver.receive(5.0) for receiver in receivers]
    assert all(frame is not None for frame in frames)
    return [frame for frame in frames if frame is not None]


def renderers_own(pipeline: Pipeline, pose: Pose = POSE) -> Frame:
    """The pose drawn without overscan by the renderer that we hold the others to."""
    view = View(pose, pipeline.show.camera.camera(None))
    with ReferenceRenderer() as renderer:
        (frame,) = renderer.render(pipeline.scenes[0][0], [view], order="distance", depth="median")
    return frame


@pytest.mark.parametrize("transport", ["shm", "zmq"])
def test_picture_and_depth_of_a_frame_belong_together_and_are_the_renderers(folder: Path, transport: str) -> None:
    urls = [f"shm://{name()}" if transport == "shm" else f"zmq+ipc://{folder}/{k}" for k in range(2)]
    show = text([out(urls[0], "camera"), out(urls[1], "depth", ', format = "rgb10a2", near_m = 1, far_m = 40')])
    with Pipeline(show_from_text(show, "x"), folder, lambda _: None) as pipeline, ExitStack() as stack:
        receivers = [stack.enter_context(open_receiver(url)) for url in urls]
        if transport == "zmq":
            for receiver in receivers:  # a subscription takes a moment to arrive
                while receiver.receive(0.05) is None:
                    pipeline.frame(
                        POSE, pipeline.show.camera.camera(None), 0, times=FrameTimes(), pose_sequence=0, flags=0
                    )
            for receiver in receivers:
                while receiver.receive(0.05) is not None:
                    pass
        for number in (7, 8):
            picture, depth = one_frame(pipeline, receivers, number)

            def pairing(header: FrameHeader) -> tuple[object, ...]:
                times = header.times
                return header.frame, header.pose_sequence, times.received_ns, header.wxyz, header.position_m

            assert pairing(picture.header) == pairing(depth.header)
            assert picture.header.frame == number
        assert (picture.header.carries, depth.header.carries) == ("camera", "depth")
        assert (depth.header.encoding, depth.header.near_m, depth.header.far_m) == ("depth-log", 1.0, 40.0)
        assert pipeline.wall is None, "no output asks for the walls"
        wanted = renderers_own(pipeline)
    codes = OutputTransform().codes(wanted.rgba[..., :3])
    away = np.abs(picture.pixels[..., :3] - codes).max(axis=-1)
    assert codes.std() > 20
    assert (away > 1).mean() < 0.005
    curve = DepthCurve(1, 40)
    got = curve.depth_m(unpack(depth.pixels, PixelFormat.RGB10A2)[..., 1] / 1023)
    seen = np.isfinite(wanted.depth)
    assert 0.2 < seen.mean() < 1
    step = curve.step_m(np.where(seen, wanted.depth, 1.0), 1023)
    assert (np.abs(got[seen] - wanted.depth[seen]) > 0.51 * step[seen]).mean() < 0.01
    assert (np.isinf(got) == ~seen).mean() > 0.99


@pytest.mark.parametrize("pixel_format", list(PixelFormat))
@pytest.mark.parametrize("scale", [1.0, 0.7])
def test_a_plane_before_the_camera_is_as_far_everywhere_as_its_distance(
    folder: Path, pixel_format: PixelFormat, scale: float
) -> None:
    """z along the axis, as Unreal's SceneDepth: the rays to the corners are a sixth longer."""
    url = f"shm://{name()}"
    show = text([out(url, "depth", f', format = "{pixel_format}"')], path="plane.ply", y=PLANE_M)
    pose = camera_from_pan_tilt_roll(0.0, 0.0, 0.0, (0.0, 0.0, 1.5))
    with Pipeline(show_from_text(show, "x"), folder, lambda _: None) as pipeline, open_receiver(url) as receiver:
        camera = pipeline.show.camera.camera(None)
        pipeline.frame(pose, camera, 1, times=FrameTimes(), pose_sequence=0, flags=0, quality=Quality(0, scale))
        frame = receiver.receive(5.0)
    assert frame is not None
    assert np.hypot(32 / camera.fx, 18 / camera.fy) > 0.55, "corners are far off the axis"
    values = unpack(frame.pixels, pixel_format)[..., 0].astype(np.float64)
    if pixel_format is PixelFormat.RGBA16F:
        assert np.abs(values - PLANE_M).max() < 0.004
    else:
        largest = 255 if pixel_format is PixelFormat.RGBA8 else 1023
        away = np.abs(DepthCurve().depth_m(values / largest) - PLANE_M)
        assert away.max() <= 0.55 * DepthCurve().step_m(PLANE_M, largest)


@pytest.mark.slow
def test_every_kind_and_format_at_once(folder: Path) -> None:
    """Walls in two formats, the camera in two, metres and codes; twice each on one more ring, and over tcp."""
    kinds = [
        ("wall", "rgba8"), ("wall", "rgba16f"), ("camera", "rgba8"), ("camera", "rgb10a2"), ("depth", "rgba16f"), ("depth", "rgba8"),
    ]  # fmt: skip
    urls = {kind: (f"shm://{name()}", f"tcp://127.0.0.1:{free_port()}") for kind in kinds}
    outputs = [
        out(url, carries, f', format = "{form}"') for (carries, form), pair in urls.items() for url in reversed(pair)
    ]
    alone = f"shm://{name()}"
    with (
        Pipeline(show_from_text(text([f'"{alone}"']), "x"), folder, lambda _: None) as pipeline,
        open_receiver(alone) as receiver,
    ):
        (wall_alone,) = one_frame(pipeline, [receiver], 1)
        assert pipeline._depth == "none", "what no output asks for is not drawn"
    with Pipeline(show_from_text(text(outputs), "x"), folder, lambda _: None) as pipeline, ExitStack() as stack:
        receivers = {kind: [stack.enter_context(open_receiver(url)) for url in pair] for kind, pair in urls.items()}
        for number in (1, 2):
            show = pipeline.show
            sent = pipeline.frame(POSE, show.camera.camera(None), number, times=FrameTimes(), pose_sequence=3, flags=0)
            assert sent.carries == "wall"
            got = {kind: [r.receive(5.0) for r in pair] for kind, pair in receivers.items()}
    for (carries, form), (one, other) in got.items():
        assert one is not None
        assert other is not None
        assert (one.header.carries, one.header.format, one.header.frame) == (carries, form, 2)
        np.testing.assert_array_equal(one.pixels, other.pixels)
    pixels = {kind: pair[0].pixels for kind, pair in got.items() if pair[0] is not None}
    assert np.array_equal(pixels["wall", "rgba8"], wall_alone.pixels), "other outputs do not change the wall"
    eight, ten = pixels["camera", "rgba8"][..., :3], unpack(pixels["camera", "rgb10a2"], PixelFormat.RGB10A2)
    assert np.abs(eight / 255 - ten / 1023).max() < 0.5 / 255 + 0.6 / 1023
    metres, codes = pixels["depth", "rgba16f"][..., 0].astype(np.float64), pixels["depth", "rgba8"][..., 0]
    assert np.abs(DepthCurve().signal(metres) * 255 - codes).max() < 0.6
    assert (metres == 65504).any()


def test_barcodes_are_burned_into_pictures_and_never_into_depth(folder: Path) -> None:
    urls = [f"shm://{name()}" for _ in range(2)]
    show = text([out(urls[0], "camera"), out(urls[1], "depth")], width=160, height=90)
    show += '[barcode]\nshow = true\ncell_px = 4\ncorner = "bottom-left"\n'
    with Pipeline(show_from_text(show, "x"), folder, lambda _: None) as pipeline, ExitStack() as stack:
        receivers = [stack.enter_context(open_receiver(url)) for url in urls]
        picture, depth = one_frame(pipeline, receivers, 9)
    place = BarcodePlace(Corner.BOTTOM_LEFT, 4)
    read = decode(picture.pixels, place)
    assert read is not None
    assert read.frame == 9
    assert decode(depth.pixels, place) is None
    assert (depth.pixels[-48:, :40, :3] == 0).mean() > 0.9, "there is nothing to be seen there"


def test_in_a_dissolve_depth_is_that_of_the_larger_share(folder: Path) -> None:
    urls = [f"shm://{name()}" for _ in range(2)]
    show = text([out(urls[0], "camera"), out(urls[1], "depth", ', format = "rgba16f"')], path="plane.ply")
    show += '[[cues]]\nname = "b"\nat_s = 1\ndissolve_s = 1\nenvironment = { path = "plane.ply", position_m = [0, 9, 1.5] }\n'
    pose = camera_from_pan_tilt_roll(0.0, 0.0, 0.0, (0.0, 0.0, 1.5))
    with Pipeline(show_from_text(show, "x"), folder, lambda _: None) as pipeline, open_receiver(urls[1]) as receiver:
        seen = []
        for number, mix in enumerate((Mix(0, 0), Mix(0, 1, 0.4), Mix(0, 1, 0.6), Mix(1, 1))):
            camera = pipeline.show.camera.camera(None)
            pipeline.frame(pose, camera, number, times=FrameTimes(), pose_sequence=0, flags=0, mix=mix)
            frame = receiver.receive(5.0)
            assert frame is not None
            seen.append(float(np.median(frame.pixels[..., 0])))
    np.testing.assert_allclose(seen, [6, 6, 9, 9], atol=0.01)

"""A show's parts put together as its file says."""

import socket
import uuid
from contextlib import ExitStack
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from translight.core.errors import ShowError
from translight.core.frames import camera_from_pan_tilt_roll
from translight.core.image import PixelFormat
from translight.core.pose import Pose
from translight.environment.environment import Environment
from translight.environment.files import save_environment
from translight.server.pipeline import Pipeline
from translight.server.places import Mix
from translight.server.show import show_from_text
from translight.splats.cloud import SplatCloud
from translight.splats.files import load, save
from translight.stream.barcode import BarcodePlace, Corner, decode
from translight.stream.header import FrameTimes
from translight.stream.urls import open_receiver

SHOW = """\
rate = "30"
outputs = ["shm://{name}"]
[environment]
path = "one.ply"
[tracking]
source = "freed://:40000"
[camera]
pixels = [64, 36]
[render]
threads = {threads}
[[walls]]
name = "back"
kind = "plane"
centre_m = [0, 1, 1.5]
width_m = 6
height_m = 3
pixels = [60, 30]
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    cloud = SplatCloud(
        means=np.array([[0, -1.6, 6]], np.float32),
        scales=np.full((1, 3), 0.5, np.float32),
        wxyz=np.array([[1, 0, 0, 0]], np.float32),
        opacities=np.array([0.9], np.float32),
        sh=np.ones((1, 1, 3), np.float32),
    )
    save(tmp_path / "one.ply", cloud)
    return tmp_path


def test_a_frame_goes_out_with_its_times_and_pose(folder: Path) -> None:
    name = f"test-{uuid.uuid4().hex[:12]}"
    show = show_from_text(SHOW.format(name=name, threads=0), "show.toml")
    said: list[str] = []
    with Pipeline(show, folder, said.append) as pipeline, open_receiver(f"shm://{name}") as receiver:
        pose = Pose.from_wxyz((1, 0, 0, 0), (0.25, 0.5, 1.0))
        times = FrameTimes(received_ns=5)
        sent = pipeline.frame(pose, show.camera.camera(None), 7, times=times, pose_sequence=3, flags=0)
        frame = receiver.receive(5.0)
        assert frame is not None
        assert frame.header == sent
        assert (sent.frame, sent.pose_sequence, sent.position_m) == (7, 3, (0.25, 0.5, 1.0))
        assert sent.times.received_ns == 5
        assert sent.times.render_begin_ns <= sent.times.render_end_ns <= sent.times.composite_end_ns
    assert said[0] == "reading the environment"
    assert "drawing the outer frustum" in said


@pytest.mark.parametrize("tcp_first", [True, False])
@pytest.mark.parametrize("pixel_format", list(PixelFormat))
def test_every_sender_sends_the_same_picture_in_strips_or_whole(
    folder: Path, tcp_first: bool, pixel_format: PixelFormat
) -> None:
    name = f"test-{uuid.uuid4().hex[:12]}"
    urls = [f"shm://{name}", f"tcp://127.0.0.1:{free_port()}", f"tcp://127.0.0.1:{free_port()}"]
    if tcp_first:
        urls.reverse()
    text = SHOW.replace('["shm://{name}"]', str(urls).replace("'", '"')).replace(
        "[tracking]", f'[colour]\nformat = "{pixel_format}"\n[tracking]'
    )
    show = show_from_text(text.format(threads=0), "show.toml")
    with Pipeline(show, folder, lambda _: None) as pipeline, ExitStack() as stack:
        receivers = [stack.enter_context(open_receiver(url)) for url in urls]
        for number in range(3):
            pose = Pose.from_wxyz((1, 0, 0, 0), (0.25 * number, 0.5, 1.0))
            pipeline.frame(pose, show.camera.camera(None), number, times=FrameTimes(), pose_sequence=3, flags=0)
            frames = [receiver.receive(5.0) for receiver in receivers]
            for frame in frames:
                assert frame is not None
                assert frame.header.frame == number
                np.testing.assert_array_equal(frame.pixels, frames[0].pixels)
                assert frame.header.encoding == show.colour.wall
            assert frames[0].pixels.shape == pixel_format.shape(60, 30)
            assert len(np.unique(frames[0].pixels)) > 10


def test_the_barcode_is_in_every_picture_that_goes_out(folder: Path) -> None:
    names = [f"test-{uuid.uuid4().hex[:12]}" for _ in range(2)]
    text = SHOW.format(name=f'{names[0]}", "shm://{names[1]}', threads=0).replace("[60, 30]", "[100, 60]")
    for kind in ("rgba8", "rgb10a2", "rgba16f"):
        show = show_from_text(
            text + f'[barcode]\nshow = true\ncell_px = 4\ncorner = "top-right"\n[colour]\nformat = "{kind}"\n',
            "show.toml",
        )
        with (
            Pipeline(show, folder, lambda _: None) as pipeline,
            open_receiver(f"shm://{names[0]}") as first,
            open_receiver(f"shm://{names[1]}") as second,
        ):
            times = FrameTimes()
            pose = show.camera.rest
            sent = pipeline.frame(pose, show.camera.camera(None), 7, times=times, pose_sequence=3, flags=0)
            for receiver in (first, second):
                frame = receiver.receive(5.0)
                assert frame is not None
                barcode = decode(frame.pixels, BarcodePlace(Corner.TOP_RIGHT, 4))
                assert barcode is not None
                assert barcode.frame == 7
                assert sent.times.render_end_ns // 1000 <= barcode.time_us <= sent.times.composite_end_ns // 1000


CUES = """
[[cues]]
name = "dark"
at_s = 1
dissolve_s = 2
environment = { path = "one.ply", tint = [0.2, 0.2, 0.2] }
"""


@pytest.mark.parametrize("change", ["tint = [0.2, 0.2, 0.2]", "position_m = [0.8, 0, 0]"])
def test_a_dissolve_mixes_both_environments_inside_and_outside_the_inner_frustum(folder: Path, change: str) -> None:
    name = f"test-{uuid.uuid4().hex[:12]}"
    cues = CUES.replace("tint = [0.2, 0.2, 0.2]", change)
    show = show_from_text(SHOW.format(name=name, threads=0) + cues, "show.toml")
    with Pipeline(show, folder, lambda _: None) as pipeline, open_receiver(f"shm://{name}") as receiver:
        pictures = {}
        # Inner and outer frustum: towards the wall, and away from it.
        for number, (pan, mix) in enumerate(product((0.0, np.pi), (Mix(0, 0), Mix(0, 1, 0.25), Mix(1, 1), Mix(0, 0)))):
            pose = camera_from_pan_tilt_roll(pan, 0.0, 0.0, (0.0, -4.0, 1.6))
            pipeline.frame(
                pose, show.camera.camera(None), number, times=FrameTimes(), pose_sequence=0, flags=0, mix=mix
            )
            frame = receiver.receive(5.0)
            assert frame is not None
            pictures.setdefault(pan, []).append(frame.pixels[..., :3].astype(np.float64))
        assert pipeline.outer_renders == 2, "once an environment, however often it is shown"
    for day, dissolving, night, again in pictures.values():
        assert day.max() > 150
        assert np.abs(night - day).max() > 0.4 * day.max()
        assert np.abs(dissolving - (0.75 * day + 0.25 * night)).max() <= 1.01
        np.testing.assert_array_equal(again, day)


def test_environments_that_cannot_dissolve_are_refused(folder: Path) -> None:
    name = f"test-{uuid.uuid4().hex[:12]}"
    save_environment(Environment("x", load(folder / "one.ply"), encoding="linear"), folder / "linear.tlenv")
    cues = CUES.replace("one.ply", "linear.tlenv")
    with pytest.raises(ShowError) as caught:
        Pipeline(show_from_text(SHOW.format(name=name, threads=0) + cues, "show.toml"), folder, lambda _: None)
    assert str(caught.value) == (
        "cues[dark].environment.path: linear.tlenv has linear colours, the show's environment srgb: "
        "they cannot dissolve into one another"
    )


def test_behind_walls_leaves_out_what_would_float_before_them(folder: Path) -> None:
    name = f"test-{uuid.uuid4().hex[:12]}"
    text = SHOW.format(name=name, threads=0).replace('"one.ply"', '"one.ply"\nposition_m = [0, {y}, 0]')
    text += "[volume]\nbehind_walls = {behind}\n"
    seen = {}
    for y, behind in product((0, -7), ("true", "false")):
        show = show_from_text(text.format(y=y, behind=behind), "show.toml")
        with Pipeline(show, folder, lambda _: None) as pipeline, open_receiver(f"shm://{name}") as receiver:
            pose = camera_from_pan_tilt_roll(0.0, 0.0, 0.0, (0.0, -4.0, 1.6))
            pipeline.frame(pose, show.camera.camera(None), 0, times=FrameTimes(), pose_sequence=0, flags=0)
            frame = receiver.receive(5.0)
            assert frame is not None
            seen[y, behind] = int(frame.pixels[..., :3].max())
    assert seen[0, "true"] == seen[0, "false"] > 150
    assert seen[-7, "false"] > 150
    assert seen[-7, "true"] == 0


def test_the_shows_thread_count_bounds_renderer_and_compositor(folder: Path) -> None:
    name = f"test-{uuid.uuid4().hex[:12]}"
    show = show_from_text(SHOW.format(name=name, threads=1), "show.toml")
    with Pipeline(show, folder, lambda _: None) as pipeline:
        assert pipeline.renderer.threads == 1  # type: ignore[attr-defined]
        assert pipeline.wall.compositors[0].threads == 1  # type: ignore[union-attr]

"""A show's parts put together as its file says."""

import uuid
from pathlib import Path

import numpy as np
import pytest

from translight.core.pose import Pose
from translight.server.pipeline import Pipeline
from translight.server.show import show_from_text
from translight.splats.cloud import SplatCloud
from translight.splats.files import save
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


def test_the_shows_thread_count_bounds_renderer_and_compositor(folder: Path) -> None:
    name = f"test-{uuid.uuid4().hex[:12]}"
    show = show_from_text(SHOW.format(name=name, threads=1), "show.toml")
    with Pipeline(show, folder, lambda _: None) as pipeline:
        assert pipeline.renderer.threads == 1  # type: ignore[attr-defined]
        assert pipeline.compositor.threads == 1

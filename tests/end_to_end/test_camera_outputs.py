"""A served show's camera picture and depth, by real UDP: paired, as the reference renderer has them, and in the status."""

import signal
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tests.end_to_end.conftest import RunningShow
from tests.end_to_end.test_show import POSE, _datagram, _next, _tracked, _tracker

from translight.colour.depth_curve import DepthCurve
from translight.core.camera import View
from translight.core.pose import Pose
from translight.render.reference import open_backend
from translight.server.scenes import Scenery
from translight.server.show import load_show
from translight.stream.urls import open_receiver

PICTURE, DEPTH = (f"shm://test-{uuid.uuid4().hex[:12]}" for _ in range(2))
OUTPUTS = [
    f'{{ url = "{PICTURE}", carries = "camera" }}',
    f'{{ url = "{DEPTH}", carries = "depth", near_m = 1, far_m = 20 }}',
]


@pytest.mark.slow
def test_picture_and_depth_of_a_served_show(environment: Path, start_show: Callable[..., RunningShow]) -> None:
    show = start_show(environment, outputs=OUTPUTS)
    with (
        _tracker(show.port, _datagram(*POSE)),
        open_receiver(show.output) as wall_end,
        open_receiver(PICTURE) as picture_end,
        open_receiver(DEPTH) as depth_end,
    ):
        _next(wall_end, _tracked)
        # The pose does not move, but the frames are still to be the same one
        for _ in range(200):
            picture = _next(picture_end, _tracked)
            depth = _next(depth_end, lambda frame, least=picture.header.frame: frame.header.frame >= least)
            if depth.header.frame == picture.header.frame:
                break
        assert depth.header.frame == picture.header.frame
        assert depth.header.times.presentation_ns == picture.header.times.presentation_ns
        assert depth.header.wxyz == picture.header.wxyz
        deadline = time.monotonic() + 20
        while "receivers wall 1, camera 1, depth 1" not in show.log.read_text():
            assert time.monotonic() < deadline, show.log.read_text()
            wall_end.receive(0.1), picture_end.receive(0.1), depth_end.receive(0.1)
    assert show.end(signal.SIGTERM) is not None
    plan = load_show(show.path)
    pose = Pose.from_wxyz(picture.header.wxyz, picture.header.position_m)
    with open_backend() as renderer:
        scene = Scenery(show.path.parent).scene(plan.environment)
        (wanted,) = renderer.render(scene, [View(pose, plan.camera.camera(None))], order="distance", depth="median")
    codes = plan.colour.codes(wanted.rgba[..., :3])
    assert (np.abs(picture.pixels[..., :3] - codes).max(axis=-1) > 1).mean() < 0.01
    signal_ = DepthCurve(1, 20).signal(wanted.depth) * 255
    assert len(np.unique(depth.pixels[..., 0])) > 20
    assert (np.abs(depth.pixels[..., 0] - signal_) > 0.51).mean() < 0.01

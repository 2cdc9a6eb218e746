"""The Live Link process of a show, started as the supervisor starts it: pose ring in, FreeD datagrams out."""

import os
import socket
import time

import numpy as np
import pytest

from translight.core.clock import now_ns
from translight.core.errors import ShowError
from translight.core.frames import camera_from_pan_tilt_roll
from translight.server import children, live_link_process
from translight.server.board import Board
from translight.server.show import show_from_text
from translight.server.status import LiveLinkStatus
from translight.tracking import freed
from translight.tracking.motion import Motion
from translight.tracking.ring import PoseRing
from translight.tracking.sample import LensSample, TrackingSample

SHOW = """\
rate = "24"
[tracking]
source = "freed://:40000"
[[walls]]
name = "back"
kind = "plane"
centre_m = [0, 1, 1.5]
width_m = 6
height_m = 3
pixels = [600, 300]
[[unreal.live_link]]
url = "{url}"
"""


def test_the_process_sends_the_rings_poses_and_ends_when_told():
    name = f"test-{os.getpid()}-live-link"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as inlet:
        inlet.bind(("127.0.0.1", 0))
        inlet.settimeout(0.2)
        show = show_from_text(SHOW.format(url=f"freed://127.0.0.1:{inlet.getsockname()[1]}?zoom_mm=25-45"), "show.toml")
        with PoseRing.create(f"{name}-pose") as ring, Board.create(f"{name}-board", LiveLinkStatus) as board:
            job = {**live_link_process.job_of(show), "board": f"{name}-board", "ring": f"{name}-pose"}
            child = children.start("live_link", "translight.server.live_link_process", job)
            try:
                told = None
                deadline = time.monotonic() + 20
                while told is None and time.monotonic() < deadline:
                    pose = camera_from_pan_tilt_roll(0, 0, 0, (1.0, 2.0, 1.5))
                    ring.write(TrackingSample(pose, now_ns(), 1, lens=LensSample()), Motion.still(pose, now_ns()))
                    try:
                        told = freed.parse(inlet.recv(100))
                    except TimeoutError:
                        assert child.running
                assert told is not None
                np.testing.assert_allclose((told.x_mm, told.y_mm, told.z_mm), (1000.0, 2000.0, 1500.0), atol=1 / 64)
                assert told.zoom == 0x8000  # the show's 35 mm, half of the way from 25 to 45
                board.ask_to_stop()
                assert child.wait(time.monotonic() + 10)
                assert child.status == 0
                status = board.read()
                assert status is not None
                assert status.phase == "ended"
                assert status.sent >= 1
            finally:
                child.kill()


def test_a_show_without_unreal_sends_nothing():
    assert show_from_text(SHOW.partition("[[unreal")[0], "show.toml").live_link == ()


@pytest.mark.parametrize(
    ("url", "message"),
    [
        (
            "freed://10.0.0.2?rate=240",
            "show.toml: unreal.live_link[0].url: freed://10.0.0.2?rate=240: rate = '240': give a number from 1 to 100",
        ),
        (
            "",
            'show.toml: unreal.live_link[0].url is "", give a URL like "freed://192.168.1.20:40000" or "opentrackio://239.135.1.1:55555"',
        ),
    ],
)
def test_mistakes_name_the_key(url, message):
    with pytest.raises(ShowError) as caught:
        show_from_text(SHOW.format(url=url), "show.toml")
    assert str(caught.value) == message


def test_each_url_once():
    text = SHOW.format(url="freed://10.0.0.2") + '[[unreal.live_link]]\nurl = "freed://10.0.0.2"\n'
    with pytest.raises(ShowError) as caught:
        show_from_text(text, "show.toml")
    assert str(caught.value) == 'show.toml: unreal.live_link[1].url is "freed://10.0.0.2", give each URL once'

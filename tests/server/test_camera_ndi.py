"""Camera and depth over NDI, received by cyndilib in processes of their own: paired by timecode, and what they show."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from tests.render.test_conformance import cloud
from tests.server.test_camera_outputs import POSE, name, out, text

from translight.colour.depth_curve import DepthCurve
from translight.server.pipeline import Pipeline
from translight.server.show import show_from_text
from translight.splats.files import save
from translight.stream.header import FrameTimes
from translight.stream.urls import open_receiver

pytestmark = pytest.mark.skipif(
    find_spec("NDIlib") is None or find_spec("cyndilib") is None, reason="ndi-python or cyndilib is not installed"
)
CYNDILIB = """
import sys, time
import numpy as np
from cyndilib.finder import Finder
from cyndilib.receiver import Receiver, ReceiveFrameType
from cyndilib.video_frame import VideoRecvFrame
from cyndilib.wrapper.ndi_recv import RecvBandwidth, RecvColorFormat

end = time.monotonic() + 20
finder = Finder()
finder.open()
frames = []
for name in sys.argv[2:]:
    while not (names := [n for n in finder.get_source_names() if n.endswith(f"({name})")]):
        assert time.monotonic() < end, "no source"
        finder.wait_for_sources(0.1)
    receiver = Receiver(color_format=RecvColorFormat.RGBX_RGBA, bandwidth=RecvBandwidth.highest)
    frame = VideoRecvFrame()
    receiver.set_video_frame(frame)
    receiver.set_source(finder.get_source(names[0]))
    frames.append((receiver, frame, {}))
while not (common := set(frames[0][2]) & set(frames[1][2])):
    assert time.monotonic() < end, "no pair of pictures"
    for receiver, frame, seen in frames:
        if receiver.receive(ReceiveFrameType.recv_video, 100) & ReceiveFrameType.recv_video:
            room = np.zeros(frame.get_buffer_size(), np.uint8)
            timecode = frame.get_timecode_posix()
            frame.fill_p_data(room)
            width, height = frame.get_resolution()
            seen[timecode] = room.reshape(height, width, 4)
timecode = max(common)
np.savez(sys.argv[1], timecode=timecode, picture=frames[0][2][timecode], depth=frames[1][2][timecode])
for receiver, _, _ in frames:
    receiver.disconnect()
finder.close()
"""


@pytest.mark.slow
def test_a_stranger_pairs_picture_and_depth(tmp_path: Path) -> None:
    save(tmp_path / "ball.ply", cloud(1, 1500, 2, spread=0.6))
    names = [f"Translight {which} {os.getpid()}" for which in ("camera", "depth")]
    rings = [f"shm://{name()}" for _ in range(2)]
    outputs = [
        *(out(url, carries) for url, carries in zip(rings, ("camera", "depth"), strict=True)),
        *(out(f"ndi://{n}", carries) for n, carries in zip(names, ("camera", "depth"), strict=True)),
    ]
    (tmp_path / "ndi-config.v1.json").write_text(json.dumps({"ndi": {"networks": {"ips": "127.0.0.1"}}}))
    file = tmp_path / "seen.npz"
    show = show_from_text(text(outputs, width=320, height=180), "x")
    with (
        Pipeline(show, tmp_path, lambda _: None) as pipeline,
        open_receiver(rings[0]) as picture_ring,
        open_receiver(rings[1]) as depth_ring,
    ):
        child = subprocess.Popen(
            [sys.executable, "-c", CYNDILIB, str(file), *names],
            env={**os.environ, "NDI_CONFIG_DIR": str(tmp_path)},
        )
        try:
            number, end = 0, time.monotonic() + 20
            while child.poll() is None:
                assert time.monotonic() < end
                times = FrameTimes(presentation_ns=number * 1_000_000_000)
                pipeline.frame(POSE, show.camera.camera(None), number, times=times, pose_sequence=0, flags=0)
                number += 1
                time.sleep(1 / 30)
            assert child.returncode == 0
        finally:
            child.kill()
            child.wait()
        ours = picture_ring.receive(5.0), depth_ring.receive(5.0)
    assert ours[0] is not None
    assert ours[1] is not None
    with np.load(file) as seen:
        assert 0 < float(seen["timecode"]) < number
        picture, depth = seen["picture"].astype(int), seen["depth"].astype(int)
    away = np.abs(picture - ours[0].pixels)[..., :3]
    assert np.percentile(away, 95) <= 8, "NDI's codec halves the colour of every other pixel"
    assert np.abs(picture - depth)[..., :3].max() > 100
    # Depth is grey, so that 4:2:2 takes nothing of it; edges are the codec's
    assert np.abs(depth[..., 0] - depth[..., 1]).max() <= 2
    sent = ours[1].pixels.astype(int)[..., 0]
    assert len(np.unique(sent)) > 10
    away = np.abs(depth[..., 0] - sent)
    assert np.percentile(away, 90) <= 2
    metres = DepthCurve().depth_m(np.where(sent > 0, depth[..., 0], 255) / 255)
    wanted = DepthCurve().depth_m(np.where(sent > 0, sent, 255) / 255)
    near = sent > 0
    assert np.median(np.abs(metres - wanted)[near]) <= DepthCurve().step_m(7.0, 255)

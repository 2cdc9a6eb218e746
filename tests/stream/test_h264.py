"""The low-latency H.264 encoder: one packet a frame, decoded by the FFmpeg program."""

import shutil
import subprocess
from fractions import Fraction

import numpy as np
import pytest

from translight.stream.h264 import H264Encoder

W, H = 256, 144


def _picture(frame: int) -> np.ndarray:
    y, x = np.mgrid[0:H, 0:W]
    rgb = [128 + 100 * np.sin((x + 4 * frame) / 20), 128 + 100 * np.cos(y / 17), (x + y) / 2]
    return np.stack([*rgb, np.full((H, W), 255)], -1).astype(np.uint8)


def test_every_frame_gives_its_packet_and_ffmpeg_shows_it() -> None:
    encoder = H264Encoder(W, H, Fraction(60), 8000)
    packets = [
        packet for frame in range(12) for packet in encoder.encode(_picture(frame), 1500 * frame, keyframe=False)
    ]
    assert [packet.pts for packet in packets] == [1500 * frame for frame in range(12)]
    assert [packet.is_keyframe for packet in packets] == [True] + 11 * [False]
    program = shutil.which("ffmpeg")
    if program is None:
        pytest.skip("the ffmpeg program is not installed")
    command = [program, "-v", "error", "-f", "h264", "-i", "-", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    shown = subprocess.run(command, input=b"".join(map(bytes, packets)), capture_output=True, check=True, timeout=30)
    assert shown.stderr == b""
    pictures = np.frombuffer(shown.stdout, np.uint8).reshape(-1, H, W, 3)
    assert len(pictures) == 12
    for frame, picture in enumerate(pictures):
        error = picture.astype(float) - _picture(frame)[..., :3]
        assert 10 * np.log10(255**2 / np.mean(error**2)) > 34


def test_key_frames_come_when_asked_for() -> None:
    encoder = H264Encoder(W, H, Fraction(60), 2000)
    keys = [encoder.encode(_picture(f), 1500 * f, keyframe=f in (4, 7))[0].is_keyframe for f in range(10)]
    assert [f for f, key in enumerate(keys) if key] == [0, 4, 7]


def test_the_bit_rate_is_kept() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (30, H, W, 4)).astype(np.uint8)
    encoder = H264Encoder(W, H, Fraction(30), 1000)

    def kbps(first: int) -> float:
        sizes = [encoder.encode(noise[k], 3000 * (first + k), keyframe=False)[0].size for k in range(30)]
        return sum(sizes) * 8 / 1000

    assert 700 < kbps(0) < 1500
    encoder.bitrate_kbps = 3000
    assert 2100 < kbps(30) < 4500


def test_odd_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"H\.264 4:2:0 takes even sizes, got 3x2"):
        H264Encoder(3, 2, Fraction(60), 1000)

"""rtp:// and udp:// end to end: our receivers, and Debian's ffmpeg and ffprobe, which we did not write."""

import json
import shutil
import socket
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.stream.pictures_to_send import bar_error, chart, psnr_db, publish, showing, wait_for

from translight.core.errors import StreamError
from translight.core.image import PixelFormat
from translight.stream.contract import PictureSpec
from translight.stream.urls import open_receiver, open_sender

SPEC = PictureSpec(320, 192)
FFMPEG, FFPROBE = shutil.which("ffmpeg"), shutil.which("ffprobe")
needs_ffmpeg = pytest.mark.skipif(FFMPEG is None or FFPROBE is None, reason="ffmpeg and ffprobe are not installed")
FIELDS = "codec_name,profile,width,height,pix_fmt,color_range,color_space,color_transfer,color_primaries,r_frame_rate"


def free_port() -> int:
    """An even port, free as is the one above."""
    for _ in range(100):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        if port % 2 == 0:
            return port
    raise AssertionError("no even port is free")


@pytest.fixture(params=["rtp", "udp"])
def scheme(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize("codec", ["h264", "hevc"])
def test_our_receiver_gets_pictures_with_their_headers(scheme: str, codec: str):
    url = f"{scheme}://127.0.0.1:{free_port()}?codec={codec}&encoder=software"
    with open_receiver(url) as receiver, open_sender(url, SPEC) as sender:
        frames = []
        for frame in range(30):
            publish(sender, SPEC, frame)
            got = receiver.receive(0.5)
            if got is not None:
                frames.append(got.header.frame)
                assert got.header.times.sent_ns <= got.available_ns <= got.done_ns
                assert psnr_db(got.pixels[..., :3], chart(320, 192, got.header.frame)) > 27
        assert len(frames) > 20
        assert frames == sorted(frames)
        assert receiver.counts.bad == receiver.counts.torn == receiver.counts.restarts == 0


def test_the_newest_wins(scheme: str):
    url = f"{scheme}://127.0.0.1:{free_port()}?encoder=software"
    with open_receiver(url) as receiver, open_sender(url, SPEC) as sender:
        for frame in range(20):
            publish(sender, SPEC, frame)
            assert wait_for(lambda n=frame: sender.counts().sent + sender.counts().dropped > n)
        time.sleep(0.05)
        got = receiver.receive(1.0)
        assert got is not None
        assert got.header.frame >= 18


def test_a_receiver_finds_a_sender_that_came_back(scheme: str):
    url = f"{scheme}://127.0.0.1:{free_port()}?encoder=software"
    with open_receiver(url) as receiver:
        for first in (1000, 0):
            with open_sender(url, SPEC) as sender, showing(sender, SPEC, first=first):
                assert wait_for(lambda: receiver.receive(0.2) is not None)
        assert receiver.counts.restarts == 1


def test_nobody_listening_costs_nothing(scheme: str):
    url = f"{scheme}://127.0.0.1:{free_port()}?encoder=software"
    with open_sender(url, SPEC) as sender:
        for frame in range(10):
            publish(sender, SPEC, frame)
            time.sleep(0.01)
        assert wait_for(lambda: sender.counts().sent + sender.counts().dropped == 10)


def test_a_sender_closes_twice_and_with_a_picture_waiting(scheme: str):
    sender = open_sender(f"{scheme}://127.0.0.1:{free_port()}?encoder=software", SPEC)
    publish(sender, SPEC, 1)
    sender.close()
    sender.close()


def test_hostile_datagrams_are_counted_and_the_stream_goes_on(scheme: str):
    port = free_port()
    url = f"{scheme}://127.0.0.1:{port}?encoder=software"
    rng = np.random.default_rng(5)
    with open_receiver(url) as receiver, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as hostile:
        for size in (0, 1, 11, 12, 13, 188, 1316, 60_000):
            for head in (b"", b"\x80\x60", b"\x47\x40\0\x10"):
                hostile.sendto((head + rng.bytes(size))[: max(size, 1)], ("127.0.0.1", port))
                assert receiver.receive(0.0) is None
        assert receiver.counts.bad > 5
        with open_sender(url, SPEC) as sender, showing(sender, SPEC):
            assert wait_for(lambda: receiver.receive(0.2) is not None)


def test_multicast_reaches_a_receiver(scheme: str):
    url = f"{scheme}://239.255.77.{np.random.default_rng().integers(1, 250)}:{free_port()}?ttl=0&interface=127.0.0.1"
    url += "&encoder=software"
    with open_receiver(url) as receiver, open_sender(url, SPEC) as sender, showing(sender, SPEC):
        assert wait_for(lambda: receiver.receive(0.2) is not None)


def test_a_port_in_use_is_one_clear_line(scheme: str):
    url = f"{scheme}://127.0.0.1:{free_port()}"
    with open_receiver(url), pytest.raises(StreamError) as caught:
        open_receiver(url)
    assert str(caught.value) == f"{url} cannot be received here: Address already in use"


def test_an_unwritable_sdp_is_one_clear_line(tmp_path: Path):
    url = f"rtp://127.0.0.1:{free_port()}?encoder=software&sdp={tmp_path}/none/x.sdp"
    with pytest.raises(StreamError) as caught:
        open_sender(url, SPEC)
    assert str(caught.value) == f"{url}: {tmp_path}/none/x.sdp cannot be written (No such file or directory)"


def test_reports_come_to_the_port_above():
    port = free_port()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        control.bind(("127.0.0.1", port + 1))
        control.settimeout(5)
        with open_sender(f"rtp://127.0.0.1:{port}?encoder=software", SPEC) as sender:
            publish(sender, SPEC, 9000)
            report = control.recv(1500)
        goodbye = control.recv(1500)
    assert report[1] == 200
    unix_s = int.from_bytes(report[8:12], "big") - 2_208_988_800
    assert abs(unix_s - time.time()) < 30
    assert abs(int.from_bytes(report[16:20], "big") - 9000 * 1500) < 90_000
    assert goodbye[1] == 201
    assert goodbye[-7] == 203


def ffmpeg_sees(source: str, folder: Path, frames: int = 30) -> tuple[dict[str, object], np.ndarray]:
    """What ffprobe says of a running stream, and the last of some frames that ffmpeg decoded (h w 3)."""
    assert FFMPEG is not None
    assert FFPROBE is not None
    allow = ["-protocol_whitelist", "file,udp,rtp,tcp,rtsp,srt"]
    fast = ["-analyzeduration", "300000", "-probesize", "500000"]
    picture = folder / "seen.png"
    subprocess.run(
        [FFMPEG, "-v", "fatal", *allow, *fast, "-i", source, "-frames:v", str(frames), "-update", "1", "-y", picture],
        check=True, timeout=60, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    said = subprocess.run(
        [FFPROBE, "-v", "fatal", *allow, *fast, "-show_entries", f"stream={FIELDS}", "-of", "json", source],
        check=True, timeout=60, stdin=subprocess.DEVNULL, capture_output=True,
    ).stdout  # fmt: skip
    return json.loads(said)["streams"][0], np.asarray(Image.open(picture).convert("RGB"))


@needs_ffmpeg
@pytest.mark.parametrize(
    ("codec", "form", "profile", "pixels"),
    [
        ("h264", PixelFormat.RGBA8, "Constrained Baseline", "yuv420p"),
        ("hevc", PixelFormat.RGB10A2, "Main 10", "yuv420p10le"),
    ],
)
def test_ffmpeg_receives_the_chart(
    scheme: str, codec: str, form: PixelFormat, profile: str, pixels: str, tmp_path: Path
):
    spec = PictureSpec(320, 192, form)
    url = f"{scheme}://127.0.0.1:{free_port()}?codec={codec}&encoder=software&gop=0.2"
    described = tmp_path / "stream.sdp"
    if scheme == "rtp":
        url += f"&sdp={described}"
    source = str(described) if scheme == "rtp" else url.partition("?")[0]
    with open_sender(url, spec) as sender, showing(sender, spec):
        said, seen = ffmpeg_sees(source, tmp_path)
    assert said == {
        "codec_name": codec,
        "profile": profile,
        "width": 320,
        "height": 192,
        "pix_fmt": pixels,
        "color_range": "tv",
        "color_space": "bt709",
        "color_transfer": "iec61966-2-1",
        "color_primaries": "bt709",
        "r_frame_rate": "60/1",
    }
    assert bar_error(seen) <= 4
    assert psnr_db(seen, chart(320, 192)) > 30

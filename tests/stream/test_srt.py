"""srt:// through the ffmpeg program, received by another ffmpeg; peers that come, go and never come."""

import shutil
import socket
import stat
import subprocess
import time
from pathlib import Path

import pytest
from tests.stream.pictures_to_send import bar_error, publish, showing, wait_for
from tests.stream.test_video import ffmpeg_sees

from translight.core.errors import StreamError
from translight.stream import srt
from translight.stream.contract import PictureSpec
from translight.stream.urls import open_receiver, open_sender, parse_url

SPEC = PictureSpec(320, 192)


def _has_srt() -> bool:
    program = shutil.which("ffmpeg")
    if program is None:
        return False
    said = subprocess.run([program, "-hide_banner", "-protocols"], capture_output=True, text=True, check=False)
    return "srt" in said.stdout.split()


needs_srt = pytest.mark.skipif(not _has_srt(), reason="there is no ffmpeg with SRT")


@pytest.fixture
def port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@needs_srt
def test_ffmpeg_calls_and_sees_the_chart_twice(port: int, tmp_path: Path):
    """ffmpeg_sees calls two times: the listener is there again for the second."""
    url = f"srt://127.0.0.1:{port}?mode=listener&latency=20&encoder=software&gop=0.2"
    with open_sender(url, SPEC) as sender, showing(sender, SPEC):
        time.sleep(0.3)
        said, seen = ffmpeg_sees(f"srt://127.0.0.1:{port}?latency=20000&connect_timeout=10000", tmp_path, 10)
    assert (said["codec_name"], said["width"], said["color_space"]) == ("h264", 320, "bt709")
    assert bar_error(seen) <= 4


@needs_srt
def test_without_a_peer_nothing_waits_and_nothing_stays(port: int):
    with open_sender(f"srt://127.0.0.1:{port}?encoder=software&bitrate=50M", SPEC) as sender:
        assert isinstance(sender._outlet, srt.SrtOutlet)
        for frame in range(60):
            publish(sender, SPEC, frame)
            time.sleep(0.005)
        assert wait_for(lambda: sender.counts().sent + sender.counts().dropped == 60)
        child = sender._outlet._child
    assert child is None or child.returncode is not None


@needs_srt
def test_a_program_that_dies_is_started_again(port: int):
    with open_sender(f"srt://127.0.0.1:{port}?mode=listener&encoder=software", SPEC) as sender:
        outlet = sender._outlet
        assert isinstance(outlet, srt.SrtOutlet)
        with showing(sender, SPEC):
            assert wait_for(lambda: outlet._child is not None)
            first = outlet._child
            assert first is not None
            first.kill()
            assert wait_for(lambda: outlet._child not in (None, first))


def test_without_the_program_it_is_one_clear_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(StreamError) as caught:
        open_sender("srt://h:1", SPEC)
    assert str(caught.value) == (
        "srt://h:1: SRT needs the program ffmpeg, which is not on the PATH: "
        "install an ffmpeg that has SRT (Debian: apt install ffmpeg), or give udp:// or rtp://"
    )
    fake = tmp_path / "ffmpeg"
    fake.write_text("#!/bin/sh\necho Output: file udp rtp\n")
    fake.chmod(fake.stat().st_mode | stat.S_IXUSR)
    with pytest.raises(StreamError, match=rf"^srt://h:1: {fake} has no SRT: install an ffmpeg that has SRT "):
        open_sender("srt://h:1", SPEC)


def test_what_the_program_is_given():
    url = parse_url("srt://*:9000?mode=listener&latency=40")
    assert srt.peer(url.place, url.options) == (
        "srt://0.0.0.0:9000?mode=listener&transtype=live&latency=40000&pkt_size=1316&payload_size=1316"
        "&listen_timeout=15000000"
    )
    url = parse_url("srt://[::1]:9000")
    assert srt.peer(url.place, url.options).startswith("srt://[::1]:9000?mode=caller&transtype=live&latency=120000&")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("srt://*:1", "'srt://*:1': give HOST:PORT, with HOST * only for mode=listener and PORT 1 to 65535"),
        ("srt://h:1?mode=both", "srt://h:1?mode=both: mode = 'both': give one of caller, listener"),
        ("srt://h:1?latency=9000", "srt://h:1?latency=9000: latency = '9000': give a whole number from 0 to 8000"),
    ],
)
def test_a_bad_url_says_what_is_allowed(text: str, message: str):
    with pytest.raises(StreamError) as caught:
        parse_url(text)
    assert str(caught.value) == message


def test_srt_is_watched_by_other_programs():
    with pytest.raises(StreamError, match=r"srt:// is watched by other programs: give "):
        open_receiver("srt://h:1")

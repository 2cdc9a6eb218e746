"""What a stream URL may be."""

from fractions import Fraction

import pytest

from translight.core.errors import StreamError
from translight.stream.transports import examples
from translight.stream.urls import parse_url
from translight.stream.video_options import VideoOptions, read_video_options

_MONITOR = "give a monitor's number, from 1, or its name: `translight doctor` lists them"


@pytest.mark.parametrize(
    "text",
    [
        "shm://main",
        "zmq+tcp://*:5556",
        "zmq+tcp://127.0.0.1:1",
        "zmq+tcp://[::1]:99",
        "zmq+ipc:///run/wall",
        "display://1",
        "display://DP-2?fit=scale&vsync=no&bits=10",
        "display://2?window=1280x720",
    ],
)
def test_good_urls_come_back_as_they_were(text: str) -> None:
    assert str(parse_url(text)) == text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("main", "'main' is not a stream URL: give " + examples()),
        (
            "pigeon://x",
            "'pigeon://x': there is no transport 'pigeon': give " + examples(),
        ),
        ("shm://", "'shm://': a ring's name is 1 to 100 of A-Z a-z 0-9 . _ -"),
        ("shm://../x", "'shm://../x': a ring's name is 1 to 100 of A-Z a-z 0-9 . _ -"),
        (
            "zmq+tcp://host",
            "'zmq+tcp://host': give HOST:PORT, with HOST * to send on every interface and PORT 1 to 65535",
        ),
        (
            "zmq+tcp://h:70000",
            "'zmq+tcp://h:70000': give HOST:PORT, with HOST * to send on every interface and PORT 1 to 65535",
        ),
        ("display://0", f"'display://0': {_MONITOR}"),
        ("display://", f"'display://': {_MONITOR}"),
        ("display://1/x", f"'display://1/x': {_MONITOR}"),
        ("display://1?fit=crop", "display://1?fit=crop: fit = 'crop': give one of one-to-one, scale"),
        ("display://1?bits=12", "display://1?bits=12: bits = '12': give one of 8, 10"),
        ("display://1?vsync=on", "display://1?vsync=on: vsync = 'on': give one of yes, no, 1, 0"),
        (
            "display://1?window=0x720",
            "display://1?window=0x720: window = '0x720': give its width x height in pixels, like 1280x720",
        ),
        (
            "display://1?size=2",
            "display://1?size=2: option 'size' is none of display's: bits, fit, vsync, window",
        ),
        ("zmq+ipc://", "'zmq+ipc://': give a socket path of 1 to 100 characters"),
    ],
)
def test_a_bad_url_says_what_is_allowed(text: str, message: str) -> None:
    with pytest.raises(StreamError) as caught:
        parse_url(text)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rtp://*:5004", "'rtp://*:5004': give HOST:PORT of where it goes, with PORT 1 to 65534"),
        ("udp://h:65535", "'udp://h:65535': give HOST:PORT of where it goes, with PORT 1 to 65534"),
        ("rtp://h:1?codec=vp8", "rtp://h:1?codec=vp8: codec = 'vp8': give one of h264, hevc"),
        (
            "udp://h:1?bitrate=20",
            "udp://h:1?bitrate=20: bitrate = '20': give bits a second from 100k to 1000M, like 20M",
        ),
        (
            "udp://h:1?bitrate=9k",
            "udp://h:1?bitrate=9k: bitrate = '9k': give bits a second from 100k to 1000M, like 20M",
        ),
        ("udp://h:1?gop=0", "udp://h:1?gop=0: gop = '0': give a number from 0.05 to 10"),
        (
            "rtp://h:1?codec=hevc&refresh=rolling",
            "rtp://h:1?codec=hevc&refresh=rolling: refresh = 'rolling': give rolling only with codec=h264 and without encoder=nvenc",
        ),
        (
            "rtp://h:1?interface=eth0",
            "rtp://h:1?interface=eth0: interface = 'eth0': give an IPv4 address of this machine, like 192.168.1.20",
        ),
        ("rtp://h:1?packet=9000", "rtp://h:1?packet=9000: packet = '9000': give a whole number from 500 to 8900"),
    ],
)
def test_encoded_video_says_what_its_options_may_be(text: str, message: str) -> None:
    with pytest.raises(StreamError) as caught:
        parse_url(text)
    assert str(caught.value) == message


def test_a_bit_rate_is_read_as_written() -> None:
    options = read_video_options(parse_url("rtp://h:1?bitrate=2.5M&codec=hevc&gop=1&threads=4").options)
    assert options == VideoOptions("hevc", 2_500_000, 1.0, threads=4)
    assert VideoOptions().rate_for(1920, 1080, Fraction(60)) == 19_906_560

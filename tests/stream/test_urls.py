"""What a stream URL may be."""

import pytest

from translight.core.errors import StreamError
from translight.stream.urls import parse_url

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
        (
            "main",
            "'main' is not a stream URL: give shm://NAME, tcp://HOST:PORT, zmq+tcp://HOST:PORT, zmq+ipc://PATH or display://N",
        ),
        (
            "srt://x",
            "'srt://x': there is no transport 'srt': give shm://NAME, tcp://HOST:PORT, zmq+tcp://HOST:PORT, zmq+ipc://PATH or display://N",
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

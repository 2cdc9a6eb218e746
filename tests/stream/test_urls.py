"""What a stream URL may be."""

import pytest

from translight.core.errors import StreamError
from translight.stream.urls import parse_url


@pytest.mark.parametrize(
    "text", ["shm://main", "zmq+tcp://*:5556", "zmq+tcp://127.0.0.1:1", "zmq+tcp://[::1]:99", "zmq+ipc:///run/wall"]
)
def test_good_urls_come_back_as_they_were(text: str) -> None:
    assert str(parse_url(text)) == text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("main", "'main' is not a stream URL: give shm://NAME, tcp://HOST:PORT, zmq+tcp://HOST:PORT or zmq+ipc://PATH"),
        (
            "srt://x",
            "'srt://x': there is no transport 'srt': give shm://NAME, tcp://HOST:PORT, zmq+tcp://HOST:PORT or zmq+ipc://PATH",
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
        ("zmq+ipc://", "'zmq+ipc://': give a socket path of 1 to 100 characters"),
    ],
)
def test_a_bad_url_says_what_is_allowed(text: str, message: str) -> None:
    with pytest.raises(StreamError) as caught:
        parse_url(text)
    assert str(caught.value) == message

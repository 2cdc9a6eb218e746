"""zmq+tcp:// and zmq+ipc://: newest wins over ZeroMQ, hostile messages are counted, a stalled receiver is harmless."""

import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import zmq

from translight.core.errors import StreamError
from translight.core.image import PixelFormat
from translight.stream.contract import PictureSpec, ReceivedFrame
from translight.stream.header import FrameHeader, pack
from translight.stream.urls import open_receiver, open_sender
from translight.stream.zeromq import ZmqReceiver, ZmqSender

SPEC = PictureSpec(64, 32)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(params=["tcp", "ipc"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "tcp":
        return f"zmq+tcp://127.0.0.1:{_free_port()}"
    if sys.platform == "win32":
        pytest.skip("zmq+ipc:// needs Unix sockets")
    return f"zmq+ipc://{tmp_path}/s"


def _send_until(
    sender: ZmqSender, receiver: ZmqReceiver, wanted: Callable[[ReceivedFrame], bool], first: int = 0
) -> ReceivedFrame:
    """Publish numbered frames until one that is wanted arrives: a subscriber misses what is sent before it joins."""
    for frame in range(first, first + 500):
        sender.acquire()[...] = frame % 251
        sender.publish(FrameHeader(frame, 64, 32, PixelFormat.RGBA8))
        got = receiver.receive(0.02)
        if got is not None and wanted(got):
            return got
    raise AssertionError("no wanted frame arrived")


def test_frames_arrive_whole(url: str) -> None:
    with open_sender(url, SPEC) as sender, open_receiver(url) as receiver:
        assert isinstance(sender, ZmqSender)
        assert isinstance(receiver, ZmqReceiver)
        got = _send_until(sender, receiver, lambda _: True)
        assert (got.pixels == got.header.frame % 251).all()
        assert got.header.times.sent_ns <= got.available_ns <= got.done_ns
        assert sender.counts().receivers == 1
        assert receiver.counts.bad == receiver.counts.torn == 0


def test_the_newest_wins(url: str) -> None:
    with open_sender(url, SPEC) as sender, open_receiver(url) as receiver:
        assert isinstance(sender, ZmqSender)
        assert isinstance(receiver, ZmqReceiver)
        first = _send_until(sender, receiver, lambda _: True).header.frame
        for frame in range(first + 1, first + 60):
            sender.acquire()[...] = frame % 251
            sender.publish(FrameHeader(frame, 64, 32, PixelFormat.RGBA8))
            time.sleep(0.001)
        time.sleep(0.2)
        got = receiver.receive(1.0)
        assert got is not None
        assert got.header.frame >= first + 58
        assert receiver.receive(0.05) is None or receiver.counts.skipped > 40


def test_a_stalled_receiver_does_not_hold_the_sender_up(url: str) -> None:
    """A subscriber that never reads, beside one that does; pictures large enough to fill every socket buffer."""
    spec = PictureSpec(1920, 1080)
    with open_sender(url, spec) as sender, open_receiver(url) as stalled, open_receiver(url) as receiver:
        longest = 0.0
        received = 0
        for frame in range(60):
            begin = time.perf_counter()
            sender.acquire()[:8] = frame
            sender.publish(FrameHeader(frame, 1920, 1080, PixelFormat.RGBA8))
            longest = max(longest, time.perf_counter() - begin)
            if receiver.receive(0.02) is not None:
                received += 1
        assert received > 10
        assert longest < 1.0
        assert stalled.counts.received == 0


def test_a_receiver_survives_its_sender(url: str) -> None:
    with open_receiver(url) as receiver:
        assert isinstance(receiver, ZmqReceiver)
        with open_sender(url, SPEC) as sender:
            assert isinstance(sender, ZmqSender)
            _send_until(sender, receiver, lambda _: True)
        with open_sender(url, SPEC) as sender:
            assert isinstance(sender, ZmqSender)
            _send_until(sender, receiver, lambda _: True)


def test_hostile_messages_are_counted_and_change_nothing() -> None:
    port = _free_port()
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    hostile = context.socket(zmq.PUB)
    hostile.bind(f"tcp://127.0.0.1:{port}")
    good = FrameHeader(1, 64, 32, PixelFormat.RGBA8)
    messages = [
        b"",
        b"x" * 1000,
        pack(good),
        pack(good) + bytes(64 * 32 * 4 + 1),
        pack(good) + np.random.default_rng(0).bytes(64 * 32 * 4),
    ]
    with ZmqReceiver(f"tcp://127.0.0.1:{port}", "zmq+tcp://test", max_message_bytes=100_000) as receiver:
        deadline = time.monotonic() + 10
        while receiver.counts.bad + receiver.counts.torn < 3 * len(messages) and time.monotonic() < deadline:
            for message in messages:
                hostile.send(message)
                assert receiver.receive(0.02) is None
        assert receiver.counts.bad > 0
        assert receiver.counts.torn > 0
        assert receiver.counts.received == 0
    hostile.close(0)
    context.term()


def test_a_port_in_use_is_one_clear_line() -> None:
    url = f"zmq+tcp://127.0.0.1:{_free_port()}"
    with open_sender(url, SPEC), pytest.raises(StreamError) as caught:
        open_sender(url, SPEC)
    assert str(caught.value) == f"{url} cannot be opened: Address already in use"

"""``ws://`` received: a preview of ours, a server that is not, and servers that mean harm."""

import io
import os
import signal
import socket
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from hashlib import sha1
from typing import Any

import numpy as np
import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from translight.core.errors import MissingExtra, StreamError
from translight.core.image import PixelFormat
from translight.stream import browser
from translight.stream.contract import PictureSpec, ReceivedFrame, Receiver, Sender
from translight.stream.header import FrameHeader, FrameTimes, pack
from translight.stream.urls import open_receiver, open_sender

pytest.importorskip("websockets", reason="websockets is not installed")
pytest.importorskip("simplejpeg", reason="simplejpeg is not installed")
from websockets.sync.server import ServerConnection, serve

from translight.stream import browser_receiver

W, H = 64, 48
SPEC = PictureSpec(W, H)


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _publish(sender: Sender, frame: int, spec: PictureSpec = SPEC) -> None:
    sender.acquire()[...] = 20 + 40 * (frame % 5)
    times = FrameTimes(composite_end_ns=1000 + frame)
    sender.publish(FrameHeader(frame, spec.width_px, spec.height_px, spec.format, rate=Fraction(50), times=times))


def _next(sender: Sender, receiver: Receiver, first: int = 0) -> ReceivedFrame:
    """Publish from ``first`` on until a frame comes."""
    for frame in range(first, first + 500):
        _publish(sender, frame)
        received = receiver.receive(0.02)
        if received is not None:
            return received
    raise AssertionError("no frame came")


def test_pictures_come_with_their_headers(port: int) -> None:
    url = f"ws://127.0.0.1:{port}"
    with open_sender(url, SPEC) as sender, open_receiver(url) as receiver:
        first = _next(sender, receiver)
        for frame in range(first.header.frame + 1, first.header.frame + 8):
            _publish(sender, frame)
            received = receiver.receive(5)
            assert received is not None
            assert received.header.frame == frame
            assert received.header.times.composite_end_ns == 1000 + frame
            assert received.header.times.sent_ns <= received.available_ns <= received.done_ns
            assert (received.header.rate, received.header.check) == (50, 0)
            assert received.pixels.shape == (H, W, 4)
            np.testing.assert_allclose(received.pixels[..., :3], 20 + 40 * (frame % 5), atol=2)
            assert (received.pixels[..., 3] == 255).all()
        assert (receiver.counts.received, receiver.counts.skipped, receiver.counts.bad) == (8, 0, 0)
        assert not receiver.ended


def test_a_smaller_picture_says_its_own_size(port: int) -> None:
    url = f"ws://127.0.0.1:{port}?scale=2"
    with open_sender(url, PictureSpec(W, H, PixelFormat.RGB10A2)) as sender, open_receiver(url) as receiver:
        for frame in range(500):
            sender.acquire()[...] = np.uint32(512 | 256 << 10 | 1023 << 20 | 3 << 30)
            sender.publish(FrameHeader(frame, W, H, PixelFormat.RGB10A2))
            received = receiver.receive(0.02)
            if received is not None:
                break
        assert received is not None
        header = received.header
        assert (header.width_px, header.height_px, header.format) == (W // 2, H // 2, PixelFormat.RGBA8)
        np.testing.assert_allclose(received.pixels[0, 0], (128, 64, 255, 255), atol=3)


def test_who_looks_late_gets_the_newest_next(port: int) -> None:
    url = f"ws://127.0.0.1:{port}"
    with open_sender(url, SPEC) as sender, open_receiver(url) as receiver:
        begin = _next(sender, receiver).header.frame
        for frame in range(begin + 1, begin + 40):
            _publish(sender, frame)
            time.sleep(0.01)
        on_its_way = receiver.receive(5)
        assert on_its_way is not None
        assert on_its_way.header.frame <= begin + 3, "two are on their way at most"
        newest = _next(sender, receiver, begin + 40)
        assert newest.header.frame >= begin + 39
        assert receiver.counts.skipped >= 30


def test_a_preview_that_dies_is_found_again(port: int) -> None:
    url = f"ws://127.0.0.1:{port}"
    with open_sender(url, SPEC) as sender, open_receiver(url) as receiver:
        frame = _next(sender, receiver).header.frame
        (preview,) = (p for p in psutil.Process().children() if "translight.stream.browser_process" in p.cmdline())
        os.kill(preview.pid, signal.SIGKILL)
        end = time.monotonic() + 0.5
        while time.monotonic() < end:  # what was on its way
            receiver.receive(0.1)
        assert _next(sender, receiver, frame + 100).header.frame >= frame + 100


def test_a_sender_that_restarts_is_counted(port: int) -> None:
    url = f"ws://127.0.0.1:{port}"
    with open_receiver(url) as receiver:
        for first in (1000, 0):
            assert receiver.receive(0.05) is None
            with open_sender(url, SPEC) as sender:
                _next(sender, receiver, first)
        assert receiver.counts.restarts == 1


def test_a_full_server_says_so(port: int) -> None:
    url = f"ws://127.0.0.1:{port}?peers=1"
    with open_sender(url, SPEC) as sender, open_receiver(url) as receiver, open_receiver(url) as other:
        _next(sender, receiver)
        with pytest.raises(StreamError) as refused:
            other.receive(5)
        assert str(refused.value) == f"{url}: refused with HTTP status 503 (enough look on already)"


@contextmanager
def _server(handler: Callable[[ServerConnection], None]) -> Iterator[int]:
    """A WebSocket server of the package's own."""
    with serve(handler, "127.0.0.1", 0, compression=None) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.socket.getsockname()[1]
        finally:
            server.shutdown()
            thread.join()


def _jpeg(value: int, size: tuple[int, int] = (W, H)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, (value, value, value)).save(out, "JPEG", quality=95)
    return out.getvalue()


def _message(frame: int, jpeg: bytes) -> bytes:
    return pack(FrameHeader(frame, W, H, PixelFormat.RGBA8)) + jpeg


def test_a_picture_that_came_just_before_the_end_is_received() -> None:
    connections: list[ServerConnection] = []

    def handler(connection: ServerConnection) -> None:
        connections.append(connection)
        connection.send('{"type":"hello","player":"jpeg","width_px":64,"height_px":48}')
        connection.send(_message(7, _jpeg(200)))

    with _server(handler) as port, open_receiver(f"ws://127.0.0.1:{port}") as receiver:
        received = receiver.receive(0.0)  # connects
        end = time.monotonic() + 10
        while received is None and not connections and time.monotonic() < end:
            received = receiver.receive(0.0)
        time.sleep(0.3)  # picture and goodbye are both there
        while received is None and time.monotonic() < end:
            received = receiver.receive(0.2)
        assert received is not None
        assert received.header.frame == 7
        assert len(connections) == 1


def test_another_server_and_encoder_with_fragments_and_rubbish_between() -> None:
    heard: list[Any] = []

    def handler(connection: ServerConnection) -> None:
        connection.send('{"type":"hello","player":"jpeg","width_px":64,"height_px":48}')
        connection.send("{rubbish")
        connection.send("[" * 5000)
        connection.send(b"short")
        connection.send(_message(1, b"no JPEG"))
        connection.send(_message(2, _jpeg(90)[:300]))
        whole = _message(7, _jpeg(200))
        while not heard or heard[-1] != '{"type":"shown","frame":2}':
            heard.append(connection.recv(5))
        connection.ping()
        connection.send([whole[:100], whole[100:400], whole[400:]])
        connection.recv(5)

    with _server(handler) as port, open_receiver(f"ws://127.0.0.1:{port}") as receiver:
        received = None
        end = time.monotonic() + 10
        while received is None and time.monotonic() < end:
            received = receiver.receive(0.2)
        assert received is not None
        assert received.header.frame == 7
        np.testing.assert_allclose(received.pixels[..., :3], 200, atol=1)
        # What was overtaken before it was looked at is not judged; the last of the rubbish is not overtaken
        assert 3 <= receiver.counts.bad <= 5
    assert heard[0] in ('{"type":"shown","frame":0}', '{"type":"shown","frame":1}')


def test_a_video_preview_is_named() -> None:
    def handler(connection: ServerConnection) -> None:
        connection.send('{"type":"hello","player":"video","width_px":64,"height_px":48}')
        connection.recv(5)

    with _server(handler) as port, open_receiver(f"ws://127.0.0.1:{port}") as receiver:
        with pytest.raises(StreamError) as refused:
            receiver.receive(5)
        assert str(refused.value) == f"ws://127.0.0.1:{port}: this preview serves video, not JPEG: give webrtc://"


def test_a_picture_beyond_the_limit_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browser_receiver, "MAX_PIXELS", W * H - 1)
    monkeypatch.setattr(browser_receiver, "MAX_MESSAGE_BYTES", 100_000)
    again = threading.Event()

    def handler(connection: ServerConnection) -> None:
        connection.send(bytes(100_001) if again.is_set() else _message(1, _jpeg(90)))
        again.set()
        connection.recv(5)
        connection.close()

    with _server(handler) as port, open_receiver(f"ws://127.0.0.1:{port}") as receiver:
        end = time.monotonic() + 10
        while receiver.counts.bad < 2 and time.monotonic() < end:
            assert receiver.receive(0.2) is None
        assert receiver.counts.bad >= 2
        assert receiver.counts.received == 0


class Hostile:
    """Accepts connections and answers each with the bytes it is told; ``{accept}`` is the right handshake key."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.answer = b""
        self.served = 0
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            with client:
                client.settimeout(0.3)
                try:
                    request = client.recv(4096)
                    if not request:
                        continue
                    client.sendall(self.answer.replace(b"{accept}", _accept(request)))
                    client.shutdown(socket.SHUT_WR)
                    while client.recv(4096):
                        pass
                except OSError:
                    pass
            self.served += 1

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()


def _accept(request: bytes) -> bytes:
    key = next(line for line in request.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key:"))
    return b64encode(sha1(key.split(b":")[1].strip() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())


SWITCH = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: {accept}\r\n\r\n"
)


@pytest.fixture(scope="module")
def hostile() -> Iterator[Hostile]:
    server = Hostile()
    yield server
    server.close()


@pytest.mark.parametrize(
    ("answer", "bad"),
    [
        (b"", 0),
        (b"220 mail.example ESMTP\r\n", 1),
        (SWITCH.replace(b"{accept}", b"wrong"), 1),
        (b"HTTP/1.1 101 Switching Protocols\r\n" + b"X: y\r\n" * 500, 1),
        (SWITCH + b"\x82\x7f\x7f\xff\xff\xff\xff\xff\xff\xff", 1),  # a message of 2^63 bytes
        (SWITCH + b"\xf2\x01a", 1),  # reserved bits
        (SWITCH + b"\x81\x02\xff\xff", 1),  # a text that is no UTF-8 is no JSON
        (SWITCH + b'\x81\x03"\xff"', 1),
        (SWITCH + b"\x80\x01a", 1),  # a continuation of nothing
        (SWITCH + b"\x82\x01a" + b"\x82\x01b" + b"\x88\x02\x03\xe8", 1),  # goodbye behind two that are no pictures
    ],
)
def test_broken_answers_are_counted(hostile: Hostile, answer: bytes, bad: int) -> None:
    hostile.answer = answer
    with open_receiver(f"ws://127.0.0.1:{hostile.port}") as receiver:
        before = hostile.served
        end = time.monotonic() + 4
        while hostile.served == before and time.monotonic() < end:
            assert receiver.receive(0.05) is None
        assert bool(receiver.counts.bad) == bool(bad)


@settings(max_examples=40, deadline=None)
@given(st.binary(max_size=2000))
def test_random_bytes_after_the_handshake_raise_nothing(hostile: Hostile, data: bytes) -> None:
    hostile.answer = SWITCH + data
    with open_receiver(f"ws://127.0.0.1:{hostile.port}") as receiver:
        assert receiver.receive(0.01) is None


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browser, "find_spec", lambda _: None)
    with pytest.raises(MissingExtra) as caught:
        open_receiver("ws://")
    assert str(caught.value).startswith("the browser preview (websockets and simplejpeg) is not installed")

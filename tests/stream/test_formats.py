"""Every pixel format over every transport of our own: the picture that arrives is the one that was sent, bit for bit."""

import socket
import sys
import time
import uuid
from pathlib import Path

import numpy as np
import pytest

from translight.core.errors import StreamError
from translight.core.image import PixelFormat, load_image
from translight.stream.contract import PictureSpec, StripSender
from translight.stream.header import FrameHeader
from translight.stream.transports import TRANSPORTS
from translight.stream.urls import open_receiver, open_sender


def _url(scheme: str, folder: Path) -> str:
    if scheme == "shm":
        return f"shm://test-{uuid.uuid4().hex[:12]}"
    if scheme == "zmq+ipc":
        if sys.platform == "win32":
            pytest.skip("zmq+ipc:// needs Unix sockets")
        return f"zmq+ipc://{folder}/s"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"{scheme}://127.0.0.1:{probe.getsockname()[1]}"


@pytest.mark.parametrize("pixel_format", list(PixelFormat))
@pytest.mark.parametrize("scheme", ["shm", "tcp", "zmq+tcp", "zmq+ipc"])
def test_a_picture_arrives_as_it_was_sent(scheme: str, pixel_format: PixelFormat, tmp_path: Path) -> None:
    """An odd size, so that no row is a whole number of 64-bit words in the formats of four bytes."""
    width, height = 131, 67
    shape = pixel_format.shape(width, height)
    bits = np.random.default_rng(3).integers(0, 256, pixel_format.nbytes(width, height), np.uint8)
    picture = bits.view(pixel_format.dtype).reshape(shape)
    encoding = "linear" if pixel_format is PixelFormat.RGBA16F else "pq"
    url = _url(scheme, tmp_path)
    with open_sender(url, PictureSpec(width, height, pixel_format)) as sender, open_receiver(url) as receiver:
        got, frame, deadline = None, 0, time.monotonic() + 10
        while got is None and time.monotonic() < deadline:
            room = sender.acquire()
            assert (room.shape, room.dtype) == (shape, pixel_format.dtype)
            begin = 0
            for end in sender.strip_ends if isinstance(sender, StripSender) else (height,):
                room[begin:end] = picture[begin:end]
                if isinstance(sender, StripSender):
                    sender.strip(end)
                begin = end
            sent = sender.publish(FrameHeader(frame, width, height, pixel_format, encoding))
            got, frame = receiver.receive(0.1), frame + 1
        assert got is not None
        assert (got.header.format, got.header.encoding) == (pixel_format, encoding)
        assert sent.payload_bytes == picture.nbytes
        assert (got.pixels.shape, got.pixels.dtype) == (shape, pixel_format.dtype)
        assert got.pixels.tobytes() == picture.tobytes()  # halves hold every bit pattern, also not-a-number
        assert receiver.counts.torn == receiver.counts.bad == 0


LINEAR = {"shm", "tcp", "zmq+tcp", "zmq+ipc", "file"}


@pytest.mark.parametrize("scheme", sorted(set(TRANSPORTS) - LINEAR))
def test_ways_out_for_codes_refuse_linear_light(scheme: str) -> None:
    place = {"display": "1", "ndi": "wall"}.get(scheme, "127.0.0.1:5004")
    with pytest.raises(StreamError) as refused:
        open_sender(f"{scheme}://{place}", PictureSpec(64, 64, PixelFormat.RGBA16F))
    assert str(refused.value) == f"{scheme}://{place}: {scheme}:// carries rgba8 or rgb10a2, not rgba16f"


def test_a_movie_refuses_linear_light(tmp_path: Path) -> None:
    with pytest.raises(StreamError) as refused:
        open_sender("file://take.mov", PictureSpec(64, 64, PixelFormat.RGBA16F), tmp_path)
    assert str(refused.value).endswith(": encoded video holds rgba8 or rgb10a2, not rgba16f")
    assert list(tmp_path.iterdir()) == []


def test_an_exr_sequence_holds_the_halves_themselves(tmp_path: Path) -> None:
    picture = np.random.default_rng(0).uniform(0, 9, (32, 64, 4)).astype(np.float16)
    with open_sender("file://take/%06d.exr", PictureSpec(64, 32, PixelFormat.RGBA16F), tmp_path) as sender:
        sender.acquire()[...] = picture
        sender.publish(FrameHeader(3, 64, 32, PixelFormat.RGBA16F, "linear"))
    [written] = tmp_path.rglob("*.exr")
    np.testing.assert_array_equal(load_image(written), picture[..., :3].astype(np.float32))

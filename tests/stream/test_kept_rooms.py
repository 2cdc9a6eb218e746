"""What senders that keep their rooms promise: the same memory again, with the picture that was left there."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import numpy as np
import pytest

from translight.core.image import PixelFormat
from translight.stream.contract import KeepingSender, PictureSpec
from translight.stream.header import FrameHeader
from translight.stream.shm import ShmSender
from translight.stream.tcp_sender import TcpSender

SPEC = PictureSpec(64, 32)


def _shm() -> KeepingSender:
    return ShmSender(f"test-{uuid.uuid4().hex[:12]}", SPEC)


def _tcp() -> KeepingSender:
    return TcpSender("127.0.0.1", 0, SPEC, "tcp://test")


@pytest.mark.parametrize("opened", [_shm, _tcp])
def test_rooms_come_back_as_they_were_left(opened: Callable[[], KeepingSender]) -> None:
    left: dict[int, np.ndarray] = {}
    rng = np.random.default_rng(1)
    with opened() as sender:
        assert isinstance(sender, KeepingSender)
        for frame in range(20):
            room = sender.acquire()
            place = room.ctypes.data
            if place in left:
                np.testing.assert_array_equal(room, left[place])
            left[place] = rng.integers(0, 256, room.shape, np.uint8)
            room[...] = left[place]
            sender.publish(FrameHeader(frame, 64, 32, PixelFormat.RGBA8))
        del room
    assert 1 < len(left) < 10

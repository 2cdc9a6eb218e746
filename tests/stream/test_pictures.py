"""Pictures between the live loop and a worker: it never waits, the newest wins or the queue keeps its order."""

import threading
import time

import numpy as np
import pytest
from tests.stream.pictures_to_send import header

from translight.stream.contract import PictureSpec
from translight.stream.pictures import Pictures

SPEC = PictureSpec(32, 32)


def _publish(pictures: Pictures, frame: int) -> None:
    pictures.acquire()[...] = frame
    pictures.publish(header(frame, SPEC))


def _frames(pictures: Pictures) -> list[int]:
    found = []
    while (room := pictures.take(0)) is not None:
        assert room.header is not None
        assert (room.pixels == room.header.frame).all()
        found.append(room.header.frame)
        pictures.give_back(room)
    return found


def test_the_newest_wins():
    pictures = Pictures(SPEC, 1, newest_wins=True)
    for frame in range(5):
        _publish(pictures, frame)
    assert _frames(pictures) == [4]
    assert pictures.dropped == 4
    assert [h.frame for h in pictures.given_up()] == [0, 1, 2, 3]
    assert pictures.given_up() == []


def test_a_queue_keeps_its_order_and_gives_up_what_comes():
    pictures = Pictures(SPEC, 3, newest_wins=False)
    for frame in range(5):
        _publish(pictures, frame)
    assert _frames(pictures) == [0, 1, 2]
    assert [h.frame for h in pictures.given_up()] == [3, 4]
    _publish(pictures, 5)
    assert _frames(pictures) == [5]


def test_the_workers_picture_is_not_written_to():
    pictures = Pictures(SPEC, 1, newest_wins=True)
    _publish(pictures, 1)
    held = pictures.take(0)
    assert held is not None
    for frame in range(2, 20):
        _publish(pictures, frame)
    assert (held.pixels == 1).all()


def test_asking_twice_lends_the_same_room_and_publishing_without_it_is_an_error():
    pictures = Pictures(SPEC, 1, newest_wins=True)
    assert np.shares_memory(pictures.acquire(), pictures.acquire())
    pictures.publish(header(0, SPEC))
    with pytest.raises(ValueError, match=r"^publish comes after acquire$"):
        pictures.publish(header(1, SPEC))


def test_closing_wakes_the_worker_and_keeps_what_waits():
    pictures = Pictures(SPEC, 2, newest_wins=False)
    timer = threading.Timer(0.05, pictures.close)
    timer.start()
    begin = time.monotonic()
    assert pictures.take(30) is None
    assert time.monotonic() - begin < 20
    timer.join()
    _publish(pictures, 1)
    assert pictures.dropped == 1
    assert pictures.take(0) is None


def test_the_header_comes_back_stamped():
    pictures = Pictures(SPEC, 1, newest_wins=True)
    pictures.acquire()[...] = 7
    sent = pictures.publish(header(3, SPEC))
    assert sent.times.sent_ns > 0
    assert sent.check != 0

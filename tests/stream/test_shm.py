"""shm://: newest wins, no torn frame whatever the speeds, senders and receivers come and go."""

import os
import subprocess
import sys
import threading
import uuid
from pathlib import Path

import numpy as np
import pytest

from translight.core.errors import StreamError
from translight.core.image import PixelFormat
from translight.core.shared_memory import SharedMemory
from translight.stream.contract import PictureSpec
from translight.stream.header import FrameHeader, FrameTimes
from translight.stream.ring import Ring
from translight.stream.shm import ShmReceiver, ShmSender
from translight.stream.urls import open_receiver, open_sender

SPEC = PictureSpec(64, 32)


@pytest.fixture
def name() -> str:
    return f"test-{uuid.uuid4().hex[:12]}"


def _send(sender: ShmSender, frame: int, spec: PictureSpec = SPEC) -> FrameHeader:
    sender.acquire()[...] = frame % 251
    return sender.publish(FrameHeader(frame, spec.width_px, spec.height_px, spec.format))


def test_a_frame_arrives_with_its_header_and_pixels(name: str) -> None:
    rng = np.random.default_rng(1)
    picture = rng.integers(0, 256, (32, 64, 4), np.uint8)
    with ShmSender(name, SPEC) as sender, ShmReceiver(name) as receiver:
        sender.acquire()[...] = picture
        sent = sender.publish(FrameHeader(5, 64, 32, PixelFormat.RGBA8, times=FrameTimes(received_ns=17)))
        frame = receiver.receive(1.0)
        assert frame is not None
        assert frame.header == sent
        assert frame.header.times.received_ns == 17
        assert frame.header.times.sent_ns <= frame.available_ns <= frame.done_ns
        np.testing.assert_array_equal(frame.pixels, picture)
        assert receiver.receive(0.0) is None


def test_ten_bit_pictures_are_words(name: str) -> None:
    spec = PictureSpec(6, 3, PixelFormat.RGB10A2)
    picture = np.arange(18, dtype=np.uint32).reshape(3, 6) * 1_000_003
    with ShmSender(name, spec) as sender, ShmReceiver(name) as receiver:
        sender.acquire()[...] = picture
        sender.publish(FrameHeader(0, 6, 3, PixelFormat.RGB10A2))
        frame = receiver.receive(1.0)
        assert frame is not None
        assert frame.pixels.dtype == np.uint32
        np.testing.assert_array_equal(frame.pixels, picture)


def test_the_newest_wins_and_skipped_frames_are_counted(name: str) -> None:
    with ShmSender(name, SPEC) as sender, ShmReceiver(name) as receiver:
        for frame in range(3):
            _send(sender, frame)
        first = receiver.receive(1.0)
        for frame in range(3, 20):
            _send(sender, frame)
        last = receiver.receive(1.0)
        assert first is not None
        assert last is not None
        assert last.header.frame == 19
        assert last.pixels[0, 0, 0] == 19
        assert receiver.counts.skipped == 16
        assert sender.counts().sent == 20


_WRITER = """
import sys, time
from translight.core.image import PixelFormat
from translight.stream.contract import PictureSpec
from translight.stream.header import FrameHeader
from translight.stream.shm import ShmSender
with ShmSender(sys.argv[1], PictureSpec(256, 256)) as sender:
    print("ready", flush=True)
    end = time.monotonic() + float(sys.argv[2])
    frame = 0
    while time.monotonic() < end:
        sender.acquire()[...] = frame % 251
        sender.publish(FrameHeader(frame, 256, 256, PixelFormat.RGBA8))
        frame += 1
"""


def _numbers(receiver: ShmReceiver) -> list[int]:
    found = []
    while (frame := receiver.receive(0.0)) is not None:
        assert (frame.pixels == frame.header.frame % 251).all()
        found.append(frame.header.frame)
    return found


def test_every_frame_is_taken_in_order_while_the_ring_holds_it(name: str) -> None:
    with ShmSender(name, SPEC, slots=8) as sender, ShmReceiver(name, every=True) as every, ShmReceiver(name) as newest:
        for frame in range(3):
            _send(sender, frame)
        assert _numbers(every) == _numbers(newest) == [2], "who comes begins with the newest"
        for frame in range(3, 9):
            _send(sender, frame)
        sender.acquire()  # claims the oldest slot
        assert _numbers(every) == list(range(3, 9)), "six late, of eight slots, loses none"
        assert _numbers(newest) == [8]
        sender.publish(FrameHeader(9, 64, 32, PixelFormat.RGBA8))
        for frame in range(10, 30):
            _send(sender, frame)
        sender.acquire()
        assert every.receive(0.0) is not None
        assert every.counts.skipped == 14, "what the ring no longer holds is lost, and counted"
        assert _numbers(every) == list(range(24, 30))


def test_every_frame_under_way_when_the_sender_ends_is_taken(name: str) -> None:
    with ShmReceiver(name, every=True) as receiver:
        with ShmSender(name, SPEC, slots=8) as sender:
            _send(sender, 0)
            assert _numbers(receiver) == [0]
            for frame in range(1, 6):
                _send(sender, frame)
        assert _numbers(receiver) == [1, 2, 3, 4, 5]
        assert receiver.ended


def test_every_frame_of_a_hurried_writer_is_whole_and_in_order(name: str) -> None:
    stop = threading.Event()
    with ShmSender(name, SPEC, slots=3) as sender, ShmReceiver(name, every=True) as receiver:

        def write() -> None:
            frame = 0
            while not stop.is_set():
                _send(sender, frame)
                frame += 1

        thread = threading.Thread(target=write)
        thread.start()
        try:
            found = []
            for _ in range(400):
                frame = receiver.receive(1.0)
                assert frame is not None
                assert (frame.pixels == frame.header.frame % 251).all()
                found.append(frame.header.frame)
        finally:
            stop.set()
            thread.join()
    assert found == sorted(set(found))
    assert receiver.counts.torn == 0


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("shm://a?slots=17", "shm://a?slots=17: slots = '17': give a whole number from 2 to 16"),
        ("shm://a?slots=1", "shm://a?slots=1: slots = '1': give a whole number from 2 to 16"),
        ("shm://a?every=maybe", "shm://a?every=maybe: every = 'maybe': give one of yes, no, 1, 0"),
        ("shm://a?speed=2", "shm://a?speed=2: option 'speed' is none of shm's: every, slots"),
    ],
)
def test_wrong_options_say_what_is_allowed(url: str, message: str) -> None:
    with pytest.raises(StreamError) as refused:
        open_sender(url, SPEC)
    assert str(refused.value) == message


def test_the_url_says_slots_and_every(name: str) -> None:
    url = f"shm://{name}?slots=6&every=yes"
    with open_sender(url, SPEC) as sender, open_receiver(url) as receiver:
        ring = Ring.attach(name)
        assert ring.slots == 6
        ring.close()
        for frame in range(4):
            sender.acquire()[...] = frame
            sender.publish(FrameHeader(frame, 64, 32, PixelFormat.RGBA8))
            if frame == 0:
                assert receiver.receive(1.0) is not None
        assert [receiver.receive(0.0).header.frame for _ in range(3)] == [1, 2, 3]  # type: ignore[union-attr]


def test_an_unpaced_writer_never_tears_a_frame(name: str) -> None:
    """Every pixel of a frame says its number; two readers copy as fast as they can while another process writes."""
    writer = subprocess.Popen([sys.executable, "-c", _WRITER, name, "2.0"], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    wrong: list[int] = []
    seen: list[int] = []

    def read() -> None:
        with ShmReceiver(name) as receiver:
            while (frame := receiver.receive(0.5)) is not None:
                seen.append(frame.header.frame)
                if not (frame.pixels == frame.header.frame % 251).all():
                    wrong.append(frame.header.frame)
            assert receiver.counts.torn == 0

    with writer:
        assert writer.stdout.readline() == "ready\n"
        readers = [threading.Thread(target=read) for _ in range(2)]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join()
        assert writer.wait() == 0
    assert len(seen) > 100
    assert wrong == []


def test_a_torn_picture_is_found_by_its_check(name: str) -> None:
    """The last line of defence: the ring says whole, the pixels disagree."""
    with ShmSender(name, SPEC) as sender, ShmReceiver(name) as receiver:
        sender.acquire()[...] = 7
        ring = sender._open_ring()
        slot = sender._slot
        sender.publish(FrameHeader(0, 64, 32, PixelFormat.RGBA8))
        ring.picture(slot)[:4096] = 8
        assert receiver.receive(0.1) is None
        assert receiver.counts.torn == 1


def test_an_announced_slot_is_passed_over(name: str) -> None:
    with ShmSender(name, SPEC) as sender:
        _send(sender, 0)
        ring = Ring.attach(name)
        line = ring.join()
        held = ring.latest
        ring.sign(line, held)
        before = ring.sequence(held)
        for frame in range(1, 30):
            _send(sender, frame)
            assert ring.sequence(held) == before
        assert sender.counts().receivers == 1
        ring.leave(line)
        for frame in range(30, 40):
            _send(sender, frame)
        assert ring.sequence(held) > before
        ring.close()


def test_readers_that_hold_every_slot_do_not_stop_the_writer(name: str) -> None:
    with ShmSender(name, SPEC, slots=3) as sender, ShmReceiver(name) as receiver:
        _send(sender, 0)
        ring = Ring.attach(name)
        for slot in range(3):
            ring.sign(ring.join(), slot)
        for frame in range(1, 50):
            _send(sender, frame)
        newest = receiver.receive(1.0)
        assert newest is not None
        assert newest.header.frame == 49
        ring.close()


def test_a_receiver_waits_for_its_sender_and_finds_the_next_one(name: str) -> None:
    with ShmReceiver(name) as receiver:
        assert receiver.receive(0.05) is None
        with ShmSender(name, SPEC) as sender:
            _send(sender, 3)
            frame = receiver.receive(1.0)
            assert frame is not None
            assert frame.header.frame == 3
        assert receiver.receive(0.1) is None
        larger = PictureSpec(128, 64)
        with ShmSender(name, larger) as sender:
            _send(sender, 0, larger)
            frame = receiver.receive(1.0)
            assert frame is not None
            assert frame.pixels.shape == (64, 128, 4)
        assert receiver.counts.restarts == 1


def test_a_sender_that_was_killed_is_replaced_under_its_receiver(name: str) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    dead = ShmSender(name, SPEC)
    dead._open_ring().words[6] = gone.pid
    with ShmReceiver(name) as receiver:
        _send(dead, 1)
        assert receiver.receive(1.0) is not None
        with ShmSender(name, SPEC) as sender:  # takes the name over; the old ring never says that it ended
            _send(sender, 2)
            frame = receiver.receive(2.0)
            assert frame is not None
            assert frame.header.frame == 2
    dead.close()


def test_a_name_in_use_is_refused(name: str) -> None:
    with ShmSender(name, SPEC), pytest.raises(StreamError) as caught:
        ShmSender(name, SPEC)
    wanted = f"shm://{name} is in use: process {os.getpid()} sends under this name; end it or choose another"
    assert str(caught.value) == wanted


def test_a_receiver_knows_that_its_sender_ended(name: str) -> None:
    with ShmReceiver(name) as receiver:
        with ShmSender(name, SPEC) as sender:
            _send(sender, 1)
            assert receiver.receive(1.0) is not None
            _send(sender, 2)
        last = receiver.receive(1.0)
        assert last is not None
        assert last.header.frame == 2
        assert not receiver.ended
        assert receiver.receive(1.0) is None
        assert receiver.ended


def test_nothing_is_left_behind(name: str) -> None:
    folder = Path("/dev/shm")
    if not folder.is_dir():
        pytest.skip("segments are looked for in /dev/shm")
    with ShmSender(name, SPEC) as sender, ShmReceiver(name) as receiver:
        _send(sender, 0)
        receiver.receive(1.0)
        assert list(folder.glob(f"*{name}*")) != []
    assert list(folder.glob(f"*{name}*")) == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({0: 1}, "shared memory '{name}' is not a frame ring"),
        ({1: 9}, "shm://{name} is ring version 9, this reads version 1"),
        ({2: 99}, "shm://{name}: 99 slots of 12288 bytes do not fit its 49152 bytes"),
        ({3: 4}, "shm://{name}: 4 slots of 4 bytes do not fit its 49152 bytes"),
        ({4: 1 << 50}, "shm://{name}: 4 slots of 12288 bytes do not fit its 49152 bytes"),
    ],
)
def test_a_strange_segment_is_refused(name: str, words: dict[int, int], message: str) -> None:
    with ShmSender(name, SPEC), SharedMemory.attach(name) as memory:
        control = np.frombuffer(memory.buffer, np.int64, 512)
        for word, value in words.items():
            control[word] = value
        del control
        with ShmReceiver(name) as receiver, pytest.raises(StreamError) as caught:
            receiver.receive(0.1)
        assert str(caught.value) == message.format(name=name)


def test_a_segment_without_a_page_is_refused(name: str) -> None:
    refused = pytest.raises(StreamError, match="is not a frame ring: 16 bytes")
    with SharedMemory.create(name, 16), ShmReceiver(name) as receiver, refused:
        receiver.receive(0.1)

"""Conversion by strips: the bytes of one go, whatever the order of events, and nothing that the live loop waits for."""

import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from translight.core.image import PixelFormat
from translight.stream.contract import PictureSpec, StripSender
from translight.stream.encoder import AccessUnit, Encoder, Planes
from translight.stream.header import FrameHeader
from translight.stream.nal import is_slice
from translight.stream.pictures import Pictures
from translight.stream.strip_planes import StripPlanes
from translight.stream.urls import open_sender
from translight.stream.video import VideoSender
from translight.stream.video_options import VideoOptions

W, H = 96, 66


def _picture(seed: int, form: PixelFormat) -> np.ndarray:
    words = np.random.default_rng(seed).integers(0, 1 << 32, (H, W), np.uint32)
    return words if form is PixelFormat.RGB10A2 else words.view(np.uint8).reshape(H, W, 4)


def _bytes(planes: Planes) -> list[bytes]:
    return [plane.tobytes() for plane in planes.arrays[:3]]


def _whole(picture: np.ndarray, form: PixelFormat, kind: str) -> list[bytes]:
    planes = Planes(PictureSpec(W, H, form), kind)
    planes.fill(picture)
    return _bytes(planes)


class Bench:
    """Rooms, their planes, and the converting thread."""

    def __init__(self, form: PixelFormat = PixelFormat.RGBA8, kind: str = "yuv420p") -> None:
        self.spec, self.kind = PictureSpec(W, H, form), kind
        self.pictures = Pictures(self.spec, 1, newest_wins=True)
        self.planes = StripPlanes(self.pictures.rooms, lambda: Planes(self.spec, kind))

    def begin(self, *, early: bool = True) -> np.ndarray:
        room = self.pictures.acquire()
        self.planes.begin(room, early=early)
        return room

    def end(self, frame: int) -> None:
        self.planes.end()
        self.pictures.publish(FrameHeader(frame, W, H, self.spec.format))

    def converted(self, room: np.ndarray) -> int:
        return self.planes._canvases[id(room)].converted


@contextmanager
def _running(bench: Bench) -> Iterator[None]:
    thread = threading.Thread(target=bench.planes.run, args=(threading.Event(),))
    thread.start()
    try:
        yield
    finally:
        bench.planes.close()
        thread.join(5)
        assert not thread.is_alive()


def _until(happened: object) -> None:
    end = time.monotonic() + 5
    while not happened():  # type: ignore[operator]
        assert time.monotonic() < end
        time.sleep(0.001)


@pytest.mark.parametrize(
    ("form", "kind"),
    [(PixelFormat.RGBA8, "yuv420p"), (PixelFormat.RGB10A2, "yuv420p10le"), (PixelFormat.RGB10A2, "yuv420p")],
)
@pytest.mark.parametrize("how", ["strip", "follow"])
def test_strips_are_the_bytes_of_one_go(form: PixelFormat, kind: str, how: str) -> None:
    bench = Bench(form, kind)
    done = [0]
    with _running(bench):
        for frame in range(6):
            picture, room = _picture(frame, form), bench.begin()
            done[0] = 0
            if how == "follow":
                bench.planes.follow(lambda: done[0])
            for begin, end in ((0, 1), (1, 16), (16, 33), (33, 64), (64, H)):
                room[begin:end] = picture[begin:end]
                if how == "strip":
                    bench.planes.strip(end)
                done[0] = end
                _until(lambda r=room, e=end: bench.converted(r) >= e // 2 * 2)
            bench.end(frame)
            taken = bench.pictures.take(1)
            assert taken is not None
            assert _bytes(bench.planes.taken(taken.pixels)) == _whole(picture, form, kind)
            bench.pictures.give_back(taken)


def test_without_a_word_before_the_end_the_taker_converts() -> None:
    bench = Bench()  # its thread does not run
    picture = _picture(1, PixelFormat.RGBA8)
    bench.begin()[...] = picture
    bench.end(0)
    taken = bench.pictures.take(1)
    assert taken is not None
    assert _bytes(bench.planes.taken(taken.pixels)) == _whole(picture, PixelFormat.RGBA8, "yuv420p")


def test_a_picture_that_may_be_given_up_is_not_converted_early() -> None:
    bench = Bench()
    with _running(bench):
        room = bench.begin(early=False)
        bench.planes.follow(lambda: H)
        bench.planes.strip(H)
        time.sleep(0.02)
        assert bench.converted(room) == 0
        room[...] = picture = _picture(3, PixelFormat.RGBA8)
        bench.end(0)
        assert _bytes(bench.planes.taken(room)) == _whole(picture, PixelFormat.RGBA8, "yuv420p")


def test_a_room_lent_anew_in_the_midst_begins_anew() -> None:
    bench = Bench()
    with _running(bench):
        room = bench.begin()
        room[...] = _picture(1, PixelFormat.RGBA8)
        bench.planes.strip(40)
        _until(lambda: bench.converted(room) == 40)
        bench.planes.begin(room, early=True)
        assert bench.converted(room) == 0
        room[...] = picture = _picture(2, PixelFormat.RGBA8)
        bench.planes.strip(H)
        bench.end(0)
        assert _bytes(bench.planes.taken(room)) == _whole(picture, PixelFormat.RGBA8, "yuv420p")


def test_rows_do_not_go_back_or_beyond() -> None:
    bench = Bench()
    with pytest.raises(ValueError, match=r"^strip\(2\) comes after acquire and goes on from the strip before$"):
        bench.planes.strip(2)
    with pytest.raises(ValueError, match=r"^follow comes after acquire$"):
        bench.planes.follow(lambda: 0)
    bench.begin()
    bench.planes.strip(10)
    for row in (8, H + 1):
        with pytest.raises(ValueError, match=rf"^strip\({row}\) comes after acquire and goes on"):
            bench.planes.strip(row)


def test_whatever_the_order_planes_are_of_their_picture() -> None:
    """A live loop that hurries and a taker that dawdles, at random: every picture taken has its own bytes."""
    bench = Bench()
    chance = random.Random(5)
    wanted = [_whole(_picture(k, PixelFormat.RGBA8), PixelFormat.RGBA8, "yuv420p") for k in range(4)]
    found: list[int] = []
    wrong: list[int] = []

    def take() -> None:
        dawdle = random.Random(7)
        while True:
            room = bench.pictures.take(0.5)
            if room is None:
                return
            assert room.header is not None
            frame = room.header.frame
            (found if _bytes(bench.planes.taken(room.pixels)) == wanted[frame % 4] else wrong).append(frame)
            time.sleep(dawdle.choice((0, 0, 0.001, 0.004)))
            bench.pictures.give_back(room)

    taker = threading.Thread(target=take)
    with _running(bench):
        taker.start()
        for frame in range(400):
            picture, done = _picture(frame % 4, PixelFormat.RGBA8), [0]
            room = bench.pictures.acquire()
            bench.planes.begin(room, early=not bench.pictures.crowded)
            if chance.random() < 0.7:
                bench.planes.follow(lambda d=done: d[0])
            for end in (16, 30, 50, H):
                room[:end] = picture[:end]
                done[0] = end
                if chance.random() < 0.3:
                    time.sleep(0.0003)
            if chance.random() < 0.8:
                bench.planes.strip(H)
            bench.end(frame)
            time.sleep(chance.choice((0, 0.0005, 0.002)))
        bench.pictures.close()
        taker.join(10)
    assert not wrong
    assert len(found) > 50


class Kept:
    """An outlet that keeps the access units."""

    def __init__(self) -> None:
        self.units: list[AccessUnit] = []

    def send(self, unit: AccessUnit) -> None:
        self.units.append(unit)

    def receivers(self) -> int | None:
        return None

    def close(self) -> None:
        pass


@pytest.mark.parametrize("codec", ["h264", "hevc"])
def test_the_bitstream_is_the_same_with_strips_and_without(codec: str) -> None:
    form = PixelFormat.RGB10A2 if codec == "hevc" else PixelFormat.RGBA8
    spec, found = PictureSpec(W, H, form), []
    for strips in (False, True):
        outlet = Kept()
        encoder = Encoder("udp://test", spec, VideoOptions(codec=codec, encoder="software", threads=1))
        with VideoSender("udp://test", spec, encoder, outlet) as sender:
            for frame in range(5):
                picture, done = _picture(frame, form), [0]
                room = sender.acquire()
                if strips:
                    sender.follow(lambda d=done: d[0])
                for end in sender.strip_ends:
                    room[:end] = picture[:end]
                    done[0] = end
                    time.sleep(0.001)
                if strips:
                    sender.strip(H)
                sender.publish(FrameHeader(frame, W, H, form))
                _until(lambda o=outlet, n=frame: len(o.units) > n)
        found.append([[bytes(n) for n in u.nals if is_slice(n, u.codec)] for u in outlet.units])
    assert found[0] == found[1]
    assert all(found[0])


def test_a_show_whose_progress_fails_still_sends() -> None:
    bench = Bench()

    def run() -> None:
        with pytest.raises(ZeroDivisionError):
            bench.planes.run(threading.Event())

    thread = threading.Thread(target=run)
    thread.start()
    room = bench.begin()
    bench.planes.strip(2)
    bench.planes.follow(lambda: 1 // 0)
    thread.join(5)
    assert not thread.is_alive()
    room[...] = picture = _picture(9, PixelFormat.RGBA8)
    bench.end(0)
    assert _bytes(bench.planes.taken(room)) == _whole(picture, PixelFormat.RGBA8, "yuv420p")


def test_an_encoded_output_takes_strips() -> None:
    with open_sender("udp://127.0.0.1:47655?encoder=software", PictureSpec(64, 48)) as sender:
        assert isinstance(sender, StripSender)
        assert sender.strip_ends[-1] == 48
        assert all(end % 2 == 0 for end in sender.strip_ends)
        assert list(sender.strip_ends) == sorted(set(sender.strip_ends))
        for frame in range(3):
            sender.acquire()[...] = 100
            sender.follow(lambda: 48)
            sender.strip(48)
            sender.publish(FrameHeader(frame, 64, 48, PixelFormat.RGBA8))
            _until(lambda n=frame: sum((sender.counts().sent, sender.counts().dropped)) > n)
        assert sender.counts().sent == 3

"""Encoding for browsers: only what is wanted, once for all, read back by Pillow and FFmpeg."""

import io
import threading
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from translight.core.image import PixelFormat
from translight.stream import browser_feeds
from translight.stream.browser_feeds import Encoded, H264Feed, JpegFeed, Shrinker
from translight.stream.contract import ReceivedFrame, ReceiverCounts
from translight.stream.header import FrameHeader, FrameTimes, unpack

W, H = 64, 48


def _frame(number: int, value: int = 90, pixels: PixelFormat = PixelFormat.RGBA8) -> ReceivedFrame:
    header = FrameHeader(number, W, H, pixels, rate=Fraction(60), times=FrameTimes(sent_ns=number * 16_666_667))
    picture = np.full(pixels.shape(W, H), value, pixels.dtype)
    return ReceivedFrame(header, picture, 0, 0)


@pytest.mark.parametrize(("pixels", "value"), [("rgba8", 90), ("rgb10a2", 361 | 361 << 10 | 361 << 20)])
def test_jpegs_come_in_each_wanted_quality(pixels: str, value: int) -> None:
    from PIL import Image

    pytest.importorskip("simplejpeg")
    encoded = JpegFeed(lambda: {50, 90}).encode(_frame(7, value, PixelFormat(pixels)))
    assert encoded is not None
    assert sorted(encoded.jpegs) == [50, 90]
    assert unpack(encoded.header).frame == encoded.frame == 7
    for jpeg in encoded.jpegs.values():
        with Image.open(io.BytesIO(jpeg)) as picture:
            assert picture.size == (W, H)
            assert np.abs(np.asarray(picture).astype(int) - 90).max() <= 2


@pytest.mark.parametrize(("multiple", "shape"), [(1, (16, 21, 4)), (2, (16, 20, 4))])
def test_pictures_are_shrunk(multiple: int, shape: tuple[int, ...]) -> None:
    shrink = Shrinker(3, multiple)
    small = shrink(_frame(0, 70).pixels)
    assert small.shape == shape
    assert (small[..., :3] == 70).all()
    assert shrink(_frame(0, 71).pixels) is small
    ten = _frame(0, 361 | 361 << 10 | 361 << 20, PixelFormat.RGB10A2).pixels
    assert (shrink(ten)[..., :3] == 90).all()
    assert Shrinker(1, 2)(ten).shape == (H, W, 4)


def test_nothing_is_encoded_for_nobody() -> None:
    pytest.importorskip("simplejpeg")
    assert JpegFeed(set).encode(_frame(0)) is None
    assert H264Feed(lambda: False, 1000).encode(_frame(0)) is None


def test_key_frames_come_no_oftener_than_four_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [10**12]
    monkeypatch.setattr(browser_feeds, "now_ns", lambda: now[0])
    feed = H264Feed(lambda: True, 1000)
    keys = []
    for number in range(60):
        feed.want_keyframe()
        now[0] += 16_666_667
        encoded = feed.encode(_frame(number, number))
        assert encoded is not None
        keys.append(encoded.keyframe)
    assert sum(keys) == 4


def test_times_grow_even_where_the_senders_do_not() -> None:
    feed = H264Feed(lambda: True, 1000)
    frames = [_frame(0), _frame(1), replace(_frame(1), header=replace(_frame(1).header, frame=2)), _frame(60)]
    encoded = [feed.encode(frame) for frame in frames]
    assert [e.pts for e in encoded if e is not None] == [0, 1500, 1501, 90_000]


def test_a_new_size_begins_a_new_stream() -> None:
    feed = H264Feed(lambda: True, 1000)
    assert feed.encode(_frame(0)) is not None
    wide = FrameHeader(1, 2 * W, H, PixelFormat.RGBA8, times=FrameTimes(sent_ns=10**9))
    encoded = feed.encode(ReceivedFrame(wide, np.zeros((H, 2 * W, 4), np.uint8), 0, 0))
    assert encoded is not None
    assert encoded.keyframe


def test_the_thread_takes_the_newest_until_it_is_stopped() -> None:
    stop = threading.Event()
    seen: list[int] = []
    left = [_frame(3), None, _frame(5)]

    class Source:
        url = "test"
        counts = ReceiverCounts()

        def receive(self, _: float) -> ReceivedFrame | None:
            if not left:
                stop.set()
                return None
            return left.pop(0)

    class Numbers:
        def encode(self, frame: ReceivedFrame) -> Encoded | None:
            return Encoded(frame.header.frame, b"", {})

    browser_feeds.run(stop, Source(), Numbers(), lambda encoded: seen.append(encoded.frame))  # type: ignore[arg-type]
    assert seen == [3, 5]

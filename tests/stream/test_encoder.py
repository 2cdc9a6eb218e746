"""Encoder and decoder: what comes back, at once, with its header; what a stream says of its colours; clear errors."""

from fractions import Fraction

import av
import numpy as np
import pytest
from tests.stream.pictures_to_send import bar_error, chart, header, packed, psnr_db

from translight.core.errors import StreamError
from translight.core.image import PixelFormat, unpack_rgb10a2
from translight.stream import nal
from translight.stream.contract import PictureSpec, ReceiverCounts
from translight.stream.decoder import Decoder
from translight.stream.encoder import AccessUnit, Encoder
from translight.stream.nal import VideoCodec
from translight.stream.video_options import VideoOptions

SIZE = (192, 96)
KINDS = [
    ("h264", PixelFormat.RGBA8),
    ("h264", PixelFormat.RGB10A2),
    ("hevc", PixelFormat.RGBA8),
    ("hevc", PixelFormat.RGB10A2),
]


def _encoder(codec: str, form: PixelFormat = PixelFormat.RGBA8, **more: object) -> Encoder:
    options = VideoOptions(codec, encoder="software", threads=1, **more)  # type: ignore[arg-type]
    return Encoder("test://", PictureSpec(*SIZE, form), options)


def _unit(encoder: Encoder, frame: int, form: PixelFormat = PixelFormat.RGBA8, **more: object) -> AccessUnit:
    spec = PictureSpec(*SIZE, form)
    unit = encoder.encode(packed(chart(*SIZE, frame), form), header(frame, spec, **more))  # type: ignore[arg-type]
    assert unit is not None
    return unit


@pytest.mark.parametrize(("codec", "form"), KINDS)
def test_pictures_come_back_one_by_one(codec: str, form: PixelFormat):
    encoder, counts = _encoder(codec, form, gop_s=0.1), ReceiverCounts()
    decoder = Decoder(VideoCodec(codec), counts)
    for frame in range(8):
        unit = _unit(encoder, frame, form)
        assert unit.key == (frame in (0, 6))
        decoder.feed(nal.join(unit.nals))
        got = decoder.take()
        assert got is not None
        assert got.header.frame == frame
        assert got.header.times == unit.header.times
        rgb = got.pixels[..., :3] if got.header.format is PixelFormat.RGBA8 else unpack_rgb10a2(got.pixels) / 1023 * 255
        rgb = np.asarray(rgb)
        assert psnr_db(rgb, chart(*SIZE, frame)) > 27
        assert bar_error(np.round(rgb).astype(np.uint8)) <= 4
    ten = codec == "hevc" and form is PixelFormat.RGB10A2
    assert got.header.format is (PixelFormat.RGB10A2 if ten else PixelFormat.RGBA8)
    assert counts == ReceiverCounts(received=8)


def test_ten_bits_in_are_ten_bits_out():
    """Steps of one code in 1023: eight bits would make stairs of four."""
    spec = PictureSpec(256, 64, PixelFormat.RGB10A2)
    grey = np.broadcast_to(400 + np.arange(256, dtype=np.uint32) // 2, (64, 256))
    picture = (grey | grey << 10 | grey << 20 | 3 << 30).astype(np.uint32)
    encoder = Encoder("test://", spec, VideoOptions("hevc", bit_rate_bps=50_000_000, encoder="software"))
    unit = encoder.encode(picture, header(0, spec))
    assert unit is not None
    decoder = Decoder(VideoCodec.HEVC, ReceiverCounts())
    decoder.feed(nal.join(unit.nals))
    got = decoder.take()
    assert got is not None
    error = unpack_rgb10a2(got.pixels).astype(int) - grey[..., None]
    assert np.abs(error).mean() < 1.0


@pytest.mark.parametrize(("encoding", "transfer"), [("srgb", 13), ("gamma2.4", 1), ("pq", 16)])
@pytest.mark.parametrize("codec", ["h264", "hevc"])
def test_the_stream_says_what_its_colours_mean(codec: str, encoding: str, transfer: int):
    unit = _unit(_encoder(codec), 0, encoding=encoding, rate=Fraction(24000, 1001))
    context = av.CodecContext.create(codec, "r")
    context.decode(av.Packet(nal.join(unit.nals)))
    context.decode(None)
    assert (context.color_range, context.colorspace, context.color_primaries, context.color_trc) == (1, 1, 1, transfer)


def test_a_wanted_key_picture_comes_next():
    encoder = _encoder("h264", gop_s=10)
    assert [_unit(encoder, n).key for n in range(3)] == [True, False, False]
    encoder.want_key()
    assert [_unit(encoder, n).key for n in range(2)] == [True, False]


def test_rolling_refresh_has_no_large_pictures_and_lets_late_receivers_in():
    encoder = _encoder("h264", rolling=True, gop_s=0.2)
    units = [_unit(encoder, n) for n in range(40)]
    assert [unit.key for unit in units] == [True] + [False] * 39
    counts = ReceiverCounts()
    decoder = Decoder(VideoCodec.H264, counts)
    for unit in units[3:]:
        decoder.feed(nal.join(unit.nals))
    got = decoder.take()
    assert got is not None
    assert bar_error(got.pixels[..., :3]) <= 6


def test_after_a_loss_nothing_comes_until_a_key_picture():
    encoder, counts = _encoder("h264", gop_s=0.1), ReceiverCounts()
    decoder = Decoder(VideoCodec.H264, counts)
    units = [_unit(encoder, n) for n in range(12)]
    for number, unit in enumerate(units):
        if number == 3:
            decoder.lost()
        else:
            decoder.feed(nal.join(unit.nals))
            decoder.take()
    assert counts.received == 3 + 6
    assert counts.skipped == 3


def test_pictures_that_newer_ones_replace_are_skipped():
    encoder, counts = _encoder("h264"), ReceiverCounts()
    decoder = Decoder(VideoCodec.H264, counts)
    for frame in range(9):
        decoder.feed(nal.join(_unit(encoder, frame).nals))
        if frame in (0, 8):
            assert decoder.take() is not None
    assert decoder.take() is None
    assert (counts.received, counts.skipped) == (2, 7)


def test_rubbish_in_a_unit_is_counted():
    counts = ReceiverCounts()
    decoder = Decoder(VideoCodec.H264, counts)
    good = nal.join(_unit(_encoder("h264"), 0).nals)
    rng = np.random.default_rng(0)
    for _ in range(60):
        broken = bytearray(good)
        for at in rng.integers(5, len(good), 30):
            broken[at] = rng.integers(0, 256)
        decoder.feed(bytes(broken))
        decoder.take()
    decoder.feed(b"")
    assert counts.bad > 0


@pytest.mark.parametrize("size", [(101, 64), (64, 101), (16, 16)])
def test_a_size_that_420_cannot_hold_is_refused(size: tuple[int, int]):
    with pytest.raises(StreamError) as caught:
        Encoder("udp://h:1", PictureSpec(*size), VideoOptions())
    assert str(caught.value) == (
        f"udp://h:1: {size[0]}x{size[1]}: encoded video wants an even width and height of 32 or more; change its size in the show"
    )


def test_nvenc_where_there_is_none_is_one_clear_line_and_auto_goes_on():
    spec = PictureSpec(*SIZE)
    try:
        Encoder("udp://h:1", spec, VideoOptions(encoder="nvenc"))
    except StreamError as error:
        said = str(error)
    else:
        pytest.skip("NVENC opens here")
    assert said.startswith("udp://h:1: h264_nvenc does not open here (")
    assert said.endswith("): give encoder=software")
    assert Encoder("udp://h:1", spec, VideoOptions()).name == "libx264"
    with pytest.raises(
        StreamError, match=r"NVENC is driven with 8 bits here: give encoder=software or 8-bit pictures$"
    ):
        Encoder("udp://h:1", PictureSpec(*SIZE, PixelFormat.RGB10A2), VideoOptions("hevc", encoder="nvenc"))

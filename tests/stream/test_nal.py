"""NAL units and the frame header's SEI: hypothesis round trips, FFmpeg's own bitstream filter as a second reader."""

from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from translight.core.errors import ProtocolError
from translight.core.image import PixelFormat
from translight.stream import nal
from translight.stream.header import FrameHeader, FrameTimes
from translight.stream.nal import VideoCodec

HEADER = FrameHeader(2**40, 64, 32, PixelFormat.RGBA8, times=FrameTimes(sent_ns=123456789))


@given(st.binary(max_size=200))
def test_escaping_comes_back_and_hides_start_codes(payload: bytes):
    escaped = nal.escape(payload)
    assert nal.unescape(escaped) == payload
    assert all(code not in escaped for code in (b"\0\0\0", b"\0\0\1", b"\0\0\2"))


@given(st.lists(st.binary(min_size=1, max_size=40), max_size=6))
def test_units_are_split_as_they_were_joined(payloads: list[bytes]):
    nals = [nal.escape(payload) + b"\x80" for payload in payloads]
    assert [bytes(unit) for unit in nal.split(nal.join(nals))] == nals


@given(st.binary(max_size=300), st.sampled_from(VideoCodec))
def test_rubbish_raises_nothing_but_protocol_errors(rubbish: bytes, codec: VideoCodec):
    nals = nal.split(rubbish)
    assert nal.read_header(nals, codec) is None
    sei = nal.header_sei(HEADER, codec)
    for cut in (len(sei) // 2, 30, len(sei) - 40):
        with suppress(ProtocolError):
            nal.read_header([sei[:cut] + rubbish], codec)


@pytest.mark.parametrize("codec", VideoCodec)
def test_the_header_comes_back(codec: VideoCodec):
    slice_nal = b"\x65\x88" if codec is VideoCodec.H264 else b"\x28\x01\x88"
    sps = b"\x67\x42" if codec is VideoCodec.H264 else b"\x42\x01\x01"
    nals = nal.with_header([sps, slice_nal, slice_nal], HEADER, codec)
    assert [bytes(n) for n in nals[:1] + nals[2:]] == [sps, slice_nal, slice_nal]
    assert nal.read_header(nals, codec) == HEADER
    assert nal.read_header([sps, slice_nal], codec) is None
    assert nal.is_key(nals, codec)
    assert nal.parameter_sets(nals, codec) == [sps]


def test_a_header_of_another_version_is_refused():
    broken = nal.header_sei(replace(HEADER, frame=1), VideoCodec.H264).replace(b"TLFR\x01", b"TLFR\x02")
    with pytest.raises(ProtocolError, match=r"version 1, the sender speaks version 2$"):
        nal.read_header([broken], VideoCodec.H264)


def test_other_programs_messages_are_passed_over():
    """A recovery point, and somebody else's user data, before ours in one NAL unit."""
    ours = nal.header_sei(HEADER, VideoCodec.H264)
    theirs = bytes([6, 6, 1, 0xC4, 5, 17]) + bytes(range(16, 32)) + b"!"
    assert nal.read_header([theirs + ours[1:]], VideoCodec.H264) == HEADER

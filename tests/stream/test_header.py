"""The frame header's bytes, as docs/stream_header.md lays them out."""

import struct
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from translight.core.errors import ProtocolError
from translight.core.image import PixelFormat
from translight.stream import header
from translight.stream.header import (
    HEADER_BYTES,
    FrameHeader,
    FrameTimes,
    clock_id,
    pack,
    pack_sent,
    picture_check,
    unpack,
)

times = st.integers(-1, 2**62)
headers = st.builds(
    FrameHeader,
    frame=st.integers(0, 2**63),
    width_px=st.integers(1, 16384),
    height_px=st.integers(1, 16384),
    format=st.sampled_from(PixelFormat),
    encoding=st.sampled_from(["srgb", "gamma2.4", "pq", "linear"]),
    rate=st.fractions(1, 1000, max_denominator=1001),
    flags=st.integers(0, 3),
    pose_sequence=st.integers(0, 2**63),
    times=st.builds(FrameTimes, *[times] * 8),
    clock_id=st.integers(0, 2**64 - 1),
    check=st.integers(0, 2**64 - 1),
    wxyz=st.tuples(*[st.floats(-1, 1)] * 4),
    position_m=st.tuples(*[st.floats(-1e4, 1e4)] * 3),
    carries=st.sampled_from(["wall", "camera"]),
)
depths = st.builds(
    lambda made, near_m, times: replace(
        made, encoding="depth-log", carries="depth", near_m=near_m, far_m=times * near_m
    ),
    headers,
    st.floats(0.01, 10),
    st.floats(1.1, 1000),
)


@given(headers | depths)
def test_what_is_packed_is_unpacked(made: FrameHeader) -> None:
    data = pack(made)
    assert len(data) == HEADER_BYTES
    assert unpack(data) == made


@given(headers, st.integers(0, 2**64 - 1), st.integers(-1, 2**62))
def test_a_header_is_packed_as_sent(made: FrameHeader, check: int, sent_ns: int) -> None:
    wanted = replace(made, check=check, times=replace(made.times, sent_ns=sent_ns))
    assert pack_sent(made, check, sent_ns) == pack(wanted)


def test_fields_lie_where_the_documented_offsets_say() -> None:
    made = FrameHeader(
        frame=7,
        width_px=1920,
        height_px=1080,
        format=PixelFormat.RGB10A2,
        encoding="pq",
        rate=Fraction(24000, 1001),
        flags=1,
        pose_sequence=99,
        times=FrameTimes(1, 2, 3, 4, 5, 6, 7, 8),
        clock_id=10,
        check=9,
        wxyz=(0.5, -0.5, 0.5, -0.5),
        position_m=(1.0, 2.0, 3.0),
        carries="camera",
    )
    data = pack(made)
    assert data[:4] == b"TLFR"
    assert struct.unpack_from("<HH", data, 4) == (1, 256)
    assert struct.unpack_from("<IIIIII", data, 8) == (1, 2, 1920, 1080, 7680, 3)
    assert struct.unpack_from("<QQ", data, 32) == (7, 1920 * 1080 * 4)
    assert struct.unpack_from("<II", data, 48) == (24000, 1001)
    assert struct.unpack_from("<Q", data, 56) == (99,)
    assert struct.unpack_from("<8q", data, 64) == (1, 2, 3, 4, 5, 6, 7, 8)
    assert struct.unpack_from("<QQ", data, 128) == (9, 10)
    assert struct.unpack_from("<7d", data, 144) == (0.5, -0.5, 0.5, -0.5, 1.0, 2.0, 3.0)
    assert struct.unpack_from("<II2d", data, 200) == (1, 0, 0, 0)
    assert data[224:] == bytes(32)
    depth = pack(replace(made, encoding="depth-log", carries="depth", near_m=0.5, far_m=100.0))
    assert struct.unpack_from("<I", depth, 28) == (5,)
    assert struct.unpack_from("<II2d", depth, 200) == (2, 0, 0.5, 100.0)


def test_a_walls_header_is_what_it_was_before_pictures_had_kinds() -> None:
    assert pack(FrameHeader(1, 8, 4, PixelFormat.RGBA8))[200:] == bytes(56)


def _changed(offset: int, layout: str, value: float) -> bytes:
    data = bytearray(pack(FrameHeader(1, 8, 4, PixelFormat.RGBA8)))
    struct.pack_into(layout, data, offset, value)
    return bytes(data)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "a frame header is 256 bytes, got 0"),
        (b"TLFR" + bytes(251), "a frame header is 256 bytes, got 255"),
        (bytes(256), r"a frame header begins with b'TLFR', got b'\x00\x00\x00\x00'"),
        (_changed(4, "<H", 2), "this reads frame header version 1, the sender speaks version 2"),
        (_changed(6, "<H", 255), "a version 1 frame header says 256 bytes, this one says 255"),
        (_changed(12, "<I", 9), "pixel format 9 is none of [1, 2, 3]"),
        (_changed(28, "<I", 0), "encoding 0 is none of [1, 2, 3, 4, 5]"),
        (_changed(200, "<I", 3), "what a picture carries is 0 to 2, got 3"),
        (_changed(28, "<I", 5), "depth runs from a near end above 0 to a farther one, got 0 to 0 m"),
        (_changed(208, "<d", 1), "only depth has a near and a far end, got 1 to 0 m of srgb"),
        (_changed(216, "<d", np.nan), "only depth has a near and a far end, got 0 to nan m of srgb"),
        (_changed(52, "<I", 0), "frame rate 60/0 is not a rate"),
        (_changed(16, "<I", 9), "9x4 pixels of 4 bytes do not make 128 bytes in rows of 32"),
        (_changed(40, "<Q", 2**40), "8x4 pixels of 4 bytes do not make 1099511627776 bytes in rows of 32"),
    ],
)
def test_a_bad_header_says_what_is_wrong(data: bytes, message: str) -> None:
    with pytest.raises(ProtocolError) as caught:
        unpack(data)
    assert str(caught.value) == message


@given(st.binary(max_size=300) | st.binary(min_size=250, max_size=250).map(lambda b: b"TLFR\1\0\0\1" + b))
def test_random_bytes_raise_nothing_but_protocol_error(data: bytes) -> None:
    with suppress(ProtocolError):
        unpack(data)


@given(st.integers(1, 40_000), st.data())
def test_a_mix_of_two_pictures_fails_the_check(words: int, data: st.DataObject) -> None:
    rng = np.random.default_rng(words)
    a, b = (rng.integers(0, 256, words * 8, np.uint8) for _ in range(2))
    cut = data.draw(st.integers(0, words)) * 8
    mixed = np.concatenate([a[:cut], b[cut:]])
    sampled = -(-words // header._CHECK_STRIDE)
    taken_from_a = -(-(cut // 8) // header._CHECK_STRIDE)
    assert (picture_check(mixed) == picture_check(a)) == (taken_from_a == sampled)
    assert (picture_check(mixed) == picture_check(b)) == (taken_from_a == 0)


def test_the_clock_has_the_same_name_every_time() -> None:
    assert clock_id() == clock_id() != 0

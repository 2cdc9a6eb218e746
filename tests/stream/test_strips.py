"""The protocol of tcp:// without sockets: what a sender writes is read, in any pieces; everything else is refused."""

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from translight.core.errors import ProtocolError
from translight.core.image import PixelFormat
from translight.stream.contract import PictureSpec
from translight.stream.header import FrameHeader, RunningCheck, pack, picture_check
from translight.stream.strips import (
    ASK,
    Head,
    Hello,
    Kind,
    Picture,
    StripReader,
    check_ask,
    pack_head,
    pack_hello,
    unpack_hello,
)

SPEC = PictureSpec(6, 8)
HELLO = Hello(SPEC, 77)
ROW = 24


def picture_bytes(seed: int, spec: PictureSpec = SPEC) -> bytes:
    return np.random.default_rng(seed).bytes(spec.nbytes)


def strip(serial: int, first_row: int, rows: int, data: bytes) -> bytes:
    return pack_head(Head(Kind.STRIP, serial, first_row, rows, len(data))) + data


def frame_end(serial: int, data: bytes, number: int = 5, spec: PictureSpec = SPEC) -> bytes:
    check = picture_check(np.frombuffer(data, np.uint8))
    header = FrameHeader(number, spec.width_px, spec.height_px, spec.format, check=check)
    return pack_head(Head(Kind.FRAME, serial, nbytes=256)) + pack(header)


def frame(serial: int, seed: int, ends: tuple[int, ...] = (8,)) -> bytes:
    data = picture_bytes(seed)
    begins = (0, *ends[:-1])
    parts = [strip(serial, a, b - a, data[a * ROW : b * ROW]) for a, b in zip(begins, ends, strict=True)]
    return b"".join(parts) + frame_end(serial, data)


def read(reader: StripReader, data: bytes, most: int = 1 << 30) -> list[tuple[Picture, bytes]]:
    """Feed bytes as a socket would; the pictures, and their pixels as they were when each was whole."""
    found = []
    while data:
        wanted = reader.wanted()
        count = min(len(wanted), len(data), most)
        wanted[:count] = data[:count]
        data = data[count:]
        picture = reader.filled(count)
        if picture is not None:
            found.append((picture, picture.pixels.tobytes()))
    return found


@given(
    st.lists(st.sets(st.integers(1, 7)), min_size=1, max_size=4),
    st.integers(1, 300),
)
def test_frames_are_read_in_whatever_pieces_they_come(cuts: list[set[int]], most: int) -> None:
    frames = [frame(k + 1, k, (*sorted(ends), 8)) for k, ends in enumerate(cuts)]
    found = read(StripReader(), pack_hello(HELLO) + b"".join(frames), most)
    assert [(picture.serial, pixels) for picture, pixels in found] == [
        (k + 1, picture_bytes(k)) for k in range(len(cuts))
    ]
    assert all(picture.sound and picture.header.frame == 5 for picture, _ in found)


@pytest.mark.parametrize("pixel_format", list(PixelFormat))
def test_a_hello_says_what_pictures_are(pixel_format: PixelFormat) -> None:
    hello = Hello(PictureSpec(7, 3, pixel_format), 2**64 - 1)
    assert unpack_hello(pack_hello(hello)) == hello


def test_documented_offsets_hold() -> None:
    hello = pack_hello(Hello(PictureSpec(7, 3, PixelFormat.RGBA16F), 9))
    assert len(hello) == 64
    assert struct.unpack("<4sHHIIIIQQ", hello[:40]) == (b"TLSH", 1, 64, 3, 7, 3, 56, 168, 9)
    assert hello[40:] == bytes(24)
    head = pack_head(Head(Kind.STRIP, 4, 5, 2, 48))
    assert struct.unpack("<4sIQIIQ", head) == (b"TLSM", 1, 4, 5, 2, 48)
    assert ASK == b"TLSA\x01\x00\x08\x00"


def test_a_new_picture_gives_an_unfinished_one_up() -> None:
    begun = strip(1, 0, 3, picture_bytes(0)[: 3 * ROW])
    [(picture, pixels)] = read(StripReader(), pack_hello(HELLO) + begun + frame(2, 9, (4, 8)))
    assert (picture.serial, pixels, picture.sound) == (2, picture_bytes(9), True)


def test_the_picture_handed_out_stays_until_the_next_is_whole() -> None:
    reader = StripReader()
    [(first, pixels)] = read(reader, pack_hello(HELLO) + frame(1, 1))
    following = frame(2, 2)
    read(reader, following[:-1])
    assert first.pixels.tobytes() == pixels
    [(second, _)] = read(reader, following[-1:])
    assert second.pixels.tobytes() == picture_bytes(2)


def test_a_picture_that_disagrees_with_its_check_is_not_sound() -> None:
    data = picture_bytes(1)
    changed = bytes([data[0] ^ 1]) + data[1:]
    reader = StripReader()
    [(whole, pixels)] = read(reader, pack_hello(HELLO) + frame(1, 8))
    [(torn, _)] = read(reader, strip(2, 0, 8, changed) + frame_end(2, data))
    assert not torn.sound
    assert whole.pixels.tobytes() == pixels, "an unsound picture takes nobody's place"
    [(next_one, _)] = read(reader, frame(3, 3))
    assert next_one.sound


def test_the_end_is_read() -> None:
    reader = StripReader()
    read(reader, pack_hello(HELLO) + pack_head(Head(Kind.END)))
    assert reader.ended


DATA = picture_bytes(0)
BAD = [
    (b"HTTP/1.1 400 Bad Request".ljust(64), "a hello begins with b'TLSH' and its 64 bytes, got b'HTTP/1.1'"),
    (b"TLSH\x02" + pack_hello(HELLO)[5:], "this reads strips of version 1, the sender speaks version 2"),
    (pack_hello(HELLO)[:8] + struct.pack("<I", 4) + pack_hello(HELLO)[12:], "pixel format 4 is none of [1, 2, 3]"),
    (
        pack_hello(HELLO)[:12] + struct.pack("<I", 7) + pack_hello(HELLO)[16:],
        "7x8 pixels of 4 bytes do not make 192 bytes in rows of 24",
    ),
    (pack_hello(Hello(PictureSpec(100, 100), 1)), "pictures of 40000 bytes; at most 1000 are allowed"),
    (pack_hello(Hello(PictureSpec(0, 100), 1)), "0x100 pixels of 4 bytes do not make 0 bytes in rows of 0"),
    (pack_hello(HELLO) + b"x" * 32, "a message begins with b'TLSM', got b'xxxx'"),
    (pack_hello(HELLO) + b"TLSM\x09" + bytes(27), "message kind 9 is none of [1, 2, 3]"),
    (
        pack_hello(HELLO) + strip(1, 2, 1, DATA[:ROW]),
        "a strip of picture 1 from row 2; picture 0 goes on at row 0",
    ),
    (
        pack_hello(HELLO) + strip(1, 0, 3, DATA[: 3 * ROW]) + strip(1, 4, 1, DATA[:ROW]),
        "a strip of picture 1 from row 4; picture 1 goes on at row 3",
    ),
    (
        pack_hello(HELLO) + strip(1, 0, 3, DATA[: 3 * ROW]) + strip(2, 3, 1, DATA[:ROW]),
        "a strip of picture 2 from row 3; picture 1 goes on at row 3",
    ),
    (pack_hello(HELLO) + strip(1, 0, 9, DATA), "9 rows from row 0 are not in 8"),
    (pack_hello(HELLO) + strip(1, 0, 2**32 - 1, DATA), "4294967295 rows from row 0 are not in 8"),
    (pack_hello(HELLO) + strip(1, 0, 0, b""), "0 rows from row 0 are not in 8"),
    (pack_hello(HELLO) + strip(1, 0, 8, DATA + b"x"), "8 rows of 24 bytes are not 193 bytes"),
    (
        pack_hello(HELLO) + strip(1, 0, 7, DATA[: 7 * ROW]) + frame_end(1, DATA),
        "picture 1 is said to be whole; picture 1 has 7 rows of 8",
    ),
    (
        pack_hello(HELLO) + strip(1, 0, 8, DATA) + frame_end(2, DATA),
        "picture 2 is said to be whole; picture 1 has 8 rows of 8",
    ),
    (
        pack_hello(HELLO) + frame(1, 0) + frame_end(1, DATA),
        "picture 1 is said to be whole; picture 0 has 0 rows of 8",
    ),
    (
        pack_hello(HELLO) + strip(1, 0, 8, DATA) + pack_head(Head(Kind.FRAME, 1, nbytes=255)),
        "a frame header is 256 bytes, this one says 255",
    ),
    (
        pack_hello(HELLO) + strip(1, 0, 8, DATA) + frame_end(1, DATA, spec=PictureSpec(8, 6)),
        "a header of 8x6 rgba8 pixels; the sender said 6x8 rgba8",
    ),
    (
        pack_hello(HELLO) + strip(1, 0, 8, DATA) + frame_end(1, DATA)[:32] + bytes(256),
        "a frame header begins with b'TLFR', got b'\\x00\\x00\\x00\\x00'",
    ),
    (pack_hello(HELLO) + pack_head(Head(Kind.END, nbytes=1)), "the end has no bytes, this one says 1"),
]  # fmt: skip


@pytest.mark.parametrize(("data", "message"), BAD, ids=[text[:40] for _, text in BAD])
def test_what_breaks_the_protocol_says_how(data: bytes, message: str) -> None:
    with pytest.raises(ProtocolError) as refused:
        read(StripReader(max_picture_bytes=1000), data)
    assert str(refused.value) == message


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"GET / HT", "a wish begins with b'TLSA' and its 8 bytes, got b'GET / HT'"),
        (b"TLSA\x02\x00\x08\x00", "this sends strips of version 1, the receiver speaks version 2"),
        (b"TLSA", "a wish is 8 bytes, got 4"),
    ],
)
def test_what_is_no_wish_is_refused(data: bytes, message: str) -> None:
    check_ask(ASK)
    with pytest.raises(ProtocolError) as refused:
        check_ask(data)
    assert str(refused.value) == message


@given(st.binary(max_size=600), st.booleans())
def test_random_bytes_are_refused_or_wait_for_more(data: bytes, greeted: bool) -> None:
    reader = StripReader(max_picture_bytes=10_000)
    try:
        found = read(reader, (pack_hello(HELLO) if greeted else b"") + data)
    except ProtocolError:
        return
    assert found == []
    assert len(reader.wanted()) > 0


GOOD = pack_hello(HELLO) + frame(1, 1, (3, 8)) + frame(2, 2, (1, 2, 8)) + frame(3, 3)


@given(
    st.lists(st.tuples(st.integers(0, len(GOOD) - 1), st.integers(0, 255)), max_size=4),
    st.lists(st.tuples(st.integers(0, len(GOOD)), st.integers(0, 300)), max_size=2),
    st.integers(1, 500),
)
def test_a_mutated_stream_raises_nothing_else(
    changes: list[tuple[int, int]], cuts: list[tuple[int, int]], most: int
) -> None:
    """Bytes changed, and stretches left out or repeated: a ProtocolError, or pictures of the announced size."""
    data = bytearray(GOOD)
    for place, value in changes:
        data[place] = value
    for place, length in cuts:
        data[place : place + length] = b"" if length % 2 else data[place : place + length] * 2
    try:
        for picture, pixels in read(StripReader(max_picture_bytes=10_000), bytes(data), most):
            assert picture.header.payload_bytes == SPEC.nbytes == len(pixels)
    except ProtocolError:
        pass


@given(st.integers(0, 40_000), st.lists(st.integers(0, 40_000), max_size=6))
def test_a_running_check_is_the_whole_ones(size: int, ends: list[int]) -> None:
    """Against the documented sum, written out."""
    data = np.random.default_rng(size).integers(0, 256, size, np.uint8)
    words = [int.from_bytes(data[8 * k : 8 * k + 8].tobytes(), "little") for k in range(0, size // 8, 509)]
    wanted = sum((2 * k + 1) * word for k, word in enumerate(words)) % 2**64
    grown = np.zeros(size, np.uint8)
    check = RunningCheck(grown)
    for end in sorted(min(end, size) for end in ends):
        grown[:end] = data[:end]
        check.advance(end)
    grown[:] = data
    assert check.value() == picture_check(data) == wanted
    check.restart()
    assert check.value() == wanted

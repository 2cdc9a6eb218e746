"""OpenTrackIO packets: golden ones, bad ones, round trip, segments in any order, floods, random bytes."""

import contextlib
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from translight.core.errors import ProtocolError
from translight.tracking import opentrackio_packet as packets
from translight.tracking.datagram import BadDatagram
from translight.tracking.opentrackio_packet import Encoding, Modulus, Reassembly, Segment

DATA = Path(__file__).parents[1] / "data" / "tracking" / "opentrackio"
JSON = (DATA / "packet_json_single.bin").read_bytes()
CBOR = (DATA / "packet_cbor_single.bin").read_bytes()
SEGMENTED = (DATA / "packet_json_segmented.bin").read_bytes()


def segments() -> list[bytes]:
    at = SEGMENTED.index(b"OTrk", 4)
    return [SEGMENTED[:at], SEGMENTED[at:]]


def test_golden_packets() -> None:
    json = packets.parse(JSON)
    assert (json.encoding, json.sequence, json.offset, json.last, len(json.payload)) == (
        Encoding.JSON,
        1,
        0,
        True,
        2929,
    )
    cbor = packets.parse(CBOR)
    assert (cbor.encoding, cbor.sequence, cbor.offset, cbor.last) == (Encoding.CBOR, 2, 0, True)
    first, second = (packets.parse(data) for data in segments())
    assert (first.sequence, first.offset, first.last, len(first.payload)) == (3, 0, False, 1484)
    assert (second.sequence, second.offset, second.last) == (3, 1484, True)
    assert first.payload + second.payload == json.payload


def test_built_packets_are_the_golden_ones() -> None:
    payload = packets.parse(JSON).payload
    assert packets.build(payload, Encoding.JSON, 1, segment_bytes=0x7FFF) == [JSON]
    assert packets.build(payload, Encoding.JSON, 3) == segments()


def with_checksum(data: bytes) -> bytes:
    return data[:14] + packets.fletcher16(data[:14] + data[16:]).to_bytes(2, "big") + data[16:]


SMALL = packets.build(b"{}", Encoding.JSON, 5)[0]
OLD = packets.build(b"{}", Encoding.JSON, 5, modulus=255)[0]


@pytest.mark.parametrize(
    ("data", "cause", "message"),
    [
        (b"", "length", "an OpenTrackIO packet is at least 16 bytes, got 0"),
        (SMALL[:15], "length", "an OpenTrackIO packet is at least 16 bytes, got 15"),
        (b"XTrk" + SMALL[4:], "type", "an OpenTrackIO packet begins with b'OTrk', got b'XTrk'"),
        (SMALL + b" ", "length", "the OpenTrackIO header says 2 bytes of payload, 3 follow"),
        (SMALL[:-1], "length", "the OpenTrackIO header says 2 bytes of payload, 1 follow"),
        (SMALL[:-1] + b"|", "checksum", "OpenTrackIO checksum is 3800, the bytes ask for 37ff"),
        (
            OLD,
            "checksum",
            (
                "OpenTrackIO checksum is 5103, the bytes ask for 3800; "
                "it is right modulo 255: add fletcher=255 to the source"
            ),
        ),
        (
            with_checksum(SMALL[:5] + b"\x81" + SMALL[6:]),
            "encoding",
            "OpenTrackIO encoding is 1 (JSON) or 2 (CBOR), got 129",
        ),
        (
            with_checksum(SMALL[:12] + b"\x80\0\0\0"),
            "length",
            "an OpenTrackIO packet has a payload, this one has none",
        ),
    ],
)
def test_bad_packets(data: bytes, cause: str, message: str) -> None:
    with pytest.raises(BadDatagram) as caught:
        packets.parse(data)
    assert str(caught.value) == message
    assert caught.value.cause == cause


def test_senders_of_the_older_checksum_can_be_read() -> None:
    assert packets.parse(OLD, modulus=255).payload == b"{}"


@pytest.mark.parametrize(
    ("data", "modulus", "expected"),
    [  # the test vectors that Wikipedia's article on Fletcher's checksum gives for modulo 255
        (b"abcde", 255, 0xC8F0),
        (b"abcdef", 255, 0x2057),
        (b"abcdefgh", 255, 0x0627),
        (b"", 256, 0),
    ],
)
def test_fletcher16_vectors(data: bytes, modulus: Modulus, expected: int) -> None:
    assert packets.fletcher16(data, modulus) == expected


@given(st.binary(max_size=3000), st.sampled_from([256, 255]))
def test_fletcher16_is_the_specification_s_loop(data: bytes, modulus: Modulus) -> None:
    first = second = 0
    for byte in data:
        first = (first + byte) % modulus
        second = (second + first) % modulus
    assert packets.fletcher16(data, modulus) == second << 8 | first


@given(
    st.binary(min_size=1, max_size=2000),
    st.sampled_from(Encoding),
    st.integers(0, 0xFFFF),
    st.integers(10, 700),
    st.randoms(use_true_random=False),
)
def test_round_trip_in_any_order_with_repeats(
    payload: bytes, encoding: Encoding, sequence: int, segment_bytes: int, chance: random.Random
) -> None:
    sent = packets.build(payload, encoding, sequence, segment_bytes=segment_bytes)
    chance.shuffle(sent)
    reassembly = Reassembly()
    done = None
    for number, data in enumerate(sent):
        assert done is None
        segment = packets.parse(data)
        if number < len(sent) - 1:
            assert reassembly.add(segment) is None
        done = reassembly.add(segment)
    assert done == payload
    assert reassembly.incomplete == 0


def segment(sequence: int, offset: int, payload: bytes, *, last: bool = False) -> Segment:
    return Segment(Encoding.JSON, sequence, offset, last, payload)


def test_a_newer_sample_ends_an_incomplete_one() -> None:
    reassembly = Reassembly()
    assert reassembly.add(segment(1, 0, b"ab")) is None
    assert reassembly.add(segment(2, 0, b"whole", last=True)) == b"whole"
    assert reassembly.incomplete == 1
    assert reassembly.add(segment(0xFFFF, 0, b"ab")) is None
    assert reassembly.add(segment(0, 0, b"cd")) is None  # the sequence number wraps
    with pytest.raises(BadDatagram, match="OpenTrackIO segment of sample 65535 came after sample 0 began") as caught:
        reassembly.add(segment(0xFFFF, 2, b"c", last=True))
    assert caught.value.cause == "late"
    assert reassembly.add(segment(0, 2, b"ef", last=True)) == b"cdef"
    assert reassembly.incomplete == 2


def test_two_senders_do_not_mix() -> None:
    reassembly = Reassembly()
    one, two = ("10.0.0.1", 1), ("10.0.0.2", 1)
    assert reassembly.add(segment(1, 0, b"one "), one) is None
    assert reassembly.add(segment(1, 0, b"two "), two) is None
    assert reassembly.add(segment(1, 4, b"1", last=True), one) == b"one 1"
    assert reassembly.add(segment(1, 4, b"2", last=True), two) == b"two 2"


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ([segment(1, 0, b"abc"), segment(1, 0, b"abd")], "segments of sample 1 contradict each other"),
        ([segment(1, 0, b"abc"), segment(1, 2, b"cde", last=True)], "segments of sample 1 overlap or leave a gap"),
        ([segment(1, 5, b"abc"), segment(1, 2, b"cde", last=True)], "segments of sample 1 overlap or leave a gap"),
        ([segment(1, 0, b"a"), Segment(Encoding.CBOR, 1, 1, True, b"b")], "segments of sample 1 contradict each other"),
        ([segment(1, 1 << 30, b"abc")], "an OpenTrackIO sample has at most 262144 bytes in 256 segments"),
        ([segment(1, n, b"a") for n in range(257)], "an OpenTrackIO sample has at most 262144 bytes in 256 segments"),
    ],
)
def test_segments_that_make_no_sample(parts: list[Segment], message: str) -> None:
    reassembly = Reassembly()
    for part in parts[:-1]:
        assert reassembly.add(part) is None
    with pytest.raises(BadDatagram) as caught:
        reassembly.add(parts[-1])
    assert str(caught.value).endswith(message)
    assert reassembly.add(segment(2, 0, b"next", last=True)) == b"next"


def test_a_flood_of_senders_keeps_few() -> None:
    reassembly = Reassembly()
    for n in range(1000):
        reassembly.add(segment(1, 0, b"x" * 1000), ("10.0.0.1", n))
    assert len(reassembly._partials) == packets.MAX_STREAMS
    assert reassembly.incomplete == 1000 - packets.MAX_STREAMS


@given(st.binary(max_size=80) | st.binary(max_size=80).map(lambda d: with_checksum(b"OTrk" + d.ljust(12, b"\0"))))
def test_random_bytes_raise_nothing_but_protocol_error(data: bytes) -> None:
    with contextlib.suppress(ProtocolError):
        Reassembly().add(packets.parse(data))


def test_build_refuses_what_does_not_fit() -> None:
    with pytest.raises(ValueError, match="a segment has 1 to 32767 bytes, got 32768"):
        packets.build(b"a", Encoding.JSON, 1, segment_bytes=0x8000)
    with pytest.raises(ValueError, match="a sequence number of 16 bits, got 1 and 65536"):
        packets.build(b"a", Encoding.JSON, 0x10000)

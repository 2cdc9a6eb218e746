"""RTP payloads against the examples of their RFCs, round trips with losses, and rubbish."""

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from translight.core.errors import ProtocolError
from translight.stream import nal, rtp
from translight.stream.nal import VideoCodec


def _packets(
    unit: list[bytes], codec: VideoCodec, first: int = 65530, timestamp: int = 9, limit: int = 60
) -> list[bytes]:
    parts = list(rtp.payloads(unit, codec, limit))
    return [
        rtp.rtp_header(first + k, timestamp, 0xABCD, marker=k == len(parts) - 1) + prefix + bytes(part)
        for k, (prefix, part) in enumerate(parts)
    ]


def test_a_golden_fragment_of_h264():
    """RFC 6184, 5.8: FU indicator has F and NRI of the unit and type 28, the FU header start, end and its type."""
    unit = bytes([0x65]) + bytes(range(20))
    parts = [prefix + bytes(part) for prefix, part in rtp.payloads([unit], VideoCodec.H264, 12)]
    assert parts == [
        bytes([0x7C, 0x85]) + bytes(range(10)),
        bytes([0x7C, 0x45]) + bytes(range(10, 20)),
    ]


def test_a_golden_fragment_of_hevc():
    """RFC 7798, 4.4.3: the payload header's type is 49, the FU header holds start, end and the unit's type (IDR 19)."""
    unit = bytes([19 << 1, 1]) + bytes(range(20))
    parts = [prefix + bytes(part) for prefix, part in rtp.payloads([unit], VideoCodec.HEVC, 13)]
    assert parts == [
        bytes([0x62, 0x01, 0x93]) + bytes(range(10)),
        bytes([0x62, 0x01, 0x53]) + bytes(range(10, 20)),
    ]


units = st.lists(st.binary(min_size=0, max_size=200), min_size=1, max_size=4)


def _nals(payloads: list[bytes], codec: VideoCodec) -> list[bytes]:
    head = b"\x65" if codec is VideoCodec.H264 else b"\x26\x01"
    return [head + nal.escape(payload) + b"\x80" for payload in payloads]


@given(st.lists(units, min_size=1, max_size=4), st.sampled_from(VideoCodec), st.integers(10, 100))
def test_access_units_come_back(payloads: list[list[bytes]], codec: VideoCodec, limit: int):
    wanted = [_nals(unit, codec) for unit in payloads]
    receiver, sequence, found = rtp.Depacketiser(codec, 1 << 20), 65530, []
    for number, unit in enumerate(wanted):
        for packet in _packets(unit, codec, sequence, number * 1500, limit):
            assert len(packet) <= 12 + limit
            found += receiver.push(packet)
            sequence += 1
    assert found == [nal.join(unit) for unit in wanted]


@settings(deadline=None)
@given(st.sets(st.integers(0, 29)), st.sampled_from(VideoCodec))
def test_what_is_lost_is_said_and_nothing_broken_comes_out(lost: set[int], codec: VideoCodec):
    wanted = [_nals([bytes([n + 4]) * 150], codec) for n in range(10)]
    packets = [p for n, unit in enumerate(wanted) for p in _packets(unit, codec, 3 * n, n * 1500, 60)]
    assert len(packets) == 30
    receiver, found = rtp.Depacketiser(codec, 1 << 20), []
    for number, packet in enumerate(packets):
        if number not in lost:
            found += receiver.push(packet)
    # Nobody can tell whether a packet lost just before a unit was its first or the last of the unit before.
    sure = [nal.join(unit) for n, unit in enumerate(wanted) if not lost & set(range(3 * n - 1, 3 * n + 3))]
    units = [unit for unit in found if unit is not None]
    assert all(unit in units for unit in sure)
    assert all(unit in [nal.join(unit) for unit in wanted] for unit in units)
    assert lost or None not in found


def test_late_and_doubled_packets_change_nothing():
    wanted = [_nals([bytes([n + 4]) * 50], VideoCodec.H264) for n in range(3)]
    packets = [_packets(unit, VideoCodec.H264, n, n)[0] for n, unit in enumerate(wanted)]
    receiver = rtp.Depacketiser(VideoCodec.H264, 1 << 20)
    found = [unit for n in (0, 1, 0, 1, 2) for unit in receiver.push(packets[n])]
    assert found == [nal.join(unit) for unit in wanted]


def test_a_new_sender_is_taken_up():
    receiver = rtp.Depacketiser(VideoCodec.H264, 1 << 20)
    (first,) = _packets([b"\x65abc"], VideoCodec.H264)
    other = first[:2] + b"\x80\0" + first[4:8] + b"\1\2\3\4" + first[12:]
    assert receiver.push(first) == [nal.join([b"\x65abc"])]
    assert receiver.push(other) == [None, nal.join([b"\x65abc"])]


def test_aggregates_extensions_and_padding_are_read():
    aggregate = bytes([0x78]) + b"\0\2\x67a" + b"\0\3\x65bc"
    head = struct.pack(">BBHII", 0x80 | 0x20 | 0x10 | 1, 0xE0, 1, 2, 3) + b"CSRC" + b"\xbe\xde\0\1ext!"
    receiver = rtp.Depacketiser(VideoCodec.H264, 1 << 20)
    assert receiver.push(head + aggregate + b"\0\0\3") == [nal.join([b"\x67a", b"\x65bc"])]


@pytest.mark.parametrize(
    ("packet", "message"),
    [
        (b"", "an RTP header is 12 bytes, got 0"),
        (bytes(20), "RTP version 2 is read, got 0"),
        (b"\x80" + bytes(11), "an RTP packet has no payload"),
        (b"\x90" + bytes(12), "an RTP header extension is cut off"),
        (b"\x80" + bytes(11) + b"\x65", "an RTP payload of 1 bytes holds no NAL unit"),
        (b"\x80" + bytes(11) + b"\x7c\x80", "an RTP fragment is empty"),
        (b"\x80" + bytes(11) + b"\x78\0\5\x65a", "an RTP aggregate is cut off"),
        (b"\x80" + bytes(11) + b"\x78\0\0\x65a", "an RTP aggregate is cut off"),
        (b"\x80" + bytes(11) + b"\x7d\x85a", "RTP payloads of type 29 are not read"),
    ],
)
def test_a_broken_packet_is_named(packet: bytes, message: str):
    with pytest.raises(ProtocolError) as caught:
        rtp.Depacketiser(VideoCodec.H264, 1 << 20).push(packet)
    assert str(caught.value) == message


@given(st.lists(st.binary(max_size=60), max_size=20), st.sampled_from(VideoCodec))
def test_rubbish_raises_nothing_but_protocol_errors(packets: list[bytes], codec: VideoCodec):
    receiver = rtp.Depacketiser(codec, 100)
    for packet in packets:
        for data in (packet, b"\x80\x60" + packet):
            try:
                out = receiver.push(data)
            except ProtocolError:
                continue
            assert all(unit is None or len(unit) <= 100 for unit in out)


def test_a_unit_without_end_is_given_up():
    receiver = rtp.Depacketiser(VideoCodec.H264, 1000)
    for sequence in range(50):
        flags = b"\x85" if sequence == 0 else b"\x05"
        assert receiver.push(rtp.rtp_header(sequence, 1, 1, marker=False) + b"\x7c" + flags + bytes(100)) == []
    assert receiver.push(rtp.rtp_header(50, 1, 1, marker=True) + b"\x7c\x45end") == [None]


def test_a_sender_report_says_which_time_is_which():
    """RFC 3550, 6.4.1: NTP's era began in 1900, its fraction is of 2³²."""
    packet = rtp.sender_report(0x01020304, 1_500_000_000, 90_000 * 2**20 + 5, 7, 8, "me@here")
    version, kind, length, ssrc, seconds, fraction, timestamp, packets, octets = struct.unpack_from(
        ">BBHIIIIII", packet
    )
    assert (version, kind, length, ssrc) == (0x80, 200, 6, 0x01020304)
    assert (seconds, fraction) == (2_208_988_801, 1 << 31)
    assert (timestamp, packets, octets) == ((90_000 * 2**20 + 5) % 2**32, 7, 8)
    description = packet[28:]
    assert len(description) == 4 * (struct.unpack(">H", description[2:4])[0] + 1)
    assert description[8:17] == b"\1\7me@here"
    assert rtp.goodbye(5, "me")[-8:] == b"\x81\xcb\0\1\0\0\0\5"

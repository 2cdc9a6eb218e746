"""Transport streams: what PyAV's muxer makes is read by our reader and by FFmpeg; losses are said; rubbish is named."""

import io
from dataclasses import replace

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.stream.pictures_to_send import chart, header, packed

from translight.core.errors import ProtocolError
from translight.stream import nal
from translight.stream.contract import PictureSpec
from translight.stream.encoder import AccessUnit, Encoder
from translight.stream.mpegts import PACKET_BYTES, TsMuxer, TsReader
from translight.stream.nal import VideoCodec
from translight.stream.video_options import VideoOptions

SPEC = PictureSpec(96, 64)


def _units(codec: str, frames: int = 8, first: int = 1000) -> list[AccessUnit]:
    encoder = Encoder("test://", SPEC, VideoOptions(codec, gop_s=0.05, encoder="software", threads=1))
    made = [encoder.encode(packed(chart(96, 64, n), SPEC.format), header(first + n, SPEC)) for n in range(frames)]
    return [unit for unit in made if unit is not None]


def _datagrams(units: list[AccessUnit], codec: str) -> list[list[bytes]]:
    muxer = TsMuxer(VideoCodec(codec), 96, 64)
    out = []
    for unit in units:
        data = muxer.mux(unit)
        assert len(data) % PACKET_BYTES == 0
        out.append([data[at : at + 1316] for at in range(0, len(data), 1316)])
    muxer.close()
    return out


def _with_headers(found: list[bytes | None], codec: str) -> list[int]:
    headers = [nal.read_header(nal.split(unit), VideoCodec(codec)) for unit in found if unit is not None]
    return [h.frame for h in headers if h is not None]


@pytest.mark.parametrize("codec", ["h264", "hevc"])
def test_each_unit_comes_out_with_its_own_last_datagram(codec: str):
    units = _units(codec)
    reader = TsReader(1 << 20)
    for unit, datagrams in zip(units, _datagrams(units, codec), strict=True):
        found = [out for datagram in datagrams for out in reader.push(datagram)]
        assert _with_headers(found, codec) == [unit.header.frame]
        assert reader.codec == codec
        (data,) = found
        assert data is not None
        # The muxer adds an access unit delimiter; all else is as it was.
        assert [bytes(n) for n in nal.split(data)][-len(unit.nals) :] == [bytes(n) for n in unit.nals]


def test_ffmpeg_reads_the_times_of_the_frame_clock():
    units = _units("h264")
    stream = b"".join(d for datagrams in _datagrams(units, "h264") for d in datagrams)
    with av.open(io.BytesIO(stream), format="mpegts") as container:
        times = [packet.pts for packet in container.demux(video=0) if packet.pts is not None]
    assert times == [(1000 + n) * 1500 for n in range(8)]


def test_a_show_that_starts_again_is_muxed_on():
    units = _units("h264", 2, 5000) + _units("h264", 2, 7)
    reader = TsReader(1 << 20)
    found = [out for datagrams in _datagrams(units, "h264") for d in datagrams for out in reader.push(d)]
    frames = _with_headers(found, "h264")
    assert frames[:2] == [5000, 5001]
    assert frames[-1] == 8


@given(st.sets(st.integers(0, 15)))
def test_what_is_lost_is_said_and_nothing_broken_comes_out(lost: set[int]):
    datagrams = [d for unit in LOST_FROM for d in unit]
    reader = TsReader(1 << 20)
    found = [out for n, d in enumerate(datagrams) if n not in lost for out in reader.push(d)]
    units = [unit for unit in found if unit is not None]
    clean = TsReader(1 << 20)
    whole = [out for d in datagrams for out in clean.push(d)]
    assert all(unit in whole for unit in units)


LOST_FROM = _datagrams(_units("h264"), "h264")


@pytest.mark.parametrize(
    ("datagram", "message"),
    [
        (b"", "a datagram of 0 bytes does not hold whole packets of 188"),
        (bytes(187), "a datagram of 187 bytes does not hold whole packets of 188"),
        (bytes(188), "a transport packet begins with 0x47, got 0x00"),
        (b"\x47\0\1\x30\xff".ljust(188), "a transport packet's adaptation field fills more than the packet"),
        (b"\x47\x40\0\x10\0\1".ljust(188), "there is no section of table 0 where one should be"),
        (b"\x47\x40\0\x10\0\0\xbf\xff".ljust(188), "a section of table 0 is cut off"),
    ],
)
def test_a_broken_packet_is_named(datagram: bytes, message: str):
    with pytest.raises(ProtocolError) as caught:
        TsReader(1 << 20).push(datagram)
    assert str(caught.value) == message


@given(st.lists(st.tuples(st.integers(0, 15), st.integers(0, 187), st.binary(min_size=1, max_size=8)), max_size=12))
def test_damage_raises_nothing_but_protocol_errors(damages: list[tuple[int, int, bytes]]):
    """Bits of a real stream overwritten at random, packet by packet."""
    stream = bytearray(b"".join(d for unit in LOST_FROM for d in unit))
    for packet, at, rubbish in damages:
        stream[packet * 188 + at : packet * 188 + at + len(rubbish)] = rubbish
    reader = TsReader(5000)
    for at in range(0, len(stream) // 188 * 188, 188):
        try:
            out = reader.push(bytes(stream[at : at + 188]))
        except ProtocolError:
            continue
        assert all(unit is None or len(unit) <= 5000 for unit in out)


def test_a_foreign_frame_size_is_no_matter():
    """The muxer's size is only of interest to itself."""
    (unit, *_) = _units("h264", 1)
    assert TsMuxer(VideoCodec.H264, 2, 2).mux(replace(unit, key=True))

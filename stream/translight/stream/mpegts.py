"""MPEG transport streams (ITU-T H.222.0) of one video: out by PyAV's muxer, in by a small reader of our own.

The reader hands an access unit on as soon as its PES packet is whole: where the muxer could say the length, without
waiting for the next one.
"""

from __future__ import annotations

import io
from fractions import Fraction

import av
from av.stream import Stream

from translight.core.errors import ProtocolError, StreamError
from translight.stream import nal
from translight.stream.encoder import AccessUnit
from translight.stream.nal import VideoCodec
from translight.stream.video import CLOCK_HZ, media_time

PACKET_BYTES = 188
DATAGRAM_BYTES = 7 * PACKET_BYTES
"""What fits Ethernet's 1500 bytes; the custom for TS over UDP."""
_SYNC = 0x47
_PAT_PID, _NULL_PID = 0, 0x1FFF
_STREAM_TYPES = {0x1B: VideoCodec.H264, 0x24: VideoCodec.HEVC}
_PTS_WRAP = 1 << 33
_TIME_BASE = Fraction(1, CLOCK_HZ)


class TsMuxer:
    """Access units in, transport stream packets out; tables are sent before each key picture."""

    def __init__(self, codec: VideoCodec, width_px: int, height_px: int) -> None:
        self._codec = codec
        self._size = (width_px, height_px)
        self._out = _Sink()
        self._container: av.container.OutputContainer | None = None
        self._stream: Stream | None = None
        self._last = -1

    def mux(self, unit: AccessUnit) -> bytes:
        """The packets of an access unit."""
        time = media_time(unit.header) % _PTS_WRAP
        if self._container is None or time <= self._last:
            self._begin()
        self._last = time
        assert self._container is not None
        packet = av.Packet(nal.join(unit.nals))
        assert self._stream is not None
        packet.stream = self._stream
        packet.pts = packet.dts = time
        packet.time_base = _TIME_BASE
        packet.is_keyframe = unit.key
        try:
            self._container.mux(packet)
        except av.FFmpegError as error:
            raise StreamError(f"the transport stream's muxer failed ({error.strerror})") from error
        return self._out.taken()

    def close(self) -> None:
        """End the stream."""
        if self._container is not None:
            self._container.close()
            self._container = None

    def _begin(self) -> None:
        self.close()
        options = {
            "flush_packets": "1", "omit_video_pes_length": "0", "pcr_period": "20", "pat_period": "0.2",
            "mpegts_flags": "resend_headers", "mpegts_copyts": "1",
        }  # fmt: skip
        self._container = av.open(self._out, "w", format="mpegts", options=options)
        self._stream = self._container.add_mux_stream(
            self._codec.value, width=self._size[0], height=self._size[1], time_base=_TIME_BASE
        )


class _Sink(io.RawIOBase):
    """What the muxer writes to."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self._parts.append(bytes(data))
        return len(data)

    def taken(self) -> bytes:
        data = b"".join(self._parts)
        self._parts.clear()
        return data


class TsReader:
    """Datagrams of whole packets in, Annex B access units of the first H.264 or HEVC stream out.

    None among them says that packets went missing (their continuity counter jumped) before what follows.
    """

    def __init__(self, max_bytes: int) -> None:
        self.codec: VideoCodec | None = None
        self._max_bytes = max_bytes
        self._pmt_pid: int | None = None
        self._video_pid: int | None = None
        self._counter: int | None = None
        self._parts: list[bytes] = []
        self._size = 0
        self._wanted: int | None = None
        self._broken = False

    def push(self, datagram: bytes | memoryview) -> list[bytes | None]:
        """Take a datagram. Raises ProtocolError on one that breaks the format; what was good before it is kept."""
        view = memoryview(datagram)
        if len(view) == 0 or len(view) % PACKET_BYTES:
            raise ProtocolError(f"a datagram of {len(view)} bytes does not hold whole packets of {PACKET_BYTES}")
        out: list[bytes | None] = []
        for at in range(0, len(view), PACKET_BYTES):
            out += self._packet(view[at : at + PACKET_BYTES])
        return out

    def _packet(self, packet: memoryview) -> list[bytes | None]:
        if packet[0] != _SYNC:
            raise ProtocolError(f"a transport packet begins with 0x47, got 0x{packet[0]:02x}")
        start, pid = bool(packet[1] & 0x40), (packet[1] & 0x1F) << 8 | packet[2]
        control, counter = packet[3] >> 4 & 3, packet[3] & 0x0F
        begin = 4 + (1 + packet[4] if control & 2 else 0)
        if not control & 1 or pid == _NULL_PID:
            return []
        if begin >= PACKET_BYTES:
            raise ProtocolError("a transport packet's adaptation field fills more than the packet")
        payload = packet[begin:]
        if pid == _PAT_PID and start:
            self._pmt_pid = _program_map(payload)
        elif pid == self._pmt_pid and start:
            self._video_pid, self.codec = _video(payload)
        elif pid == self._video_pid:
            return self._video(payload, counter, start=start)
        return []

    def _video(self, payload: memoryview, counter: int, *, start: bool) -> list[bytes | None]:
        if counter == self._counter:
            return []  # sent twice, as the standard allows
        if self._counter is not None and counter != (self._counter + 1) & 0x0F:
            self._broken = True
        self._counter = counter
        out: list[bytes | None] = []
        if start:
            out += self._finish()
            if len(payload) < 9 or bytes(payload[:3]) != b"\0\0\1" or len(payload) < 9 + payload[8]:
                raise ProtocolError("a PES header is broken")
            length = payload[4] << 8 | payload[5]
            head = 9 + payload[8]
            self._wanted = length - (head - 6) if length else None
            payload = payload[head:]
        elif not self._parts and self._wanted is None and self._size == 0:
            return out  # its beginning was not heard
        self._parts.append(bytes(payload))
        self._size += len(payload)
        if self._size > self._max_bytes:
            self._parts, self._broken = [b""], True
        if self._wanted is not None and self._size >= self._wanted:
            out += self._finish()
        return out

    def _finish(self) -> list[bytes | None]:
        broken = self._broken or (self._wanted is not None and self._size < self._wanted)
        unit = b"".join(self._parts)
        heard = bool(self._parts)
        self._parts, self._size, self._wanted, self._broken = [], 0, None, False
        if broken:
            return [None]
        return [unit] if heard and unit else []


def _section(payload: memoryview, table: int) -> memoryview:
    """A table's section that lies in one packet, from its table id to before its CRC."""
    begin = 1 + payload[0]
    if begin + 8 > len(payload) or payload[begin] != table:
        raise ProtocolError(f"there is no section of table {table} where one should be")
    end = begin + 3 + ((payload[begin + 1] & 0x0F) << 8 | payload[begin + 2]) - 4
    if not begin + 8 <= end <= len(payload):
        raise ProtocolError(f"a section of table {table} is cut off")
    return payload[begin:end]


def _program_map(payload: memoryview) -> int | None:
    """PID of the first program's map."""
    section = _section(payload, 0)
    for at in range(8, len(section) - 3, 4):
        if section[at] << 8 | section[at + 1]:
            return (section[at + 2] & 0x1F) << 8 | section[at + 3]
    return None


def _video(payload: memoryview) -> tuple[int | None, VideoCodec | None]:
    """PID and codec of the first video that is known."""
    section = _section(payload, 2)
    if len(section) < 12:
        raise ProtocolError("a program map is cut off")
    at = 12 + ((section[10] & 0x0F) << 8 | section[11])
    while at + 5 <= len(section):
        codec = _STREAM_TYPES.get(section[at])
        if codec is not None:
            return (section[at + 1] & 0x1F) << 8 | section[at + 2], codec
        at += 5 + ((section[at + 3] & 0x0F) << 8 | section[at + 4])
    return None, None

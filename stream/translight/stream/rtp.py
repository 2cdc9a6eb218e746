"""RTP packets of H.264 (RFC 6184) and HEVC (RFC 7798) access units, both ways, and RTCP sender reports (RFC 3550).

Bytes in, values out; rtp_socket.py and rtsp_server.py send them. Packets are single NAL units or fragments of one, in
decoding order; the marker bit closes an access unit, so a receiver need not wait for the next.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence

from translight.core.errors import ProtocolError
from translight.stream.nal import VideoCodec

PAYLOAD_TYPE = 96
"""The first dynamic one (RFC 3551, section 6)."""
PAYLOAD_BYTES = 1400
"""Of a packet after its RTP header: 1440 bytes with IP and UDP, within Ethernet's 1500 with room for a tunnel."""
HEADER_BYTES = 12
_MARKER = 0x80
_FU_A, _STAP_A = 28, 24
_HEVC_FU, _HEVC_AP = 49, 48
_START = b"\0\0\0\1"
_NTP_EPOCH_S = 2_208_988_800  # from 1900 to 1970
_SENDER_REPORT, _DESCRIPTION, _BYE = 200, 202, 203


def rtp_header(sequence: int, timestamp: int, ssrc: int, *, marker: bool) -> bytes:
    """The twelve bytes before a payload (RFC 3550, 5.1)."""
    return struct.pack(
        ">BBHII",
        0x80,
        PAYLOAD_TYPE | (_MARKER if marker else 0),
        sequence & 0xFFFF,
        timestamp & 0xFFFFFFFF,
        ssrc,
    )


def payloads(
    nals: Sequence[bytes | memoryview], codec: VideoCodec, limit: int = PAYLOAD_BYTES
) -> Iterator[tuple[bytes, memoryview]]:
    """The payloads of an access unit, each as a prefix and a part of a NAL unit; nothing is copied."""
    for nal in nals:
        view = memoryview(nal)
        if len(view) <= limit:
            yield b"", view
            continue
        if codec is VideoCodec.H264:
            first = view[0]
            indicator, kind, body, head = bytes([first & 0xE0 | _FU_A]), first & 0x1F, view[1:], 2
        else:
            first = view[0]
            indicator, kind, body, head = bytes([first & 0x81 | _HEVC_FU << 1, view[1]]), first >> 1 & 0x3F, view[2:], 3
        size = limit - head
        for at in range(0, len(body), size):
            part = body[at : at + size]
            start, end = 0x80 * (at == 0), 0x40 * (at + size >= len(body))
            yield indicator + bytes([start | end | kind]), part


class Depacketiser:
    """RTP packets in, Annex B access units out. None among them says that packets went missing before what follows."""

    def __init__(self, codec: VideoCodec, max_bytes: int) -> None:
        self._codec = codec
        self._max_bytes = max_bytes
        """Security: an access unit that grows past this is given up."""
        self._ssrc: int | None = None
        self._next = 0
        self._timestamp = 0
        self._parts: list[bytes] = []
        self._size = 0
        self._broken = False
        self._fragment = False

    def push(self, packet: bytes | memoryview) -> list[bytes | None]:
        """Take a packet. Raises ProtocolError on one that breaks the format; it then counts as lost."""
        payload, sequence, timestamp, ssrc, marker = _read(packet)
        out: list[bytes | None] = []
        if ssrc != self._ssrc:
            if self._ssrc is not None:
                out.append(None)
            self._ssrc, self._next, self._timestamp = ssrc, sequence, timestamp
            self._restart()
        gap = (sequence - self._next) & 0xFFFF
        if gap >= 0x8000:
            return out  # late or twice
        self._next = (sequence + 1) & 0xFFFF
        if timestamp != self._timestamp:
            # The packet with the marker is among the lost.
            self._broken = self._broken or gap > 0
            out += self._finish()
            self._timestamp = timestamp
        if gap:
            self._broken = True
        try:
            self._append(payload)
        except ProtocolError:
            self._broken = True
            if marker:
                out += self._finish()
            raise
        if marker:
            out += self._finish()
        return out

    def _append(self, payload: memoryview) -> None:
        h264 = self._codec is VideoCodec.H264
        head = 1 if h264 else 2
        if len(payload) <= head:
            raise ProtocolError(f"an RTP payload of {len(payload)} bytes holds no NAL unit")
        kind = payload[0] & 0x1F if h264 else payload[0] >> 1 & 0x3F
        if kind == (_FU_A if h264 else _HEVC_FU):
            self._append_fragment(payload, head)
        elif kind == (_STAP_A if h264 else _HEVC_AP):
            self._append_aggregate(payload[head:])
        elif kind > (_STAP_A if h264 else _HEVC_AP):
            raise ProtocolError(f"RTP payloads of type {kind} are not read")
        else:
            self._fragment = False
            self._add(_START, payload)

    def _append_fragment(self, payload: memoryview, head: int) -> None:
        if len(payload) <= head + 1:
            raise ProtocolError("an RTP fragment is empty")
        flags = payload[head]
        if flags & 0x80:
            if self._codec is VideoCodec.H264:
                first = bytes([payload[0] & 0xE0 | flags & 0x1F])
            else:
                first = bytes([payload[0] & 0x81 | (flags & 0x3F) << 1, payload[1]])
            self._fragment = True
            self._add(_START, first)
        elif not self._fragment:
            self._broken = True  # its beginning was lost
            return
        self._add(payload[head + 1 :])
        if flags & 0x40:
            self._fragment = False

    def _append_aggregate(self, rest: memoryview) -> None:
        while rest:
            if len(rest) < 2 or (size := int.from_bytes(rest[:2], "big")) == 0 or len(rest) < 2 + size:
                raise ProtocolError("an RTP aggregate is cut off")
            self._add(_START, rest[2 : 2 + size])
            rest = rest[2 + size :]

    def _add(self, *parts: bytes | memoryview) -> None:
        self._size += sum(len(part) for part in parts)
        if self._size > self._max_bytes:
            self._broken = True
            self._parts.clear()
            return
        self._parts += [bytes(part) for part in parts]

    def _finish(self) -> list[bytes | None]:
        unit: list[bytes | None] = [None] if self._broken else [b"".join(self._parts)] if self._parts else []
        self._restart()
        return unit

    def _restart(self) -> None:
        self._parts, self._size, self._broken, self._fragment = [], 0, False, False


def _read(packet: bytes | memoryview) -> tuple[memoryview, int, int, int, bool]:
    """Payload, sequence number, timestamp, SSRC and marker of an RTP packet."""
    view = memoryview(packet)
    if len(view) < HEADER_BYTES:
        raise ProtocolError(f"an RTP header is {HEADER_BYTES} bytes, got {len(view)}")
    first, second, sequence, timestamp, ssrc = struct.unpack_from(">BBHII", view)
    if first >> 6 != 2:
        raise ProtocolError(f"RTP version 2 is read, got {first >> 6}")
    begin, end = HEADER_BYTES + 4 * (first & 0x0F), len(view)
    if first & 0x10:  # an extension: its length in words stands in its second half-word
        if end < begin + 4:
            raise ProtocolError("an RTP header extension is cut off")
        begin += 4 + 4 * int.from_bytes(view[begin + 2 : begin + 4], "big")
    if first & 0x20 and end > begin:
        end -= view[-1]
    if begin >= end:
        raise ProtocolError("an RTP packet has no payload")
    return view[begin:end], sequence, timestamp, ssrc, bool(second & _MARKER)


def sender_report(ssrc: int, unix_ns: int, timestamp: int, packets: int, octets: int, name: str) -> bytes:
    """A compound RTCP packet: at the time ``unix_ns`` the RTP clock stood at ``timestamp``; ``name`` is the CNAME."""
    seconds, fraction = divmod(unix_ns, 1_000_000_000)
    ntp = (seconds + _NTP_EPOCH_S & 0xFFFFFFFF) << 32 | (fraction << 32) // 1_000_000_000
    words = (timestamp & 0xFFFFFFFF, packets & 0xFFFFFFFF, octets & 0xFFFFFFFF)
    return struct.pack(">BBHIQIII", 0x80, _SENDER_REPORT, 6, ssrc, ntp, *words) + _description(ssrc, name)


def goodbye(ssrc: int, name: str) -> bytes:
    """A compound RTCP packet that ends a stream: an empty report, who, and BYE."""
    empty_report = struct.pack(">BBHI", 0x80, 201, 1, ssrc)
    return empty_report + _description(ssrc, name) + struct.pack(">BBHI", 0x81, _BYE, 1, ssrc)


def _description(ssrc: int, name: str) -> bytes:
    text = name.encode()[:255]
    item = struct.pack(">I", ssrc) + bytes([1, len(text)]) + text
    item += b"\0" * (4 - len(item) % 4)  # at least one zero ends the list
    return struct.pack(">BBH", 0x81, _DESCRIPTION, len(item) // 4) + item

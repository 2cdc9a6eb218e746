"""OpenTrackIO's UDP packets: the 16-byte header, Fletcher-16, segments and their reassembly; payloads: opentrackio.py.

SMPTE RIS-OSVP OpenTrackIO 1.0.1, "Transport recommendations". Big-endian: ``OTrk``, a reserved byte, encoding, the
sample's sequence number (16 bits), the segment's offset (32), last-segment flag and payload length (1 + 15), and
Fletcher-16 modulo 256 over header and payload without the checksum's own bytes.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Literal

import numpy as np

from translight.tracking.datagram import NO_SENDER, Address, BadDatagram

HEADER_BYTES = 16
SEGMENT_BYTES = 1484
"""Payload bytes of a segment that fills an Ethernet frame as the reference sender does."""

# security: what a hostile or broken sender can make the receiver keep
MAX_SAMPLE_BYTES = 256 * 1024
MAX_SEGMENTS = 256
MAX_STREAMS = 16

_MAGIC = b"OTrk"
_HEADER = struct.Struct(">4sBBHIHH")
_LAST = 0x8000
_MAX_PAYLOAD = 0x7FFF
_COUNTDOWN = np.arange(65536, 0, -1).astype(np.uint8)

Modulus = Literal[256, 255]


class Encoding(IntEnum):
    """Payload formats that are read; from 0x80 on they are vendors' own."""

    JSON = 1
    CBOR = 2


@dataclass(frozen=True, slots=True)
class Segment:
    """One packet: a sample's whole payload, or a part of it."""

    encoding: Encoding
    sequence: int
    offset: int
    last: bool
    payload: bytes


def parse(datagram: bytes, *, modulus: Modulus = 256) -> Segment:
    """Read one packet. Raises BadDatagram on a wrong length, magic, encoding or checksum.

    ``modulus=255`` is for senders that compute Fletcher-16 as RFC 1146 does, as the reference Python sender did before
    the specification chose 256.
    """
    if len(datagram) < HEADER_BYTES:
        raise BadDatagram("length", f"an OpenTrackIO packet is at least {HEADER_BYTES} bytes, got {len(datagram)}")
    magic, _, encoding, sequence, offset, flag_length, checksum = _HEADER.unpack_from(datagram)
    if magic != _MAGIC:
        raise BadDatagram("type", f"an OpenTrackIO packet begins with {_MAGIC!r}, got {magic!r}")
    length = flag_length & _MAX_PAYLOAD
    if len(datagram) != HEADER_BYTES + length:
        found = len(datagram) - HEADER_BYTES
        raise BadDatagram("length", f"the OpenTrackIO header says {length} bytes of payload, {found} follow")
    payload = datagram[HEADER_BYTES:]
    right = fletcher16(datagram[: HEADER_BYTES - 2] + payload, modulus)
    if checksum != right:
        hint = _hint(datagram, checksum, modulus)
        message = f"OpenTrackIO checksum is {checksum:04x}, the bytes ask for {right:04x}{hint}"
        raise BadDatagram("checksum", message)
    if encoding not in (Encoding.JSON, Encoding.CBOR):
        raise BadDatagram("encoding", f"OpenTrackIO encoding is 1 (JSON) or 2 (CBOR), got {encoding}")
    last = bool(flag_length & _LAST)
    if length == 0:
        raise BadDatagram("length", "an OpenTrackIO packet has a payload, this one has none")
    return Segment(Encoding(encoding), sequence, offset, last, payload)


def build(
    payload: bytes,
    encoding: Encoding,
    sequence: int,
    *,
    segment_bytes: int = SEGMENT_BYTES,
    modulus: Modulus = 256,
) -> list[bytes]:
    """The packets of one sample: one when it fits into ``segment_bytes``, else several, in order."""
    if not 1 <= segment_bytes <= _MAX_PAYLOAD:
        raise ValueError(f"a segment has 1 to {_MAX_PAYLOAD} bytes, got {segment_bytes}")
    if not payload or not 0 <= sequence <= 0xFFFF:
        raise ValueError(f"a sample has a payload and a sequence number of 16 bits, got {len(payload)} and {sequence}")
    packets = []
    for offset in range(0, len(payload), segment_bytes):
        part = payload[offset : offset + segment_bytes]
        flag = _LAST if offset + len(part) == len(payload) else 0
        head = _HEADER.pack(_MAGIC, 0, encoding, sequence, offset, flag | len(part), 0)[:-2]
        packets.append(head + fletcher16(head + part, modulus).to_bytes(2, "big") + part)
    return packets


def fletcher16(data: bytes, modulus: Modulus = 256) -> int:
    """Fletcher's checksum of at most 65536 bytes: (second sum << 8) | first sum."""
    values = np.frombuffer(data, np.uint8)
    if modulus == 256:
        first = int(values.sum(dtype=np.uint8))
        second = int((values * _COUNTDOWN[len(_COUNTDOWN) - len(values) :]).sum(dtype=np.uint8))
    else:
        first = int(values.sum(dtype=np.int64)) % modulus
        second = int(values.astype(np.int64) @ np.arange(len(values), 0, -1)) % modulus
    return second << 8 | first


@dataclass(slots=True)
class _Partial:
    """The segments of one sample that have come."""

    sequence: int
    encoding: Encoding
    parts: dict[int, bytes] = field(default_factory=dict)
    total: int | None = None
    have: int = 0


class Reassembly:
    """Joins segments to payloads, one sample a sender at a time: a newer sample ends an incomplete older one.

    At most ``MAX_STREAMS`` senders, each with ``MAX_SAMPLE_BYTES`` in ``MAX_SEGMENTS``: security against floods.
    """

    def __init__(self) -> None:
        self._partials: dict[Address, _Partial] = {}
        self.incomplete = 0
        """Samples dropped because a segment did not come."""

    def add(self, segment: Segment, sender: Address = NO_SENDER) -> bytes | None:
        """The payload that this segment completes, or None. Raises BadDatagram when it cannot belong to a sample."""
        partial = self._partials.get(sender)
        if partial is not None and partial.sequence != segment.sequence:
            if _newer(partial.sequence, segment.sequence):
                message = f"OpenTrackIO segment of sample {segment.sequence} came after sample {partial.sequence} began"
                raise BadDatagram("late", message)
            self._drop(sender)
            partial = None
        if segment.last and segment.offset == 0:
            if partial is not None:
                self._drop(sender)
            return segment.payload
        if partial is None:
            if len(self._partials) >= MAX_STREAMS:
                self._drop(next(iter(self._partials)))
            partial = self._partials[sender] = _Partial(segment.sequence, segment.encoding)
        try:
            complete = _join(partial, segment)
        except BadDatagram:
            self._drop(sender)
            raise
        if complete is not None:
            del self._partials[sender]
        return complete

    def _drop(self, sender: Address) -> None:
        del self._partials[sender]
        self.incomplete += 1


def _join(partial: _Partial, segment: Segment) -> bytes | None:
    end = segment.offset + len(segment.payload)
    if partial.parts.get(segment.offset) == segment.payload:
        return None  # a repeated packet; consumers process one instance
    if end > MAX_SAMPLE_BYTES or len(partial.parts) >= MAX_SEGMENTS:
        message = f"an OpenTrackIO sample has at most {MAX_SAMPLE_BYTES} bytes in {MAX_SEGMENTS} segments"
        raise BadDatagram("too large", message)
    if segment.offset in partial.parts or segment.encoding != partial.encoding:
        raise BadDatagram("segments", f"OpenTrackIO segments of sample {segment.sequence} contradict each other")
    partial.parts[segment.offset] = segment.payload
    partial.have += len(segment.payload)
    if segment.last:
        partial.total = end
    if partial.total is None or partial.have < partial.total:
        return None
    payload = bytearray()
    for offset in sorted(partial.parts):
        if offset != len(payload):
            raise BadDatagram("segments", f"OpenTrackIO segments of sample {segment.sequence} overlap or leave a gap")
        payload += partial.parts[offset]
    return bytes(payload)


def _newer(sequence: int, than: int) -> bool:
    return 0 < (sequence - than) & 0xFFFF < 0x8000


def _hint(datagram: bytes, checksum: int, modulus: Modulus) -> str:
    other: Modulus = 255 if modulus == 256 else 256
    if checksum == fletcher16(datagram[: HEADER_BYTES - 2] + datagram[HEADER_BYTES:], other):
        return f"; it is right modulo {other}: add fletcher={other} to the source"
    return ""
